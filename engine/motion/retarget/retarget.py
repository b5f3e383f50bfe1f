"""Retarget: any take, or a motion recorded on another SMPL-X person, onto ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.arrays import require_shape
from ...avatar.body import JOINT_COUNT, JOINT_NAMES
from ..motion import Motion
from ..proportions import body_leg_length, leg_length
from .calibrate import REST, Calibration, calibrate
from .detect import check_map
from .root import Placing, follow_hips, placed
from .transfer import transferred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float
    from ..take import Take

_CHUNK = 2048  # frames: a take of ten minutes must not need its size many times over
_DOUBTFUL_COST = 1.5
_LEFT_HAND, _RIGHT_HAND = slice(25, 40), slice(40, 55)


@dataclass(frozen=True)
class Retargeting:
    """What may be chosen.

    Args:
        scale: Metres for one unit of the source; by default the legs' lengths are made equal.
        frame: Of the source that shows a T- or A-pose; by default the best is found.
        placing: Heading, start, floor, travel.
        relaxed_hands: Pose of hands that the source does not drive, left and right, axis-angle. [2, 45]
    """

    scale: float | None = None
    frame: int | None = None
    placing: Placing = field(default_factory=Placing)
    relaxed_hands: Float | None = None


@dataclass(frozen=True)
class Retargeted:
    """A motion on our skeleton, and how it came about.

    Args:
        motion: For the person whose joints were given.
        calibration: The pose in which both were laid on each other.
        scale: Metres for one unit of the source.
    """

    motion: Motion
    calibration: Calibration
    scale: float


def retarget(
    take: Take, bones: Mapping[str, str], joints: Float, choices: Retargeting | None = None
) -> Retargeted:
    """Carry a take over to a person.

    Args:
        take: The source.
        bones: Bone of each of our joints.
        joints: The person's rest joints, metres, body axes. [55, 3]
        choices: What may be chosen.

    Raises:
        AvatarError: If bones are missing, or the skeleton has no size.
        ValueError: If the joints' shape is wrong.

    Source: docs/motion.md.
    """
    choices = choices or Retargeting()
    joints = np.asarray(joints, np.float64)
    require_shape("joints", joints, (JOINT_COUNT, 3))
    check_map(bones, take.names)
    calibration = calibrate(take, bones, joints, choices.frame)
    scale = choices.scale or _leg_ratio(take, bones, joints, calibration.frame)
    pose = np.empty((take.count, JOINT_COUNT, 3))
    for start in range(0, take.count, _CHUNK):
        part = slice(start, start + _CHUNK)
        pose[part] = transferred(take, part, bones, calibration)
    _relax(pose, bones, choices.relaxed_hands)
    hips = [take.names.index(bones[f"{side}_hip"]) for side in ("left", "right")]
    transl = follow_hips(joints, pose, scale * take.positions[:, hips].mean(axis=1))
    pose, transl = placed(joints, pose, transl, choices.placing)
    motion = Motion(
        pose=pose.astype(np.float32),
        transl=transl.astype(np.float32),
        fps=take.rate,
        name=take.name,
        source=take.source,
        notes=(*take.notes, *_notes(calibration)),
    )
    return Retargeted(motion, calibration, scale)


def _leg_ratio(take: Take, bones: Mapping[str, str], joints: Float, frame: int) -> float:
    places = take.rest_positions if frame == REST else take.positions[frame]
    theirs = leg_length({joint: places[take.names.index(bone)] for joint, bone in bones.items()})
    return body_leg_length(joints) / theirs


def _relax(pose: Float, bones: Mapping[str, str], relaxed: Float | None) -> None:
    """Hands without bones hang loosely."""
    if relaxed is None:
        return
    for side, rows, hand in (("left", _LEFT_HAND, relaxed[0]), ("right", _RIGHT_HAND, relaxed[1])):
        if not any(name in bones for name in JOINT_NAMES[rows] if name.startswith(side)):
            pose[:, rows] = np.asarray(hand, np.float64).reshape(15, 3)


def _notes(calibration: Calibration) -> list[str]:
    if calibration.frame == REST:
        return []
    notes = [f"The file's rest pose is no pose of a person; frame {calibration.frame + 1} was taken instead."]
    if calibration.cost > _DOUBTFUL_COST:
        notes.append(
            "No frame shows a T- or A-pose: arms and legs may be turned about themselves. "
            "Choose a frame in which the person stands straight."
        )
    return notes
