"""What there is to draw in the viewport, read from the evaluated scene; only what changed is read again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...rigging.pointcloud import read_attribute
from ..confidence import shows_confidence
from ..display_nodes import CORNERS, DARKEST, LUMA, SEEN_COLORS
from ..splat_material import CORNER
from .pack import Cloud, cloud_rows, confidence_colors, harmonic_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy

    from ...engine.avatar.arrays import Float

_HIGHEST = 15  # coefficients beyond the constant one
_FULL_DEGREES = (0, 3, 8, 15)


@dataclass(frozen=True)
class Shown:
    """An avatar, or an instance of one.

    Args:
        cloud: Its Gaussians.
        owner: Original object that local view and the viewport's filters decide about.
        owner_name: Its full name.
        name: Full name of the object that has the Gaussians.
    """

    cloud: Cloud
    owner: bpy.types.Object
    owner_name: str
    name: str


@dataclass(frozen=True)
class Reading:
    """All avatars of a view layer, and in what they differ from the reading before.

    Args:
        shown: In the depsgraph's order.
        changed: Kinds of `draw.Textures.load`.
    """

    shown: tuple[Shown, ...] = ()
    changed: frozenset[str] = frozenset()

    @property
    def clouds(self) -> tuple[Cloud, ...]:
        """The Gaussians."""
        return tuple(one.cloud for one in self.shown)


def read_scene(depsgraph: bpy.types.Depsgraph, before: Reading, stale: set[str] | None = None) -> Reading:
    """Gather the avatars of an evaluated view layer.

    Arrays that are as they were stay the same objects, so nothing is uploaded twice.

    Args:
        depsgraph: Evaluated.
        before: The last reading.
        stale: Full names of the objects whose geometry was evaluated since; None for all.
    """
    shown = []
    old = {(one.owner_name, one.name): one.cloud for one in before.shown}
    fresh: dict[str, Cloud] = {}  # instances of one object share what is evaluated
    for instance in _instances(depsgraph):
        owner = (instance.parent or instance.object).original
        name = instance.object.original.name_full
        last = old.get((owner.name_full, name))
        if name not in fresh:
            kept = last is not None and stale is not None and name not in stale
            fresh[name] = last if kept else _read(instance.object, last)  # type: ignore[assignment]
        matrix = np.array(instance.matrix_world, np.float32)
        if last is not None and np.array_equal(last.world_from_local, matrix):
            matrix = last.world_from_local
        shown.append(Shown(replace(fresh[name], world_from_local=matrix), owner, owner.name_full, name))
    after = Reading(tuple(shown))
    return replace(after, changed=frozenset(_changes(before, after)))


def _changes(before: Reading, after: Reading) -> set[str]:
    kinds = {"moving": ("moving",), "still": ("still", "harmonics"), "blocks": ("world_from_local",)}
    old, new = before.clouds, after.clouds
    if not new:
        return set()
    if [cloud.count for cloud in old] != [cloud.count for cloud in new]:
        return set(kinds)  # of all kinds the order of rows is another
    return {
        kind
        for kind, names in kinds.items()
        if any(
            getattr(a, name) is not getattr(b, name) for a, b in zip(old, new, strict=True) for name in names
        )
    }


def _instances(depsgraph: bpy.types.Depsgraph) -> Iterator[bpy.types.DepsgraphObjectInstance]:
    """Point clouds with Gaussians; the quads of those whose display cannot be changed, linked ones."""
    for instance in depsgraph.object_instances:
        shown = instance.object
        if not instance.show_self or shown.type not in ("POINTCLOUD", "MESH"):
            continue
        attributes = shown.data.attributes  # type: ignore[union-attr]
        quads = shown.type == "MESH" and CORNER in attributes
        if (
            (quads or shown.type == "POINTCLOUD")
            and "gs_color" in attributes
            and len(attributes["gs_color"].data)
        ):
            yield instance


def _read(evaluated: bpy.types.Object, old: Cloud | None) -> Cloud:
    """The Gaussians of one object; rows that are as before are the very same arrays."""
    data, quads = evaluated.data, evaluated.type == "MESH"
    names = data.attributes  # type: ignore[union-attr]
    step = CORNERS if quads else 1
    means = read_attribute(data, "position")  # type: ignore[arg-type]
    if quads:
        means = means.reshape(-1, CORNERS, 3).mean(axis=1)  # the middle of a quad is its Gaussian's
    quats, scales, opacities, colors = (
        read_attribute(data, name)[::step]  # type: ignore[arg-type]
        for name in ("rotation" if "rotation" in names else "rest_rotation", "scale", "opacity", "gs_color")
    )
    if not quads and "seen" in names and shows_confidence(evaluated.original):
        values = read_attribute(data, "seen")  # type: ignore[arg-type]
        colors = confidence_colors(values, colors[:, :3], SEEN_COLORS, DARKEST, LUMA)
    moving, still = cloud_rows(means, quats, scales, opacities, colors)
    if old is not None and np.array_equal(old.moving, moving):
        moving = old.moving
    same = old is not None and np.array_equal(old.still, still)
    harmonics = old.harmonics if same else _harmonics(evaluated)  # type: ignore[union-attr]
    return Cloud(moving, old.still if same else still, harmonics, np.eye(4, dtype=np.float32))  # type: ignore[union-attr]


def _harmonics(evaluated: bpy.types.Object) -> Float | None:
    """What makes colours depend on the view; in confidence's colours, and in quads, nothing does."""
    data = evaluated.data
    names = data.attributes  # type: ignore[union-attr]
    count = next((k for k in range(_HIGHEST) if f"sh_{k + 1}" not in names), _HIGHEST)
    count = max(degree for degree in _FULL_DEGREES if degree <= count)
    if evaluated.type == "MESH" or not count or shows_confidence(evaluated.original):
        return None
    coefficients = [read_attribute(data, f"sh_{k}") for k in range(1, count + 1)]  # type: ignore[arg-type]
    return harmonic_rows(read_attribute(data, "rest_rotation"), coefficients)  # type: ignore[arg-type]
