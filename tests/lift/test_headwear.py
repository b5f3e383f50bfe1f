"""Slices of what is worn on a head, measured on drawn outlines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.lift.clothe.depth import depth_maps
from lhm_avatars.engine.lift.clothe.headwear import Headwear, head_axis, headwear
from lhm_avatars.engine.lift.labels import HAIR, HAT, NOTHING

from .person import make_person, observe

if TYPE_CHECKING:
    from collections.abc import Callable

RADIUS = 0.16  # metres, of the afro
BRIM, CROWN, LOW, HIGH, TOP = 0.19, 0.11, 0.055, 0.07, 0.15  # metres


Draw: TypeAlias = "Callable[[Callable[[np.ndarray], np.ndarray], np.ndarray], None]"


def measured(draw: Draw, label: int) -> Headwear | None:
    """Someone with something on the head, drawn into the outline.

    Args:
        draw: Told how to project points across, above and behind the eyes, and the mask to fill.
        label: Of what is drawn.
    """
    body, person = bundled_body(), make_person()
    seen = observe(person)
    joints = body.joints(person.params.betas)
    moved = forward_kinematics(joints, person.params.pose(), person.params.transl).astype(np.float64)
    center, up = head_axis(joints, moved)
    axes = np.stack([np.cross(up, [0, 0, 1.0]), up, np.cross(np.cross(up, [0, 0, 1.0]), up)])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    axes[2] *= -np.sign(axes[2, 2])
    worn = np.zeros(seen.alpha.shape, np.uint8)
    draw(lambda spots: seen.camera.project(center + spots @ axes), worn)
    seen = replace(seen, alpha=np.where(worn > 0, 1.0, seen.alpha).astype(np.float32))
    maps = depth_maps(person.vertices, body.faces, seen)
    labels = np.where(worn > 0, label, NOTHING).astype(np.uint8)
    return headwear(body, person.vertices, center, up, labels, maps, seen.camera)


def fill(mask: np.ndarray, pixels: np.ndarray) -> None:
    cv2.fillPoly(mask, [np.round(pixels - 0.5).astype(np.int32)], 1)


@pytest.fixture(scope="module")
def afro() -> Headwear:
    turn = np.linspace(0, 2 * np.pi, 200)
    ball = np.stack([RADIUS * np.cos(turn), 0.04 + RADIUS * np.sin(turn), 0 * turn], axis=1)
    wear = measured(lambda project, mask: fill(mask, project(ball)), HAIR)
    assert wear is not None
    return wear


def test_slices_are_as_wide_as_the_outline(afro: Headwear):
    there = (afro.sides > 0).all(axis=1) & (np.abs(afro.heights - 0.04) < 0.8 * RADIUS)
    assert there.sum() > 25
    wide = np.sqrt(RADIUS**2 - (afro.heights[there] - 0.04) ** 2)
    np.testing.assert_allclose(afro.sides[there], np.stack([wide, wide], axis=1), atol=0.006)
    assert not afro.brim.any()


def test_hair_is_as_thick_behind_as_beside(afro: Headwear):
    body, person = bundled_body(), make_person()
    spot = afro.coordinates(person.vertices)[person.parts == person.parts[body.v_template[:, 1].argmax()]]
    row = int(np.abs(afro.heights - 0.03).argmin())
    skull = spot[np.abs(spot[:, 1] - 0.03) < 0.01]
    beside = RADIUS - np.abs(skull[:, 0]).max()
    behind = afro.middle[row] + afro.back[row] - skull[:, 2].max()
    assert 0.9 * beside < behind < 1.5 * beside


def boater(tilt: float) -> Headwear:
    """A hat whose brim rises so much for each metre away from the camera; the head hides its back half."""
    turn = np.linspace(np.pi, 2 * np.pi, 100)
    arc = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1)

    def draw(project: Callable[[np.ndarray], np.ndarray], mask: np.ndarray) -> None:
        plate = np.concatenate([BRIM * arc, CROWN * arc[::-1]])
        for height in np.linspace(LOW, HIGH, 8):
            fill(mask, project(plate + np.array([0, 1, 0]) * (height + tilt * plate[:, 2:])))
        base = CROWN * arc + np.array([0, 1, 0]) * (LOW + tilt * CROWN * arc[:, 2:])
        for height in np.arange(0, TOP - LOW, 0.01):
            rise = np.array([0, height, 0])
            band = [base + rise, base[::-1] + rise + np.array([0, 0.01, 0])]
            fill(mask, project(np.concatenate(band)))

    wear = measured(draw, HAT)
    assert wear is not None
    return wear


def test_a_brim_is_told_from_the_crown():
    wear = boater(0.0)
    assert LOW - 0.01 < wear.heights[wear.widest] < HIGH + 0.01
    assert wear.sides[wear.widest].mean() == pytest.approx(BRIM, abs=0.006)
    assert wear.inner == pytest.approx(CROWN / BRIM, abs=0.08)
    assert abs(wear.tilt) < 0.15


def test_a_brim_that_rises_over_the_brow_sinks_behind():
    assert boater(-0.4).tilt == pytest.approx(-0.4, abs=0.2)


def test_a_bare_head_wears_nothing():
    assert measured(lambda project, mask: None, HAIR) is None
