"""Body parts by joint: colours and silhouettes never leak from one part to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import JOINT_NAMES, JOINT_PARENTS, joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from ..avatar.body import Body

TRUNK, HEAD, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG, LEFT_HAND, RIGHT_HAND = range(8)

_ROOTS = {
    "head": HEAD, "left_shoulder": LEFT_ARM, "right_shoulder": RIGHT_ARM, "left_hip": LEFT_LEG,
    "right_hip": RIGHT_LEG, "left_wrist": LEFT_HAND, "right_wrist": RIGHT_HAND,
}  # fmt: skip

MIRRORED_PARTS: tuple[int, ...] = (
    TRUNK, HEAD, RIGHT_ARM, LEFT_ARM, RIGHT_LEG, LEFT_LEG, RIGHT_HAND, LEFT_HAND
)  # fmt: skip


def _part_of_joint() -> tuple[int, ...]:
    parts: list[int] = []
    for name, parent in zip(JOINT_NAMES, JOINT_PARENTS, strict=True):
        parts.append(_ROOTS.get(name, TRUNK if parent < 0 else parts[parent]))
    return tuple(parts)


PART_OF_JOINT: NDArray[np.int64] = np.array(_part_of_joint())
"""Part of each joint; a child belongs to its parent's part unless it begins one. [55]"""


def part_of_weights(joint_indices: Int, joint_weights: Float) -> NDArray[np.int64]:
    """The part that holds most of each row's weight.

    Args:
        joint_indices: [N, K]
        joint_weights: [N, K]

    Returns:
        [N]
    """
    votes = np.zeros((len(joint_indices), len(MIRRORED_PARTS)))
    np.add.at(votes, (np.arange(len(votes))[:, None], PART_OF_JOINT[joint_indices]), joint_weights)
    return votes.argmax(axis=1)


def face_vertices(body: Body) -> NDArray[np.bool_]:
    """The front of the head between chin and brow, of which the photo's outline says nothing. [V]"""
    head, eye = body.joints(np.zeros(0))[[joint_index("head"), joint_index("left_eye")]]
    part = part_of_weights(body.joint_indices, body.joint_weights)
    v = body.v_template
    return (part == HEAD) & (v[:, 2] > head[2]) & (v[:, 1] < eye[1] + 0.05)


def ear_vertices(body: Body) -> NDArray[np.bool_]:
    """Vertices that stick out at the head's sides. [V]"""
    part = part_of_weights(body.joint_indices, body.joint_weights)
    width = np.abs(body.v_template[:, 0])
    return (part == HEAD) & (width > 0.86 * width[part == HEAD].max())
