"""Draws the avatars into every 3D Viewport: what is kept between redraws, and what makes it stale.

Two handlers belong together. Before the scene is drawn, the frame buffer of the scene's colours is active: it
is remembered. Afterwards the splats are laid over it, so that bones and outlines, which are drawn into
another buffer, stay on top.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .draw import Canvas, Eye, Painter, Textures, order_texture
from .order import Pace, far_to_near, view_depths
from .scene import Reading, read_scene

if TYPE_CHECKING:
    import bpy
    import gpu

_MOST_VIEWS = 16  # pictures kept; regions that were closed drop out


@dataclass
class View:
    """What is kept of one region of a window.

    Args:
        canvas: Its picture.
        pace: How often it may be ordered anew.
        order: On the card.
        count: Splats in it.
        ordered: What the order was made for.
        painted: What the picture was painted for.
    """

    canvas: Canvas
    pace: Pace = field(default_factory=Pace)
    order: gpu.types.GPUTexture | None = None
    count: int = 0
    ordered: tuple[object, ...] = ()
    painted: tuple[object, ...] = ()


class Layer:
    """The avatars of one view layer, on the card, and its views."""

    def __init__(self, painter: Painter) -> None:
        self.reading = Reading()
        self.textures = Textures()
        self.version = 0
        self._painter = painter
        self._views: dict[object, View] = {}
        self._current = False
        self._stale: set[str] | None = None

    def invalidate(self, names: set[str] | None = None) -> None:
        """Read again before the next drawing.

        Args:
            names: Full names of the objects whose geometry is new; None for all.
        """
        self._current = False
        self._stale = None if names is None or self._stale is None else self._stale | names

    def update(self, depsgraph: bpy.types.Depsgraph) -> None:
        """Read and upload what changed since the last time."""
        if self._current:
            return
        self.reading = read_scene(depsgraph, self.reading, self._stale)
        self._current, self._stale = True, set()
        if self.reading.changed:
            self.textures.load(self.reading.clouds, set(self.reading.changed))
            self.version += 1

    def draw(
        self,
        key: object,
        eye: Eye,
        shown: tuple[bool, ...],
        scene: gpu.types.GPUFrameBuffer,
        overlays: gpu.types.GPUFrameBuffer | None,
    ) -> float:
        """Draw one view.

        Args:
            key: Of the region.
            eye: The view.
            shown: Which of the avatars are visible in it.
            scene: Its colours and depth.
            overlays: As `Painter.lay_over` takes them.

        Returns:
            0, or seconds after which it should be drawn again because its order is an old one.
        """
        if not any(shown):
            return 0.0
        view = self._view(key, eye)
        wait = self._order(view, eye, shown)
        content = (self.version, view.ordered, eye.view.tobytes(), eye.window.tobytes())
        if view.painted != content and view.order is not None:
            self._painter.paint(view.canvas, self.textures, view.order, view.count, eye)
            view.painted = content
        self._painter.lay_over(view.canvas, scene, overlays, eye)
        return wait

    def _view(self, key: object, eye: Eye) -> View:
        view = self._views.pop(key, None)
        if view is None or view.canvas.size != (eye.width, eye.height):
            view = View(Canvas(eye.width, eye.height))
        self._views[key] = view  # last: the one that was used last
        while len(self._views) > _MOST_VIEWS:
            del self._views[next(iter(self._views))]
        return view

    def _order(self, view: View, eye: Eye, shown: tuple[bool, ...]) -> float:
        """Order the splats if the view or they moved, and it can be afforded; else say when to try again."""
        rows = sum(cloud.count for cloud in self.reading.clouds)
        row = eye.depth_row()
        wanted = (self.version, row.tobytes(), shown, rows)
        if wanted == view.ordered:
            return 0.0
        wait = view.pace.due_in()
        if wait > 0 and view.ordered[2:] == wanted[2:]:
            return wait
        began = time.perf_counter()
        order = far_to_near(view_depths(self.reading.clouds, shown, row))
        view.order, view.count, view.ordered = order_texture(order), len(order), wanted
        view.pace.note(began)
        return 0.0


def eye_of(region_data: bpy.types.RegionView3D, width: int, height: int) -> Eye:
    """The view of a region: perspective, orthographic, or through the camera.

    Args:
        region_data: The region's.
        width: Pixels.
        height: Pixels.
    """
    return Eye(np.array(region_data.view_matrix), np.array(region_data.window_matrix), width, height)


def visible(reading: Reading, space: bpy.types.SpaceView3D) -> tuple[bool, ...]:
    """Which avatars a viewport shows: local view, its filter of types and hidden collections count."""
    return tuple(one.owner.visible_in_viewport_get(space) for one in reading.shown)
