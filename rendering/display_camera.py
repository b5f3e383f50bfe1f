"""The scene's camera as Geometry Nodes see it, in the space of the object that they run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import bpy

    from ..rigging.nodes import Nodes

    Socket = bpy.types.NodeSocket

STEEPEST = 3.0  # slope of a ray; else what is beside the camera would be smeared across the picture
AXES = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Camera:
    """Sockets that tell where the active camera is and what it sees, one value for all points.

    Args:
        axes: The image's x and y and the way back, unit vectors.
        location: Of its centre.
        parallel: Whether rays are parallel.
        focal: Focal length in halves of the picture's width; for parallel rays, of a metre's width.
        there: Whether the scene has a camera.
    """

    axes: tuple[Socket, Socket, Socket]
    location: Socket
    parallel: Socket
    focal: Socket
    there: Socket


class Row(NamedTuple):
    """An axis of the image in object space, and the row that projects along the ray onto it."""

    axis: Socket
    oblique: Socket


def active_camera(nodes: Nodes) -> Camera:
    """Nodes that look at the scene's camera."""
    camera = nodes.add("GeometryNodeInputActiveCamera").outputs[0]
    info = nodes.add("GeometryNodeObjectInfo", camera, transform_space="RELATIVE")
    placed = {socket.identifier: socket for socket in info.outputs}
    lens = {socket.identifier: socket for socket in nodes.add("GeometryNodeCameraInfo", camera).outputs}
    x, y, back = (nodes.add("FunctionNodeRotateVector", axis, placed["Rotation"]).outputs[0] for axis in AXES)
    # Entry 0, 0 of the projection is the focal length in halves of the picture's width.
    focal = nodes.add("FunctionNodeSeparateMatrix", lens["Projection Matrix"]).outputs[0]
    there = nodes.math("GREATER_THAN", lens["Focal Length"], 0.0)
    return Camera((x, y, back), placed["Location"], lens["Is Orthographic"], focal, there)


def depth_of(nodes: Nodes, camera: Camera, from_camera: Socket) -> Socket:
    """Distance along the camera's axis, by which things look smaller; 1 for parallel rays."""
    away = nodes.math("MULTIPLY", nodes.vector("DOT_PRODUCT", from_camera, camera.axes[2]), -1.0)
    return nodes.add("GeometryNodeSwitch", camera.parallel, away, 1.0, input_type="FLOAT").outputs[0]


def projection_rows(nodes: Nodes, camera: Camera) -> tuple[tuple[Row, Row], Socket]:
    """For each point, the rows that project what is around it, and the side of a pixel there."""
    position = nodes.add("GeometryNodeInputPosition")
    from_camera = nodes.vector("SUBTRACT", position, camera.location)
    depth = depth_of(nodes, camera, from_camera)
    widest = nodes.add("GeometryNodeSwitch", camera.parallel, STEEPEST, 0.0, input_type="FLOAT").outputs[0]
    back = camera.axes[2]
    rows = tuple(
        Row(axis, _oblique(nodes, axis, back, from_camera, depth, widest)) for axis in camera.axes[:2]
    )
    focal = nodes.math("MULTIPLY", nodes.math("MULTIPLY", camera.focal, 0.5), _picture_width(nodes))
    return rows, nodes.math("DIVIDE", depth, focal)  # type: ignore[return-value]


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
