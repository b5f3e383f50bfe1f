"""A motion as SMPL-X parameters: an AMASS-style archive, or LHM's folder with a file per frame."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.arrays import require_shape
from ...avatar.axes import BLENDER_FROM_BODY, OPENCV_FROM_BODY
from ...avatar.body import JOINT_COUNT
from ...avatar.errors import AvatarError
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ..face.names import coefficient_index

if TYPE_CHECKING:
    from pathlib import Path

    from ...avatar.arrays import Float
    from ..motion import Motion

_DISTANCE = 4.0  # metres from the camera to the pelvis at the start
_SIZE = (1080, 1920)  # width and height of the picture that LHM's camera stands for, pixels
_FOCAL = 2000.0  # pixels
_SHAPE_COUNT = 10


def write_amass(path: Path, motion: Motion, joints: Float, betas: Float) -> None:
    """Write an archive (.npz) as AMASS has them for SMPL-X, z up.

    Face shapes that are no coefficients go into two members of our own, ``face_names`` and ``face_weights``.

    Args:
        path: Of the file.
        motion: On this person.
        joints: Rest joints, metres. [55, 3]
        betas: The person's shape. [B]

    Raises:
        OSError: If it cannot be written.

    Source: Mahmood et al. 2019, AMASS, and its documentation of SMPL-X files.
    """
    pose, transl = _turned(motion, joints, BLENDER_FROM_BODY)
    named = [name for name in motion.expression_names if coefficient_index(name) is None]
    columns = [motion.expression_names.index(name) for name in named]
    face = {"face_names": np.array(named), "face_weights": motion.expression[:, columns]} if named else {}
    with path.open("wb") as file:
        np.savez(
            file,
            surface_model_type=np.array("smplx"),
            gender=np.array("neutral"),
            mocap_frame_rate=np.array(float(motion.fps)),
            betas=np.asarray(betas, np.float64),
            poses=pose.reshape(motion.count, -1),
            trans=transl,
            root_orient=pose[:, 0],
            pose_body=pose[:, 1:22].reshape(motion.count, -1),
            pose_jaw=pose[:, 22],
            pose_eye=pose[:, 23:25].reshape(motion.count, -1),
            pose_hand=pose[:, 25:].reshape(motion.count, -1),
            expression=_coefficients(motion),
            **face,
        )


def write_lhm(folder: Path, motion: Motion, joints: Float) -> None:
    """Write a folder ``smplx_params`` of one JSON file per frame, as a camera before the person sees them.

    Args:
        folder: Gets ``smplx_params``; made if missing.
        motion: On this person.
        joints: Rest joints, metres. [55, 3]

    Raises:
        AvatarError: If there are frames in the folder already.
        OSError: If it cannot be written.

    Source: docs/motion.md, LHM's motion format.
    """
    frames = folder / "smplx_params"
    if frames.exists() and any(frames.glob("*.json")):
        raise AvatarError(f"{frames} holds a motion already. Choose an empty folder.")
    pose, transl = _turned(motion, joints, OPENCV_FROM_BODY)
    pelvis = np.asarray(joints, np.float64)[0]
    transl = transl - (transl[0] + pelvis) + [0.0, 0.0, _DISTANCE]
    face = _coefficients(motion)
    frames.mkdir(parents=True, exist_ok=True)
    camera = {
        "focal": [_FOCAL, _FOCAL],
        "princpt": [_SIZE[0] / 2, _SIZE[1] / 2],
        "img_size_wh": list(_SIZE),
        "pad_ratio": 0.0,
    }
    for number, (turns, place, weights) in enumerate(zip(pose, transl, face, strict=True), start=1):
        frame = {
            "betas": [0.0] * _SHAPE_COUNT,
            "root_pose": turns[0].tolist(),
            "body_pose": turns[1:22].tolist(),
            "jaw_pose": turns[22].tolist(),
            "leye_pose": turns[23].tolist(),
            "reye_pose": turns[24].tolist(),
            "lhand_pose": turns[25:40].tolist(),
            "rhand_pose": turns[40:55].tolist(),
            "trans": place.tolist(),
            **camera,
        }
        if len(weights):
            frame["expr"] = weights.tolist()
        (frames / f"{number:05d}.json").write_text(json.dumps(frame), encoding="utf-8")


def _coefficients(motion: Motion) -> Float:
    """Of SMPL-X's expressions, each in its place. [F, E]"""
    numbers = [coefficient_index(name) for name in motion.expression_names]
    result = np.zeros((motion.count, max((n + 1 for n in numbers if n is not None), default=0)))
    for column, number in enumerate(numbers):
        if number is not None:
            result[:, number] = motion.expression[:, column]
    return result


def _turned(motion: Motion, joints: Float, other_from_body: Float) -> tuple[Float, Float]:
    """Pose and transl in another frame: a turn about the origin does not leave the pelvis where it was."""
    joints = np.asarray(joints, np.float64)
    require_shape("joints", joints, (JOINT_COUNT, 3))
    pose = motion.pose.astype(np.float64)
    pose[:, 0] = rotvec_from_matrix(other_from_body @ matrix_from_rotvec(pose[:, 0]))
    return pose, (motion.transl + joints[0]) @ other_from_body.T - joints[0]
