"""Motions on armatures that are none of ours."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from ..engine.motion.retarget.detect import candidates, detect
from ..engine.motion.retarget.onto_rig import onto_rig
from .actions import Channel, assign, keyed_action
from .constrained_rigs import Controls, is_constrained, listen_as_before, listen_to_controls
from .takes import take_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import bpy

    from ..engine.avatar.arrays import Float
    from ..engine.motion.motion import Motion

_READ_ONLY, _CONTROLS = "rigify_def", "rigify_fk"
_STEP = 0.08  # seconds between two looks at the window


class RigBaker:
    """Carries one of our motions over to another rig; `keyed` makes the Action.

    Where nothing but keys moves the bones, all values are known at once. The controls of a rig like Rigify
    hang on bones that constraints move; there Blender is asked, frame by frame.

    Args:
        context: Has the scene.
        armature: The rig, whose rest pose is a T- or A-pose.
        motion: Of our person, in the world.
        joints: Our rest joints, metres. [55, 3]
        bones: Bone of each of our joints; found by the names by default.

    Raises:
        AvatarError: If the bones are not recognised.
    """

    def __init__(
        self,
        context: bpy.types.Context,
        armature: bpy.types.Object,
        motion: Motion,
        joints: Float,
        bones: Mapping[str, str] | None,
    ) -> None:
        now = context.scene.frame_current
        rig = take_of(context, armature, range(now, now + 1))
        found = writable(rig.names) if bones is None else dict(bones)
        result = onto_rig(motion, joints, rig, found)
        self._armature, self._motion, self._result = armature, motion, result
        self._names = [rig.names[bone] for bone in result.driven]
        self._hips = rig.names[result.row]
        self._quats = result.quats[:, result.driven]
        rest, scale = rig.rest_rotations[result.row], float(np.mean(armature.matrix_world.to_scale()))
        self._way = (result.hips - rig.rest_positions[result.row]) @ rest / scale
        self._controls: Controls | None = None
        self._done = motion.count
        self._switches = listen_to_controls(armature)
        if is_constrained(armature, self._names):
            self._controls, self._done = Controls(context, armature, found, self._names), 0

    @property
    def fraction(self) -> float:
        """How much is done."""
        return self._done / self._motion.count

    def step(self, seconds: float = _STEP) -> bool:
        """Go on for a while; True when all values are known."""
        end = time.monotonic() + seconds
        while self._controls is not None and self._done < self._motion.count:
            frame = self._done
            posed = self._controls.posed(self._result.turned[frame], self._result.hips[frame])
            self._quats[frame], self._way[frame] = posed
            self._done += 1
            if time.monotonic() > end:
                break
        return self._done == self._motion.count

    def keyed(self, *, start: int, fps: float) -> bpy.types.Action:
        """Key what was found as a new Action; the one that the rig played stays in the file.

        Args:
            start: Frame of the first pose.
            fps: Of the scene.
        """
        self._switches = {}  # the keys are on the FK controls
        self.close()
        motion, armature = self._motion, self._armature
        channels = [
            Channel(name, "rotation_quaternion", self._quats[:, column])
            for column, name in enumerate(self._names)
        ]
        channels.append(Channel(self._hips, "location", self._way))
        animation = armature.animation_data
        if animation is not None and animation.action is not None:
            animation.action.use_fake_user = True
        frames = start + fps / motion.fps * np.arange(motion.count)
        action, slot = keyed_action(motion.name, armature.name, frames, channels)
        assign(armature, action, slot)
        return action

    def close(self) -> None:
        """Leave the rig as it was; harmless a second time."""
        if self._controls is not None:
            self._controls.close()
            self._controls = None
        if self._switches:
            listen_as_before(self._armature, self._switches)
            self._switches = {}


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
    """Key one of our motions on another rig in one go; see `RigBaker`.

    Args:
        context: Has the scene.
        armature: The rig.
        motion: Of our person, in the world.
        joints: Our rest joints, metres. [55, 3]
        bones: Bone of each of our joints; found by the names by default.
        start: Frame of the first pose.
        fps: Of the scene.

    Raises:
        AvatarError: If the bones are not recognised.
    """
    baker = RigBaker(context, armature, motion, joints, bones)
    try:
        while not baker.step():
            pass
        return baker.keyed(start=start, fps=fps)
    finally:
        baker.close()


def writable(names: tuple[str, ...]) -> dict[str, str]:
    """The bones of a rig that take keys: of Rigify the FK controls, not the deform bones that follow them."""
    found = detect(names)
    if found.rig == _READ_ONLY:
        for other in candidates(names):
            if other.rig == _CONTROLS and not other.missing:
                return other.bones
    return found.bones
