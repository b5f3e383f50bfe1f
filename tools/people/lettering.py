"""A print of letters, rasterised from Blender's own font."""

from __future__ import annotations

import bpy
import numpy as np

_WIDTH, _HEIGHT = 512, 256


def print_image(text: str) -> bpy.types.Image:
    """White letters on black with soft edges, as wide as the picture."""
    curve = bpy.data.curves.new("letters", "FONT")
    curve.body, curve.align_x, curve.align_y = text, "CENTER", "CENTER"
    made = bpy.data.objects.new("letters", curve)
    bpy.context.scene.collection.objects.link(made)
    mesh = made.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    mesh.calc_loop_triangles()
    points = np.array([v.co[:2] for v in mesh.vertices])
    triangles = np.array([t.vertices[:] for t in mesh.loop_triangles])
    bpy.data.objects.remove(made)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = min(0.94 * 2 * _WIDTH / (high[0] - low[0]), 0.9 * 2 * _HEIGHT / (high[1] - low[1]))
    points = (points - 0.5 * (low + high)) * scale + [_WIDTH, _HEIGHT]
    canvas = np.zeros((2 * _HEIGHT, 2 * _WIDTH), np.float32)
    for a, b, c in points[triangles]:
        _fill(canvas, a, b, c)
    canvas = canvas.reshape(_HEIGHT, 2, _WIDTH, 2).mean(axis=(1, 3))
    image = bpy.data.images.new(f"print {text}", _WIDTH, _HEIGHT)
    image.colorspace_settings.name = "Non-Color"
    image.pixels.foreach_set(np.repeat(canvas[..., None], 4, axis=2).ravel())
    image.pack()
    return image


def _fill(canvas: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    x0, y0 = np.maximum(np.floor(np.min([a, b, c], axis=0)).astype(int), 0)
    x1, y1 = np.ceil(np.max([a, b, c], axis=0)).astype(int) + 1
    y, x = np.mgrid[y0 : min(y1, canvas.shape[0]), x0 : min(x1, canvas.shape[1])] + 0.5
    signs = [(q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) for p, q in ((a, b), (b, c), (c, a))]
    inside = np.all([s >= 0 for s in signs], axis=0) | np.all([s <= 0 for s in signs], axis=0)
    canvas[y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1]][inside] = 1.0
