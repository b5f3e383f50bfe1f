"""Skirts: a level cone about the legs, photographed from above, comes back as that cone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.binding.find_loose import SKIRT, LooseRegion
from lhm_avatars.engine.lift.clothe.depth import depth_maps
from lhm_avatars.engine.lift.clothe.drape import Drape, drape, draped, tucked
from lhm_avatars.engine.lift.clothe.wall import wall
from lhm_avatars.engine.lift.observation import Camera, Observation
from lhm_avatars.engine.lift.outcome import upright
from lhm_avatars.engine.lift.zbuffer import first_layer

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOWN = np.radians(12.0)  # the camera looks down
CAMERA = Camera(900.0, (200.0, 320.0), 400, 640)
WAIST, HEM = 1.0, 0.55  # metres above the soles
NARROW, WIDE = 0.19, 0.32  # half widths at the waist and at the hem


def cone(count: int = 160) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """An open skirt about the y axis, soles at 0. [2 * count, 3], [2 * count, 3]"""
    angle = 2 * np.pi * np.arange(count) / count
    circle = np.stack([np.cos(angle), np.zeros(count), np.sin(angle)], axis=1)
    top, bottom = NARROW * circle + [0, WAIST, 0], WIDE * circle + [0, HEM, 0]
    here = np.arange(count)
    after = (here + 1) % count
    faces = np.concatenate(
        [np.stack([here, after, here + count], 1), np.stack([after, after + count, here + count], 1)]
    )
    return np.concatenate([top, bottom]), faces


@pytest.fixture(scope="module")
def dressed_legs() -> tuple[Drape, NDArray[np.float64], NDArray[np.float64], Observation]:
    """The rings found, the way back to the world, the body's vertices in the camera's frame, the photo."""
    body = bundled_body()
    rest = body.v_template.astype(np.float64)
    floor = rest[:, 1].min()
    turn = matrix_from_rotvec(np.array([DOWN, 0.0, 0.0]))  # the world, seen by a camera that looks down
    put = np.array([0.0, -0.75, -3.2])

    def seen_from(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return (points + put) @ turn.T

    skin = seen_from(rest - [0, floor, 0])
    skirt, faces = cone()
    alpha = (
        first_layer(skin, body.faces, CAMERA).covered | first_layer(seen_from(skirt), faces, CAMERA).covered
    ).astype(np.float32)
    seen = Observation(
        np.zeros((*alpha.shape, 3), np.float32),
        alpha,
        np.zeros((33, 2)),
        np.ones(33),
        np.zeros((33, 3)),
        CAMERA,
    )
    middle = body.joints(np.zeros(0))[joint_index("left_hip"), 2]
    rows = CAMERA.project(seen_from(np.array([[0, WAIST, middle], [0, HEM, WIDE]])))[:, 1]
    region = LooseRegion(SKIRT, 0.0, 0.5, 1.0, float(rows[0]), float(rows[1]))
    maps = depth_maps(skin, body.faces, seen)
    found = drape(body, skin, maps, region, seen, tuple(turn @ [0.0, 1.0, 0.0]))
    assert found is not None
    _, found = draped(maps, found, region, seen)
    return found, put, skin, seen


def test_the_hem_is_level_at_its_true_height(dressed_legs):
    found, put, _, seen = dressed_legs
    assert found.heights[-1] - put[1] == pytest.approx(HEM, abs=0.02)
    placed = wall(found, lambda pixels: np.ones((len(pixels), 55)) / 55, 0.008, seen)
    level = placed.means @ upright(found.turn[1]).T
    back = level[:, 2] < np.median(level[:, 2])
    assert level[back, 1].min() - put[1] == pytest.approx(HEM, abs=0.02)


def test_the_rings_are_as_wide_as_the_cone(dressed_legs):
    found, put, _, _ = dressed_legs
    heights = np.array([0.6, 0.7, 0.8])
    want = WIDE + (heights - HEM) / (WAIST - HEM) * (NARROW - WIDE)
    np.testing.assert_allclose(found.at(heights + put[1])[2], want, atol=0.02)


def test_nothing_of_the_body_stands_out_of_the_rings(dressed_legs):
    found, _, skin, _ = dressed_legs
    middle = np.stack([found.center, found.heights, -found.depth], axis=1)
    way = np.array([0.0, 0.0, -1.0])
    outside = (middle + 2 * found.thickness[:, None] * way) @ found.turn
    rows = np.ones(len(outside), bool)
    moved = tucked(outside, rows, found) @ found.turn.T
    free = found.free == 1
    assert free.any()
    np.testing.assert_allclose(np.abs(moved - middle)[free, 2], found.thickness[free], atol=1e-6)
    inside = tucked(middle @ found.turn, rows, found) @ found.turn.T
    np.testing.assert_allclose(inside, middle, atol=1e-9)
    assert tucked(skin, np.zeros(len(skin), bool), found) == pytest.approx(skin)
