"""The scene the rasterizer is measured on: a body of capsules covered with Gaussians.

1.75 m tall, seen from the knees up; tangential scales 3 to 6 mm, a third of that along the normal, opacity
from a beta distribution: about what a reconstructed avatar has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

# From, to (metres, y up) and radius of each capsule.
_CAPSULES = (
    ((0.0, 0.95, 0.0), (0.0, 1.40, 0.0), 0.15),
    ((0.0, 1.62, 0.0), (0.0, 1.65, 0.0), 0.10),
    ((0.0, 1.40, 0.0), (0.0, 1.55, 0.0), 0.06),
    ((0.17, 1.40, 0.0), (0.40, 1.15, 0.0), 0.05),
    ((-0.17, 1.40, 0.0), (-0.40, 1.15, 0.0), 0.05),
    ((0.40, 1.15, 0.0), (0.45, 0.88, 0.10), 0.04),
    ((-0.40, 1.15, 0.0), (-0.45, 0.88, 0.10), 0.04),
    ((0.10, 0.92, 0.0), (0.13, 0.50, 0.0), 0.08),
    ((-0.10, 0.92, 0.0), (-0.13, 0.50, 0.0), 0.08),
    ((0.13, 0.50, 0.0), (0.14, 0.08, -0.03), 0.055),
    ((-0.13, 0.50, 0.0), (-0.14, 0.08, -0.03), 0.055),
)
_CAMERA_HEIGHT, _CAMERA_DISTANCE, _FOCAL_SIDES = (
    1.15,
    3.0,
    2.05,
)  # metres, metres, focal length in image sides


@dataclass(frozen=True)
class Scene:
    """Inputs of one render, in the order the rasterizer takes them.

    Args:
        means: World, metres, y up. [N, 3]
        quats: w, x, y, z. [N, 4]
        scales: Metres. [N, 3]
        opacities: [N]
        colors: [N, 3]
        viewmat: Camera from world, OpenCV axes. [4, 4]
        K: Pixels. [3, 3]
        width: Pixels.
        height: Pixels.
    """

    means: Array
    quats: Array
    scales: Array
    opacities: Array
    colors: Array
    viewmat: Array
    K: Array
    width: int
    height: int

    def gaussians(self) -> tuple[Array, Array, Array, Array, Array]:
        """The five arrays that have gradients."""
        return self.means, self.quats, self.scales, self.opacities, self.colors

    def camera(self) -> tuple[Array, Array, int, int]:
        """The rest."""
        return self.viewmat, self.K, self.width, self.height

    def inputs(self) -> tuple[Array, Array, Array, Array, Array, Array, Array, int, int]:
        """Everything."""
        return (*self.gaussians(), *self.camera())

    def swollen(self, factor: float) -> Scene:
        """The same with larger Gaussians."""
        return replace(self, scales=(self.scales * factor).astype(np.float32))


def body_scene(
    count: int, width: int, height: int | None = None, *, seed: int = 0, turn: float = 0.4
) -> Scene:
    """A capsule body of ``count`` Gaussians in front of a camera at chest height.

    Args:
        count: Number of Gaussians.
        width: Pixels.
        height: Pixels; as the width if left out.
        seed: Of the random numbers.
        turn: Of the body about the vertical, radians.
    """
    height = width if height is None else height
    random = np.random.default_rng(seed)
    means, normals = _surface(random, count)
    tangential = random.uniform(0.003, 0.006, (count, 2))
    scales = np.concatenate([tangential, 0.35 * tangential[:, :1]], axis=1)
    cos, sin = np.cos(turn), np.sin(turn)
    viewmat = np.diag([1.0, -1.0, -1.0, 1.0])
    viewmat[:3, :3] @= np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    viewmat[:3, 3] = [0.0, _CAMERA_HEIGHT, _CAMERA_DISTANCE]
    focal = _FOCAL_SIDES * min(width, height)
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    arrays = (
        means,
        _quats_to(normals),
        scales,
        random.beta(4, 1.2, count),
        random.uniform(0, 1, (count, 3)),
        viewmat,
        K,
    )
    return Scene(*(np.ascontiguousarray(array, np.float32) for array in arrays), width, height)


def psnr(image: Array, reference: NDArray[np.float64]) -> float:
    """Agreement of two images of range 0..1, decibels."""
    return float(-10 * np.log10(np.mean(np.square(image - reference))))


def _surface(random: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points on the capsules, evenly by area, and outward normals. [N, 3] each"""
    heads, tails = (np.array([capsule[end] for capsule in _CAPSULES]) for end in (0, 1))
    radii = np.array([capsule[2] for capsule in _CAPSULES])
    lengths = np.linalg.norm(tails - heads, axis=1)
    areas = radii * (lengths + 2 * radii)
    which = random.choice(len(radii), count, p=areas / areas.sum())
    outward = random.normal(size=(count, 3))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    axis = (tails - heads)[which] / lengths[which, None]
    along = random.uniform(-1, 1, count) * (lengths / 2 + radii)[which]
    # On the cylinder the normal stands across the axis; on the caps it points anywhere.
    on_side = np.abs(along) < lengths[which] / 2
    across = outward - (outward * axis).sum(1, keepdims=True) * axis
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    sign = np.where((outward * axis).sum(1) * along < 0, -1.0, 1.0)
    normals = np.where(on_side[:, None], across, outward * sign[:, None])
    middle = ((heads + tails) / 2)[which]
    centre = middle + np.clip(along, -lengths[which] / 2, lengths[which] / 2)[:, None] * axis
    return centre + radii[which, None] * normals, normals


def _quats_to(normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations that take the z axis to the normals. [N, 4]"""
    x, y, z = normals.T
    quats = np.stack([1 + z + 1e-9, -y, x, np.zeros_like(x)], axis=1)
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)
