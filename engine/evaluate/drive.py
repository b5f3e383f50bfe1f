"""Put an avatar into a true pose and draw it with the true camera.

One photo tells neither how tall a person is nor how far away, so there are three ways to drive:

- ``true body``: the avatar takes the truth's betas, as in LHM's protocol, which drives with tracked shape and
  pose. The headline.
- ``own``: the avatar keeps its own shape.
- ``scaled``: as own, but made larger or smaller until its skeleton is as tall as the truth's.

In all of them the joint angles are the truth's, and the pelvis is where the truth's is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import BodyParams, bundled_body, joint_index
from ..raster import rasterize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.avatar import Avatar
    from ..avatar.gaussians import Gaussians
    from .people import Shot

TRUE_BODY, OWN, SCALED = "true body", "own", "scaled"
DRIVES = (TRUE_BODY, OWN, SCALED)
PHOTO_POSE = "photo (own pose)"
"""Not a drive of the truth: the avatar as its engine posed it, in the camera its engine assumed."""

_RIDGE = 0.01  # metres of joint position that one unit of a foreign body's beta must be worth


@dataclass(frozen=True)
class Drawn:
    """A picture of an avatar.

    Args:
        color: On white, display space, 0..1. [H, W, 3]
        alpha: [H, W]
    """

    color: NDArray[np.float32]
    alpha: NDArray[np.float32]


def driven(avatar: Avatar, betas: Float, drive: str) -> Avatar:
    """The avatar with the shape that a drive gives it.

    Args:
        avatar: As the engine made it.
        betas: The truth's, of the built-in body. [B]
        drive: One of ``DRIVES``.

    Raises:
        AvatarError: If the avatar does not know how betas move it, for ``TRUE_BODY``.
        ValueError: If there is no such drive.
    """
    if drive == OWN:
        return avatar
    truth = bundled_body().joints(betas)
    if drive == SCALED:
        return _scaled(avatar, skeleton_height(truth) / skeleton_height(avatar.joints))
    if drive != TRUE_BODY:
        raise ValueError(f"drive must be one of {', '.join(DRIVES)}, got {drive!r}")
    if avatar.metadata.get("body") == bundled_body().info["name"] and avatar.shape is not None:
        return avatar.reshaped(np.asarray(betas)[: avatar.shape.count])
    return avatar.reshaped(_betas_of_joints(avatar, truth))


def skeleton_height(joints: Float) -> float:
    """From the ankles to the head joint in the rest pose, metres.

    Args:
        joints: Rest joints. [55, 3]
    """
    ankles = joints[[joint_index("left_ankle"), joint_index("right_ankle")], 1].mean()
    return float(joints[joint_index("head"), 1] - ankles)


def posed(avatar: Avatar, shot: Shot) -> Gaussians:
    """The avatar's Gaussians in a true pose, the pelvis where the truth's is.

    Args:
        avatar: Shaped by ``driven``.
        shot: The truth.
    """
    truth = shot.params
    pelvis = bundled_body().joints(truth.betas)[0] + truth.transl
    return avatar.posed(BodyParams.from_pose(truth.pose(), transl=pelvis - avatar.joints[0]))


def draw(gaussians: Gaussians, colors: Float, viewmat: Float, K: Float, width: int, height: int) -> Drawn:
    """Draw Gaussians before white.

    Args:
        gaussians: Posed, world.
        colors: Display space, of each Gaussian. [N, 3]
        viewmat: OpenCV camera from world. [4, 4]
        K: Intrinsics, pixels. [3, 3]
        width: Pixels.
        height: Pixels.
    """
    g = gaussians
    image = rasterize(g.means, g.quats, g.scales, g.opacities, colors, viewmat, K, width, height)
    return Drawn(
        (image.color + (1 - image.alpha[..., None])).astype(np.float32), image.alpha.astype(np.float32)
    )


def draw_shot(gaussians: Gaussians, colors: Float, shot: Shot) -> Drawn:
    """Draw Gaussians with the camera of a true picture."""
    return draw(gaussians, colors, shot.viewmat, shot.K, shot.width, shot.height)


def _scaled(avatar: Avatar, factor: float) -> Avatar:
    gaussians = avatar.gaussians
    larger = replace(gaussians, means=gaussians.means * factor, scales=gaussians.scales * factor)
    return replace(avatar, gaussians=larger, joints=avatar.joints * factor, shape=None)


def _betas_of_joints(avatar: Avatar, truth: Float) -> Float:
    """Betas of another body whose joints come nearest to the truth's, seen from the pelvis.

    The truth's own betas mean nothing there. A ridge keeps shapes sane that joints hardly tell.
    """
    if avatar.shape is None:
        return np.zeros(0)  # ``reshaped`` says what is wrong
    start = np.asarray(avatar.params.betas, np.float64)
    directions = avatar.shape.joint_dirs - avatar.shape.joint_dirs[:1]
    matrix = directions.reshape(-1, avatar.shape.count).astype(np.float64)
    neutral = avatar.joints - avatar.joints[:1] - directions @ start
    wanted = ((truth - truth[:1]) - neutral).reshape(-1)
    ridge = _RIDGE**2 * np.eye(avatar.shape.count)
    return np.linalg.solve(matrix.T @ matrix + ridge, matrix.T @ wanted)
