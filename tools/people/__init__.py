"""The stages that make the people that reconstructions are measured on: the bundled body, dressed.

recipe → table (who they are) → poses → cloth, cuts, wearer → solids → openings → folds
→ garments → hairdo, headwear, things → dressed
fabrics, lettering (what things are made of) → parts → stage (light, backgrounds) → camera, film → session

Shared with the example picture: shapes, noise, materials, skin and shoes of tools/example.
"""
