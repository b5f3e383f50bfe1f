"""Splats in the viewport: order and packing against plain numpy, pictures against the float64 rasterizer.

Pictures need a graphics context. Blender 5.2's module can make one without a window; elsewhere they are left
out.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import bpy
import gpu
import numpy as np
import pytest
from blender.pictures import add_camera, psnr
from blender.test_panels import drawn
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.engine.avatar.sh import colors_from_sh
from lhm_avatars.engine.raster.reference import rasterize_reference
from lhm_avatars.panels.display import LHM_PT_display
from lhm_avatars.rendering.camera import camera_view
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.splats import collect_splats
from lhm_avatars.rendering.viewport import handlers, points
from lhm_avatars.rendering.viewport.draw import Canvas, Eye, Painter, Textures, order_texture
from lhm_avatars.rendering.viewport.order import BUDGET_S, Pace, far_to_near, view_depths
from lhm_avatars.rendering.viewport.pack import WIDTH, Cloud, still_rows, texture_rows
from lhm_avatars.rendering.viewport.scene import Reading, read_scene
from lhm_avatars.rendering.viewport.session import Layer, visible
from lhm_avatars.rigging.avatar_objects import AvatarObjects, add_avatar
from lhm_avatars.rigging.nodes import Nodes, add_modifier
from lhm_avatars.rigging.pointcloud import read_attribute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")
SIZE = (96, 72)
_kept: list[object] = []  # frame buffers do not keep their textures alive


def context_for_drawing() -> bool:
    """Whether pictures can be drawn here."""
    try:
        gpu.init()
        gpu.types.GPUOffScreen(8, 8)
    except (AttributeError, RuntimeError, SystemError):
        return False
    return True


draws = pytest.mark.skipif(not context_for_drawing(), reason="this Blender draws in windows only")


@pytest.fixture(scope="module")
def painter() -> Iterator[Painter]:
    yield Painter()
    _kept.clear()


def person(avatar: Avatar, name: str = "Ada", **options: object) -> AvatarObjects:
    return add_avatar(bpy.context, avatar, name=name, display=display_group(), **options)


def read(before: Reading | None = None, stale: set[str] | None = None) -> Reading:
    return read_scene(bpy.context.evaluated_depsgraph_get(), before or Reading(), stale)


def made_colors(made: AvatarObjects) -> np.ndarray:
    """The photo's colours, as they are kept. [N, 3]"""
    return read_attribute(made.cloud.data, "gs_color")[:, :3]


def eye_of_camera() -> Eye:
    """What a viewport that looks through the scene's camera hands to its handlers."""
    depsgraph, camera = bpy.context.evaluated_depsgraph_get(), bpy.context.scene.camera
    window = camera.evaluated_get(depsgraph).calc_matrix_camera(depsgraph, x=SIZE[0], y=SIZE[1])
    return Eye(np.array(camera.matrix_world.normalized().inverted()), np.array(window), *SIZE)


def painted(painter: Painter, clouds: tuple[Cloud, ...], eye: Eye) -> Canvas:
    textures, canvas = Textures(), Canvas(eye.width, eye.height)
    textures.load(clouds, {"moving", "still", "blocks"})
    order = far_to_near(view_depths(clouds, [True] * len(clouds), eye.depth_row()))
    painter.paint(canvas, textures, order_texture(order), len(order), eye)
    _kept.append(canvas)
    return canvas


def pixels(frame: gpu.types.GPUFrameBuffer, slot: int = 0) -> np.ndarray:
    """Top row first. [H, W, 4]"""
    with frame.bind():
        values = frame.read_color(0, 0, *SIZE, 4, slot, "FLOAT")
    return np.array(values.to_list()).reshape(SIZE[1], SIZE[0], 4)[::-1]


def expected(colors: np.ndarray | None = None) -> np.ndarray:
    """The scene by the float64 rasterizer. [H, W, 4]"""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    splats = collect_splats(depsgraph)
    camera = bpy.context.scene.camera.evaluated_get(depsgraph)
    view = camera_view(bpy.context.scene, camera, depsgraph, *SIZE)
    image = rasterize_reference(
        splats.means, splats.quats, splats.scales, splats.opacities,
        splats.colors if colors is None else colors, view.viewmat, view.K, *SIZE,
    )  # fmt: skip
    return np.dstack([image.color, image.alpha])


# Order.


def test_far_to_near_agrees_with_a_plain_sort() -> None:
    depths = np.random.default_rng(0).permutation(5000).astype(np.float32) * 0.25 + 3
    np.testing.assert_array_equal(far_to_near(depths), np.argsort(-depths))


def test_of_equal_depths_the_first_is_the_nearest() -> None:
    np.testing.assert_array_equal(far_to_near(np.float32([2, 1, 2, 1])), [2, 0, 3, 1])
    np.testing.assert_array_equal(far_to_near(np.float32([2, 2])), [1, 0])


def test_what_is_hidden_is_left_out() -> None:
    still = still_rows(np.ones((3, 3)), np.ones(3), np.ones((3, 3)))
    shifted = np.eye(4)
    shifted[0, 3] = 10
    clouds = [Cloud(np.eye(3), np.eye(4)[:3], still, None, matrix) for matrix in (np.eye(4), shifted)]
    row = np.array([1.0, 0, 0, 0])
    np.testing.assert_array_equal(far_to_near(view_depths(clouds, (True, True), row))[:3], [3, 5, 4])
    assert set(far_to_near(view_depths(clouds, (False, True), row))) == {3, 4, 5}
    assert len(far_to_near(view_depths(clouds, (False, False), row))) == 0


def test_slow_ordering_waits_and_quick_ordering_does_not() -> None:
    now = [100.0]
    pace = Pace(clock=lambda: now[0])
    assert pace.due_in() <= 0
    now[0] += BUDGET_S / 2
    pace.note(100.0)
    assert pace.due_in() <= 0
    began = now[0]
    now[0] += 0.1
    pace.note(began)
    assert pace.due_in() == pytest.approx(0.3)  # three times what it took
    now[0] += 0.31
    assert pace.due_in() <= 0


def test_texels_fill_whole_rows() -> None:
    values = np.arange(4 * (WIDTH + 3), dtype=np.float32).reshape(-1, 4)
    rows = texture_rows(values)
    assert rows.shape == (2, WIDTH, 4)
    np.testing.assert_array_equal(rows.reshape(-1, 4)[: WIDTH + 3], values)
    assert not rows.reshape(-1, 4)[WIDTH + 3 :].any()


# What is read of the scene.


@pytest.mark.parametrize("as_points", [False, True])
def test_reading_agrees_with_what_is_rendered(make_avatar: Callable[..., Avatar], as_points: bool) -> None:
    made = person(make_avatar(300), location=(1, 2, 0))
    made.armature.scale = (1.5, 1.5, 1.5)
    if as_points:
        points.use_points(made.cloud)
    (cloud,) = read().clouds
    splats = collect_splats(bpy.context.evaluated_depsgraph_get())
    matrix = np.array(made.cloud.matrix_world)
    np.testing.assert_allclose(cloud.means @ matrix[:3, :3].T + matrix[:3, 3], splats.means, atol=1e-5)
    np.testing.assert_allclose(cloud.still[:, 7], splats.opacities)
    np.testing.assert_allclose(cloud.still[:, :3] * 1.5, splats.scales, rtol=1e-5)
    np.testing.assert_allclose(cloud.still[:, 4:7], splats.colors)


def test_only_what_changed_is_read_again(make_avatar: Callable[..., Avatar]) -> None:
    made = person(make_avatar(200))
    points.use_points(made.cloud)
    first = read()
    assert first.changed == {"moving", "still", "blocks"}
    assert read(first, set()).changed == set()
    assert read(first).changed == set()  # read, and found the same
    made.armature.location.x += 1
    moved = read(first, set())
    assert moved.changed == {"blocks"}
    made.armature.pose.bones["left_shoulder"].rotation_quaternion = (0.8, 0, 0, 0.6)
    assert read(moved, {made.cloud.name}).changed == {"moving"}
    points.use_display(made.cloud)
    person(make_avatar(100), "Bea")
    assert read(moved).changed == {"moving", "still", "blocks"}


def test_other_modifiers_may_recolor(make_avatar: Callable[..., Avatar]) -> None:
    made = person(make_avatar(50))
    points.use_points(made.cloud)
    first = read()
    tree = bpy.data.node_groups.new("Grey", "GeometryNodeTree")
    nodes = Nodes(tree)
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    nodes.output(
        "Geometry", "NodeSocketGeometry", nodes.store(geometry, "gs_color", "FLOAT_COLOR", (0.5,) * 4)
    )
    add_modifier(made.cloud, "Grey", tree)
    second = read(first, {made.cloud.name})
    assert second.changed == {"still"}
    np.testing.assert_allclose(second.clouds[0].still[:, 4:7], 0.5)


def test_confidence_is_drawn_in_its_colors(make_avatar: Callable[..., Avatar]) -> None:
    made = person(make_avatar(200))
    made.armature.lhm_colors = "CONFIDENCE"
    by_nodes = read().clouds[0].still[:, 4:7]
    points.use_points(made.cloud)
    shown = read()
    np.testing.assert_allclose(shown.clouds[0].still[:, 4:7], by_nodes, atol=2e-6)
    made.armature.lhm_colors = "PHOTO"
    again = read(shown, {made.cloud.name})
    np.testing.assert_allclose(again.clouds[0].still[:, 4:7], made_colors(made), atol=1e-6)


def test_hidden_avatars_are_not_shown(make_avatar: Callable[..., Avatar]) -> None:
    made, other = person(make_avatar(20)), person(make_avatar(20), "Bea")
    made.cloud.hide_viewport = True
    (shown,) = read().shown
    assert shown.owner == other.cloud
    everything = SimpleNamespace(
        shown=(SimpleNamespace(owner=SimpleNamespace(visible_in_viewport_get=bool)),)
    )
    assert visible(everything, "space") == (True,)  # the viewport is asked
    assert visible(everything, "") == (False,)


def test_what_cameras_do_not_see_is_not_drawn(make_avatar: Callable[..., Avatar]) -> None:
    made, other = person(make_avatar(20)), person(make_avatar(20), "Bea")
    made.cloud.visible_camera = False
    assert [one.owner for one in read().shown] == [other.cloud]
    made.cloud.visible_camera = True
    bpy.context.view_layer.layer_collection.children["Ada"].indirect_only = True
    assert [one.owner for one in read().shown] == [other.cloud]
    other.armature.scale = (0, 0, 0)
    assert read().shown == ()


# Points that stand in.


def test_points_leave_renders_alone_and_can_be_taken_back(make_avatar: Callable[..., Avatar]) -> None:
    made = person(make_avatar(50))
    before = [(m.name, m.show_viewport, m.show_render) for m in made.cloud.modifiers]
    points.use_points(made.cloud)
    points.use_points(made.cloud)
    during = [(m.name, m.show_viewport, m.show_render) for m in made.cloud.modifiers]
    assert during == [before[0], (before[1][0], False, True), (points.NAME, True, False)]
    evaluated = made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert evaluated.type == "POINTCLOUD"
    assert len(evaluated.data.points) == 50
    points.use_display(made.cloud)
    assert [(m.name, m.show_viewport, m.show_render) for m in made.cloud.modifiers] == before


def test_a_display_that_the_user_switched_off_stays_off(make_avatar: Callable[..., Avatar]) -> None:
    made = person(make_avatar(50))
    made.cloud.modifiers["LHM Display"].show_viewport = False
    points.use_display(made.cloud)  # nothing was shown as points
    assert not made.cloud.modifiers["LHM Display"].show_viewport


# The switch.


def test_background_says_so(make_avatar: Callable[..., Avatar]) -> None:
    person(make_avatar(20))
    with pytest.raises(
        RuntimeError, match="Splats are drawn in windows only, and this Blender runs in the back"
    ):
        bpy.ops.lhm.viewport_splats()
    assert handlers.NO_WINDOW in " ".join(drawn(LHM_PT_display).words)


def test_a_failure_is_logged_once_and_switches_off(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    later: list[object] = []
    monkeypatch.setattr(handlers, "_soon", lambda action, seconds=0.0: later.append(action))

    @handlers._guarded
    def broken() -> None:
        raise RuntimeError("driver says no")

    try:
        for _ in range(3):
            broken()
        assert handlers.problem() == handlers.FAILED
        assert len(caplog.records) == 1
        setattr(bpy.context.scene, handlers.PROPERTY, True)
        handlers.state.problem = handlers.FAILED
        assert later == [handlers._switch_off]
        later[0]()
        assert not handlers.is_on(bpy.context.scene)
        assert handlers.problem() == handlers.FAILED  # the panel goes on saying it
    finally:
        handlers.state.problem = ""


def test_evaluations_mark_what_is_stale(make_avatar: Callable[..., Avatar]) -> None:
    made = person(make_avatar(20))
    asked: list[set[str] | None] = []
    handlers.state.layers[("Scene", "ViewLayer")] = SimpleNamespace(invalidate=asked.append)
    setattr(bpy.context.scene, handlers.PROPERTY, True)
    points.use_points(made.cloud)
    try:
        handlers.state.layers[("Scene", "ViewLayer")] = SimpleNamespace(invalidate=asked.append)
        bpy.context.view_layer.update()
        made.armature.pose.bones["left_shoulder"].rotation_quaternion = (0.8, 0, 0, 0.6)
        bpy.app.handlers.depsgraph_update_post.append(handlers._evaluated)
        bpy.context.view_layer.update()
    finally:
        bpy.app.handlers.depsgraph_update_post.remove(handlers._evaluated)
        handlers.state.layers.clear()
    assert made.cloud.name in asked[-1]


def test_other_scenes_make_stale_and_scenes_that_are_gone_are_forgotten(
    make_avatar: Callable[..., Avatar], monkeypatch: pytest.MonkeyPatch
) -> None:
    person(make_avatar(20))
    monkeypatch.setattr(handlers.state, "painter", SimpleNamespace())
    monkeypatch.setattr(handlers.state, "layers", {})
    gone = bpy.data.scenes.new("Gone")
    for scene in (gone, bpy.context.scene):
        handlers._layer(SimpleNamespace(scene=scene, view_layer=scene.view_layers[0]))
    assert len(handlers.state.layers) == 2
    bpy.data.scenes.remove(gone)
    other = bpy.data.scenes.new("Other")
    kept = handlers._layer(SimpleNamespace(scene=other, view_layer=other.view_layers[0]))
    assert {name for name, _ in handlers.state.layers} == {"Scene", "Other"}
    kept._current = True
    handlers._evaluated(bpy.context.scene, bpy.context.evaluated_depsgraph_get())  # which draws no splats
    assert not kept._current


# Pictures.


@draws
@pytest.mark.parametrize("lens", ["PERSP", "ORTHO"])
@pytest.mark.parametrize("as_points", [False, True])
def test_picture_agrees_with_the_rasterizer(
    make_avatar: Callable[..., Avatar], painter: Painter, lens: str, as_points: bool
) -> None:
    made, camera = person(make_avatar(2000)), add_camera(SIZE)
    other = person(make_avatar(1000, seed=3), "Bea", location=(0.2, 0.1, 0))
    other.armature.scale = (1.2, 1.2, 1.2)
    camera.data.type, camera.data.ortho_scale, camera.data.shift_x = lens, 2.6, 0.05
    camera.location.z = 0.9
    if as_points:
        points.use_points(made.cloud)
    want = expected()
    got = pixels(painted(painter, read().clouds, eye_of_camera()).frame)
    assert (want[..., 3] > 0.5).mean() > 0.02
    assert psnr(got, want, want[..., 3] > 0.02) > 50


@draws
def test_an_object_of_uneven_scale(make_avatar: Callable[..., Avatar], painter: Painter) -> None:
    made = person(make_avatar(2000))
    made.armature.scale = (1.0, 1.0, 2.0)
    add_camera(SIZE).location.z = 0.9
    want = expected()
    got = pixels(painted(painter, read().clouds, eye_of_camera()).frame)
    assert psnr(got, want, want[..., 3] > 0.02) > 50


@draws
@pytest.mark.parametrize("degree", [1, 2, 3])
def test_colors_that_depend_on_the_view(
    make_avatar: Callable[..., Avatar], painter: Painter, degree: int
) -> None:
    avatar = make_avatar(1500, degree=degree)
    gaussians = replace(avatar.gaussians, sh=avatar.gaussians.sh * 0.4)
    made = person(replace(avatar, gaussians=gaussians))
    add_camera(SIZE).location.z = 0.9
    points.use_points(made.cloud)
    (cloud,) = read().clouds
    # The same directions by matrices: world -> posed Gaussian's axes -> at rest -> body.
    splats = collect_splats(bpy.context.evaluated_depsgraph_get())
    towards = splats.means - np.array(bpy.context.scene.camera.matrix_world.translation)
    local = np.einsum("nij,ni->nj", matrix_from_quat(splats.quats.astype(float)), towards)
    rest = np.einsum("nij,nj->ni", matrix_from_quat(gaussians.quats.astype(float)), local)
    want = expected(colors_from_sh(gaussians.sh.astype(float), rest))
    got = pixels(painted(painter, (cloud,), eye_of_camera()).frame)
    mask = want[..., 3] > 0.02
    assert psnr(got, want, mask) > 48
    assert psnr(expected(), want, mask) < 30  # without the harmonics it is another picture


@draws
def test_behind_the_camera_and_nothing_at_all(make_avatar: Callable[..., Avatar], painter: Painter) -> None:
    camera = add_camera(SIZE)
    person(make_avatar(300))
    camera.rotation_euler.z += np.pi
    assert not pixels(painted(painter, read().clouds, eye_of_camera()).frame).any()


def scene_of(depth: float, color: tuple[float, ...]) -> gpu.types.GPUFrameBuffer:
    """A frame buffer with one colour at one depth, as if something had been drawn there."""
    colors = gpu.types.GPUTexture(SIZE, format="RGBA32F")
    depths = gpu.types.GPUTexture(SIZE, format="DEPTH_COMPONENT32F")
    frame = gpu.types.GPUFrameBuffer(color_slots=(colors,), depth_slot=depths)
    _kept.extend((colors, depths))
    with frame.bind():
        frame.clear(color=color, depth=depth)
    return frame


def ndc_depth(eye: Eye, distance: float) -> float:
    clip = eye.window @ np.array([0, 0, -distance, 1])
    return float(0.5 * clip[2] / clip[3] + 0.5)


@draws
@pytest.mark.parametrize("lens", ["PERSP", "ORTHO"])
def test_what_stands_in_front_hides_and_what_stands_behind_does_not(
    make_avatar: Callable[..., Avatar], painter: Painter, lens: str
) -> None:
    person(make_avatar(2000))
    camera = add_camera(SIZE)
    camera.data.type, camera.data.ortho_scale = lens, 2.6
    eye = eye_of_camera()
    canvas = painted(painter, read().clouds, eye)
    picture = pixels(canvas.frame)
    inside = picture[..., 3] > 0.02
    wall = (0.2, 0.3, 0.4, 1.0)
    before, behind = scene_of(ndc_depth(eye, 2.0), wall), scene_of(ndc_depth(eye, 8.0), wall)
    painter.lay_over(canvas, before, None, eye)
    np.testing.assert_allclose(pixels(before), np.broadcast_to(wall, (*SIZE[::-1], 4)), atol=1e-6)
    painter.lay_over(canvas, behind, None, eye)
    got, alpha = pixels(behind), picture[..., 3:]
    display = np.maximum(picture[..., :3], 0) / np.maximum(alpha, 1e-9)
    light = np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    want = light * alpha + (1 - alpha) * np.array(wall[:3])
    np.testing.assert_allclose(got[..., :3][inside], want[inside], atol=2e-3)


@draws
@pytest.mark.parametrize(("grey", "tolerance"), [(0.25, 3e-3), (0.1, 0.02), (0.6, 0.06)])
def test_background_among_the_overlays_is_hidden_as_in_display_space(
    make_avatar: Callable[..., Avatar], painter: Painter, grey: float, tolerance: float
) -> None:
    """Blender adds the overlays, the background with them, to the scene as it is displayed."""
    person(make_avatar(2000))
    add_camera(SIZE)
    eye = eye_of_camera()
    canvas = painted(painter, read().clouds, eye)
    linear = ((grey + 0.055) / 1.055) ** 2.4
    scene, overlays = scene_of(1.0, (0, 0, 0, 0)), scene_of(1.0, (linear,) * 3 + (0.0,))
    painter.lay_over(canvas, scene, overlays, eye)

    def display(light: np.ndarray) -> np.ndarray:
        light = np.maximum(light, 0)
        return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)

    got = display(pixels(scene)[..., :3]) + display(pixels(overlays)[..., :3])
    picture = pixels(canvas.frame)
    want = picture[..., :3] + (1 - picture[..., 3:]) * grey
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)


@draws
def test_layer_orders_paints_and_rests(
    make_avatar: Callable[..., Avatar], painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = person(make_avatar(500))
    points.use_points(made.cloud)
    add_camera(SIZE)
    layer, depsgraph = Layer(painter), bpy.context.evaluated_depsgraph_get()
    layer.update(depsgraph)
    frames, eye, target = [], eye_of_camera(), scene_of(1.0, (0, 0, 0, 0))
    paint = painter.paint
    monkeypatch.setattr(painter, "paint", lambda *args: (frames.append(args[3]), paint(*args)))
    layer.draw("left", eye, (True,), target, None)
    layer.draw("left", eye, (True,), target, None)
    assert frames == [500]  # nothing moved: what was painted is laid over once more
    layer.draw("right", eye, (True,), target, None)
    assert frames == [500, 500]  # each region has its own
    turned = replace(eye, view=np.diag([1.0, -1, -1, 1]) @ eye.view)
    layer.draw("left", turned, (True,), target, None)
    layer.draw("left", turned, (False,), target, None)
    assert frames == [500, 500, 500]
    made.armature.location.x += 1
    layer.invalidate(set())
    layer.update(bpy.context.evaluated_depsgraph_get())
    layer.draw("left", turned, (True,), target, None)
    assert frames == [500] * 4
