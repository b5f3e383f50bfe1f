"""Takes of which the truth is known: our own motions, as another skeleton would have recorded them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.body import JOINT_NAMES, JOINT_PARENTS, bundled_body
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.motion.take import Take

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIRROR = np.diag([-1.0, 1.0, 1.0])


def rest_joints() -> NDArray[np.float64]:
    """Joints of the mean person. [55, 3]"""
    return bundled_body().joints(np.zeros(10)).astype(np.float64)


def lively(frames: int, seed: int = 3) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smooth turns of every joint and a way through the room; begins and ends in the T-pose.

    Returns:
        pose [F, 55, 3], transl [F, 3]
    """
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, frames)[:, None, None]
    fade = np.sin(np.pi * time) ** 0.5
    waves = sum(
        rng.normal(0, 0.35, (55, 3)) * np.sin(2 * np.pi * (k * time + rng.random((55, 3)))) for k in (1, 2, 3)
    )
    pose = fade * waves * 0.6
    pose[:, 0] += fade[:, 0] * [0.0, 1.2, 0.0]
    transl = np.stack([np.sin(time[:, 0, 0]), 0.05 * np.sin(9 * time[:, 0, 0]), 2 * time[:, 0, 0]], axis=1)
    return pose, transl - transl[0]


def world(
    pose: NDArray[np.float64], transl: NDArray[np.float64], joints: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turns and places of all joints. [F, 55, 3, 3], [F, 55, 3]"""
    moved = forward_kinematics(joints, pose, transl)
    places = np.einsum("fjab,jb->fja", moved[..., :3, :3], joints) + moved[..., :3, 3]
    return moved[..., :3, :3], places


def recorded(
    pose: NDArray[np.float64],
    transl: NDArray[np.float64],
    joints: NDArray[np.float64],
    *,
    unit: float = 1.0,
    seed: int = 0,
    rest: str = "T",
    drop: tuple[str, ...] = (),
    mirrored_axes: bool = False,
    twist_bones: bool = False,
) -> Take:
    """The motion as another rig: every bone has axes of its own.

    Args:
        pose: [F, 55, 3]
        transl: [F, 3]
        joints: Rest joints of the actor. [55, 3]
        unit: Units per metre.
        seed: Of the bones' axes.
        rest: "T", or "line": every joint at the same height, as some BVH files have it.
        drop: Joints that the rig does not have.
        mirrored_axes: Bones of the right side have the left side's axes mirrored.
        twist_bones: Add a bone in the middle of each upper arm, and one of no length at the neck.
    """
    turns, places = world(pose, transl, joints)
    rng = np.random.default_rng(seed)
    axes = matrix_from_rotvec(rng.normal(0, 1.5, (55, 3)))
    if mirrored_axes:
        for name in JOINT_NAMES:
            if name.startswith("right"):
                left = axes[JOINT_NAMES.index(name.replace("right", "left"))]
                axes[JOINT_NAMES.index(name)] = MIRROR @ left @ MIRROR
    names, parents = list(JOINT_NAMES), list(JOINT_PARENTS)
    rotations, rest_places = turns @ axes, joints.copy()
    if rest == "line":
        rest_places = np.stack([np.arange(55.0), np.zeros(55), np.zeros(55)], axis=1)
    keep = [j for j, name in enumerate(names) if name not in drop]
    where = {joint: row for row, joint in enumerate(keep)}

    def kept_parent(joint: int) -> int:
        while parents[joint] >= 0 and parents[joint] not in where:
            joint = parents[joint]
        return where.get(parents[joint], -1)

    new_parents = [kept_parent(joint) for joint in keep]
    out_names = [names[joint] for joint in keep]
    rotations, places = rotations[:, keep], places[:, keep] * unit
    rest_rotations, rest_places = axes[keep], rest_places[keep] * unit
    if twist_bones:
        for near in ("left_shoulder", "neck"):
            row = out_names.index(near)
            roll = matrix_from_rotvec(rng.normal(0, 1, 3))
            out_names.append(f"{near}_twist_01")
            new_parents.append(row)
            rotations = np.concatenate([rotations, rotations[:, row : row + 1] @ roll], axis=1)
            places = np.concatenate([places, places[:, row : row + 1]], axis=1)
            rest_rotations = np.concatenate([rest_rotations, rest_rotations[row : row + 1] @ roll])
            rest_places = np.concatenate([rest_places, rest_places[row : row + 1]])
    return Take(
        names=tuple(out_names),
        parents=tuple(new_parents),
        rotations=rotations,
        positions=places,
        rest_rotations=rest_rotations,
        rest_positions=rest_places,
        fps=30.0,
        name="lively",
        source="BVH",
    )
