"""Spherical harmonics in nodes: the colour of each Gaussian as the camera sees it, turned with the body.

The same functions as `engine.avatar.sh`, which is their reference.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy

    from ..rigging.nodes import Nodes
    from .display_camera import Camera

    Socket = bpy.types.NodeSocket

# What normalises the real harmonics of degree 1, 2, 3 to an integral of 1 over the sphere.
_C1 = sqrt(3 / (4 * pi))
_C2 = (sqrt(5 / (16 * pi)), sqrt(15 / (4 * pi)), sqrt(15 / (16 * pi)))
_C3 = (sqrt(7 / (16 * pi)), sqrt(21 / (32 * pi)), sqrt(105 / (16 * pi)), sqrt(35 / (32 * pi)))
_VECTOR = "FLOAT_VECTOR"


def harmonic_color(nodes: Nodes, camera: Camera, rotation: Socket, constant: Socket, degree: int) -> Socket:
    """Display-space colour, 0 and up.

    Args:
        nodes: Of the group.
        camera: From where it is seen.
        rotation: Posed orientation of each point.
        constant: Colour of the constant term.
        degree: 1 to 3.

    Source: Kerbl et al. 2023, section 4; order and signs as in their files.
    """
    x, y, z = nodes.add("ShaderNodeSeparateXYZ", _rest_direction(nodes, camera, rotation)).outputs
    color = constant
    for k, value in enumerate(_basis(nodes, x, y, z, degree), start=1):
        coefficient = nodes.attribute(f"sh_{k}", _VECTOR)
        color = nodes.vector("MULTIPLY_ADD", coefficient, nodes.spread(value), color)
    return nodes.vector("MAXIMUM", color, (0.0, 0.0, 0.0))


def _rest_direction(nodes: Nodes, camera: Camera, rotation: Socket) -> Socket:
    """From the camera to each point, unit length, turned back by what turned the point since rest.

    A ray of an orthographic camera goes where the camera looks.
    """
    position = nodes.add("GeometryNodeInputPosition")
    ray = nodes.vector("SUBTRACT", position, camera.location)
    ahead = nodes.vector("SCALE", camera.axes[2], -1.0)
    seen = nodes.add("GeometryNodeSwitch", camera.parallel, ray, ahead, input_type="VECTOR")
    # rotation = turn * rest, so back from the pose is into the Gaussian's own axes, then out at rest.
    own = nodes.add(
        "FunctionNodeRotateVector",
        nodes.vector("NORMALIZE", seen),
        nodes.add("FunctionNodeInvertRotation", rotation),
    )
    return nodes.add("FunctionNodeRotateVector", own, nodes.attribute("rest_rotation", "QUATERNION")).outputs[
        0
    ]


def _basis(nodes: Nodes, x: Socket, y: Socket, z: Socket, degree: int) -> Iterator[Socket]:
    """Values of the harmonics above the constant one, in the order of the files."""

    def times(factor: float, *parts: Socket) -> Socket:
        product = parts[0]
        for part in parts[1:]:
            product = nodes.math("MULTIPLY", product, part)
        return nodes.math("MULTIPLY", product, factor)

    yield times(-_C1, y)
    yield times(_C1, z)
    yield times(-_C1, x)
    if degree < 2:
        return
    xx, yy, zz = (nodes.math("MULTIPLY", one, one) for one in (x, y, z))
    xy = nodes.math("MULTIPLY", x, y)
    across = nodes.math("SUBTRACT", xx, yy)
    along, once, twice = _C2
    yield times(2 * twice, xy)
    yield times(-once, y, z)
    yield nodes.math("MULTIPLY_ADD", zz, 3 * along, -along)
    yield times(-once, x, z)
    yield times(twice, across)
    if degree < 3:
        return
    along, once, twice, thrice = _C3
    slant = nodes.math("MULTIPLY", zz, 5.0)
    yield times(-thrice, y, nodes.math("MULTIPLY_ADD", xx, 3.0, nodes.math("MULTIPLY", yy, -1.0)))
    yield times(2 * twice, xy, z)
    yield times(-once, y, nodes.math("SUBTRACT", slant, 1.0))
    yield times(along, z, nodes.math("SUBTRACT", slant, 3.0))
    yield times(-once, x, nodes.math("SUBTRACT", slant, 1.0))
    yield times(twice, z, across)
    yield times(-thrice, x, nodes.math("MULTIPLY_ADD", yy, -3.0, xx))
