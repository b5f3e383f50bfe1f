"""The stages that make assets/example_person.jpg: a person of our own, dressed, rendered with Cycles.

shapes (tools for meshes) → person → garments → drape → shoes, skin, hair → materials → room → photo
"""
