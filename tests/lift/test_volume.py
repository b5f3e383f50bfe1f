"""Clothes: the body before an outline that is wider by a known measure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.clothe.volume import clothed_surface
from lhm_avatars.engine.lift.parts import LEFT_HAND, RIGHT_HAND, TRUNK, face_vertices
from lhm_avatars.engine.lift.surface import vertex_normals
from lhm_avatars.engine.lift.zbuffer import first_layer

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation

    from .person import Person

from .person import DISTANCE, FOCAL

CLOTH = 0.02  # metres


def overlap(vertices: np.ndarray, seen: Observation) -> float:
    covered, mask = first_layer(vertices, bundled_body().faces, seen.camera).covered, seen.alpha > 0.5
    return float((covered & mask).sum() / (covered | mask).sum())


@pytest.fixture(scope="module")
def wide(seen: Observation) -> Observation:
    """The person in a suit that is two centimetres thick everywhere."""
    radius = CLOTH * FOCAL / DISTANCE
    outside = cv2.distanceTransform((seen.alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    return replace(seen, alpha=(outside < radius).astype(np.float32))


@pytest.fixture(scope="module")
def dressed(person: Person, wide: Observation) -> np.ndarray:
    return clothed_surface(bundled_body(), person.params.betas, person.vertices, wide)


def test_the_surface_meets_the_wider_outline(person: Person, wide: Observation, dressed: np.ndarray):
    before, after = overlap(person.vertices, wide), overlap(dressed, wide)
    assert before < 0.9
    assert after >= 0.97


def test_a_thick_suit_is_thick_in_depth_too(person: Person, dressed: np.ndarray):
    """Around the middle of the body, where nothing hides the outline, the cloth stands off all around."""
    y, x = person.rest[:, 1], person.rest[:, 0]
    waist = (np.abs(y + 0.15) < 0.05) & (np.abs(x) < 0.3)
    front, back = waist & (person.rest[:, 2] > 0.08), waist & (person.rest[:, 2] < -0.03)
    off = np.linalg.norm(dressed - person.vertices, axis=1)
    for side in (front, back):
        assert side.sum() > 20
        assert 0.3 * CLOTH < np.median(off[side]) < 1.5 * CLOTH  # it fades on the way from the rim
    assert np.ptp(dressed[waist, 2]) > np.ptp(person.vertices[waist, 2]) + 0.5 * CLOTH


def test_the_face_stays_a_face(person: Person, dressed: np.ndarray):
    middle = np.abs(person.rest[:, 0]) < 0.05  # the jaw is part of the outline
    face = face_vertices(bundled_body()) & middle
    shift = dressed[face] - person.vertices[face]
    assert np.linalg.norm(shift - shift.mean(axis=0), axis=1).max() < 0.015


def test_an_outline_that_fits_already_changes_little(person: Person, seen: Observation):
    same = clothed_surface(bundled_body(), person.params.betas, person.vertices, seen)
    off = np.linalg.norm(same - person.vertices, axis=1)
    hands = np.isin(person.parts, (LEFT_HAND, RIGHT_HAND))
    assert np.quantile(off[~hands], 0.95) < 0.01
    assert overlap(same, seen) >= 0.97


def test_a_border_that_cuts_the_person_is_no_outline(person: Person, half_seen: Observation):
    """Below the photo nothing is known, so nothing is drawn in to its border: usual trousers hang there."""
    surface = clothed_surface(bundled_body(), person.params.betas, person.vertices, half_seen)
    below = half_seen.camera.project(person.vertices)[:, 1] > half_seen.camera.height + 60
    wider = ((surface - person.vertices) * vertex_normals(person.vertices, bundled_body().faces)).sum(axis=1)
    assert below.sum() > 1000
    assert wider[below].min() > -0.005
    assert 0.005 < wider[below].mean() < 0.02
    assert np.abs(surface - person.vertices)[below].max() < 0.06  # what cloth may span, and its own


def test_an_arm_at_its_side_does_not_fatten_the_trunk(person: Person, seen: Observation):
    """A cape that fills all from arm to arm: the arms' far outline is not the trunk's, whatever its reach."""
    mask = seen.alpha > 0.5
    arms = [joint_index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "wrist")]
    rows = seen.camera.project(person.joints[arms])[:, 1].astype(int)
    caped = mask.copy()
    for row in range(rows.min() + 10, rows.max()):
        columns = np.flatnonzero(mask[row])
        caped[row, columns[0] : columns[-1] + 1] = True
    surface = clothed_surface(
        bundled_body(), person.params.betas, person.vertices, replace(seen, alpha=caped.astype(np.float32))
    )
    trunk = (person.parts == TRUNK) & (np.abs(person.rest[:, 0]) < 0.18)
    off = np.linalg.norm(surface - person.vertices, axis=1)[trunk]
    between = person.rest[trunk, 1] > -0.1  # below, loose cloth hangs past the waist's hollow
    assert 0.005 < np.median(off[between]) < 0.02
    assert off[between].max() < 0.035
    assert np.median(off) < 0.02


def test_a_coat_does_not_thicken_the_legs_below_the_photo(person: Person, half_seen: Observation):
    radius = 2.5 * CLOTH * FOCAL / DISTANCE
    outside = cv2.distanceTransform((half_seen.alpha <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    coat = replace(half_seen, alpha=(outside < radius).astype(np.float32))
    normals = vertex_normals(person.vertices, bundled_body().faces)
    thick, thin = (
        (
            (clothed_surface(bundled_body(), person.params.betas, person.vertices, one) - person.vertices)
            * normals
        ).sum(axis=1)
        for one in (coat, half_seen)
    )
    below = coat.camera.project(person.vertices)[:, 1] - coat.camera.height
    shins = (below > 90) & ~np.isin(person.parts, (LEFT_HAND, RIGHT_HAND))
    waist = np.abs(person.rest[:, 1] + 0.15) < 0.05
    assert np.median((thick - thin)[waist]) > 0.01
    assert abs((thick - thin)[shins].mean()) < 0.002
