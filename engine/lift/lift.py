"""The stages in order; read this first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..avatar.avatar import SEEN_PHOTO, Avatar
from ..avatar.binding import strongest
from ..avatar.skinning import blend_transforms, forward_kinematics
from .colour import clean_colors
from .depth import depth_maps
from .fill import fill_colors
from .fit import fit_body, skinned_vertices
from .place import place
from .refine import refine
from .shape import flat_gaussians, undoable, unposed, unposed_points
from .volume import clothed_surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..avatar.body import Body, BodyParams
    from ..avatar.gaussians import Gaussians
    from .observation import Observation
    from .place import Placed

DEFAULT_COUNT = 40_000
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
    count: int = DEFAULT_COUNT,
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
    params, shift = _grounded(fit.params, refined.gaussians)
    avatar = Avatar(
        gaussians=unposed(refined.gaussians, binding, posed_from_rest),
        binding=binding,
        params=params,
        joints=joints.astype(np.float32),
        seen=filled.seen,
        metadata={"camera": _camera_metadata(seen, shift), "body": body.info.get("name", "SMPL-X")},
    )
    measures = {
        "landmark_error": fit.landmark_error,
        "outline_iou": fit.outline_iou,
        "photo_psnr_before_refine": refined.psnr_before,
        "photo_psnr": refined.psnr_after,
        "gaussians": float(avatar.gaussians.count),
        "seen_share": float((avatar.seen == SEEN_PHOTO).mean()),
    }
    return Lifted(avatar, measures, _warnings(fit.landmark_error, fit.outline_iou))


def _inner(placed: Placed, seen: Observation) -> NDArray[np.bool_]:
    """What the photo shows well inside the outline; the soft edge keeps its cleaned colours. [N]"""
    core = cv2.erode(seen.alpha, np.ones((_EDGE_PIXELS, _EDGE_PIXELS), np.uint8))
    columns, rows = placed.pixels[placed.seen].astype(int).T
    inner = placed.seen.copy()
    inner[placed.seen] = core[rows, columns] > 0.9
    return inner


def _grounded(params: BodyParams, gaussians: Gaussians) -> tuple[BodyParams, Any]:
    """Move the person from in front of the camera to the origin, soles on the ground."""
    floor = float(np.quantile(gaussians.means[:, 1], 0.001))
    middle = np.median(gaussians.means[:, [0, 2]], axis=0)
    shift = np.array([-middle[0], -floor, -middle[1]])
    return replace(params, transl=(params.transl + shift).astype(np.float32)), shift


def _camera_metadata(seen: Observation, shift: Any) -> dict[str, Any]:
    """The photo's camera about the grounded person, so that its view can be set up again."""
    viewmat = seen.camera.viewmat.copy()
    viewmat[:3, 3] = -viewmat[:3, :3] @ shift
    return {
        "viewmat": viewmat.tolist(),
        "K": seen.camera.K.tolist(),
        "width": seen.camera.width,
        "height": seen.camera.height,
    }


def _warnings(landmark_error: float, outline_iou: float) -> list[str]:
    warnings = []
    if landmark_error > 0.02:
        warnings.append(
            "The body does not follow the pose in the photo well. "
            "A photo of a standing person, seen whole from the front, works best."
        )
    if outline_iou < 0.6:
        warnings.append(
            "The body and the person's outline differ much. "
            "Check the mask; wide clothes and bags also do this."
        )
    return warnings
