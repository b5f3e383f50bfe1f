"""The camera of an avatar's photo: what it saw of the person, in pixels of the whole photo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from mathutils import Matrix

from ...engine.avatar.axes import OPENCV_FROM_BLENDER_CAMERA
from ...engine.avatar.body import JOINT_NAMES
from ...engine.avatar.errors import AvatarError
from ...rigging.avatar_objects import PHOTO_PELVIS_KEY
from ...rigging.poses import photo_pose

if TYPE_CHECKING:
    import bpy

    from ...engine.avatar.arrays import Float

SENSOR = 36.0  # millimetres, Blender's own
_REPORT = {"crop", "crop_scale", "working_size", "photo_size"}


@dataclass(frozen=True)
class PhotoView:
    """A camera about an avatar in its photo's pose.

    Args:
        viewmat: OpenCV camera from the armature's space. [4, 4]
        K: Pixels. [3, 3]
        width: Of the picture, pixels.
        height: Of the picture, pixels.
    """

    viewmat: Float
    K: Float
    width: int
    height: int

    def seen_at(self, width: int, height: int) -> PhotoView:
        """The same camera in another picture's format: as much of the height, the person in the same place.

        Args:
            width: Of the picture, pixels.
            height: Of the picture, pixels.
        """
        factor, K = height / self.height, np.array(self.K, np.float64)
        K[:2] *= factor
        K[0, 2] += (width - self.width * factor) / 2
        return replace(self, K=K, width=width, height=height)

    def project(self, points: Float) -> Float:
        """Points in the armature's space to pixels from the top left. [..., 3] to [..., 2]"""
        pixels = (np.asarray(points, np.float64) @ self.viewmat[:3, :3].T + self.viewmat[:3, 3]) @ self.K.T
        return pixels[..., :2] / pixels[..., 2:]


def photo_view(armature: bpy.types.Object, metadata: dict[str, Any]) -> PhotoView:
    """What the photo's camera saw; the crop that the engine worked on is undone.

    Args:
        armature: Of the avatar.
        metadata: Of the avatar.

    Raises:
        AvatarError: If the avatar does not know its photo's camera.
    """
    camera, report = metadata.get("camera"), metadata.get("preparation", {})
    if camera is None or _REPORT - set(report):
        raise AvatarError(
            f"{armature.name!r} does not say where its photo was taken from. Keep the scene's camera, or "
            "reconstruct the person again."
        )
    if PHOTO_PELVIS_KEY not in armature:
        raise AvatarError(
            f"{armature.name!r} was added by an older version, which did not note where it stood in its "
            "photo. Keep the scene's camera, or import the avatar's file again."
        )
    in_file = np.array(armature[PHOTO_PELVIS_KEY], np.float64)
    file_from_armature = np.eye(4)
    file_from_armature[:3, 3] = in_file - _photo_pelvis(armature)
    viewmat = np.array(camera["viewmat"], np.float64) @ file_from_armature
    width, height = report["photo_size"]
    photo_from_working = np.array(report["photo_size"]) / np.array(report["working_size"])
    photo_from_crop = np.diag([*(photo_from_working / report["crop_scale"]), 1.0])
    photo_from_crop[:2, 2] = np.array(report["crop"][:2]) * photo_from_working
    return PhotoView(viewmat, photo_from_crop @ np.array(camera["K"], np.float64), width, height)


def _photo_pelvis(armature: bpy.types.Object) -> Float:
    """Where the pelvis is in the photo's pose, the armature's space. [3]"""
    bones = armature.data.bones  # type: ignore[union-attr]
    return np.array(bones[JOINT_NAMES[0]].head_local) + photo_pose(armature).transl


def aim_camera(camera: bpy.types.Object, armature: bpy.types.Object, view: PhotoView) -> None:
    """Put a camera where the photo's was about the avatar as it stands now, with the photo's angle of view.

    Args:
        camera: Any; afterwards a perspective one whose picture has the view's format.
        armature: Of the avatar; it may have been moved, turned and scaled.
        view: From `photo_view`.
    """
    data: Any = camera.data
    focal = (view.K[0, 0] + view.K[1, 1]) / 2
    data.type, data.sensor_fit, data.sensor_width = "PERSP", "HORIZONTAL", SENSOR
    data.lens = focal * SENSOR / view.width
    data.shift_x = (view.width / 2 - view.K[0, 2]) / view.width
    data.shift_y = (view.K[1, 2] - view.height / 2) / view.width
    blender = np.eye(4)
    blender[:3, :3] = OPENCV_FROM_BLENDER_CAMERA
    placed = armature.matrix_world @ Matrix((np.linalg.inv(view.viewmat) @ blender).tolist())
    camera.parent = None
    camera.matrix_world = placed.normalized()
