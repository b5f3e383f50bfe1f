"""The many names of SMPL-like parameters, and their many shapes, to one rotation per joint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.body import BODY_JOINT_COUNT, HAND_JOINT_COUNT, JOINT_COUNT
from ...avatar.errors import AvatarError
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ..face.names import coefficient_name
from ..smplx_take import FIRST_FINGER, SmplFrames, rest_joints
from .rows import as_many, numbers_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...avatar.arrays import Float as Array
    from ...avatar.body import Body

ROOT = ("global_orient", "root_orient", "root_pose", "Rh")
WHOLE = ("pose_world", "poses_world", "poses", "pose", "fullpose", "full_pose", "smpl_poses")
PLACE = ("trans_world", "trans", "transl", "translation", "Th", "smpl_trans", "root_trans")
_BODY = ("body_pose", "pose_body")
_LEFT = ("left_hand_pose", "lhand_pose")
_RIGHT = ("right_hand_pose", "rhand_pose")
_HANDS = ("pose_hand", "hand_pose")
_JAW = ("jaw_pose", "pose_jaw")
_LEFT_EYE = ("leye_pose", "left_eye_pose")
_RIGHT_EYE = ("reye_pose", "right_eye_pose")
_EYES = ("pose_eye", "eye_pose")
BETAS = ("betas", "shapes", "shape", "beta")
EXPRESSION = ("expression", "expressions", "expr")
FACE_NAMES, FACE_WEIGHTS = "face_names", "face_weights"  # of ARKit's shapes, as our own archives have them
_FPS = ("mocap_framerate", "mocap_frame_rate", "fps", "framerate", "frame_rate", "mocap_fps")
_ORBIT = "Rh"  # EasyMocap turns the whole body about the world's origin, not about the pelvis
_HAND_MODEL_WIDTHS = (6, 12, 24)  # coordinates of one hand
_BODY_NUMBERS = 3 * BODY_JOINT_COUNT
# Of all joints in one row. 72 and 69 are SMPL's, whose two hands of one joint each are left out; 78 and 87
# have hands in the coordinates of a hand model that is not here, as EasyMocap writes them.
WHOLE_WIDTHS = (66, 72, 78, 87, 156, 165)
_BODY_WIDTHS = (_BODY_NUMBERS, 69)


def pick(values: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first member that is there under one of its names."""
    return next((values[name] for name in names if name in values and np.size(values[name])), None)


def is_body(values: object) -> bool:
    """Whether a mapping holds the parameters of a body."""
    return isinstance(values, Mapping) and any(
        name in values and not isinstance(values[name], (Mapping, str)) for name in (*ROOT, *WHOLE)
    )


def smpl_frames(values: Mapping[str, Any], body: Body, where: str) -> SmplFrames:
    """One person's parameters.

    Args:
        values: By the names that files use.
        body: Gives the mean hand, should the file count from it.
        where: Name of the file, for errors.

    Raises:
        AvatarError: If members are missing or do not fit together.
    """
    pose, has_hands, notes = _pose(values, where)
    count = len(pose)
    place = pick(values, PLACE)
    if place is None:
        notes.append("The file does not say where the person is; the motion stays in place.")
    transl = np.zeros((count, 3)) if place is None else rows_of(place, (3,), PLACE[0], where)
    transl = as_many(transl, count, PLACE[0], where)
    betas = _betas(values, where)
    if _ORBIT in values:
        pelvis = rest_joints(body, betas)[0][0]
        turn = as_many(rows_of(values[_ORBIT], (3,), _ORBIT, where), count, _ORBIT, where)
        transl = matrix_from_rotvec(turn) @ pelvis + transl - pelvis
    hand_mean = values.get("flat_hand_mean")
    if has_hands and hand_mean is not None and not np.any(hand_mean):
        pose[:, FIRST_FINGER:] += body.hands_mean.reshape(-1, 3)
        notes.append("The fingers count from the mean hand, as the file says; it was added.")
    source, up, stated = _kind(values)
    expression, names = _expression(values, count, where)
    return SmplFrames(
        pose=pose,
        transl=transl,
        source=source,
        usual_up=up,
        up_stated=stated,
        fps=_fps(values, where),
        betas=betas,
        expression=expression,
        expression_names=names,
        has_hands=has_hands,
        notes=tuple(notes),
    )


def with_numbers(frames: SmplFrames, numbers: Any) -> SmplFrames:
    """Frames with the numbers they have in a video, if there are as many."""
    flat = np.asarray(numbers).reshape(-1)
    if len(flat) != len(frames.pose) or flat.dtype.kind not in "iu":
        return frames
    return replace(frames, numbers=flat.astype(np.int64))


def _pose(values: Mapping[str, Any], where: str) -> tuple[Array, bool, list[str]]:
    """All joints, whether fingers are among them, and notes."""
    notes: list[str] = []
    whole, root, body = pick(values, WHOLE), pick(values, ROOT), pick(values, _BODY)
    if whole is not None:
        pose, hands = _from_whole(rows_of(whole, (*_BODY_WIDTHS, *WHOLE_WIDTHS), "poses", where), notes)
    elif root is not None and body is not None:
        pose, hands = np.zeros((len(rows_of(body, _BODY_WIDTHS, _BODY[0], where)), JOINT_COUNT, 3)), False
        pose[:, 1:22] = rows_of(body, _BODY_WIDTHS, _BODY[0], where)[:, :_BODY_NUMBERS].reshape(-1, 21, 3)
    elif any(name in values and not np.size(values[name]) for name in (*ROOT, *WHOLE, *_BODY)):
        raise AvatarError(f"{where} has no frames. Export the motion again.")
    else:
        raise AvatarError(
            f"{where} has {'no body_pose' if root is not None else 'no rotation of the pelvis'}. Choose a "
            "file with the whole body."
        )
    if root is not None:
        turn = as_many(rows_of(root, (3,), ROOT[0], where), len(pose), ROOT[0], where)
        own = _ORBIT in values and pose[:, 0].any()
        pose[:, 0] = (
            rotvec_from_matrix(matrix_from_rotvec(turn) @ matrix_from_rotvec(pose[:, 0])) if own else turn
        )
    for first, joints, names in (
        (22, 1, _JAW), (23, 1, _LEFT_EYE), (24, 1, _RIGHT_EYE), (23, 2, _EYES),
        (25, 15, _LEFT), (40, 15, _RIGHT), (25, 30, _HANDS),
    ):  # fmt: skip
        part = pick(values, names)
        if part is None:
            continue
        if first >= FIRST_FINGER and _in_hand_coordinates(part, len(pose), joints):
            notes.append("The fingers are in a hand model's own coordinates and were left out.")
            continue
        rows = as_many(rows_of(part, (3 * joints,), names[0], where), len(pose), names[0], where)
        pose[:, first : first + joints] = rows.reshape(-1, joints, 3)
        hands = hands or first >= FIRST_FINGER
    return pose, hands, notes


def _from_whole(rows: Array, notes: list[str]) -> tuple[Array, bool]:
    count, width = rows.shape
    pose = np.zeros((count, JOINT_COUNT, 3))
    if width in _BODY_WIDTHS:
        pose[:, 1:22] = rows[:, :_BODY_NUMBERS].reshape(count, -1, 3)
        return pose, False
    pose[:, :22] = rows[:, :66].reshape(count, -1, 3)
    if width == 156:
        pose[:, FIRST_FINGER:] = rows[:, 66:].reshape(count, -1, 3)
    elif width == 165:
        pose[:, 22:] = rows[:, 66:].reshape(count, -1, 3)
    elif width == 87:
        pose[:, 22:FIRST_FINGER] = rows[:, 78:].reshape(count, -1, 3)
    if width in (78, 87):
        notes.append("The fingers are in a hand model's own coordinates and were left out.")
    return pose, width in (156, 165)


def _in_hand_coordinates(part: Any, count: int, joints: int) -> bool:
    """Whether there are fewer numbers a frame than angles."""
    hands = joints // HAND_JOINT_COUNT
    return np.size(part) in {rows * hands * width for rows in (1, count) for width in _HAND_MODEL_WIDTHS}


def _kind(values: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Name of the format, its usual up axis, and whether that is sure."""
    if "root_pose" in values:
        return "LHM", "-y", True
    if _ORBIT in values:
        return "EasyMocap", "z", False
    if any(name in values for name in ("pose_world", "poses_world")):
        return "WHAM", "y", False
    if any(name in values for name in ("mocap_framerate", "mocap_frame_rate", "dmpls", "surface_model_type")):
        return "AMASS", "z", False
    return "SMPL-X" if any(name in values for name in (*_LEFT, *_JAW)) else "SMPL", "y", False


def _fps(values: Mapping[str, Any], where: str) -> float | None:
    value = pick(values, _FPS)
    if value is None:
        return None
    try:
        return float(np.asarray(value, np.float64).reshape(-1)[0])
    except (ValueError, TypeError):
        raise AvatarError(f"{where}: its frame rate {str(value)[:20]!r} is no number. Give it.") from None


def _betas(values: Mapping[str, Any], where: str) -> Array:
    value = pick(values, BETAS)
    if value is None:
        return np.zeros(0)
    array = numbers_of(value, BETAS[0], where)
    # One shape a frame is usual; a person has one.
    return array if array.ndim == 1 else array.reshape(-1, array.shape[-1]).mean(axis=0)


def _expression(values: Mapping[str, Any], count: int, where: str) -> tuple[Array, tuple[str, ...]]:
    """Weights of face shapes, and their names: coefficients, then what has names of its own."""
    value = pick(values, EXPRESSION)
    rows = np.zeros((count, 0)) if value is None else _weights(value, count, EXPRESSION[0], where)
    names = tuple(coefficient_name(k) for k in range(rows.shape[1]))
    if FACE_NAMES not in values or FACE_WEIGHTS not in values or not np.size(values[FACE_NAMES]):
        return rows, names
    others = tuple(str(name) for name in np.ravel(values[FACE_NAMES]))
    weights = _weights(values[FACE_WEIGHTS], count, FACE_WEIGHTS, where)
    if len(others) != weights.shape[1] or len({*names, *others}) != len(names) + len(others):
        raise AvatarError(f"{where}: {FACE_NAMES} do not fit {FACE_WEIGHTS}. Export the motion again.")
    return np.concatenate([rows, weights], axis=1), (*names, *others)


def _weights(value: Any, count: int, name: str, where: str) -> Array:
    array = np.atleast_2d(numbers_of(value, name, where))
    return as_many(array.reshape(-1, array.shape[-1]), count, name, where)
