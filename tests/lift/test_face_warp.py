"""The body's face under the photo's: a known offset is met, and nothing else moves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.lift.clothe.face_warp import face_warped
from lhm_avatars.engine.lift.fit.fit import FaceOffset
from lhm_avatars.engine.lift.parts import HEAD, face_vertices

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.fit.fit import Fit

    from .person import Person

SHIFT = np.array([3.0, -2.0])  # pixels


@pytest.fixture(scope="module")
def vertices() -> np.ndarray:
    face = np.flatnonzero(face_vertices(bundled_body()))
    return face[:: max(1, len(face) // 30)]


def with_offset(fit: Fit, person: Person, vertices: np.ndarray, offset: np.ndarray) -> Fit:
    return replace(fit, face=FaceOffset(vertices, fit.camera.project(person.vertices[vertices]), offset))


def test_a_shifted_face_is_met_and_depth_stays(fitted: Fit, person: Person, vertices: np.ndarray):
    fit = with_offset(fitted, person, vertices, np.tile(SHIFT, (len(vertices), 1)))
    moved = face_warped(bundled_body(), person.vertices, fit)
    camera = fit.camera
    way = camera.project(moved[vertices]) - camera.project(person.vertices[vertices])
    near = np.linalg.norm(way - SHIFT, axis=1)
    assert np.median(near) < 0.2
    np.testing.assert_allclose(camera.depth(moved), camera.depth(person.vertices), atol=1e-6)
    rest = person.parts != HEAD
    np.testing.assert_array_equal(moved[rest], np.asarray(person.vertices, np.float64)[rest])


def test_one_wild_point_is_not_followed(fitted: Fit, person: Person, vertices: np.ndarray):
    offset = np.tile(SHIFT, (len(vertices), 1))
    offset[0] += 500.0
    moved = face_warped(bundled_body(), person.vertices, with_offset(fitted, person, vertices, offset))
    way = fitted.camera.project(moved[vertices]) - fitted.camera.project(person.vertices[vertices])
    assert np.linalg.norm(way, axis=1).max() < 2 * np.linalg.norm(SHIFT)


def test_without_a_face_nothing_moves(fitted: Fit, person: Person):
    same = face_warped(bundled_body(), person.vertices, replace(fitted, face=None))
    np.testing.assert_array_equal(same, np.asarray(person.vertices, np.float64))
