"""Expect: what the fitted body says about where skin, hair and garments may be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from ...avatar.body import joint_index
from ..parts import (
    HEAD,
    LEFT_ARM,
    LEFT_HAND,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_HAND,
    RIGHT_LEG,
    TRUNK,
    part_of_weights,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..clothe.depth import DepthMaps

Share: TypeAlias = "Float | float"

_ASIDE = 0.06  # metres: what is farther from the middle of a head is no face
_RIM = 0.012  # metres from the outline: colours are mixed there


@dataclass(frozen=True)
class Landmarks:
    """Heights and lengths of a rest pose that tell where things are worn, metres.

    Args:
        eye, head_z, neck, shoulder, hip, knee, ankle: Heights (``head_z``: depth of the head's joint).
        arm: x of shoulder and wrist.
    """

    eye: float
    head_z: float
    neck: float
    shoulder: float
    hip: float
    knee: float
    ankle: float
    arm: tuple[float, float]

    @classmethod
    def of(cls, joints: Float) -> Landmarks:
        """Those of a rest pose.

        Args:
            joints: [55, 3]
        """

        def mean(name: str, axis: int = 1) -> float:
            pair = joints[[joint_index(f"left_{name}"), joint_index(f"right_{name}")]]
            return float(np.abs(pair[:, 0]).mean() if axis == 0 else pair[:, axis].mean())

        return cls(
            eye=mean("eye"), head_z=float(joints[joint_index("head"), 2]),
            neck=float(joints[joint_index("neck"), 1]), shoulder=mean("shoulder"), hip=mean("hip"),
            knee=mean("knee"), ankle=mean("ankle"), arm=(mean("shoulder", 0), mean("wrist", 0)),
        )  # fmt: skip


@dataclass(frozen=True)
class Rest:
    """Which point of the resting body each pixel belongs to.

    Args:
        points: Metres. [H, W, 3]
        part: Body part. [H, W]
        beyond: Metres beyond the body. [H, W]
        inside: Whether the pixel is the person's. [H, W]
        to_outline: Metres to the outline. [H, W]
        marks: Heights of the body.
    """

    points: NDArray[np.float32]
    part: NDArray[np.int64]
    beyond: NDArray[np.float32]
    inside: NDArray[np.bool_]
    to_outline: NDArray[np.float32]
    marks: Landmarks

    @classmethod
    def of(cls, body: Body, betas: Float, maps: DepthMaps) -> Rest:
        """The points of a fitted body.

        Args:
            body: The body.
            betas: Its shape. [B]
            maps: Which of its points each pixel shows.
        """
        rows, columns = maps.body_pixel
        corners = body.faces[maps.layer.face[rows, columns]]
        weights = maps.layer.corners[rows, columns]
        points = np.einsum("hwk,hwkc->hwc", weights, body.shaped(betas)[corners])
        part = part_of_weights(body.joint_indices, body.joint_weights)[corners[..., 0]]
        return cls(
            points.astype(np.float32), part, maps.beyond, maps.inside, maps.to_outline,
            Landmarks.of(body.joints(betas)),
        )  # fmt: skip

    @property
    def well_inside(self) -> NDArray[np.bool_]:
        """Pixels that show the person alone. [H, W]"""
        return self.inside & (self.to_outline > _RIM)

    @property
    def along_arm(self) -> Float:
        """0 at the shoulder, 1 at the wrist. [H, W]"""
        shoulder, wrist = self.marks.arm
        return (np.abs(self.points[..., 0]) - shoulder) / (wrist - shoulder)

    def resized(self, size: tuple[int, int]) -> Rest:
        """The same on fewer pixels.

        Args:
            size: Width and height.
        """

        def shrunk(image: NDArray) -> NDArray:
            return cv2.resize(image, size, interpolation=cv2.INTER_NEAREST)

        return replace(
            self, points=shrunk(self.points), part=shrunk(self.part.astype(np.int32)).astype(np.int64),
            beyond=shrunk(self.beyond), inside=shrunk(self.inside.astype(np.uint8)) > 0,
            to_outline=shrunk(self.to_outline),
        )  # fmt: skip

    def seeds(self) -> tuple[NDArray[np.bool_], ...]:
        """The surest places of skin, hair, top, bottom and shoes. 5 times [H, W]"""
        x, y, _ = np.moveaxis(self.points, -1, 0)
        at, sure = self.marks, self.well_inside
        near = sure & (self.beyond < _NEAR)
        skin = near & _face(self) & (np.abs(x) < 0.045) & (y > at.eye - 0.08) & (y < at.eye + 0.01)
        aside = (self.beyond > 0.01) | (np.abs(x) > _ASIDE)
        crown = (self.part == HEAD) & ((y > at.eye + 0.055) | (aside & (y > at.eye - 0.14)))
        chest = near & (self.part == TRUNK) & (y < at.neck - 0.1) & (y > at.hip + 0.22)
        thigh = near & (_leg(self) | (self.part == TRUNK)) & (y < at.hip + 0.04) & (y > at.hip - 0.16)
        foot = near & _leg(self) & (y < at.ankle - 0.01)
        return skin, crown & self.inside & (self.to_outline > 0.5 * _RIM), chest, thigh, foot


_NEAR = 0.015


def expected(place: Rest) -> NDArray[np.float32]:
    """How likely each pixel is skin, hair, top, bottom and shoe by its place alone.

    Args:
        place: The body's points.

    Returns:
        They sum to one. [5, H, W]
    """
    x, y, _ = np.moveaxis(place.points, -1, 0)
    at, part = place.marks, place.part
    table = np.zeros((*y.shape, 5), np.float32)

    def put(
        rows: NDArray[np.bool_], skin: Share, hair: Share, top: Share, bottom: Share, shoes: Share
    ) -> None:
        for column, share in enumerate((skin, hair, top, bottom, shoes)):
            table[rows, column] = np.broadcast_to(share, rows.shape)[rows]

    below = np.clip((at.hip + 0.2 - y) / 0.25, 0, 1)  # 0 over the waist, 1 under the hips
    high = np.clip((y - at.neck + 0.3) / 0.3, 0, 1)  # long hair hangs so far
    arm = np.clip(place.along_arm, 0, 1)
    put(part == TRUNK, 0.05 + 0.05 * high, 0.02 + 0.06 * high, 0.9 - 0.75 * below, 0.001 + 0.8 * below, 0.0)
    put((part == TRUNK) & (y > at.neck - 0.05) & (np.abs(x) < 0.09), 0.55, 0.12, 0.33, 0, 0)
    put((part == LEFT_ARM) | (part == RIGHT_ARM), 0.2 + 0.3 * arm, 0.02 * (arm < 0.3), 0.8 - 0.3 * arm, 0, 0)
    put((part == LEFT_HAND) | (part == RIGHT_HAND), 0.85, 0, 0.15, 0, 0)
    leg = _leg(place)
    shin = np.clip((at.knee + 0.15 - y) / 0.2, 0, 1)
    put(leg, 0.15 + 0.2 * shin, 0, 0.13 - 0.08 * shin, 0.7 - 0.2 * shin, 0.02 + 0.06 * shin)
    put(leg & (y < at.ankle + 0.03), 0.2, 0, 0.0, 0.15, 0.65)
    put(leg & (y < at.ankle - 0.03), 0.2, 0, 0.0, 0.03, 0.77)
    put(part == HEAD, 0.4, 0.55, 0.05, 0, 0)
    put((part == HEAD) & (y < at.eye - 0.12), 0.6, 0.2, 0.2, 0, 0)
    face = _face(place)
    put(face & (np.abs(x) < 0.07) & (y < at.eye + 0.05), 0.75, 0.25, 0, 0, 0)
    put(face & (np.abs(x) < 0.05) & (y < at.eye + 0.025), 0.93, 0.07, 0, 0, 0)
    put((part == HEAD) & (y > at.eye + 0.06), 0.25, 0.75, 0, 0, 0)
    beyond = place.beyond > _NEAR
    put(beyond & (part == HEAD), 0.05, 0.8, 0.15, 0, 0)
    put(beyond & (part == TRUNK) & (high > 0), 0.02, 0.05 + 0.4 * high, 0.9 - 0.4 * high, 0.03, 0)
    return np.moveaxis(table / np.maximum(table.sum(axis=-1, keepdims=True), 1e-6), -1, 0)


def _face(place: Rest) -> NDArray[np.bool_]:
    """The front of the head. [H, W]"""
    forward = place.points[..., 2] > place.marks.head_z + 0.03
    return (place.part == HEAD) & forward & (place.beyond < _NEAR)


def _leg(place: Rest) -> NDArray[np.bool_]:
    return (place.part == LEFT_LEG) | (place.part == RIGHT_LEG)
