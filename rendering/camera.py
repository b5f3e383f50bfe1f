"""Blender's camera in the words of the rasterizer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.axes import OPENCV_FROM_BLENDER_CAMERA
from ..engine.avatar.errors import AvatarError

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

# An orthographic camera is drawn as a perspective one whose depth is squeezed around 1: nearly parallel rays.
# Smaller would leave too few digits of float32 for the depth, larger would bend what should be straight.
_SQUEEZE = 1e-5


@dataclass(frozen=True)
class View:
    """A camera and the picture it takes.

    Args:
        viewmat: OpenCV camera (x right, y down, z forward) from Blender's world. For an orthographic camera
            its third row is squeezed, see `depth`. [4, 4]
        K: Intrinsics, pixels; pixel centres at +0.5. [3, 3]
        width: Pixels.
        height: Pixels.
        orthographic: Whether rays are parallel.
    """

    viewmat: Float
    K: Float
    width: int
    height: int
    orthographic: bool = False

    @property
    def squeeze(self) -> float:
        """How much the depth is squeezed; 0 for a perspective camera."""
        return _SQUEEZE if self.orthographic else 0.0

    def eye(self) -> Float:
        """The centre as x, y, z, 1, or for parallel rays where they come from: x, y, z, 0. World. [4]"""
        if self.orthographic:
            return np.append(-self.viewmat[2, :3] / np.linalg.norm(self.viewmat[2, :3]), 0.0)
        return np.append(-self.viewmat[:3, :3].T @ self.viewmat[:3, 3], 1.0)

    def cropped(self, left: int, top: int, width: int, height: int) -> View:
        """The part of the picture in a rectangle, counted in pixels from the upper left corner."""
        K = self.K.copy()
        K[:2, 2] -= left, top
        return replace(self, K=K, width=width, height=height)

    def depth(self, z: Float) -> Float:
        """Distance from the camera along its axis, metres, of what the rasterizer calls z."""
        return (z - 1) / _SQUEEZE if self.orthographic else z


def camera_view(
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    depsgraph: bpy.types.Depsgraph,
    width: int,
    height: int,
    *,
    world_from_camera: Float | None = None,
    shift_x: float | None = None,
) -> View:
    """The camera's view: lens, shift, sensor fit and pixel aspect are in its projection.

    Args:
        scene: Has the pixel aspect.
        camera: Evaluated.
        depsgraph: The camera's.
        width: Of the whole picture, pixels.
        height: Pixels.
        world_from_camera: Where an eye of a stereo camera is; the camera itself if left out. [4, 4]
        shift_x: Of that eye, in Blender's unit; the camera's own if left out.

    Raises:
        AvatarError: If the object is no camera, or neither perspective nor orthographic.
    """
    if camera.type != "CAMERA":
        raise AvatarError(
            f"The scene looks through {camera.name!r}, which is no camera. LHM Preview needs one: choose it "
            "in Properties > Scene > Camera."
        )
    if camera.data.type not in ("PERSP", "ORTHO"):  # type: ignore[union-attr]
        raise AvatarError(
            "LHM Preview cannot draw through a panoramic camera. Set the camera's type to Perspective or "
            "Orthographic, or render with Cycles."
        )
    projection = np.array(
        camera.calc_matrix_camera(
            depsgraph, x=width, y=height,
            scale_x=scene.render.pixel_aspect_x, scale_y=scene.render.pixel_aspect_y,
        )
    )  # fmt: skip
    placed = camera.matrix_world.normalized() if world_from_camera is None else world_from_camera
    viewmat = opencv_from_world(np.array(placed))
    if shift_x is not None:
        # A column of the projection holds the shift: twice it, in widths of the picture.
        more = 2 * (shift_x - camera.data.shift_x) * _shift_unit(scene, camera.data, width, height) / width
        projection[0, 2] += more
        projection[0, 3] -= more
    if camera.data.type == "PERSP":  # type: ignore[union-attr]
        return View(viewmat, _intrinsics(projection, projection[:2, 2], width, height), width, height)
    viewmat[2] *= _SQUEEZE
    viewmat[2, 3] += 1
    # Parallel projection keeps its shift in the fourth column, with the opposite sign.
    return View(viewmat, _intrinsics(projection, -projection[:2, 3], width, height), width, height, True)


def _shift_unit(scene: bpy.types.Scene, lens: bpy.types.Camera, width: int, height: int) -> float:
    """The side of the picture that a shift of 1 moves it by, in pixels across."""
    x, y = scene.render.pixel_aspect_x, scene.render.pixel_aspect_y
    across = lens.sensor_fit == "HORIZONTAL" or (lens.sensor_fit == "AUTO" and width * x >= height * y)
    return width if across else height * y / x


def camera_matrices(
    scene: bpy.types.Scene,
    camera: bpy.types.Object,
    depsgraph: bpy.types.Depsgraph,
    width: int,
    height: int,
) -> tuple[Float, Float]:
    """``viewmat`` [4, 4] and ``K`` [3, 3] of `camera_view`, which see."""
    view = camera_view(scene, camera, depsgraph, width, height)
    return view.viewmat, view.K


def opencv_from_world(camera_to_world: Float) -> Float:
    """Invert a rigid transform and turn Blender's camera axes into OpenCV's. [4, 4]"""
    rotation = OPENCV_FROM_BLENDER_CAMERA @ camera_to_world[:3, :3].T
    viewmat = np.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = rotation, -rotation @ camera_to_world[:3, 3]
    return viewmat


def _intrinsics(projection: Float, shift: Float, width: int, height: int) -> Float:
    """From OpenGL's projection, which goes from -1 to 1 with y up, to pixels with y down."""
    return np.array(
        [
            [projection[0, 0] * width / 2, 0, width * (1 - shift[0]) / 2],
            [0, projection[1, 1] * height / 2, height * (1 + shift[1]) / 2],
            [0, 0, 1],
        ]
    )
