"""What there is to draw: the posed Gaussians of every visible avatar, in Blender's world.

The evaluated objects are posed already, by nodes; nothing here knows about bones.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.rotations import matrix_from_quat, quat_from_matrix
from ..rigging.avatar_objects import AVATAR_KEY, SHADOW_APART_KEY
from ..rigging.pointcloud import read_attribute
from .display_nodes import CORNERS
from .splat_colors import seen_colors
from .splat_material import CORNER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import bpy
    from numpy.typing import NDArray

    from ..engine.avatar.arrays import Float

_SAME_SCALE = 1e-4  # relative; below, three axes count as scaled alike


@dataclass(frozen=True)
class Splats:
    """N Gaussians ready to draw.

    Args:
        means: Centres, world, metres. [N, 3]
        quats: Unit w, x, y, z, world. [N, 4]
        scales: Standard deviations, metres. [N, 3]
        opacities: 0..1. [N]
        colors: Display-space RGB. [N, 3]
        holdout: 1 where the object cuts a hole instead of being seen, else 0. [N]
        owner: Which of the avatars asked for, their number for any other. [N]
        seen: What the photos say of it, see ``engine.avatar.avatar``. [N]
        camera: Whether the camera sees it. [N]
        shadow: Whether it casts shadows. [N]
    """

    means: Float
    quats: Float
    scales: Float
    opacities: Float
    colors: Float
    holdout: Float
    owner: NDArray[np.int32]
    seen: NDArray[np.int32]
    camera: NDArray[np.bool_]
    shadow: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return len(self.means)

    def take(self, chosen: NDArray[np.bool_]) -> Splats:
        """Those that a mask names."""
        return Splats(**{field.name: getattr(self, field.name)[chosen] for field in fields(Splats)})


def collect_splats(
    depsgraph: bpy.types.Depsgraph,
    eye: Float | None = None,
    avatars: Sequence[bpy.types.Object] = (),
    *,
    unseen: bool = False,
) -> Splats:
    """Gather the Gaussians of all visible objects and instances of a view layer.

    Args:
        depsgraph: Evaluated for the viewport or for a render.
        eye: What looks at them, as ``View.eye`` gives it. Without it, and for avatars without spherical
            harmonics, colours are those that all sides share. [4]
        avatars: Point clouds that ``Splats.owner`` tells apart.
        unseen: Also those that only cast shadows.
    """
    numbers = {cloud.name_full: number for number, cloud in enumerate(avatars)}
    found = _joined(
        _splats_of(instance, depsgraph, eye, numbers, len(avatars)) for instance in _instances(depsgraph)
    )
    return found if unseen or found.camera.all() else found.take(found.camera)


def _instances(depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.DepsgraphObjectInstance]:
    """Point clouds with Gaussians, and the quads that the display nodes make of them."""
    for instance in depsgraph.object_instances:
        shown = instance.object
        if not instance.show_self or shown.type not in ("POINTCLOUD", "MESH"):
            continue
        attributes = shown.data.attributes  # type: ignore[union-attr]
        quads = shown.type == "MESH" and CORNER in attributes
        seen = shown.visible_camera or shown.visible_shadow
        splats = (quads or shown.type == "POINTCLOUD") and "gs_color" in attributes
        if seen and splats and has_size(instance):
            yield instance


def has_size(instance: bpy.types.DepsgraphObjectInstance) -> bool:
    """Whether it is not scaled to nothing, as animations do to make things vanish."""
    return any(any(row[:3]) for row in instance.matrix_world[:3])


def _splats_of(
    instance: bpy.types.DepsgraphObjectInstance,
    depsgraph: bpy.types.Depsgraph,
    eye: Float | None,
    numbers: dict[str, int],
    others: int,
) -> Splats:
    shown, step = instance.object, CORNERS if instance.object.type == "MESH" else 1
    data = shown.data
    rotation = "rotation" if "rotation" in data.attributes else "rest_rotation"  # type: ignore[union-attr]
    means = read_attribute(data, "position")  # type: ignore[arg-type]
    quats, scales, opacities, colors = (
        read_attribute(data, name)[::step]  # type: ignore[arg-type]
        for name in (rotation, "scale", "opacity", "gs_color")
    )
    means = means.reshape(-1, step, 3).mean(axis=1)  # the middle of a quad is its Gaussian's
    count, cloud, matrix = len(means), _cloud(instance), np.array(instance.matrix_world)
    colors = colors[:, :3]
    if eye is not None:
        colors = seen_colors(cloud.data, means, quats, colors, np.linalg.pinv(matrix) @ eye)
    seen = read_attribute(data, "seen")[::step] if "seen" in data.attributes else np.zeros(count, np.int32)
    local = Splats(
        means, quats, scales, opacities, colors,
        holdout=np.full(count, _is_holdout(instance, depsgraph), np.float32),
        owner=np.full(count, numbers.get(cloud.name_full, others), np.int32),
        seen=seen,
        camera=np.full(count, is_camera_visible(instance, depsgraph)),
        shadow=np.full(count, shown.visible_shadow or bool(shown.get(SHADOW_APART_KEY))),
    )  # fmt: skip
    return transformed(local, matrix)


def _cloud(instance: bpy.types.DepsgraphObjectInstance) -> bpy.types.Object:
    """The avatar's object in the file; quads of nodes belong to the object that has the nodes."""
    shown, parent = instance.object.original, instance.parent
    if shown.get(AVATAR_KEY) or parent is None or not parent.get(AVATAR_KEY):
        return shown
    return parent.original


def _is_holdout(instance: bpy.types.DepsgraphObjectInstance, depsgraph: bpy.types.Depsgraph) -> bool:
    """By the object's own switch or its collection's in the view layer."""
    original = (instance.parent or instance.object).original
    return original.is_holdout or original.holdout_get(view_layer=depsgraph.view_layer)


def is_camera_visible(instance: bpy.types.DepsgraphObjectInstance, depsgraph: bpy.types.Depsgraph) -> bool:
    """Whether cameras see it; its collection may be there for light and shadow only."""
    original = (instance.parent or instance.object).original
    return instance.object.visible_camera and not original.indirect_only_get(view_layer=depsgraph.view_layer)


def transformed(splats: Splats, world_from_local: Float) -> Splats:
    """Move, turn and stretch Gaussians.

    Args:
        splats: Local.
        world_from_local: Any affine transform. [4, 4]
    """
    linear, shift = np.asarray(world_from_local, np.float64)[:3, :3], world_from_local[:3, 3]
    factor = np.cbrt(abs(np.linalg.det(linear)))
    axes = linear @ matrix_from_quat(splats.quats)
    if np.allclose(linear.T @ linear, factor**2 * np.eye(3), rtol=0, atol=_SAME_SCALE * factor**2):
        axes, scales = axes / factor, splats.scales * factor
    else:
        axes, scales, _ = np.linalg.svd(axes * splats.scales[:, None, :])
    axes = axes * np.sign(np.linalg.det(axes))[:, None, None]  # a mirror image of an ellipsoid is one, too
    arrays = {
        "means": splats.means @ linear.T + shift,
        "quats": quat_from_matrix(axes),
        "scales": scales,
    }
    kept = {field.name: getattr(splats, field.name) for field in fields(Splats)}
    return Splats(**kept | {name: array.astype(np.float32) for name, array in arrays.items()})


def _joined(parts: Iterable[Splats]) -> Splats:
    parts = list(parts)
    empty = _no_splats()
    return Splats(
        **{
            name: np.concatenate([getattr(empty, name), *(getattr(part, name) for part in parts)])
            for name in (field.name for field in fields(Splats))
        }
    )


def _no_splats() -> Splats:
    three, four, one = (np.zeros(shape, np.float32) for shape in ((0, 3), (0, 4), 0))
    number, flag = np.zeros(0, np.int32), np.zeros(0, bool)
    return Splats(three, four, three, one, three, one, number, number, flag, flag)
