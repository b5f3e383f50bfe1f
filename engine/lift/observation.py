"""What `lift` sees: the prepared photo as arrays, and the camera that took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.axes import OPENCV_FROM_BODY
from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..prepare.face_points import FacePoints
    from ..prepare.hand_points import HandPoints
    from ..prepare.keypoints import Keypoints
    from ..prepare.person import PreparedPhoto

_UNSURE = 0.3  # visibility below which a landmark is a guess
_LEAST_SHOWN = 0.12  # a head
_HEAD_ALONE = 0.25  # who shows less shows no arms, whatever a detector takes for them
_LIMBS = slice(13, 33)  # landmarks


@dataclass(frozen=True)
class Camera:
    """A level pinhole camera at the origin of the body frame, looking along -z at the person.

    Args:
        focal: Pixels.
        center: Principal point, pixels; it may lie outside the crop. [2]
        width: Pixels of the crop.
        height: Pixels of the crop.
    """

    focal: float
    center: tuple[float, float]
    width: int
    height: int

    @property
    def viewmat(self) -> NDArray[np.float64]:
        """OpenCV camera from body frame. [4, 4]"""
        viewmat = np.eye(4)
        viewmat[:3, :3] = OPENCV_FROM_BODY
        return viewmat

    @property
    def K(self) -> NDArray[np.float64]:  # noqa: N802 - its name in the field
        """Intrinsics, pixels, pixel centres at +0.5. [3, 3]"""
        return np.array([[self.focal, 0, self.center[0]], [0, self.focal, self.center[1]], [0, 0, 1.0]])

    def project(self, points: Float) -> Float:
        """Body-frame points to pixels.

        Args:
            points: Metres. [..., 3]

        Returns:
            x and y in pixels. [..., 2]
        """
        seen = points @ OPENCV_FROM_BODY.T
        return seen[..., :2] * (self.focal / seen[..., 2:]) + np.asarray(self.center)

    def depth(self, points: Float) -> Float:
        """Distance along the viewing axis, metres. [...]"""
        return points @ OPENCV_FROM_BODY[2]

    def unproject(self, pixels: Float, depth: Float) -> Float:
        """Pixels at a depth to body-frame points.

        Args:
            pixels: x and y. [..., 2]
            depth: Along the viewing axis, metres. [...]

        Returns:
            Metres. [..., 3]
        """
        rays = np.concatenate(
            [(pixels - np.asarray(self.center)) / self.focal, np.ones((*np.shape(pixels)[:-1], 1))], axis=-1
        )
        return (rays * np.asarray(depth)[..., None]) @ OPENCV_FROM_BODY

    def scaled(self, factor: float) -> Camera:
        """The same camera for an image resized by a factor."""
        return Camera(
            self.focal * factor,
            (self.center[0] * factor, self.center[1] * factor),
            max(1, round(self.width * factor)),
            max(1, round(self.height * factor)),
        )


@dataclass(frozen=True)
class Observation:
    """One prepared photo, cropped to the person.

    Args:
        rgb: Display-space colours, 0..1. [H, W, 3]
        alpha: How much of each pixel is the person, 0..1. [H, W]
        points: mediapipe's 33 pose landmarks, pixels. [33, 2]
        confidence: 0 where a landmark was not seen. [33]
        world: The same landmarks in metres about the hips, in the axes of the body frame. [33, 3]
        camera: The camera of the crop.
        cut: Borders of the photo that cut the person: any of left, right, top, bottom.
        focal_known: Whether the camera wrote its focal length.
        face: The face mesh, if a face was found.
        hands: Left and right hand of the person, where found.
        shown: Share of the standing person's height that the photo shows, 0..1.
    """

    rgb: NDArray[np.float32]
    alpha: NDArray[np.float32]
    points: NDArray[np.float64]
    confidence: NDArray[np.float64]
    world: NDArray[np.float64]
    camera: Camera
    cut: frozenset[str] = frozenset()
    focal_known: bool = False
    face: FacePoints | None = None
    hands: tuple[HandPoints | None, HandPoints | None] = (None, None)
    shown: float = 1.0

    @property
    def person_height(self) -> float:
        """Height of the person's mask, pixels."""
        rows = np.flatnonzero((self.alpha > 0.5).any(axis=1))
        return float(rows[-1] - rows[0] + 1)

    @property
    def whole_height(self) -> float:
        """Height that the person would have in a photo that shows all of them, pixels.

        What a landmark is off by grows with the person, however little of them the photo shows.
        """
        return self.person_height / max(self.shown, _LEAST_SHOWN)


def observation(prepared: PreparedPhoto) -> Observation:
    """A prepared photo as the fit wants it.

    Raises:
        AvatarError: If the mask is empty.
    """
    height, width = prepared.alpha.shape
    keypoints = prepared.keypoints
    if not (prepared.alpha > 0.5).any():
        raise AvatarError("The mask leaves nothing of the photo. Paint the person white and try again.")
    sure = keypoints.inside & (keypoints.visibility > _UNSURE)
    if prepared.visible_ratio < _HEAD_ALONE:
        sure[_LIMBS] = False
    return Observation(
        rgb=prepared.rgb,
        alpha=prepared.alpha,
        points=keypoints.points,
        confidence=np.where(_folded(keypoints, prepared.alpha, sure), _UNSURE, sure * keypoints.visibility),
        world=keypoints.world,
        camera=Camera(prepared.focal, prepared.center, width, height),
        cut=frozenset(prepared.cut),
        focal_known=prepared.focal_known,
        face=keypoints.face,
        hands=keypoints.hands,
        shown=prepared.visible_ratio,
    )


def _folded(keypoints: Keypoints, alpha: Float, sure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Feet hidden behind somebody who kneels: nothing else tells how the shins lie. [33]"""
    found = np.zeros(len(sure), bool)
    for knee, ankle, foot in ((25, 27, (27, 29, 31)), (26, 28, (28, 30, 32))):
        if not sure[knee] or sure[ankle] or not keypoints.inside[list(foot)].all():
            continue
        x, y = keypoints.points[ankle].astype(int)
        found[list(foot)] = alpha[y, x] > 0.5 and keypoints.points[ankle, 1] < keypoints.points[knee, 1]
    return found
