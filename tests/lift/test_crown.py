"""Hair told from skin and cloth by what this head looks like, on drawn pixels."""

from __future__ import annotations

import numpy as np
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.lift.labels import HAIR, SKIN, TOP
from lhm_avatars.engine.lift.parse.crown import with_crown
from lhm_avatars.engine.lift.parse.expect import Landmarks, Rest, expected
from lhm_avatars.engine.lift.parts import HEAD

MARKS = Landmarks.of(bundled_body().joints(np.zeros(0)))
METRES = 0.002  # of a pixel
Y, X = np.mgrid[0:120, 0:90]
ASIDE, ABOVE = METRES * (X - 45.0), METRES * (60.0 - Y)  # metres off the middle of a head, and over its eyes
FLESH, NIGHT = np.array([60.0, 15.0, 18.0]), np.array([14.0, 3.0, -10.0])
HAIRY = ABOVE > 0.055


def head() -> Rest:
    """The front of a head, all of it in the middle of the person."""
    points = np.stack([ASIDE, MARKS.eye + ABOVE, np.full(X.shape, MARKS.head_z + 0.09)], axis=-1)
    inside = np.hypot(ASIDE / 0.075, ABOVE / 0.115) < 1
    return Rest(
        points.astype(np.float32), np.full(X.shape, HEAD), np.zeros(X.shape, np.float32), inside,
        np.where(inside, 0.05, 0).astype(np.float32), MARKS,
    )  # fmt: skip


def found(labels: np.ndarray, hair: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 1, (*X.shape, 3))
    colors = np.where(HAIRY[..., None], hair, FLESH) + noise
    return with_crown(labels, colors, head(), expected(head()), gray=False)


def test_dark_hair_that_passed_for_a_dark_coat_is_hair():
    labels = np.where(HAIRY, TOP, SKIN).astype(np.uint8)
    result, inside = found(labels, NIGHT), head().inside
    assert (result[inside & HAIRY] == HAIR).mean() > 0.95
    assert (result[inside & ~HAIRY] == SKIN).mean() > 0.95
    np.testing.assert_array_equal(result[~inside], labels[~inside])


def test_a_bald_head_is_skin():
    labels = np.full(X.shape, SKIN, np.uint8)
    np.testing.assert_array_equal(found(labels, FLESH), labels)


def test_hair_that_was_found_stays_as_it_was_found():
    labels = np.where(ABOVE > 0.07, HAIR, SKIN).astype(np.uint8)
    np.testing.assert_array_equal(found(labels, NIGHT), labels)
