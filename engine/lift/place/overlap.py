"""Overlap: where an arm lies before the trunk, each pixel belongs to exactly one of them.

A fitted arm is off by a centimetre or two. A strip of shirt that goes with the arm, or of a hand that stays
on the shirt, is torn off as soon as the arm moves. So the border between what is far apart in the rest pose
moves to where the photo shows it: between skin and cloth, and to the edges of the colours. A hand that the
photo does not show lies under the cloth that it does show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..colour import lab
from ..labels import HELD, NOTHING, SKIN
from ..parse.expect import Rest
from ..parts import LEFT_ARM, LEFT_HAND, RIGHT_ARM, RIGHT_HAND
from .borders import distance, nearest, settled, torn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..clothe.depth import DepthMaps
    from ..observation import Observation
    from ..parse.parse import Parsed

_HEIGHT = 720  # pixels of the person while borders move
_TORN = 0.1  # metres in the rest pose between neighbours in the photo
_REACH = 0.035  # metres that a border may move
_CORE = 0.5  # of that reach: what is farther from the border surely belongs to its side
_STAYS = 0.6  # pull to the fitted side at the end of that reach, against links of 1 between like colours
_SAYS = 0.1  # pull of skin or cloth where it tells the two sides apart
_CLEAR = 4.0  # difference of costs at which a colour is clearly the one or the other
_FOUND = 0.15  # confidence of a hand's points
_BARE = 0.25  # share of skin in a hand that is seen
_GLOVE = 10.5  # cost of a colour that no garment has
_BEFORE = 0.35  # share of a hand's rim that lies before the trunk
_TENT = 1.0  # slope of the cloth about a hand in a pocket
_OVER = 0.015  # metres from a hidden hand to the cloth over it
_BEHIND = np.float32(0.004)  # metres
_FEW = 20
_PIXEL = np.ones((3, 3), np.uint8)
_ARMS = ((LEFT_ARM, LEFT_HAND), (RIGHT_ARM, RIGHT_HAND))


@dataclass(frozen=True)
class _Small:
    """The person on fewer pixels.

    Args:
        place: The body's points.
        labels: [H, W]
        colors: L*a*b*. [H, W, 3]
        pixel: Metres.
    """

    place: Rest
    labels: NDArray[np.uint8]
    colors: NDArray[np.float32]
    pixel: float


def parted(
    body: Body, betas: Float, maps: DepthMaps, parsed: Parsed, clean: NDArray[np.float32], seen: Observation
) -> tuple[DepthMaps, Parsed]:
    """The same sheets and labels, with every pixel at the border of an arm given to the side that it shows.

    Args:
        body: The fitted body.
        betas: Its shape. [B]
        maps: Near and far sheet.
        parsed: What each pixel shows.
        clean: The photo's colours without background. [H, W, 3]
        seen: The photo.

    Returns:
        Sheets whose inner borders count as outlines; labels without skin on the clothed side of a border.
    """
    place = Rest.of(body, betas, maps)
    small = _small(place, parsed, clean, maps, seen)
    height, width = maps.inside.shape
    labels = parsed.labels.copy()
    arms, borders = np.zeros((2, height, width), bool)

    def large(image: NDArray, how: int = cv2.INTER_NEAREST) -> NDArray:
        return cv2.resize(image, (width, height), interpolation=how)

    for arm, hand in _ARMS:
        own = small.place.inside & np.isin(small.place.part, (arm, hand))
        tear = torn(own, small.place.inside, small.place.points, _TORN)
        fitted = maps.inside & np.isin(place.part, (arm, hand))
        now = fitted
        if tear.any():
            near, share, on_arm, off_arm = _share(own, tear, small, parsed)
            free = maps.inside & (large(near.astype(np.uint8)) > 0)
            now = np.where(free, large(share, cv2.INTER_LINEAR) > 0.5, fitted)
            want = np.where(now, large(on_arm), large(off_arm))
            wrong = free & (want != NOTHING) & ((labels == SKIN) != (want == SKIN))
            labels[wrong] = want[wrong]
            borders |= free & (cv2.morphologyEx(now.astype(np.uint8), cv2.MORPH_GRADIENT, _PIXEL) > 0)
        covered = maps.inside & (place.part == hand)
        if not hand_is_shown(covered, clean, parsed, seen, _ARMS.index((arm, hand))):
            if tear.any() and _before(small, hand, tear):
                now = now & ~covered
                maps = _bulged(maps, covered, ~fitted, seen)
            else:
                maps = _given(maps, covered, maps.inside & (place.part == arm), flat=False)
            fitted, now = fitted & ~covered, now & ~covered
        arms |= now
        maps = _given(maps, fitted & ~now, maps.inside & ~fitted & ~now)
        maps = _given(maps, now & ~fitted, fitted & now)
    if borders.any():
        # What lies behind goes on under the arm: it must not grow thin at the border as the arm does.
        metres = distance(borders) / np.float32(maps.pixels_per_metre(seen.camera)) + np.where(
            arms, 0, _BEHIND
        )
        maps = replace(maps, to_outline=np.minimum(maps.to_outline, metres.astype(np.float32)))
    return maps, replace(parsed, labels=labels)


def _small(
    place: Rest, parsed: Parsed, clean: NDArray[np.float32], maps: DepthMaps, seen: Observation
) -> _Small:
    factor = min(1.0, _HEIGHT / seen.person_height)
    height, width = maps.inside.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    rgb = cv2.resize(clean, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return _Small(
        place.resized(size),
        np.asarray(cv2.resize(parsed.labels, size, interpolation=cv2.INTER_NEAREST), np.uint8),
        lab(rgb.reshape(-1, 3)).reshape(rgb.shape), 1.0 / (factor * maps.pixels_per_metre(seen.camera)),
    )  # fmt: skip


def _share(
    own: NDArray[np.bool_], tear: NDArray[np.bool_], small: _Small, parsed: Parsed
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels that may change sides, how much of each is the arm, and the labels of the two sides.

    The labels are ``NOTHING`` where skin does not tell the sides apart.
    """
    to_border = distance(tear) * small.pixel
    near = small.place.inside & (to_border < _REACH) & (small.labels != HELD)
    wanted, pull = own.astype(np.float64), _STAYS * (to_border / _REACH) ** 2
    sure = (to_border > _CORE * _REACH) | ~near
    on_arm, off_arm = (_label_of(side & small.place.inside, sure, small.labels) for side in (own, ~own))
    told = near & ((on_arm == SKIN) != (off_arm == SKIN)) & (on_arm != NOTHING) & (off_arm != NOTHING)
    if told.any() and SKIN in parsed.palettes:
        skin = parsed.palettes[SKIN].cost(small.colors[told])
        cloth = np.min(
            [one.cost(small.colors[told]) for label, one in parsed.palettes.items() if label != SKIN], axis=0
        )
        says = np.clip((cloth - skin) / _CLEAR, -1, 1) * np.where(on_arm[told] == SKIN, 1, -1)
        strength = _SAYS * np.abs(says)
        wanted[told] = (wanted[told] * pull[told] + (says > 0) * strength) / (pull[told] + strength + 1e-9)
        pull[told] += strength
    share = settled(wanted, pull, near, small.colors).astype(np.float32)
    return near, share, np.where(told, on_arm, NOTHING), np.where(told, off_arm, NOTHING)


def _label_of(
    side: NDArray[np.bool_], sure: NDArray[np.bool_], labels: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """The label of the nearest pixel that surely belongs to a side. [H, W]"""
    core = side & sure & (labels != NOTHING) & (labels != HELD)
    if not core.any():
        return np.zeros_like(labels)
    rows, columns = nearest(core)
    return labels[rows, columns]


def hand_is_shown(
    hand: NDArray[np.bool_], clean: NDArray[np.float32], parsed: Parsed, seen: Observation, side: int
) -> bool:
    """Whether a hand's pixels show the hand: its points were found, or it is bare, or gloved.

    Args:
        hand: The pixels where it would be. [H, W]
        clean: The photo's colours without background. [H, W, 3]
        parsed: What each pixel shows.
        seen: The photo.
        side: 0 is the left hand, 1 the right one.
    """
    points = seen.hands[side]
    if points is not None and points.confidence > _FOUND:
        return True
    rows = hand & (parsed.labels != HELD)
    if rows.sum() < _FEW or (parsed.labels[rows] == SKIN).mean() > _BARE:
        return True
    worn = [one for label, one in parsed.palettes.items() if label != SKIN]
    return not worn or float(np.median(np.min([one.cost(lab(clean[rows])) for one in worn], axis=0))) > _GLOVE


def _before(small: _Small, hand: int, tear: NDArray[np.bool_]) -> bool:
    """Whether a hand lies before the trunk rather than beside it."""
    own = (small.place.inside & (small.place.part == hand)).astype(np.uint8)
    rim = (own > 0) & (cv2.erode(own, _PIXEL) == 0)
    return bool((rim & tear).sum() > _BEFORE * rim.sum())


def _bulged(
    maps: DepthMaps, hand: NDArray[np.bool_], around: NDArray[np.bool_], seen: Observation
) -> DepthMaps:
    """Sheets whose cloth covers a hidden hand like a pocket: its joints are those of what is around it."""
    source = maps.inside & around
    if not hand.any() or not source.any():
        return maps
    maps = _given(maps, hand, source, flat=False)
    at = tuple(nearest(hand))
    tent = maps.front[at] + distance(hand) * np.float32(_TENT / maps.pixels_per_metre(seen.camera))
    rows = source & (tent < maps.front)
    return replace(maps, front=np.where(rows, tent, maps.front), covered=maps.covered & ~rows)


def _given(
    maps: DepthMaps, rows: NDArray[np.bool_], source: NDArray[np.bool_], *, flat: bool = True
) -> DepthMaps:
    """Sheets in which some pixels go on as the nearest pixels of another part do.

    Args:
        maps: Near and far sheet.
        rows: Which. [H, W]
        source: The part that they go on from. [H, W]
        flat: Whether they go on at its depth, too; otherwise they are cloth over what is there.
    """
    if not rows.any() or not source.any():
        return maps
    at = tuple(nearest(source)[:, rows])
    body_pixel, front, back = maps.body_pixel.copy(), maps.front.copy(), maps.back.copy()
    body_pixel[:, rows] = maps.body_pixel[:, at[0], at[1]]
    if flat:
        front[rows], back[rows] = maps.front[at], maps.back[at]
    else:
        front[rows] -= _OVER
    return replace(
        maps, body_pixel=body_pixel, front=front, back=back, covered=maps.covered & ~rows,
        beyond=np.where(rows, np.float32(0), maps.beyond),
    )  # fmt: skip
