"""View: one photo made into Gaussians in the rest pose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..avatar.skinning import blend_transforms, forward_kinematics, posed_joints
from ..request import KEEP
from .clothe.depth import depth_maps
from .clothe.drape import drape, draped, trunk_and_legs, tucked
from .clothe.face_warp import face_warped
from .clothe.headwear import head_axis, headwear
from .clothe.lathe import bulged
from .clothe.soles import with_shoes
from .clothe.volume import clothed_surface
from .colour import clean_colors
from .fill.fill import fill_colors
from .fit.facing import turned_round
from .fit.fit import skinned_vertices
from .parse.parse import parse
from .place.bound import bound, loose_region
from .place.held import held_things, without
from .place.overlap import parted
from .place.place import place
from .place.pocket import pocketed
from .refine import refine
from .shape import flat_gaussians, unposed, unposed_points

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..avatar.arrays import Float, Int
    from ..avatar.binding import Binding
    from ..avatar.body import Body
    from ..avatar.gaussians import Gaussians
    from .choices import Choices
    from .clothe.depth import DepthMaps
    from .fit.fit import Fit
    from .observation import Observation
    from .place.placed import Placed

_EDGE_PIXELS = 5
_INSET = 0.012  # metres from the border of an arm within which colours are mixed
_SQUARE = 0.5  # cosine


@dataclass(frozen=True)
class View:
    """What one photo makes of the person.

    Args:
        fit: The body in this photo, in the frame of its camera.
        posed: Gaussians in the photo's pose, in the frame of its camera.
        resting: The same in the rest pose.
        binding: The joints they follow.
        seen: ``SEEN_PHOTO``, ``SEEN_MIRRORED`` or ``SEEN_FILLED``. [N]
        facing: Cosine between the surface and the way to the camera; 0 where the photo does not show it. [N]
        spacing: Metres to the neighbours. [N]
        part: Body part of each. [N]
        label: What each is of, as in ``parse``. [N]
        skin: The bare body's vertices in the rest pose, its face where the photo has it, metres. [V, 3]
        measures: Numbers for the report.
    """

    fit: Fit
    posed: Gaussians
    resting: Gaussians
    binding: Binding
    seen: NDArray[np.uint8]
    facing: Float
    spacing: Float
    part: Int
    label: NDArray[np.uint8]
    skin: Float
    measures: dict[str, float]


def view(
    body: Body,
    fit: Fit,
    seen: Observation,
    *,
    choices: Choices,
    rng: np.random.Generator,
    report: Callable[[str, float], None],
) -> View:
    """Make Gaussians from a photo whose body is known.

    Args:
        body: The body to dress.
        fit: Where it stands in the photo, and how.
        seen: The photo.
        choices: What the artist has decided; the count is this view's own.
        rng: For the points that the photo does not show.
        report: Told the stage and the fraction of it done.
    """
    report("parse", 0.0)
    seen = turned_round(seen) if fit.turned_round else seen
    seen = replace(seen, camera=fit.camera)  # with the focal length that the fit found
    betas = fit.params.betas
    stand = _Stand.of(body, fit, seen)
    clean = clean_colors(seen, stand.bare.pixels_per_metre(seen.camera))
    parsed = parse(body, betas, stand.bare, clean, seen)
    bent = pocketed(
        body, fit, stand.skin, stand.posed_from_rest, stand.moved, stand.bare, parsed, clean, seen
    )
    if bent is not None:
        fit, stand = bent, _Stand.of(body, bent, seen)
        parsed = parse(body, betas, stand.bare, clean, seen)
    skin, joints, moved = stand.skin, stand.joints, stand.moved
    posed_from_rest, bare = stand.posed_from_rest, stand.bare
    held = held_things(parsed.labels, moved, seen)
    report("volume", 0.0)
    worn = without(seen, held.mask)
    surface = clothed_surface(body, betas, skin, worn)
    surface = with_shoes(body, betas, skin, surface, posed_from_rest, bare, parsed, seen)
    maps = depth_maps(surface, body.faces, seen)
    wear = headwear(body, skin, *head_axis(joints, posed_from_rest), parsed.labels, maps, seen.camera)
    maps = bulged(maps, parsed.labels, wear, seen.camera) if wear is not None else maps
    region = loose_region(body, skin, moved, worn, choices)
    cloth = drape(body, skin, maps, region, worn, fit.up)
    if cloth is not None:
        maps, cloth = draped(maps, cloth, region, seen)
        surface = tucked(surface, trunk_and_legs(body), cloth)
    maps, parsed = parted(body, betas, maps, parsed, clean, seen)
    report("place", 0.0)
    keep = choices.held == KEEP
    placed = place(body, surface, maps, seen, choices.count, rng, wear, held, cloth, keep_held=keep)
    binding = bound(body, betas, skin, posed_from_rest, placed, region, choices)
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights)
    report("fill", 0.0)
    filled = fill_colors(placed, unposed_points(placed.means, blended), joints, maps, clean, seen, parsed)
    grain = np.einsum("nij,nj->ni", blended[:, :3, :3], filled.grain)
    refined = refine(
        flat_gaussians(placed, filled.colors, maps.inset(placed.pixels), grain),
        _inner(placed, seen) & (maps.inset(placed.pixels) > _INSET),
        clean,
        seen,
        lambda done: report("refine", done),
    )
    return View(
        fit=fit,
        posed=refined.gaussians,
        resting=unposed(refined.gaussians, binding, posed_from_rest),
        binding=binding,
        seen=filled.seen,
        facing=np.where(placed.seen, np.abs((placed.normals * _rays(placed)).sum(axis=1)), 0.0),
        spacing=placed.spacing,
        part=placed.parts,
        label=filled.labels,
        skin=stand.resting(body),
        measures={
            "landmark_error": fit.landmark_error,
            "outline_iou": fit.outline_iou,
            "photo_psnr_before_refine": refined.psnr_before,
            "photo_psnr": refined.psnr_after,
        },
    )


@dataclass(frozen=True)
class _Stand:
    """The bare body in the photo's pose.

    Args:
        skin: Vertices, camera's frame, metres. [V, 3]
        joints: Rest joints. [55, 3]
        posed_from_rest: [55, 4, 4]
        moved: Posed joints. [55, 3]
        bare: Near and far sheet.
    """

    skin: Float
    joints: Float
    posed_from_rest: Float
    moved: Float
    bare: DepthMaps

    @classmethod
    def of(cls, body: Body, fit: Fit, seen: Observation) -> _Stand:
        """Of a fit."""
        skin = face_warped(body, skinned_vertices(body, fit.params), fit)
        joints = body.joints(fit.params.betas)
        turns = forward_kinematics(joints, fit.params.pose(), fit.params.transl).astype(np.float64)
        return cls(skin, joints, turns, posed_joints(joints, turns), depth_maps(skin, body.faces, seen))

    def resting(self, body: Body) -> Float:
        """The skin in the rest pose, metres. [V, 3]"""
        blended = blend_transforms(self.posed_from_rest, body.joint_indices, body.joint_weights)
        return unposed_points(self.skin, blended)


def _inner(placed: Placed, seen: Observation) -> NDArray[np.bool_]:
    """What the photo shows squarely and well inside the outline. [N]

    The soft edge keeps its cleaned colours. On slopes the photo has too few pixels to correct each Gaussian
    by, and what is left of the error would be noise that the next camera sees.
    """
    core = cv2.erode(seen.alpha, np.ones((_EDGE_PIXELS, _EDGE_PIXELS), np.uint8))
    columns, rows = placed.pixels[placed.seen].astype(int).T
    inner = placed.seen.copy()
    inner[placed.seen] = core[rows, columns] > 0.9
    return inner & (np.abs((placed.normals * _rays(placed)).sum(axis=1)) > _SQUARE)


def _rays(placed: Placed) -> Float:
    """From the camera to each, unit. [N, 3]"""
    return placed.means / np.linalg.norm(placed.means, axis=1, keepdims=True)
