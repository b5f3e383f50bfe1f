"""The render engine 'LHM Preview': avatars exactly as the engine made them, amid the scene."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..engine.avatar.errors import AvatarError
from ..engine.formats.safetensors import write_safetensors
from ..engine.protocol import Cancelled, EngineBug
from .camera import View, camera_view
from .display_nodes import DILATION
from .engine_panels import join_panels
from .engine_session import shared
from .picture import FARTHEST, background
from .preview import passes
from .preview.lamps import collect_lamps, studio
from .preview.meshes import collect_meshes
from .splats import Splats, collect_splats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import ExitStack

    from numpy.typing import NDArray

    from ..engine.avatar.arrays import Float
    from .preview.passes import Pass

ENGINE_ID = "LHM_PREVIEW"
ENGINE_FAILED = "The engine made an error; the console has the details. Please report it."
FAILED = "LHM Preview made an error; the console has the details. Please report it."
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rectangle:
    """The rendered part of a picture, pixels from the upper left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Surroundings:
    """What there is besides avatars.

    Args:
        meshes: Arrays of triangles, see ``preview.meshes``; none if there are none.
        lamps: See ``preview.lamps``.
        ambient: Even light from all around, scene-linear.
        background: Behind everything, scene-linear; None for a transparent film.
    """

    meshes: dict[str, NDArray[Any]]
    lamps: Sequence[dict[str, Any]] = ()
    ambient: tuple[float, float, float] = (0.0, 0.0, 0.0)
    background: tuple[float, float, float] | None = None


NOTHING_ELSE = Surroundings({})


class LHM_PreviewEngine(bpy.types.RenderEngine):
    """Draws Gaussian avatars, and the scene's other objects in plain colors; there is no motion blur."""

    bl_idname = ENGINE_ID
    bl_label = "LHM Preview"
    bl_use_preview = False
    bl_use_eevee_viewport = True

    def update_render_passes(
        self, scene: bpy.types.Scene | None = None, renderlayer: bpy.types.ViewLayer | None = None
    ) -> None:
        """Say which passes there are."""
        if scene is None or renderlayer is None:
            return
        for found in passes.passes_of(scene, renderlayer):
            self.register_pass(
                scene, renderlayer, found.name, len(found.channels), found.channels, found.kind
            )

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Render one view layer of one frame, all eyes of a stereo camera."""
        try:
            for name in self._eyes(depsgraph.scene_eval.render):
                self._render_eye(depsgraph, name)
        except Cancelled:
            return
        except AvatarError as error:
            self._fail(str(error))
        except EngineBug:
            _log.exception("the engine failed while LHM Preview was rendering")
            self._fail(ENGINE_FAILED)
        except Exception:  # noqa: BLE001 - reported and logged; Blender 5.2 may crash on what leaves here
            _log.exception("LHM Preview failed")
            self._fail(FAILED)

    def _eyes(self, render: bpy.types.RenderSettings) -> Iterator[str]:
        """Names of the views to render; one without a name where there is one only."""
        if not render.use_multiview:
            yield ""
            return
        stereo = render.views_format == "STEREO_3D"
        for view in render.stereo_views if stereo else render.views:
            if view.use:
                self.active_view_set(view.name)
                yield view.name

    def _render_eye(self, depsgraph: bpy.types.Depsgraph, name: str) -> None:
        scene, layer = depsgraph.scene_eval, depsgraph.view_layer_eval
        view = self._view(depsgraph, bool(name))
        wanted = list(passes.passes_of(scene, layer))
        splats = collect_splats(depsgraph, view.eye(), passes.avatars(scene), unseen=True)
        lens = self._camera(depsgraph).data
        splats = in_clip_range(splats, view, lens)
        self.update_stats("", f"Drawing {splats.count} Gaussians")
        drawn = draw_scene(
            splats, view, surroundings(depsgraph, view), (lens.clip_start, lens.clip_end),
            [found.source for found in wanted], [cloud.pass_index for cloud in passes.avatars(scene)],
            self.test_break,
        )  # fmt: skip
        self._deliver(drawn, wanted, layer.name, name)

    def _camera(self, depsgraph: bpy.types.Depsgraph) -> bpy.types.Object:
        return (self.camera_override or depsgraph.scene_eval.camera).evaluated_get(depsgraph)

    def _view(self, depsgraph: bpy.types.Depsgraph, stereo: bool) -> View:
        scene, camera = depsgraph.scene_eval, self._camera(depsgraph)
        size = self.resolution_x, self.resolution_y
        eye = {}
        if stereo:
            eye["world_from_camera"] = np.array(self.camera_model_matrix(camera).normalized())
            eye["shift_x"] = self.camera_shift_x(camera)
        view = camera_view(scene, camera, depsgraph, *size, **eye)
        part = rendered_part(scene.render, *size)
        return view.cropped(part.left, part.top, part.width, part.height)

    def _fail(self, message: str) -> None:
        self.error_set(message)
        self.report({"ERROR"}, message)

    def _deliver(self, drawn: dict[str, Float], wanted: Sequence[Pass], layer: str, eye: str) -> None:
        for found in wanted:
            if found.own:
                self.add_pass(found.name, len(found.channels), found.channels, layer=layer)
        height, width = drawn["Combined"].shape[:2]
        result = self.begin_result(0, 0, width, height, layer=layer, view=eye)
        rects = result.layers[0].passes
        for found in wanted:
            if found.name in rects:
                values = np.ascontiguousarray(drawn[found.source][::-1], np.float32)
                rects[found.name].rect.foreach_set(values.ravel())
        self.end_result(result)


def surroundings(depsgraph: bpy.types.Depsgraph, view: View) -> Surroundings:
    """Everything in a view layer that is not an avatar.

    Args:
        depsgraph: Of the render.
        view: Lights follow it where the scene has none.
    """
    scene = depsgraph.scene_eval
    world = background(scene)
    behind = None if scene.render.film_transparent else world
    meshes = collect_meshes(depsgraph)
    if not meshes:
        return Surroundings({}, background=behind)
    lamps = collect_lamps(depsgraph)
    if lamps:
        return Surroundings(meshes, lamps, world, behind)
    axes = view.viewmat[:3, :3] / np.linalg.norm(view.viewmat[:3, :3], axis=1, keepdims=True)
    return Surroundings(meshes, *studio(axes.T * (1, -1, -1)), behind)


def rendered_part(render: bpy.types.RenderSettings, width: int, height: int) -> Rectangle:
    """The border in pixels, rounded as Blender does (in float32), or the whole picture."""
    if not render.use_border:
        return Rectangle(0, 0, width, height)
    x0, x1, y0, y1 = (
        int(np.float32(share) * np.float32(size))
        for share, size in (
            (render.border_min_x, width),
            (render.border_max_x, width),
            (render.border_min_y, height),
            (render.border_max_y, height),
        )
    )
    return Rectangle(x0, height - y1, x1 - x0, y1 - y0)


def in_clip_range(splats: Splats, view: View, camera: bpy.types.Camera) -> Splats:
    """Hide the Gaussians that the camera clips, whole ones by their centres; their shadows stay."""
    depth = view.depth(splats.means @ view.viewmat[2, :3] + view.viewmat[2, 3])
    inside = (depth > camera.clip_start) & (depth < camera.clip_end)
    return replace(splats, camera=splats.camera & inside)


def draw(splats: Splats, view: View, cancelled: Callable[[], bool] = lambda: False) -> Float:
    """Draw Gaussians and nothing else, on a transparent film.

    Args:
        splats: World space.
        view: The camera.
        cancelled: Asked while the engine works.

    Returns:
        Premultiplied, scene-linear RGB and alpha, top row first. [H, W, 4]

    Raises:
        AvatarError: If there is no engine.
        Cancelled: If ``cancelled`` said so.
    """
    return draw_scene(splats, view, NOTHING_ELSE, cancelled=cancelled)["Combined"]


def draw_scene(
    splats: Splats,
    view: View,
    around: Surroundings,
    clip: tuple[float, float] = (0.01, 1e10),
    wanted: Sequence[str] = ("Combined",),
    avatar_index: Sequence[int] = (),
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Float]:
    """Have the engine draw a picture.

    Args:
        splats: World space.
        view: The camera.
        around: Everything else.
        clip: What the camera sees of the meshes, metres.
        wanted: Passes by their names in the engine.
        avatar_index: Pass index of each avatar.
        cancelled: Asked while the engine works.

    Returns:
        The passes, top row first. [H, W, channels]

    Raises:
        AvatarError: If there is no engine.
        Cancelled: If ``cancelled`` said so.
    """
    if not around.meshes:
        splats = splats.take(splats.camera)  # nothing is there for shadows to fall on
    if not splats.count and not around.meshes:
        return _empty(view, around, wanted)
    with tempfile.TemporaryDirectory(prefix="lhm-avatars-") as folder:
        source, target = Path(folder, "scene.safetensors"), Path(folder, "image.npy")
        arrays = {f"splats.{name}": values for name, values in vars(splats).items()}
        arrays |= {f"meshes.{name}": values for name, values in around.meshes.items()}
        write_safetensors(source, arrays, {})
        params = {
            "scene": str(source), "output": str(target), "camera": _camera_fields(view, clip),
            "lamps": list(around.lamps), "ambient": around.ambient, "background": around.background,
            "passes": list(wanted), "avatar_index": list(avatar_index), "eps2d": DILATION,
        }  # fmt: skip
        answer = shared.call("preview", params, cancelled)
        image = np.load(target, allow_pickle=False)
    return {name: image[..., first:end] for name, (first, end) in answer["channels"].items()}


def _camera_fields(view: View, clip: tuple[float, float]) -> dict[str, Any]:
    """Those of the engine's ``preview.values.Camera``."""
    return {
        "viewmat": view.viewmat.tolist(), "K": view.K.tolist(), "width": view.width, "height": view.height,
        "near": clip[0], "far": clip[1], "squeeze": view.squeeze,
    }  # fmt: skip


def _empty(view: View, around: Surroundings, wanted: Sequence[str]) -> dict[str, Float]:
    """The picture of nothing, for which no engine is needed."""
    shape = view.height, view.width
    drawn = {name: np.zeros((*shape, _CHANNELS.get(name, 1)), np.float32) for name in wanted}
    if around.background is not None:
        drawn["Combined"][:] = *around.background, 1
    if "Depth" in drawn:
        drawn["Depth"][:] = FARTHEST
    return drawn


_CHANNELS = {"Combined": 4, "Normal": 3, "Seen": 3}


def attach(undo: ExitStack) -> None:
    """Show Blender's own panels for this engine, too, and end the engine process with the add-on."""
    undo.callback(shared.close)
    passes.attach(undo)
    join_panels(ENGINE_ID, undo)


CLASSES = (*passes.CLASSES, LHM_PreviewEngine)
