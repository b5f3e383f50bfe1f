"""From points with normals to Gaussians, and back to the rest pose."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.binding import Binding
from ..avatar.gaussians import Gaussians
from ..avatar.rotations import polar_rotation, quat_conjugate, quat_from_matrix, quat_multiply
from ..avatar.skinning import blend_transforms

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from .place.placed import Placed

_WIDTH = 0.55  # standard deviation over the lattice's step: neighbours overlap without a ripple
_UNSEEN_WIDTH = 0.95  # the spread points' spacing is the least, not the usual, distance
_THICKNESS = 0.3  # along the normal, over the width
_UNSEEN_THICKNESS = 0.1  # wide ones are thin, or they would fatten the outline from elsewhere
_FLATTEST = 0.6  # smallest stretch of a blended transform that is undone; a bent elbow's skin has about 0.8
_HALF_OPAQUE = 1.4  # standard deviations out, two Gaussians of opacity 0.9 together have fallen to one half
_NARROWEST = 0.3  # of the usual width
_UNSEEN_NARROWEST = 1.0  # seen from elsewhere they must still be whole
_DEEPEST = 0.6  # of the width
_LONGEST = 2.0  # how far a tilted Gaussian may reach along the slope
_STRIPE = (1.5, 0.5)  # of the width: along and across a stripe
_OPACITY = 0.9
_UNSEEN_OPACITY = 0.97  # or the front shines through the back


def flat_gaussians(placed: Placed, colors: Float, inset: Float, grain: Float | None = None) -> Gaussians:
    """Disks on the surface; those of the photo's lattice reach along the slope that they have to cover.

    On stripes they are narrow across them and reach along them.

    Args:
        placed: Where they are.
        colors: Display-space RGB. [N, 3]
        inset: Metres to the person's outline in the photo, which they must not blur. [N]
        grain: The way across the stripes of what the photo does not show; zero, or None,
            where there are none. [N, 3]
    """
    ray = placed.means / np.linalg.norm(placed.means, axis=1, keepdims=True)
    facing = (placed.normals * ray).sum(axis=1, keepdims=True)
    slope = ray - facing * placed.normals
    fallback = np.cross(placed.normals, [0.0, 1.0, 0.0]) + np.array([1e-6, 0, 0])
    slope = np.where(np.linalg.norm(slope, axis=1, keepdims=True) > 1e-3, slope, fallback)
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    grain = np.zeros_like(placed.normals) if grain is None else grain
    striped = (np.linalg.norm(grain, axis=1) > 0) & ~placed.seen
    level = np.cross(grain[striped], placed.normals[striped])
    slope[striped] = level / (np.linalg.norm(level, axis=1, keepdims=True) + 1e-9)
    across = np.cross(placed.normals, slope)
    rotation = np.stack([slope, across, placed.normals], axis=-1)
    stretch = np.where(placed.seen, np.clip(1.0 / np.maximum(np.abs(facing[:, 0]), 1e-3), 1.0, _LONGEST), 1.0)
    width = np.where(placed.seen, _WIDTH, _UNSEEN_WIDTH) * placed.spacing
    covered = placed.seen | placed.under
    narrowest = np.where(covered, _NARROWEST, _UNSEEN_NARROWEST) * width
    # What must stay wide at the outline sinks in instead, so that it does not reach over it.
    sink = np.where(covered, 0.0, np.clip(_HALF_OPAQUE * width - inset, 0.0, _DEEPEST * width))
    width = np.clip(inset / _HALF_OPAQUE, narrowest, width)
    thickness = np.where(placed.seen, _THICKNESS, _UNSEEN_THICKNESS) * width
    stretch = np.where(striped, _STRIPE[0], stretch)
    scales = np.stack([width * stretch, width * np.where(striped, _STRIPE[1], 1.0), thickness], axis=1)
    opacities = np.where(placed.seen, _OPACITY, _UNSEEN_OPACITY)
    means = placed.means - sink[:, None] * placed.normals
    return Gaussians.from_colors(means, quat_from_matrix(polar_rotation(rotation)), scales, opacities, colors)


def undoable(binding: Binding, posed_from_rest: Float) -> Binding:
    """Joints whose blended transform can be undone; the others keep their strongest joint alone.

    Where an arm touches a thigh, the mean of the two turns almost flat, and its inverse would throw the
    Gaussian across the room.

    Args:
        binding: The joints they follow.
        posed_from_rest: [55, 4, 4]
    """
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights)
    flattened = np.linalg.svd(blended[:, :3, :3], compute_uv=False)[:, -1] < _FLATTEST
    alone = np.zeros_like(binding.joint_weights)
    alone[:, 0] = 1.0
    return Binding(binding.joint_indices, np.where(flattened[:, None], alone, binding.joint_weights))


def unposed(gaussians: Gaussians, binding: Binding, posed_from_rest: Float) -> Gaussians:
    """Undo linear blend skinning: the same Gaussians in the rest pose.

    Args:
        gaussians: Posed.
        binding: The joints they follow.
        posed_from_rest: [55, 4, 4]
    """
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights).astype(
        np.float64
    )
    means = unposed_points(gaussians.means, blended)
    turn = quat_from_matrix(polar_rotation(blended[:, :3, :3]))
    return replace(gaussians, means=means, quats=quat_multiply(quat_conjugate(turn), gaussians.quats))


def unposed_points(points: Float, blended: Float) -> Float:
    """Points through the inverse of their blended transforms.

    Args:
        points: Posed. [N, 3]
        blended: [N, 4, 4]

    Returns:
        [N, 3]
    """
    return np.linalg.solve(blended[:, :3, :3], (points - blended[:, :3, 3])[..., None])[..., 0]
