"""The colours of what the photo does not show, against the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.parts import HEAD, LEFT_LEG, RIGHT_LEG, TRUNK
from lhm_avatars.engine.lift.zbuffer import first_layer
from scipy.spatial import cKDTree

from .person import BEHIND, CHEST, HAIR, SKIN, TROUSERS, lettered, true_colors

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation

    from .conftest import Stages
    from .person import Person


@pytest.fixture(scope="module")
def truth(stages: Stages, person: Person) -> np.ndarray:
    """The true colour of each Gaussian's place, without the lettering. [N, 3]"""
    colors = true_colors(person, stages.rest, stages.placed.parts)
    ink = lettered(stages.rest)
    colors[ink] = true_colors(person, stages.rest[ink] * [1, 1, -1], stages.placed.parts[ink])
    return colors


@pytest.fixture(scope="module")
def visible(stages: Stages, person: Person, seen: Observation) -> np.ndarray:
    """Whether the photo shows the nearest vertex, by the camera's rays. [N]"""
    layer = first_layer(person.vertices, bundled_body().faces, seen.camera)
    columns, rows = np.floor(seen.camera.project(person.vertices)).astype(int).T
    depth = seen.camera.depth(person.vertices)
    shown = layer.covered[rows, columns] & (depth < layer.depth[rows, columns] + 0.004)
    _, nearest = cKDTree(person.vertices).query(stages.placed.means)
    return shown[nearest]


def behind(stages: Stages, part: int) -> np.ndarray:
    """Rows of a part whose normal points away from the camera. [N]"""
    placed = stages.placed
    away = (placed.normals * placed.means).sum(axis=1) / np.linalg.norm(placed.means, axis=1)
    return (placed.parts == part) & (away > 0.5) & placed.on_body & ~placed.seen


def test_what_the_photo_shows_is_marked_so(stages: Stages, visible: np.ndarray):
    marked = stages.filled.seen == SEEN_PHOTO
    placed = stages.placed
    square = -(placed.normals * placed.means).sum(axis=1) > 0.25 * np.linalg.norm(placed.means, axis=1)
    assert (marked == visible).mean() > 0.9
    assert marked[visible].mean() > 0.9  # what is seen edge-on may be called a guess
    assert marked[visible & square].mean() > 0.95
    assert set(np.unique(stages.filled.seen)) <= {SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO}


def test_nothing_that_faces_away_is_said_to_be_in_the_photo(stages: Stages):
    for part in (TRUNK, HEAD, LEFT_LEG):
        assert (stages.filled.seen[behind(stages, part)] != SEEN_PHOTO).all()


def test_what_the_photo_shows_has_the_photos_colour(stages: Stages, person: Person, truth: np.ndarray):
    stroke_edge = [lettered(stages.rest + np.array([shift, 0, 0])) for shift in (-0.004, 0, 0.004)]
    shown = stages.placed.seen & ~np.any(stroke_edge, axis=0)
    error = np.abs(stages.filled.colors - truth)[shown].max(axis=1)
    assert np.median(error) < 0.02
    assert np.quantile(error, 0.9) < 0.1


def test_the_back_of_the_shirt_has_the_shirts_colour(stages: Stages, person: Person, truth: np.ndarray):
    joints = bundled_body().joints(person.params.betas)
    hip, neck = joints[joint_index("left_hip"), 1], joints[joint_index("neck"), 1]
    back = behind(stages, TRUNK) & (stages.rest[:, 1] > hip + 0.12) & (stages.rest[:, 1] < neck - 0.06)
    assert back.sum() > 100
    error = np.abs(stages.filled.colors - BEHIND * truth)[back].max(axis=1)
    assert np.quantile(error, 0.9) < 0.06


@pytest.mark.parametrize("part", [LEFT_LEG, RIGHT_LEG])
def test_the_back_of_the_trousers_has_the_trousers_colour(stages: Stages, truth: np.ndarray, part: int):
    back = behind(stages, part) & (np.abs(stages.rest[:, 1] + 0.8) < 0.25)
    assert back.sum() > 100
    assert np.abs(stages.filled.colors - BEHIND * truth)[back].mean() < 0.04
    assert np.abs(stages.filled.colors[back].mean(axis=0) - TROUSERS).max() < 0.1


def test_the_back_of_the_head_is_hair(stages: Stages, person: Person):
    joints = bundled_body().joints(person.params.betas)
    eye, head = (joints[joint_index(name)] for name in ("left_eye", "head"))
    back = behind(stages, HEAD) & (stages.rest[:, 1] > eye[1] - 0.04) & (stages.rest[:, 2] < head[2])
    assert back.sum() > 30
    colors = stages.filled.colors[back]
    to_hair, to_skin = (np.linalg.norm(colors - np.array(goal), axis=1) for goal in (HAIR, SKIN))
    assert (to_hair < to_skin).mean() > 0.92


def test_lettering_does_not_show_through_to_the_back(stages: Stages):
    half_width, bottom, top = CHEST
    x, y, z = stages.rest.T
    band = (np.abs(x) < half_width) & (y > bottom) & (y < top) & (stages.placed.parts == TRUNK)

    def contrast(rows: np.ndarray) -> float:
        bright = stages.filled.colors[rows].mean(axis=1)
        assert len(bright) > 20
        return float(np.ptp(np.quantile(bright, [0.05, 0.95])))

    front = contrast(band & stages.placed.seen & (z > 0.05))
    assert front > 0.2
    assert contrast(band & ~stages.placed.seen & (z < 0)) < 0.2 * front


def test_colours_are_colours(stages: Stages):
    colors = stages.filled.colors
    assert colors.dtype == np.float32
    assert np.isfinite(colors).all()
    assert colors.min() >= 0
    assert colors.max() <= 1
