"""Things: what someone holds, told from the person by place and colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .labels import BOTTOM, HELD, SKIN, TOP
from .palette import learn
from .parts import HEAD, LEFT_HAND, RIGHT_HAND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .expect import Rest
    from .palette import Palette

_BEYOND = 0.012  # metres beyond the body
_REACH = 0.08  # metres beyond the body that no hand or sleeve has
_AT_HAND = 0.25  # share of a thing that belongs to a hand rather than to an arm or a leg
_SMALLEST = 3e-3  # of the person's pixels
_USUAL = 10.5  # cost of a colour that skin and garments have
_EXPLAINED = 0.5  # share of such pixels in what is no thing
_BETTER = 1.5  # cost by which a thing's colours must explain a pixel better than the person's


def with_things(
    labels: NDArray[np.uint8], colors: Float, place: Rest, palettes: dict[int, Palette]
) -> NDArray[np.uint8]:
    """Labels with held things: what sticks out beside a hand in colours that nothing worn has.

    Args:
        labels: [H, W]
        colors: L*a*b*. [H, W, 3]
        place: The body's points.
        palettes: The colours of each label.
    """
    worn = [palettes[label].cost(colors) for label in (SKIN, TOP, BOTTOM) if label in palettes]
    if not worn:
        return labels
    usual = np.min(worn, axis=0)
    result = labels.copy()
    beyond = (place.inside & (place.beyond > _BEYOND)).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(beyond)
    for piece in range(1, count):
        rows = pieces == piece
        at_hand = np.isin(place.part[rows], (LEFT_HAND, RIGHT_HAND)).mean() > _AT_HAND
        large = stats[piece, cv2.CC_STAT_AREA] > _SMALLEST * place.inside.sum()
        if not (at_hand and large and place.beyond[rows].max() > _REACH) or (place.part[rows] == HEAD).any():
            continue
        strange = rows & (usual > _USUAL)
        if strange.sum() < (1 - _EXPLAINED) * rows.sum():
            continue
        better = place.inside & (learn(colors[strange]).cost(colors) < usual - _BETTER)
        _, groups = cv2.connectedComponents((better | strange).astype(np.uint8))
        found = np.isin(groups, np.unique(groups[strange])) & (place.part != HEAD)
        result[_whole(found | strange)] = HELD
    return result


def _whole(rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the gaps that shine and shadow leave. [H, W]"""
    return cv2.morphologyEx(rows.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
