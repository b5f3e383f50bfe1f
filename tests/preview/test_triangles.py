"""The depth buffer against rays, one triangle at a time, and against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.engine.preview.triangles import BAND, NOTHING, depth_image, project, visible
from preview.scenes import ball_mesh, camera, parallel, square


def cast(corners: np.ndarray, look) -> np.ndarray:
    """Depth of the nearest triangle on each pixel's ray, by Moeller and Trumbore 1997. [H, W]"""
    y, x = np.mgrid[: look.height, : look.width] + 0.5
    slopes = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3) @ np.linalg.inv(look.K).T
    turn, shift = look.viewmat[:3, :3], look.viewmat[:3, 3]
    view = corners.astype(np.float32).astype(np.float64) @ turn.T + shift
    nearest = np.full(len(slopes), np.inf)
    for a, b, c in view:
        e1, e2 = b - a, c - a
        h = np.cross(slopes, e2)
        det = h @ e1
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (h @ -a) / det
            q = np.cross(-a, e1)
            v, t = (slopes @ q) / det, (e2 @ q) / det
        hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)  # no ray slips between two
        hit &= (t > look.z(look.near)) & (t < look.z(look.far))
        nearest = np.where(hit & (t < nearest), t, nearest)
    return nearest.reshape(look.height, look.width)


@pytest.mark.parametrize("look", [camera(48, width=53), parallel(48)], ids=["perspective", "parallel"])
def test_a_ball_agrees_with_rays(look) -> None:
    corners = ball_mesh(1.2, rings=10).astype(np.float32)
    found, expected = depth_image(corners, look), cast(corners, look)
    hit = found < NOTHING
    assert 200 < hit.sum() < found.size - 200
    assert (hit != np.isfinite(expected)).mean() < 1e-3  # rays that graze an edge
    both = hit & np.isfinite(expected)
    np.testing.assert_allclose(found[both], expected[both], rtol=1e-9)


def test_the_inside_of_a_ball_around_the_camera() -> None:
    look = camera(32, z=0.3)  # every triangle beside and behind it, some across the near plane
    corners = ball_mesh(1.0, rings=8).astype(np.float32)
    found, expected = depth_image(corners, look), cast(corners, look)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_floor_to_the_horizon() -> None:
    viewmat = np.array([[1.0, 0, 0, 0], [0, 0, -1, 1.5], [0, 1, 0, 0], [0, 0, 0, 1]])  # level, 1.5 m high
    look = replace(camera(40), viewmat=viewmat)
    floor = square(size=1e5).corners
    depth = depth_image(floor, look)
    rows = np.arange(40) + 0.5
    slope = (rows - look.K[1, 2]) / look.K[1, 1]
    below = rows > 20.5
    np.testing.assert_allclose(depth[below], np.repeat(1.5 / slope[below], 40).reshape(-1, 40), rtol=1e-6)
    assert (depth[rows < 20] == NOTHING).all()


def test_the_clip_range_holds_for_each_sample() -> None:
    look = camera(16)
    assert depth_image(square(z=0).corners, look).min() == pytest.approx(5)
    assert (depth_image(square(z=0).corners, replace(look, near=5.1)) == NOTHING).all()
    assert (depth_image(square(z=0).corners, replace(look, far=4.9)) == NOTHING).all()


def test_nearer_triangles_win_and_edge_on_ones_are_not_seen() -> None:
    look = camera(17)
    corners = np.concatenate([square(z=-1).corners, square(z=1, size=0.2).corners])
    upright = np.array([[[0, -1, 0], [0, 1, 0], [0, 0, 2]]], np.float32)  # seen from its edge
    ids, depths = visible(project(np.concatenate([corners, upright]), look, 1), look, 1, 0, -(-17 // BAND))
    assert depths[8, 8] == pytest.approx(4)
    assert ids[8, 8] in (2, 3)
    assert 4 not in ids


def test_nothing_at_all() -> None:
    look = camera(8)
    assert (depth_image(np.zeros((0, 3, 3)), look) == NOTHING).all()
    assert (depth_image(np.zeros((4, 3, 3)), look) == NOTHING).all()  # triangles that are points


def test_strips_are_parts_of_the_whole() -> None:
    look = camera(50)
    projected = project(ball_mesh(), look, 3)
    ids, depths = visible(projected, look, 3, 0, 4)
    lower, lower_depths = visible(projected, look, 3, 2, 2)
    rows = 2 * BAND * 3
    assert (ids[rows:150] == lower[: 150 - rows]).all()
    assert (depths[rows:150] == lower_depths[: 150 - rows]).all()
