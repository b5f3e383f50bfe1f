"""Curves by name: what they mean, how far joints turn, and what an avatar makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.motion.face.coefficients import CoefficientMap
from lhm_avatars.engine.motion.face.curves import face_curves
from lhm_avatars.engine.motion.face.face_take import FaceTake
from lhm_avatars.engine.motion.face.names import ARKIT_NAMES, JAW_NAMES, LOOK_NAMES, arkit_weights
from lhm_avatars.engine.motion.face.on_motion import (
    NO_SHAPES,
    face_motion,
    onto_shapes,
    with_face,
    without_face,
)
from lhm_avatars.engine.motion.face.presets import PRESET_NAMES, preset_weights
from lhm_avatars.engine.motion.face.turns import face_turns
from lhm_avatars.engine.motion.motion import Motion

RISE = np.array([0.0, 0.5, 1.0])
JAW, LEFT, RIGHT = (joint_index(name) for name in ("jaw", "left_eye", "right_eye"))


def still(count: int = 3, **more: object) -> Motion:
    return Motion(np.zeros((count, 55, 3)), np.zeros((count, 3)), 30.0, "still", **more)


def test_the_table_is_the_bodys_own():
    assert sorted(bundled_body().face_names) == sorted(ARKIT_NAMES)
    assert len(ARKIT_NAMES) == 52
    turned = face_turns(dict.fromkeys(ARKIT_NAMES, RISE))
    assert set(turned) == {"jaw", "left_eye", "right_eye"}
    for name in ARKIT_NAMES:  # each is a shape, or moves a joint
        moves = any(np.any(turn) for turn in face_turns({name: RISE}).values())
        assert moves == (name in (*JAW_NAMES, *LOOK_NAMES))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("mouthSmileLeft", "mouthSmileLeft"), ("MouthSmileLeft", "mouthSmileLeft"),
        ("mouthSmile_L", "mouthSmileLeft"), ("mouthSmile.R", "mouthSmileRight"),
        ("blendShape1.mouthSmileLeft", "mouthSmileLeft"), ("ARKit_mouthSmileLeft", "mouthSmileLeft"),
        ("Head:blendShape2.EyeBlink_R", "eyeBlinkRight"), ("face_01_browDown-left", "browDownLeft"),
        ("Left Cheek Squint", "cheekSquintLeft"), ("eyeBlinkLeft.001", "eyeBlinkLeft"),
        ("jawOpen", "jawOpen"), ("Jaw_Left", "jawLeft"), ("mouthRight", "mouthRight"),
        ("Mesh|tongue_out", "tongueOut"), ("eye_look_in_l", "eyeLookInLeft"),
    ],
)  # fmt: skip
def test_spellings(spelling: str, name: str):
    assert arkit_weights(spelling) == {name: 1.0}


def test_each_name_in_each_style():
    for name in ARKIT_NAMES:
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
        short = name.replace("Left", "_L").replace("Right", "_R")
        for spelling in (name, name[0].upper() + name[1:], snake, short, name.upper(), f"geo:bs.{name}"):
            assert arkit_weights(spelling) == {name: 1.0}, spelling


def test_names_for_both_sides_and_halves():
    assert arkit_weights("eyeBlink") == {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
    assert arkit_weights("browInnerUp_L") == {"browInnerUp": 0.5}
    for stranger in ("", "smile", "left", "jaw", "mouth", "Hips", "Key 1", "0", "eyeBlinker"):
        assert arkit_weights(stranger) is None
        assert preset_weights(stranger) is None


def test_presets_are_weights_of_known_shapes():
    for name in PRESET_NAMES:
        weights = preset_weights(name)
        assert weights is not None
        assert set(weights) <= set(ARKIT_NAMES)
        assert all(0 < weight <= 1 for weight in weights.values())
        assert bool(weights) == (name not in ("neutral", "fclallneutral", "visemesil"))
    for name in ("happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh", "blink"):
        sides = preset_weights(name)
        assert sides is not None
        for shape, weight in sides.items():  # none of them is one-sided
            other = shape.replace("Left", "%").replace("Right", "Left").replace("%", "Right")
            assert sides[other] == weight
    assert preset_weights("Face.M_F00_000_00_Fcl_MTH_A") == preset_weights("viseme_aa") == preset_weights("A")
    assert preset_weights("Blink_L") == {"eyeBlinkLeft": 1.0}
    assert preset_weights("lookLeft") == {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}


def test_curves_add_up_and_keep_to_their_limits():
    face = face_curves(
        {"blink": RISE, "eyeBlinkLeft": 0.25 * RISE, "mouthPucker": -2 * RISE, "Exp003": 4 * RISE}
    )
    np.testing.assert_allclose(face.weights["eyeBlinkLeft"], 1.25 * RISE)
    np.testing.assert_allclose(face.weights["eyeBlinkRight"], RISE)
    np.testing.assert_allclose(face.weights["mouthPucker"], [0, -0.5, -0.5])
    np.testing.assert_allclose(face.weights["Exp003"], 4 * RISE)
    assert not face.notes


def test_percent_is_noticed():
    face = face_curves({"mouthSmileLeft": 100 * RISE, "mouthSmileRight": 2 * RISE})
    np.testing.assert_allclose(face.weights["mouthSmileLeft"], RISE)
    np.testing.assert_allclose(face.weights["mouthSmileRight"], 0.02 * RISE)
    assert face.notes == ("The face's weights were taken as percent.",)


def test_strangers_are_told_in_one_sentence():
    curves = {f"wrinkle{k}": RISE for k in range(8)} | {"unused": 0 * RISE, "jawOpen": RISE}
    listed = ", ".join(f"wrinkle{k}" for k in range(6))
    assert face_curves(curves).notes == (f"8 face curves have no counterpart: {listed}, ….",)
    assert face_curves({"odd": RISE}).notes == ("1 face curve has no counterpart: odd.",)


def test_jaw_and_eyes_turn_as_far_as_they_should():
    degrees = np.pi / 180
    turned = face_turns(
        {
            "jawOpen": np.array([0, 0.5, 1, 3]),
            "jawLeft": np.array([0, 1, 0, 0]),
            "jawRight": np.array([0, 0, 1, 0]),
        }
    )
    wanted = degrees * np.array([[0, 0, 0], [10, 6, 0], [20, -6, 0], [20, 0, 0]])
    np.testing.assert_allclose(turned["jaw"], wanted, atol=1e-12)
    one = np.ones(1)
    for name, side, turn in (
        ("eyeLookUpLeft", "left_eye", (-20, 0)), ("eyeLookDownLeft", "left_eye", (20, 0)),
        ("eyeLookOutLeft", "left_eye", (0, 25)), ("eyeLookInLeft", "left_eye", (0, -25)),
        ("eyeLookUpRight", "right_eye", (-20, 0)), ("eyeLookDownRight", "right_eye", (20, 0)),
        ("eyeLookOutRight", "right_eye", (0, -25)), ("eyeLookInRight", "right_eye", (0, 25)),
    ):  # fmt: skip
        turned = face_turns({name: one})
        assert set(turned) == {side}
        np.testing.assert_allclose(turned[side], [[turn[0] * degrees, turn[1] * degrees, 0]], atol=1e-12)


def test_a_face_joins_a_body():
    motion = with_face(still(), {"jawOpen": RISE, "mouthClose": RISE, "eyeLookUpLeft": RISE})
    assert motion.expression_names == ("mouthClose", "eyeLookUpLeft")
    np.testing.assert_allclose(motion.expression, np.stack([RISE, RISE], axis=1))
    np.testing.assert_allclose(motion.pose[:, JAW, 0], np.radians(20) * RISE, atol=1e-6)
    np.testing.assert_allclose(motion.pose[:, LEFT, 0], -np.radians(20) * RISE, atol=1e-6)
    assert not motion.pose[:, RIGHT].any()
    assert motion.joints is None


def test_a_jaw_that_moves_already_is_left_alone():
    pose = np.zeros((3, 55, 3))
    pose[:, JAW, 0] = 0.2 * RISE
    motion = with_face(Motion(pose, np.zeros((3, 3)), 30.0, "talk"), {"jawOpen": RISE, "cheekPuff": RISE})
    np.testing.assert_allclose(motion.pose, pose.astype(np.float32))
    assert motion.expression_names == ("cheekPuff",)


def test_a_face_alone_says_which_joints_it_is_about():
    head = np.array([[0, 0.1 * k, 0] for k in range(3)])
    take = FaceTake({"jawOpen": RISE, "cheekPuff": RISE}, 60.0, "talk", "Live Link Face", head)
    motion = face_motion(take)
    assert (motion.joints, motion.fps, motion.source) == (("jaw",), 60.0, "Live Link Face")
    assert not motion.pose[:, joint_index("head")].any()
    turning = face_motion(take, head=True)
    assert turning.joints == ("jaw", "head")
    np.testing.assert_allclose(turning.pose[:, joint_index("head")], head, atol=1e-7)


def test_what_an_avatar_cannot_show_is_told():
    names = ("mouthSmileLeft", "cheekPuff", "eyeLookUpLeft", "Exp000", "Exp001")
    motion = still(expression=np.tile(RISE[:, None], (1, 5)), expression_names=names)
    shown = onto_shapes(motion, ("mouthSmileLeft", "Exp000", "Exp001"))
    assert shown.expression_names == ("mouthSmileLeft", "Exp000", "Exp001")
    assert shown.notes == ("1 face shape is not on this avatar: cheekPuff.",)
    shown = onto_shapes(motion, ("mouthSmileLeft", "cheekPuff"))
    assert shown.notes == (
        "The face's 2 SMPL-X coefficients have no shapes on this avatar and were left out.",
    )
    carry = CoefficientMap(("cheekPuff", "tongueOut"), np.array([[0.25, 1.0], [0.0, 0.0]]))
    shown = onto_shapes(motion, ("mouthSmileLeft", "cheekPuff"), carry)
    assert shown.expression_names == ("mouthSmileLeft", "cheekPuff")
    np.testing.assert_allclose(shown.expression[:, 1], [0, 1.125, 1.5])
    assert "were carried over" in shown.notes[0]
    assert without_face(motion).expression.shape == (3, 0)


@pytest.mark.parametrize("curves", [{}, {"a": RISE, "b": RISE[:2]}, {"a": RISE[:0]}])
def test_a_take_needs_curves_of_one_length(curves: dict[str, np.ndarray]):
    with pytest.raises(ValueError, match="curves must be of one length"):
        FaceTake(curves, 30.0, "x", "y")


@pytest.mark.parametrize("name", ["cheekPuff", "Exp003"])
def test_an_avatar_without_a_face_is_told_so_once(name: str):
    motion = still(expression=RISE[:, None], expression_names=(name,))
    for carry in (None, CoefficientMap(("cheekPuff",), np.ones((1, 10)))):
        shown = onto_shapes(motion, (), carry)
        assert (shown.expression_names, shown.notes) == ((), (NO_SHAPES,))
    assert onto_shapes(still(expression=0 * RISE[:, None], expression_names=(name,)), ()).notes == ()
    looking = still(expression=RISE[:, None], expression_names=("eyeLookUpLeft",))
    assert onto_shapes(looking, ()).notes == ()  # the eyes do that
