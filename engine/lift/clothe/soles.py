"""Soles: shoes have a flat sole under the bare foot, a thick toe cap, and no toes.

The outline shows a shoe from one side only, and the fit may have taken the sole for a longer leg. So a foot
on which the photo shows a shoe, or that it does not show at all, gets a shoe of the usual shape, whose sole
is as thick as soles are and as the outline lets them be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.binding import Binding, dense
from ...avatar.body import JOINT_COUNT, joint_index
from ...avatar.skinning import blend_transforms
from ..labels import SHOES
from ..surface import vertex_normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ...avatar.body import Body
    from ..observation import Observation
    from ..parse.parse import Parsed
    from .depth import DepthMaps

_SHOD = 0.4  # share of a foot's pixels that must show a shoe
_FEWEST = 30  # pixels of a foot that the photo shows
_USUAL, _THINNEST, _THICKEST = 0.025, 0.012, 0.045  # metres of sole
_TRUST = 0.5  # in the outline against the usual sole: the fit moves a foot up and down as much
_UPPER = 0.009  # metres of leather around a foot
_CAP = 0.008  # more of it over the toes
_SOLE_ENDS = 0.06  # metres above the bare sole: the foot is stretched down below
_FLAT = 0.04  # metres above the bare sole: what faces down there is the sole, the arch too
_SHAFT = (0.07, 0.11)  # metres above the bare sole where the shoe ends
_EVEN = 12  # rounds in which toes melt into a cap
_OF_FOOT = (0.5, 0.8)  # weight of the foot's joints


@dataclass(frozen=True)
class _Foot:
    """Rows of a foot's vertices, how far each is part of it, and of its toes. [F] each"""

    rows: Int
    share: Float
    toes: Float


def with_shoes(
    body: Body,
    betas: Float,
    skin: Float,
    surface: Float,
    posed_from_rest: Float,
    bare: DepthMaps,
    parsed: Parsed,
    seen: Observation,
) -> NDArray[np.float64]:
    """The clothed surface with shoes on the feet that wear some.

    Args:
        body: The fitted body.
        betas: Its shape. [S]
        skin: Its vertices, posed, in the frame of the camera. [V, 3]
        surface: The same with clothes, as the outline tells. [V, 3]
        posed_from_rest: [55, 4, 4]
        bare: Near and far sheet of the skin.
        parsed: What the photo shows.
        seen: The photo.
    """
    result = surface.astype(np.float64)
    feet = [_foot(body, side) for side in ("left", "right")]
    shares = [_shoe_share(body, foot, bare, parsed) for foot in feet]
    known = [share for share in shares if share is not None]
    rest = body.shaped(betas).astype(np.float64)
    for foot, share in zip(feet, shares, strict=True):
        own = Binding(body.joint_indices[foot.rows], body.joint_weights[foot.rows])
        turn = blend_transforms(posed_from_rest, own.joint_indices, own.joint_weights)[:, :3, :3]
        near = result[foot.rows] - skin[foot.rows]
        # A foot that the photo hides is dressed as the other one; if it hides both, they wear shoes.
        if (max(known, default=1.0) if share is None else share) < _SHOD:
            pushed = np.clip(np.einsum("ni,ni->n", near, turn[..., 1]), None, 0)
            way = near - pushed[:, None] * turn[..., 1]  # no cloth lies under a bare sole
        else:
            sole = _USUAL if share is None else _thickness(skin[foot.rows], seen)
            normals = vertex_normals(rest, body.faces)[foot.rows]
            way = np.einsum("nij,nj->ni", turn, _shoe(rest, body.faces, foot, normals, sole))
            # Where the outline shows a wider one, it is wider.
            aside = np.einsum("nij,nj->ni", turn, normals * [1, 0, 1])
            way += np.clip(((near - way) * aside).sum(axis=1), 0, None)[:, None] * aside
        part = foot.share * _below_shaft(rest[foot.rows, 1])
        result[foot.rows] += part[:, None] * (way - near)
    return result


def _foot(body: Body, side: str) -> _Foot:
    weights = dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
    toes = weights[:, joint_index(f"{side}_foot")]
    both = toes + weights[:, joint_index(f"{side}_ankle")]
    rows = np.flatnonzero(both > _OF_FOOT[0])
    share = np.clip((both[rows] - _OF_FOOT[0]) / (_OF_FOOT[1] - _OF_FOOT[0]), 0, 1)
    return _Foot(rows, share, toes[rows])


def _shoe_share(body: Body, foot: _Foot, bare: DepthMaps, parsed: Parsed) -> float | None:
    """Share of a foot's pixels that show a shoe; None where the photo shows too little of it."""
    of_foot = np.zeros(body.vertex_count, bool)
    of_foot[foot.rows] = True
    pixels = bare.covered & of_foot[body.faces[:, 0]][bare.layer.face]
    return float((parsed.labels[pixels] == SHOES).mean()) if pixels.sum() >= _FEWEST else None


def _thickness(foot: Float, seen: Observation) -> float:
    """Of a sole under a foot that the photo shows, metres."""
    pixels = seen.camera.project(foot)
    height, width = seen.alpha.shape
    columns = np.clip([pixels[:, 0].min(), pixels[:, 0].max() + 1], 0, width).astype(int)
    lowest = pixels[:, 1].max()
    if lowest >= height - 1 or columns[1] <= columns[0]:
        return _USUAL
    rows = np.flatnonzero((seen.alpha[:, columns[0] : columns[1]] > 0.5).any(axis=1))
    metres = float(np.median(seen.camera.depth(foot))) / seen.camera.focal
    shown = (rows[-1] + 1 - lowest) * metres if len(rows) else 0.0
    return float(np.clip(_TRUST * shown + (1 - _TRUST) * _USUAL, _THINNEST, _THICKEST))


def _below_shaft(height: Float) -> NDArray[np.float64]:
    """How far a height belongs to the shoe, 0..1. [F]"""
    above = height - height.min()
    return np.clip((_SHAFT[1] - above) / (_SHAFT[1] - _SHAFT[0]), 0, 1)


def _shoe(rest: Float, faces: Int, foot: _Foot, normals: Float, sole: float) -> NDArray[np.float64]:
    """The way from the resting foot's skin to the shoe, metres. [F, 3]"""
    skin = rest[foot.rows]
    lowest = skin[:, 1].min()
    capped = skin + foot.toes[:, None] * (_evened(rest, faces, foot.rows) - skin)
    outward = normals * np.where(normals[:, 1:2] < 0, [1, 0, 1], [1, 1, 1])
    shoe = capped + (_UPPER + _CAP * foot.toes)[:, None] * outward
    above = skin[:, 1] - lowest
    shoe[:, 1] -= sole * np.clip(1 - above / _SOLE_ENDS, 0, 1)
    down = np.clip(-1.5 * normals[:, 1], 0, 1) * np.clip((_FLAT - above) / 0.01, 0, 1)
    shoe[:, 1] += down * (lowest - sole - shoe[:, 1])
    return shoe - skin


def _evened(rest: Float, faces: Int, rows: Int) -> NDArray[np.float64]:
    """Vertices after rounds of taking their neighbours' mean; those beyond the rows stay. [F, 3]"""
    number = np.full(len(rest), -1)
    number[rows] = np.arange(len(rows))
    near = faces[(number[faces] >= 0).all(axis=1)]
    a = number[np.concatenate([near[:, [0, 1, 2]].ravel(), near[:, [1, 2, 0]].ravel()])]
    b = number[np.concatenate([near[:, [1, 2, 0]].ravel(), near[:, [0, 1, 2]].ravel()])]
    count = np.maximum(np.bincount(a, minlength=len(rows)), 1)[:, None]
    points = rest[rows].astype(np.float64)
    for _ in range(_EVEN):
        points = np.stack([np.bincount(a, points[b, k], len(rows)) for k in range(3)], axis=1) / count
    return points
