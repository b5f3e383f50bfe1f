"""What LHM Preview shows: meshes in plain light, splats cut by their depth, shadows, passes.

Read in this order: ``values`` (what comes in), ``triangles`` (which mesh is seen where), ``lamps`` and
``shadows`` (what light arrives), ``shade``, ``meshes`` (their picture), ``frame`` (with the splats).
"""
