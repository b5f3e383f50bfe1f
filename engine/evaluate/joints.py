"""How well an engine read the pose: its joints against the true ones, in space and in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import bundled_body
from ..avatar.skinning import forward_kinematics, posed_joints
from .photo_camera import projected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.avatar import Avatar
    from ..avatar.body import BodyParams
    from .people import Shot
    from .photo_camera import PhotoCamera

BODY_JOINTS = 22  # without jaw, eyes and fingers


@dataclass(frozen=True)
class JointErrors:
    """Distances of the 22 body joints.

    Args:
        space: In the camera's axes after the pelvis was laid onto the true one, millimetres. [22]
        sized: The same after the skeleton was scaled to fit, millimetres: a photo tells no size. [22]
        image: In the photo, share of the picture's height. [22]
    """

    space: NDArray[np.float64]
    sized: NDArray[np.float64]
    image: NDArray[np.float64]


def joint_errors(avatar: Avatar, camera: PhotoCamera, photo: Shot) -> JointErrors:
    """Compare the avatar's own pose with the truth.

    Args:
        avatar: As the engine made it.
        camera: The photo's, as the engine found it.
        photo: The truth.
    """
    own = _placed(avatar.joints, avatar.params)
    truth = _placed(bundled_body().joints(photo.params.betas), photo.params)
    ours = (own - own[0]) @ camera.viewmat[:3, :3].T
    theirs = (truth - truth[0]) @ photo.viewmat[:3, :3].T
    factor = float((ours * theirs).sum() / np.square(ours).sum())
    apart = camera.project(own) - projected(truth, photo.viewmat, photo.K)
    return JointErrors(
        space=1000 * np.linalg.norm(ours - theirs, axis=1),
        sized=1000 * np.linalg.norm(factor * ours - theirs, axis=1),
        image=np.linalg.norm(apart, axis=1) / photo.height,
    )


def _placed(joints: Float, params: BodyParams) -> NDArray[np.float64]:
    """Where the body joints are in a pose. [22, 3]"""
    moved = forward_kinematics(joints, params.pose(), params.transl)
    return posed_joints(joints, moved)[:BODY_JOINTS].astype(np.float64)
