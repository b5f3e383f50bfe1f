"""The Geometry Nodes group that shows posed Gaussians in Cycles, EEVEE and the viewport, without the add-on.

For a picture each Gaussian becomes a quad parallel to the image, as large as its ellipse there; the material
paints a bell on it. In the viewport, where one looks from elsewhere, it becomes an opaque patch that lies on
the surface. Both can be chosen otherwise, and fewer Gaussians can be shown where that is enough.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from ..rigging.nodes import available, generated_group, is_generated
from . import display_shapes as shapes
from .display_camera import active_camera
from .display_colors import DARKEST, LUMA, SEEN_COLORS, emission, marked, seen_color
from .display_detail import share_by_distance, thinned
from .display_shapes import CORNERS, FAINTEST_PATCH, PATCH_SIZE, REACH
from .splat_material import EMISSION

if TYPE_CHECKING:
    import bpy

    from ..rigging.nodes import Nodes

    Socket = bpy.types.NodeSocket

__all__ = [
    "CONFIDENCE", "CORNERS", "DARKEST", "DETAIL_DISTANCE", "DETAIL_IN_RENDERS", "DILATION", "DISKS",
    "FAINTEST_PATCH", "HELP", "LUMA", "MODES", "NAME", "PATCH_SIZE", "POINTS", "REACH", "RENDER_MODE",
    "SEEN_COLORS", "SOLID", "SPLATS", "VERSION", "VIEWPORT_MODE", "VIEWPORT_SHARE", "display_group",
    "is_display",
]  # fmt: skip

NAME, VERSION = "LHM Splats", 3

SPLATS, DISKS, POINTS, SOLID = "Splats", "Disks", "Points", "Solid"
MODES = (SPLATS, DISKS, POINTS, SOLID)
"""What an avatar can be shown as, by the names that the group's menus have."""

RENDER_MODE, VIEWPORT_MODE = "Render Mode", "Viewport Mode"
VIEWPORT_SHARE, DETAIL_DISTANCE, DETAIL_IN_RENDERS = "Viewport Share", "Detail Distance", "Detail in Renders"
DILATION_INPUT, RAW_COLORS, CONFIDENCE = "Dilation", "Raw Colors", "Confidence"

DILATION = 0.3  # the engine's rasterizer blurs by as much
FULL_DETAIL = 10.0  # metres; there, a standing person is 500 pixels tall in a picture of 1920

_HARMONICS = " SH"
_REMOVED = ("bone_*", "sh_*", "shape_*", "face_index", "radius")
"""Four copies of each would only slow things down."""

HELP = {
    RENDER_MODE: "What renders show: Splats (right from the camera), Disks (from any side, in mirrors, too), "
    "Points or Solid",
    VIEWPORT_MODE: "What viewports show. Splats are right from the scene's camera only",
    VIEWPORT_SHARE: "Part of the Gaussians that viewports show, each the larger for it; less plays faster",
    DETAIL_DISTANCE: "Farther from the scene's camera than this, fewer and larger Gaussians are shown, as "
    "many to a pixel as here. For a lens of 50 mm; 0 shows all of them everywhere",
    DETAIL_IN_RENDERS: "Leave out far Gaussians in renders, too",
    DILATION_INPUT: "Variance of the blur that the avatar was made for, square pixels",
    RAW_COLORS: "Emit the photo's values as they are: right with view transform Raw",
    CONFIDENCE: "Show what the photos say of each place instead of its color",
}


def display_group(coefficients: int = 1) -> bpy.types.NodeTree:
    """The group; made when the file has none that is up to date.

    Inputs: what renders and viewports show, one of `MODES` each; ``Viewport Share``, ``Detail Distance``
    (metres) and ``Detail in Renders`` (how many Gaussians are left out); ``Dilation`` (variance of the blur
    that the engine counted on, square pixels), ``Raw Colors`` (emit the display-space values as they are:
    right with view transform Raw), ``Confidence`` (show each Gaussian in the colour of what the photos say).

    Args:
        coefficients: Colour coefficients of each Gaussian; a group of its own shows those beyond the first.

    Raises:
        ValueError: If they are not 1, 4, 9 or 16.
    """
    degree = isqrt(coefficients) - 1
    if coefficients not in (1, 4, 9, 16):
        raise ValueError(f"coefficients must be 1, 4, 9 or 16, got {coefficients}")
    return generated_group(_name(degree), VERSION, lambda nodes: _build(nodes, degree))


def is_display(tree: bpy.types.NodeTree) -> bool:
    """Whether a group shows Gaussians and was made here, now or by an older version."""
    return any(is_generated(tree, _name(degree)) for degree in range(4))


def _name(degree: int) -> str:
    return f"{NAME}{_HARMONICS}{degree}" if degree else NAME


def _build(nodes: Nodes, degree: int) -> None:
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    modes = [nodes.input(name, "NodeSocketMenu") for name in (RENDER_MODE, VIEWPORT_MODE)]
    share = nodes.input(VIEWPORT_SHARE, "NodeSocketFloat")
    within = nodes.input(DETAIL_DISTANCE, "NodeSocketFloat")
    in_renders = nodes.input(DETAIL_IN_RENDERS, "NodeSocketBool")
    dilation = nodes.input(DILATION_INPUT, "NodeSocketFloat")
    raw = nodes.input(RAW_COLORS, "NodeSocketBool")
    confidence = nodes.input(CONFIDENCE, "NodeSocketBool")

    camera, rotation = active_camera(nodes), _rotation(nodes)
    in_viewport = nodes.add("GeometryNodeIsViewport").outputs[0]
    by_distance = share_by_distance(nodes, camera, geometry, within)
    rendered = _either(nodes, "FLOAT", in_renders, 1.0, by_distance)
    viewed = nodes.math("MULTIPLY", by_distance, share)
    kept = _either(nodes, "FLOAT", in_viewport, rendered, viewed)
    points = thinned(nodes, geometry, kept)
    dilation = nodes.math("DIVIDE", dilation, kept)  # where splats are below a pixel, it is all of their size
    points = marked(nodes, points, confidence)
    light = emission(nodes, seen_color(nodes, confidence, camera, rotation, degree), raw)
    points = nodes.store(points, EMISSION, "FLOAT_COLOR", light)
    for pattern in _REMOVED:
        points = shapes.without(nodes, points, pattern)
    square = shapes.quad(nodes)
    shown = {
        SPLATS: shapes.splats(nodes, points, square, rotation, camera, dilation),
        DISKS: shapes.disks(nodes, points, square, rotation, camera, dilation),
        POINTS: shapes.dots(nodes, points),
        SOLID: shapes.patches(nodes, points, square, rotation),
    }
    mode = _either(nodes, "MENU", in_viewport, *modes)
    nodes.output("Geometry", "NodeSocketGeometry", nodes.menu("GEOMETRY", mode, shown))
    _describe(nodes)


def _describe(nodes: Nodes) -> None:
    """Give the inputs what they start with, and say what they do; menus know their items only now."""
    starts = {
        RENDER_MODE: SPLATS, VIEWPORT_MODE: SOLID, VIEWPORT_SHARE: 1.0, DETAIL_DISTANCE: FULL_DETAIL,
        DILATION_INPUT: DILATION,
    }  # fmt: skip
    for item in nodes.tree.interface.items_tree:
        item.description = HELP.get(item.name, "")
        if item.name in starts:
            item.default_value = starts[item.name]  # type: ignore[attr-defined]
        if item.name in (VIEWPORT_SHARE, DETAIL_DISTANCE, DILATION_INPUT):
            item.min_value = 0.0  # type: ignore[attr-defined]
        if item.name == VIEWPORT_SHARE:
            item.subtype, item.max_value = "FACTOR", 1.0  # type: ignore[attr-defined]
        if item.name == DETAIL_DISTANCE:
            item.subtype = "DISTANCE"  # type: ignore[attr-defined]


def _either(nodes: Nodes, kind: str, condition: Socket, if_not: Socket | float, if_so: Socket) -> Socket:
    node = nodes.add("GeometryNodeSwitch", condition, if_not, if_so, input_type=kind)
    return available(node.outputs)[0]


def _rotation(nodes: Nodes) -> Socket:
    """The posed orientation; at rest where nothing poses the cloud."""
    posed = nodes.add("GeometryNodeInputNamedAttribute", "rotation", data_type="QUATERNION")
    value, exists = available(posed.outputs)
    rest = nodes.attribute("rest_rotation", "QUATERNION")
    return nodes.add("GeometryNodeSwitch", exists, rest, value, input_type="ROTATION").outputs[0]
