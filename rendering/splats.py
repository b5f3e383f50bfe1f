"""What there is to draw: the posed Gaussians of every visible avatar, in Blender's world.

The evaluated objects are posed already, by nodes; nothing here knows about bones.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.rotations import matrix_from_quat, quat_from_matrix
from ..rigging.pointcloud import read_attribute
from .display_nodes import CORNERS
from .splat_material import CORNER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    """

    means: Float
    quats: Float
    scales: Float
    opacities: Float
    colors: Float
    holdout: Float

    @property
    def count(self) -> int:
        """Number of Gaussians."""
        return len(self.means)

    def take(self, chosen: NDArray[np.bool_]) -> Splats:
        """Those that a mask names."""
        return Splats(**{field.name: getattr(self, field.name)[chosen] for field in fields(Splats)})


def collect_splats(depsgraph: bpy.types.Depsgraph, owner: bpy.types.Object | None = None) -> Splats:
    """Gather the Gaussians of all visible objects and instances of a view layer.

    Args:
        depsgraph: Of the view layer.
        owner: Only this object's.
    """
    return _joined(
        [
            _splats_of(instance, depsgraph)
            for instance in _instances(depsgraph)
            if owner is None or _original(instance) == owner
        ]
    )


def _instances(depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.DepsgraphObjectInstance]:
    """Point clouds with Gaussians, and the quads that the display nodes make of them."""
    for instance in depsgraph.object_instances:
        shown = instance.object
        if not instance.show_self or not shown.visible_camera or shown.type not in ("POINTCLOUD", "MESH"):
            continue
        attributes = shown.data.attributes  # type: ignore[union-attr]
        quads = shown.type == "MESH" and CORNER in attributes
        if (quads or shown.type == "POINTCLOUD") and "gs_color" in attributes:
            yield instance


def _splats_of(instance: bpy.types.DepsgraphObjectInstance, depsgraph: bpy.types.Depsgraph) -> Splats:
    data, step = instance.object.data, CORNERS if instance.object.type == "MESH" else 1
    rotation = "rotation" if "rotation" in data.attributes else "rest_rotation"  # type: ignore[union-attr]
    means = read_attribute(data, "position")  # type: ignore[arg-type]
    quats, scales, opacities, colors = (
        read_attribute(data, name)[::step]  # type: ignore[arg-type]
        for name in (rotation, "scale", "opacity", "gs_color")
    )
    means = means.reshape(-1, step, 3).mean(axis=1)  # the middle of a quad is its Gaussian's
    holdout = np.full(len(means), _is_holdout(instance, depsgraph), np.float32)
    local = Splats(means, quats, scales, opacities, colors[:, :3], holdout)
    return transformed(local, np.array(instance.matrix_world))


def _original(instance: bpy.types.DepsgraphObjectInstance) -> bpy.types.Object:
    return (instance.parent or instance.object).original


def _is_holdout(instance: bpy.types.DepsgraphObjectInstance, depsgraph: bpy.types.Depsgraph) -> bool:
    """By the object's own switch or its collection's in the view layer."""
    original = _original(instance)
    return original.is_holdout or original.holdout_get(view_layer=depsgraph.view_layer)


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
    widths = {"means": (0, 3), "quats": (0, 4), "scales": (0, 3), "colors": (0, 3)}
    parts = list(parts)
    return Splats(
        **{
            name: np.concatenate(
                [np.zeros(widths.get(name, 0), np.float32), *(getattr(part, name) for part in parts)]
            )
            for name in (field.name for field in fields(Splats))
        }
    )
