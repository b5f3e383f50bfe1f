"""Show of an avatar what its photos say about each place, instead of the photos' colours.

The display nodes do it, so it is in the viewport and in every picture, and is saved and undone with the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..rigging.nodes import input_names, is_generated, modifier_input, set_modifier_input
from .display_nodes import CONFIDENCE, NAME, display_group

if TYPE_CHECKING:
    import bpy

DISPLAY = "LHM Display"
"""Name of the modifier that shows an avatar."""


def display_modifier(cloud: bpy.types.Object) -> bpy.types.Modifier | None:
    """The modifier that shows an avatar; None when the user removed it or gave it other nodes.

    Args:
        cloud: The avatar's Gaussians.
    """
    found = cloud.modifiers.get(DISPLAY)
    tree = getattr(found, "node_group", None)
    return found if tree is not None and is_generated(tree, NAME) else None


def shows_confidence(cloud: bpy.types.Object) -> bool:
    """Whether the avatar shows it now; one from an older version of the nodes does not.

    Args:
        cloud: The avatar's Gaussians.
    """
    modifier = display_modifier(cloud)
    if modifier is None or CONFIDENCE not in input_names(modifier.node_group):
        return False
    return bool(modifier_input(modifier, CONFIDENCE))


def show_confidence(cloud: bpy.types.Object, shown: bool) -> None:
    """Show it, or the photos' colours again.

    Args:
        cloud: The avatar's Gaussians; nothing happens where our nodes do not show them.
        shown: Which.
    """
    modifier = display_modifier(cloud)
    if modifier is None or shows_confidence(cloud) == shown:
        return
    if CONFIDENCE not in input_names(modifier.node_group):
        _renew(modifier)
    set_modifier_input(modifier, CONFIDENCE, shown)
    cloud.update_tag()  # Blender 4.5 and 5.0 do not notice


def _renew(modifier: bpy.types.Modifier) -> None:
    """Have an older file's avatar shown by the nodes of today, set as it was."""
    _, *names = input_names(modifier.node_group)  # the first is the geometry
    kept = {name: modifier_input(modifier, name) for name in names}
    modifier.node_group = display_group()
    for name, value in kept.items():
        set_modifier_input(modifier, name, value)
