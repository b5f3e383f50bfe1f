"""Whether an armature has controls, and how its bones are evaluated: what several parts of the rig ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from .control_names import CONTROL_BONES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    from ..engine.avatar.arrays import Float


def has_controls(armature: bpy.types.Object) -> bool:
    """Whether all of them are there."""
    return all(name in armature.data.bones for name in CONTROL_BONES)


def joints_at_rest(armature: bpy.types.Object) -> Float:
    """Rest joints, metres, body axes. [55, 3]"""
    return np.array([armature.data.bones[name].head_local for name in JOINT_NAMES], np.float64)


@dataclass(frozen=True)
class Evaluated:
    """Bones as Blender evaluates them on some frames.

    Args:
        names: Of the bones.
        parents: Row of each one's parent, -1 without.
        rest: In armature space. [B, 4, 4]
        posed: In armature space. [F, B, 4, 4]
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest: Float
    posed: Float

    def row(self, name: str) -> int:
        """Of a bone."""
        return self.names.index(name)

    def place(self, name: str) -> Float:
        """Of its head. [F, 3]"""
        return self.posed[:, self.row(name), :3, 3]

    def turn(self, name: str) -> Float:
        """Its axes. [F, 3, 3]"""
        return unscaled(self.posed[:, self.row(name), :3, :3])

    def frame(self, name: str) -> Float:
        """Where the bone would be with empty channels, below its parent. [F, 4, 4]"""
        row = self.row(name)
        parent = self.parents[row]
        if parent < 0:
            return np.broadcast_to(self.rest[row], (len(self.posed), 4, 4))
        return self.posed[:, parent] @ np.linalg.inv(self.rest[parent]) @ self.rest[row]


def unscaled(axes: Float) -> Float:
    """Axes of length one. [..., 3, 3]"""
    return axes / np.linalg.norm(axes, axis=-2, keepdims=True)


def evaluated(
    context: bpy.types.Context, armature: bpy.types.Object, frames: Sequence[int] = ()
) -> Evaluated:
    """Read all bones on frames of the scene, which then returns to its own; with none, as they are now.

    Args:
        context: Has scene and view layer.
        armature: In the view layer.
        frames: Of the scene.
    """
    bones, scene = armature.data.bones, context.scene
    names = tuple(bone.name for bone in bones)
    rows = {name: row for row, name in enumerate(names)}
    if not frames:
        context.view_layer.update()
        posed = [_read(context, armature, len(names))]
    else:
        now, posed = (scene.frame_current, scene.frame_subframe), []
        for frame in frames:
            scene.frame_set(frame)
            posed.append(_read(context, armature, len(names)))
        scene.frame_set(now[0], subframe=now[1])
    return Evaluated(
        names=names,
        parents=tuple(rows[bone.parent.name] if bone.parent else -1 for bone in bones),
        rest=_matrices(bones, "matrix_local", len(names)),
        posed=np.stack(posed),
    )


def _read(context: bpy.types.Context, armature: bpy.types.Object, count: int) -> Float:
    shown = armature.evaluated_get(context.evaluated_depsgraph_get())
    return _matrices(shown.pose.bones, "matrix", count)


def _matrices(bones: bpy.types.bpy_prop_collection, name: str, count: int) -> Float:
    flat = np.empty(16 * count, np.float32)
    bones.foreach_get(name, flat)
    # Blender gives matrices column by column.
    return flat.reshape(count, 4, 4).transpose(0, 2, 1).astype(np.float64)
