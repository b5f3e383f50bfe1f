"""What is behind everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .capabilities import shading_nodes

if TYPE_CHECKING:
    import bpy

FARTHEST = 1e10
"""Metres: what Blender's engines write where there is nothing."""


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
    tree = shading_nodes(world)
    if tree is None:
        return None
    output = tree.get_output_node("ALL")
    links = output.inputs[0].links if output else ()
    node = links[0].from_node if links else None
    plain = node is not None and node.bl_idname == "ShaderNodeBackground"
    return node if plain and not any(socket.is_linked for socket in node.inputs) else None
