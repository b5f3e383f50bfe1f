"""Stage 2: MakeHuman's 163 bones become the 55 joints of SMPL-X, and so do their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import JOINT_COUNT, joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .samples import Array, Rig

SIDES = {"left": "L", "right": "R"}  # our prefix: MakeHuman's suffix
SIGNS = {"left": 1.0, "right": -1.0}  # the side's direction along X
FINGER_NUMBERS = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "pinky": 5}
TOES = range(1, 6)

_MAX_INFLUENCES = 8
_WEIGHT_STEPS = 2**16  # weights are multiples of 1/65536, so that each row sums to one exactly
_MIDDLE = {
    "pelvis": "spine05", "spine1": "spine04", "spine2": "spine03", "spine3": "spine02", "neck": "neck01",
    "head": "head", "jaw": "jaw",
}  # fmt: skip
_PAIRED = {
    "hip": "upperleg01", "knee": "lowerleg01", "ankle": "foot", "collar": "clavicle",
    "shoulder": "upperarm01", "elbow": "lowerarm01", "wrist": "wrist", "eye": "eye",
}  # fmt: skip


def _bone_of_joint() -> dict[str, str]:
    table = dict(_MIDDLE)
    for side, suffix in SIDES.items():
        table |= {f"{side}_{joint}": f"{bone}.{suffix}" for joint, bone in _PAIRED.items()}
        for finger, number in FINGER_NUMBERS.items():
            table |= {f"{side}_{finger}{k}": f"finger{number}-{k}.{suffix}" for k in (1, 2, 3)}
    return table


BONE_OF_JOINT = _bone_of_joint()
"""The bone whose head is the joint; the feet, which lie between five toes, are not in it."""


def _joint_of_bone() -> dict[str, str]:
    table = {bone: joint for joint, bone in BONE_OF_JOINT.items()} | {"root": "pelvis"}
    for side, suffix in SIDES.items():
        table |= {f"toe{toe}-1.{suffix}": f"{side}_foot" for toe in TOES}
        table |= {f"pelvis.{suffix}": "pelvis", f"breast.{suffix}": "spine3"}
    return table


def read_joints(rig: Rig, heads: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 55 joints from the heads of MakeHuman's bones.

    Args:
        rig: MakeHuman's.
        heads: Metres. [B, 3]

    Returns:
        [55, 3]
    """
    joints = np.zeros((JOINT_COUNT, 3))
    for joint, bone in BONE_OF_JOINT.items():
        joints[joint_index(joint)] = heads[rig.index(bone)]
    # SMPL-X has its pelvis above the line of the hips.
    joints[0] = 0.5 * (heads[rig.index("spine05")] + heads[rig.index("spine04")])
    for side, suffix in SIDES.items():
        toes = [heads[rig.index(f"toe{toe}-1.{suffix}")] for toe in TOES]
        joints[joint_index(f"{side}_foot")] = np.mean(toes, axis=0)
    return joints


def joint_weights(rig: Rig) -> Array:
    """Give each bone's weight to the nearest joint above it.

    Returns:
        At most eight joints a vertex; rows sum to one exactly. [V, 55]
    """
    joint_of_bone = _joint_of_bone()
    owned_by = np.zeros((len(rig.bones), JOINT_COUNT))
    for row in range(len(rig.bones)):
        index = row
        while rig.bones[index] not in joint_of_bone:
            index = rig.parents[index]
        owned_by[row, joint_index(joint_of_bone[rig.bones[index]])] = 1
    weights = rig.weights.astype(np.float64) @ owned_by
    weakest = np.argsort(-weights, axis=1, kind="stable")[:, _MAX_INFLUENCES:]
    np.put_along_axis(weights, weakest, 0, axis=1)
    return _on_steps(weights / weights.sum(axis=1, keepdims=True))


def _on_steps(weights: NDArray[np.float64]) -> Array:
    """Round to steps; the strongest joint takes what rounding leaves over."""
    steps = np.round(weights * _WEIGHT_STEPS)
    rows = np.arange(len(steps))
    steps[rows, steps.argmax(axis=1)] += _WEIGHT_STEPS - steps.sum(axis=1)
    return (steps / _WEIGHT_STEPS).astype(np.float32)
