"""Planting: feet that stand on the ground stand still; legs follow by two-bone IK in their own knee plane.

The foot's turn in the world stays as it was. Only the correction is eased in and out, never the motion; where
a leg would be too short for it, the pelvis sinks a little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import joint_index
from ..avatar.rotations import (
    continuous,
    matrix_from_rotvec,
    quat_conjugate,
    quat_from_rotvec,
    quat_multiply,
    rotvec_from_matrix,
    turn_between,
)
from ..avatar.skinning import forward_kinematics, posed_joints
from .contacts import Contact, contacts, foot_points
from .drift import drift

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from .motion import Motion

LEG_JOINTS = tuple(
    joint_index(f"{side}_{name}") for side in ("left", "right") for name in ("hip", "knee", "ankle")
)
"""The joints whose turns planting changes, besides the pelvis's place."""
_EASE = 0.15  # seconds before and after a contact
_STRAIGHT = 0.999  # of a leg's length
_HINGE = np.array([1.0, 0.0, 0.0])
_BENT = 0.02  # sine below which the knee's own plane is not to be trusted
_CHUNK = 2048


@dataclass(frozen=True)
class Planted:
    """A motion without sliding feet.

    Args:
        motion: It.
        contacts: Of the motion before, with how far each slid.
        before: How far a standing point was from its mean place at most, metres.
        after: The same afterwards.
    """

    motion: Motion
    contacts: list[Contact]
    before: float
    after: float


def planted(joints: Float, motion: Motion, *, sliding: bool = False) -> Planted:
    """Hold every standing foot where it stands.

    Args:
        joints: Rest joints, metres. [55, 3]
        motion: On this person.
        sliding: First take back the way that the whole body slides while a foot is flat on the ground.
    """
    joints = np.asarray(joints, np.float64)
    slid = drift(joints, motion) if sliding else None
    recorded = foot_points(joints, motion)
    if slid is not None:
        motion = replace(motion, transl=(motion.transl - slid).astype(np.float32))
    found = contacts(joints, motion)
    if not found:
        return Planted(motion, found, 0.0, 0.0)
    stands = _stands(found, motion.count)
    places = recorded if slid is None else foot_points(joints, motion)
    shift = _shifts(places, stands, motion)
    pose = motion.pose.astype(np.float64)
    transl = motion.transl.astype(np.float64)
    drop = _eased_up(_needed_drop(joints, pose, transl, shift), max(1, round(_EASE * motion.fps)))
    transl[:, 1] -= drop
    shift[..., 1] += drop[:, None]
    for start in range(0, motion.count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        pose[rows] = _reached(joints, pose[rows], transl[rows], shift[rows])
    result = replace(motion, pose=pose.astype(np.float32), transl=transl.astype(np.float32))
    after = foot_points(joints, result)
    return Planted(result, found, _slide(recorded, stands), _slide(after, stands))


def correction(motion: Motion, held: Motion) -> tuple[Float, Float]:
    """What a layer above a motion has to add so that its feet are held.

    Args:
        motion: As it was.
        held: The same with standing feet.

    Returns:
        Turns of :data:`LEG_JOINTS` after the motion's own, quaternions of continuous sign [F, 6, 4], and what
        is added to the pelvis's place, metres [F, 3].
    """
    before, after = (quat_from_rotvec(m.pose[:, list(LEG_JOINTS)].astype(np.float64)) for m in (motion, held))
    return continuous(quat_multiply(quat_conjugate(before), after)), held.transl - motion.transl


@dataclass(frozen=True)
class _Stand:
    """Frames in which a foot stands on one point: on the ball whenever that is down, else on the heel."""

    point: int
    start: int
    end: int
    joins: (
        bool  # the foot rolls on to, or from, its ball at the end, or the start, without leaving the ground
    )


def _stands(found: list[Contact], count: int) -> list[_Stand]:
    """Balls first, then what heels add to them."""
    stands = [_Stand(c.point, c.start, c.end, joins=False) for c in found if c.point % 2 == 1]
    for contact in found:
        if contact.point % 2 == 1:
            continue
        free = np.zeros(count, bool)
        free[contact.start : contact.end] = True
        for ball in stands:
            if ball.point == contact.point + 1:
                free[ball.start : ball.end] = False
        balls = [s for s in stands if s.point == contact.point + 1]
        for start, end in np.flatnonzero(np.diff(np.r_[0, free.astype(np.int8), 0])).reshape(-1, 2):
            joins = any(s.start == end or s.end == start for s in balls)
            stands.append(_Stand(contact.point, int(start), int(end), joins))
    return stands


def _slide(places: Float, stands: list[_Stand]) -> float:
    """The farthest that a standing point gets from its mean place, level, metres."""
    worst = 0.0
    for stand in stands:
        level = places[stand.start : stand.end, stand.point][:, [0, 2]]
        worst = max(worst, float(np.linalg.norm(level - level.mean(axis=0), axis=1).max()))
    return worst


def _shifts(places: Float, stands: list[_Stand], motion: Motion) -> Float:
    """How far each ankle is to be moved, metres. [F, 2, 3]"""
    shift, fixed = np.zeros((motion.count, 2, 3)), np.zeros((motion.count, 2), bool)
    for stand in sorted(stands, key=lambda s: s.joins):
        side, rows = stand.point // 2, slice(stand.start, stand.end)
        path = places[rows, stand.point] * [1.0, 0.0, 1.0]
        place = path.mean(axis=0)
        if stand.joins:
            # The correction goes on from where the ball's begins or ends.
            after = stand.end < motion.count and fixed[stand.end, side]
            place = (path[-1] + shift[stand.end, side]) if after else path[0] + shift[stand.start - 1, side]
        shift[rows, side], fixed[rows, side] = place - path, True
    for side in (0, 1):
        _ease(shift[:, side], fixed[:, side], max(1, round(_EASE * motion.fps)))
    return shift


def _ease(shift: Float, fixed: np.ndarray, span: int) -> None:
    """Fade the correction out after each contact and in before the next; what is fixed stays. In place."""
    count = len(shift)
    order = np.arange(count)
    rows = np.flatnonzero(fixed)
    if not len(rows):
        return
    before = np.searchsorted(rows, order, side="right") - 1
    last = np.where(before >= 0, rows[np.maximum(before, 0)], -1)
    after = np.searchsorted(rows, order, side="left")
    following = np.where(after < len(rows), rows[np.minimum(after, len(rows) - 1)], -1)
    free = ~fixed
    fading = np.where(last >= 0, _smooth(1 - (order - last) / (span + 1)), 0.0)
    rising = np.where(following >= 0, _smooth(1 - (following - order) / (span + 1)), 0.0)
    # Where both reach, they share: a short step between two contacts goes straight from one to the other.
    norm = np.maximum(fading + rising, 1.0)
    eased = (fading / norm)[:, None] * shift[last] + (rising / norm)[:, None] * shift[following]
    shift[free] = eased[free]


def _smooth(x: Float) -> Float:
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _needed_drop(joints: Float, pose: Float, transl: Float, shift: Float) -> Float:
    """How far the pelvis has to sink so that no leg is too short, metres. [F]"""
    drop = np.zeros(len(pose))
    for start in range(0, len(pose), _CHUNK):
        rows = slice(start, start + _CHUNK)
        _, places = _world(joints, pose[rows], transl[rows])
        for side, (hip, knee, ankle) in enumerate((LEG_JOINTS[:3], LEG_JOINTS[3:])):
            length = np.linalg.norm(joints[knee] - joints[hip]) + np.linalg.norm(joints[ankle] - joints[knee])
            now = np.linalg.norm(places[:, ankle] - places[:, hip], axis=-1)
            # A leg that the motion itself holds straighter than this is left as straight.
            reach = np.maximum(_STRAIGHT * length, now)
            way = places[:, ankle] + shift[rows, side] - places[:, hip]
            level = np.hypot(way[:, 0], way[:, 2])
            height = np.sqrt(np.maximum(reach**2 - level**2, 0.0))
            drop[rows] = np.maximum(drop[rows], -way[:, 1] - height)
    return np.maximum(drop, 0.0)


def _eased_up(drop: Float, span: int) -> Float:
    """A smooth curve that is nowhere below the needed one. [F]"""
    if not drop.any():
        return drop
    padded = np.pad(drop, 2 * span, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * span + 1)
    kernel = np.hanning(2 * span + 3)[1:-1]
    return np.convolve(windows.max(axis=1), kernel / kernel.sum(), mode="valid")


def _reached(joints: Float, pose: Float, transl: Float, shift: Float) -> Float:
    """The pose with both ankles moved by ``shift``. [F, 55, 3]"""
    turns, places = _world(joints, pose, transl)
    pose = pose.copy()
    for side, (hip, knee, ankle) in enumerate((LEG_JOINTS[:3], LEG_JOINTS[3:])):
        moved = np.linalg.norm(shift[:, side], axis=-1) > 1e-7
        if not moved.any():
            continue
        thigh = places[moved, knee] - places[moved, hip]
        shin = places[moved, ankle] - places[moved, knee]
        goal = places[moved, ankle] + shift[moved, side] - places[moved, hip]
        bend, swing = _leg(thigh, shin, goal, turns[moved, hip] @ _HINGE)
        pelvis = turns[moved, 0]
        new_hip = swing @ turns[moved, hip]
        new_knee = swing @ bend @ turns[moved, knee]
        pose[moved, hip] = rotvec_from_matrix(_t(pelvis) @ new_hip)
        pose[moved, knee] = rotvec_from_matrix(_t(new_hip) @ new_knee)
        pose[moved, ankle] = rotvec_from_matrix(_t(new_knee) @ turns[moved, ankle])
    return pose


def _leg(thigh: Float, shin: Float, goal: Float, side: Float) -> tuple[Float, Float]:
    """Turn of the shin about the knee, then of the whole leg about the hip. [F, 3, 3] each"""
    a, b = np.linalg.norm(thigh, axis=-1), np.linalg.norm(shin, axis=-1)
    hinge = np.cross(thigh, shin)
    size = np.linalg.norm(hinge, axis=-1, keepdims=True)
    straight = size < _BENT * (a * b)[:, None]
    # A straight leg bends about the knee's own axis, square to the leg.
    own = side - (side * thigh).sum(-1, keepdims=True) / (a**2)[:, None] * thigh
    hinge = np.where(
        straight, own / np.linalg.norm(own, axis=-1, keepdims=True), hinge / np.maximum(size, 1e-12)
    )
    distance = np.minimum(np.linalg.norm(goal, axis=-1), a + b)
    cosine = (distance**2 - a**2 - b**2) / (2 * a * b)
    wanted = np.arccos(np.clip(cosine, -1, 1))
    now = np.arctan2((np.cross(thigh, shin) * hinge).sum(-1), (thigh * shin).sum(-1))
    bend = matrix_from_rotvec((wanted - now)[:, None] * hinge)
    reach = thigh + (bend @ shin[..., None])[..., 0]
    return bend, turn_between(reach, goal)


def _world(joints: Float, pose: Float, transl: Float) -> tuple[Float, Float]:
    moved = forward_kinematics(joints, pose, transl)
    return moved[..., :3, :3], posed_joints(joints, moved)


def _t(matrix: Float) -> Float:
    return np.swapaxes(matrix, -1, -2)
