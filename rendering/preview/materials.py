"""Materials as LHM Preview shows them: one colour each, matte, glowing or a hole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..capabilities import shading_nodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    Color = tuple[float, float, float]

# The engine's ``preview.values`` has the same numbers.
MATTE, EMITTING, CATCHER, HOLDOUT = range(4)

_BARE: Color = (0.8, 0.8, 0.8)  # what Blender shows of an object without material
# Shaders whose colour is the surface's, and the name of the socket.
_COLORED = {
    "ShaderNodeBsdfPrincipled": "Base Color",
    "ShaderNodeBsdfDiffuse": "Color",
    "ShaderNodeBsdfGlossy": "Color",
    "ShaderNodeBsdfMetallic": "Base Color",
    "ShaderNodeBsdfToon": "Color",
}


class Paint(NamedTuple):
    """What a surface does with light.

    Args:
        color: Scene-linear.
        kind: MATTE, EMITTING, CATCHER or HOLDOUT.
    """

    color: Color
    kind: int


def paint_of(material: bpy.types.Material | None) -> Paint:
    """The colour of the shader at the output where nothing drives it, else the one for the viewport."""
    if material is None:
        return Paint(_BARE, MATTE)
    node = _shader(material)
    kind = node.bl_idname if node is not None else ""
    if kind == "ShaderNodeHoldout":
        return Paint((0, 0, 0), HOLDOUT)
    if kind == "ShaderNodeEmission" and not any(socket.is_linked for socket in node.inputs):
        strength = node.inputs["Strength"].default_value
        return Paint(_rgb(node.inputs["Color"].default_value, strength), EMITTING)
    socket = node.inputs[_COLORED[kind]] if kind in _COLORED else None
    if socket is not None and not socket.is_linked:
        return Paint(_rgb(socket.default_value), MATTE)
    return Paint(_rgb(material.diffuse_color), MATTE)


def _shader(material: bpy.types.Material) -> bpy.types.Node | None:
    tree = shading_nodes(material)
    if tree is None:
        return None
    output = tree.get_output_node("ALL")
    links = output.inputs["Surface"].links if output is not None else ()
    return links[0].from_node if links else None


def _rgb(color: Sequence[float], factor: float = 1.0) -> Color:
    return (color[0] * factor, color[1] * factor, color[2] * factor)
