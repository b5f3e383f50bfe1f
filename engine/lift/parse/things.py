"""Things: what someone holds, told from the person by place and colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..labels import BOTTOM, HELD, SKIN, TOP
from ..parts import HEAD, LEFT_ARM, LEFT_HAND, RIGHT_ARM, RIGHT_HAND
from .palette import learn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from .expect import Rest
    from .palette import Palette

_BEYOND = 0.012  # metres beyond the body
_REACH = 0.08  # metres beyond the body that no hand or sleeve has
_AT_HAND = 0.25  # share of a thing that belongs to a hand rather than to an arm or a leg
_SMALLEST = 3e-3  # of the person's pixels
_USUAL = 10.5  # cost of a colour that skin and garments have
_EXPLAINED = 0.5  # share of such pixels in what is no thing
_STRANGE = 0.35  # share of them in a thing at a hand; in sleeves and skirts it is less than 0.15
_THICK = 0.075  # metres to the outline: no sleeve is as thick
_FOREARM = 0.5  # of the way from shoulder to wrist
_HANDS = (LEFT_HAND, RIGHT_HAND)
_PIXEL = np.ones((3, 3), np.uint8)
_BETTER = 1.5  # cost by which a thing's colours must explain a pixel better than the person's


def with_things(
    labels: NDArray[np.uint8],
    colors: Float,
    place: Rest,
    palettes: dict[int, Palette],
    sure: dict[int, Palette],
) -> NDArray[np.uint8]:
    """Labels with held things: what is at a hand in colours that nothing worn has.

    Args:
        labels: [H, W]
        colors: L*a*b*. [H, W, 3]
        place: The body's points.
        palettes: The colours of each label.
        sure: Those of the surest places alone; a thing before an arm may have passed for a sleeve.
    """
    if not {SKIN, TOP, BOTTOM} & palettes.keys():
        return labels
    usual = _usual(palettes, colors)
    result = labels.copy()
    for strange in (*_beyond(place, usual), *_before(place, _usual(sure, colors))):
        better = place.inside & (learn(colors[strange]).cost(colors) < usual - _BETTER)
        _, groups = cv2.connectedComponents((better | strange).astype(np.uint8))
        found = np.isin(groups, np.unique(groups[strange])) & (place.part != HEAD)
        result[_whole(found | strange)] = HELD
    return result


def _usual(palettes: dict[int, Palette], colors: Float) -> Float:
    """How strange each colour is to the person. [H, W]"""
    return np.min([palettes[one].cost(colors) for one in (SKIN, TOP, BOTTOM) if one in palettes], axis=0)


def _beyond(place: Rest, usual: Float) -> Iterator[NDArray[np.bool_]]:
    """What sticks out beside a hand, in strange colours."""
    beyond = (place.inside & (place.beyond > _BEYOND)).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(beyond)
    for piece in range(1, count):
        rows = pieces == piece
        at_hand = np.isin(place.part[rows], _HANDS).mean() > _AT_HAND
        large = stats[piece, cv2.CC_STAT_AREA] > _SMALLEST * place.inside.sum()
        if not (at_hand and large and place.beyond[rows].max() > _REACH) or (place.part[rows] == HEAD).any():
            continue
        strange = rows & (usual > _USUAL)
        if strange.sum() > _STRANGE * rows.sum():
            yield strange


def _before(place: Rest, usual: Float) -> Iterator[NDArray[np.bool_]]:
    """What lies before a hand and its arm, is thicker than they are, and has strange colours."""
    metres = float(place.to_outline.max()) / max(1.0, float(_inset(place.inside).max()))
    strange = cv2.morphologyEx((place.inside & (usual > _USUAL)).astype(np.uint8), cv2.MORPH_OPEN, _PIXEL)
    _, pieces = cv2.connectedComponents(strange)
    arms = np.isin(place.part, (*_HANDS, LEFT_ARM, RIGHT_ARM))
    forearm = arms & (place.along_arm > _FOREARM)
    for piece in np.unique(pieces[forearm & (strange > 0)]):
        rows = pieces == piece
        thick = _inset(_whole(rows)).max() * metres > _THICK
        if thick and arms[rows].mean() > _EXPLAINED and not (place.part[rows] == HEAD).any():
            yield rows


def _inset(rows: NDArray[np.bool_]) -> Float:
    """Pixels to the outline. [H, W]"""
    return np.asarray(cv2.distanceTransform(rows.astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def _whole(rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the gaps that shine and shadow leave. [H, W]"""
    return cv2.morphologyEx(rows.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
