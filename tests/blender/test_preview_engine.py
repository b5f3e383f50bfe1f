"""The render engine, through Blender's own render operator; judged by the float64 rasterizer."""

from __future__ import annotations

import os
import signal
import sys
import time
from math import radians
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.pictures import add_camera, psnr, reference, render
from exr import rgba
from lhm_avatars.engine.avatar.color import linear_from_srgb
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.environment import engine_python
from lhm_avatars.engine.protocol import Cancelled, EngineBug
from lhm_avatars.preferences import Engines, engine_root
from lhm_avatars.rendering import engine_session, preview_engine
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.engine_session import EngineSession
from lhm_avatars.rendering.picture import FARTHEST, background
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")

BLUE = (0.05, 0.1, 0.6)


@pytest.fixture
def engine(empty_scene: None) -> None:
    if engine_python(engine_root()) is None:
        pytest.skip("the engine is not installed; python dev.py test does it")
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID


@pytest.fixture
def person(empty_scene: None, make_avatar: Callable[..., Avatar]) -> AvatarObjects:
    add_camera()
    return add_avatar(bpy.context, make_avatar(600), name="Ada", display=display_group())


def linear(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Premultiplied display-space colours as premultiplied light, by the definition of the sRGB curve."""
    straight = image / np.maximum(alpha, 1e-9)[..., None]
    light = np.where(straight <= 0.04045, straight / 12.92, ((straight + 0.055) / 1.055) ** 2.4)
    return np.concatenate([light * alpha[..., None], alpha[..., None]], axis=2)


def colored_world(strength: float = 1.0) -> None:
    world = bpy.data.worlds.new("World")
    if world.node_tree is None:
        world.use_nodes = True
    node = next(node for node in world.node_tree.nodes if node.bl_idname == "ShaderNodeBackground")
    node.inputs["Color"].default_value, node.inputs["Strength"].default_value = (*BLUE, 1), strength
    bpy.context.scene.world = world


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("lens", ["PERSP", "ORTHO"])
def test_agrees_with_the_reference(person: AvatarObjects, tmp_path: Path, lens: str) -> None:
    camera = bpy.context.scene.camera.data
    camera.type, camera.ortho_scale, camera.shift_x = lens, 2.5, 0.05
    picture = rgba(render(tmp_path / "a.exr"))
    expected = reference()
    assert expected.alpha.max() > 0.9
    visible = expected.alpha > 0.02
    assert psnr(picture, linear(expected.color, expected.alpha), visible) > 70
    np.testing.assert_allclose(picture[..., 3], expected.alpha, atol=1e-3)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("lens", ["PERSP", "ORTHO"])
def test_depth_is_the_distance_along_the_axis(person: AvatarObjects, tmp_path: Path, lens: str) -> None:
    camera = bpy.context.scene.camera
    camera.data.type, camera.data.ortho_scale = lens, 2.5
    bpy.context.view_layer.use_pass_z = True
    depth = render(tmp_path / "a.exr")["ViewLayer.Depth.Z"]
    expected = reference()
    solid = expected.alpha > 0.52
    inverse = np.array(camera.matrix_world.inverted())
    distance = -(inverse @ np.array([*person.armature.matrix_world.translation, 1]))[2]
    assert abs(np.median(depth[solid]) - distance) < 0.3  # a person is not thicker
    assert (depth[expected.alpha < 0.48] == FARTHEST).all()
    if lens == "PERSP":
        np.testing.assert_allclose(depth[solid], expected.depth[solid] / expected.alpha[solid], rtol=2e-4)


@pytest.mark.usefixtures("engine", "person")
def test_there_is_no_depth_unless_asked_for(tmp_path: Path) -> None:
    assert "ViewLayer.Depth.Z" not in render(tmp_path / "a.exr")


@pytest.mark.usefixtures("engine", "person")
@pytest.mark.parametrize("crop", [False, True])
def test_border_shows_the_same_part(tmp_path: Path, crop: bool) -> None:
    whole = rgba(render(tmp_path / "whole.exr"))
    settings = bpy.context.scene.render
    settings.use_border, settings.use_crop_to_border = True, crop
    settings.border_min_x, settings.border_max_x = 0.3, 0.61
    settings.border_min_y, settings.border_max_y = 0.2, 0.9
    part = rgba(render(tmp_path / "part.exr"))
    box = preview_engine.rendered_part(settings, 96, 72)
    inside = np.s_[box.top : box.top + box.height, box.left : box.left + box.width]
    if crop:
        assert part.shape == whole[inside].shape
    else:
        outside = part.copy()
        outside[inside] = 0
        assert not outside.any()
        part = part[inside]
    assert whole[inside][..., 3].max() > 0.5
    np.testing.assert_allclose(part, whole[inside], atol=2e-3)


@pytest.mark.usefixtures("engine", "person")
@pytest.mark.parametrize(("low", "high"), [(0.1, 0.9), (0.3, 0.7), (1 / 3, 0.999)])
def test_border_is_rounded_as_blender_rounds_it(tmp_path: Path, low: float, high: float) -> None:
    settings = bpy.context.scene.render
    settings.resolution_x = settings.resolution_y = 100
    settings.use_border = settings.use_crop_to_border = True
    settings.border_min_x = settings.border_min_y = low
    settings.border_max_x = settings.border_max_y = high
    box = preview_engine.rendered_part(settings, 100, 100)
    assert rgba(render(tmp_path / "a.exr")).shape == (box.height, box.width, 4)


@pytest.mark.usefixtures("engine", "person")
def test_resolution_percentage(tmp_path: Path) -> None:
    bpy.context.scene.render.resolution_percentage = 50
    picture = rgba(render(tmp_path / "a.exr"))
    assert picture.shape == (36, 48, 4)
    expected = reference()
    assert psnr(picture, linear(expected.color, expected.alpha), expected.alpha > 0.02) > 70


@pytest.mark.usefixtures("engine", "person")
def test_film_is_the_world_or_transparent(tmp_path: Path) -> None:
    clear = rgba(render(tmp_path / "clear.exr"))
    assert clear[0, 0].tolist() == [0, 0, 0, 0]
    colored_world(strength=2.0)
    bpy.context.scene.render.film_transparent = False
    picture = rgba(render(tmp_path / "world.exr"))
    np.testing.assert_allclose(picture[..., 3], 1)
    expected = clear[..., :3] + (1 - clear[..., 3:]) * 2 * np.array(BLUE)
    np.testing.assert_allclose(picture[..., :3], expected, atol=1e-6)


def test_background_of_a_world_with_an_image_is_its_viewport_color() -> None:
    scene = bpy.context.scene
    assert background(scene) == (0, 0, 0)  # no world
    colored_world()
    np.testing.assert_allclose(background(scene), BLUE)
    tree = scene.world.node_tree
    sky = tree.nodes.new("ShaderNodeTexEnvironment")
    tree.links.new(
        sky.outputs[0], next(n for n in tree.nodes if n.bl_idname == "ShaderNodeBackground").inputs[0]
    )
    scene.world.color = (0.2, 0.3, 0.4)
    np.testing.assert_allclose(background(scene), (0.2, 0.3, 0.4))


@pytest.mark.usefixtures("engine")
def test_holdout_cuts_a_hole(
    make_avatar: Callable[..., Avatar], person: AvatarObjects, tmp_path: Path
) -> None:
    behind = rgba(render(tmp_path / "behind.exr"))
    front = add_avatar(bpy.context, make_avatar(600, seed=3), name="Bea", location=(0.1, -0.8, 0))
    person.cloud.hide_render = True
    alone = rgba(render(tmp_path / "front.exr"))
    person.cloud.hide_render, front.cloud.is_holdout = False, True
    cut = rgba(render(tmp_path / "cut.exr"))
    # All of the holdout is nearer, so what is left of the one behind is what the holdout lets through.
    np.testing.assert_allclose(cut[..., 3], behind[..., 3] * (1 - alone[..., 3]), atol=2e-3)
    assert 0.1 < cut[..., 3].sum() / behind[..., 3].sum() < 0.9


@pytest.mark.usefixtures("engine")
def test_each_view_layer_shows_its_own(
    make_avatar: Callable[..., Avatar], person: AvatarObjects, tmp_path: Path
) -> None:
    other = add_avatar(bpy.context, make_avatar(300, seed=5), name="Bea")
    layer = bpy.context.scene.view_layers.new("Second")
    layer.layer_collection.children["Ada"].exclude = True
    bpy.context.view_layer.layer_collection.children["Bea"].exclude = True
    channels = render(tmp_path / "a.exr")
    first, second = rgba(channels), rgba(channels, "Second")
    person.cloud.hide_render, layer.layer_collection.children["Ada"].exclude = True, False
    other.cloud.hide_render = False
    np.testing.assert_allclose(rgba(render(tmp_path / "b.exr"), "Second"), second, atol=1e-6)
    assert first[..., 3].max() > 0.5
    assert np.abs(first - second).max() > 0.2


@pytest.mark.usefixtures("engine", "person")
def test_animation_writes_every_frame(tmp_path: Path) -> None:
    scene = bpy.context.scene
    armature = bpy.data.objects["Ada"]
    for frame, x in ((1, -0.5), (3, 0.5)):
        armature.location.x = x
        armature.keyframe_insert("location", index=0, frame=frame)
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(tmp_path / "frame_")
    bpy.ops.render.render(animation=True)
    files = sorted(tmp_path.glob("frame_*.png"))
    assert [path.name for path in files] == ["frame_0001.png", "frame_0002.png", "frame_0003.png"]
    middles = []
    for path in files:
        image = bpy.data.images.load(str(path))
        alpha = np.array(image.pixels[:]).reshape(72, 96, 4)[..., 3]
        middles.append((alpha.sum(axis=0) * np.arange(96)).sum() / alpha.sum())
    assert middles[0] + 5 < middles[1] < middles[2] - 5


@pytest.mark.usefixtures("engine")
def test_what_is_outside_the_clip_range_is_not_drawn(person: AvatarObjects, tmp_path: Path) -> None:
    bpy.context.scene.camera.data.clip_end = 2.0
    assert not rgba(render(tmp_path / "far.exr")).any()
    camera = bpy.context.scene.camera
    camera.data.clip_end, camera.data.type = 100.0, "ORTHO"
    camera.rotation_euler.z += radians(180)  # the person stands behind the camera
    assert not rgba(render(tmp_path / "behind.exr")).any()
    assert person.cloud.visible_camera


@pytest.mark.usefixtures("person")
def test_engine_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "nothing"))
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID
    with pytest.raises(RuntimeError, match=r"engine is not installed\. Install it in Edit > Preferences"):
        bpy.ops.render.render()


def test_empty_scene_needs_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "nothing"))
    add_camera((32, 16))
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID
    assert not rgba(render(tmp_path / "a.exr")).any()


@pytest.mark.usefixtures("person")
def test_panoramic_camera_is_said() -> None:
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID
    bpy.context.scene.camera.data.type = "PANO"
    with pytest.raises(RuntimeError, match="cannot draw through a panoramic camera"):
        bpy.ops.render.render()


@pytest.mark.usefixtures("person")
def test_cancel_ends_the_render_without_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def cancelled(*_: object) -> None:
        raise Cancelled("Cancelled.")

    delivered: list[object] = []
    monkeypatch.setattr(preview_engine.shared, "call", cancelled)
    monkeypatch.setattr(preview_engine.LHM_PreviewEngine, "_deliver", lambda *a: delivered.append(a))
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID
    bpy.ops.render.render()
    assert not delivered


@pytest.mark.usefixtures("person")
def test_bug_of_the_engine_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise EngineBug("ZeroDivisionError")

    monkeypatch.setattr(preview_engine.shared, "call", broken)
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID
    with pytest.raises(RuntimeError, match="The engine made an error; the console has the details"):
        bpy.ops.render.render()


@pytest.mark.usefixtures("person")
def test_any_other_error_is_said_and_logged_and_does_not_end_blender(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("never thought of")

    monkeypatch.setattr(preview_engine, "collect_splats", broken)
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID
    with pytest.raises(RuntimeError, match="LHM Preview made an error; the console has the details"):
        bpy.ops.render.render()
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "never thought of" in str(record.exc_info[1])


@pytest.mark.usefixtures("person")
def test_looking_through_what_is_no_camera_is_said() -> None:
    empty = bpy.data.objects.new("Nowhere", None)
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.scene.camera = empty
    bpy.context.scene.render.engine = preview_engine.ENGINE_ID
    with pytest.raises(RuntimeError, match="looks through 'Nowhere', which is no camera"):
        bpy.ops.render.render()


def test_srgb_curve_at_known_points() -> None:
    # IEC 61966-2-1: the ends, the joint of line and curve, and middle grey of 8-bit 188.
    np.testing.assert_allclose(
        linear_from_srgb(np.array([0.0, 0.04045, 1.0, 188 / 255])), [0, 0.0031308, 1, 0.502887], atol=1e-6
    )


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EngineSession]:
    """A session whose engine runs in this test's Python: enough for the jobs that draw nothing."""
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path))
    there = Engines(tmp_path, Path(sys.executable))
    monkeypatch.setattr(engine_session, "engines", lambda: there)
    made = EngineSession()
    yield made
    made.close()


def test_session_starts_once_and_again_when_dead(session: EngineSession) -> None:
    assert session.call("ping", {"x": 1}) == {"x": 1}
    first = session._client.pid
    session.call("ping", {})
    assert session._client.pid == first
    os.kill(first, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while session._client.alive and time.monotonic() < deadline:
        time.sleep(0.01)
    assert session.call("ping", {"x": 2}) == {"x": 2}
    assert session._client.pid != first


def test_session_cancels(session: EngineSession) -> None:
    asked = iter([False, True])
    with pytest.raises(Cancelled):
        session.call("versions", {"modules": ["json"] * 300_000}, lambda: next(asked, True))
    assert session.call("ping", {"x": 3}) == {"x": 3}


def test_session_closes_and_opens_again(session: EngineSession) -> None:
    session.close()  # nothing yet: harmless
    session.call("ping", {})
    pid = session._client.pid
    session.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert session.call("ping", {"x": 4}) == {"x": 4}


def test_session_without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path))
    with pytest.raises(AvatarError, match="engine is not installed"):
        EngineSession().call("ping", {})


def test_blenders_panels_serve_the_engine() -> None:
    names = {
        panel.__name__
        for panel in bpy.types.Panel.__subclasses__()
        if preview_engine.ENGINE_ID in getattr(panel, "COMPAT_ENGINES", ())
    }
    wanted = {
        *("RENDER_PT_format", "RENDER_PT_frame_range", "RENDER_PT_output", "RENDER_PT_color_management"),
        *("DATA_PT_lens", "DATA_PT_camera", "LHM_PT_film", "LHM_PT_passes", "VIEWLAYER_PT_layer"),
        *("WORLD_PT_context_world", "EEVEE_WORLD_PT_surface"),
    }
    assert wanted <= names
