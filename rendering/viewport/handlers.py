"""When to draw, and what follows from loading, saving, undoing and failing.

The scene keeps whether splats are drawn. Everything else is of this Blender and is gone with it.
"""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Any

import bpy
import gpu
from bpy.app.handlers import persistent

from .draw import Painter
from .points import clouds, has_points, use_display, use_points
from .session import Layer, eye_of, visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

PROPERTY = "lhm_viewport_splats"
"""Of the scene: whether its avatars are drawn as splats."""

NO_WINDOW = "Splats are drawn in windows only, and this Blender runs in the background"
FAILED = (
    "Splats could not be drawn, so the usual display is back. The console has the details; a newer graphics "
    "driver may help."
)
_log = logging.getLogger(__name__)


class _State:
    """What is kept between redraws; one for the whole Blender."""

    def __init__(self) -> None:
        self.painter: Painter | None = None
        self.layers: dict[tuple[str, str], Layer] = {}
        self.target: gpu.types.GPUFrameBuffer | None = None
        self.problem = ""

    def forget(self) -> None:
        """Drop everything that belongs to a file."""
        self.layers.clear()
        self.target = None


state = _State()


def problem() -> str:
    """Why drawing was switched off; empty when it was not."""
    return state.problem


def is_on(scene: bpy.types.Scene) -> bool:
    """Whether a scene's avatars are drawn as splats."""
    return bool(getattr(scene, PROPERTY))


def apply() -> None:
    """Have points stand in for avatars where splats are drawn, and their own display everywhere else."""
    if bpy.app.background:
        return
    wanted = {cloud for scene in bpy.data.scenes if is_on(scene) for cloud in clouds(scene)}
    for cloud in {cloud for scene in bpy.data.scenes for cloud in clouds(scene)}:
        if cloud in wanted:
            use_points(cloud)
        else:
            use_display(cloud)


def toggled(_scene: bpy.types.Scene, _context: bpy.types.Context) -> None:
    """The scene's switch was used."""
    state.problem = ""
    state.forget()
    apply()
    redraw()


def redraw() -> None:
    """Draw all 3D Viewports again soon."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def _guarded(draw: Callable[[], None]) -> Callable[[], None]:
    """Blender calls a failing handler again at every redraw; here the first failure switches drawing off."""

    @wraps(draw)
    def guarded() -> None:
        if state.problem:
            return
        try:
            draw()
        except Exception:  # noqa: BLE001 - drivers raise what they like, and it is logged
            _log.exception("drawing splats in the viewport failed")
            state.problem = FAILED
            state.forget()
            _soon(_switch_off)  # while Blender draws, nothing of the scene may be changed

    return guarded


@_guarded
def _before_scene() -> None:
    if is_on(bpy.context.scene):
        state.target = gpu.state.active_framebuffer_get()


@_guarded
def _after_scene() -> None:
    context = bpy.context
    target, state.target = state.target, None
    if target is None or not is_on(context.scene):
        return
    layer = _layer(context)
    layer.update(context.view_layer.depsgraph)
    shown = visible(layer.reading, context.space_data)  # type: ignore[arg-type]
    _, _, width, height = gpu.state.viewport_get()
    eye = eye_of(context.region_data, width, height)
    overlays = gpu.state.active_framebuffer_get()
    wait = layer.draw(context.region.as_pointer(), eye, shown, target, overlays)
    if wait > 0:
        _soon(redraw, wait)


def _layer(context: bpy.types.Context) -> Layer:
    if state.painter is None:
        state.painter = Painter()
    key = (context.scene.name_full, context.view_layer.name)
    if key not in state.layers:
        there = {(scene.name_full, layer.name) for scene in bpy.data.scenes for layer in scene.view_layers}
        state.layers = {known: layer for known, layer in state.layers.items() if known in there}
        state.layers[key] = Layer(state.painter)
    return state.layers[key]


@persistent
def _evaluated(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Something of a scene was evaluated: by a change, by undo, by the next frame."""
    if depsgraph.mode != "VIEWPORT":
        return
    if not is_on(scene):
        for layer in state.layers.values():
            layer.invalidate()  # another scene may show the same avatars
        return
    changed = [update.id.original for update in depsgraph.updates if update.is_updated_geometry]
    names = {original.name_full for original in changed if isinstance(original, bpy.types.Object)}
    clouds_changed = any(isinstance(original, bpy.types.PointCloud) for original in changed)
    if clouds_changed and not all(has_points(cloud) for cloud in clouds(scene)):
        _soon(apply)  # a new avatar; while handlers run, nothing of the scene may be changed
    for layer in state.layers.values():
        layer.invalidate(None if clouds_changed else names)


@persistent
def _restored(*_: Any) -> None:
    """A file was loaded or a step undone: nothing that was read is valid."""
    state.forget()
    apply()


@persistent
def _before_saving(*_: Any) -> None:
    """The file gets the avatars' own display: who opens it may not have the extension."""
    for scene in bpy.data.scenes:
        for cloud in clouds(scene):
            use_display(cloud)


@persistent
def _after_saving(*_: Any) -> None:
    apply()


def _switch_off() -> None:
    said = state.problem
    for scene in bpy.data.scenes:
        setattr(scene, PROPERTY, False)
    state.problem = said  # using the switch has cleared it


def _soon(action: Callable[[], None], seconds: float = 0.0) -> None:
    if not bpy.app.timers.is_registered(action):
        bpy.app.timers.register(action, first_interval=seconds)


def attach(undo: ExitStack) -> None:
    """Give scenes the switch and, where there are windows, draw in them."""
    setattr(
        bpy.types.Scene,
        PROPERTY,
        bpy.props.BoolProperty(
            name="Splats in Viewport",
            description="Draw avatars in the viewport as they are rendered: soft splats, in the right order "
            "from every side. Needs a graphics card",
            update=toggled,
            options=set(),
        ),
    )
    undo.callback(delattr, bpy.types.Scene, PROPERTY)
    if bpy.app.background:
        return
    undo.callback(_clear)
    for draw, when in ((_before_scene, "PRE_VIEW"), (_after_scene, "POST_VIEW")):
        handle = bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", when)
        undo.callback(bpy.types.SpaceView3D.draw_handler_remove, handle, "WINDOW")
    lists = bpy.app.handlers
    for handlers, handler in (
        (lists.depsgraph_update_post, _evaluated),
        (lists.frame_change_post, _evaluated),
        (lists.undo_post, _restored),
        (lists.redo_post, _restored),
        (lists.load_post, _restored),
        (lists.save_pre, _before_saving),
        (lists.save_post, _after_saving),
        (lists.save_post_fail, _after_saving),
    ):
        handlers.append(handler)
        undo.callback(handlers.remove, handler)


def _clear() -> None:
    """The add-on goes: avatars get their display back, and the card its memory."""
    for action in (redraw, apply, _switch_off):
        if bpy.app.timers.is_registered(action):
            bpy.app.timers.unregister(action)
    if hasattr(bpy.data, "scenes"):  # not while Blender starts or ends
        _before_saving()
    state.forget()
    state.painter, state.problem = None, ""


CLASSES = ()
