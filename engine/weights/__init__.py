"""Model files: what there is, what each allows, how it gets here, where it lies.

``catalogue``, ``licences`` and ``store`` need the standard library only, so that Blender can show them.
``download`` and ``bring`` do the work, in the engine's process.
"""
