"""Lids that close over Gaussians.

On the body a lid unfolds over the eyeball. The photo shows nothing of the fold and no Gaussians lie in it:
the body's own motion would tear the few on the lid's edge off the others, and the iris would show through.
So the blink is done anew. The upper lid's edge comes down on the lower one like a blind, the skin above it
stretches as far as the brow, and what lies on the open eye gathers behind the edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import joint_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import Body
    from ..binding.face import OnFace

SHAPES = {"left": "eyeBlinkLeft", "right": "eyeBlinkRight"}
_STEP = 0.002  # metres between places along the lids
_WIDTH = 0.024  # metres from the eye's middle where nothing moves any more
_FRONT = 0.006  # metres before the eye's joint: what is farther back is inside
_EDGE = 0.7  # of the farthest motion at a place along the lid: what moves so far is the lid's edge
_RESTS = 0.15  # of the farthest motion: what moves less is the lower lid
_HIGHEST = 0.012  # metres that an eye may be open
_OVER = 0.0005  # metres that the upper edge ends below the lower one
_STRETCHED = 0.016  # metres of skin above the edge that follow it
_IRIS, _CORNER = (
    0.005,
    0.013,
)  # metres beside the middle: until there the eye turns whole, from there not at all
_RIM = 0.002  # metres from a lid within which it does less and less
_LINE, _BEHIND = 0.0015, 0.005  # metres above the lower edge, and back, where the open eye is gathered


@dataclass(frozen=True)
class Lids:
    """The edges of one eye's lids along it, seen from the front; about the eye's joint, mean shape, metres.

    Args:
        x: To the person's left, ascending. [P]
        upper: Height of the upper lid's edge. [P]
        lower: Of the lower one's. [P]
        closing: How the upper edge moves until it lies on the lower. [P, 3]
    """

    x: NDArray[np.float64]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    closing: NDArray[np.float64]

    def closed(self, places: Float) -> NDArray[np.float64]:
        """How places on the face move when the lids close, metres. [N, 3]

        Args:
            places: About the eye's joint, mean shape, metres. [N, 3]
        """
        x, y, z = places.T
        upper, lower = np.interp(x, self.x, self.upper), np.interp(x, self.x, self.lower)
        way = np.stack([np.interp(x, self.x, way, left=0, right=0) for way in self.closing.T], axis=1)
        gathered = np.stack(
            [np.zeros(len(x)), np.minimum(lower + _LINE - y, 0), -np.minimum(_BEHIND, upper - lower)], axis=1
        )
        follows = np.clip(1 - (y - upper) / _STRETCHED, 0, 1)[:, None]
        seen = (z > _FRONT) & (np.abs(x) < _WIDTH) & (y > lower)
        return np.where(seen[:, None], np.where((y >= upper)[:, None], follows * way, gathered), 0.0)

    def turning(self, places: Float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """How far places turn with the eye, 0 to 1, and which lie on the open eye at all. [N], [N]

        Args:
            places: About the eye's joint, mean shape, metres. [N, 3]
        """
        x, y, z = places.T
        upper, lower = np.interp(x, self.x, self.upper), np.interp(x, self.x, self.lower)
        free = _eased((_CORNER - np.abs(x)) / (_CORNER - _IRIS))
        free *= _eased((upper - y) / _RIM) * _eased((y - lower) / _RIM)
        return free, (z > _FRONT) & (np.abs(x) < _CORNER) & (y > lower) & (y < upper)


def _eased(t: NDArray[np.float64]) -> NDArray[np.float64]:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def find_lids(body: Body, side: str) -> Lids:
    """The lids of a body with facial actions.

    Args:
        body: Its own blink shows what is a lid.
        side: ``left`` or ``right``, the person's.
    """
    eye = body.joints(np.zeros(0))[joint_index(f"{side}_eye")]
    places = body.v_template[body.face_vertices].astype(np.float64) - eye
    moved = body.face_dirs[:, :, body.face_names.index(SHAPES[side])].astype(np.float64)
    front = (places[:, 2] > _FRONT) & (np.abs(places[:, 0]) < _WIDTH)
    places, moved = places[front], moved[front]
    reach = np.where(moved[:, 1] < 0, np.linalg.norm(moved, axis=1), 0.0)
    rows = []
    for x in np.arange(-_WIDTH + 2 * _STEP, _WIDTH - 1.5 * _STEP, _STEP):
        here = np.abs(places[:, 0] - x) < _STEP
        edge = here & (reach > _EDGE * reach[here].max(initial=1e-6))
        if not edge.any():
            continue
        upper = places[edge, 1].min()
        rests = here & (reach < _RESTS * reach.max()) & (places[:, 1] < upper)
        rests &= places[:, 1] > upper - _HIGHEST
        lower = places[rests, 1].max() if rests.any() else upper
        way = moved[edge].mean(axis=0)
        rows.append([x, upper, lower, *(way / -way[1] * (upper - lower + _OVER))])
    table = np.array([[-_WIDTH, rows[0][1], rows[0][2], 0, 0, 0], *rows, [_WIDTH, *rows[-1][1:3], 0, 0, 0]])
    # Edges found step by step are ragged.
    table[1:-1, 1:] = (table[:-2, 1:] + 2 * table[1:-1, 1:] + table[2:, 1:]) / 4
    return Lids(table[:, 0], table[:, 1], table[:, 2], table[:, 3:])


def with_lids(body: Body, found: OnFace, dirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The facial actions with the blinks done anew.

    Args:
        body: With facial actions.
        found: Gaussians on its face. [M]
        dirs: What the body's own actions do to them. [M, 3, A]
    """
    dirs = dirs.copy()
    places = found.places.read(body.v_template)
    for side, name in SHAPES.items():
        eye = body.joints(np.zeros(0))[joint_index(f"{side}_eye")]
        blink = find_lids(body, side).closed(places - eye)
        dirs[:, :, body.face_names.index(name)] = found.share[:, None] * blink
    return dirs
