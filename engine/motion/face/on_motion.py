"""Faces on motions: what was recognised becomes expression, and turns of jaw and eyes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import JOINT_COUNT, joint_index
from ...avatar.rotations import quat_from_rotvec, quat_multiply, rotvec_from_quat
from ..motion import Motion
from .curves import HIGHEST, LOWEST, FaceCurves, counted, face_curves
from .names import JAW_NAMES, LOOK_NAMES, coefficient_index
from .turns import face_turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...avatar.arrays import Float
    from .coefficients import CoefficientMap
    from .face_take import FaceTake

NO_SHAPES = (
    "The avatar has no face shapes: of its face only jaw and eyes move. "
    "Reconstruct it again from its photo to get them."
)
_MOVES = 0.01  # radians: a joint that turns less was not moved on purpose


def with_face(motion: Motion, curves: Mapping[str, Float]) -> Motion:
    """Add the face that a take has beside its skeleton.

    A jaw or an eye that the skeleton moves already is left as it is: rigs often have both.

    Args:
        motion: The body.
        curves: By the names of the source. [F] each
    """
    return _added(motion, face_curves(curves)) if curves else motion


def face_motion(take: FaceTake, *, head: bool = False) -> Motion:
    """A motion that moves the face, the jaw and the eyes, and nothing else.

    Args:
        take: Of a face.
        head: Whether the head turns along, if that was recorded.
    """
    pose = np.zeros((take.count, JOINT_COUNT, 3))
    found = face_curves(take.curves)
    joints = list(face_turns(found.weights))
    if head and take.head is not None:
        pose[:, joint_index("head")] = take.head
        joints.append("head")
    still = Motion(
        pose.astype(np.float32),
        np.zeros((take.count, 3), np.float32),
        take.rate,
        take.name,
        source=take.source,
        notes=take.notes,
        joints=tuple(joints),
    )
    return _added(still, found)


def without_face(motion: Motion) -> Motion:
    """The motion without face shapes; jaw and eyes turn as they did."""
    return replace(motion, expression=np.zeros((motion.count, 0), np.float32), expression_names=())


def onto_shapes(motion: Motion, shapes: Sequence[str], carry: CoefficientMap | None = None) -> Motion:
    """Keep of the face what an avatar can show, and say what it cannot.

    Args:
        motion: With any expression.
        shapes: Face shapes of the avatar.
        carry: From SMPL-X coefficients to ARKit's shapes, for avatars that have no such coefficients.
    """
    if not shapes:
        return replace(without_face(motion), notes=(*motion.notes, *_missed(motion)))
    curves = dict(zip(motion.expression_names, motion.expression.T.astype(np.float64), strict=True))
    notes = list(motion.notes)
    moving = strange_coefficients(motion, shapes)
    coefficients = {name: curves.pop(name) for name in list(curves) if name in moving}
    if moving and carry is not None:
        for shape, weights in carry.weights(coefficients).items():
            curves[shape] = np.clip(curves.get(shape, 0.0) + weights, LOWEST, HIGHEST)
        notes.append(
            f"The face's {len(moving)} SMPL-X coefficients were carried over to the avatar's shapes."
        )
    elif moving:
        notes.append(
            f"The face's {len(moving)} SMPL-X coefficients have no shapes on this avatar and were left out."
        )
    lost = [
        name
        for name, curve in curves.items()
        if name not in shapes and name not in (*JAW_NAMES, *LOOK_NAMES) and np.any(curve)
    ]
    if lost:
        notes.append(counted("face shape is", "face shapes are", "not on this avatar", lost))
    return expressed(motion, {name: curve for name, curve in curves.items() if name in shapes}, notes)


def _missed(motion: Motion) -> tuple[str, ...]:
    """What to say where nothing of a motion's face can be shown; nothing if no shape moves."""
    moves = (
        np.any(curve) and name not in (*JAW_NAMES, *LOOK_NAMES)
        for name, curve in zip(motion.expression_names, motion.expression.T, strict=True)
    )
    return (NO_SHAPES,) if any(moves) else ()


def strange_coefficients(motion: Motion, shapes: Sequence[str]) -> list[str]:
    """The SMPL-X coefficients that move in a motion and that an avatar has no shapes for.

    Args:
        motion: With any expression.
        shapes: Face shapes of the avatar.
    """
    return [
        name
        for name, curve in zip(motion.expression_names, motion.expression.T, strict=True)
        if coefficient_index(name) is not None and name not in shapes and np.any(curve)
    ]


def _added(motion: Motion, face: FaceCurves) -> Motion:
    pose = motion.pose.astype(np.float64)
    for joint, turn in face_turns(face.weights).items():
        row = joint_index(joint)
        if np.abs(pose[:, row]).max() <= _MOVES:
            pose[:, row] = _after(pose[:, row], turn)
    curves = dict(zip(motion.expression_names, motion.expression.T.astype(np.float64), strict=True))
    curves |= {name: curve for name, curve in face.weights.items() if name not in JAW_NAMES}
    posed = replace(motion, pose=pose.astype(np.float32))
    return expressed(posed, curves, [*motion.notes, *face.notes])


def _after(first: Float, second: Float) -> Float:
    """One turn, then another in the turned joint's own axes. [F, 3]"""
    return rotvec_from_quat(quat_multiply(quat_from_rotvec(first), quat_from_rotvec(second)))


def expressed(motion: Motion, curves: Mapping[str, Float], notes: Sequence[str] | None = None) -> Motion:
    """The motion with these face shapes, as they are named, in place of its own.

    Args:
        motion: Any.
        curves: By the names of shapes. [F] each
        notes: In place of the motion's own.
    """
    stacked = np.stack(list(curves.values()), axis=1) if curves else np.zeros((motion.count, 0))
    return replace(
        motion,
        expression=stacked.astype(np.float32),
        expression_names=tuple(curves),
        notes=motion.notes if notes is None else tuple(notes),
    )
