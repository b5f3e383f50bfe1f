"""Parse: which pixel of the photo shows skin, hair, a garment, a shoe or something held.

No trained network: the fitted body says what may be where, the surest places (face, crown, chest, thighs,
feet) say which colours each thing has, and a filter that respects the photo's edges lets neighbours agree.
The colours are then learnt anew from the labels, a few times over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..colour import lab
from ..labels import BOTTOM, HAIR, NOTHING, SHOES, SKIN, TOP
from ..parts import HEAD, LEFT_HAND, RIGHT_HAND
from .crown import with_crown
from .expect import Landmarks, Rest, expected
from .garments import Garment, garments, tidied
from .palette import Palette, learn
from .things import with_things

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..clothe.depth import DepthMaps
    from ..observation import Observation

_LEARNT = (SKIN, HAIR, TOP, BOTTOM, SHOES)
_HEIGHT = 480  # pixels of the person while labels are found
_ROUNDS = 4
_SURE = 0.75  # share of a label from which a pixel teaches its colours
_AGREE = 5  # pixels over which neighbours agree
_FEW = 30  # pixels that make a palette
_THINKABLE = 0.1  # share by place alone
_GRAY = 2.5  # spread of a* and b* of a photo without colours; it may be toned
_GRAY_SKIN = 0.3
_SAME, _SAME_GRAY = 8.0, 4.0  # L*a*b* distance below which two colours are one
_RARE = 0.05  # share of a thing's colours that is nothing
_SAME_SHARE = 0.3  # of the colours of a top and a bottom that the other one must not have
_MORE = 0.4  # of the colours of one that the other has less of
_LESSER = 0.35  # share below which a colour is none of a garment's main ones
_OTHER = 20.0  # L*a*b* distance of another colour, not of another shade
_LEFT = 0.25  # of a bottom's colours that must not be a long coat's
_MAIN = 0.1  # share of a garment's main colours
_FACE = 25.0  # L*a*b* distance from the face's usual colour to lips and brows
_EDGE = 1e-3  # variance of colour, of 1, from which an edge parts neighbours
_GRAY_COUNTS, _COLOR_COUNTS = (
    0.4,
    0.8,
)  # trust in colours against places: neighbouring pixels say the same twice


@dataclass(frozen=True)
class Parsed:
    """The prepared photo, labelled.

    Args:
        labels: ``SKIN``, ``HAIR``, … at each pixel; ``NOTHING`` off the person. [H, W]
        confidence: Share of the label among all that were thinkable, 0..1. [H, W]
        rest: Where each pixel's body point lies in the rest pose, metres. [H, W, 3]
        part: Body part of that point. [H, W]
        marks: Heights of the body.
        palettes: The colours of each label that was found.
        garments: What is worn, and how far it reaches.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    rest: NDArray[np.float32]
    part: NDArray[np.uint8]
    marks: Landmarks
    palettes: dict[int, Palette]
    garments: tuple[Garment, ...]

    def at(self, pixels: Float) -> NDArray[np.uint8]:
        """Labels at pixel positions; positions beyond the border read the border. [N]"""
        height, width = self.labels.shape
        columns, rows = np.floor(pixels).astype(int).T
        return self.labels[rows.clip(0, height - 1), columns.clip(0, width - 1)]


def parse(body: Body, betas: Float, maps: DepthMaps, clean: NDArray[np.float32], seen: Observation) -> Parsed:
    """Label every pixel of the person.

    Args:
        body: The body that was fitted.
        betas: Its shape. [B]
        maps: Which of its points each pixel shows.
        clean: The photo's colours without background. [H, W, 3]
        seen: The photo.
    """
    place = Rest.of(body, betas, maps)
    factor = min(1.0, _HEIGHT / seen.person_height)
    height, width = maps.inside.shape
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = place.resized(size)
    rgb = cv2.resize(clean, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    colors = lab(rgb.reshape(-1, 3)).reshape(rgb.shape)
    prior = expected(small)
    shares, palettes, sure = _learnt(prior, colors, rgb, small)
    found = np.where(small.inside, shares.argmax(axis=0) + 1, NOTHING).astype(np.uint8)
    found = with_crown(found, colors, small, expected(small), gray=_is_gray(colors, small))
    found = with_things(tidied(found, colors, small), colors, small, palettes, sure)
    found[~small.inside] = NOTHING
    labels = np.where(maps.inside, _enlarged(found, (width, height)), NOTHING).astype(np.uint8)
    confidence = cv2.resize(shares.max(axis=0), (width, height), interpolation=cv2.INTER_LINEAR)
    return Parsed(
        labels, np.where(maps.inside, confidence, 0).astype(np.float32), place.points,
        place.part.astype(np.uint8), place.marks, palettes,
        garments(found, rgb, small),
    )  # fmt: skip


def _enlarged(labels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels on more pixels, with smooth borders.

    Args:
        labels: [h, w]
        size: Width and height.
    """
    best, result = np.zeros(size[::-1], np.float32), np.zeros(size[::-1], np.uint8)
    for label in np.unique(labels[labels != NOTHING]):
        share = cv2.resize((labels == label).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        result[share > best] = label
        best = np.maximum(best, share)
    return result


def _learnt(
    prior: Float, colors: Float, rgb: NDArray[np.float32], place: Rest
) -> tuple[NDArray[np.float32], dict[int, Palette], dict[int, Palette]]:
    """Shares of each label of ``_LEARNT`` at each pixel, their colours, and those of the surest places.

    The first is [5, H, W].
    """
    gray = _is_gray(colors, place)
    if gray:  # skin and cloth look alike: where cloth is usual, it is cloth
        prior[0] *= np.where(np.isin(place.part, (HEAD, LEFT_HAND, RIGHT_HAND)), 1.0, _GRAY_SKIN)
    first = dict(zip(_LEARNT, place.seeds(), strict=True))
    palettes = {label: learn(colors[rows]) for label, rows in first.items() if rows.sum() >= _FEW}
    if SKIN in palettes:
        palettes[SKIN] = palettes[SKIN].around_main(_FACE)
    palettes = sure = _worn(palettes, gray=gray)
    counts = _GRAY_COUNTS if gray else _COLOR_COUNTS
    shares = prior
    for _ in range(_ROUNDS):
        palettes = _not_of_hair(palettes, gray=gray)
        cost = np.full(prior.shape, 30.0, np.float32)
        for row, label in enumerate(_LEARNT):
            if label in palettes:
                cost[row] = -np.log(prior[row] + 1e-4) + counts * palettes[label].cost(colors)
        cost = np.stack([_agreed(rgb, one, place.inside) for one in cost])
        likely = np.exp(cost.min(axis=0) - cost)
        shares = likely / likely.sum(axis=0)
        best = shares.argmax(axis=0)
        for row, label in enumerate(_LEARNT):
            found = (best == row) & (shares[row] > _SURE) & (prior[row] > _THINKABLE) & place.well_inside
            if label == SKIN:  # hair beside the face must not pass for skin
                found = (found & (place.part != HEAD)) | first[SKIN]
            if label in palettes and found.sum() >= _FEW:
                palettes = palettes | {label: learn(colors[found])}
    return shares.astype(np.float32), palettes, sure


def _is_gray(colors: Float, place: Rest) -> bool:
    """Whether the photo has no colours but one tone."""
    return bool(colors[place.inside][:, 1:].std(axis=0).max() < _GRAY)


def _worn(palettes: dict[int, Palette], *, gray: bool) -> dict[int, Palette]:
    """The palettes of what is there: no hair on bald heads, no shoes on feet, no bottom under a dress."""
    found = dict(palettes)
    limit = _SAME_GRAY if gray else _SAME
    for label in (HAIR,) if gray else (HAIR, BOTTOM, SHOES, TOP):
        if {SKIN, label} <= found.keys():
            own = found[label].apart(found[SKIN], limit)
            if found[label].weights[own].sum() > _RARE:
                found[label] = found[label].only(own)
            elif label != TOP:
                del found[label]
    if not gray and {TOP, BOTTOM} <= found.keys():
        own = found[BOTTOM].apart(found[TOP], limit, _MAIN)
        top = found[TOP].apart(found[BOTTOM], limit, _MAIN)
        other = max(found[BOTTOM].weights[own].sum(), found[TOP].weights[top].sum()) >= _SAME_SHARE
        # Striped over plain shares a colour, and the waist has both: then the amounts tell.
        more = max(found[BOTTOM].excess(found[TOP], limit), found[TOP].excess(found[BOTTOM], limit)) > _MORE
        if not (other or more):
            del found[BOTTOM]
        else:  # a coat's skirts belong to the coat
            coat = found[BOTTOM].shares(found[TOP], 2 * limit) > _LESSER
            if coat.any() and found[BOTTOM].weights[~coat].sum() > _LEFT:
                legs, skirts = found[BOTTOM].only(~coat), found[BOTTOM].only(coat)
                found[BOTTOM] = legs if legs.apart(skirts, _OTHER).all() else found[BOTTOM]
    return found


def _not_of_hair(palettes: dict[int, Palette], *, gray: bool) -> dict[int, Palette]:
    """Hair that hangs over the shoulders is none of the top's lesser colours."""
    if gray or not {HAIR, TOP} <= palettes.keys():
        return palettes
    top = palettes[TOP]
    own = top.apart(palettes[HAIR], _SAME, _MAIN) | (top.weights > _LESSER)
    return palettes | {TOP: top.only(own)} if own.any() else palettes


def _agreed(rgb: NDArray[np.float32], cost: Float, inside: NDArray[np.bool_]) -> Float:
    """A label's cost, averaged over neighbours that no edge parts.

    Source: Hosni et al. 2013, cost volumes and the guided filter of He et al.
    """
    cost = np.where(inside, np.minimum(cost, 12.0), 0.0).astype(np.float32)
    weight = cv2.ximgproc.guidedFilter(rgb, inside.astype(np.float32), _AGREE, _EDGE)
    return cv2.ximgproc.guidedFilter(rgb, cost, _AGREE, _EDGE) / np.maximum(weight, 0.1)
