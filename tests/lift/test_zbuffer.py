"""Depth maps against rays and shapes with closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.lift.observation import Camera
from lhm_avatars.engine.lift.zbuffer import NO_FACE, Layer, first_layer, last_layer

CAMERA = Camera(focal=90.0, center=(33.0, 22.5), width=64, height=48)
CENTER, RADIUS = np.array([0.1, -0.05, -3.0]), 0.6


def rays(camera: Camera) -> np.ndarray:
    """Directions through the pixels' centres, one metre deep, body frame. [H, W, 3]"""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    across, down = (x - camera.center[0]) / camera.focal, (y - camera.center[1]) / camera.focal
    return np.stack([across, -down, -np.ones_like(across)], axis=-1)


def sphere(rings: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """A fine sphere, its corners on the surface. [V, 3], [F, 3]"""
    theta, phi = np.meshgrid(
        np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij"
    )
    vertices = np.stack([np.sin(theta) * np.cos(phi), np.cos(theta), np.sin(theta) * np.sin(phi)], axis=-1)
    index = np.arange(theta.size).reshape(theta.shape)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]))
    faces = np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
    return RADIUS * vertices.reshape(-1, 3) + CENTER, faces.astype(np.int32)


def sphere_depths() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Near and far depth where the ray meets the sphere, and by how far its discriminant says so. [H, W]"""
    direction = rays(CAMERA)
    a, b = (direction**2).sum(-1), direction @ CENTER
    discriminant = b**2 - a * (CENTER @ CENTER - RADIUS**2)
    root = np.sqrt(np.maximum(discriminant, 0))
    return (b - root) / a, (b + root) / a, discriminant


def test_a_slanted_plane_has_the_depth_of_the_ray():
    """Perspective: interpolating depth itself, not one over depth, would be off by centimetres."""
    normal, through = np.array([0.5, 0.3, 0.8]), np.array([0, 0, -2.5])
    across = np.cross(normal, [0.0, 1, 0])
    down = np.cross(normal, across)
    corners = np.array([through + u * across + v * down for u in (-1.2, 1.2) for v in (-1.2, 1.2)])
    layer = first_layer(corners, np.array([[0, 1, 2], [1, 3, 2]]), CAMERA)
    depth = (through @ normal) / (rays(CAMERA) @ normal)
    assert layer.covered.mean() > 0.8
    np.testing.assert_allclose(layer.depth[layer.covered], depth[layer.covered], rtol=1e-6)


@pytest.mark.parametrize(("layer_of", "which"), [(first_layer, 0), (last_layer, 1)])
def test_a_sphere_has_the_depth_of_the_ray(layer_of, which: int):
    layer = layer_of(*sphere(), CAMERA)
    depths = sphere_depths()
    sure = depths[2] > 0.01
    assert layer.covered[sure].all()
    assert not layer.covered[depths[2] < 0].any()
    # Flat triangles cut the sphere off by at most half a step squared over the radius, more on slopes.
    assert np.abs(layer.depth - depths[which])[sure].max() < 2e-3


def test_the_first_side_is_before_the_last():
    vertices, faces = sphere()
    near, far = first_layer(vertices, faces, CAMERA), last_layer(vertices, faces, CAMERA)
    np.testing.assert_array_equal(near.covered, far.covered)
    assert (near.depth <= far.depth).all()
    assert np.median((far.depth - near.depth)[near.covered]) > 0.5 * RADIUS


def test_the_order_of_the_faces_does_not_matter():
    vertices, faces = sphere(40)
    shuffled = np.random.default_rng(0).permutation(len(faces))
    for layer_of in (first_layer, last_layer):
        np.testing.assert_array_equal(
            layer_of(vertices, faces, CAMERA).depth, layer_of(vertices, faces[shuffled], CAMERA).depth
        )
        turned = layer_of(vertices, faces[:, ::-1], CAMERA).depth  # nor the way they wind
        np.testing.assert_allclose(turned, layer_of(vertices, faces, CAMERA).depth, rtol=1e-6)


def positions(layer: Layer, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    at = layer.covered
    return np.einsum("nk,nkc->nc", layer.corners[at], vertices[faces[layer.face[at]]])


def test_faces_and_corners_tell_the_place_that_the_pixel_shows():
    vertices, faces = sphere()
    layer = first_layer(vertices, faces, CAMERA)
    places = positions(layer, vertices, faces)
    np.testing.assert_allclose(layer.corners[layer.covered].sum(axis=1), 1, atol=1e-6)
    expected = (rays(CAMERA) * layer.depth[..., None])[layer.covered]
    np.testing.assert_allclose(places, expected, atol=1e-5)


def test_pixels_without_a_face_say_so():
    layer = first_layer(*sphere(20), Camera(90.0, (500.0, 500.0), 16, 16))
    assert (layer.face == NO_FACE).all()
    assert not layer.depth.any()


def test_what_lies_behind_the_camera_is_not_drawn():
    vertices, faces = sphere(20)
    assert not first_layer(vertices * [1, 1, -1], faces, CAMERA).covered.any()


def test_the_camera_projects_and_unprojects():
    points = np.random.default_rng(1).uniform(-1, 1, (50, 3)) - [0, 0, 3]
    pixels, depth = CAMERA.project(points), CAMERA.depth(points)
    np.testing.assert_allclose(CAMERA.unproject(pixels, depth), points, atol=1e-12)
    # The same through the matrices that the rasterizer gets.
    seen = (CAMERA.K @ (CAMERA.viewmat[:3, :3] @ points.T)).T
    np.testing.assert_allclose(seen[:, :2] / seen[:, 2:], pixels, atol=1e-10)
    np.testing.assert_allclose(seen[:, 2], depth, atol=1e-12)
    np.testing.assert_allclose(CAMERA.scaled(2.0).project(points), 2 * pixels, atol=1e-10)
