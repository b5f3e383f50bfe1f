"""Pocket: a hand that the photo does not show although it looks there is in a pocket or under a garment.

The pose model places such hands before the body, where they would float bare. The arm bends until the hand
lies just under the trunk's surface, on the same line of sight.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...avatar.body import BodyParams, joint_index
from ...avatar.rotations import rotvec_from_matrix, turn_between
from ..labels import SKIN
from ..parts import LEFT_HAND, LEFT_LEG, RIGHT_HAND, RIGHT_LEG, TRUNK, part_of_weights
from ..surface import vertex_normals
from .overlap import hand_is_shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..clothe.depth import DepthMaps
    from ..fit.fit import Fit
    from ..observation import Observation
    from ..parse.parse import Parsed

_UNDER = 0.035  # metres from the trunk's surface to the middle of the hand
_NEAR = 0.07  # metres: the trunk about the line of sight
_FEWEST = 6  # vertices
_NEAREST = 0.2  # quantile of their depths: the surface that is seen
_FARTHEST = 0.3  # metres: a hand farther before the trunk is in no pocket
_STRAIGHT = 0.999
_OFF = 0.05  # metres that a fitted hand may be off in the photo
_HAND = 12e-4  # square metres of skin: a third of a hand
_SURE = 0.6  # confidence of a hand's landmarks in the photo
_LANDMARKS = ([15, 17, 19, 21], [16, 18, 20, 22])  # wrist, little finger, index, thumb
_SIDES = (("left", LEFT_HAND), ("right", RIGHT_HAND))


def pocketed(
    body: Body,
    fit: Fit,
    skin: Float,
    posed_from_rest: Float,
    moved: Float,
    maps: DepthMaps,
    parsed: Parsed,
    clean: NDArray[np.float32],
    seen: Observation,
) -> Fit | None:
    """The fit with hidden hands under the trunk's surface; ``None`` if no hand is hidden there.

    Args:
        body: The fitted body.
        fit: Its pose.
        skin: Posed vertices, camera's frame, metres. [V, 3]
        posed_from_rest: [55, 4, 4]
        moved: Posed joints. [55, 3]
        maps: Near and far sheet of the bare body.
        parsed: What each pixel shows.
        clean: The photo's colours without background. [H, W, 3]
        seen: The photo.
    """
    parts = part_of_weights(body.joint_indices, body.joint_weights)
    part_of_pixel = np.where(maps.layer.covered, parts[body.faces[maps.layer.face][..., 0]], -1)
    pose, changed = fit.params.pose().astype(np.float64), False
    for side, (name, hand) in enumerate(_SIDES):
        pixels = maps.inside & (part_of_pixel == hand)
        if pixels.any() and hand_is_shown(pixels, clean, parsed, seen, side):
            continue
        if seen.confidence[_LANDMARKS[side]].mean() > _SURE or _skin_near(skin, parts, hand, parsed, seen):
            continue
        way = _way_under(body, skin, parts, hand, seen)
        if way is not None:
            _reach(pose, posed_from_rest[:, :3, :3], moved, name, way)
            changed = True
    if not changed:
        return None
    params = fit.params
    bent = BodyParams.from_pose(pose, betas=params.betas, expression=params.expression, transl=params.transl)
    return replace(fit, params=bent)


def _skin_near(skin: Float, parts: NDArray[np.int64], hand: int, parsed: Parsed, seen: Observation) -> bool:
    """Whether bare skin about the hand may be the hand, a little off where the fit has it."""
    pixels = seen.camera.project(skin[parts == hand])
    metres = float(seen.camera.depth(skin[parts == hand]).mean()) / seen.camera.focal
    height, width = parsed.labels.shape
    columns, rows = np.floor(pixels).astype(int).T
    framed = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    spots = np.zeros((height, width), np.uint8)
    spots[rows[framed], columns[framed]] = 1
    reach = max(1, round(_OFF / metres))
    near = cv2.dilate(spots, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))) > 0
    bare = float((near & (parsed.labels == SKIN)).sum()) * metres**2
    return bare > _HAND


def _way_under(
    body: Body, skin: Float, parts: NDArray[np.int64], hand: int, seen: Observation
) -> Float | None:
    """The way to just under the surface behind the hand, metres; ``None`` if it is in no pocket. [3]"""
    middle = skin[parts == hand].mean(axis=0)
    ray = middle / np.linalg.norm(middle)
    depth = float(seen.camera.depth(middle[None])[0])
    trunk = np.flatnonzero(np.isin(parts, (TRUNK, LEFT_LEG, RIGHT_LEG)))
    towards = -(vertex_normals(skin, body.faces)[trunk] * ray).sum(axis=1)
    pixels = seen.camera.project(skin[trunk]) - seen.camera.project(middle[None])
    metres = np.linalg.norm(pixels, axis=1) * depth / seen.camera.focal
    around = trunk[(towards > 0) & (metres < _NEAR)]
    if len(around) < _FEWEST:
        return None
    way = float(np.quantile(seen.camera.depth(skin[around]), _NEAREST)) + _UNDER - depth
    return ray * way if 0 < way < _FARTHEST else None


def _reach(pose: Float, turns: Float, moved: Float, side: str, way: Float) -> None:
    """Move a wrist by bending shoulder and elbow, the elbow staying on its side. In place."""
    collar, shoulder, elbow, wrist = (
        joint_index(f"{side}_{name}") for name in ("collar", "shoulder", "elbow", "wrist")
    )
    upper, lower = moved[elbow] - moved[shoulder], moved[wrist] - moved[elbow]
    a, b = np.linalg.norm(upper), np.linalg.norm(lower)
    goal = moved[wrist] + way - moved[shoulder]
    distance = np.clip(np.linalg.norm(goal), abs(a - b) / _STRAIGHT, _STRAIGHT * (a + b))
    along = goal / np.linalg.norm(goal)
    out = upper - along * (upper @ along)
    out /= np.linalg.norm(out) + 1e-9
    cosine = (a**2 + distance**2 - b**2) / (2 * a * distance)
    bent = a * (cosine * along + np.sqrt(max(0.0, 1 - cosine**2)) * out)
    swing = turn_between(upper, bent)
    fold = turn_between(swing @ lower, along * distance - bent)
    new_shoulder = swing @ turns[shoulder]
    pose[shoulder] = rotvec_from_matrix(turns[collar].T @ new_shoulder)
    pose[elbow] = rotvec_from_matrix(new_shoulder.T @ fold @ swing @ turns[elbow])
