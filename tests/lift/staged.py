"""The stages of `lift` on a person whose pose is known; a stage's test is not about the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from lhm_avatars.engine.avatar.binding import Binding, strongest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.avatar.skinning import blend_transforms, forward_kinematics
from lhm_avatars.engine.lift.clothe.depth import DepthMaps, depth_maps
from lhm_avatars.engine.lift.clothe.headwear import head_axis, headwear
from lhm_avatars.engine.lift.colour import clean_colors
from lhm_avatars.engine.lift.fill.fill import Filled, fill_colors
from lhm_avatars.engine.lift.parse.parse import Parsed, parse
from lhm_avatars.engine.lift.place.held import held_things
from lhm_avatars.engine.lift.place.place import place
from lhm_avatars.engine.lift.shape import unposed_points

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.clothe.headwear import Headwear
    from lhm_avatars.engine.lift.observation import Observation
    from lhm_avatars.engine.lift.place.placed import Placed

    from .person import Person


@dataclass(frozen=True)
class Stages:
    """What each stage made of the person, from the true pose on: a stage's test is not about the one before.

    Args:
        maps: Near and far sheet.
        placed: The Gaussians before they have colours.
        binding: Their joints.
        posed_from_rest: Of the true pose. [55, 4, 4]
        rest: Their means in the rest pose. [N, 3]
        clean: The photo's colours without background. [H, W, 3]
        parsed: What each of its pixels shows.
        filled: Their colours.
        wear: What stands off the head, if anything does.
    """

    maps: DepthMaps
    placed: Placed
    binding: Binding
    posed_from_rest: Any
    rest: Any
    clean: Any
    parsed: Parsed
    filled: Filled
    wear: Headwear | None


def staged(person: Person, seen: Observation, count: int) -> Stages:
    """Take a photo of a person through the stages.

    Args:
        person: In their true pose and shape.
        seen: The photo.
        count: About how many Gaussians.
    """
    body, params = bundled_body(), person.params
    maps = depth_maps(person.vertices, body.faces, seen)
    joints = body.joints(params.betas)
    moved = forward_kinematics(joints, params.pose(), params.transl).astype(np.float64)
    clean = clean_colors(seen, maps.pixels_per_metre(seen.camera))
    parsed = parse(body, params.betas, maps, clean, seen)
    held = held_things(parsed.labels, person.joints, seen)
    wear = headwear(body, person.vertices, *head_axis(joints, moved), parsed.labels, maps, seen.camera)
    placed = place(body, person.vertices, maps, seen, count, np.random.default_rng(0), wear, held, None)
    binding = strongest(placed.weights)
    blended = blend_transforms(moved, binding.joint_indices, binding.joint_weights)
    rest = unposed_points(placed.means, blended)
    filled = fill_colors(placed, rest, joints, maps, clean, seen, parsed)
    return Stages(maps, placed, binding, moved, rest, clean, parsed, filled, wear)
