"""The part of the display nodes that makes something to see of each point: splats, disks, patches, points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .capabilities import wildcard_is_property
from .display_camera import AXES, Camera, Row, projection_rows
from .splat_material import CORNER, EMISSION, patch_material, splat_material

if TYPE_CHECKING:
    from ..rigging.nodes import Nodes

    Socket = bpy.types.NodeSocket

CORNERS = 4
"""Vertices of the result per Gaussian, in the order of the Gaussians; points stay points."""

REACH = 3.2  # half the side of a quad in standard deviations; beyond, alpha is below 1.5 / 255
PATCH_SIZE = 1.6  # half the side of a patch in standard deviations; closes the surface, blurs little
POINT_SIZE = 1.6  # radius of a point in standard deviations of its Gaussian's middle axis
FAINTEST_PATCH = 0.25  # of opacity; fainter ones would be specks in the air

_SMALLEST_SIDE = 1e-6  # metres
_QUAD = "LHM Splats Quad"
_VECTOR = "FLOAT_VECTOR"


def without(nodes: Nodes, geometry: Socket, pattern: str) -> Socket:
    """A geometry without the attributes whose names match, as in ``bone_*``."""
    if wildcard_is_property():
        node = nodes.add("GeometryNodeRemoveAttribute", geometry, pattern, pattern_mode="WILDCARD")
    else:
        node = nodes.add("GeometryNodeRemoveAttribute", geometry, "Wildcard", pattern)
    return node.outputs[0]


def quad(nodes: Nodes) -> Socket:
    """A square that knows its corners.

    It comes from a mesh in the file because only such a mesh can name its active colour attribute, which is
    the one that Solid shading shows. The name outlives the attribute; the values come with the points.
    """
    info = nodes.add("GeometryNodeObjectInfo", _quad_object(), transform_space="ORIGINAL")
    mesh = next(socket for socket in info.outputs if socket.type == "GEOMETRY")
    position = nodes.add("GeometryNodeInputPosition")
    return nodes.store(without(nodes, mesh, EMISSION), CORNER, _VECTOR, position)


def _quad_object() -> bpy.types.Object:
    """In no collection: it is never seen, and the groups keep it in the file."""
    for found in bpy.data.objects:
        if found.library is None and found.get(_QUAD):
            return found
    mesh = bpy.data.meshes.new(_QUAD)
    corners = [(x * REACH, y * REACH, 0.0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    mesh.from_pydata(corners, [], [range(CORNERS)])
    mesh.color_attributes.active_color = mesh.color_attributes.new(EMISSION, "FLOAT_COLOR", "POINT")
    made = bpy.data.objects.new(mesh.name, mesh)
    made[_QUAD] = True
    return made


def splats(
    nodes: Nodes, points: Socket, square: Socket, rotation: Socket, camera: Camera, dilation: Socket
) -> Socket:
    """One parallelogram per point: the Gaussian's ellipse as the camera sees it, and its surroundings.

    It is parallel to the image, so splats lie behind each other as the Gaussians' centres do, which is the
    order a rasterizer blends in. Its sides are the columns of the square root of the covariance on the image.
    Unlike the ellipse's axes they never jump from one moment to the next, which motion blur would show.
    """
    instances = nodes.add("GeometryNodeInstanceOnPoints", points, None, _soft(nodes, square)).outputs[0]
    rows, pixel = projection_rows(nodes, camera)
    xx, xy, yy = _covariance(nodes, rows, rotation, _square(nodes, pixel), dilation)
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
    matrix = _matrix(nodes, *sides, camera.axes[2], nodes.add("GeometryNodeInputPosition").outputs[0])
    placed = nodes.add("GeometryNodeSetInstanceTransform", instances, None, matrix)
    return nodes.add("GeometryNodeRealizeInstances", placed).outputs[0]


def disks(
    nodes: Nodes, points: Socket, square: Socket, rotation: Socket, camera: Camera, dilation: Socket
) -> Socket:
    """One soft ellipse per point, in the plane of the Gaussian's two longer axes: it lies as they do.

    The blur that the engine counted on makes it larger, too, by the pixels of the scene's camera if there is
    one: far away, thin splats would vanish without.
    """
    _, pixel = projection_rows(nodes, camera)
    blur = nodes.math("MULTIPLY", nodes.math("MULTIPLY", dilation, camera.there), _square(nodes, pixel))
    return _flat(nodes, points, _soft(nodes, square), rotation, 1.0, blur)


def patches(nodes: Nodes, points: Socket, square: Socket, rotation: Socket) -> Socket:
    """One opaque rectangle per point, in the plane of the Gaussian's two longer axes."""
    factor = nodes.math("MULTIPLY", _visible(nodes), PATCH_SIZE / REACH)
    return _flat(nodes, points, _painted(nodes, square, patch_material()), rotation, factor)


def dots(nodes: Nodes, points: Socket) -> Socket:
    """One opaque ball per point: the fastest, for many avatars at a time."""
    sx, sy, sz = nodes.add("ShaderNodeSeparateXYZ", nodes.attribute("scale", _VECTOR)).outputs
    low, high = nodes.math("MINIMUM", sx, sy), nodes.math("MAXIMUM", sx, sy)
    middle = nodes.math("MAXIMUM", low, nodes.math("MINIMUM", high, sz))
    radius = nodes.math("MULTIPLY", middle, nodes.math("MULTIPLY", _visible(nodes), POINT_SIZE))
    painted = _painted(nodes, points, patch_material())
    return nodes.add("GeometryNodeSetPointRadius", painted, None, radius).outputs[0]


def _square(nodes: Nodes, number: Socket) -> Socket:
    return nodes.math("MULTIPLY", number, number)


def _visible(nodes: Nodes) -> Socket:
    return nodes.math("GREATER_THAN", nodes.attribute("opacity", "FLOAT"), FAINTEST_PATCH)


def _painted(nodes: Nodes, shape: Socket, material: bpy.types.Material) -> Socket:
    return nodes.add("GeometryNodeSetMaterial", shape, None, material).outputs[0]


def _soft(nodes: Nodes, square: Socket) -> Socket:
    return _painted(nodes, square, splat_material())


def _flat(
    nodes: Nodes,
    points: Socket,
    painted: Socket,
    rotation: Socket,
    factor: Socket | float,
    blur: Socket | None = None,
) -> Socket:
    """Copies of a square that lie across the shortest axis of each Gaussian, as large as the two others."""
    sizes = nodes.attribute("scale", _VECTOR)
    sx, sy, sz = nodes.add("ShaderNodeSeparateXYZ", sizes).outputs
    flat_x = nodes.math("LESS_THAN", sx, nodes.math("MINIMUM", sy, sz))
    flat_y = nodes.math("LESS_THAN", sy, nodes.math("MINIMUM", sx, sz))
    ex, ey, ez = (nodes.add("FunctionNodeRotateVector", axis, rotation) for axis in AXES)

    def choose(kind: str, if_x: Socket, if_y: Socket, if_z: Socket) -> Socket:
        inner = nodes.add("GeometryNodeSwitch", flat_y, if_z, if_y, input_type=kind)
        return nodes.add("GeometryNodeSwitch", flat_x, inner, if_x, input_type=kind).outputs[0]

    normal, along = choose("VECTOR", ex, ey, ez), choose("VECTOR", ey, ex, ex)
    length, width = choose("FLOAT", sy, sx, sx), choose("FLOAT", sz, sz, sy)
    if blur is not None:
        length, width = (
            nodes.math("SQRT", nodes.math("MULTIPLY_ADD", side, side, blur)) for side in (length, width)
        )
    turn = nodes.add("FunctionNodeAxesToRotation", normal, along, primary_axis="Z", secondary_axis="X")
    scale = nodes.vector("SCALE", nodes.add("ShaderNodeCombineXYZ", length, width, 1.0), factor)
    placed = nodes.add("GeometryNodeInstanceOnPoints", points, None, painted, None, None, turn, scale)
    return nodes.add("GeometryNodeRealizeInstances", placed).outputs[0]


def _matrix(nodes: Nodes, *columns: Socket) -> Socket:
    entries: list[Socket | float] = []
    for column, last in zip(columns, (0.0, 0.0, 0.0, 1.0), strict=True):
        entries += [*nodes.add("ShaderNodeSeparateXYZ", column).outputs, last]
    return nodes.add("FunctionNodeCombineMatrix", *entries).outputs[0]


def _covariance(
    nodes: Nodes, rows: tuple[Row, Row], rotation: Socket, pixel_area: Socket, dilation: Socket
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
