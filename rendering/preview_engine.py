"""The render engine 'LHM Preview': draws avatars, and only avatars, exactly as the engine made them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.errors import AvatarError
from ..engine.formats.safetensors import write_safetensors
from ..engine.protocol import Cancelled, EngineBug
from .camera import View, camera_view
from .display_nodes import DILATION
from .engine_panels import join_panels
from .engine_session import shared
from .picture import background, light_from_blend, mean_depth, over
from .splats import Splats, collect_splats

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from ..engine.avatar.arrays import Float

ENGINE_ID = "LHM_PREVIEW"


@dataclass(frozen=True)
class Rectangle:
    """The rendered part of a picture, pixels from the upper left corner."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Frame:
    """A rendered view layer, top row first.

    Args:
        color: Premultiplied, scene-linear RGB and alpha. [H, W, 4]
        depth: Distance along the camera's axis, metres. [H, W]
    """

    color: Float
    depth: Float


class LHM_PreviewEngine(bpy.types.RenderEngine):
    """Draws the Gaussian avatars of the scene; other objects are left out, and there is no motion blur."""

    bl_idname = ENGINE_ID
    bl_label = "LHM Preview"
    bl_use_preview = False
    bl_use_eevee_viewport = True

    def update_render_passes(
        self, scene: bpy.types.Scene | None = None, renderlayer: bpy.types.ViewLayer | None = None
    ) -> None:
        """Say which passes there are."""
        self.register_pass(scene, renderlayer, "Combined", 4, "RGBA", "COLOR")
        if renderlayer is not None and renderlayer.use_pass_z:
            self.register_pass(scene, renderlayer, "Depth", 1, "Z", "VALUE")

    def render(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Render one view layer of one frame."""
        scene = depsgraph.scene_eval
        size = self.resolution_x, self.resolution_y
        part = rendered_part(scene.render, *size)
        try:
            camera = (self.camera_override or scene.camera).evaluated_get(depsgraph)
            view = camera_view(scene, camera, depsgraph, *size)
            view = view.cropped(part.left, part.top, part.width, part.height)
            splats = in_clip_range(collect_splats(depsgraph), view, camera.data)
            self.update_stats("", f"Drawing {splats.count} Gaussians")
            frame = draw(splats, view, self.test_break)
        except Cancelled:
            return
        except AvatarError as error:
            self._fail(str(error))
            return
        except EngineBug:
            self._fail("The engine made an error; the console has the details. Please report it.")
            raise
        if not scene.render.film_transparent:
            frame = Frame(over(frame.color, background(scene)), frame.depth)
        self._deliver(frame, depsgraph.view_layer_eval.name)

    def _fail(self, message: str) -> None:
        self.error_set(message)
        self.report({"ERROR"}, message)

    def _deliver(self, frame: Frame, layer_name: str) -> None:
        height, width = frame.depth.shape
        result = self.begin_result(0, 0, width, height, layer=layer_name)
        passes = result.layers[0].passes
        for name, values in (("Combined", frame.color), ("Depth", frame.depth)):
            if name in passes:
                passes[name].rect.foreach_set(np.ascontiguousarray(values[::-1], np.float32).ravel())
        self.end_result(result)


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
    """Without the Gaussians that the camera clips, whole ones by their centres."""
    depth = view.depth(splats.means @ view.viewmat[2, :3] + view.viewmat[2, 3])
    return splats.take((depth > camera.clip_start) & (depth < camera.clip_end))


def draw(splats: Splats, view: View, cancelled: Callable[[], bool] = lambda: False) -> Frame:
    """Draw Gaussians.

    Args:
        splats: World space.
        view: The camera.
        cancelled: Asked while the engine works.

    Raises:
        AvatarError: If there is no engine.
        Cancelled: If ``cancelled`` said so.
    """
    if splats.count == 0:
        image = np.zeros((view.height, view.width, 5), np.float32)
    else:
        image = _rasterize(splats, view, splats.colors, cancelled)
    alpha, total = image[..., 3], image[..., 4]
    color = image[..., :3]
    depth = mean_depth(total, alpha, view)
    if splats.holdout.any():
        # A holdout hides what is behind it and leaves a hole: its own weights count neither as colour nor
        # as alpha. A picture with the seen share as colour says how much alpha is left.
        seen = (1 - splats.holdout)[:, None]
        color = _rasterize(splats, view, splats.colors * seen, cancelled)[..., :3]
        alpha = _rasterize(splats, view, np.repeat(seen, 3, axis=1), cancelled)[..., 0]
    return Frame(light_from_blend(color, alpha), depth)


def _rasterize(splats: Splats, view: View, colors: Float, cancelled: Callable[[], bool]) -> Float:
    """Have the engine draw: premultiplied display-space RGB, alpha, depth sum. [H, W, 5]"""
    with tempfile.TemporaryDirectory(prefix="lhm-avatars-") as folder:
        arrays = {name: getattr(splats, name) for name in ("means", "quats", "scales", "opacities")}
        source, target = Path(folder, "splats.safetensors"), Path(folder, "image.npy")
        write_safetensors(source, {**arrays, "colors": np.asarray(colors, np.float32)}, {})
        params = {
            "splats": str(source), "output": str(target),
            "viewmat": view.viewmat.tolist(), "K": view.K.tolist(),
            "width": view.width, "height": view.height, "eps2d": DILATION,
        }  # fmt: skip
        shared.call("rasterize", params, cancelled)
        return np.load(target, allow_pickle=False)


def attach(undo: ExitStack) -> None:
    """Show Blender's own panels for this engine, too, and end the engine process with the add-on."""
    undo.callback(shared.close)
    join_panels(ENGINE_ID, undo)


CLASSES = (LHM_PreviewEngine,)
