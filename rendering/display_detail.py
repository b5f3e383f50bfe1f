"""The part of the display nodes that leaves Gaussians out where nobody would miss them.

What is left is enlarged, so that the surface stays closed. A Gaussian's fixed random number decides whether
it stays, so from one frame to the next the same ones are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .display_camera import depth_of

if TYPE_CHECKING:
    import bpy

    from ..rigging.nodes import Nodes
    from .display_camera import Camera

    Socket = bpy.types.NodeSocket

FEWEST = 0.02
"""Share of the Gaussians that is left however far away."""

STEPS = 4.0
"""Shares between one and its half. In between nothing changes, or motion blur would find other points at the
shutter's opening than at its closing."""

_NORMAL_FOCAL = 50 / 36 * 2  # of Blender's own lens, in halves of the picture's width
_VECTOR = "FLOAT_VECTOR"


def share_by_distance(nodes: Nodes, camera: Camera, geometry: Socket, within: Socket) -> Socket:
    """Which part of the Gaussians the camera needs: as many to a pixel as at the given distance.

    One number for all points, measured at the first of them, so it costs nothing and follows the body. It is
    1 without a camera, and where the distance is 0.

    Args:
        nodes: Of the group.
        camera: From where it is seen.
        geometry: Posed points.
        within: Distance up to which all are needed, metres, for Blender's own lens of 50 mm.
    """
    position = nodes.add("GeometryNodeInputPosition")
    body = nodes.add("GeometryNodeSampleIndex", geometry, position, 0, data_type=_VECTOR, domain="POINT")
    depth = depth_of(nodes, camera, nodes.vector("SUBTRACT", body, camera.location))
    size = nodes.math("DIVIDE", camera.focal, nodes.math("MAXIMUM", depth, 1e-6))
    ratio = nodes.math("DIVIDE", nodes.math("MULTIPLY", size, within), _NORMAL_FOCAL)
    share = nodes.math("MULTIPLY", ratio, ratio)
    octaves = nodes.math("MULTIPLY", nodes.math("LOGARITHM", nodes.math("MAXIMUM", share, 1e-9), 2.0), STEPS)
    stepped = nodes.math("POWER", 2.0, nodes.math("DIVIDE", nodes.math("CEIL", octaves), STEPS))
    bounded = nodes.math("MAXIMUM", nodes.math("MINIMUM", stepped, 1.0), FEWEST)
    wanted = nodes.math("MULTIPLY", camera.there, nodes.math("GREATER_THAN", within, 0.0))
    return nodes.add("GeometryNodeSwitch", wanted, 1.0, bounded, input_type="FLOAT").outputs[0]


def thinned(nodes: Nodes, geometry: Socket, share: Socket) -> Socket:
    """So large a part of the points, each as much larger as keeps their area; costs nothing at 1.

    Args:
        nodes: Of the group.
        geometry: Points.
        share: One number.
    """
    chance = nodes.add("FunctionNodeRandomValue", None, None, nodes.add("GeometryNodeInputIndex"), 0)
    left_out = nodes.math("GREATER_THAN", chance, share)
    fewer = nodes.add("GeometryNodeDeleteGeometry", geometry, left_out, domain="POINT", mode="ALL")
    factor = nodes.math("POWER", nodes.math("MAXIMUM", share, 1e-6), -0.5)
    scale = nodes.vector("SCALE", nodes.attribute("scale", _VECTOR), factor)
    larger = nodes.store(fewer, "scale", _VECTOR, scale)
    some = nodes.math("LESS_THAN", share, 1.0)
    return nodes.add("GeometryNodeSwitch", some, geometry, larger, input_type="GEOMETRY").outputs[0]
