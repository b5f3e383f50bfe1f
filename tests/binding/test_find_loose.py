"""Skirts and coats in silhouettes that are drawn from closed forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.bench.skirts import KNEE, LONG, SHORT, Skirt
from lhm_avatars.engine.binding.find_loose import COAT, NONE, NOTHING_LOOSE, SKIRT, find_loose
from lhm_avatars.engine.binding.legs import beside_legs, leg_lengths
from lhm_avatars.engine.binding.rows import Spans, row_spans, runs_outside

from .garments import Photo, legs_out, photograph

if TYPE_CHECKING:
    from lhm_avatars.engine.avatar.body import Body

LONG_COAT = Skirt(0.24, 0.30, 0.05, -0.80)
PENCIL = Skirt(0.17, 0.19, -0.28, -0.84)


@pytest.mark.parametrize(
    "photo",
    [
        photograph(legs_out(8)),
        photograph(legs_out(20)),
        photograph(legs_out(6), swollen=12),
        photograph(legs_out(0), swollen=10),
        photograph(legs_out(-6), swollen=8),
        photograph(legs_out(-5), swollen=14),
        photograph(legs_out(14), cloth=(KNEE,), wedge=0.2),
    ],
    ids=[
        "bare",
        "astride",
        "trousers",
        "trousers at rest",
        "legs together",
        "wide trousers together",
        "wide shorts",
    ],
)
def test_legs_and_trousers_are_not_loose(photo: Photo) -> None:
    assert find_loose(*photo.arguments()) == NOTHING_LOOSE


@pytest.mark.parametrize(
    ("cone", "degrees", "kind"),
    [
        (SHORT, 5, SKIRT), (KNEE, 5, SKIRT), (KNEE, -5, SKIRT), (KNEE, 14, SKIRT), (PENCIL, 2, SKIRT),
        (LONG, 5, SKIRT), (LONG_COAT, 5, COAT),
    ],
)  # fmt: skip
def test_skirts_and_coats_are_found_with_their_hems(cone: Skirt, degrees: float, kind: str, joints) -> None:
    photo = photograph(legs_out(degrees), swollen=3, cloth=(cone,))
    found = find_loose(*photo.arguments())
    assert found.kind == kind
    assert 0.5 <= found.strength <= 1
    # Where the cone's lower edge was drawn, and the same place along the legs at rest.
    thigh, leg = leg_lengths(joints)
    down = beside_legs(np.array([[0, cone.hem, 0.02]]), joints).down[0]
    assert found.hem == pytest.approx(np.interp(down, [0, thigh, leg], [0, 0.5, 1]), abs=0.06)
    assert -0.2 < found.waist < 0
    assert found.waist_row < found.hem_row


def test_a_dress_to_the_floor_has_no_hem() -> None:
    photo = photograph(legs_out(5), cloth=(Skirt(0.16, 0.4, -0.28, -1.36),))
    found = find_loose(*photo.arguments())
    assert found.kind == SKIRT
    assert found.hem > 1


def test_where_no_legs_are_shown_nothing_is_claimed() -> None:
    photo = photograph(legs_out(5), cloth=(KNEE,))
    crotch = int(photo.joints[1, 1] + 40)
    cut = Photo(photo.alpha[:crotch], photo.pixels, photo.joints)
    assert find_loose(*cut.arguments()).kind == NONE


def test_of_someone_lying_nothing_is_claimed() -> None:
    photo = photograph(legs_out(5), cloth=(KNEE,))
    lying = Photo(photo.alpha.T.copy(), photo.pixels[:, ::-1], photo.joints[:, ::-1])
    assert find_loose(*lying.arguments()).kind == NONE


def test_a_person_all_in_one_point_is_no_reason_to_fail(body: Body) -> None:
    nothing = Photo(np.zeros((40, 30)), np.zeros((body.vertex_count, 2)), np.zeros((55, 2)))
    assert find_loose(*nothing.arguments()) == NOTHING_LOOSE


def test_rows_of_a_triangle_are_its_sides() -> None:
    spans = row_spans(np.array([[2.0, 1.0], [10.0, 1.0], [2.0, 9.0]]), np.array([[0, 1, 2]]), 12)
    rows = np.arange(1, 9)
    np.testing.assert_allclose(spans.low[rows], 2)
    np.testing.assert_allclose(spans.high[rows], 10 - (rows + 0.5 - 1))
    assert not spans.there[[0, 9, 10, 11]].any()


def test_runs_end_where_the_matte_ends() -> None:
    opaque = np.zeros((2, 20), bool)
    opaque[0, 3:15] = True
    left, right = runs_outside(opaque, Spans(np.array([6.0, 6.0]), np.array([11.0, 11.0])))
    np.testing.assert_allclose(left, [3, 0])
    np.testing.assert_allclose(right, [4, 0])


def test_wrong_input_is_named(body: Body) -> None:
    good = photograph(legs_out(5)).arguments()
    for place, name in ((0, "alpha"), (1, "pixels"), (4, "joints")):
        bad = list(good)
        bad[place] = np.zeros(7)
        with pytest.raises(ValueError, match=f"{name} must have shape"):
            find_loose(*bad)
