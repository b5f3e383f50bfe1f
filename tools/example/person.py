"""Who stands in the picture, and how: a young man at ease, his weight on his right leg."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.binding import Binding, dense
from ...engine.avatar.body import JOINT_COUNT, bundled_body, joint_index
from ...engine.avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ...engine.avatar.skinning import forward_kinematics
from ...engine.motion.builtin.limbs import Limb
from ...engine.motion.builtin.upper_body import hand
from .shapes import Shape, Surface

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float

    Feet = dict[str, tuple[float, float, float]]

BETAS = np.array([0.1, -1.9, -1.3, 0.0, 0.3])
EXPRESSION = np.array([0.0, 0.45, 0.0, 0.22])  # a slight smile, lids a little lower
_BODY_FILE = Path(__file__).parents[2] / "assets" / "body.npz"
_X = np.array([1.0, 0.0, 0.0])
_REACH = 0.998  # of the standing leg
_SWAY = np.array([-0.028, 0.0, 0.0])  # of the pelvis, towards the standing leg
# Where the ankles stand (x and z, metres) and how far the feet turn out, degrees.
_FEET = {"left": (0.165, 0.055, 22.0), "right": (-0.105, -0.015, 11.0)}
# Degrees about x, y, z against the parent, applied in the order z, y, x.
_TURNS = {
    "pelvis": (1.0, 3.0, -3.0),
    "spine1": (0.0, -1.0, 1.6),
    "spine2": (-1.0, -1.0, 1.6),
    "spine3": (0.0, 0.0, 1.4),
    "neck": (2.0, 1.0, -0.5),
    "head": (5.0, 3.0, -1.8),
    "left_collar": (0.0, 0.0, -5.0),
    "right_collar": (0.0, 0.0, 5.0),
    "left_shoulder": (7.0, 4.0, -64.5),
    "right_shoulder": (4.0, -3.0, 66.0),
    "left_elbow": (0.0, -24.0, 0.0),
    "right_elbow": (0.0, 19.0, 0.0),
    "left_wrist": (0.0, -4.0, -4.0),
    "right_wrist": (0.0, 5.0, 5.0),
}


@dataclass(frozen=True)
class Person:
    """The body at rest (arms out) and as it stands. Body axes, metres.

    Args:
        rest: The surface at rest.
        weights: Skinning weights of its vertices. [V, 55]
        joints: Rest joints. [55, 3]
        standing: ``posed_from_rest`` of the pose in the picture. [55, 4, 4]
        easy: ``posed_from_rest`` with the arms half lowered, as garments are cut. [55, 4, 4]
    """

    rest: Surface
    weights: Float
    joints: Float
    standing: Float
    easy: Float

    def weights_at(self, points: Float) -> Float:
        """Skinning weights of the nearest spot of the body. [N, 55]"""
        _, _, triangle, spot = self.rest.nearest(points)
        corners = self.weights[self.rest.triangles[triangle]]
        return np.einsum("nk,nkj->nj", np.clip(spot, 0, 1), corners)

    def posed(self, points: Float, transforms: Float, weights: Float | None = None) -> Float:
        """Points near the resting body, carried along by it. [N, 3]"""
        weights = self.weights_at(points) if weights is None else weights
        blended = np.einsum("nj,jab->nab", weights / weights.sum(axis=1, keepdims=True), transforms)
        return np.einsum("nab,nb->na", blended[:, :3, :3], points) + blended[:, :3, 3]

    def shape(self) -> Shape:
        """The resting body as quads."""
        return Shape(self.rest.vertices, [tuple(t) for t in self.rest.triangles.tolist()]).quads()


def make_person() -> Person:
    """Build the young man from the bundled body."""
    joints = bundled_body().joints(BETAS).astype(np.float64)
    return wear_body(BETAS, EXPRESSION, *_standing(joints))


def wear_body(betas: Float, expression: Float, pose: Float, transl: Float) -> Person:
    """A person of any shape in any pose.

    Args:
        betas: [<=10]
        expression: [<=10]
        pose: As in ``BodyParams.pose()``. [55, 3]
        transl: Metres. [3]
    """
    body = bundled_body()
    vertices, joints = (
        body.shaped(betas, expression).astype(np.float64),
        body.joints(betas).astype(np.float64),
    )
    weights = dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT).astype(np.float64)
    easy = np.zeros((JOINT_COUNT, 3))
    for side, sign in (("left", -1.0), ("right", 1.0)):
        easy[joint_index(f"{side}_shoulder"), 2] = sign * np.radians(48)
        easy[joint_index(f"{side}_hip"), 2] = sign * np.radians(4)
    return Person(
        Surface(vertices, body.faces.astype(np.int64)),
        weights,
        joints,
        forward_kinematics(joints, pose, transl),
        forward_kinematics(joints, easy),
    )


def _standing(joints: Float) -> tuple[Float, Float]:
    """Pose [55, 3] and translation [3]."""
    turns = np.tile(np.eye(3), (JOINT_COUNT, 1, 1))
    for side in ("left", "right"):
        for name, relaxed in hand(side, 1).items():
            turns[joint_index(name)] = relaxed[0]
    for name, degrees in _TURNS.items():
        x, y, z = (
            matrix_from_rotvec(np.radians(d) * axis) for d, axis in zip(degrees, np.eye(3), strict=True)
        )
        turns[joint_index(name)] = x @ y @ z
    return rotvec_from_matrix(turns), stand(turns, joints, _FEET, _SWAY, _REACH)


def stand(turns: Float, joints: Float, feet: Feet, sway: Float, reach: float) -> Float:
    """Let both legs reach their feet; the right one carries the weight.

    Args:
        turns: Local rotations of the joints; those of hips, knees and ankles are written. [55, 3, 3]
        joints: Rest joints. [55, 3]
        feet: Where the ankles stand (x and z, metres) and how far the feet turn out, degrees.
        sway: Of the pelvis, metres. [3]
        reach: Of the right leg, as a share of its whole length.

    Returns:
        Translation of the body. [3]
    """
    transl = sway.copy()
    way = _way(joints, turns[0], "right", sway, feet)
    length = reach * _leg(joints, "right").length
    transl[1] += np.sqrt(length**2 - way[0] ** 2 - way[2] ** 2) + way[1]
    for side in feet:
        _place(turns, joints, side, transl, feet)
    return transl


def _way(joints: Float, pelvis: Float, side: str, transl: Float, feet: Feet) -> Float:
    """From hip to ankle. [3]"""
    hip, ankle = joints[joint_index(f"{side}_hip")], joints[joint_index(f"{side}_ankle")]
    x, z, _ = feet[side]
    return np.array([x, ankle[1], z]) - (joints[0] + transl + pelvis @ (hip - joints[0]))


def _leg(joints: Float, side: str) -> Limb:
    hip, knee, ankle = (joints[joint_index(f"{side}_{name}")] for name in ("hip", "knee", "ankle"))
    return Limb(knee - hip, ankle - knee, _X)


def _place(turns: Float, joints: Float, side: str, transl: Float, feet: Feet) -> None:
    """Put a foot flat on the floor and let the leg reach it."""
    way, leg = _way(joints, turns[0], side, transl, feet)[None], _leg(joints, side)
    bend = leg.bend(np.linalg.norm(way, axis=1))
    forward = joints[joint_index(f"{side}_foot")] - joints[joint_index(f"{side}_ankle")]
    out = np.radians(feet[side][2]) * (1 if side == "left" else -1)
    foot = matrix_from_rotvec(np.array([0.0, out - np.arctan2(forward[0], forward[2]), 0.0]))
    side_way = matrix_from_rotvec(np.array([0.0, 0.8 * out, 0.0])) @ _X
    thigh = leg.aim(bend, way, side_way[None])[0]
    knee = matrix_from_rotvec(bend[0] * _X)
    turns[joint_index(f"{side}_hip")] = turns[0].T @ thigh
    turns[joint_index(f"{side}_knee")] = knee
    turns[joint_index(f"{side}_ankle")] = (thigh @ knee).T @ foot


def face_marks(person: Person) -> Float:
    """The 51 face landmarks of the body file on this person's resting face. [51, 3]"""
    with np.load(_BODY_FILE, allow_pickle=False) as members:
        faces, spots = members["lmk_faces_idx"], members["lmk_bary_coords"]
    return np.einsum("nk,nkc->nc", spots, person.rest.vertices[person.rest.triangles[faces]])
