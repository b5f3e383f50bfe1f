"""Crown: what covers the head where the garments' colours have misled the parse, and brimmed hats.

Dark hair over a dark coat, or white hair in a photo without colours, looks like something else that is worn.
But the top of this very head shows what covers it, and the middle of this face what skin is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..labels import HAIR, HAT, NOTHING, SKIN
from ..parts import HEAD
from .palette import learn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from .expect import Rest

_FEW = 30  # pixels
_TOP = 0.08  # metres above the eyes: never face
_COVERED = 0.6  # of the top that is hair or hat when the parse has found it
_SAME, _SAME_GRAY = 9.0, 3.0  # L*a*b* from skin to what covers a head, lightness counted less
_FACE_SPREAD = 25.0
_STANDS_OFF = 0.02  # metres beyond the skull: no skin does
_OFF_SHARE = 0.04  # of the head's pixels
_FACE = (-0.08, 0.01, 0.045)  # metres from the eyes down, up, and aside
_EYES = 0.0  # metres: what a garment hides above them is hair
_EAR = (0.01, 0.072)  # metres above the eyes, and off the middle: below and beyond lies an ear
_TRUST = 0.5  # in colours against places
_MOST = 4.0
_SMOOTH = 7  # pixels


def with_crown(
    labels: NDArray[np.uint8], colors: Float, place: Rest, prior: Float, *, gray: bool
) -> NDArray[np.uint8]:
    """Labels with hair where the parse took the top of a covered head for skin or cloth.

    Args:
        labels: [H, W]
        colors: L*a*b*. [H, W, 3]
        place: The body's points.
        prior: Shares of skin, hair, … by place alone. [5, H, W]
        gray: Whether the photo has no colours.
    """
    head = place.inside & (place.part == HEAD)
    aside, height = np.abs(place.points[..., 0]), place.points[..., 1] - place.marks.eye
    low, high, width = _FACE
    face = head & (place.beyond < 0.01) & (aside < width) & (height > low) & (height < high)
    face &= place.points[..., 2] > place.marks.head_z
    top = head & place.well_inside & (height > _TOP)
    if min(face.sum(), top.sum()) < _FEW or np.isin(labels[top], (HAIR, HAT)).mean() > _COVERED:
        return labels
    skin, cover = learn(colors[face]).around_main(_FACE_SPREAD), learn(colors[top])
    usual = [(one.means * one.weights[:, None]).sum(axis=0) for one in (skin, cover)]
    bald = np.linalg.norm(usual[0] - usual[1]) < (_SAME_GRAY if gray else _SAME)
    if bald and (head & (place.beyond > _STANDS_OFF)).sum() < _OFF_SHARE * head.sum():
        return labels
    odds = np.log((prior[1] + 1e-3) / (prior[0] + 1e-3))
    if not gray:
        odds += np.clip(_TRUST * (skin.cost(colors) - cover.cost(colors)), -_MOST, _MOST)
    hair = cv2.medianBlur((head & (odds > 0)).astype(np.uint8), _SMOOTH) > 0
    ear = (height < _EAR[0]) & (aside > _EAR[1]) & (place.beyond < _STANDS_OFF)
    ear &= not (gray or bald)
    result = labels.copy()
    free = head & (np.isin(labels, (NOTHING, SKIN, HAIR)) | (height > _EYES))
    result[free] = np.where(hair & ~ear, HAIR, SKIN)[free]
    return result
