"""Which avatar the user means, and what it knows of itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.avatar.body import JOINT_NAMES
from ..rigging.avatar_objects import AVATAR_KEY, cloud_of

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

__all__ = [
    "LINKED", "NO_AVATAR", "active_armature", "avatar_is_active", "avatar_takes_keys", "cloud_of",
    "metadata_of", "rest_joints",
]  # fmt: skip

NO_AVATAR = "Select an avatar first"
LINKED = (
    "This avatar is linked from another file: override it (Object > Library Override > Make), then try again"
)


def active_armature(context: bpy.types.Context) -> bpy.types.Object | None:
    """The armature of the avatar that the active object belongs to."""
    found = context.view_layer.objects.active if context.view_layer else None
    while found is not None and found.get(AVATAR_KEY) != "armature":
        found = found.parent
    return found


def avatar_is_active(operator: type, context: bpy.types.Context) -> bool:
    """Whether there is an avatar to work on; where there is none, the operator's greyed button says so."""
    if active_armature(context) is not None:
        return True
    operator.poll_message_set(NO_AVATAR)  # type: ignore[attr-defined]
    return False


def avatar_takes_keys(operator: type, context: bpy.types.Context) -> bool:
    """Whether an avatar is active that this file may animate; if not, the greyed button says why."""
    if not avatar_is_active(operator, context):
        return False
    armature = active_armature(context)
    if armature is not None and armature.library is not None:
        operator.poll_message_set(LINKED)  # type: ignore[attr-defined]
        return False
    return True


def rest_joints(armature: bpy.types.Object) -> Float:
    """Where the joints are at rest, metres, body axes. [55, 3]"""
    bones = armature.data.bones  # type: ignore[union-attr]
    return np.array([bones[name].head_local for name in JOINT_NAMES], np.float32)


def metadata_of(armature: bpy.types.Object) -> dict[str, Any]:
    """What the avatar's file said about where it comes from."""
    return json.loads(armature.get("lhm_metadata", "{}"))
