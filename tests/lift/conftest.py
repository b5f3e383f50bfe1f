"""The synthetic person, taken through the stages once; each test looks at one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.binding import Binding, strongest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import blend_transforms, forward_kinematics
from lhm_avatars.engine.lift.colour import clean_colors
from lhm_avatars.engine.lift.depth import DepthMaps, depth_maps
from lhm_avatars.engine.lift.fill import Filled, fill_colors
from lhm_avatars.engine.lift.fit import Fit, fit_body
from lhm_avatars.engine.lift.lathe import head_frame
from lhm_avatars.engine.lift.lift import Lifted, lift
from lhm_avatars.engine.lift.parse import Parsed, parse
from lhm_avatars.engine.lift.place import place
from lhm_avatars.engine.lift.shape import unposed_points

from .person import Person, half_body, make_person, observe

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation
    from lhm_avatars.engine.lift.placed import Placed

COUNT = 9000
BELOW_HIPS = 0.06  # metres below the hip joints: where the half-body photo ends


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
    """

    maps: DepthMaps
    placed: Placed
    binding: Binding
    posed_from_rest: Any
    rest: Any
    clean: Any
    parsed: Parsed
    filled: Filled


@pytest.fixture(scope="session")
def person() -> Person:
    return make_person()


@pytest.fixture(scope="session")
def seen(person: Person) -> Observation:
    return observe(person)


@pytest.fixture(scope="session")
def fitted(seen: Observation) -> Fit:
    return fit_body(bundled_body(), seen, lambda done: None)


@pytest.fixture(scope="session")
def stages(person: Person, seen: Observation) -> Stages:
    body, params = bundled_body(), person.params
    maps = depth_maps(person.vertices, body.faces, seen)
    joints = body.joints(params.betas)
    moved = forward_kinematics(joints, params.pose(), params.transl).astype(np.float64)
    head = head_frame(joints, moved)
    placed = place(body, person.vertices, maps, seen, COUNT, np.random.default_rng(0), head)
    binding = strongest(placed.weights)
    blended = blend_transforms(moved, binding.joint_indices, binding.joint_weights)
    rest = unposed_points(placed.means, blended)
    clean = clean_colors(seen, maps.pixels_per_metre(seen.camera))
    parsed = parse(body, params.betas, maps, clean, seen)
    filled = fill_colors(placed, rest, joints, maps, clean, seen, parsed)
    return Stages(maps, placed, binding, moved, rest, clean, parsed, filled)


@pytest.fixture(scope="session")
def lifted(seen: Observation) -> Lifted:
    return lift(bundled_body(), [seen], count=COUNT, report=lambda stage, done: None)


@pytest.fixture(scope="session")
def half_seen(person: Person, seen: Observation) -> Observation:
    hip = person.joints[[joint_index("left_hip"), joint_index("right_hip")]].mean(axis=0)
    row = seen.camera.project(hip - [0, BELOW_HIPS, 0])[1]
    return half_body(seen, int(row))


@pytest.fixture(scope="session")
def half_lifted(half_seen: Observation) -> Lifted:
    return lift(bundled_body(), [half_seen], count=COUNT, report=lambda stage, done: None)
