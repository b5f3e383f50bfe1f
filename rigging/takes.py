"""What an armature in the scene does, as a take: any rig, constrained, linked or overridden."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.axes import BODY_FROM_BLENDER
from ..engine.avatar.errors import AvatarError
from ..engine.motion.take import Take
from .face_curves import FaceSampler

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

_STEP = 0.08  # seconds between two looks at the window


class TakeSampler:
    """Samples an armature as it is evaluated, some frames at a time; then the scene returns to its frame.

    Args:
        context: Has the scene and its frame rate.
        armature: The source.
        frames: Of the scene.

    Raises:
        AvatarError: If the armature has no bones, or the range is empty.
    """

    def __init__(self, context: bpy.types.Context, armature: bpy.types.Object, frames: range) -> None:
        bones = armature.data.bones
        if not len(bones):
            raise AvatarError(f"{armature.name!r} has no bones. Choose the armature that moves.")
        if not len(frames):
            raise AvatarError("There is no frame between first and last. Give a longer range.")
        self._context, self._armature, self._frames = context, armature, frames
        # Blender lists parents before their children, and pose bones in the same order.
        self._names = [bone.name for bone in bones]
        row = {name: index for index, name in enumerate(self._names)}
        self._parents = tuple(row[bone.parent.name] if bone.parent else -1 for bone in bones)
        self._posed = np.empty((len(frames), len(self._names), 4, 4))
        self._done = 0
        scene = context.scene
        self._face = FaceSampler(armature, list(scene.objects), len(frames))
        self._scene, self._now = scene, (scene.frame_current, scene.frame_subframe)

    @property
    def fraction(self) -> float:
        """How much is done."""
        return self._done / len(self._frames)

    def step(self, seconds: float = _STEP) -> bool:
        """Sample for a while; True when all is done."""
        end = time.monotonic() + seconds
        while self._done < len(self._frames):
            self._scene.frame_set(self._frames[self._done])
            depsgraph = self._context.evaluated_depsgraph_get()
            evaluated = self._armature.evaluated_get(depsgraph)
            self._face.read(self._done, evaluated, depsgraph)
            bones = _matrices(evaluated.pose.bones, "matrix", len(self._names))
            self._posed[self._done] = np.array(evaluated.matrix_world) @ bones
            self._done += 1
            if time.monotonic() > end:
                break
        return self._done == len(self._frames)

    def take(self) -> Take:
        """What was sampled.

        Raises:
            AvatarError: If a bone is scaled to nothing.
        """
        armature, render = self._armature, self._scene.render
        rest = _matrices(armature.data.bones, "matrix_local", len(self._names))
        rotations, positions = _split(self._posed, armature.name)
        rest_turns, rest_places = _split((np.array(armature.matrix_world) @ rest)[None], armature.name)
        animation = armature.animation_data
        playing = animation.action if animation else None
        return Take(
            names=tuple(self._names),
            parents=self._parents,
            rotations=rotations,
            positions=positions,
            rest_rotations=rest_turns[0],
            rest_positions=rest_places[0],
            fps=render.fps / render.fps_base,
            name=playing.name if playing else armature.name,
            source="armature",
            unit_m=1.0,
            up="z",
            curves=self._face.curves(),
        )

    def close(self) -> None:
        """Put the scene back to its frame; harmless a second time."""
        if self._done:
            self._scene.frame_set(self._now[0], subframe=self._now[1])
            self._done = 0


def take_of(context: bpy.types.Context, armature: bpy.types.Object, frames: range) -> Take:
    """Sample an armature in one go; the scene returns to its frame.

    Args:
        context: Has the scene and its frame rate.
        armature: The source.
        frames: Of the scene.

    Raises:
        AvatarError: If the armature has no bones or is scaled to nothing, or the range is empty.
    """
    sampler = TakeSampler(context, armature, frames)
    try:
        while not sampler.step():
            pass
        return sampler.take()
    finally:
        sampler.close()


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
