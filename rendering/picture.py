"""From what the rasterizer blends to what Blender wants: scene-linear light, bottom row first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

if TYPE_CHECKING:
    from ..engine.avatar.arrays import Float
    from .camera import View

FARTHEST = 1e10  # what Blender's engines write where there is nothing
_SOLID = 0.5  # alpha from which a pixel has a depth


def linear_from_srgb(display: Float) -> Float:
    """Decode display-space values to light.

    Source: IEC 61966-2-1.
    """
    curve = ((np.maximum(display, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(display <= 0.04045, display / 12.92, curve)


def light_from_blend(color: Float, alpha: Float) -> Float:
    """Premultiplied display-space colours to premultiplied scene-linear ones.

    Splats blend in display space, as they were made to, and are decoded afterwards: the blended colour,
    not each splat's, is what the photo shows.

    Args:
        color: Premultiplied, display space. [H, W, 3]
        alpha: [H, W]

    Returns:
        [H, W, 4]
    """
    result = np.zeros((*alpha.shape, 4), np.float32)
    drawn = alpha > 0
    some = alpha[drawn][:, None]
    result[drawn, :3] = linear_from_srgb(np.maximum(color[drawn], 0) / some) * some
    result[..., 3] = alpha
    return result


def over(front: Float, back: Float) -> Float:
    """Lay a premultiplied picture over an opaque colour.

    Args:
        front: [H, W, 4]
        back: Scene-linear. [3]
    """
    uncovered = 1 - front[..., 3:]
    return np.concatenate(
        [front[..., :3] + uncovered * np.asarray(back, np.float32), np.ones_like(uncovered)], 2
    )


def mean_depth(total: Float, alpha: Float, view: View) -> Float:
    """Depth of what covers a pixel for the most part, else `FARTHEST`.

    Args:
        total: Sum of weight times the rasterizer's z. [H, W]
        alpha: Sum of weights. [H, W]
        view: Knows what z means.

    Returns:
        Metres along the camera's axis. [H, W]
    """
    depth = view.depth(total / np.maximum(alpha, _SOLID))
    return np.where(alpha >= _SOLID, depth, np.float32(FARTHEST))


def background(scene: bpy.types.Scene) -> tuple[float, float, float]:
    """The world's colour, scene-linear; the one of its viewport display where its shader is not plain."""
    world = scene.world
    if world is None:
        return (0.0, 0.0, 0.0)
    shader = _background_node(world)
    if shader is None:
        return tuple(world.color)  # type: ignore[return-value]
    color, strength = (shader.inputs[name].default_value for name in ("Color", "Strength"))  # type: ignore[attr-defined]
    return tuple(channel * strength for channel in color[:3])  # type: ignore[return-value]


def _background_node(world: bpy.types.World) -> bpy.types.Node | None:
    """The Background shader at the output, if nothing drives its colour and strength."""
    if world.node_tree is None or (bpy.app.version < (5, 0) and not world.use_nodes):
        return None
    output = world.node_tree.get_output_node("ALL")
    links = output.inputs[0].links if output else ()
    node = links[0].from_node if links else None
    plain = node is not None and node.bl_idname == "ShaderNodeBackground"
    return node if plain and not any(socket.is_linked for socket in node.inputs) else None
