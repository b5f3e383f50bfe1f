"""What the photo shows at both sides of a head goes on around it: a crown of hair, a brim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, joint_index
from lhm_avatars.engine.lift.clothe.depth import DepthMaps
from lhm_avatars.engine.lift.clothe.headwear import Headwear
from lhm_avatars.engine.lift.clothe.lathe import bulged, turned
from lhm_avatars.engine.lift.labels import HAIR, HAT, NOTHING
from lhm_avatars.engine.lift.observation import Camera
from lhm_avatars.engine.lift.place.placed import NO_HAND, Placed

CENTER = np.array([0.1, 0.2, -3.0])
AXES = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, -1]])
CAMERA = Camera(1500.0, (400.0, 300.0), 800, 600)
ROW, EDGE = 0.006, 0.003  # metres: of height, and what is left for the Gaussians' own size
DEEP = 0.9  # the back's depth over the half width
BRIM, CROWN, TALL = 0.18, 0.10, 20  # metres, metres, slices


def crown(left: float = CROWN, right: float = CROWN) -> Headwear:
    """A tube as wide as this at both sides."""
    sides = np.tile([right, left], (TALL, 1))
    width = np.full(TALL, 0.5 * (left + right))
    return Headwear(
        CENTER, AXES, ROW * np.arange(TALL), sides, np.zeros(TALL), DEEP * width, width, width - 0.07,
        np.zeros(TALL, bool), 0.0, np.full((TALL, 2, 2), 0.5),
    )  # fmt: skip


def hat(tilt: float = 0.0) -> Headwear:
    """The tube with a brim in its third slice."""
    brim = np.arange(TALL) == 2
    wide = np.where(brim, BRIM, CROWN)
    return replace(
        crown(), sides=np.stack([wide, wide], axis=1), back=wide, front=wide, thick=wide - 0.07, brim=brim,
        tilt=tilt,
    )  # fmt: skip


def lattice() -> Placed:
    """One Gaussian of the photo that everything is like."""
    weights = np.zeros((1, JOINT_COUNT))
    weights[:, joint_index("head")] = 1.0
    return Placed(
        means=CENTER[None], normals=np.array([[0.0, 0, 1]]), spacing=np.full(1, 0.005), weights=weights,
        pixels=np.full((1, 2), 0.5), seen=np.ones(1, bool), on_body=np.zeros(1, bool),
        under=np.zeros(1, bool), hand=np.full(1, NO_HAND),
    )  # fmt: skip


def test_hair_is_round_behind_the_head():
    made = turned(lattice(), crown())
    away = made.means - CENTER
    assert not made.seen.any()
    assert (away[:, 2] < 1e-9).all()  # behind only
    np.testing.assert_allclose(
        np.hypot(away[:, 0] / (CROWN - EDGE), away[:, 2] / (CROWN * DEEP)), 1, atol=1e-9
    )
    assert (made.normals[:, 2] <= 1e-9).all()
    for height in np.unique(away[:, 1].round(6)):  # no gap on the way around
        turn = np.sort(
            np.arctan2(np.abs(away[:, 2]) / DEEP, away[:, 0] * CROWN / (CROWN - EDGE))[
                np.abs(away[:, 1] - height) < 1e-6
            ]
        )
        assert np.diff(np.concatenate([[0], turn, [np.pi]])).max() * CROWN < 0.0135


def test_unequal_sides_meet_behind_the_head():
    away = turned(lattice(), crown(left=0.12, right=0.08)).means - CENTER
    middle = np.abs(away[:, 0]) < 0.012
    for own in (away[:, 0] > 0, away[:, 0] <= 0):
        assert (-away[middle & own, 2]).max() == pytest.approx(DEEP * 0.10, abs=0.002)


def test_a_brim_is_a_level_plate_all_around():
    away = turned(lattice(), hat()).means - CENTER
    outside = np.hypot(away[:, 0], away[:, 2]) > CROWN + 0.01
    np.testing.assert_allclose(away[outside, 1], 2 * ROW, atol=1e-9)
    turn = np.sort(np.arctan2(away[outside, 2], away[outside, 0]))
    assert np.diff(np.concatenate([turn, turn[:1] + 2 * np.pi])).max() < 0.06
    assert np.hypot(away[:, 0], away[:, 2]).max() == pytest.approx(BRIM, abs=0.001)


def test_a_tilted_brim_is_lower_behind():
    tilt = -0.3
    away = turned(lattice(), hat(tilt)).means - CENTER
    rim = np.hypot(away[:, 0], away[:, 2]) > BRIM - EDGE - 0.004
    assert rim.sum() > 20
    np.testing.assert_allclose(away[rim, 1], 2 * ROW - tilt * away[rim, 2], atol=1e-9)
    assert away[rim, 1].min() == pytest.approx(2 * ROW - 0.3 * BRIM, abs=0.004)


def test_nothing_worn_makes_nothing():
    assert len(turned(lattice(), None).means) == 0


def flat_maps(labels: np.ndarray) -> DepthMaps:
    """A flat sheet at the head's depth, wholly beyond the body."""
    sheet = np.full(labels.shape, -CENTER[2], np.float32)
    return DepthMaps(
        labels != NOTHING, np.zeros(labels.shape, bool), sheet, sheet + 0.1, None,  # pyright: ignore[reportArgumentType]
        np.zeros((2, *labels.shape), np.int32), np.full_like(sheet, 0.1), np.full_like(sheet, 0.05),
    )  # fmt: skip


def drawn(wear: Headwear, label: int) -> np.ndarray:
    """The outline of the slices from the front."""
    y, x = np.mgrid[0:600, 0:800] + 0.5
    spot = CAMERA.unproject(np.stack([x, y], axis=-1), np.full(x.shape, -CENTER[2])) - CENTER
    row = np.round(spot[..., 1] / ROW).astype(int)
    inside = (row >= 0) & (row < TALL) & (np.abs(spot[..., 0]) < wear.sides[row.clip(0, TALL - 1), 0])
    return np.where(inside, label, NOTHING).astype(np.uint8)


def test_the_front_of_hair_is_as_round_as_its_slices():
    wear = crown()
    labels = drawn(wear, HAIR)
    maps = bulged(flat_maps(labels), labels, wear, CAMERA)
    y, x = np.nonzero(labels)
    spot = CAMERA.unproject(np.stack([x, y], axis=1) + 0.5, maps.front[y, x]) - CENTER
    inner = np.abs(spot[:, 0]) < 0.7 * CROWN
    wanted = np.sqrt(CROWN**2 - spot[inner, 0] ** 2)
    np.testing.assert_allclose(spot[inner, 2], wanted, atol=0.006)
    assert (maps.back >= maps.front).all()
    np.testing.assert_array_equal(maps.front[labels == NOTHING], np.float32(-CENTER[2]))


def test_a_level_brim_reaches_out_over_the_brow():
    wear = hat()
    labels = drawn(wear, HAT)
    maps = bulged(flat_maps(labels), labels, wear, CAMERA)
    y, x = np.nonzero(labels)
    middle = np.abs(x + 0.5 - CAMERA.project(CENTER)[0]) < 2
    spot = CAMERA.unproject(np.stack([x, y], axis=1) + 0.5, maps.front[y, x]) - CENTER
    assert spot[middle, 2].max() == pytest.approx(BRIM, abs=0.015)
    assert spot[middle, 2][spot[middle, 1] > 0.06].max() < CROWN + 0.01
