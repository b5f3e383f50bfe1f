"""What there is to draw in the viewport, read from the evaluated scene; only what changed is read again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ...rigging.pointcloud import read_attribute
from ..confidence import DISPLAY, shows_confidence
from ..display_nodes import CORNERS, DARKEST, LUMA, SEEN_COLORS
from ..splat_material import CORNER
from ..splats import has_size, is_camera_visible
from .pack import Cloud, confidence_colors, harmonic_rows, still_rows
from .points import NAME as POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy

    from ...engine.avatar.arrays import Float

_HIGHEST = 15  # coefficients beyond the constant one
_FULL_DEGREES = (0, 3, 8, 15)
_OUR_MODIFIERS = ("LHM Skinning", DISPLAY, POINTS)


@dataclass(frozen=True)
class Shown:
    """An avatar, or an instance of one.

    Args:
        cloud: Its Gaussians.
        owner: Original object that local view and the viewport's filters decide about.
        owner_name: Its full name.
        name: Full name of the object that has the Gaussians.
        confidence: Whether its colours are those of what its photos say of each place.
    """

    cloud: Cloud
    owner: bpy.types.Object
    owner_name: str
    name: str
    confidence: bool


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
    old = {(one.owner_name, one.name): one for one in before.shown}
    fresh: dict[str, Cloud] = {}  # instances of one object share what is evaluated
    for instance in _instances(depsgraph):
        owner, original = (instance.parent or instance.object).original, instance.object.original
        name = original.name_full
        last = old.get((owner.name_full, name))
        if name not in fresh:
            fresh[name] = _current(instance.object, last, stale)
        matrix = np.array(instance.matrix_world, np.float32)
        if last is not None and np.array_equal(last.cloud.world_from_local, matrix):
            matrix = last.cloud.world_from_local
        cloud = replace(fresh[name], world_from_local=matrix)
        shown.append(Shown(cloud, owner, owner.name_full, name, shows_confidence(original)))
    after = Reading(tuple(shown))
    return replace(after, changed=frozenset(_changes(before, after)))


def _current(evaluated: bpy.types.Object, last: Shown | None, stale: set[str] | None) -> Cloud:
    if last is None or stale is None:
        return _read(evaluated, None if last is None else last.cloud, pose_only=False)
    if last.name not in stale:
        return last.cloud
    return _read(evaluated, last.cloud, _only_posed(evaluated.original, last))


def _changes(before: Reading, after: Reading) -> set[str]:
    kinds = {"moving": ("means", "turns"), "still": ("still", "harmonics"), "blocks": ("world_from_local",)}
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
    """Point clouds with Gaussians; the quads of those whose display cannot be changed, linked ones.

    What cameras do not see, by itself or by its collection, would not be in a render either.
    """
    for instance in depsgraph.object_instances:
        shown = instance.object
        if not instance.show_self or shown.type not in ("POINTCLOUD", "MESH"):
            continue
        attributes = shown.data.attributes  # type: ignore[union-attr]
        quads = shown.type == "MESH" and CORNER in attributes
        splats = (quads or shown.type == "POINTCLOUD") and "gs_color" in attributes
        if not splats or not len(attributes["gs_color"].data):
            continue
        if is_camera_visible(instance, depsgraph) and has_size(instance):
            yield instance


def _read(evaluated: bpy.types.Object, old: Cloud | None, pose_only: bool) -> Cloud:
    """The Gaussians of one object; rows that are as before are the very same arrays.

    Args:
        evaluated: Has them.
        old: The last reading.
        pose_only: Nothing but the pose can have changed since.
    """
    means, turns = _posed(evaluated)
    if old is not None and old.count != len(means):
        old = None
    if old is not None and pose_only:
        return replace(old, means=means, turns=turns)
    still = _still(evaluated)
    if old is None:
        return Cloud(means, turns, still, _harmonics(evaluated), np.eye(4, dtype=np.float32))
    if not np.array_equal(old.still, still):
        old = replace(old, still=still, harmonics=_harmonics(evaluated))
    if np.array_equal(old.means, means) and np.array_equal(old.turns, turns):
        return old
    return replace(old, means=means, turns=turns)


def _posed(evaluated: bpy.types.Object) -> tuple[Float, Float]:
    """Means [N, 3] and rotations [N, 4]."""
    data, quads = evaluated.data, evaluated.type == "MESH"
    means = read_attribute(data, "position")  # type: ignore[arg-type]
    name = "rotation" if "rotation" in data.attributes else "rest_rotation"  # type: ignore[union-attr]
    turns = read_attribute(data, name)  # type: ignore[arg-type]
    if quads:  # the middle of a quad is its Gaussian's
        return means.reshape(-1, CORNERS, 3).mean(axis=1), turns[::CORNERS]
    return means, turns


def _still(evaluated: bpy.types.Object) -> Float:
    data, quads = evaluated.data, evaluated.type == "MESH"
    step = CORNERS if quads else 1
    scales, opacities, colors = (
        read_attribute(data, name)[::step]  # type: ignore[arg-type]
        for name in ("scale", "opacity", "gs_color")
    )
    if not quads and "seen" in data.attributes and shows_confidence(evaluated.original):  # type: ignore[union-attr]
        values = read_attribute(data, "seen")  # type: ignore[arg-type]
        colors = confidence_colors(values, colors[:, :3], SEEN_COLORS, DARKEST, LUMA)
    return still_rows(scales, opacities, colors)


def _only_posed(original: bpy.types.Object, last: Shown) -> bool:
    """Whether a new evaluation can only have moved splats, not resized or recoloured them.

    So it is where our own modifiers are alone and colours mean what they did; it saves half of the reading.
    """
    ours = all(modifier.name in _OUR_MODIFIERS for modifier in original.modifiers)
    return ours and last.confidence == shows_confidence(original)


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
