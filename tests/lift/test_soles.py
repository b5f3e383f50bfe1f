"""Shoes: a flat sole under feet that wear them, none under feet that do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.clothe.depth import depth_maps
from lhm_avatars.engine.lift.clothe.soles import with_shoes
from lhm_avatars.engine.lift.labels import NOTHING, SHOES, SKIN
from lhm_avatars.engine.lift.place.place import _sole_below

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation
    from numpy.typing import NDArray

    from .conftest import Stages
    from .person import Person


def shod(stages: Stages, person: Person, seen: Observation, label: int) -> NDArray[np.float64]:
    """The person's surface in the rest pose's directions, where the photo shows a label everywhere."""
    body = bundled_body()
    bare = depth_maps(person.vertices, body.faces, seen)
    labels = np.where(bare.inside, label, NOTHING).astype(np.uint8)
    parsed = replace(stages.parsed, labels=labels)
    return with_shoes(
        body,
        person.params.betas,
        person.vertices,
        person.vertices,
        stages.posed_from_rest,
        bare,
        parsed,
        seen,
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_shoe_has_a_flat_sole(stages: Stages, person: Person, seen: Observation, side: str):
    joint = joint_index(f"{side}_ankle")
    turn = stages.posed_from_rest[joint][:3, :3]
    body = bundled_body()
    own = body.joint_indices[np.arange(body.vertex_count), body.joint_weights.argmax(axis=1)] == joint
    own &= body.joint_weights.max(axis=1) > 0.95
    down = (shod(stages, person, seen, SHOES) - person.vertices)[own] @ turn
    bare, sole = (points[own] @ turn for points in (person.vertices, shod(stages, person, seen, SHOES)))
    lowest = bare[:, 1].min() - sole[:, 1].min()
    # The photo shows bare feet, so half of a usual sole of 25 mm is believed.
    assert lowest == pytest.approx(0.0125, abs=0.004)
    heel = bare[:, 1] < bare[:, 1].min() + 0.004
    assert np.ptp(sole[heel, 1]) < 0.002
    assert np.ptp(sole[heel, 1]) < np.ptp(bare[heel, 1])
    assert down[:, 1].max() < 0.02


def test_nothing_else_moves_and_bare_feet_stay(stages: Stages, person: Person, seen: Observation):
    body = bundled_body()
    shoes = shod(stages, person, seen, SHOES)
    high = person.rest[:, 1] > person.rest[:, 1].min() + 0.13
    np.testing.assert_array_equal(shoes[high], person.vertices[high])
    np.testing.assert_allclose(shod(stages, person, seen, SKIN), person.vertices, atol=1e-9)
    assert len(shoes) == body.vertex_count


def test_only_feet_a_little_below_the_outline_keep_their_sole():
    foot, knee = joint_index("left_ankle"), joint_index("left_knee")
    weights = np.eye(55)[[foot, foot, foot, knee]]
    shift = np.array(
        [[0, 0.01, 0], [0, 0.05, 0], [0.02, 0.01, 0], [0, 0.01, 0]]
    )  # low, too low, aside, no foot
    assert _sole_below(weights, shift).tolist() == [True, False, False, False]
