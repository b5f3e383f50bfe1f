"""The camera's matrices say what Blender's own projection of points says."""

from __future__ import annotations

import itertools
from math import radians

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.rendering.camera import View, camera_matrices, camera_view
from lhm_avatars.rendering.preview_engine import rendered_part
from mathutils import Vector

pytestmark = pytest.mark.usefixtures("empty_scene")

POINTS = np.random.default_rng(0).uniform(-1.5, 1.5, (50, 3))


@pytest.fixture
def camera(empty_scene: None) -> bpy.types.Object:
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    camera.location, camera.rotation_euler = (3.1, -5.2, 2.3), (radians(70), radians(4), radians(28))
    return camera


def size() -> tuple[int, int]:
    """What Blender renders: whole pixels, rounded down."""
    render = bpy.context.scene.render
    share = render.resolution_percentage
    return render.resolution_x * share // 100, render.resolution_y * share // 100


def evaluated(camera: bpy.types.Object) -> tuple[bpy.types.Object, bpy.types.Depsgraph]:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return camera.evaluated_get(depsgraph), depsgraph


def projected(viewmat: np.ndarray, K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels and z of the points. [N, 2], [N]"""
    inside = POINTS @ viewmat[:3, :3].T + viewmat[:3, 3]
    image = inside @ K.T
    return image[:, :2] / image[:, 2:], inside[:, 2]


def blenders(camera: bpy.types.Object, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The same by Blender's helper, which counts from the lower left corner in parts of the picture."""
    seen = np.array([world_to_camera_view(bpy.context.scene, camera, Vector(point)) for point in POINTS])
    return np.stack([seen[:, 0] * width, (1 - seen[:, 1]) * height], axis=1), seen[:, 2]


CASES = list(
    itertools.product(
        (18.0, 85.0),
        ((0.0, 0.0), (0.13, -0.31)),
        ("AUTO", "HORIZONTAL", "VERTICAL"),
        (
            (640, 360, 1.0, 1.0, 100),
            (300, 500, 1.0, 1.0, 50),
            (400, 400, 1.0, 1.7, 75),
            (333, 200, 2.0, 1.0, 33),
        ),
    )
)


@pytest.mark.parametrize(("lens", "shift", "fit", "picture"), CASES)
def test_perspective_agrees_with_blender(
    camera: bpy.types.Object,
    lens: float,
    shift: tuple[float, float],
    fit: str,
    picture: tuple[int, int, float, float, int],
) -> None:
    data, render = camera.data, bpy.context.scene.render
    data.lens, data.sensor_fit, (data.shift_x, data.shift_y) = lens, fit, shift
    data.sensor_width, data.sensor_height = 31.0, 17.0
    render.resolution_x, render.resolution_y, render.pixel_aspect_x, render.pixel_aspect_y = picture[:4]
    render.resolution_percentage = picture[4]
    width, height = size()
    viewmat, K = camera_matrices(bpy.context.scene, *evaluated(camera), width, height)
    pixels, depths = projected(viewmat, K)
    expected, expected_depths = blenders(camera, width, height)
    # Blender's helper takes the proportions of the picture before the percentage is rounded to pixels.
    rounding = abs(render.resolution_x / render.resolution_y * height / width - 1)
    np.testing.assert_allclose(pixels, expected, atol=2e-3 + rounding * 2 * np.abs(expected).max())
    np.testing.assert_allclose(depths, expected_depths, atol=1e-5)
    assert K[0, 1] == K[1, 0] == 0


@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
def test_orthographic_agrees_with_blender(camera: bpy.types.Object, fit: str) -> None:
    camera.data.type, camera.data.ortho_scale, camera.data.sensor_fit = "ORTHO", 3.5, fit
    camera.data.shift_x, camera.data.shift_y = 0.2, -0.1
    bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = 512, 300
    view = camera_view(bpy.context.scene, *evaluated(camera), 512, 300)
    pixels, z = projected(view.viewmat, view.K)
    expected, expected_depths = blenders(camera, 512, 300)
    np.testing.assert_allclose(pixels, expected, atol=0.06)  # what the slight perspective bends
    np.testing.assert_allclose(view.depth(z), expected_depths, atol=1e-4)


def test_scale_of_the_camera_object_does_not_matter(camera: bpy.types.Object) -> None:
    before = camera_matrices(bpy.context.scene, *evaluated(camera), 100, 80)
    camera.scale = (2.0, 0.5, 3.0)
    bpy.context.view_layer.update()
    for matrix, expected in zip(
        camera_matrices(bpy.context.scene, *evaluated(camera), 100, 80), before, strict=True
    ):
        np.testing.assert_allclose(matrix, expected, atol=1e-6)


def test_cropping_moves_the_principal_point(camera: bpy.types.Object) -> None:
    view = camera_view(bpy.context.scene, *evaluated(camera), 200, 100)
    part = view.cropped(30, 20, 50, 40)
    whole, _ = projected(view.viewmat, view.K)
    cropped, _ = projected(part.viewmat, part.K)
    np.testing.assert_allclose(cropped, whole - [30, 20], atol=1e-9)
    assert (part.width, part.height) == (50, 40)


def test_border_counts_from_the_upper_left(empty_scene: None) -> None:
    render = bpy.context.scene.render
    render.use_border = True
    render.border_min_x, render.border_max_x = 0.25, 0.75
    render.border_min_y, render.border_max_y = 0.5, 0.9  # from the bottom
    part = rendered_part(render, 200, 100)
    assert (part.left, part.top, part.width, part.height) == (50, 10, 100, 40)


def test_panoramic_camera_is_refused(camera: bpy.types.Object) -> None:
    camera.data.type = "PANO"
    with pytest.raises(AvatarError, match=r"panoramic camera\. Set the camera's type"):
        camera_view(bpy.context.scene, *evaluated(camera), 64, 64)


def test_perspective_depth_is_z() -> None:
    view = View(np.eye(4), np.eye(3), 1, 1)
    assert view.depth(np.float64(2.5)) == 2.5
