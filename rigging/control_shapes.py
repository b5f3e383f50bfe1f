"""What controls look like: rings, a box and a ball of lines; left blue, right red, the middle yellow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .bone_shapes import shape_object
from .control_names import CHEST, HEAD, HIPS, LIMBS

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

_POINTS = 24
_COLOURS = {"left": "THEME04", "right": "THEME01", "": "THEME09"}
_HAND, _FOOT, _BALL = (0.05, 0.02, 0.07), (0.06, 0.03, 0.13), 0.025  # metres, half sizes
_RINGS = {HIPS: (0.24, "pelvis"), CHEST: (0.22, "spine3"), HEAD: (0.16, "head")}


def dress_controls(armature: bpy.types.Object) -> None:
    """Give every control its shape, colour and locks."""
    bones = armature.pose.bones
    for name, (radius, joint) in _RINGS.items():
        _dress(bones[name], _ring(), (radius,) * 3, "")
        # Drawn where the joint is, wherever a motion carries it.
        bones[name].custom_shape_transform = bones[joint]
        bones[name].lock_location = [name != HIPS] * 3
    for limb in LIMBS.values():
        is_arm = limb.part == "arm"
        _dress(bones[limb.end], _box(), _HAND if is_arm else _FOOT, limb.side)
        if is_arm:  # around the hand, not the wrist
            bones[limb.end].custom_shape_translation.x = 0.08 if limb.side == "left" else -0.08
        else:
            bones[limb.end].custom_shape_translation = (0.0, -0.05, 0.05)
        _dress(bones[limb.pole], _ball(), (_BALL,) * 3, limb.side)
        bones[limb.pole].lock_rotation, bones[limb.pole].lock_rotation_w = (True,) * 3, True


def _dress(
    bone: bpy.types.PoseBone, shape: bpy.types.Object, size: tuple[float, float, float], side: str
) -> None:
    bone.custom_shape, bone.use_custom_shape_bone_size = shape, False
    bone.custom_shape_scale_xyz = size
    bone.color.palette = _COLOURS[side]
    bone.lock_scale = (True,) * 3


def _circle() -> Float:
    angles = np.linspace(0, 2 * np.pi, _POINTS, endpoint=False)
    return np.stack([np.cos(angles), np.zeros(_POINTS), np.sin(angles)], axis=1)


def _loop(first: int) -> list[tuple[int, int]]:
    return [(first + k, first + (k + 1) % _POINTS) for k in range(_POINTS)]


def _ring() -> bpy.types.Object:
    """Around the body, radius one."""
    return shape_object("LHM Ring", _circle().tolist(), _loop(0), [])


def _ball() -> bpy.types.Object:
    """Three circles of radius one."""
    circle = _circle()
    points = np.concatenate([circle, circle[:, [1, 0, 2]], circle[:, [0, 2, 1]]])
    edges = [edge for k in range(3) for edge in _loop(k * _POINTS)]
    return shape_object("LHM Ball", points.tolist(), edges, [])


def _box() -> bpy.types.Object:
    """Edges of half size one."""
    corners = [(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)]
    edges = [
        (a, b)
        for a in range(8)
        for b in range(a + 1, 8)
        if sum(p != q for p, q in zip(corners[a], corners[b], strict=True)) == 1
    ]
    return shape_object("LHM Box", corners, edges, [])
