"""Bodies are solid: limbs lie on the trunk, the head and each other, not in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.binding import Binding, dense
from ...avatar.body import JOINT_COUNT, joint_index
from ..parts import TRUNK, part_of_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from .model import Posed

    _Points = tuple[NDArray[np.int64], NDArray[np.int64], Float, Float]

_SPREAD = 0.015  # metres of overlap that skin and clothes allow
_SLICES = 24
# Points of an arm: between two joints, how far along, and how thick, metres.
_ARM = (
    ("shoulder", "elbow", 0.75, 0.035), ("elbow", "wrist", 0.0, 0.035), ("elbow", "wrist", 0.5, 0.035),
    ("wrist", "middle1", 0.0, 0.025), ("wrist", "middle1", 1.0, 0.02), ("wrist", "middle3", 1.0, 0.015),
)  # fmt: skip
_LEG = (("hip", "knee", 0.6, 0.06), ("knee", "ankle", 0.0, 0.05), ("knee", "ankle", 0.6, 0.045),
        ("knee", "ankle", 1.0, 0.035))  # fmt: skip
_SIDES = ("left", "right")


def _points(parts: tuple[tuple[str, str, float, float], ...], side: str) -> _Points:
    """First joint, second joint, share of the way, thickness of each point."""
    first = np.array([joint_index(f"{side}_{a}") for a, _, _, _ in parts])
    second = np.array([joint_index(f"{side}_{b}") for _, b, _, _ in parts])
    return first, second, np.array([c for _, _, c, _ in parts]), np.array([d for _, _, _, d in parts])


class Contact:
    """Residuals of overlap: arms with trunk, thighs, head and each other; legs with each other.

    Args:
        body: Any body in SMPL-X layout.
    """

    def __init__(self, body: Body) -> None:
        self._frame = joint_index("spine2")
        self._heights, self._halves, self._middles = _trunk(body)
        self._radius = {part: _radius(body, *ends) for part, ends in
                        {"thigh": ("left_hip", "left_knee"), "forearm": ("left_elbow", "left_wrist"),
                         "shin": ("left_knee", "left_ankle")}.items()}  # fmt: skip
        self._arms = [_points(_ARM, side) for side in _SIDES]
        self._legs = [_points(_LEG, side) for side in _SIDES]

    def residuals(self, posed: Posed) -> Float:
        """Overlaps in spreads. [B, R]"""
        found = []
        for other, arm, leg in zip(_SIDES[::-1], self._arms, self._legs, strict=True):
            points = self._place(posed, arm)
            found.append(self._in_trunk(posed, points) + arm[3])
            found += [
                self._in_capsule(posed, points[:, 2:], f"{thigh}_hip", f"{thigh}_knee", "thigh")
                for thigh in _SIDES
            ]
            found.append(_in_head(posed, points[:, 2:]) + arm[3][2:])
            found.append(
                self._in_capsule(posed, points[:, 2:], f"{other}_elbow", f"{other}_wrist", "forearm")
            )
            shanks = self._place(posed, leg)
            found.append(self._in_capsule(posed, shanks[:, :2], f"{other}_hip", f"{other}_knee", "thigh"))
            found.append(self._in_capsule(posed, shanks[:, 1:], f"{other}_knee", f"{other}_ankle", "shin"))
        return np.maximum(np.concatenate(found, axis=1), 0.0) / _SPREAD

    def _place(self, posed: Posed, points: _Points) -> Float:
        first, second, share, _ = points
        a, b = posed.joints[:, first], posed.joints[:, second]
        return a + (b - a) * share[:, None]

    def _in_trunk(self, posed: Posed, points: Float) -> Float:
        """Metres inside the trunk, whose slices are ellipses; negative outside. [B, P]"""
        moved = posed.moved[:, self._frame]
        local = np.matmul(points - moved[:, None, :3, 3], moved[:, :3, :3])
        y = local[..., 1]
        half_x, half_z = (np.interp(y, self._heights, half) for half in self._halves.T)
        middle = np.interp(y, self._heights, self._middles)
        away = np.sqrt((local[..., 0] / half_x) ** 2 + ((local[..., 2] - middle) / half_z) ** 2 + 1e-12)
        depth = (1.0 - away) * np.minimum(half_x, half_z)
        # Below the crotch and above the shoulders there is no trunk.
        ends = np.minimum(y - self._heights[0], self._heights[-1] - y)
        return np.minimum(depth, ends)

    def _in_capsule(self, posed: Posed, points: Float, first: str, second: str, part: str) -> Float:
        a, b = posed.joints[:, None, joint_index(first)], posed.joints[:, None, joint_index(second)]
        way = b - a
        share = np.clip(((points - a) * way).sum(-1) / (way * way).sum(-1), 0.0, 1.0)
        gap = np.linalg.norm(points - a - share[..., None] * way, axis=-1)
        return self._radius[part] + 0.02 - gap


def _in_head(posed: Posed, points: Float) -> Float:
    """Metres inside the skull, a ball of 8 cm above the head's joint; negative outside. [B, P]"""
    moved = posed.moved[:, joint_index("head")]
    rest = posed.rest[:, joint_index("head")] + (0.0, 0.06, 0.02)
    middle = (moved[:, :3, :3] @ rest[..., None])[..., 0] + moved[:, :3, 3]
    return 0.08 - np.linalg.norm(points - middle[:, None], axis=-1)


def _trunk(body: Body) -> tuple[Float, Float, Float]:
    """Heights of slices from crotch to shoulders, their half axes and middles, rest pose. [S], [S, 2], [S]"""
    rest = body.v_template.astype(np.float64)
    joints = body.joints(np.zeros(0))
    trunk = part_of_weights(body.joint_indices, body.joint_weights) == TRUNK
    bottom, top = joints[joint_index("left_hip"), 1] - 0.05, joints[joint_index("left_shoulder"), 1] - 0.02
    width = joints[joint_index("left_shoulder"), 0]
    trunk &= np.abs(rest[:, 0]) < width
    heights = np.linspace(bottom, top, _SLICES)
    step = heights[1] - heights[0]
    halves, middles = [], []
    for height in heights:
        ring = rest[trunk & (np.abs(rest[:, 1] - height) < step)]
        halves.append(0.5 * np.ptp(ring[:, [0, 2]], axis=0))
        middles.append(0.5 * (ring[:, 2].min() + ring[:, 2].max()))
    return heights, np.array(halves), np.array(middles)


def _radius(body: Body, first: str, second: str) -> float:
    """Median distance of a limb's skin from its bone, rest pose, metres."""
    weights = dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
    rest, joints = body.v_template.astype(np.float64), body.joints(np.zeros(0)).astype(np.float64)
    a, b = joints[joint_index(first)], joints[joint_index(second)]
    points = rest[weights[:, joint_index(first)] > 0.7]
    way = (b - a) / np.linalg.norm(b - a)
    return float(np.median(np.linalg.norm(points - a - ((points - a) @ way)[:, None] * way, axis=1)))
