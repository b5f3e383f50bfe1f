"""The triangles of everything in the scene that is not an avatar, evaluated, in the world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...rigging.avatar_objects import AVATAR_KEY
from ..splat_material import CORNER
from .materials import CATCHER, HOLDOUT, paint_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy
    from numpy.typing import NDArray

    from ...engine.avatar.arrays import Float

_SURFACES = ("MESH", "CURVE", "SURFACE", "META", "FONT")


class _Shape(NamedTuple):
    """Triangles of a mesh in its own space.

    Args:
        corners: [T, 3, 3]
        normals: Unit, at the corners. [T, 3, 3]
        slots: Material slot of each. [T]
    """

    corners: Float
    normals: Float
    slots: NDArray[np.int32]


def collect_meshes(depsgraph: bpy.types.Depsgraph) -> dict[str, NDArray[Any]]:
    """Triangles of all objects and instances that are seen or cast shadows.

    Returns:
        Arrays by the names of the engine's ``preview.values.Meshes``; none where there are no triangles.
    """
    known: dict[int, _Shape | None] = {}
    parts = []
    for instance in depsgraph.object_instances:
        shown = instance.object
        if shown.type not in _SURFACES or not instance.show_self or _is_avatars(instance):
            continue
        # Instances share what they show. Other types are made into a mesh of their own each time.
        key = shown.data.as_pointer() if shown.type == "MESH" else 0
        shape = known.get(key) if key in known and key else _shape(shown)
        known[key] = shape
        if shape is not None:
            parts.append(_placed(shape, instance, depsgraph))
    if not parts:
        return {}
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _is_avatars(instance: bpy.types.DepsgraphObjectInstance) -> bool:
    """Whether it is a part of an avatar, or splats."""
    shown, parent = instance.object, instance.parent
    parts = shown.get(AVATAR_KEY) or (parent is not None and parent.get(AVATAR_KEY))
    return bool(parts) or (shown.type == "MESH" and CORNER in shown.data.attributes)


def _shape(shown: bpy.types.Object) -> _Shape | None:
    if shown.type == "MESH":
        return _triangles(shown.data)
    mesh = shown.to_mesh()
    try:
        return _triangles(mesh) if mesh is not None else None
    finally:
        shown.to_mesh_clear()


def _triangles(mesh: bpy.types.Mesh) -> _Shape | None:
    mesh.calc_loop_triangles()
    count = len(mesh.loop_triangles)
    if count == 0:
        return None
    positions = _read(mesh.vertices, "co", 3)
    normals = _read(mesh.corner_normals, "vector", 3)
    loops = _read(mesh.loop_triangles, "loops", 3, np.int32)
    vertices = _read(mesh.loop_triangles, "vertices", 3, np.int32)
    return _Shape(
        positions[vertices], normals[loops], _read(mesh.loop_triangles, "material_index", 1, np.int32)[:, 0]
    )


def _read(items: Any, name: str, width: int, dtype: type = np.float32) -> NDArray[Any]:
    values = np.empty(len(items) * width, dtype)
    items.foreach_get(name, values)
    return values.reshape(-1, width)


def _placed(
    shape: _Shape, instance: bpy.types.DepsgraphObjectInstance, depsgraph: bpy.types.Depsgraph
) -> dict[str, NDArray[Any]]:
    shown = instance.object
    original = (instance.parent or shown).original
    matrix = np.array(instance.matrix_world)
    normals = shape.normals @ np.linalg.pinv(matrix[:3, :3])
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    paints = list(_paints(shown, original, depsgraph))
    slot = np.minimum(shape.slots, len(paints) - 1)
    layer = depsgraph.view_layer
    camera = shown.visible_camera and not original.indirect_only_get(view_layer=layer)
    count = len(slot)
    return {
        "corners": (shape.corners @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32),
        "normals": (normals / np.maximum(length, 1e-12)).astype(np.float32),
        "colors": np.array([paint.color for paint in paints], np.float32)[slot],
        "kinds": np.array([paint.kind for paint in paints], np.uint8)[slot],
        "index": np.full(count, shown.pass_index, np.int32),
        "camera": np.full(count, camera),
        "shadow": np.full(count, shown.visible_shadow),
    }


def _paints(
    shown: bpy.types.Object, original: bpy.types.Object, depsgraph: bpy.types.Depsgraph
) -> Iterator[Any]:
    """One per slot, at least one."""
    hole = original.is_holdout or original.holdout_get(view_layer=depsgraph.view_layer)
    kind = HOLDOUT if hole else CATCHER if shown.is_shadow_catcher else None
    materials = [slot.material for slot in shown.material_slots] or [None]
    for material in materials:
        paint = paint_of(material)
        yield paint if kind is None else paint._replace(kind=kind)
