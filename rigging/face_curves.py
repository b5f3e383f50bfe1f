"""Faces of armatures in the scene, frame by frame: sliders of avatars, and shape keys of other characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.motion.face.names import arkit_weights, coefficient_index
from ..engine.motion.face.presets import preset_weights
from .face_names import BONE

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float


def face_shapes(armature: bpy.types.Object) -> tuple[str, ...]:
    """Face shapes with names known to motions that an armature has sliders for; none for other armatures.

    Told by the sliders alone, so that a skeleton without its splats can still be sampled. All shapes of an
    avatar, those with names of its own as well, are `face_values.face_names`.

    Args:
        armature: Any.
    """
    bone = armature.pose.bones.get(BONE)
    if bone is None:
        return ()
    names: list[str] = list(bone.keys())
    exact = (name for name in names if arkit_weights(name) == {name: 1.0} or is_coefficient(name))
    return tuple(name for name in exact if isinstance(bone[name], float))


def is_coefficient(name: str) -> bool:
    """Whether a slider is one of an SMPL-X body's coefficients."""
    return coefficient_index(name) is not None


class FaceSampler:
    """Reads the weights of face shapes that belong to an armature.

    Args:
        armature: The source; meshes with shape keys are its children, or deformed by it.
        objects: Of the scene, to look for such meshes.
        count: How many frames there will be.
    """

    def __init__(self, armature: bpy.types.Object, objects: list[bpy.types.Object], count: int) -> None:
        self._sliders = face_shapes(armature)
        self._keys = {} if self._sliders else _shape_keys(armature, objects)
        self._values = {name: np.zeros(count) for name in (*self._sliders, *self._keys)}

    def read(self, frame: int, evaluated: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> None:
        """Note what is shown now.

        Args:
            frame: Index of it.
            evaluated: The armature.
            depsgraph: Of this frame.
        """
        for name in self._sliders:
            self._values[name][frame] = evaluated.pose.bones[BONE][name]
        for name, key in self._keys.items():
            block = key.evaluated_get(depsgraph).key_blocks[name]
            self._values[name][frame] = 0.0 if block.mute else block.value

    def curves(self) -> dict[str, Float]:
        """By name, those that move only. [F] each"""
        return {name: values for name, values in self._values.items() if np.any(values)}


def _shape_keys(armature: bpy.types.Object, objects: list[bpy.types.Object]) -> dict[str, bpy.types.Key]:
    """Known face shapes and where they are; of several meshes with one name, that with most of a face."""
    found: list[tuple[list[str], bpy.types.Key]] = []
    for mesh in objects:
        if mesh.type == "MESH" and _follows(mesh, armature) and mesh.data.shape_keys is not None:
            key = mesh.data.shape_keys
            names = [block.name for block in key.key_blocks[1:] if _is_face(block.name)]
            found.append((names, key))
    found.sort(key=lambda pair: -len(pair[0]))
    result: dict[str, bpy.types.Key] = {}
    for names, key in found:
        for name in names:
            result.setdefault(name, key)
    return result


def _follows(mesh: bpy.types.Object, armature: bpy.types.Object) -> bool:
    parent = mesh.parent
    while parent is not None and parent != armature:
        parent = parent.parent
    return parent == armature or any(
        modifier.type == "ARMATURE" and modifier.object == armature for modifier in mesh.modifiers
    )


def _is_face(name: str) -> bool:
    return any(known is not None for known in (arkit_weights(name), preset_weights(name))) or (
        is_coefficient(name)
    )
