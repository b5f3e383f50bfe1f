"""The body with its arms half lowered, where clothes are cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from ..example.shapes import Surface

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from ..example.person import Person

SIDES = (("left", 1.0), ("right", -1.0))


@dataclass(frozen=True)
class Wearer:
    """The body with its arms half lowered, where clothes are cut.

    Args:
        person: Who.
        easy: The surface there.
        joints: The joints there. [55, 3]
        arm: How much of each vertex is arm, 0..1. [V]
    """

    person: Person
    easy: Surface
    joints: Float
    arm: Float

    @classmethod
    def of(cls, person: Person) -> Wearer:
        """Lower the arms of a person."""
        easy = Surface(person.posed(person.rest.vertices, person.easy, person.weights), person.rest.triangles)
        joints = np.einsum("jab,jb->ja", person.easy[:, :3, :3], person.joints) + person.easy[:, :3, 3]
        return cls(person, easy, joints, arm_share(person.weights))

    def joint(self, name: str) -> Float:
        """Where a joint is. [3]"""
        return self.joints[joint_index(name)]

    def weights_at(self, points: Float) -> Float:
        """Weights of the nearest spot of the body; hands count as wrists. [N, 55]"""
        _, _, triangle, spot = self.easy.nearest(points)
        corners = self.person.weights[self.easy.triangles[triangle]]
        weights = np.einsum("nk,nkj->nj", np.clip(spot, 0, 1), corners)
        for side, first in (("left", 25), ("right", 40)):
            weights[:, joint_index(f"{side}_wrist")] += weights[:, first : first + 15].sum(axis=1)
            weights[:, first : first + 15] = 0
        return weights / weights.sum(axis=1, keepdims=True)

    def rest(self, points: Float, weights: Float) -> Float:
        """Where points have to be at rest to come here with the arms lowered. [N, 3]"""
        blended = np.einsum("nj,jab->nab", weights, self.person.easy)
        return np.linalg.solve(blended[:, :3, :3], (points - blended[:, :3, 3])[..., None])[..., 0]

    def height(self, share: float) -> float:
        """Height of a hem: 0 at the hip joint, 1 at the ankle, -1 at the shoulder."""
        hip = self.joint("left_hip")[1]
        other = self.joint("left_ankle")[1] if share >= 0 else self.joint("left_shoulder")[1]
        return float(hip + abs(share) * (other - hip))


def arm_share(weights: Float) -> Float:
    """How much of each vertex is arm or hand, 0..1; from weights [V, 55]. [V]"""
    names = [f"{side}_{name}" for side in ("left", "right") for name in ("shoulder", "elbow", "wrist")]
    return weights[:, [joint_index(name) for name in names]].sum(axis=1) + weights[:, 25:].sum(axis=1)


def arm_line(joints: Float, side: str) -> Float:
    """Shoulder, elbow and wrist of a side. [3, 3]"""
    return np.stack([joints[joint_index(f"{side}_{name}")] for name in ("shoulder", "elbow", "wrist")])
