"""Where an engine believes the photo was taken from: its camera, in the pixels of the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from .people import Shot


@dataclass(frozen=True)
class PhotoCamera:
    """The camera of an avatar's photo about the avatar in its own pose.

    Args:
        viewmat: OpenCV camera from the avatar's world. [4, 4]
        K: Intrinsics, pixels of the whole photo. [3, 3]
    """

    viewmat: NDArray[np.float64]
    K: NDArray[np.float64]

    def project(self, points: Float) -> NDArray[np.float64]:
        """World points to pixels of the photo. [..., 3] to [..., 2]"""
        return projected(points, self.viewmat, self.K)

    def within(self, photo: Shot, frame: Shot) -> NDArray[np.float64]:
        """The intrinsics for the pixels of another picture that the same true camera took.

        Args:
            photo: The photo.
            frame: The other picture; at most cropped and resized.

        Returns:
            [3, 3]

        Raises:
            ValueError: If the cameras stand or look differently.
        """
        if not np.allclose(photo.viewmat, frame.viewmat, atol=1e-5):
            raise ValueError(f"{photo.path.name} and {frame.path.name} must have one camera, got two")
        return frame.K @ np.linalg.inv(photo.K) @ self.K


def projected(points: Float, viewmat: Float, K: Float) -> NDArray[np.float64]:
    """World points to pixels. [..., 3] to [..., 2]"""
    seen = np.asarray(points, np.float64) @ viewmat[:3, :3].T + viewmat[:3, 3]
    pixels = seen @ np.asarray(K).T
    return pixels[..., :2] / pixels[..., 2:]


def photo_camera(metadata: dict[str, Any]) -> PhotoCamera:
    """Read the camera from an avatar's metadata; the crop that the engine worked on is undone.

    Args:
        metadata: Of the avatar.

    Raises:
        AvatarError: If the engine did not write a camera.
    """
    camera, report = metadata.get("camera"), metadata.get("preparation", {})
    missing = {"crop", "crop_scale", "working_size", "photo_size"} - set(report)
    if camera is None or missing:
        raise AvatarError(
            "This avatar does not say where its photo was taken from, so its own pose cannot be measured. "
            "Reconstruct it again."
        )
    left, top, _, _ = report["crop"]
    photo_from_working = np.array(report["photo_size"]) / np.array(report["working_size"])
    scale = photo_from_working / report["crop_scale"]
    offset = np.array([left, top]) * photo_from_working
    photo_from_crop = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]], [0, 0, 1.0]])
    return PhotoCamera(
        np.array(camera["viewmat"], np.float64), photo_from_crop @ np.array(camera["K"], np.float64)
    )
