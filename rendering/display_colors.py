"""The part of the display nodes that finds each point's colour: the photo's, as seen from here, or a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from .display_harmonics import harmonic_color

if TYPE_CHECKING:
    import bpy

    from ..rigging.nodes import Nodes
    from .display_camera import Camera

    Socket = bpy.types.NodeSocket

COLOR = "gs_color"  # the point cloud's attribute; LHM Preview reads it, too

SEEN_COLORS = {
    SEEN_PHOTO: (0.0, 114 / 255, 178 / 255),
    SEEN_MIRRORED: (230 / 255, 159 / 255, 0.0),
    SEEN_FILLED: (204 / 255, 121 / 255, 167 / 255),
}
"""Display-space colours of what the photos say: blue, orange and purple, which nobody mixes up.

Source: Okabe and Ito 2008, Color Universal Design.
"""

DARKEST = 0.55
"""Share of such a colour that is left where the photo is black."""

LUMA = (0.2126, 0.7152, 0.0722)
"""How light a display-space colour is. Source: ITU-R BT.709."""

_VECTOR = "FLOAT_VECTOR"


def marked(nodes: Nodes, geometry: Socket, confidence: Socket) -> Socket:
    """The points with what the photos say of them as their colour, where that is wanted."""
    told = nodes.store(geometry, COLOR, "FLOAT_COLOR", _mark(nodes))
    return nodes.add("GeometryNodeSwitch", confidence, geometry, told, input_type="GEOMETRY").outputs[0]


def seen_color(nodes: Nodes, confidence: Socket, camera: Camera, rotation: Socket, degree: int) -> Socket:
    """The display-space colour of each point as the camera sees it; of marked ones, their mark.

    Args:
        nodes: Of the group.
        confidence: Whether the points are marked.
        camera: From where they are seen.
        rotation: Posed orientation of each point.
        degree: Of the spherical harmonics that the points have.
    """
    plain = nodes.attribute(COLOR, _VECTOR)
    if not degree:
        return plain
    seen = harmonic_color(nodes, camera, rotation, plain, degree)
    return nodes.add("GeometryNodeSwitch", confidence, seen, plain, input_type="VECTOR").outputs[0]


def _mark(nodes: Nodes) -> Socket:
    """What the photos say of a point as its colour.

    It is as light and dark as the photo, else a person would be a flat patch in which nothing can be found.
    """
    seen = nodes.attribute("seen", "INT")
    color: Socket | tuple[float, ...] = SEEN_COLORS[SEEN_PHOTO]
    for value in (SEEN_MIRRORED, SEEN_FILLED):
        less = nodes.math("LESS_THAN", seen, value + 0.5)
        chosen = nodes.add("GeometryNodeSwitch", less, color, SEEN_COLORS[value], input_type="VECTOR")
        color = chosen.outputs[0]
    lightness = nodes.vector("DOT_PRODUCT", nodes.attribute(COLOR, _VECTOR), LUMA)
    factor = nodes.math("MULTIPLY_ADD", lightness, 1.0 - DARKEST, DARKEST)
    return nodes.vector("SCALE", color, factor)


def emission(nodes: Nodes, color: Socket, raw: Socket) -> Socket:
    """Display-space colours as light: decoded by the sRGB curve, unless they are wanted raw.

    Source: IEC 61966-2-1.
    """
    display = nodes.vector("MAXIMUM", color, (0.0, 0.0, 0.0))
    shifted = nodes.vector("MULTIPLY_ADD", display, (1 / 1.055,) * 3, (0.055 / 1.055,) * 3)
    curve = nodes.add("ShaderNodeSeparateXYZ", nodes.vector("POWER", shifted, (2.4,) * 3)).outputs
    line = nodes.add("ShaderNodeSeparateXYZ", nodes.vector("SCALE", display, 1 / 12.92)).outputs
    parts = []
    for value, low, high in zip(
        nodes.add("ShaderNodeSeparateXYZ", display).outputs, line, curve, strict=True
    ):
        dark = nodes.math("LESS_THAN", value, 0.04045)
        parts.append(nodes.add("GeometryNodeSwitch", dark, high, low, input_type="FLOAT").outputs[0])
    light = nodes.add("ShaderNodeCombineXYZ", *parts)
    return nodes.add("GeometryNodeSwitch", raw, light, display, input_type="VECTOR").outputs[0]
