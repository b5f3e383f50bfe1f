"""Ready-made faces, the face in mirrored and kept poses, jaw and eyes as sliders, and the panel."""

from __future__ import annotations

from math import radians
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.facial import NAMES, random_weights, set_sliders, with_face
from blender.test_control_rig import matrices
from blender.test_face import seen
from blender.test_panels import drawn
from blender.test_pose_tools import auto_keying, curves
from blender.test_user_errors import refused
from lhm_avatars.engine.avatar.body import joint_index
from lhm_avatars.engine.avatar.rotations import rotvec_from_matrix
from lhm_avatars.operators.avatars import NO_AVATAR
from lhm_avatars.panels.face import LHM_PT_face
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.face_expressions import EXPRESSIONS
from lhm_avatars.rigging.face_names import COEFFICIENTS, OTHERS, across, rows, side_of, word_of
from lhm_avatars.rigging.face_values import NO_FACE, face_weights, set_face

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar

__all__ = ["auto_keying"]
pytestmark = pytest.mark.usefixtures("empty_scene")

ARKIT = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight",
    "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft",
    "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft",
    "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight",
    "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""As Apple lists them."""

SHAPES = tuple(name for name in ARKIT if name not in ("jawOpen", "jawLeft", "jawRight"))


@pytest.fixture
def made(make_avatar: Callable[..., Avatar]) -> AvatarObjects:
    return add_avatar(
        bpy.context, with_face(make_avatar(count=400), (*SHAPES, "Exp000")), name="Ada", pose="rest"
    )


@pytest.fixture
def ada(made: AvatarObjects) -> bpy.types.Object:
    return made.armature


def nonzero(armature: bpy.types.Object) -> dict[str, float]:
    return {name: pytest.approx(value) for name, value in face_weights(armature).items() if value}


def turn(armature: bpy.types.Object, joint: str) -> np.ndarray:
    """Of a joint against its parent, as evaluated, axis-angle. [3]"""
    found = matrices(armature)
    parent = joint_index("head")
    return rotvec_from_matrix(found[parent, :3, :3].T @ found[joint_index(joint), :3, :3])


# Names.


def test_every_arkit_shape_has_words() -> None:
    assert len(ARKIT) == 52
    assert len(SHAPES) == 49
    words = {name: word_of(name) for name in SHAPES}
    assert not any(word.group in (OTHERS, COEFFICIENTS) for word in words.values())
    assert len({(word.label, side_of(name)) for name, word in words.items()}) == len(SHAPES)
    assert word_of("Exp012").group == COEFFICIENTS
    assert word_of("earWiggle").group == OTHERS


def test_mirrored_names_go_both_ways() -> None:
    for name in SHAPES:
        assert across(across(name)) == name
        assert across(name) in SHAPES
    assert {name for name in SHAPES if across(name) == name} == {
        "jawForward", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper",
        "mouthShrugLower", "mouthShrugUpper", "browInnerUp", "cheekPuff", "tongueOut",
    }  # fmt: skip
    assert across("mouthLeft") == "mouthRight"
    assert side_of("mouthLeft") == ""


def test_every_shape_has_one_place_in_the_panel() -> None:
    names = (*SHAPES, "Exp000", "earWiggle")
    table = rows(names)
    flat = [name for group in table.values() for row in group for name in row]
    assert sorted(flat) == sorted(names)
    assert ("mouthSmileRight", "mouthSmileLeft") in table["Mouth"]
    assert list(table) == ["Brows", "Eyes", "Cheeks and Nose", "Mouth", "Tongue", "Others", "SMPL-X"]
    assert rows(("eyeBlinkLeft",)) == {"Eyes": [("eyeBlinkLeft",)]}


# Ready-made faces.


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_face_can_be_made(ada: bpy.types.Object, name: str) -> None:
    set_sliders(ada, {"Exp000": 1.0, "jawForward": 0.5})
    assert bpy.ops.lhm.face_expression(expression=name) == {"FINISHED"}
    face = EXPRESSIONS[name]
    assert set(face.weights) <= set(SHAPES)
    assert all(0 < value <= 1 for value in face.weights.values())
    assert nonzero(ada) == face.weights
    np.testing.assert_allclose(turn(ada, "jaw"), (radians(20) * face.jaw, 0, 0), atol=1e-5)


def test_strength_scales_shapes_and_jaw(ada: bpy.types.Object) -> None:
    bpy.ops.lhm.face_expression(expression="surprise", strength=0.5)
    half = {name: value / 2 for name, value in EXPRESSIONS["surprise"].weights.items()}
    assert nonzero(ada) == half
    np.testing.assert_allclose(turn(ada, "jaw"), (radians(10) * EXPRESSIONS["surprise"].jaw, 0, 0), atol=1e-5)


def test_shapes_an_avatar_lacks_are_left_out(make_avatar: Callable[..., Avatar]) -> None:
    armature = add_avatar(bpy.context, with_face(make_avatar(200)), name="Ada").armature
    bpy.ops.lhm.face_expression(expression="smile")
    assert set(nonzero(armature)) == {"mouthSmileLeft", "mouthSmileRight"}
    assert set(armature.pose.bones["head"].keys()) == set(NAMES)


def test_with_controls_the_jaw_opens_by_its_slider(ada: bpy.types.Object) -> None:
    bpy.ops.lhm.add_controls()
    bpy.ops.lhm.face_expression(expression="big_smile")
    opened = EXPRESSIONS["big_smile"].jaw
    assert ada.pose.bones["head_control"]["jaw_open"] == pytest.approx(opened)
    np.testing.assert_allclose(turn(ada, "jaw"), (0.35 * opened, 0, 0), atol=1e-5)  # its own limit: 0.35 rad
    bpy.ops.lhm.reset_face()
    assert ada.pose.bones["head_control"]["jaw_open"] == 0
    np.testing.assert_allclose(turn(ada, "jaw"), 0, atol=1e-5)


def test_reset_puts_all_at_rest(made: AvatarObjects, ada: bpy.types.Object) -> None:
    before = seen(made.cloud)
    set_sliders(ada, random_weights(1, SHAPES))
    ada.lhm_jaw_open, ada.lhm_eyes_up, ada.lhm_jaw_side = 0.8, 0.5, -0.5
    assert np.abs(seen(made.cloud) - before).max() > 0.01
    assert bpy.ops.lhm.reset_face() == {"FINISHED"}
    assert nonzero(ada) == {}
    np.testing.assert_allclose(seen(made.cloud), before, atol=1e-6)


def test_faces_are_keyed_with_auto_keying(ada: bpy.types.Object, auto_keying: bpy.types.ToolSettings) -> None:
    scene = bpy.context.scene
    for frame, call in ((1, {"expression": "smile"}), (20, {"expression": "surprise"})):
        scene.frame_set(frame)
        bpy.ops.lhm.face_expression(**call)
    scene.frame_set(40)
    bpy.ops.lhm.reset_face()
    found = curves(ada)
    paths = {f'pose.bones["head"]["{name}"]' for name in (*SHAPES, "Exp000")}
    assert paths <= {path for path, _ in found}
    scene.frame_set(1)
    assert nonzero(ada) == EXPRESSIONS["smile"].weights
    scene.frame_set(20)
    assert nonzero(ada) == EXPRESSIONS["surprise"].weights
    np.testing.assert_allclose(turn(ada, "jaw"), (radians(20) * EXPRESSIONS["surprise"].jaw, 0, 0), atol=1e-5)
    scene.frame_set(40)
    assert nonzero(ada) == {}
    assert found['pose.bones["head"]["browInnerUp"]', 0].group.name == "head"


def test_without_an_avatar_or_a_face_there_is_a_reason(make_avatar: Callable[..., Avatar]) -> None:
    with refused(NO_AVATAR):
        bpy.ops.lhm.face_expression(expression="smile")
    with refused(NO_AVATAR):
        bpy.ops.lhm.reset_face()
    armature = add_avatar(bpy.context, make_avatar(100), name="Ada", pose="rest").armature
    with refused(NO_FACE):
        bpy.ops.lhm.face_expression(expression="smile")
    armature.lhm_jaw_open = 1.0
    assert bpy.ops.lhm.reset_face() == {"FINISHED"}  # jaw and eyes it has
    assert armature.lhm_jaw_open == pytest.approx(0, abs=1e-6)


# Jaw and eyes.


def test_sliders_and_joints_agree(ada: bpy.types.Object) -> None:
    ada.lhm_jaw_open, ada.lhm_jaw_side, ada.lhm_eyes_side, ada.lhm_eyes_up = 0.5, -1.0, 1.0, 0.25
    np.testing.assert_allclose(turn(ada, "jaw"), np.radians((10, -6, 0)), atol=1e-5)
    for eye in ("left_eye", "right_eye"):
        np.testing.assert_allclose(turn(ada, eye), np.radians((-5, 25, 0)), atol=1e-5)
    ada.pose.bones["jaw"].rotation_mode = "XYZ"
    ada.pose.bones["jaw"].rotation_euler = (radians(15), 0, 0)
    assert ada.lhm_jaw_open == pytest.approx(0.75, abs=1e-5)
    assert ada.lhm_jaw_side == pytest.approx(0, abs=1e-5)


def test_the_jaws_slider_keys_the_jaw(ada: bpy.types.Object, auto_keying: bpy.types.ToolSettings) -> None:
    ada.lhm_jaw_open = 1.0
    assert {path for path, _ in curves(ada)} == {'pose.bones["jaw"].rotation_quaternion'}


def test_other_objects_show_zero() -> None:
    other = bpy.data.objects.new("Empty", None)
    assert (other.lhm_jaw_open, other.lhm_eyes_side) == (0, 0)


# Poses.


def test_mirrored_faces(ada: bpy.types.Object) -> None:
    weights = random_weights(2, (*SHAPES, "Exp000"))
    set_sliders(ada, weights)
    bpy.ops.lhm.mirror_pose()
    found = face_weights(ada)
    swapped = {"Left": "Right", "Right": "Left"}
    for name, value in weights.items():
        end = next((side for side in swapped if name.endswith(side)), "")
        other = name.removesuffix(end) + swapped[end] if end else name
        assert found[other] == pytest.approx(value), name
    bpy.ops.lhm.mirror_pose()
    assert face_weights(ada) == pytest.approx(weights)


@pytest.mark.parametrize("stays", ["Left", "Right"])
def test_one_side_of_a_face_can_be_copied(ada: bpy.types.Object, stays: str) -> None:
    weights = random_weights(3, SHAPES)
    set_sliders(ada, weights)
    bpy.ops.lhm.mirror_pose(way=stays.upper())
    found = face_weights(ada)
    for name, value in weights.items():
        if name.endswith(("Left", "Right")) and name not in ("mouthLeft", "mouthRight"):
            base = name.removesuffix("Left").removesuffix("Right")
            assert found[name] == pytest.approx(weights[f"{base}{stays}"]), name
        elif name in found and name != "Exp000":
            assert found[name] == pytest.approx(value), name


def test_a_kept_pose_holds_the_face(ada: bpy.types.Object) -> None:
    weights = random_weights(4, (*SHAPES, "Exp000"))
    set_sliders(ada, weights)
    bpy.ops.lhm.create_pose_asset(name="Grin")
    bpy.ops.lhm.reset_face()
    ada.pose.apply_pose_from_action(bpy.data.actions["Grin"], evaluation_time=1)
    assert face_weights(ada) == pytest.approx(weights)


@pytest.mark.parametrize("pose", ["photo", "rest", "a"])
def test_pose_buttons_make_the_face_neutral(ada: bpy.types.Object, pose: str) -> None:
    set_sliders(ada, random_weights(5, SHAPES))
    bpy.ops.lhm.pose_avatar(pose=pose)
    assert nonzero(ada) == {}


# The panel.


def test_the_panel_shows_every_slider_once(ada: bpy.types.Object) -> None:
    layout = drawn(LHM_PT_face)
    wanted = [f'["{name}"]' for name in SHAPES]  # the body model's own coefficients are folded away
    joints = ["lhm_jaw_open", "lhm_jaw_side", "lhm_eyes_side", "lhm_eyes_up"]
    assert sorted(layout.properties) == sorted([*wanted, *joints])
    assert layout.pressed == ["lhm.reset_face"]
    assert {"Make Face", "Brows", "Eyes", "Cheeks and Nose", "Mouth", "Tongue", "SMPL-X"} <= set(layout.words)
    bpy.ops.lhm.add_controls()
    assert drawn(LHM_PT_face).properties[:4] == [
        '["jaw_open"]', "lhm_jaw_side", '["eyes_side"]', '["eyes_up"]',
    ]  # fmt: skip


def test_without_a_face_the_panel_says_what_to_do(make_avatar: Callable[..., Avatar]) -> None:
    add_avatar(bpy.context, make_avatar(100), name="Ada")
    layout = drawn(LHM_PT_face)
    assert NO_FACE in layout.text
    assert layout.properties == ["lhm_jaw_open", "lhm_jaw_side", "lhm_eyes_side", "lhm_eyes_up"]


def test_shapes_of_a_file_may_have_any_name(
    make_avatar: Callable[..., Avatar], auto_keying: bpy.types.ToolSettings
) -> None:
    name = 'say "ah" \\ é'
    armature = add_avatar(bpy.context, with_face(make_avatar(count=400), (name,)), name='A "d" a').armature
    set_face(bpy.context, armature, {name: 0.75})
    assert armature.pose.bones["head"][name] == 0.75
    (path,) = (path for path, _index in curves(armature) if "ah" in path)
    assert armature.path_resolve(path) == 0.75
