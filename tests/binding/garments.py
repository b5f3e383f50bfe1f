"""Silhouettes of the body and of garments as closed forms: a skirt is a cone, its outline a trapezium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from lhm_avatars.bench.skirts import AXIS_Z
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints, skin_means
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from lhm_avatars.bench.skirts import Skirt
    from numpy.typing import NDArray

FOCAL, SIZE, DISTANCE = 1000.0, (800, 500), 2.4  # pixels, rows and columns, metres


@dataclass(frozen=True)
class Photo:
    """A fitted body as ``find_loose`` gets it, and its silhouette."""

    alpha: Any
    pixels: Any
    joints: Any

    def arguments(self) -> tuple[Any, ...]:
        body = bundled_body()
        return self.alpha, self.pixels, body.faces, body.joint_indices[:, 0], self.joints


def legs_out(degrees: float, arms_down: float = 70.0) -> NDArray[np.float64]:
    """Each leg outwards, arms hanging. [55, 3]"""
    pose = np.zeros((JOINT_COUNT, 3))
    for side, sign in (("left", 1), ("right", -1)):
        pose[joint_index(f"{side}_hip"), 2] = sign * np.deg2rad(degrees)
        pose[joint_index(f"{side}_shoulder"), 2] = -sign * np.deg2rad(arms_down)
    return pose


def project(points: Any) -> NDArray[np.float64]:
    """A level camera before the person; x to the left in body axes is to the right in the image. [N, 2]"""
    depth = DISTANCE - points[:, 2]
    return np.stack(
        [SIZE[1] / 2 + FOCAL * points[:, 0] / depth, SIZE[0] / 2 - FOCAL * (points[:, 1] + 0.46) / depth],
        axis=1,
    ) * [0.95, 0.95] + [0.025 * SIZE[1], 0.025 * SIZE[0]]


def photograph(
    pose: Any, *, swollen: float = 0.0, cloth: tuple[Skirt, ...] = (), wedge: float = 0.0
) -> Photo:
    """The silhouette of the body, and of cones around it.

    Args:
        pose: [55, 3]
        swollen: Pixels that close clothes add on each side.
        cloth: Cones, in the same frame.
        wedge: Metres from the hem up to where the legs of the cloth part; none by default.
    """
    body, params = bundled_body(), BodyParams.from_pose(np.asarray(pose, np.float32))
    joints = body.joints(np.zeros(10))
    moved = forward_kinematics(joints, params.pose())
    vertices = skin_means(body.shaped(np.zeros(10)), moved, body.joint_indices, body.joint_weights)
    pixels = project(vertices)
    image = Image.new("L", (SIZE[1], SIZE[0]))
    draw = ImageDraw.Draw(image)
    for cone in cloth:
        ends = [
            (sign * radius, height, AXIS_Z)
            for radius, height, signs in (
                (cone.waist_radius, cone.waist, (-1, 1)), (cone.hem_radius, cone.hem, (1, -1)),
            )
            for sign in signs
        ]  # fmt: skip
        draw.polygon([tuple(corner) for corner in project(np.array(ends))], fill=255)
        if wedge:
            x = 0.4 * cone.hem_radius
            cut = np.array(
                [[0, cone.hem + wedge, AXIS_Z], [-x, cone.hem - 0.01, AXIS_Z], [x, cone.hem - 0.01, AXIS_Z]]
            )
            draw.polygon([tuple(corner) for corner in project(cut)], fill=0)
    for corners in pixels[body.faces]:
        draw.polygon([tuple(corner) for corner in corners], fill=255)
        if swollen:
            draw.line([tuple(corner) for corner in corners], fill=255, width=round(2 * swollen))
    return Photo(np.asarray(image) / 255.0, pixels, project(posed_joints(joints, moved)))
