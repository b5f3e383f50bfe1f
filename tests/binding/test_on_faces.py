"""Places on a mesh, where they can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.binding.on_faces import on_faces

CORNERS = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0]])
FACE = np.array([[0, 1, 2]])


@pytest.mark.parametrize(
    ("point", "weights", "distance"),
    [
        ((1.0, 1.0, 0.5), (1 / 3, 1 / 3, 1 / 3), 0.5),  # over the middle
        ((0.0, 0.0, 0.0), (1, 0, 0), 0.0),
        ((-1.0, -2.0, 2.0), (1, 0, 0), 3.0),
        ((5.0, -1.0, 0.0), (0, 1, 0), np.sqrt(5)),
        ((1.5, -2.0, 0.0), (0.5, 0.5, 0), 2.0),
        ((-4.0, 2.0, 3.0), (1 / 3, 0, 2 / 3), 5.0),
        ((2.5, 2.5, 0.0), (0, 0.5, 0.5), np.sqrt(2)),
    ],
)
def test_the_nearest_place_of_a_triangle(
    point: tuple[float, ...], weights: tuple[float, ...], distance: float
):
    found = on_faces(np.array([point]), CORNERS, FACE)
    np.testing.assert_allclose(found.weights[0], weights, atol=1e-12)
    np.testing.assert_allclose(found.distance, [distance], atol=1e-12)
    np.testing.assert_array_equal(found.corners, FACE)
    np.testing.assert_allclose(found.read(CORNERS)[0], np.array(weights) @ CORNERS, atol=1e-12)
    np.testing.assert_allclose(found.read(CORNERS[:, 0])[0], np.array(weights) @ CORNERS[:, 0], atol=1e-12)


def layers() -> tuple[np.ndarray, np.ndarray]:
    """Two squares of a centimetre, a millimetre apart: the lower looks up, the upper one down."""
    square = 0.01 * np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    vertices = np.concatenate([square, square + np.array([0, 0, 0.001])])
    return vertices, np.array([[0, 1, 2], [0, 2, 3], [4, 6, 5], [4, 7, 6]])


@pytest.mark.parametrize("height", [0.0, 0.0003, 0.0007, 0.001])
def test_a_point_between_two_layers_belongs_to_the_one_that_looks_its_way(height: float):
    vertices, faces = layers()
    point = np.array([[0.004, 0.003, height]])
    up = on_faces(point, vertices, faces, np.array([[0.0, 0, 1]]))
    down = on_faces(point, vertices, faces, np.array([[0.0, 0, -1]]))
    assert up.corners.max() < 4 <= down.corners.min()
    np.testing.assert_allclose([up.distance[0], down.distance[0]], [height, 0.001 - height], atol=1e-12)
    nearest = on_faces(point, vertices, faces)
    assert (nearest.corners.max() < 4) == (height < 0.0005)
