"""Held things, told from sleeves and hands on drawn pixels."""

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.lift.labels import BOTTOM, HELD, NOTHING, SKIN, TOP
from lhm_avatars.engine.lift.parse.expect import Landmarks, Rest
from lhm_avatars.engine.lift.parse.palette import learn
from lhm_avatars.engine.lift.parse.things import with_things
from lhm_avatars.engine.lift.parts import LEFT_ARM, LEFT_HAND, LEFT_LEG

FLESH, RED, NAVY, GREEN = (70.0, 15.0, 20.0), (40.0, 55.0, 35.0), (20.0, 8.0, -28.0), (60.0, -50.0, 40.0)
METRES = 0.004  # of a pixel
Y, X = np.mgrid[0:120, 0:120]
ARM, HAND = (X > 50) & (X < 60) & (Y < 50), (X > 50) & (X < 60) & (Y >= 50) & (Y < 60)
LEG = (X > 75) & (X < 95) & (Y > 30)
BALL = np.hypot(X - 55, Y - 80) < 25
PALETTES = {
    label: learn(np.array(color) + np.random.default_rng(label).normal(0, 2, (200, 3)))
    for label, color in ((SKIN, FLESH), (TOP, RED), (BOTTOM, NAVY))
}


def scene(ball: tuple[float, ...], *, part: int = LEFT_HAND):
    """A sleeve, a hand and a ball that hides some of a leg: labels, colours and places."""
    body = ARM | HAND | LEG
    colors, labels = np.zeros((*X.shape, 3)), np.full(X.shape, NOTHING, np.uint8)
    owner = np.full(X.shape, part)
    for rows, tint, label, own in (
        (BALL, ball, TOP, part), (LEG, NAVY, BOTTOM, LEFT_LEG), (ARM, RED, TOP, LEFT_ARM),
        (HAND, FLESH, SKIN, LEFT_HAND),
    ):  # fmt: skip
        colors[rows], labels[rows], owner[rows] = tint, label, own
    colors[BALL & ~HAND] = ball
    inside = body | BALL
    beyond = np.where(inside & ~body, METRES * np.hypot(X - 55, Y - 60), 0).astype(np.float32)
    joints = bundled_body().joints(np.zeros(0))
    place = Rest(
        np.zeros((*X.shape, 3), np.float32),
        owner,
        beyond,
        inside,
        np.ones(X.shape, np.float32),
        Landmarks.of(joints),
    )
    return labels, colors, place


def test_a_ball_in_a_hand_is_held_also_before_the_leg():
    labels, colors, place = scene(GREEN)
    found = with_things(labels, colors, place, PALETTES, PALETTES) == HELD
    ball = BALL & ~HAND
    assert (found & LEG).sum() > 50
    assert (found[ball]).mean() > 0.98
    assert not found[HAND | ARM].any()


@pytest.mark.parametrize("color", [RED, FLESH, NAVY], ids=["sleeve", "hand", "trousers"])
def test_what_has_the_colours_of_the_person_is_no_thing(color: tuple[float, ...]):
    labels, colors, place = scene(color)
    assert (with_things(labels, colors, place, PALETTES, PALETTES) == labels).all()


def test_what_hangs_at_no_hand_is_no_thing():
    labels, colors, place = scene(GREEN, part=LEFT_LEG)
    assert not (with_things(labels, colors, place, PALETTES, PALETTES) == HELD).any()


@pytest.mark.parametrize(("radius", "held"), [(25, True), (12, False)], ids=["ball", "cuff"])
def test_a_ball_before_the_arm_is_held_and_a_cuff_is_not(radius: int, held: bool):
    """The photo's outline tells nothing of either: the body seems to be there."""
    joints = bundled_body().joints(np.zeros(0))
    forearm = (np.hypot(X - 55, Y - 60) < 30) | HAND
    spot = np.hypot(X - 55, Y - 60) < radius
    colors = np.where(forearm[..., None], RED, 0.0)
    colors[spot] = GREEN
    points = np.zeros((*X.shape, 3), np.float32)
    points[..., 0] = 0.6
    place = Rest(
        points, np.full(X.shape, LEFT_ARM), np.zeros(X.shape, np.float32), forearm,
        (METRES * cv2.distanceTransform(forearm.astype(np.uint8), cv2.DIST_L2, 5)).astype(np.float32),
        Landmarks.of(joints),
    )  # fmt: skip
    found = with_things(np.where(forearm, TOP, NOTHING).astype(np.uint8), colors, place, PALETTES, PALETTES)
    assert (found[spot] == HELD).mean() > 0.9 if held else not (found == HELD).any()
