"""Scene settings without which an avatar does not look right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bpy

CYCLES_LAYERS = 512
"""Splats that a ray may pass: with Cycles' own 8 an avatar is black, beyond 512 nothing changes."""


def suit_cycles(scene: bpy.types.Scene) -> None:
    """Let rays pass as many splats as lie behind each other, and end none of them by chance; lowers nothing.

    Args:
        scene: Left alone where Cycles is not enabled.
    """
    cycles = getattr(scene, "cycles", None)
    if cycles is None:
        return
    cycles.transparent_max_bounces = max(cycles.transparent_max_bounces, CYCLES_LAYERS)
    # Below this number Cycles ends paths at random, which shows as salt and pepper.
    cycles.min_transparent_bounces = max(cycles.min_transparent_bounces, CYCLES_LAYERS)


def keeps_photo_colors(scene: bpy.types.Scene) -> bool:
    """Whether the view transform shows the photo's colours as they are; AgX and Filmic soften them."""
    return scene.view_settings.view_transform in ("Standard", "Raw")
