"""The stages in order; read this first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..avatar.avatar import SEEN_PHOTO, Avatar
from ..avatar.binding import strongest
from ..avatar.skinning import blend_transforms, forward_kinematics
from .colour import clean_colors
from .depth import depth_maps
from .fill import fill_colors
from .fit import fit_body, skinned_vertices
from .outcome import camera_metadata, fit_warnings, grounded
from .place import place
from .refine import refine
from .shape import flat_gaussians, undoable, unposed, unposed_points
from .shape_space import shape_space
from .volume import clothed_surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..avatar.body import Body
    from .observation import Observation
    from .place import Placed

_EDGE_PIXELS = 5


@dataclass(frozen=True)
class Lifted:
    """An avatar without its origin's metadata, and what was measured on the way.

    Args:
        avatar: Metadata holds the camera and the settings only.
        measures: Numbers for the report.
        warnings: Sentences for the artist.
    """

    avatar: Avatar
    measures: dict[str, float]
    warnings: list[str]


def lift(
    body: Body,
    seen: Observation,
    *,
    count: int,
    influences: int = 4,
    seed: int = 0,
    report: Callable[[str, float], None],
) -> Lifted:
    """Make an avatar from one prepared photo.

    Args:
        body: The body to dress.
        seen: The photo.
        count: About how many Gaussians.
        influences: Joints per Gaussian.
        seed: Equal seeds give equal avatars.
        report: Told the stage and the fraction of it done.

    Returns:
        The avatar; its photo pose stands on the ground at the origin.
    """
    rng = np.random.default_rng(seed)
    fit = fit_body(body, seen, lambda done: report("fit", done))
    report("volume", 0.0)
    surface = clothed_surface(body, skinned_vertices(body, fit.params), seen)
    maps = depth_maps(surface, body.faces, seen)
    report("place", 0.0)
    placed = place(body, surface, maps, seen, count, rng)
    joints = body.joints(fit.params.betas)
    posed_from_rest = forward_kinematics(joints, fit.params.pose(), fit.params.transl).astype(np.float64)
    binding = undoable(strongest(placed.weights, influences), posed_from_rest)
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights)
    report("fill", 0.0)
    clean = clean_colors(seen, maps.pixels_per_metre(seen.camera))
    filled = fill_colors(placed, unposed_points(placed.means, blended), joints, maps, clean, seen)
    refined = refine(
        flat_gaussians(placed, filled.colors, maps.inset(placed.pixels)),
        _inner(placed, seen),
        clean,
        seen,
        lambda done: report("refine", done),
    )
    report("bind", 0.0)
    params, shift = grounded(fit.params, refined.gaussians.means)
    resting = unposed(refined.gaussians, binding, posed_from_rest)
    avatar = Avatar(
        gaussians=resting,
        binding=binding,
        params=params,
        joints=joints.astype(np.float32),
        seen=filled.seen,
        metadata={"camera": camera_metadata(seen.camera, shift), "body": body.info.get("name", "SMPL-X")},
        shape=shape_space(body, params.betas, resting.means),
    )
    measures = {
        "landmark_error": fit.landmark_error,
        "outline_iou": fit.outline_iou,
        "photo_psnr_before_refine": refined.psnr_before,
        "photo_psnr": refined.psnr_after,
        "gaussians": float(avatar.gaussians.count),
        "seen_share": float((avatar.seen == SEEN_PHOTO).mean()),
    }
    return Lifted(avatar, measures, fit_warnings(fit))


def _inner(placed: Placed, seen: Observation) -> NDArray[np.bool_]:
    """What the photo shows well inside the outline; the soft edge keeps its cleaned colours. [N]"""
    core = cv2.erode(seen.alpha, np.ones((_EDGE_PIXELS, _EDGE_PIXELS), np.uint8))
    columns, rows = placed.pixels[placed.seen].astype(int).T
    inner = placed.seen.copy()
    inner[placed.seen] = core[rows, columns] > 0.9
    return inner
