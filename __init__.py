"""LHM Avatars: a photo of a person becomes a posable 3D Gaussian avatar in Blender.

Nothing is imported here, so the package also loads without Blender: in the engine's process and in tests.
"""


def register() -> None:
    """Add the extension to Blender."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Take everything that `register` added out of Blender again."""
    from . import registration

    registration.unregister()
