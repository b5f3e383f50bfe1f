"""Garments as closed forms: a skirt is an elliptic cone, its silhouette a trapezium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints, skin_means
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOCAL, SIZE, DISTANCE = 1000.0, (800, 500), 2.4  # pixels, rows and columns, metres
DEPTH = 0.75  # of the cone, against its width
AXIS_Z = 0.02  # metres: where the cone's axis stands


@dataclass(frozen=True)
class Skirt:
    """Radii and heights of a cone, metres, body axes."""

    waist_radius: float
    hem_radius: float
    waist: float
    hem: float

    def points(self, step: float = 0.008) -> NDArray[np.float64]:
        """A lattice over the cone. [N, 3]"""
        slant = np.hypot(self.waist - self.hem, self.hem_radius - self.waist_radius)
        rings = []
        for number, t in enumerate(np.linspace(0, 1, int(slant / step))):
            radius = self.waist_radius + t * (self.hem_radius - self.waist_radius)
            # An even number, half a step off the middle: the cone is its own mirror image.
            count = 2 * int(np.pi * radius / step)
            turn = (np.arange(count) + 0.5 + number % 2) * 2 * np.pi / count
            height = np.full(count, self.waist + t * (self.hem - self.waist))
            rings.append(
                np.stack([radius * np.cos(turn), height, DEPTH * radius * np.sin(turn) + AXIS_Z], axis=1)
            )
        return np.concatenate(rings)


KNEE = Skirt(0.16, 0.28, -0.28, -0.84)
SHORT = Skirt(0.17, 0.25, -0.28, -0.62)
LONG = Skirt(0.16, 0.36, -0.28, -1.26)


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


def photograph(pose: Any, *, swollen: float = 0.0, cloth: tuple[Skirt, ...] = (), only: Any = None) -> Photo:
    """The silhouette of the body, and of cones around it.

    Args:
        pose: [55, 3]
        swollen: Pixels that close clothes add on each side.
        cloth: Cones, in the same frame.
        only: Mask of the vertices that show; all by default. [V]
    """
    body, params = bundled_body(), BodyParams.from_pose(np.asarray(pose, np.float32))
    joints = body.joints(np.zeros(10))
    moved = forward_kinematics(joints, params.pose())
    vertices = skin_means(body.shaped(np.zeros(10)), moved, body.joint_indices, body.joint_weights)
    pixels = project(vertices)
    image = Image.new("L", (SIZE[1], SIZE[0]))
    draw = ImageDraw.Draw(image)
    faces = body.faces if only is None else body.faces[only[body.faces].all(axis=1)]
    for corners in pixels[faces]:
        draw.polygon([tuple(corner) for corner in corners], fill=255)
        if swollen:
            draw.line([tuple(corner) for corner in corners], fill=255, width=round(2 * swollen))
    for cone in cloth:
        ends = [
            (sign * radius, height, AXIS_Z)
            for radius, height, signs in (
                (cone.waist_radius, cone.waist, (-1, 1)), (cone.hem_radius, cone.hem, (1, -1)),
            )
            for sign in signs
        ]  # fmt: skip
        draw.polygon([tuple(corner) for corner in project(np.array(ends))], fill=255)
    return Photo(np.asarray(image) / 255.0, pixels, project(posed_joints(joints, moved)))
