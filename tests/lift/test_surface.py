"""Even points on a mesh, and its normals."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.lift.surface import sample_surface, thin_out, vertex_normals
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist


def points_in(square: float, count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, square, (count, 3)) * [1, 1, 0.1]


@pytest.mark.parametrize("spacing", [0.03, 0.1, 0.4])
def test_no_pair_is_nearer_than_the_spacing_and_none_could_be_added(spacing: float):
    points = points_in(1.0, 1500)
    keep = thin_out(points, spacing, np.random.default_rng(1))
    assert 1 < keep.sum() < len(points)
    assert pdist(points[keep]).min() > spacing
    gap, _ = cKDTree(points[keep]).query(points[~keep])
    assert gap.max() <= spacing  # whoever had to go has a neighbour that stayed


def test_points_that_are_far_apart_all_stay():
    points = np.arange(12.0)[:, None] * [1, 0, 0]
    assert thin_out(points, 0.9, np.random.default_rng(0)).all()
    assert thin_out(points[:1], 0.9, np.random.default_rng(0)).all()
    assert len(thin_out(points[:0], 0.9, np.random.default_rng(0))) == 0


def test_of_equal_points_one_stays():
    assert thin_out(np.zeros((20, 3)), 0.1, np.random.default_rng(0)).sum() == 1


def patches() -> tuple[np.ndarray, np.ndarray]:
    """Three flat squares of 1, 4 and 9 square metres, cut into very different triangles."""
    vertices, faces = [], []
    for number, side in enumerate((1.0, 2.0, 3.0)):
        first = len(vertices)
        cut = 0.03 * side
        flat = [(0, 0), (side, 0), (side, side), (0, side), (cut, cut)]
        vertices += [(x + 10 * number, y, 0.0) for x, y in flat]
        faces += [[first + a, first + b, first + 4] for a, b in ((0, 1), (1, 2), (2, 3), (3, 0))]
    return np.array(vertices), np.array(faces)


def test_points_are_as_many_as_the_area_asks_for():
    vertices, faces = patches()
    spacing = 0.05
    face, weights = sample_surface(vertices, faces, spacing, np.random.default_rng(2))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    assert weights.min() >= 0
    points = np.einsum("nk,nkc->nc", weights, vertices[faces[face]])
    per_metre = [((face // 4) == number).sum() / (number + 1) ** 2 for number in range(3)]
    assert max(per_metre) / min(per_metre) < 1.12  # borders count a little more on the small ones
    # Within one patch the four triangles share alike; one holds 1.5 % of the area.
    shares = np.bincount(face[face >= 8] - 8, minlength=4) / (face >= 8).sum()
    np.testing.assert_allclose(shares, [0.015, 0.485, 0.485, 0.015], atol=0.02)
    # Disks thrown at random until none fits cover 0.547 of a plane (Feder 1980): 0.697 points per square.
    assert 0.5 < per_metre[2] * spacing**2 < 0.697 + 0.05
    assert pdist(points[face < 4]).min() > spacing


def test_no_hole_is_wider_than_twice_the_spacing():
    vertices, faces = patches()
    face, weights = sample_surface(vertices, faces, 0.05, np.random.default_rng(3))
    points = np.einsum("nk,nkc->nc", weights, vertices[faces[face]])
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 80), np.linspace(0, 1, 80), [0.0]), axis=-1).reshape(-1, 3)
    gap, _ = cKDTree(points).query(grid)
    assert gap.max() < 0.1


def test_equal_seeds_give_equal_points():
    vertices, faces = patches()
    first, again, other = (sample_surface(vertices, faces, 0.1, np.random.default_rng(s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(first[1], again[1])
    assert len(first[1]) != len(other[1]) or np.abs(first[1] - other[1]).max() > 0.01


def test_normals_of_a_ball_point_away_from_its_middle():
    from .test_zbuffer import CENTER, sphere

    vertices, faces = sphere(40)
    inner = (np.abs(vertices[:, 1] - CENTER[1]) < 0.55) & (
        np.abs(vertices[:, 2] - CENTER[2]) > 0.05
    )  # no seam
    outward = (vertices - CENTER) / np.linalg.norm(vertices - CENTER, axis=1, keepdims=True)
    normals = vertex_normals(vertices, faces)
    cosine = np.abs((normals * outward).sum(axis=1))
    assert cosine[inner].min() > 0.998


def test_normals_of_the_body_point_outwards():
    body = bundled_body()
    normals = vertex_normals(body.v_template, body.faces)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    corners = body.v_template[body.faces].astype(np.float64)
    # Signed volume: positive if the faces wind so that normals point out.
    volume = np.einsum("fc,fc->f", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert 0.04 < volume < 0.15  # a person's litres
