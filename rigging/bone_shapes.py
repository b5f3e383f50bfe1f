"""What the bones look like: two shapes shared by all avatars in a file, and where each stick points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Euler, Vector

from ..engine.avatar.body import JOINT_NAMES, JOINT_PARENTS, joint_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.avatar.arrays import Float

_SHAPE_KEY = "lhm_shape"
_STICK = "LHM Stick"
_STICK_WAIST, _STICK_RADIUS = 0.12, 0.06  # of the stick's length
_RING_RADIUS, _RING_POINTS, _ARROW_LENGTH = 0.4, 32, 0.15  # metres
_SHORTEST_STICK = 0.015

_TOWARDS = {
    "pelvis": "spine1",
    "spine3": "neck",
    "left_wrist": "left_middle1",
    "right_wrist": "right_middle1",
}
"""Where a joint with several children points."""

_FREE = {"head": (0, 0.18, 0), "jaw": (0, -0.04, 0.06), "left_eye": (0, 0, 0.04), "right_eye": (0, 0, 0.04)}
"""Sticks that point at no joint: metres, body axes."""


def stick() -> bpy.types.Object:
    """A slim octahedron of length one along +Y, like Blender's own bones."""
    r, w = _STICK_RADIUS, _STICK_WAIST
    points = [(0, 0, 0), (r, w, 0), (0, w, r), (-r, w, 0), (0, w, -r), (0, 1, 0)]
    faces = [(end, 1 + k, 1 + (k + 1) % 4) for end in (0, 5) for k in range(4)]
    return shape_object(_STICK, points, [], faces)


def is_stick(shape: bpy.types.Object | None) -> bool:
    """Whether a bone's custom shape is our stick."""
    return shape is not None and shape.get(_SHAPE_KEY) == _STICK


def ring() -> bpy.types.Object:
    """A ring on the floor with an arrow where the person faces."""
    angles = np.linspace(0, 2 * np.pi, _RING_POINTS, endpoint=False)
    points = [(_RING_RADIUS * np.sin(a), 0.0, _RING_RADIUS * np.cos(a)) for a in angles]
    edges = [(k, (k + 1) % _RING_POINTS) for k in range(_RING_POINTS)]
    points.append((0.0, 0.0, _RING_RADIUS + _ARROW_LENGTH))
    edges += [(1, _RING_POINTS), (_RING_POINTS - 1, _RING_POINTS)]
    return shape_object("LHM Root", points, edges, [])


def stick_transform(name: str, joints: Float) -> tuple[Euler, float]:
    """Rotation of the stick in the bone's own frame, and its length in metres.

    Args:
        name: A joint.
        joints: Rest joints, body axes. [55, 3]
    """
    direction = Vector(_direction(joint_index(name), joints))
    rotation = Vector((0, 1, 0)).rotation_difference(direction)
    return rotation.to_euler(), max(direction.length, _SHORTEST_STICK)


def _direction(joint: int, joints: Float) -> Float:
    name = JOINT_NAMES[joint]
    if name in _FREE:
        return np.array(_FREE[name])
    children = [child for child, parent in enumerate(JOINT_PARENTS) if parent == joint]
    if not children:  # a leaf carries on where its parent pointed
        return 0.7 * (joints[joint] - joints[JOINT_PARENTS[joint]])
    child = joint_index(_TOWARDS[name]) if name in _TOWARDS else children[0]
    return joints[child] - joints[joint]


def shape_object(
    name: str,
    points: Sequence[Sequence[float]],
    edges: Sequence[tuple[int, int]],
    faces: Sequence[tuple[int, int, int]],
) -> bpy.types.Object:
    """The file's own shape of this name, or a new one; in no collection, so only bones show it.

    Args:
        name: Of the object and its mesh.
        points: In the bone's frame. [N, 3]
        edges: Pairs of points.
        faces: Triples of points.
    """
    for shape in bpy.data.objects:
        if shape.library is None and shape.get(_SHAPE_KEY) == name:
            return shape
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, edges, faces)
    shape = bpy.data.objects.new(name, mesh)
    shape[_SHAPE_KEY] = name
    return shape
