"""Several photos: the best view of every place wins, in one light."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import SEEN_FILLED, SEEN_PHOTO
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.lift.choices import Choices
from lhm_avatars.engine.lift.combine import combine
from lhm_avatars.engine.lift.lift import lift

from .conftest import COUNT
from .person import from_behind, observe, photograph
from .test_lift import render

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.lift import Lifted
    from lhm_avatars.engine.lift.observation import Observation
    from lhm_avatars.engine.lift.view import View

    from .person import Person

DIM = 0.8
BADGE = (0.9, 0.7, 0.1)


@dataclass(frozen=True)
class Plain:
    """What :func:`combine` reads of a view."""

    resting: Gaussians
    binding: Binding
    seen: np.ndarray
    facing: np.ndarray
    spacing: np.ndarray
    part: np.ndarray


def plain(means: np.ndarray, color: tuple[float, ...], facing: float, mark: int) -> View:
    count = len(means)
    quats = np.tile([1.0, 0, 0, 0], (count, 1))
    gaussians = Gaussians.from_colors(
        means, quats, np.full((count, 3), 0.004), np.full(count, 0.9), np.tile(color, (count, 1))
    )
    binding = Binding(np.zeros((count, 4), np.int32), np.tile([1.0, 0, 0, 0], (count, 1)))
    return cast(
        "View",
        Plain(
            gaussians,
            binding,
            np.full(count, mark),
            np.full(count, facing),
            np.full(count, 0.01),
            np.zeros(count, int),
        ),
    )


@pytest.fixture(scope="module")
def patch() -> np.ndarray:
    x, y = np.meshgrid(np.arange(12) * 0.01, np.arange(12) * 0.01)
    return np.stack([x.ravel(), y.ravel(), np.zeros(144)], axis=1)


def test_the_squarer_view_takes_a_place(patch: np.ndarray):
    grazing = plain(patch, (0.5, 0.5, 0.5), 0.3, SEEN_PHOTO)
    square = plain(np.add(patch, [0.002, 0, 0.01]), (0.5, 0.5, 0.5), 0.9, SEEN_PHOTO)
    for views, winner in (((grazing, square), 1), ((square, grazing), 0)):
        made = combine(views)
        assert (made.view == winner).all()
        assert made.resting.count == len(patch)


def test_equal_views_lose_no_place(patch: np.ndarray):
    made = combine([plain(patch, (0.5, 0.5, 0.5), 0.7, SEEN_PHOTO)] * 2)
    assert made.resting.count == len(patch)
    assert (made.view == 0).all()


def test_a_guess_gives_way_to_what_another_photo_shows(patch: np.ndarray):
    guess = plain(patch, (0.5, 0.5, 0.5), 0.0, SEEN_FILLED)
    shown = plain(np.add(patch, [0, 0, 0.015]), (0.5, 0.5, 0.5), 0.4, SEEN_PHOTO)
    made = combine([guess, shown])
    assert (made.seen == SEEN_PHOTO).all()
    assert made.resting.count == len(patch)


def test_a_guess_beside_what_is_shown_closes_the_seam(patch: np.ndarray):
    """Two centimetres to the side is another place, however near."""
    shown = plain(patch, (0.5, 0.5, 0.5), 0.9, SEEN_PHOTO)
    beside = plain(np.add(patch[patch[:, 0] == 0], [-0.02, 0, 0]), (0.5, 0.5, 0.5), 0.0, SEEN_FILLED)
    assert combine([shown, beside]).resting.count == len(patch) + 12


def test_two_guesses_of_a_place_become_one(patch: np.ndarray):
    guess = plain(patch, (0.5, 0.5, 0.5), 0.0, SEEN_FILLED)
    made = combine([guess, guess])
    assert made.resting.count == len(patch)


def test_a_darker_photo_is_brought_to_the_first_ones_light(patch: np.ndarray):
    """Its front guesses a back of its own colour; the second photo shows that back, but dimmer."""
    color = np.array([0.6, 0.4, 0.3])
    first = plain(patch, tuple(color), 0.0, SEEN_FILLED)
    second = plain(np.add(patch, [1, 0, 0]), tuple(DIM * color), 0.9, SEEN_PHOTO)
    made = combine([first, second])
    assert made.gains[1] == pytest.approx(1 / DIM, rel=0.02)
    np.testing.assert_allclose(made.resting.colors()[made.view == 1], np.tile(color, (144, 1)), atol=0.01)


@pytest.fixture(scope="module")
def badge(person: Person, seen: Observation) -> tuple[slice, slice]:
    """Rows and columns of a badge in the middle of the back, as a photo from behind shows it."""
    spine = from_behind(person).joints[joint_index("spine2")]
    column, row = seen.camera.project(spine).round().astype(int)
    return slice(row - 20, row + 20), slice(column - 20, column + 20)


@pytest.fixture(scope="module")
def both(person: Person, seen: Observation, badge: tuple[slice, slice]) -> Lifted:
    behind = observe(from_behind(person))
    rgb = behind.rgb.copy()
    rgb[badge] = BADGE
    dim = replace(behind, rgb=rgb * np.float32(DIM))
    return lift(bundled_body(), [seen, dim], Choices(count=COUNT), lambda stage, done: None)


def test_a_photo_from_behind_gives_the_back(
    both: Lifted, person: Person, seen: Observation, badge: tuple[slice, slice]
):
    """What only the second photo shows stands where it belongs, in the first photo's light."""
    true, coverage = photograph(person, from_behind(person).vertices, seen.camera)
    mask = coverage > 0.99
    color, alpha = render(both.avatar, 180, seen.camera)
    assert np.quantile(alpha[mask], 0.03) > 0.7  # the rim lies where the fit put it
    inner = color[badge][10:-10, 10:-10]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), BADGE, atol=0.08)
    mask[badge] = False
    assert np.mean(np.abs(color - true)[mask]) < 0.03


def test_what_the_first_photo_shows_stays(both: Lifted, seen: Observation):
    color, alpha = render(both.avatar, 0, seen.camera)
    mask = seen.alpha > 0.99
    assert (alpha[mask] > 0.5).mean() > 0.99
    assert -10 * np.log10(np.mean((color - seen.rgb)[mask] ** 2)) > 22
    assert both.avatar.gaussians.count == pytest.approx(COUNT, rel=0.25)
    assert both.measures["seen_share"] > 0.8
