"""What lies on the graphics card: textures of the splats, a picture of each view, and how they are drawn.

Everything here needs a GPU context: it runs inside a draw handler, or after ``gpu.init()``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import gpu
import numpy as np
from mathutils import Matrix

from . import shader
from .pack import WIDTH, blocks, joined, joined_harmonics, texture_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...engine.avatar.arrays import Float, Int
    from .pack import Cloud

_CORNERS = ((-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0))
# What each shader uses; a uniform that it does not use cannot be set.
_SPLAT_PROJECTION, _OVERLAY_PROJECTION = ("lens", "shift", "frame"), ("shift", "frame")
_FORMATS = {1: "R32F", 4: "RGBA32F"}


@dataclass(frozen=True)
class Eye:
    """A view of the scene.

    Args:
        view: Camera from world, Blender's axes: x right, y up, looks along -z. [4, 4]
        window: OpenGL's clip space from the camera. [4, 4]
        width: Pixels.
        height: Pixels.
    """

    view: Float
    window: Float
    width: int
    height: int

    def depth_row(self) -> Float:
        """What makes a world point's distance along the view: three factors and a term. [4]"""
        return -np.asarray(self.view, np.float64)[2]

    def projection(self) -> dict[str, tuple[float, float, float, float]]:
        """Uniforms: the entries of ``window`` that are not always zero, for cards promise 128 bytes only."""
        window = [[float(number) for number in row] for row in self.window]
        return {
            "lens": (window[0][0], window[1][1], window[0][2], window[1][2]),
            "shift": (window[0][3], window[1][3], window[2][2], window[2][3]),
            "frame": (float(self.width), float(self.height), window[3][3], 0.0),
        }


def texture(values: Float, channels: int = 4) -> gpu.types.GPUTexture:
    """Upload texels, one after the other.

    Args:
        values: Any shape.
        channels: Floats of a texel, 1 or 4.
    """
    rows = texture_rows(values, channels)
    buffer = gpu.types.Buffer("FLOAT", rows.size, rows.ravel())
    return gpu.types.GPUTexture((WIDTH, len(rows)), format=_FORMATS[channels], data=buffer)


class Textures:
    """The splats of all avatars on the card; each kind is uploaded when it has changed."""

    def __init__(self) -> None:
        self.coefficients = 0
        self._textures: dict[str, gpu.types.GPUTexture] = {}

    def load(self, clouds: Sequence[Cloud], changed: set[str]) -> None:
        """Upload.

        Args:
            clouds: All of them.
            changed: Kinds that differ from what is there: ``moving`` (means and turns), ``blocks``,
                ``still`` (with the harmonics).
        """
        if "moving" in changed:
            self._textures["means"] = texture(joined(clouds, "means"), channels=1)
            self._textures["turns"] = texture(joined(clouds, "turns"))
        if "blocks" in changed:
            self._textures["blocks"] = texture(blocks(clouds))
        if "still" in changed:
            self._textures["still"] = texture(joined(clouds, "still"))
            harmonics = joined_harmonics(clouds)
            self.coefficients = 0 if harmonics is None else harmonics.shape[1] - 1
            self._textures.pop("harmonic", None)
            if harmonics is not None:
                self._textures["harmonic"] = texture(harmonics)

    def bind(self, program: gpu.types.GPUShader) -> None:
        """Hand them to the splats' shader."""
        for name, held in self._textures.items():
            program.uniform_sampler(name, held)


class Canvas:
    """The picture of one view before it is laid over the scene: blended splats, and their distance."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.picture = gpu.types.GPUTexture(self.size, format="RGBA16F")
        self.surface = gpu.types.GPUTexture(self.size, format="RG32F")
        self.frame = gpu.types.GPUFrameBuffer(color_slots=(self.picture, self.surface))


class Painter:
    """Compiled shaders. One instance serves all views.

    Raises:
        Exception: Whatever the graphics driver says of a shader that it does not take.
    """

    def __init__(self) -> None:
        self._splats: dict[int, gpu.types.GPUShader] = {}
        self._overlay = _overlay_program()
        self._quad = _quad()
        self.program(0)

    def program(self, coefficients: int) -> gpu.types.GPUShader:
        """The shader for so many harmonics besides the constant one, compiled when first wanted."""
        if coefficients not in self._splats:
            self._splats[coefficients] = _splat_program(coefficients)
        return self._splats[coefficients]

    def paint(
        self, canvas: Canvas, textures: Textures, order: gpu.types.GPUTexture, count: int, eye: Eye
    ) -> None:
        """Blend splats into an empty picture.

        Args:
            canvas: Of the view's size.
            textures: The splats.
            order: From `order_texture`.
            count: How many of it to draw.
            eye: The view.
        """
        program = self.program(textures.coefficients)
        with canvas.frame.bind():  # type: ignore[reportGeneralTypeIssues]
            canvas.frame.clear(color=(0.0, 0.0, 0.0, 0.0))
            if not count:
                return
            gpu.state.depth_test_set("NONE")
            gpu.state.depth_mask_set(False)
            gpu.state.blend_set("ALPHA_PREMULT")
            program.bind()
            textures.bind(program)
            program.uniform_sampler("order", order)
            program.uniform_float("view", Matrix(eye.view.tolist()))
            for name, value in eye.projection().items():
                program.uniform_float(name, value)
            self._quad.draw_instanced(program, instance_start=0, instance_count=count)
            gpu.state.blend_set("NONE")

    def lay_over(
        self,
        canvas: Canvas,
        scene: gpu.types.GPUFrameBuffer,
        overlays: gpu.types.GPUFrameBuffer | None,
        eye: Eye,
    ) -> None:
        """Lay the picture over the scene where nothing of the scene is nearer.

        Args:
            canvas: Painted for the same view.
            scene: The scene's colours, scene-linear, with its depth.
            overlays: Blender's overlays and background, with the same depth; None where there are none.
            eye: The view.
        """
        gpu.state.depth_mask_set(False)
        self._overlay.bind()
        self._overlay.uniform_sampler("picture", canvas.picture)
        self._overlay.uniform_sampler("surface", canvas.surface)
        self._overlay.uniform_float("shift", eye.projection()["shift"])
        self._lay(scene, shader.OVER, "ALPHA_PREMULT", "LESS_EQUAL", eye)
        if overlays is not None:
            self._lay(scene, shader.DIM, "ADDITIVE_PREMULT", "EQUAL", eye)
            self._lay(overlays, shader.HIDE, "MULTIPLY", "EQUAL", eye)
        gpu.state.blend_set("NONE")
        gpu.state.depth_test_set("NONE")

    def _lay(
        self, target: gpu.types.GPUFrameBuffer, step: int, blend: str, depth_test: str, eye: Eye
    ) -> None:
        with target.bind():  # type: ignore[reportGeneralTypeIssues]
            gpu.state.depth_test_set(depth_test)
            gpu.state.blend_set(blend)
            width, height, parallel, _ = eye.projection()["frame"]
            self._overlay.uniform_float("frame", (width, height, parallel, float(step)))
            self._quad.draw(self._overlay)


def order_texture(order: Int) -> gpu.types.GPUTexture:
    """Upload the splats' order; float32 counts to 16 million without a gap."""
    return texture(order, channels=1)


def _push_projection(info: gpu.types.GPUShaderCreateInfo, names: Iterable[str]) -> None:
    for name in names:
        info.push_constant("VEC4", name)


def _quad() -> gpu.types.GPUBatch:
    layout = gpu.types.GPUVertFormat()
    layout.attr_add(id="corner", comp_type="F32", len=2, fetch_mode="FLOAT")
    corners = gpu.types.GPUVertBuf(layout, len(_CORNERS))
    corners.attr_fill(id="corner", data=_CORNERS)
    return gpu.types.GPUBatch(type="TRI_STRIP", buf=corners)


def _splat_program(coefficients: int) -> gpu.types.GPUShader:
    between = gpu.types.GPUStageInterfaceInfo("lhm_splat")
    between.smooth("VEC2", "reach")
    between.flat("VEC4", "shade")
    between.flat("FLOAT", "front")
    info = gpu.types.GPUShaderCreateInfo()
    for name, value in (
        ("WIDTH", WIDTH), ("HARMONICS", coefficients), ("DILATION", shader.DILATION),
        ("MAX_ALPHA", shader.MAX_ALPHA), ("SURE_ALPHA", shader.SURE_ALPHA), ("NEARER", shader.NEARER),
    ):  # fmt: skip
        info.define(name, str(value))
    info.push_constant("MAT4", "view")
    _push_projection(info, _SPLAT_PROJECTION)
    names = ("means", "turns", "still", "blocks", "order")
    for slot, name in enumerate((*names, "harmonic") if coefficients else names):
        info.sampler(slot, "FLOAT_2D", name)
    info.vertex_in(0, "VEC2", "corner")
    info.vertex_out(between)
    info.fragment_out(0, "VEC4", "picture")
    info.fragment_out(1, "VEC4", "surface")
    info.vertex_source(shader.SPLAT_VERTEX)
    info.fragment_source(shader.SPLAT_FRAGMENT)
    return gpu.shader.create_from_info(info)


def _overlay_program() -> gpu.types.GPUShader:
    info = gpu.types.GPUShaderCreateInfo()
    info.define("GREY", str(shader.GREY))
    _push_projection(info, _OVERLAY_PROJECTION)
    info.sampler(0, "FLOAT_2D", "picture")
    info.sampler(1, "FLOAT_2D", "surface")
    info.vertex_in(0, "VEC2", "corner")
    info.fragment_out(0, "VEC4", "scene")
    info.depth_write("ANY")
    info.vertex_source(shader.OVERLAY_VERTEX)
    info.fragment_source(shader.OVERLAY_FRAGMENT)
    return gpu.shader.create_from_info(info)
