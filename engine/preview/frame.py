"""The splats with the picture of the meshes, and the passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from ..avatar.rotations import matrix_from_quat
from ..raster import Image, rasterize
from .color import light_from_blend, over
from .meshes import draw_meshes
from .shade import ALPHA, FAR, NEAR, NORMAL, SHARE
from .triangles import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .meshes import MeshPicture
    from .values import Array, Camera, Doubles, Scene, Splats

COMBINED, DEPTH, NORMALS, INDEX, SEEN, MASK = "Combined", "Depth", "Normal", "IndexOB", "Seen", "Mask"
"""Passes. There is a ``Mask`` per avatar: its number follows."""

FARTHEST = 1e10  # what Blender's engines write where there is nothing
_SOLID = 0.5  # alpha from which a pixel shows splats and not what is behind them
_SEEN = (SEEN_PHOTO, SEEN_MIRRORED, SEEN_FILLED)  # in red, green, blue


class Blend:
    """Splats drawn in front of the meshes, with whatever one wants for colours.

    Args:
        splats: Those that the camera sees.
        camera: Whose picture.
        picture: Of the meshes; None where there are none.
        eps2d: Of the rasterizer.
    """

    def __init__(self, splats: Splats, camera: Camera, picture: MeshPicture | None, eps2d: float) -> None:
        self._splats, self._camera, self._picture, self._eps2d = splats, camera, picture, eps2d

    def layers(self) -> list[int]:
        """Those that there are."""
        if self._picture is not None and self._picture.layers[NEAR, ..., SHARE].any():
            return [NEAR, FAR]
        return [FAR]

    def share(self, layer: int) -> Array | float:
        """Part of each pixel that a layer has. [H, W, 1]"""
        return 1.0 if self._picture is None else self._picture.layers[layer, ..., SHARE, None]

    def draw(self, layer: int, colors: Array) -> Image:
        """Draw in front of one layer of the meshes.

        Args:
            layer: NEAR or FAR.
            colors: Any three channels. [N, 3]
        """
        splats, camera = self._splats, self._camera
        if len(splats.means) == 0:
            plane = np.zeros((camera.height, camera.width), np.float32)
            return Image(np.zeros((*plane.shape, 3), np.float32), plane, plane)
        return rasterize(
            splats.means, splats.quats, splats.scales, splats.opacities, colors,
            camera.viewmat, camera.K, camera.width, camera.height,
            eps2d=self._eps2d, max_depth=self._limits(layer), backend="auto",
        )  # fmt: skip

    def _limits(self, layer: int) -> Doubles | None:
        if self._picture is None:
            return None
        z = self._picture.layer_z[layer]
        # A layer without a share of the pixel need not be drawn there at all.
        cut = np.where(z >= NOTHING, np.inf, z)
        return np.where(self._picture.layers[layer, ..., SHARE] > 0, cut, -np.inf)

    def mixed(self, colors: Array) -> Array:
        """Weights times colours, of all layers. [H, W, 3]"""
        return np.sum([self.share(layer) * self.draw(layer, colors).color for layer in self.layers()], axis=0)


def draw_scene(
    scene: Scene,
    camera: Camera,
    passes: Sequence[str],
    *,
    background: tuple[float, float, float] | None = None,
    avatar_index: Sequence[int] = (),
    eps2d: float = 0.3,
    progress: Callable[[str, float, str], None] = lambda *_: None,
) -> dict[str, Array]:
    """Draw a picture and its passes.

    Args:
        scene: What there is.
        camera: Whose picture.
        passes: Names as above.
        background: Behind everything, scene-linear; None for a transparent film.
        avatar_index: Pass index of each avatar.
        eps2d: Of the rasterizer.
        progress: Told between steps.

    Returns:
        Arrays by the names of the passes, top row first. [H, W, channels]
    """
    picture = draw_meshes(scene, camera, eps2d, progress)
    progress("splats", 0.0, "splats")
    splats = scene.splats.take(scene.splats.camera)
    blend = Blend(splats, camera, picture, eps2d)
    images = {layer: blend.draw(layer, splats.colors) for layer in blend.layers()}
    combined = _combined(blend, splats, picture, images)
    result = {COMBINED: combined if background is None else over(combined, background)}
    if DEPTH in passes:
        result[DEPTH] = _depth(camera, picture, images)[..., None]
    if NORMALS in passes:
        result[NORMALS] = _normal(blend, splats, camera, picture, images)
    if SEEN in passes:
        chosen = splats.seen[:, None] == np.array(_SEEN)
        result[SEEN] = blend.mixed(chosen.astype(np.float32))
    result |= _masks(blend, splats, picture, images, passes, avatar_index)
    return {name: np.asarray(values, np.float32) for name, values in result.items()}


def _combined(blend: Blend, splats: Splats, picture: MeshPicture | None, images: dict[int, Image]) -> Array:
    total = 0.0
    for layer, image in images.items():
        front = light_from_blend(*_without_holdouts(blend, splats, layer, image))
        front = blend.share(layer) * front
        if picture is not None:
            front += (1 - image.alpha[..., None]) * picture.layers[layer, ..., : ALPHA + 1]
        total = total + front
    return np.asarray(total, np.float32)


def _without_holdouts(blend: Blend, splats: Splats, layer: int, image: Image) -> tuple[Array, Array]:
    """Colour and alpha of a layer.

    A holdout hides what is behind it and leaves a hole: its own weights count neither as colour nor as
    alpha. A picture with the seen share as colour says how much alpha is left.
    """
    if not splats.holdout.any():
        return image.color, image.alpha
    kept = (1 - splats.holdout)[:, None]
    color = blend.draw(layer, splats.colors * kept).color
    return color, blend.draw(layer, np.repeat(kept, 3, axis=1)).color[..., 0]


def _at_centre(picture: MeshPicture | None, values: dict[int, Array]) -> Array:
    """Of values per layer, those of the layer at each pixel's centre. [H, W, ...]"""
    if picture is None or NEAR not in values:
        return values[FAR]
    near = picture.middle[..., 0] == NEAR
    return np.where(near if values[FAR].ndim == 2 else near[..., None], values[NEAR], values[FAR])


def _depth(camera: Camera, picture: MeshPicture | None, images: dict[int, Image]) -> Array:
    """Metres along the axis, of what covers the pixel's centre for the most part."""
    alpha = _at_centre(picture, {layer: image.alpha for layer, image in images.items()})
    total = _at_centre(picture, {layer: image.depth for layer, image in images.items()})
    behind = np.full(alpha.shape, FARTHEST)
    if picture is not None:
        there = picture.middle_z < NOTHING
        behind[there] = camera.depth(picture.middle_z[there])
    mean = camera.depth(total / np.maximum(alpha, _SOLID))
    return np.where(alpha >= _SOLID, mean, behind)


def shortest_axes(splats: Splats, eye: Doubles) -> Array:
    """World normals of flat Gaussians, towards the camera.

    Args:
        splats: N of them.
        eye: As ``Camera.eye`` gives it. [4]

    Returns:
        [N, 3]
    """
    axes = matrix_from_quat(splats.quats)
    shortest = np.argmin(splats.scales, axis=1)
    normals = np.take_along_axis(axes, shortest[:, None, None], axis=2)[..., 0]
    away = np.einsum("nk,nk->n", normals, eye[:3] - eye[3] * splats.means) < 0
    return np.where(away[:, None], -normals, normals).astype(np.float32)


def _normal(
    blend: Blend, splats: Splats, camera: Camera, picture: MeshPicture | None, images: dict[int, Image]
) -> Array:
    total = blend.mixed(shortest_axes(splats, camera.eye()))
    if picture is not None:
        for layer, image in images.items():
            total = total + (1 - image.alpha[..., None]) * picture.layers[layer, ..., NORMAL]
    return total


def _masks(
    blend: Blend,
    splats: Splats,
    picture: MeshPicture | None,
    images: dict[int, Image],
    passes: Iterable[str],
    avatar_index: Sequence[int],
) -> dict[str, Array]:
    """How much of each pixel each avatar has, and the index of whatever has most."""
    wanted = [name for name in passes if name.startswith(MASK)]
    if not wanted and INDEX not in passes:
        return {}
    count = len(avatar_index)
    owners = count + bool((splats.owner >= count).any())  # one more for those that are nobody's
    found = np.zeros((*images[FAR].alpha.shape, -(-max(owners, 1) // 3) * 3), np.float32)
    for first in range(0, owners, 3):
        chosen = splats.owner[:, None] == np.arange(first, first + 3)
        found[..., first : first + 3] = blend.mixed(chosen.astype(np.float32))
    result = {name: found[..., int(name[len(MASK) :]), None] for name in wanted}
    if INDEX in passes:
        alpha = _at_centre(picture, {layer: image.alpha for layer, image in images.items()})
        index = np.zeros(alpha.shape) if picture is None else picture.index
        indices = np.array([*avatar_index, 0])  # the last stands for none
        avatar = indices[np.minimum(found.argmax(axis=-1), count)]
        result[INDEX] = np.where(alpha >= _SOLID, avatar, index)[..., None]
    return result
