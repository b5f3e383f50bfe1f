"""A ball in a hand is no part of the person: it goes with the hand, or stays away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.binding.find_loose import NOTHING_LOOSE
from lhm_avatars.engine.lift.choices import Choices
from lhm_avatars.engine.lift.labels import HELD, SKIN
from lhm_avatars.engine.lift.parts import TRUNK
from lhm_avatars.engine.lift.place.bound import bound
from lhm_avatars.engine.lift.place.held import held_layer, held_things
from lhm_avatars.engine.lift.place.place import place
from lhm_avatars.engine.lift.place.placed import NO_HAND

from .conftest import COUNT

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation
    from lhm_avatars.engine.lift.place.held import Held
    from lhm_avatars.engine.lift.place.placed import Placed

    from .conftest import Stages
    from .person import Person

RADIUS = 0.1  # metres
PITCH = 3.0  # pixels


@pytest.fixture(scope="module")
def ball(person: Person, seen: Observation) -> np.ndarray:
    """Labels of a ball before the belly, nearest to the left hand."""
    left, spine = (person.joints[joint_index(name)] for name in ("left_wrist", "spine1"))
    column, row = seen.camera.project(0.5 * left + 0.5 * spine)
    rows, columns = np.mgrid[: seen.camera.height, : seen.camera.width]
    radius = RADIUS * seen.camera.focal / seen.camera.depth(left)
    labels = np.full(seen.alpha.shape, SKIN, np.uint8)
    labels[np.hypot(rows + 0.5 - row, columns + 0.5 - column) < radius] = HELD
    return labels


@pytest.fixture(scope="module")
def held(ball: np.ndarray, person: Person, seen: Observation) -> Held:
    return held_things(ball, person.joints, seen)


def placed_with(stages: Stages, person: Person, seen: Observation, held: Held, *, keep: bool) -> Placed:
    body = bundled_body()
    return place(
        body,
        person.vertices,
        stages.maps,
        seen,
        COUNT,
        np.random.default_rng(0),
        stages.wear,
        held,
        None,
        keep_held=keep,
    )


def test_the_nearest_hand_has_it(ball: np.ndarray, held: Held, person: Person, seen: Observation):
    assert (held.hand[ball == HELD] == 0).all()
    assert (held.hand[ball != HELD] == NO_HAND).all()
    mirrored = person.joints.copy()
    names = [[joint_index(f"{side}_{name}") for side in ("left", "right")] for name in ("wrist", "middle1")]
    for left, right in names:
        mirrored[[left, right]] = mirrored[[right, left]]
    assert (held_things(ball, mirrored, seen).hand[ball == HELD] == 1).all()


def test_specks_are_not_held(person: Person, seen: Observation):
    labels = np.full(seen.alpha.shape, SKIN, np.uint8)
    labels[300:303, 200:203] = HELD
    assert not held_things(labels, person.joints, seen).mask.any()


def test_a_ball_is_round(held: Held, seen: Observation):
    """Every Gaussian lies on the sphere whose outline the photo shows, half of them on its far side."""
    layer = held_layer(held, seen, PITCH)
    middle = 0.5 * (layer.means[:, 2].min() + layer.means[:, 2].max())
    front = layer.seen
    center = np.array([*layer.means[front, :2].mean(axis=0), middle])
    away = layer.means - center
    radius = np.linalg.norm(away, axis=1)
    inner = np.linalg.norm(away[:, :2], axis=1) < 0.8 * RADIUS
    np.testing.assert_allclose(radius[inner & front], RADIUS, rtol=0.09)
    outward = (layer.normals * away).sum(axis=1) / radius
    assert np.median(outward[inner & front]) > 0.95
    assert (layer.means[front, 2] >= middle - 1e-9).all()  # the camera looks along -z
    # From the side it has no gap: along its depth, points of the rim are never far apart.
    rim = np.sort(layer.means[~inner, 2])
    assert np.diff(rim).max() < 0.01


def test_kept_it_goes_with_the_hand_and_the_belly_behind_it_is_filled(
    stages: Stages, person: Person, seen: Observation, held: Held
):
    placed = placed_with(stages, person, seen, held, keep=True)
    thing = placed.hand == 0
    columns, rows = placed.pixels.astype(int).T
    there = placed.seen & held.mask[rows.clip(0, 639), columns.clip(0, 399)]
    assert (placed.hand[there] == 0).all()
    behind = ~placed.seen & ~thing & (placed.parts == TRUNK) & placed.on_body
    behind &= held.mask[rows.clip(0, 639), columns.clip(0, 399)] & (placed.normals[:, 2] > 0.5)
    assert behind.sum() > 8
    body = bundled_body()
    binding = bound(
        body, person.params.betas, person.vertices, stages.posed_from_rest, placed, NOTHING_LOOSE, Choices()
    )
    assert (binding.joint_indices[thing, 0] == joint_index("left_wrist")).all()
    np.testing.assert_allclose(binding.joint_weights[thing, 0], 1)


def test_dropped_it_leaves_no_trace(stages: Stages, person: Person, seen: Observation, held: Held):
    placed = placed_with(stages, person, seen, held, keep=False)
    assert (placed.hand == NO_HAND).all()
    shown = placed.pixels[placed.seen].astype(int)
    assert not held.mask[shown[:, 1], shown[:, 0]].any()
    assert len(placed.means) == pytest.approx(COUNT, rel=0.15)


def test_empty_hands_hold_nothing(seen: Observation, held: Held):
    nothing = replace(held, hand=np.full_like(held.hand, NO_HAND))
    assert len(held_layer(nothing, seen, PITCH).means) == 0
