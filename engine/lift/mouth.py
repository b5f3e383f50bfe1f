"""The inside of the mouth: no photo of closed lips shows it, and skin would look like a bandage over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ..avatar.avatar import SEEN_PHOTO
from ..avatar.sh import sh_from_rgb
from ..binding.face import head_faces

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.body import Body
    from ..avatar.gaussians import Gaussians
    from ..binding.face import OnFace

_LIPS = "mouthPucker"  # moves the lips most
_OF_THE_LIPS = 0.6  # of its farthest motion
_WIDTH, _HEIGHT, _DEPTH = 0.035, 0.025, 0.08  # metres from the middle of the lips
_BESIDE, _BEFORE = 0.004, 0.004  # metres: what lies so far before a place hides it
_DARK = np.array([0.3, 0.14, 0.14])  # of the skin's red, green and blue


def inside_mouth(body: Body) -> NDArray[np.bool_]:
    """Vertices about the lips that other skin hides from the front. [V]

    Args:
        body: With facial actions.
    """
    places = body.v_template.astype(np.float64)
    reach = np.linalg.norm(body.face_dirs[:, :, body.face_names.index(_LIPS)], axis=1)
    lips = places[body.face_vertices[reach > _OF_THE_LIPS * reach.max()]].mean(axis=0)
    head = np.unique(head_faces(body))
    away = places[head] - lips
    about = (np.abs(away[:, 0]) < _WIDTH) & (np.abs(away[:, 1]) < _HEIGHT) & (away[:, 2] > -_DEPTH)
    before = KDTree(away[:, :2]).query_ball_point(away[about, :2], _BESIDE)
    hidden = [away[near, 2].max() > z + _BEFORE for near, z in zip(before, away[about, 2], strict=True)]
    inside = np.zeros(len(places), bool)
    inside[head[about]] = hidden
    return inside


def dark_inside(body: Body, found: OnFace, gaussians: Gaussians, seen: NDArray[np.uint8]) -> Gaussians:
    """Darken what was made up for the inside of the mouth; teeth that the photo shows stay.

    Args:
        body: With facial actions.
        found: Gaussians on its face. [M]
        gaussians: All of them.
        seen: What the photo shows of them. [N]
    """
    within = found.places.read(inside_mouth(body)[:, None].astype(np.float64))[:, 0] > 0.5
    rows = found.rows[within & (seen[found.rows] != SEEN_PHOTO)]
    sh = gaussians.sh.copy()
    sh[rows, 0] = sh_from_rgb((gaussians.colors()[rows] * _DARK).astype(np.float32))
    return replace(gaussians, sh=sh)
