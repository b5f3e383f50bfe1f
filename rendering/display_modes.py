"""How an avatar in the scene is shown: by our nodes, and with which of their settings.

All of it is saved with the file and works without the extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..rigging.nodes import add_modifier, input_names, modifier_input, set_modifier_input
from .capabilities import native_names
from .display_nodes import SOLID, SPLATS, VIEWPORT_MODE, display_group, is_display
from .native_splats import show_native

if TYPE_CHECKING:
    import bpy

DISPLAY = "LHM Display"
"""Name of the modifier that shows an avatar."""

_DEGREES = (16, 9, 4)
_EARLIER_SWITCH = "Splats in Viewport"  # of the group's versions 1 and 2


def show(cloud: bpy.types.Object) -> None:
    """Have a new avatar's Gaussians shown: by Blender itself where it can, else by our nodes.

    Args:
        cloud: Without a display yet.
    """
    if native_names() is not None:
        show_native(cloud)
    else:
        show_nodes(cloud)


def show_nodes(cloud: bpy.types.Object) -> bpy.types.Modifier:
    """Have Gaussians shown by our nodes, after all other modifiers."""
    return add_modifier(cloud, DISPLAY, display_group(coefficient_count(cloud)))


def hide_nodes(cloud: bpy.types.Object) -> None:
    """Take our display nodes off; nothing happens where there are none."""
    modifier = display_modifier(cloud)
    if modifier is not None:
        cloud.modifiers.remove(modifier)


def coefficient_count(cloud: bpy.types.Object) -> int:
    """Colour coefficients of each Gaussian that make whole degrees: 1, 4, 9 or 16.

    Args:
        cloud: Not evaluated.
    """
    names = cloud.data.attributes
    return next((n for n in _DEGREES if all(f"sh_{k}" in names for k in range(1, n))), 1)


def display_modifier(cloud: bpy.types.Object) -> bpy.types.Modifier | None:
    """The modifier that shows an avatar; None when the user removed it or gave it other nodes.

    Args:
        cloud: The avatar's Gaussians.
    """
    found = cloud.modifiers.get(DISPLAY)
    tree = getattr(found, "node_group", None)
    return found if tree is not None and is_display(tree) else None


def display_setting(cloud: bpy.types.Object, name: str) -> Any:
    """What an input of the display nodes is set to; None where they are gone, or too old to have it.

    Args:
        cloud: The avatar's Gaussians.
        name: Of the input.
    """
    modifier = display_modifier(cloud)
    if modifier is None or name not in input_names(modifier.node_group):
        return None
    return modifier_input(modifier, name)


def set_display(cloud: bpy.types.Object, **settings: object) -> None:
    """Set inputs of the display nodes; an older file's avatar gets the nodes of today.

    Args:
        cloud: The avatar's Gaussians; nothing happens where our nodes do not show them.
        settings: Values by the inputs' names.
    """
    modifier = display_modifier(cloud)
    if modifier is None:
        return
    if settings.keys() - input_names(modifier.node_group).keys():
        renew(modifier, coefficient_count(cloud))
    for name, value in settings.items():
        set_modifier_input(modifier, name, value)
    cloud.update_tag()  # Blender 4.5 and 5.0 do not notice


def renew(modifier: bpy.types.Modifier, coefficients: int) -> None:
    """Have an older file's avatar shown by the nodes of today, set as it was.

    Args:
        modifier: Runs an older group of ours.
        coefficients: As `display_group` takes them.
    """
    _, *names = input_names(modifier.node_group)  # the first is the geometry
    kept = {name: modifier_input(modifier, name) for name in names}
    modifier.node_group = display_group(coefficients)
    if _EARLIER_SWITCH in kept:
        kept[VIEWPORT_MODE] = SPLATS if kept.pop(_EARLIER_SWITCH) else SOLID
    for name, value in kept.items():
        set_modifier_input(modifier, name, value)
