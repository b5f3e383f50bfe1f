"""The synthetic person, taken through the stages once; each test looks at one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.choices import Choices
from lhm_avatars.engine.lift.fit.fit import Fit, fit_body
from lhm_avatars.engine.lift.lift import Lifted, lift

from .person import Person, half_body, make_person, observe
from .staged import Stages, staged

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation

COUNT = 12000
BELOW_HIPS = 0.06  # metres below the hip joints: where the half-body photo ends


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
    return staged(person, seen, COUNT)


@pytest.fixture(scope="session")
def lifted(seen: Observation) -> Lifted:
    return lift(bundled_body(), [seen], Choices(count=COUNT), lambda stage, done: None)


@pytest.fixture(scope="session")
def half_seen(person: Person, seen: Observation) -> Observation:
    hip = person.joints[[joint_index("left_hip"), joint_index("right_hip")]].mean(axis=0)
    row = seen.camera.project(hip - [0, BELOW_HIPS, 0])[1]
    return half_body(seen, int(row))


@pytest.fixture(scope="session")
def half_lifted(half_seen: Observation) -> Lifted:
    return lift(bundled_body(), [half_seen], Choices(count=COUNT), lambda stage, done: None)
