"""Fill: colours for what the photo does not show.

In this order: the same pixel where the surface is seen edge-on; the other side of the body where it is seen;
hair for the back of the head; else the nearest seen colours of the same body part, depth counting little, so
that the back of a shirt takes the front's colours at the same height, without its lettering.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ..avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from ..avatar.body import joint_index
from .bands import band_colors, limb_metric
from .colour import calm_colors, lab
from .parts import (
    HEAD,
    LEFT_ARM,
    LEFT_HAND,
    LEFT_LEG,
    MIRRORED_PARTS,
    RIGHT_ARM,
    RIGHT_HAND,
    RIGHT_LEG,
    TRUNK,
)
from .sampling import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from .depth import DepthMaps
    from .observation import Observation
    from .place import Placed

_HIDDEN = 0.015  # metres behind the near sheet
_MIRROR_REACH = 0.02  # metres
_DEPTH_COUNTS = 0.15  # of a metre sideways
_NEIGHBOURS = 6
_SKIN_DISTANCE = 18.0  # L*a*b*: farther from the face's colour is hair or cloth
_BROW = 0.045  # metres above the eyes: what is higher is never face
_HAIR_SHARE = 0.25  # of the crown that must not be skin for a head to have hair
_BARE_SHARE = 0.4  # of the trunk's front: with more skin than this, the back is taken to be bare too
_SHOWN_SHARE = 0.15  # of a limb's surface; a leg seen whole from one side shows about 0.4
_SHOE_HEIGHT = 0.09  # metres above the sole


@dataclass(frozen=True)
class Filled:
    """A colour for every Gaussian, and where it comes from.

    Args:
        colors: Display-space RGB. [N, 3]
        seen: ``SEEN_PHOTO``, ``SEEN_MIRRORED`` or ``SEEN_FILLED``. [N]
    """

    colors: NDArray[np.float32]
    seen: NDArray[np.uint8]


def fill_colors(
    placed: Placed, rest: Float, joints: Float, maps: DepthMaps, clean: NDArray[np.float32], seen: Observation
) -> Filled:
    """Colour every Gaussian.

    Args:
        placed: The Gaussians in the photo's pose.
        rest: Their means in the rest pose, metres. [N, 3]
        joints: Rest joints. [55, 3]
        maps: Near and far sheet.
        clean: The photo's colours without background. [H, W, 3]
        seen: The photo.
    """
    calm = calm_colors(clean, maps.pixels_per_metre(seen.camera))
    colors = sample(clean, placed.pixels)
    soft = sample(calm, placed.pixels)
    source = np.full(len(rest), SEEN_FILLED, np.uint8)
    source[placed.seen | _edge_on(placed, maps, seen)] = SEEN_PHOTO
    part = placed.parts
    _mirror(rest, part, placed.seen, colors, source)
    open_ = np.flatnonzero(source == SEEN_FILLED)
    copied = placed.seen & ~_bare_trunk(rest, joints, part, placed, colors)
    soft, banded = band_colors(rest, part, copied, colors, soft)
    colors[open_] = _from_same_part(rest, part, copied, soft, banded, open_)
    sheet = ~placed.on_body & ~placed.seen
    colors[sheet] = soft[sheet]
    _dress_unseen_limbs(rest, joints, part, placed, colors, source)
    _smooth_unseen(rest, part, banded, colors, source)
    _fill_head(rest, joints, part, placed, colors, source)  # last: a hairline is sharp
    return Filled(colors.astype(np.float32), source)


def _edge_on(placed: Placed, maps: DepthMaps, seen: Observation) -> NDArray[np.bool_]:
    """Points of the body's own surface that the photo shows at a grazing angle."""
    columns, rows = np.floor(placed.pixels).astype(int).T
    height, width = maps.inside.shape
    framed = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    columns, rows = np.clip(columns, 0, width - 1), np.clip(rows, 0, height - 1)
    facing = -(placed.normals * placed.means).sum(axis=1) > 0
    near = seen.camera.depth(placed.means) < maps.front[rows, columns] + _HIDDEN
    return placed.on_body & framed & maps.inside[rows, columns] & near & facing


def _mirror(
    rest: Float, part: Int, in_photo: NDArray[np.bool_], colors: Float, source: NDArray[np.uint8]
) -> None:
    """Take the colour of the same place on the other side of the body, where the photo shows that."""
    mirrored_part = np.array(MIRRORED_PARTS)
    for own in np.unique(part):
        known = np.flatnonzero(in_photo & (part == mirrored_part[own]))
        wanted = np.flatnonzero((source == SEEN_FILLED) & (part == own))
        if not len(known) or not len(wanted):
            continue
        gap, nearest = KDTree(rest[known]).query(rest[wanted] * [-1, 1, 1])
        good = gap < _MIRROR_REACH
        colors[wanted[good]] = colors[known[nearest][good]]
        source[wanted[good]] = SEEN_MIRRORED


def _from_same_part(
    rest: Float, part: Int, in_photo: NDArray[np.bool_], soft: Float, banded: NDArray[np.bool_], wanted: Int
) -> Float:
    """Mean of the nearest seen colours of the same part; of any part where none is seen. [len(wanted), 3]"""
    flat = rest * [1, 1, _DEPTH_COUNTS]
    result = np.zeros((len(wanted), 3))
    everything = np.flatnonzero(in_photo)
    for own in np.unique(part[wanted]):
        known = np.flatnonzero(in_photo & (part == own))
        known = known if len(known) >= _NEIGHBOURS else everything  # the lattice alone has thousands
        rows = np.flatnonzero(part[wanted] == own)
        spots = rest * limb_metric(int(own)) if banded[known].all() else flat
        gap, nearest = KDTree(spots[known]).query(spots[wanted[rows]], k=_NEIGHBOURS)
        weight = 1.0 / (gap + 0.005)
        weight /= weight.sum(axis=1, keepdims=True)
        result[rows] = np.einsum("nk,nkc->nc", weight, soft[known[nearest]])
    return result


def _fill_head(
    rest: Float, joints: Float, part: Int, placed: Placed, colors: Float, source: NDArray[np.uint8]
) -> None:
    """The back of a head is hair, not a second face."""
    eyes = joints[[joint_index("left_eye"), joint_index("right_eye")]].mean(axis=0)
    neck = joints[joint_index("neck")]
    known = placed.seen & (part == HEAD)
    is_skin = _skin(rest, joints, part, placed, colors)
    if is_skin is None:
        return
    behind_face = rest[:, 2] < joints[joint_index("head"), 2] + 0.03
    crown = known & (rest[:, 1] > eyes[1] + _BROW)
    around = known & (behind_face | (np.abs(rest[:, 0]) > 0.085) | ~placed.on_body) & (rest[:, 1] > neck[1])
    hair = (crown | around) & ~is_skin
    if crown.any() and hair[crown].mean() < _HAIR_SHARE:
        hair = crown  # bald or shaved: the crown's own colour goes on
    if hair.sum() < _NEIGHBOURS:
        return
    hairline = neck[1] + 0.35 * (eyes[1] - neck[1])
    wanted = np.flatnonzero(
        (part == HEAD)
        & (source != SEEN_PHOTO)
        & (rest[:, 1] > hairline)
        & (behind_face | (rest[:, 1] > eyes[1] + _BROW))
    )
    sources = np.flatnonzero(hair)
    # Height decides: a cap keeps its rim, dyed tips stay at the tips.
    metric = np.array([0.4, 1.0, 0.15])
    gap, nearest = KDTree(rest[sources] * metric).query(
        rest[wanted] * metric, k=min(4 * _NEIGHBOURS, len(sources))
    )
    weight = 1.0 / (gap + 0.01)
    weight /= weight.sum(axis=1, keepdims=True)
    colors[wanted] = np.einsum("nk,nkc->nc", weight, colors[sources[nearest]])
    source[wanted] = SEEN_FILLED


def _skin(rest: Float, joints: Float, part: Int, placed: Placed, colors: Float) -> NDArray[np.bool_] | None:
    """Gaussians of the face's colour; nothing if the photo shows no face. [N]"""
    eyes = joints[[joint_index("left_eye"), joint_index("right_eye")]].mean(axis=0)
    in_face = placed.seen & placed.on_body & (part == HEAD)
    in_face &= (np.abs(rest[:, 0]) < 0.05) & (np.abs(rest[:, 1] - eyes[1] + 0.03) < 0.05)
    if in_face.sum() < _NEIGHBOURS:
        return None
    skin = np.median(lab(colors[in_face]), axis=0)
    return np.linalg.norm((lab(colors) - skin) * [0.5, 1, 1], axis=1) < _SKIN_DISTANCE


def _bare_trunk(rest: Float, joints: Float, part: Int, placed: Placed, colors: Float) -> NDArray[np.bool_]:
    """Skin that a neckline or a short top shows in front: the back of a dressed person has none. [N]"""
    skin = _skin(rest, joints, part, placed, colors)
    trunk = (part == TRUNK) & (rest[:, 1] < joints[joint_index("neck"), 1])
    shown = trunk & placed.seen
    if skin is None or not shown.any() or skin[shown].mean() > _BARE_SHARE:
        return np.zeros(len(rest), bool)
    return trunk & skin


def _dress_unseen_limbs(
    rest: Float, joints: Float, part: Int, placed: Placed, colors: Float, source: NDArray[np.uint8]
) -> None:
    """Limbs of which the photo shows next to nothing: plain trousers and shoes, sleeves, skin for hands."""
    shown = [_is_shown(part == own, placed) for own in range(len(MIRRORED_PARTS))]
    trunk = placed.seen & (part == TRUNK)
    face = placed.seen & (part == HEAD) & (rest[:, 2] > joints[joint_index("head"), 2] + 0.05)
    for own in (LEFT_LEG, RIGHT_LEG):
        rows = (part == own) & (source != SEEN_PHOTO)
        if shown[own] or shown[MIRRORED_PARTS[own]]:
            continue
        colors[rows] = _TROUSERS
        colors[rows & (rest[:, 1] < rest[part == own, 1].min() + _SHOE_HEIGHT)] = _SHOES
    if not shown[LEFT_LEG] and not shown[RIGHT_LEG]:
        waist = joints[[joint_index("left_hip"), joint_index("right_hip")], 1].mean() + _WAISTBAND
        colors[(part == TRUNK) & (source == SEEN_FILLED) & (rest[:, 1] < waist)] = _TROUSERS
    for own, like in ((LEFT_ARM, trunk), (RIGHT_ARM, trunk), (LEFT_HAND, face), (RIGHT_HAND, face)):
        rows = (part == own) & (source == SEEN_FILLED)
        if not shown[own] and not shown[MIRRORED_PARTS[own]] and like.any():
            colors[rows] = np.median(colors[like], axis=0)


def _is_shown(rows: NDArray[np.bool_], placed: Placed) -> bool:
    """Whether the photo shows a fair part of a limb's surface."""
    area = np.where(rows & placed.on_body, placed.spacing**2, 0.0)
    return bool(area[placed.seen].sum() > _SHOWN_SHARE * area.sum())


def _smooth_unseen(
    rest: Float, part: Int, banded: NDArray[np.bool_], colors: Float, source: NDArray[np.uint8]
) -> None:
    """Calm the patchwork of sources: unseen colours become the mean of those around them."""
    for own in np.unique(part):
        unseen = np.flatnonzero((source != SEEN_PHOTO) & (part == own))
        around = np.flatnonzero(part == own)
        # Along a band, never across it.
        spots = rest * limb_metric(int(own)) if banded[around].any() else rest
        if not len(unseen) or len(around) < _SMOOTH_NEIGHBOURS:
            continue
        _, nearest = KDTree(spots[around]).query(spots[unseen], k=_SMOOTH_NEIGHBOURS)
        for _ in range(_SMOOTH_ROUNDS):
            colors[unseen] = colors[around[nearest]].mean(axis=1)


_SMOOTH_NEIGHBOURS = 14
_SMOOTH_ROUNDS = 2
_WAISTBAND = 0.03  # metres above the hip joints
_TROUSERS = (0.16, 0.18, 0.22)
_SHOES = (0.10, 0.09, 0.09)
