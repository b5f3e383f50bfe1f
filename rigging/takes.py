"""What an armature in the scene does, as a take: any rig, constrained, linked or overridden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.axes import BODY_FROM_BLENDER
from ..engine.avatar.errors import AvatarError
from ..engine.motion.take import Take

if TYPE_CHECKING:
    from collections.abc import Callable

    import bpy

    from ..engine.avatar.arrays import Float


def take_of(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    frames: range,
    progress: Callable[[float], None] | None = None,
) -> Take:
    """Sample an armature frame by frame, as it is evaluated; the scene returns to its frame.

    Args:
        context: Has the scene and its frame rate.
        armature: The source.
        frames: Of the scene.
        progress: Called with the fraction done; what it raises ends the sampling.

    Raises:
        AvatarError: If the armature has no bones, is scaled to nothing, or the range is empty.
    """
    bones = armature.data.bones
    if not len(bones):
        raise AvatarError(f"{armature.name!r} has no bones. Choose the armature that moves.")
    if not len(frames):
        raise AvatarError("There is no frame between first and last. Give a longer range.")
    # Blender lists parents before their children, and pose bones in the same order.
    names = [bone.name for bone in bones]
    row = {name: index for index, name in enumerate(names)}
    parents = tuple(row[bone.parent.name] if bone.parent else -1 for bone in bones)
    rest = _matrices(bones, "matrix_local", len(names))
    posed = np.empty((len(frames), len(names), 4, 4))
    scene, now = context.scene, (context.scene.frame_current, context.scene.frame_subframe)
    try:
        for index, frame in enumerate(frames):
            scene.frame_set(frame)
            evaluated = armature.evaluated_get(context.evaluated_depsgraph_get())
            posed[index] = np.array(evaluated.matrix_world) @ _matrices(
                evaluated.pose.bones, "matrix", len(names)
            )
            if progress is not None:
                progress((index + 1) / len(frames))
    finally:
        scene.frame_set(now[0], subframe=now[1])
    rotations, positions = _split(posed, armature.name)
    rest_rotations, rest_positions = _split((np.array(armature.matrix_world) @ rest)[None], armature.name)
    return Take(
        names=tuple(names),
        parents=parents,
        rotations=rotations,
        positions=positions,
        rest_rotations=rest_rotations[0],
        rest_positions=rest_positions[0],
        fps=scene.render.fps / scene.render.fps_base,
        name=armature.animation_data.action.name
        if armature.animation_data and armature.animation_data.action
        else armature.name,
        source="armature",
        unit_m=1.0,
        up="z",
    )


def _matrices(bones: bpy.types.bpy_prop_collection, name: str, count: int) -> Float:
    """A matrix of each bone. [J, 4, 4]"""
    flat = np.empty(16 * count, np.float32)
    bones.foreach_get(name, flat)
    # Blender gives matrices column by column.
    return flat.reshape(count, 4, 4).transpose(0, 2, 1).astype(np.float64)


def _split(matrices: Float, name: str) -> tuple[Float, Float]:
    """Turns and places, body axes, of world matrices of any scale. [F, J, 3, 3], [F, J, 3]"""
    turns = matrices[..., :3, :3]
    length = np.linalg.norm(turns, axis=-2, keepdims=True)
    if not np.isfinite(matrices).all() or (length < 1e-9).any():
        raise AvatarError(f"{name!r} has bones scaled to nothing. Give them a size.")
    turns = turns / length
    # A mirrored object's axes are left-handed; which axis is turned round does not matter, it cancels.
    turns[..., 2] *= np.sign(np.linalg.det(turns))[..., None]
    return BODY_FROM_BLENDER @ turns, matrices[..., :3, 3] @ BODY_FROM_BLENDER.T
