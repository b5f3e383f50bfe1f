"""Calibrate: in one pose of the source, how our skeleton would have to turn to stand the same way.

Only positions are asked, because the rest poses and bone axes of files cannot be trusted. The neck, the head
and the collar bones are not aligned by direction: rigs differ in their slope, and every head would look up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import JOINT_NAMES, JOINT_PARENTS, joint_index
from ...avatar.rotations import matrix_from_rotvec, rotvec_from_matrix, turn_between
from ..proportions import leg_length
from .feet import flat_feet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...avatar.arrays import Float
    from ..take import Take

REST = -1
"""Stands for the source's rest pose in place of a frame."""
_LOOKED_AT = 200  # frames
_MOST_LOWERED = np.radians(60.0)
_BENT = 0.25  # sine of the angle between the halves of a limb, above which its hinge shows
_MOST_TWIST = 2.0
_SHORT = 0.02  # of a leg: a bone without direction
_SHORT_FINGER = 0.004
_UP = np.array([0.0, 1.0, 0.0])
# Upper and lower half of each limb, what follows, and the hinge's axis in our rest pose.
_LIMBS = (
    ("left_hip", "left_knee", "left_ankle", (1.0, 0.0, 0.0)),
    ("right_hip", "right_knee", "right_ankle", (1.0, 0.0, 0.0)),
    ("left_shoulder", "left_elbow", "left_wrist", (0.0, -1.0, 0.0)),
    ("right_shoulder", "right_elbow", "right_wrist", (0.0, 1.0, 0.0)),
)


@dataclass(frozen=True)
class Calibration:
    """How both skeletons stand in the same pose.

    Args:
        frame: Of the take; :data:`REST` for its rest pose.
        cost: How far from a T- or A-pose it is: 0 is a perfect one, above about 1 it is doubtful.
        turns: ``target_posed_from_rest`` of our joints in that pose. [55, 3, 3]
        source: ``world_from_joint`` of the source's joints in that pose. [J, 3, 3]
    """

    frame: int
    cost: float
    turns: Float
    source: Float


def calibrate(take: Take, bones: Mapping[str, str], target: Float, frame: int | None = None) -> Calibration:
    """Lay our skeleton over the source's in one pose.

    Args:
        take: The source.
        bones: Bone of each of our joints; must have passed ``check_map``.
        target: Our rest joints, metres. [55, 3]
        frame: Whose pose to take; :data:`REST` for the rest pose, by default what is most like a T-pose.
    """
    row = {joint: take.names.index(bone) for joint, bone in bones.items()}
    target, searched = np.asarray(target, np.float64), frame is None
    if frame is None:
        frame, cost = _best_frame(take, row)
    else:
        cost = _cost(_places(take, row, frame))
    at = _places(take, row, frame)
    turns = _turns(at, target)
    if searched and frame != REST:
        turns = flat_feet(take, row, frame, leg_length(at), target, turns)
    source = take.rest_rotations if frame == REST else take.rotations[frame]
    return Calibration(frame, cost, turns, source)


def _places(take: Take, row: dict[str, int], frame: int) -> dict[str, Float]:
    positions = take.rest_positions if frame == REST else take.positions[frame]
    return {joint: positions[index] for joint, index in row.items()}


def _best_frame(take: Take, row: dict[str, int]) -> tuple[int, float]:
    rest = _places(take, row, REST)
    if _anatomical(rest):
        return REST, _cost(rest)
    frames = np.unique(np.linspace(0, take.count - 1, min(take.count, _LOOKED_AT)).round().astype(int))
    costs = [_cost(_places(take, row, int(frame))) for frame in frames]
    best = int(np.argmin(costs))
    return int(frames[best]), costs[best]


def _anatomical(at: dict[str, Float]) -> bool:
    """Whether a person could stand like this, arms to the sides: rest poses of files are often nonsense."""
    top = at["head"] if "head" in at else at["neck"]
    leg = leg_length(at)
    if leg <= 0 or top[1] - at["pelvis"][1] < 0.3 * leg:
        return False
    for side, sign in (("left", 1.0), ("right", -1.0)):
        if at[f"{side}_hip"][1] - at[f"{side}_ankle"][1] < 0.8 * leg:
            return False
        arm = at[f"{side}_elbow"] - at[f"{side}_shoulder"]
        length = np.linalg.norm(arm)
        if length < 0.2 * leg or arm @ _lateral(at) * sign < np.cos(_MOST_LOWERED) * length - 1e-9:
            return False
    return True


def _cost(at: dict[str, Float]) -> float:
    """How far a pose is from arms straight out and legs straight down."""
    total, lateral = 0.0, _lateral(at)
    for side in ("left", "right"):
        sign = 1.0 if side == "left" else -1.0
        upper = _unit(at[f"{side}_elbow"] - at[f"{side}_shoulder"])
        lower = _unit(at[f"{side}_wrist"] - at[f"{side}_elbow"])
        thigh = _unit(at[f"{side}_knee"] - at[f"{side}_hip"])
        shin = _unit(at[f"{side}_ankle"] - at[f"{side}_knee"])
        total += (1 - sign * upper @ lateral) + (1 - upper @ lower) + (1 + thigh @ _UP) + (1 - thigh @ shin)
    return float(total)


def _lateral(at: dict[str, Float]) -> Float:
    """Level direction to the person's left."""
    way = at["left_hip"] - at["right_hip"] + at["left_shoulder"] - at["right_shoulder"]
    return _unit(way * [1, 0, 1])


def _turns(at: dict[str, Float], target: Float) -> Float:
    """``target_posed_from_rest`` of all joints in the source's pose. [55, 3, 3]"""
    ours = {name: target[joint_index(name)] for name in JOINT_NAMES}
    leg = leg_length(at)
    turns: dict[str, Float] = _trunk(at, ours)
    for name in JOINT_NAMES:
        if name in turns:
            continue
        parent = JOINT_NAMES[JOINT_PARENTS[joint_index(name)]]
        turn = turns[parent]
        for upper, lower, end, hinge in _LIMBS:
            if name in (upper, lower):
                child = lower if name == upper else end
                turn = _pointed(turn, ours[child] - ours[name], at[child] - at[name], _SHORT * leg)
            if name == upper:
                turn = _hinged(turn, np.array(hinge), at[lower] - at[upper], at[end] - at[lower])
        if name.endswith("ankle") and (toe := name.replace("ankle", "foot")) in at:
            turn = _headed(turn, ours[toe] - ours[name], at[toe] - at[name])
        if name.endswith("wrist"):
            turn = _palm(turn, name.split("_")[0], at, ours, leg)
        if name[-1] in "12" and (after := name[:-1] + str(int(name[-1]) + 1)) in at and name in at:
            turn = _pointed(turn, ours[after] - ours[name], at[after] - at[name], _SHORT_FINGER * leg)
        turns[name] = turn
    return np.stack([turns[name] for name in JOINT_NAMES])


def _trunk(at: dict[str, Float], ours: dict[str, Float]) -> dict[str, Float]:
    chest = next(name for name in ("spine3", "spine2", "spine1") if name in at)
    high = "neck" if "neck" in at else "head"

    def pelvis_frame(p: dict[str, Float]) -> Float:
        return _frame(p["left_hip"] - p["right_hip"], p[chest] - _middle(p, "hip"))

    def chest_frame(p: dict[str, Float]) -> Float:
        return _frame(p["left_shoulder"] - p["right_shoulder"], p[high] - _middle(p, "hip"))

    pelvis = pelvis_frame(at) @ pelvis_frame(ours).T
    top = chest_frame(at) @ chest_frame(ours).T
    between = rotvec_from_matrix(pelvis.T @ top)
    return {
        "pelvis": pelvis,
        "spine1": pelvis @ matrix_from_rotvec(between / 3),
        "spine2": pelvis @ matrix_from_rotvec(between * 2 / 3),
        "spine3": top,
    }


def _middle(at: dict[str, Float], pair: str) -> Float:
    return 0.5 * (at[f"left_{pair}"] + at[f"right_{pair}"])


def _pointed(turn: Float, ours: Float, theirs: Float, short: float) -> Float:
    """The smallest further turn that brings our bone into the source's direction."""
    if np.linalg.norm(theirs) < short:
        return turn
    return turn_between(turn @ _unit(ours), _unit(theirs)) @ turn


def _headed(turn: Float, ours: Float, theirs: Float) -> Float:
    """Our foot flat on the ground, its toes where the source's point: rigs differ in the ankle's height."""
    level = np.array([1.0, 0.0, 1.0])
    a, b = ours * level, theirs * level
    if any(np.linalg.norm(flat) < 0.2 * np.linalg.norm(way) for flat, way in ((a, ours), (b, theirs))):
        return turn
    angle = np.arctan2(b[0], b[2]) - np.arctan2(a[0], a[2])
    return matrix_from_rotvec(angle * _UP)


def _palm(turn: Float, side: str, at: dict[str, Float], ours: dict[str, Float], leg: float) -> Float:
    """The hand by its knuckles, if the source has them: palms of rigs rest in every direction."""
    names = [f"{side}_wrist", f"{side}_middle1", f"{side}_index1", f"{side}_pinky1"]
    if not set(names) <= at.keys():
        return turn
    wrist, middle, index, pinky = (at[name] for name in names)
    across, along = index - pinky, middle - wrist
    if np.linalg.norm(np.cross(across, along)) < (_SHORT * leg) ** 2:
        return turn
    own = _frame(ours[names[1]] - ours[names[0]], ours[names[2]] - ours[names[3]])
    return _frame(along, across) @ own.T


def _hinged(turn: Float, hinge: Float, upper: Float, lower: Float) -> Float:
    """Turn a bent limb about itself until its hinge lies like the source's."""
    along = _unit(upper)
    theirs = np.cross(along, _unit(lower))
    if np.linalg.norm(theirs) < _BENT:
        return turn
    own = turn @ hinge
    own = own - along * (own @ along)
    angle = float(np.arctan2(np.cross(own, theirs) @ along, own @ theirs))
    return turn if abs(angle) > _MOST_TWIST else matrix_from_rotvec(angle * along) @ turn


def _frame(x: Float, y: Float) -> Float:
    """Right-handed axes: x as given, y as near as may be to the hint. Columns. [3, 3]"""
    x = _unit(x)
    z = _unit(np.cross(x, y))
    return np.stack([x, np.cross(z, x), z], axis=1)


def _unit(vector: Float) -> Float:
    return vector / (np.linalg.norm(vector) + 1e-12)
