"""Garments: a hat told from the hair, hair that is none, and how far what is worn reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..labels import BOTTOM, COAT, HAIR, HAT, NOTHING, SHOES, TOP
from ..parts import HEAD, LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, TRUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from .expect import Rest

_FEW = 20
_HAT_ABOVE = 0.06  # metres over the eyes: a hat is there, whatever is lower
_HAIR_BELOW = 0.02  # metres over the eyes: a hat is not there
_HAT_DIFFERS = 20.0  # L*a*b*, with lightness counted less: hair is lit from above
_HAT_PARTED = 13.0  # the same where hardly any colours lie between: hair grows darker by degrees
_BETWEEN, _FEW_BETWEEN = (0.33, 0.67), 0.1  # of the way from hat to hair, share of pixels
_VIVID = 48.0  # chroma
_HUE = np.array([0.4, 1.0, 1.0])
_HAT_LOWEST = -0.03  # metres over the eyes
_PIECE = 0.1  # of the hat's largest piece
_BRIM = 0.03  # metres: a brim is thinner, seen from the side
_SPECK = 2e-3  # of the person's pixels
_ENDS = 0.03  # quantile: a few wrong pixels do not move a hem


@dataclass(frozen=True)
class Garment:
    """One thing worn, as far as the photo shows it.

    Args:
        label: ``TOP``, ``BOTTOM``, ….
        color: Mean, display-space RGB. [3]
        top: Height of its upper end in the rest pose, metres.
        hem: Height of its lower end on trunk or legs.
        sleeves: Ends of the left and the right sleeve, 0 at the shoulder, 1 at the wrist; 0 for none.
    """

    label: int
    color: tuple[float, float, float]
    top: float
    hem: float
    sleeves: tuple[float, float]


def garments(labels: NDArray[np.uint8], rgb: NDArray[np.float32], place: Rest) -> tuple[Garment, ...]:
    """Measure everything worn.

    Args:
        labels: [H, W]
        rgb: Display-space. [H, W, 3]
        place: The body's points.
    """
    found = []
    for label in (TOP, BOTTOM, COAT, SHOES, HAT):
        rows = (labels == label) & place.well_inside
        if rows.sum() < _FEW:
            continue
        upright = rows & np.isin(place.part, (HEAD, TRUNK, LEFT_LEG, RIGHT_LEG))
        heights = place.points[..., 1][upright if upright.sum() >= _FEW else rows]
        top, hem = np.quantile(heights, (1 - _ENDS, _ENDS))
        left, right = (_end(place.along_arm[rows & (place.part == arm)]) for arm in (LEFT_ARM, RIGHT_ARM))
        red, green, blue = rgb[rows].mean(axis=0).tolist()
        found.append(Garment(label, (red, green, blue), float(top), float(hem), (left, right)))
    return tuple(found)


def _end(along: Float) -> float:
    return float(np.quantile(along, 1 - _ENDS).clip(0, 1)) if len(along) >= _FEW else 0.0


def tidied(labels: NDArray[np.uint8], colors: Float, place: Rest) -> NDArray[np.uint8]:
    """Labels without specks, without hair that hangs on no head, and with hats told from hair.

    Args:
        labels: [H, W]
        colors: L*a*b*. [H, W, 3]
        place: The body's points.
    """
    result = _without_specks(labels, place.inside)
    result = _without_loose_hair(result, place)
    tone = colors * _HUE
    cover = (result == HAIR) & (place.part == HEAD)
    height = place.points[..., 1] - place.marks.eye
    high, low = cover & (height > _HAT_ABOVE), cover & (height < _HAIR_BELOW)
    if high.sum() >= _FEW > low.sum() and np.linalg.norm(np.median(colors[high], axis=0)[1:]) > _VIVID:
        result[cover] = HAT  # no hair has such a colour, nor ends above the ears
    if min(high.sum(), low.sum()) < _FEW:
        return result
    hat, hair = (np.median(tone[rows], axis=0) for rows in (high, low))
    gap = np.linalg.norm(hat - hair)
    between = (tone[cover] - hat) @ (hair - hat) / max(gap**2, 1e-6)
    parted = ((between > _BETWEEN[0]) & (between < _BETWEEN[1])).mean() < _FEW_BETWEEN
    if gap < (_HAT_PARTED if parted else _HAT_DIFFERS):
        return result
    nearer = np.linalg.norm(tone - hat, axis=-1) < np.linalg.norm(tone - hair, axis=-1)
    nearer = cv2.medianBlur((nearer & cover).astype(np.uint8), 5) > 0
    _, names, stats, _ = cv2.connectedComponentsWithStats((cover & nearer).astype(np.uint8))
    large = stats[:, cv2.CC_STAT_AREA] > _PIECE * stats[1:, cv2.CC_STAT_AREA].max(initial=0)
    result[cover & nearer & large[names] & (height > _HAT_LOWEST)] = HAT
    return _with_shaded_brim(result, place)


def _with_shaded_brim(labels: NDArray[np.uint8], place: Rest) -> NDArray[np.uint8]:
    """Hair that is lower than a brim is thick, with a hat over it, is the brim's shade."""
    hat, hair = (labels == HAT).astype(np.uint8), (labels == HAIR).astype(np.uint8)
    depth = cv2.distanceTransform(place.inside.astype(np.uint8), cv2.DIST_L2, 5).max()
    thick = max(3, round(_BRIM * float(depth) / max(float(place.to_outline.max()), 1e-6)))
    line = np.ones((thick, 1), np.uint8)
    thin = (hair > 0) & (cv2.morphologyEx(hair, cv2.MORPH_OPEN, line) == 0) & (place.part == HEAD)
    near = cv2.dilate(hat, np.ones((2 * (thick // 2) + 1, 3), np.uint8)) > 0
    _, names = cv2.connectedComponents(thin.astype(np.uint8))
    whole = np.isin(names, np.unique(names[thin & near]))
    result = labels.copy()
    result[thin & whole & (place.points[..., 1] > place.marks.eye + _HAT_LOWEST)] = HAT
    return result


def _without_specks(labels: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Small islands take the label around them."""
    keep = np.zeros(labels.shape, bool)
    least = _SPECK * inside.sum()
    for label in np.unique(labels[inside]):
        _, names = cv2.connectedComponents((labels == label).astype(np.uint8))
        size = np.bincount(names.ravel())
        size[0] = 0
        keep |= (size >= least)[names]
    if not keep.any():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(
        (~keep).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(nearest.max() + 1, np.uint8)
    table[nearest[keep]] = labels[keep]
    return np.where(inside, table[nearest], NOTHING).astype(np.uint8)


def _without_loose_hair(labels: NDArray[np.uint8], place: Rest) -> NDArray[np.uint8]:
    """Hair below the eyes that touches no other hair and lies beside the face is a collar or a hood."""
    result = labels.copy()
    _, names = cv2.connectedComponents((labels == HAIR).astype(np.uint8))
    height = place.points[..., 1]
    face = (place.part == HEAD) & (place.beyond < 0.01) & (place.points[..., 2] > place.marks.head_z + 0.03)
    for name in range(1, names.max() + 1):
        rows = names == name
        if height[rows].max() < place.marks.eye and face[rows].mean() < 0.5:
            result[rows] = TOP
    return result
