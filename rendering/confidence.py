"""Show of an avatar what its photos say about each place, instead of the photos' colours.

The display nodes do it, so it is in the viewport and in every picture, and is saved and undone with the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .display_modes import DISPLAY, display_modifier, display_setting, set_display
from .display_nodes import CONFIDENCE

if TYPE_CHECKING:
    import bpy

__all__ = ["DISPLAY", "display_modifier", "show_confidence", "shows_confidence"]


def shows_confidence(cloud: bpy.types.Object) -> bool:
    """Whether the avatar shows it now; one from an older version of the nodes does not.

    Args:
        cloud: The avatar's Gaussians.
    """
    return bool(display_setting(cloud, CONFIDENCE))


def show_confidence(cloud: bpy.types.Object, shown: bool) -> None:
    """Show it, or the photos' colours again.

    Args:
        cloud: The avatar's Gaussians; nothing happens where our nodes do not show them.
        shown: Which.
    """
    if shows_confidence(cloud) != shown:
        set_display(cloud, **{CONFIDENCE: shown})
