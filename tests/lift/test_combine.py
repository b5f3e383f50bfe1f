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
from lhm_avatars.engine.lift.labels import HAIR, HELD, SKIN, TOP
from lhm_avatars.engine.lift.lift import lift
from lhm_avatars.engine.lift.several.combine import combine

from .conftest import COUNT
from .person import from_behind, observe, photograph
from .test_lift import render

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.lift import Lifted
    from lhm_avatars.engine.lift.observation import Observation
    from lhm_avatars.engine.lift.view import View

    from .person import Person

DIM = 0.8
SHADING = 1.15  # what may be the lamps' direction is left
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
    label: np.ndarray


def plain(
    means: np.ndarray,
    color: tuple[float, ...],
    facing: float,
    mark: int,
    *,
    label: int = TOP,
    up: float = 1.0,
) -> View:
    count = len(means)
    quats = np.tile([1.0, 0, 0, 0] if up > 0 else [0, 1.0, 0, 0], (count, 1))
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
            np.full(count, label, np.uint8),
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


def test_two_sides_of_a_thin_hand_are_two_places(patch: np.ndarray):
    """Two centimetres apart, but one looks forwards and the other backwards."""
    palm = plain(patch, (0.5, 0.5, 0.5), 0.9, SEEN_PHOTO)
    back = plain(np.add(patch, [0, 0, -0.02]), (0.5, 0.5, 0.5), 0.4, SEEN_PHOTO, up=-1.0)
    assert combine([palm, back]).resting.count == 2 * len(patch)


def test_a_later_guess_gives_way_to_an_earlier_one(patch: np.ndarray):
    """Three centimetres apart: it would be a second skin."""
    first = plain(patch, (0.5, 0.5, 0.5), 0.0, SEEN_FILLED)
    later = plain(np.add(patch, [0, 0, 0.03]), (0.5, 0.5, 0.5), 0.0, SEEN_FILLED)
    made = combine([first, later])
    assert made.resting.count == len(patch)
    assert (made.view == 0).all()


def test_a_thing_in_the_hand_is_one_views(patch: np.ndarray):
    ball = plain(patch, (0.9, 0.5, 0.1), 0.5, SEEN_PHOTO, label=HELD)
    again = plain(np.add(patch, [0.2, 0, 0]), (0.9, 0.5, 0.1), 0.9, SEEN_PHOTO, label=HELD)
    made = combine([ball, again])
    assert made.resting.count == len(patch)
    assert (made.view == 0).all()


def test_a_guess_becomes_what_is_shown_around_it(patch: np.ndarray):
    """A stripe of guessed skin between hair and hair: no photo shows skin there."""
    dark, pale = (0.1, 0.08, 0.05), (0.8, 0.6, 0.5)
    middle = patch[6, 0]
    views = [
        plain(patch[patch[:, 0] == middle], pale, 0.0, SEEN_FILLED, label=SKIN),
        plain(patch[patch[:, 0] < middle - 0.015], dark, 0.9, SEEN_PHOTO, label=HAIR),
        plain(patch[patch[:, 0] > middle + 0.015], dark, 0.9, SEEN_PHOTO, label=HAIR),
    ]
    made = combine(views)
    assert set(made.view) == {0, 1, 2}
    np.testing.assert_allclose(made.resting.colors(), np.tile(dark, (len(made.seen), 1)), atol=0.02)


def test_a_darker_photo_is_brought_to_the_first_ones_light(patch: np.ndarray):
    """Its front guesses a back of its own colour; the second photo shows that back, but dimmer."""
    color = np.array([0.6, 0.4, 0.3])
    first = plain(patch, tuple(color), 0.0, SEEN_FILLED)
    second = plain(np.add(patch, [1, 0, 0]), tuple(DIM * color), 0.9, SEEN_PHOTO)
    made = combine([first, second])
    assert made.gains[1] == pytest.approx(1 / DIM / SHADING, rel=0.02)
    left = made.resting.colors()[made.view == 1]
    np.testing.assert_allclose(left, np.tile(color / SHADING, (144, 1)), atol=0.015)


def test_a_back_in_its_own_shade_stays_as_it_is(patch: np.ndarray):
    """A tenth darker is what the lamps do; a tint is what the camera does."""
    first = plain(patch, (0.5, 0.5, 0.5), 0.0, SEEN_FILLED)
    shade = plain(np.add(patch, [1, 0, 0]), (0.45, 0.45, 0.45), 0.9, SEEN_PHOTO)
    np.testing.assert_allclose(combine([first, shade]).gains[1], 1.0, atol=0.01)
    tinted = plain(np.add(patch, [1, 0, 0]), (0.55, 0.5, 0.45), 0.9, SEEN_PHOTO)
    gains = combine([first, tinted]).gains[1]
    assert gains[0] / gains[2] == pytest.approx(0.45 / 0.55, rel=0.02)


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
    assert np.quantile(alpha[mask], 0.05) > 0.7  # the rim lies where the fit put it
    inner = color[badge][10:-10, 10:-10]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), np.divide(BADGE, SHADING), atol=0.08)
    mask[badge] = False
    assert np.mean(np.abs(color - true / SHADING)[mask]) < 0.035


def test_what_the_first_photo_shows_stays(both: Lifted, seen: Observation):
    color, alpha = render(both.avatar, 0, seen.camera)
    mask = seen.alpha > 0.99
    assert (alpha[mask] > 0.5).mean() > 0.99
    assert -10 * np.log10(np.mean((color - seen.rgb)[mask] ** 2)) > 22
    assert both.avatar.gaussians.count == pytest.approx(COUNT, rel=0.25)
    assert both.measures["seen_share"] > 0.8
