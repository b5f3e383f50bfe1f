"""What gravity says: soles stand on one floor, and a standing person is above their feet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...avatar.binding import Binding, dense
from ...avatar.body import JOINT_COUNT, joint_index
from .model import PITCH, column
from .solve import robust
from .tilt import camera_pitch, lies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..observation import Observation
    from .model import Posed

_FLAT, _LEVEL = 0.02, 0.02  # metres: heel against toe, and the left foot against the right
_HIPS, _SHOULDERS = 0.03, 0.04  # metres before or behind: hips over ankles, shoulders over hips
_FALLING = 0.12  # metres, of the same two
_OUTLIER = 2.5
_PITCH_SPREAD = np.radians(5.0)
_CAMERA_HEIGHT, _CAMERA_SPREAD = 1.3, 0.4  # metres above the floor
_STRAIGHT, _BENT = np.radians(35.0), np.radians(65.0)  # of a knee or hip
_LOOKS_STRAIGHT, _LOOKS_BENT = np.radians(10.0), np.radians(25.0)  # of a knee in the image
_HIDDEN_LEGS = 2.0  # times as sure: of what else could they be known


def sole_vertices(body: Body) -> NDArray[np.int64]:
    """Lowest vertex under the heel and under the ball of each foot: left heel, left ball, right... [4]"""
    weights = dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
    rest, found = body.v_template, []
    for side in ("left", "right"):
        foot = weights[:, [joint_index(f"{side}_ankle"), joint_index(f"{side}_foot")]].sum(axis=1) > 0.5
        back, front = rest[foot, 2].min(), rest[foot, 2].max()
        for first, last in ((0.0, 0.25), (0.6, 0.8)):
            along = (rest[:, 2] - back) / (front - back)
            rows = np.flatnonzero(foot & (along >= first) & (along <= last))
            found.append(rows[rest[rows, 1].argmin()])
    return np.array(found)


def upward(pitch: Float) -> tuple[Float, Float]:
    """Up, and level towards the camera, in the frame of a camera that looks up by an angle. [B, 3] each"""
    zero, sine, cosine = np.zeros_like(pitch), np.sin(pitch), np.cos(pitch)
    return np.stack([zero, cosine, -sine], axis=1), np.stack([zero, sine, cosine], axis=1)


def standing(seen: Observation) -> float:
    """Whether the person stands on both feet, 0..1, from the detector's points in space."""
    w, sure = seen.world, seen.confidence
    if sure[[23, 24, 25, 26, 27, 28]].min() == 0 or lies(seen):
        return 0.0
    bends = []
    for shoulder, hip, knee, ankle in ((11, 23, 25, 27), (12, 24, 26, 28)):
        trunk, thigh, shin = w[hip] - w[shoulder], w[knee] - w[hip], w[ankle] - w[knee]
        bends += [_angle(trunk, thigh), _angle(thigh, shin)]
    return float(np.clip((_BENT - max(bends)) / (_BENT - _STRAIGHT), 0, 1))


def straight_legs(seen: Observation) -> tuple[float, float]:
    """Whether the left and the right leg stand and look straight in the image, 0..1."""
    stands, shares = standing(seen), []
    for hip, knee, ankle in ((23, 25, 27), (24, 26, 28)):
        bend = _angle(seen.points[knee] - seen.points[hip], seen.points[ankle] - seen.points[knee])
        share = np.clip((_LOOKS_BENT - bend) / (_LOOKS_BENT - _LOOKS_STRAIGHT), 0, 1)
        shares.append(stands * float(share))
    return shares[0], shares[1]


def _angle(a: Float, b: Float) -> float:
    return float(np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-9), -1, 1)))


class Ground:
    """Residuals of gravity.

    Args:
        seen: The photo.
    """

    def __init__(self, seen: Observation) -> None:
        self.standing = standing(seen)
        self.pitch = camera_pitch(seen) * self.standing
        self.legs_hidden = seen.confidence[[23, 24, 27, 28]].min() == 0
        self.feet = float(seen.confidence[[27, 28, 29, 30]].min())

    def residuals(self, x: Float, posed: Posed, soles: Float) -> Float:
        """How far from standing on a floor, in spreads. [B, R]

        Args:
            x: Parameters. [B, P]
            posed: The bodies.
            soles: As :func:`sole_vertices` orders them. [B, 4, 3]
        """
        up, near = upward(column(x, PITCH))
        height = np.einsum("bpc,bc->bp", soles, up)
        flat = np.stack([height[:, 0] - height[:, 1], height[:, 2] - height[:, 3]], axis=1) / _FLAT
        low = np.stack([height[:, :2].min(axis=1), height[:, 2:].min(axis=1)], axis=1)
        level = (low[:, :1] - low[:, 1:]) / _LEVEL
        ankles, hips, shoulders = (
            posed.joints[:, [joint_index(f"{side}_{part}") for side in ("left", "right")]].mean(axis=1)
            for part in ("ankle", "hip", "shoulder")
        )
        over = np.einsum("bc,bc->b", hips - ankles, near) / _HIPS
        upright = np.einsum("bc,bc->b", shoulders - hips, near) / _SHOULDERS
        trust = self.feet * np.sqrt(0.15 + 0.85 * self.standing)
        # Whoever shows no legs stands upright on them.
        stands = max(self.standing, _HIDDEN_LEGS * self.legs_hidden)
        # However much else is explained by it, nobody stands far off the vertical.
        falling = self.standing * np.stack([over * _HIPS, upright * _SHOULDERS], axis=1) / _FALLING
        lean = stands * np.stack([robust(over, _OUTLIER), robust(upright, _OUTLIER)], axis=1)
        pitch = (x[:, PITCH : PITCH + 1] - self.pitch) / _PITCH_SPREAD
        held = (-height.mean(axis=1, keepdims=True) - _CAMERA_HEIGHT) / _CAMERA_SPREAD
        return np.concatenate(
            [
                trust * robust(flat, _OUTLIER),
                trust * robust(level, _OUTLIER),
                lean,
                falling,
                pitch,
                self.feet * robust(held, _OUTLIER),
            ],
            axis=1,
        )
