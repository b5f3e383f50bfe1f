"""People without a renderer: the built-in body as coloured Gaussians, photographed by our rasterizer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from lhm_avatars.engine.avatar.avatar import SEEN_FILLED, SEEN_PHOTO, Avatar
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.shape import ShapeSpace
from lhm_avatars.engine.raster import rasterize
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

SIDE, FOCAL, DISTANCE, AIM = 256, 320.0, 2.9, 0.9  # pixels, pixels, metres, metres
AZIMUTHS = (0, 30, 180, 330)
STEP = 3  # every third vertex
BETAS = {"p00": (0.5, -0.4, 0.3), "p01": (-0.6, 0.2, -0.1)}
HIPS = 0.95  # metres above the ground
CROP = (16, 0, 240, 256)  # of the photo: left, top, right, bottom


def true_pose(turn: float = 0.0) -> Array:
    """Hanging arms, and one knee lifted by a turn."""
    pose = np.zeros((JOINT_COUNT, 3))
    pose[joint_index("left_shoulder")] = 0, 0, -1.1
    pose[joint_index("right_shoulder")] = 0, 0, 1.1
    pose[joint_index("left_hip")] = -turn, 0, 0
    pose[joint_index("left_knee")] = turn, 0, 0
    return pose


def true_params(name: str, turn: float = 0.0) -> BodyParams:
    betas = np.zeros(10)
    betas[:3] = BETAS[name]
    pelvis = bundled_body().joints(betas)[0]
    return BodyParams.from_pose(
        true_pose(turn), betas=betas, expression=np.zeros(10), transl=np.array([0, HIPS, 0]) - pelvis
    )


def camera_at(azimuth: float) -> Array:
    """A level camera around the person; 0 looks at the front (+z), positive angles are on the left (+x)."""
    angle = np.radians(azimuth)
    back = np.array([np.sin(angle), 0.0, np.cos(angle)])
    rotation = np.stack([[np.cos(angle), 0.0, -np.sin(angle)], [0.0, -1.0, 0.0], -back])
    viewmat = np.eye(4)
    viewmat[:3, :3] = rotation
    viewmat[:3, 3] = -rotation @ (DISTANCE * back + np.array([0, AIM, 0]))
    return viewmat


K = np.array([[FOCAL, 0, SIDE / 2], [0, FOCAL, SIDE / 2], [0, 0, 1.0]])


def true_avatar(name: str) -> Avatar:
    """The person themselves as an engine would return them if it made no mistake."""
    body, params = bundled_body(), true_params(name)
    kept = np.arange(0, body.vertex_count, STEP)
    means = body.shaped(params.betas)[kept]
    colors = np.where(means[:, 1:2] > 0, (0.8, 0.3, 0.2), (0.2, 0.3, 0.7)) + 0.6 * means[:, :1] * (0, 1, 0)
    colors[means[:, 2] < -0.02] *= 0.5  # the back is darker
    count = len(kept)
    gaussians = Gaussians.from_colors(
        means, np.tile([1.0, 0, 0, 0], (count, 1)), np.full((count, 3), 0.012), np.full(count, 0.95),
        colors.clip(0, 1),
    )  # fmt: skip
    directions = np.einsum("jv,vcs->jcs", body.joint_regressor, body.shapedirs)
    left, top, right, bottom = CROP
    shifted = K.copy()
    shifted[:2, 2] -= left, top
    return Avatar(
        gaussians=gaussians,
        binding=Binding(body.joint_indices[kept], body.joint_weights[kept]),
        params=params,
        joints=body.joints(params.betas),
        seen=np.where(means[:, 2] > 0, SEEN_PHOTO, SEEN_FILLED),
        metadata={
            "body": body.info["name"],
            "camera": {
                "viewmat": camera_at(0).tolist(),
                "K": shifted.tolist(),
                "width": right - left,
                "height": bottom - top,
            },
            "preparation": {
                "crop": list(CROP),
                "crop_scale": 1.0,
                "working_size": [SIDE, SIDE],
                "photo_size": [SIDE, SIDE],
            },
            "warnings": ["Made by a test."],
        },
        shape=ShapeSpace(body.shapedirs[kept], directions),
    )  # fmt: skip


def picture(avatar: Avatar, params: BodyParams, viewmat: Array) -> Array:
    """Straight alpha, 0..1. [H, W, 4]"""
    g = avatar.posed(params)
    image = rasterize(g.means, g.quats, g.scales, g.opacities, g.colors(), viewmat, K, SIDE, SIDE)
    color = image.color / np.maximum(image.alpha[..., None], 1e-6)
    return np.concatenate([color, image.alpha[..., None]], axis=-1).clip(0, 1)


def write_people(folder: Path) -> Path:
    """Two people in the format of tools/make_people.py."""
    folder.mkdir(parents=True)
    for number, name in enumerate(BETAS):
        (folder / name).mkdir()
        values = _person(folder / name, name, "tuning" if number == 0 else "reported")
        (folder / name / "person.json").write_text(json.dumps(values), encoding="utf-8")
    index = {"version": 1, "people": list(BETAS), "digest": "test"}
    (folder / "people.json").write_text(json.dumps(index), encoding="utf-8")
    return folder


def _person(folder: Path, name: str, split: str) -> dict[str, Any]:
    avatar = true_avatar(name)
    shots = [("view", azimuth, 0.0, f"view_{azimuth:03d}.png") for azimuth in AZIMUTHS]
    shots.append(("pose", 40, 0.9, "pose_0.png"))
    frames = []
    for kind, azimuth, turn, file in shots:
        params = true_params(name, turn)
        rgba = picture(avatar, params, camera_at(azimuth))
        Image.fromarray((rgba * 255 + 0.5).astype(np.uint8)).save(folder / file)
        frames.append({"file": file, "kind": kind, "azimuth": azimuth} | _truth(params, azimuth))
    rgba = picture(avatar, avatar.params, camera_at(0))
    photo = rgba[..., :3] * rgba[..., 3:] + (1 - rgba[..., 3:]) * np.array([0.9, 0.2, 0.9])
    Image.fromarray((photo * 255 + 0.5).astype(np.uint8)).save(folder / "photo.jpg", quality=95)
    return {
        "name": name, "seed": 0, "split": split, "tags": ["made of dots"], "description": "A test.",
        "betas": avatar.params.betas.tolist(), "expression": [0.0] * 10, "frames": frames, "held": None,
        "photos": [{"file": "photo.jpg", "frame": 0, "fov_exif": False} | _truth(avatar.params, 0)],
    }  # fmt: skip


def _truth(params: BodyParams, azimuth: float) -> dict[str, Any]:
    return {
        "pose": params.pose().tolist(),
        "transl": params.transl.tolist(),
        "viewmat": camera_at(azimuth).tolist(),
        "K": K.tolist(),
        "width": SIDE,
        "height": SIDE,
    }
