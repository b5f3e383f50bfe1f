"""First guess: every limb turned at once as the detector's points in space say, no search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import JOINT_PARENTS, joint_index
from ...avatar.rotations import matrix_from_rotvec, polar_rotation, rotvec_from_matrix
from .ground import standing
from .landmarks import gather
from .model import BETAS, PARAMETERS, PITCH, POSE, TRANSL
from .prior import resting_pose
from .tilt import camera_pitch

if TYPE_CHECKING:
    from ...avatar.arrays import Float
    from ..observation import Observation
    from .landmarks import Landmarks
    from .model import Model

# Landmarks of upper joint, middle joint and end; joints that turn; bone and hinge axis in the rest pose.
_CHAINS = (
    ((11, 13, 15), ("left_shoulder", "left_elbow"), (1, 0, 0), (0, -1, 0)),
    ((12, 14, 16), ("right_shoulder", "right_elbow"), (-1, 0, 0), (0, 1, 0)),
    ((23, 25, 27), ("left_hip", "left_knee"), (0, -1, 0), (1, 0, 0)),
    ((24, 26, 28), ("right_hip", "right_knee"), (0, -1, 0), (1, 0, 0)),
)
_TRUNK = (11, 12, 23, 24)
_CLEAR_BEND = 0.25  # sine of the angle from which a bent limb tells how it is twisted


def first_guess(model: Model, seen: Observation, table: Landmarks, betas: Float) -> Float:
    """Parameters to start from; sets the model's base orientation. [P]"""
    x = np.zeros(PARAMETERS)
    x[BETAS] = betas
    model.base = np.eye(3)
    rest = _gathered(model, table, x)
    trunk = [table.row(i) for i in _TRUNK]
    world = seen.world[list(_TRUNK)]
    model.base = polar_rotation((world - world.mean(0)).T @ (rest[trunk] - rest[trunk].mean(0)))
    x[POSE] = _limbs(model.base, seen).ravel()
    points = _gathered(model, table, x)
    used = seen.confidence[table.ids] > 0
    found = seen.points[table.ids][used]
    extent = np.sqrt(((points[used] - points[used].mean(0))[:, :2] ** 2).sum(1).mean())
    pixels = np.sqrt(((found - found.mean(0)) ** 2).sum(1).mean())
    middle = seen.camera.unproject(found.mean(0), np.asarray(seen.camera.focal * extent / pixels))
    x[TRANSL] += middle - points[used].mean(0)
    x[PITCH] = camera_pitch(seen) * standing(seen)
    return x


def _gathered(model: Model, table: Landmarks, x: Float) -> Float:
    posed = model.posed(x[None])
    return gather(table, posed.rest, posed.moved)[0]


def _limbs(base: Float, seen: Observation) -> Float:
    """Rotations of the body's joints that point the limbs as the detector's points do. [21, 3]"""
    pose = resting_pose()
    for marks, (ball, hinge), bone, axis in _CHAINS:
        if seen.confidence[list(marks[:2])].min() == 0:
            continue
        upper = seen.world[marks[1]] - seen.world[marks[0]]
        lower = seen.world[marks[2]] - seen.world[marks[1]]
        if seen.confidence[marks[2]] == 0:
            lower = upper
        parent = base @ matrix_from_rotvec(_parent_turn(pose, ball))
        upper, lower = (parent.T @ (v / np.linalg.norm(v)) for v in (upper, lower))
        turn, bend = turned_limb(upper, lower, np.array(bone, float), np.array(axis, float))
        pose[joint_index(ball) - 1] = rotvec_from_matrix(turn)
        pose[joint_index(hinge) - 1] = bend
    return pose


def _parent_turn(pose: Float, joint: str) -> Float:
    """The trunk is straight in the first guess, so a limb's parent turns as the pelvis does. [3]"""
    parent = JOINT_PARENTS[joint_index(joint)]
    return pose[parent - 1] if parent > 0 else np.zeros(3)


def turned_limb(upper: Float, lower: Float, bone: Float, axis: Float) -> tuple[Float, Float]:
    """Rotations of a limb's ball and hinge that point its two bones along two directions.

    Args:
        upper: Unit direction, in the frame of the ball's parent. [3]
        lower: Likewise. [3]
        bone: Of both bones in the rest pose. [3]
        axis: About which the hinge bends, rest pose. [3]

    Returns:
        The ball's matrix [3, 3] and the hinge's rotation vector [3].
    """
    bend = np.arccos(np.clip(upper @ lower, -1, 1))
    return _ball(upper, lower, bone, axis), bend * axis


def _ball(upper: Float, lower: Float, bone: Float, axis: Float) -> Float:
    """Rotation that lays the bone along ``upper`` and its hinge so that ``lower`` is reached by bending."""
    normal = np.cross(upper, lower)
    if np.linalg.norm(normal) < _CLEAR_BEND:
        return _shortest(bone, upper)
    normal /= np.linalg.norm(normal)
    rest = np.stack([bone, axis, np.cross(bone, axis)], axis=1)
    return np.stack([upper, normal, np.cross(upper, normal)], axis=1) @ rest.T


def _shortest(a: Float, b: Float) -> Float:
    """Smallest rotation from one direction to another."""
    axis, cosine = np.cross(a, b), float(np.clip(a @ b, -1, 1))
    length = np.linalg.norm(axis)
    if length < 1e-8:
        return np.eye(3) if cosine > 0 else matrix_from_rotvec(np.pi * np.array([0.0, 1.0, 0.0]))
    return matrix_from_rotvec(axis / length * np.arccos(cosine))
