"""A hand before the trunk, fitted a little beside itself: which pixel is whose is known by construction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.clothe.depth import depth_maps
from lhm_avatars.engine.lift.colour import clean_colors
from lhm_avatars.engine.lift.fit.fit import skinned_vertices
from lhm_avatars.engine.lift.labels import SKIN, TOP
from lhm_avatars.engine.lift.parse.expect import Rest
from lhm_avatars.engine.lift.parse.parse import parse
from lhm_avatars.engine.lift.parts import LEFT_ARM, LEFT_HAND, TRUNK
from lhm_avatars.engine.lift.place.borders import nearest, settled, torn
from lhm_avatars.engine.lift.place.overlap import parted

from .person import make_person, observe

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.clothe.depth import DepthMaps

    from .person import Array, Person

RED, FAIR = (0.72, 0.12, 0.12), (0.85, 0.65, 0.52)
OFF = 0.05  # radians that the fitted elbow is off by: two centimetres at the finger tips


def bent(more: float) -> Person:
    """The person with the left hand before the belly."""
    person, body = make_person(), bundled_body()
    pose = person.params.pose().copy()
    pose[joint_index("left_elbow")] = (0.0, -1.5 - more, 0.0)
    pose[joint_index("left_shoulder")] = (0.9, -0.35, -1.05)
    params = BodyParams.from_pose(
        pose, betas=person.params.betas, expression=person.params.expression, transl=person.params.transl
    )
    moved = forward_kinematics(body.joints(params.betas), params.pose(), params.transl)
    joints = posed_joints(body.joints(params.betas), moved)
    return replace(person, params=params, vertices=skinned_vertices(body, params), joints=joints)


def paint(person: Person, rest: Array, part: Array) -> Array:
    """A red suit with bare arms."""
    color = np.tile(np.array(RED), (len(rest), 1))
    color[np.isin(part, (LEFT_ARM, LEFT_HAND)) & (np.abs(rest[:, 0]) > 0.3)] = FAIR
    color[(rest[:, 1] > bundled_body().joints(person.params.betas)[joint_index("neck"), 1])] = FAIR
    return color


def gloved(person: Person, rest: Array, part: Array) -> Array:
    """A red suit all over: the hand might be in a pocket."""
    color = np.tile(np.array(RED), (len(rest), 1))
    color[(rest[:, 1] > bundled_body().joints(person.params.betas)[joint_index("neck"), 1])] = FAIR
    return color


def arm_of(person: Person, maps: DepthMaps) -> Array:
    place = Rest.of(bundled_body(), person.params.betas, maps)
    return maps.inside & np.isin(place.part, (LEFT_ARM, LEFT_HAND))


def test_every_pixel_goes_with_the_side_that_it_shows():
    true, fitted, body = bent(0.0), bent(OFF), bundled_body()
    seen = observe(true, paint)
    betas = true.params.betas
    truth = arm_of(true, depth_maps(true.vertices, body.faces, seen))
    maps = depth_maps(fitted.vertices, body.faces, seen)
    clean = clean_colors(seen, maps.pixels_per_metre(seen.camera))
    parsed = parse(body, betas, maps, clean, seen)
    now, labels = parted(body, betas, maps, parsed, clean, seen)
    place = Rest.of(body, betas, maps)
    before = np.isin(place.part, (LEFT_HAND, TRUNK)) & maps.inside & (truth | arm_of(true, maps))
    wrong, left = (((arm_of(true, one) != truth) & before).sum() for one in (maps, now))
    assert wrong > 100
    assert left < 0.5 * wrong
    skin = np.abs(clean - FAIR).sum(axis=-1) < 0.1
    trunk = maps.inside & ~arm_of(true, now) & np.isin(place.part, (LEFT_HAND,)) & ~skin
    assert (labels.labels[trunk] != SKIN).mean() > 0.9


def test_a_hand_that_is_not_shown_is_no_part_of_the_cloth():
    person, body = bent(0.0), bundled_body()
    seen = observe(person, gloved)
    betas = person.params.betas
    maps = depth_maps(person.vertices, body.faces, seen)
    clean = clean_colors(seen, maps.pixels_per_metre(seen.camera))
    parsed = parse(body, betas, maps, clean, seen)
    parsed = replace(parsed, labels=np.where(parsed.labels == SKIN, TOP, parsed.labels).astype(np.uint8))
    now, _ = parted(body, betas, maps, parsed, clean, seen)
    hand = maps.inside & (Rest.of(body, betas, maps).part == LEFT_HAND)
    assert hand.sum() > 100
    assert (Rest.of(body, betas, now).part[hand] != LEFT_HAND).all()
    assert (now.front[hand] < maps.front[hand]).all()


def test_a_border_moves_to_the_edge_of_the_colours():
    colors = np.zeros((5, 20, 3))
    colors[:, 12:, 0] = 50.0
    own = np.broadcast_to(np.arange(20) < 10, (5, 20))
    pull = np.broadcast_to(0.02 * ((np.arange(20) - 9.5) / 5.0) ** 2, (5, 20))
    near = np.broadcast_to(np.abs(np.arange(20) - 9.5) < 5, (5, 20))
    share = settled(own.astype(float), pull, near, colors)
    assert ((share > 0.5) == (np.arange(20) < 12)).all()


@pytest.mark.parametrize("gap", [0.01, 0.5])
def test_a_border_is_torn_where_neighbours_are_far_apart_at_rest(gap: float):
    own = np.broadcast_to(np.arange(8) < 4, (3, 8))
    rest = np.zeros((3, 8, 3))
    rest[..., 0] = np.where(own, 0.0, gap)
    found = torn(own, np.ones((3, 8), bool), rest, 0.1)
    assert (found == (np.isin(np.arange(8), (3, 4)) & (gap > 0.1))).all()


def test_nearest_pixels_are_those_of_the_mask():
    mask = np.zeros((4, 6), bool)
    mask[1, 1] = mask[2, 5] = True
    rows, columns = nearest(mask)
    assert (rows[0, 0], columns[0, 0]) == (1, 1)
    assert (rows[3, 4], columns[3, 4]) == (2, 5)
