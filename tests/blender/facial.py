"""Gives an avatar of the tests a face that can be moved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.body import joint_index
from lhm_avatars.engine.avatar.face import FaceSpace

if TYPE_CHECKING:
    import bpy
    from lhm_avatars.engine.avatar.avatar import Avatar

NAMES = (
    "browInnerUp", "browDownLeft", "browDownRight", "eyeBlinkLeft", "eyeBlinkRight", "cheekPuff",
    "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthPucker", "tongueOut",
    "Exp000", "Exp001", "earWiggle",
)  # fmt: skip


def with_face(avatar: Avatar, names: tuple[str, ...] = NAMES, seed: int = 5) -> Avatar:
    """The avatar with face shapes of its own: every Gaussian that follows head, jaw or eyes moves somewhere.

    Args:
        avatar: Without a face.
        names: Of the shapes.
        seed: Of the directions.
    """
    joints = [joint_index(name) for name in ("head", "jaw", "left_eye", "right_eye")]
    indices = np.flatnonzero(np.isin(avatar.binding.joint_indices, joints).any(axis=1))
    dirs = np.random.default_rng(seed).normal(0, 0.01, (len(indices), 3, len(names)))
    return replace(avatar, face=FaceSpace(names, indices, dirs))


def set_sliders(armature: bpy.types.Object, weights: dict[str, float]) -> None:
    """Move the sliders as the user interface does, which tells Blender."""
    for name, value in weights.items():
        armature.pose.bones["head"][name] = value
    armature.update_tag()


def random_weights(seed: int, names: tuple[str, ...] = NAMES) -> dict[str, float]:
    """A value for every shape."""
    rng = np.random.default_rng(seed)
    return {name: float(rng.uniform(-2 if name.startswith("Exp") else 0, 1)) for name in names}
