"""``lift``: the built-in engine. Fit the free body to the photo, project the photo onto it, fill, refine.

`lift` goes through each photo (`view`) and combines them. The stages, and what belongs to each:

- fit: model, problem, start, solve, prior, landmarks, ground, contact, flips, facing, hang, face, hands,
  doubt
- parse: expect, palette, crown, garments, things, labels
- volume: hanging, mop, soles, drape, wall, face_warp, surface, zbuffer
- place: placed, lattice, depth, overlap, borders, headwear, lathe, held, bound
- fill: dressed, hair, lettering, stock, bands, weave, seam, colour
- shape, refine, canvas, register, combine, outcome
"""
