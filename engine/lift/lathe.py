"""Lathe: what stands off the head at both sides goes on around its back, as hats and hair do.

The photo shows a brim or a mop of hair left and right of the head only. Its profile, turned about the head's
axis through the back, gives the side views their volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import joint_index
from .parts import HEAD
from .placed import NO_HAND, Placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .depth import DepthMaps

_SHELL = 0.012  # metres from the outline that are turned; what lies deeper nobody sees
_STANDS_OFF = 0.012  # metres beyond the body
_STEP = 1.6  # of the lattice's spacing: what is guessed may be coarser
_DEEP = 0.9  # depth of a head of hair over its width
_ROWS = 48  # heights at which both sides are compared


@dataclass(frozen=True)
class HeadFrame:
    """Where the head is and how it is turned, in the body frame.

    Args:
        center: A point on its axis, metres. [3]
        up: Unit. [3]
        back: Unit, across ``up``. [3]
    """

    center: Float
    up: Float
    back: Float


def head_frame(joints: Float, posed_from_rest: Float) -> HeadFrame:
    """The head in the photo's pose.

    Args:
        joints: Rest joints. [55, 3]
        posed_from_rest: [55, 4, 4]
    """
    head = joint_index("head")
    moved = posed_from_rest[head]
    eyes = joints[[joint_index("left_eye"), joint_index("right_eye")]].mean(axis=0)
    middle = np.array([0.0, eyes[1], joints[head, 2]])  # the axis runs through the ears
    return HeadFrame(moved[:3, :3] @ middle + moved[:3, 3], moved[:3, 1], -moved[:3, 2])


def turned_profile(front: Placed, maps: DepthMaps, head: HeadFrame) -> Placed:
    """Gaussians behind the head for what stands off at its sides.

    Args:
        front: The photo's lattice.
        maps: Near and far sheet.
        head: Where the head is.

    Returns:
        None of them seen; each remembers the pixel that it was turned from. May be empty.
    """
    columns, rows = front.pixels.astype(int).T
    chosen = np.flatnonzero(
        (front.parts == HEAD)
        & ~front.on_body
        & (maps.beyond[rows, columns] > _STANDS_OFF)
        & (maps.to_outline[rows, columns] < _SHELL)
    )
    side = np.cross(head.back, head.up)
    away = front.means[chosen] - head.center
    x, height = away @ side, away @ head.up
    narrower = _both_sides(x, height)
    angles, source = _angles(np.abs(x), front.spacing[chosen])
    turn = np.sin(angles)
    radius = np.abs(x[source]) * (1 - turn**2 + turn**2 * narrower[source])
    across = np.sign(x[source])[:, None] * side
    outward = np.cos(angles)[:, None] * across + turn[:, None] * head.back
    means = (
        head.center
        + height[source, None] * head.up
        + radius[:, None] * (np.cos(angles)[:, None] * across + _DEEP * turn[:, None] * head.back)
    )
    rows_ = chosen[source]
    return Placed(
        means=means,
        normals=outward,
        spacing=_STEP * front.spacing[rows_],
        weights=front.weights[rows_],
        pixels=front.pixels[rows_],
        seen=np.zeros(len(rows_), bool),
        on_body=np.zeros(len(rows_), bool),
        under=np.zeros(len(rows_), bool),
        hand=np.full(len(rows_), NO_HAND),
    )


def _angles(radius: Float, spacing: Float) -> tuple[Float, NDArray[np.int64]]:
    """Quarter turns in even steps, and which point each belongs to; steps thin out the points, too."""
    # Every point is turned, but by so few angles that the shell's density is that of the step in both ways.
    steps = np.maximum(np.round(0.5 * np.pi * radius / (_STEP**2 * spacing)).astype(int), 1)
    source = np.repeat(np.arange(len(radius)), steps)
    first = np.cumsum(steps) - steps
    number = np.arange(len(source)) - np.repeat(first, steps)
    # A golden-ratio shift keeps neighbours from lining up.
    shift = np.modf(source * 0.618034)[0]
    return (number + shift) / steps[source] * 0.5 * np.pi, source


def _both_sides(x: Float, height: Float) -> Float:
    """What brings each point's radius to the mean of both sides at its height, where they meet. [N]"""
    if not len(x):
        return np.ones(0)
    edges = np.linspace(height.min(), height.max() + 1e-6, _ROWS + 1)
    row = np.clip(np.digitize(height, edges) - 1, 0, _ROWS - 1)
    reach = np.zeros((2, _ROWS))
    for number, own in enumerate((x > 0, x <= 0)):
        np.maximum.at(reach[number], row[own], np.abs(x[own]))
    have = reach > 0
    mean = np.where(have.all(axis=0), reach.mean(axis=0), 0.5 * reach.max(axis=0))
    own_reach = reach[(x <= 0).astype(int), row]
    return mean[row] / np.maximum(own_reach, 1e-6)
