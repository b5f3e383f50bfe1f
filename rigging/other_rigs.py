"""Motions on armatures that are none of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.motion.retarget.detect import candidates, detect
from ..engine.motion.retarget.onto_rig import onto_rig
from .actions import Channel, assign, keyed_action
from .takes import take_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import bpy

    from ..engine.avatar.arrays import Float
    from ..engine.motion.motion import Motion

_READ_ONLY, _CONTROLS = "rigify_def", "rigify_fk"
_FK_SWITCH = "IK_FK"


def bake_onto(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    motion: Motion,
    joints: Float,
    bones: Mapping[str, str] | None,
    *,
    start: int,
    fps: float,
) -> bpy.types.Action:
    """Key one of our motions on another rig, as a new Action; the one it plays stays in the file.

    Args:
        context: Has the scene.
        armature: The rig, whose rest pose is a T- or A-pose.
        motion: Of our person, in the world.
        joints: Our rest joints, metres. [55, 3]
        bones: Bone of each of our joints; found by the names by default.
        start: Frame of the first pose.
        fps: Of the scene.

    Raises:
        AvatarError: If the bones are not recognised.
    """
    now = context.scene.frame_current
    rig = take_of(context, armature, range(now, now + 1))
    found = writable(rig.names) if bones is None else dict(bones)
    result = onto_rig(motion, joints, rig, found)
    scale = float(np.mean(armature.matrix_world.to_scale()))
    rest = rig.rest_rotations[result.row]
    moved = (result.hips - rig.rest_positions[result.row]) @ rest / scale
    channels = [
        Channel(rig.names[bone], "rotation_quaternion", result.quats[:, bone])
        for bone in np.flatnonzero(result.driven)
    ]
    channels.append(Channel(rig.names[result.row], "location", moved))
    frames = start + fps / motion.fps * np.arange(motion.count)
    for bone in armature.pose.bones:
        if _FK_SWITCH in bone:  # Rigify's limbs listen to their FK controls at 1
            bone[_FK_SWITCH] = 1.0
    animation = armature.animation_data
    if animation is not None and animation.action is not None:
        animation.action.use_fake_user = True
    action, slot = keyed_action(motion.name, armature.name, frames, channels)
    assign(armature, action, slot)
    return action


def writable(names: tuple[str, ...]) -> dict[str, str]:
    """The bones of a rig that take keys: of Rigify the FK controls, not the deform bones that follow them."""
    found = detect(names)
    if found.rig == _READ_ONLY:
        for other in candidates(names):
            if other.rig == _CONTROLS and not other.missing:
                return other.bones
    return found.bones
