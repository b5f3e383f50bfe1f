"""Have the kernels of meshes compiled, or loaded, while nobody waits."""

from __future__ import annotations

import numpy as np

from .frame import draw_scene
from .values import MATTE, Camera, Lamp, Meshes, Scene, Splats


def warm_up_meshes() -> None:
    """Draw a triangle in the light of a lamp, with the shadow of a splat."""
    three, one, number = np.ones((1, 3), np.float32), np.ones(1, np.float32), np.zeros(1, np.int32)
    quats = np.array([[1, 0, 0, 0]], np.float32)
    on = np.array([True])
    splats = Splats(three, quats, three / 10, one / 2, three, 0 * one, number, number, on, on)
    corners = np.array([[[-1, -1, 2], [1, -1, 2], [0, 1, 2]]], np.float32)
    normals = np.broadcast_to(np.array([0, 0, 1], np.float32), corners.shape)
    meshes = Meshes(corners, normals.copy(), three, np.full(1, MATTE, np.uint8), number, on, on)
    camera = Camera(np.eye(4), np.array([[16.0, 0, 8], [0, 16, 8], [0, 0, 1]]), 16, 16)
    draw_scene(Scene(splats, meshes, (Lamp("POINT", np.eye(4), np.ones(3)),)), camera, ())
