"""The Geometry Nodes group that shows posed Gaussians in Cycles, EEVEE and the viewport, without the add-on.

For a picture each Gaussian becomes a quad parallel to the image, as large as its ellipse there; the material
paints a bell on it. In the viewport, where one looks from elsewhere, it becomes an opaque patch that lies on
the surface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import bpy

from ..engine.avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from ..rigging.nodes import available, generated_group
from .splat_material import CORNER, EMISSION, patch_material, splat_material

if TYPE_CHECKING:
    from ..rigging.nodes import Nodes

    Socket = bpy.types.NodeSocket

NAME, VERSION = "LHM Splats", 2
CORNERS = 4
"""Vertices of the result per Gaussian, in the order of the Gaussians."""

REACH = 3.2  # half the side of a quad in standard deviations; beyond, alpha is below 1.5 / 255
DILATION = 0.3  # the engine's rasterizer blurs by as much
PATCH_SIZE = 1.6  # half the side of a patch in standard deviations; closes the surface, blurs little
FAINTEST_PATCH = 0.25  # of opacity; fainter ones would be specks in the air
CONFIDENCE = "Confidence"
"""Input of the group: show what the photos say of each place instead of its colour."""

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

STEEPEST = 3.0  # slope of a ray; else what is beside the camera would be smeared across the picture
_SMALLEST_SIDE = 1e-6  # metres

COLOR = "gs_color"  # the point cloud's attribute; LHM Preview reads it, too
_VECTOR = "FLOAT_VECTOR"
_AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def display_group() -> bpy.types.NodeTree:
    """The group; made when the file has none that is up to date.

    Inputs: ``Dilation`` (variance of the blur that the engine counted on, square pixels), ``Raw Colors``
    (emit the display-space values as they are: right with view transform Raw), ``Splats in Viewport``
    (show there what will be rendered; right from the camera only), ``Confidence`` (show each Gaussian in the
    colour of what the photos say of it).
    """
    return generated_group(NAME, VERSION, _build)


def _build(nodes: Nodes) -> None:
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    dilation = _default(nodes, nodes.input("Dilation", "NodeSocketFloat"), DILATION)
    raw = nodes.input("Raw Colors", "NodeSocketBool")
    everywhere = nodes.input("Splats in Viewport", "NodeSocketBool")
    confidence = nodes.input(CONFIDENCE, "NodeSocketBool")

    for pattern in ("bone_*", "sh_*", "radius"):  # four copies of each would only slow things down
        geometry = _without(nodes, geometry, pattern)
    geometry = _colored(nodes, geometry, confidence)
    geometry = nodes.store(geometry, EMISSION, "FLOAT_COLOR", _emission(nodes, raw))
    quad, rotation = _quad(nodes), _rotation(nodes)
    splats = _splats(nodes, geometry, quad, rotation, dilation)
    patches = _patches(nodes, geometry, quad, rotation)
    in_viewport = nodes.add("GeometryNodeIsViewport").outputs[0]
    as_patches = nodes.add("FunctionNodeBooleanMath", in_viewport, everywhere, operation="NIMPLY")
    shown = nodes.add("GeometryNodeSwitch", as_patches, splats, patches, input_type="GEOMETRY")
    nodes.output("Geometry", "NodeSocketGeometry", shown)


def _default(nodes: Nodes, socket: Socket, value: float) -> Socket:
    for item in nodes.tree.interface.items_tree:
        if item.name == socket.name:  # type: ignore[attr-defined]
            item.default_value, item.min_value = value, 0.0  # type: ignore[attr-defined]
    return socket


def _without(nodes: Nodes, geometry: Socket, pattern: str) -> Socket:
    if "pattern_mode" in bpy.types.GeometryNodeRemoveAttribute.bl_rna.properties:  # a socket since 5.0
        node = nodes.add("GeometryNodeRemoveAttribute", geometry, pattern, pattern_mode="WILDCARD")
    else:
        node = nodes.add("GeometryNodeRemoveAttribute", geometry, "Wildcard", pattern)
    return node.outputs[0]


def _colored(nodes: Nodes, geometry: Socket, confidence: Socket) -> Socket:
    """The points with what the photos say of them as their colour, where that is wanted.

    It is as light and dark as the photo, else a person would be a flat patch in which nothing can be found.
    """
    seen = nodes.attribute("seen", "INT")
    color: Socket | tuple[float, ...] = SEEN_COLORS[SEEN_PHOTO]
    for value in (SEEN_MIRRORED, SEEN_FILLED):
        less = nodes.math("LESS_THAN", seen, value + 0.5)
        color = nodes.add("GeometryNodeSwitch", less, color, SEEN_COLORS[value], input_type="VECTOR").outputs[
            0
        ]
    lightness = nodes.vector("DOT_PRODUCT", nodes.attribute(COLOR, _VECTOR), LUMA)
    factor = nodes.math("MULTIPLY_ADD", lightness, 1.0 - DARKEST, DARKEST)
    marked = nodes.store(geometry, COLOR, "FLOAT_COLOR", nodes.vector("SCALE", color, factor))
    return nodes.add("GeometryNodeSwitch", confidence, geometry, marked, input_type="GEOMETRY").outputs[0]


def _emission(nodes: Nodes, raw: Socket) -> Socket:
    """The photo's colours as light: decoded by the sRGB curve, unless they are wanted raw.

    Source: IEC 61966-2-1.
    """
    display = nodes.vector("MAXIMUM", nodes.attribute(COLOR, _VECTOR), (0.0, 0.0, 0.0))
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


def _rotation(nodes: Nodes) -> Socket:
    """The posed orientation; at rest where nothing poses the cloud."""
    posed = nodes.add("GeometryNodeInputNamedAttribute", "rotation", data_type="QUATERNION")
    value, exists = available(posed.outputs)
    rest = nodes.attribute("rest_rotation", "QUATERNION")
    return nodes.add("GeometryNodeSwitch", exists, rest, value, input_type="ROTATION").outputs[0]


def _quad(nodes: Nodes) -> Socket:
    """A square that knows its corners.

    It comes from a mesh in the file because only such a mesh can name its active colour attribute, which is
    the one that Solid shading shows. The name outlives the attribute; the values come with the points.
    """
    info = nodes.add("GeometryNodeObjectInfo", _quad_object(), transform_space="ORIGINAL")
    mesh = next(socket for socket in info.outputs if socket.type == "GEOMETRY")
    position = nodes.add("GeometryNodeInputPosition")
    return nodes.store(_without(nodes, mesh, EMISSION), CORNER, _VECTOR, position)


def _quad_object() -> bpy.types.Object:
    """In no collection: it is never seen, and the group keeps it in the file."""
    mesh = bpy.data.meshes.new(f"{NAME} Quad")
    corners = [(x * REACH, y * REACH, 0.0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    mesh.from_pydata(corners, [], [range(CORNERS)])
    mesh.color_attributes.active_color = mesh.color_attributes.new(EMISSION, "FLOAT_COLOR", "POINT")
    return bpy.data.objects.new(mesh.name, mesh)


def _painted(nodes: Nodes, quad: Socket, material: bpy.types.Material) -> Socket:
    return nodes.add("GeometryNodeSetMaterial", quad, None, material).outputs[0]


def _splats(nodes: Nodes, points: Socket, quad: Socket, rotation: Socket, dilation: Socket) -> Socket:
    """One parallelogram per point: the Gaussian's ellipse as the camera sees it, and its surroundings.

    It is parallel to the image, so splats lie behind each other as the Gaussians' centres do, which is the
    order a rasterizer blends in. Its sides are the columns of the square root of the covariance on the image.
    Unlike the ellipse's axes they never jump from one moment to the next, which motion blur would show.
    """
    painted = _painted(nodes, quad, splat_material())
    instances = nodes.add("GeometryNodeInstanceOnPoints", points, None, painted).outputs[0]
    rows, back, pixel = _camera(nodes)
    xx, xy, yy = _covariance(nodes, rows, rotation, nodes.math("MULTIPLY", pixel, pixel), dilation)
    determinant = nodes.math("SUBTRACT", nodes.math("MULTIPLY", xx, yy), nodes.math("MULTIPLY", xy, xy))
    root = nodes.math("SQRT", nodes.math("MAXIMUM", determinant, _SMALLEST_SIDE**4))
    trace = nodes.math("ADD", nodes.math("ADD", xx, yy), nodes.math("MULTIPLY", root, 2.0))
    factor = nodes.math("DIVIDE", 1.0, nodes.math("SQRT", trace))
    xx, yy = nodes.math("ADD", xx, root), nodes.math("ADD", yy, root)
    sides = [
        nodes.vector("SCALE", nodes.vector("ADD", *(nodes.vector("SCALE", row.axis, value)
                     for row, value in zip(rows, column, strict=True))), factor)
        for column in ((xx, xy), (xy, yy))
    ]  # fmt: skip
    matrix = _matrix(nodes, *sides, back, nodes.add("GeometryNodeInputPosition").outputs[0])
    placed = nodes.add("GeometryNodeSetInstanceTransform", instances, None, matrix)
    return nodes.add("GeometryNodeRealizeInstances", placed).outputs[0]


def _matrix(nodes: Nodes, *columns: Socket) -> Socket:
    entries: list[Socket | float] = []
    for column, last in zip(columns, (0.0, 0.0, 0.0, 1.0), strict=True):
        entries += [*nodes.add("ShaderNodeSeparateXYZ", column).outputs, last]
    return nodes.add("FunctionNodeCombineMatrix", *entries).outputs[0]


def _covariance(
    nodes: Nodes, rows: tuple[_Row, _Row], rotation: Socket, pixel_area: Socket, dilation: Socket
) -> tuple[Socket, Socket, Socket]:
    """Variances and covariance on the image's axes, object units squared: xx, xy, yy.

    The Gaussian is projected along the ray through its centre. With a = S R^T x for the rows x, y of the
    projection it is [[a.a, a.b], [a.b, b.b]].

    Source: Zwicker et al. 2001, the local affine approximation.
    """
    inverse, sizes = nodes.add("FunctionNodeInvertRotation", rotation), nodes.attribute("scale", _VECTOR)
    a, b = (
        nodes.vector("MULTIPLY", nodes.add("FunctionNodeRotateVector", row.oblique, inverse), sizes)
        for row in rows
    )
    xx, xy, yy = (nodes.vector("DOT_PRODUCT", *pair) for pair in ((a, a), (a, b), (b, b)))
    blur = nodes.math("MULTIPLY", dilation, pixel_area)
    return nodes.math("ADD", xx, blur), xy, nodes.math("ADD", yy, blur)


class _Row(NamedTuple):
    """An axis of the image in object space, and the row that projects along the ray onto it."""

    axis: Socket
    oblique: Socket


def _camera(nodes: Nodes) -> tuple[tuple[_Row, _Row], Socket, Socket]:
    """The image's x and y, the way back to the camera, and the side of a pixel where the Gaussian is."""
    camera = nodes.add("GeometryNodeInputActiveCamera").outputs[0]
    info = nodes.add("GeometryNodeObjectInfo", camera, transform_space="RELATIVE")
    placed = {socket.identifier: socket for socket in info.outputs}
    lens = {socket.identifier: socket for socket in nodes.add("GeometryNodeCameraInfo", camera).outputs}
    x, y, back = (
        nodes.add("FunctionNodeRotateVector", axis, placed["Rotation"]).outputs[0] for axis in _AXES
    )
    position = nodes.add("GeometryNodeInputPosition")
    from_camera = nodes.vector("SUBTRACT", position, placed["Location"])
    parallel = lens["Is Orthographic"]
    away = nodes.math("MULTIPLY", nodes.vector("DOT_PRODUCT", from_camera, back), -1.0)
    depth = nodes.add("GeometryNodeSwitch", parallel, away, 1.0, input_type="FLOAT").outputs[0]
    widest = nodes.add("GeometryNodeSwitch", parallel, STEEPEST, 0.0, input_type="FLOAT").outputs[0]
    rows = tuple(_Row(axis, _oblique(nodes, axis, back, from_camera, depth, widest)) for axis in (x, y))
    # Entry 0, 0 of the projection is the focal length in halves of the picture's width.
    stretch = nodes.add("FunctionNodeSeparateMatrix", lens["Projection Matrix"]).outputs[0]
    focal = nodes.math("MULTIPLY", nodes.math("MULTIPLY", stretch, 0.5), _picture_width(nodes))
    return rows, back, nodes.math("DIVIDE", depth, focal)  # type: ignore[return-value]


def _oblique(
    nodes: Nodes, axis: Socket, back: Socket, from_camera: Socket, depth: Socket, widest: Socket
) -> Socket:
    """The row that projects onto an axis along the ray, whose slope is bounded; zero for parallel rays."""
    slope = nodes.math("DIVIDE", nodes.vector("DOT_PRODUCT", from_camera, axis), depth)
    lowest = nodes.math("MULTIPLY", widest, -1.0)
    bounded = nodes.math("MAXIMUM", nodes.math("MINIMUM", slope, widest), lowest)
    return nodes.vector("ADD", axis, nodes.vector("SCALE", back, bounded))


def _picture_width(nodes: Nodes) -> Socket:
    """In pixels. No node knows it, so two driven values ask the scene; no Python runs for them."""
    driven = []
    for path in ("render.resolution_x", "render.resolution_percentage"):
        node = nodes.add("ShaderNodeValue")
        driver = node.outputs[0].driver_add("default_value").driver
        driver.type = "AVERAGE"
        variable = driver.variables.new()
        variable.type = "CONTEXT_PROP"
        variable.targets[0].context_property = "ACTIVE_SCENE"
        variable.targets[0].data_path = path
        driven.append(node.outputs[0])
    return nodes.math("MULTIPLY", nodes.math("MULTIPLY", *driven), 0.01)


def _patches(nodes: Nodes, points: Socket, quad: Socket, rotation: Socket) -> Socket:
    """One rectangle per point, in the plane of the Gaussian's two longer axes."""
    sizes = nodes.attribute("scale", _VECTOR)
    sx, sy, sz = nodes.add("ShaderNodeSeparateXYZ", sizes).outputs
    flat_x = nodes.math("LESS_THAN", sx, nodes.math("MINIMUM", sy, sz))
    flat_y = nodes.math("LESS_THAN", sy, nodes.math("MINIMUM", sx, sz))
    ex, ey, ez = (nodes.add("FunctionNodeRotateVector", axis, rotation) for axis in _AXES)

    def choose(kind: str, if_x: Socket, if_y: Socket, if_z: Socket) -> Socket:
        inner = nodes.add("GeometryNodeSwitch", flat_y, if_z, if_y, input_type=kind)
        return nodes.add("GeometryNodeSwitch", flat_x, inner, if_x, input_type=kind).outputs[0]

    normal, along = choose("VECTOR", ex, ey, ez), choose("VECTOR", ey, ex, ex)
    length, width = choose("FLOAT", sy, sx, sx), choose("FLOAT", sz, sz, sy)
    opacity = nodes.attribute("opacity", "FLOAT")
    visible = nodes.math("GREATER_THAN", opacity, FAINTEST_PATCH)
    factor = nodes.math("MULTIPLY", visible, PATCH_SIZE / REACH)
    turn = nodes.add("FunctionNodeAxesToRotation", normal, along, primary_axis="Z", secondary_axis="X")
    scale = nodes.vector("SCALE", nodes.add("ShaderNodeCombineXYZ", length, width, 1.0), factor)
    painted = _painted(nodes, quad, patch_material())
    placed = nodes.add("GeometryNodeInstanceOnPoints", points, None, painted, None, None, turn, scale)
    return nodes.add("GeometryNodeRealizeInstances", placed).outputs[0]
