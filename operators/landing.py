"""How motions get onto an avatar, whatever they came from: the choices, and the keys."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty

from ..engine.avatar.body import bundled_body
from ..engine.avatar.errors import AvatarError
from ..engine.motion.face.on_motion import NO_SHAPES
from ..engine.motion.onto import Carried, FaceWishes, Wishes
from ..engine.motion.retarget.retarget import Retargeting
from ..engine.motion.retarget.root import Placing
from ..engine.motion.simplify import Tolerance
from ..engine.weights.catalogue import asset
from ..engine.weights.store import files
from ..preferences import models_root
from ..rigging.face_curves import face_shapes
from ..rigging.motion_layers import Layers, add_face, add_motion, make_heard
from .avatars import avatar_takes_keys, rest_joints
from .jobs import idle
from .looks import model_status
from .pose import take_off_action

_SMPLX = "smplx"  # among the models
LAYER, KEYS, OFF = "LAYER", "KEYS", "OFF"
_FEET = (
    (LAYER, "As a Layer", "Standing feet stand still; a track of the NLA that can be muted"),
    (KEYS, "In the Keys", "Standing feet stand still; one Action, ready to be edited"),
    (OFF, "Off", "As recorded"),
)
EVERY, SIMPLIFIED = "EVERY", "SIMPLIFIED"
_KEYS = (
    (EVERY, "Every Frame", "As exact as the motion"),
    (SIMPLIFIED, "Simplified", "Fewer keys to edit: none where a straight way between others is near enough"),
)


@dataclass(frozen=True)
class Landing:
    """How a motion is put on the avatar.

    Args:
        avatar: Name of the armature.
        joints: Its rest joints. [55, 3]
        start: Frame of the first pose.
        fps: Of the scene.
        feet: :data:`LAYER`, :data:`KEYS` or :data:`OFF`.
        set_range: Whether the scene's range becomes the motion's.
        shapes: What its face can do.
        smplx: The user's own SMPL-X body, if there is one.
    """

    avatar: str
    joints: Any
    start: int
    fps: float
    feet: str
    set_range: bool
    shapes: tuple[str, ...] = ()
    smplx: Path | None = None


class OntoAvatar:
    """What operators share that put a motion on the active avatar."""

    if TYPE_CHECKING:
        feet: str
        sliding: bool
        travel: bool
        heading: bool
        scale: float
        calibration: int
        set_range: bool
        face: bool
        head: bool
        keys: str
        degrees: float
        millimetres: float
    else:
        feet: EnumProperty(name="Hold Feet", description="Keep standing feet from sliding", items=_FEET)
        sliding: BoolProperty(
            name="Stop Drift",
            description="Take back the way that the whole body slides along the ground, as estimates from "
            "videos often do; leave it off for skating and other slides that are meant",
            default=False,
        )
        travel: BoolProperty(
            name="Travel", description="Move through the scene; otherwise stay on the spot", default=True
        )
        heading: BoolProperty(
            name="Face Forward",
            description="Begin where the avatar stands, facing where it faces; otherwise as recorded",
            default=True,
        )
        scale: FloatProperty(
            name="Scale",
            description="Metres for one unit of the source; 0 makes the legs equally long",
            default=0.0,
            min=0.0,
            soft_max=1.0,
            precision=4,
        )
        calibration: IntProperty(
            name="T-Pose Frame",
            description="Frame of the source in which the person stands straight; 0 finds it",
            default=0,
            min=0,
        )
        set_range: BoolProperty(
            name="Set Frame Range", description="Let the scene last as long as the motion", default=True
        )
        face: BoolProperty(
            name="Face",
            description="Move face, jaw and eyes as the source's face curves say, found by their names",
            default=True,
        )
        head: BoolProperty(
            name="Turn Head",
            description="Add the turns of the head that a recording of a face alone has",
            default=False,
        )
        keys: EnumProperty(name="Keys", description="How many keys each bone gets", items=_KEYS)
        degrees: FloatProperty(
            name="Turns",
            description="Degrees by which a joint may be turned otherwise than recorded on any frame",
            default=Tolerance.degrees,
            min=0.01,
            soft_max=5.0,
        )
        millimetres: FloatProperty(
            name="Way",
            description="Millimetres by which the pelvis may be elsewhere than recorded on any frame",
            default=1000 * Tolerance.metres,
            min=0.01,
            soft_max=20.0,
        )

    shared = (
        "feet",
        "sliding",
        "travel",
        "heading",
        "scale",
        "calibration",
        "set_range",
        "face",
        "head",
        "keys",
        "degrees",
        "millimetres",
    )

    def draw_choices(self, layout: bpy.types.UILayout) -> None:
        """As a column of properties."""
        for name in self.shared:
            if self._matters(name):
                layout.prop(self, name)

    def _matters(self, name: str) -> bool:
        """Whether a property changes anything with the others as they are."""
        if name == "sliding":
            return self.feet != OFF
        return self.keys == SIMPLIFIED or name not in ("degrees", "millimetres")

    def landing(self, context: bpy.types.Context, armature: bpy.types.Object) -> Landing:
        """Where and how, asked before the job begins: later another object may be active."""
        render = context.scene.render
        return Landing(
            avatar=armature.name,
            joints=rest_joints(armature),
            start=context.scene.frame_start,
            fps=render.fps / render.fps_base,
            feet=self.feet,
            set_range=self.set_range,
            shapes=face_shapes(armature),
            smplx=_own_body(context),
        )

    def wishes(self, landing: Landing, bones: dict[str, str] | None) -> Wishes:
        """What was chosen."""
        return Wishes(
            bones=bones,
            retargeting=Retargeting(
                scale=self.scale or None,
                frame=self.calibration - 1 if self.calibration else None,
                placing=Placing(travel=self.travel, heading=self.heading, origin=self.heading),
                relaxed_hands=bundled_body().hands_mean,
            ),
            fps=landing.fps,
            plant=landing.feet != OFF,
            sliding=self.sliding,
            layer=landing.feet == LAYER,
            tolerance=Tolerance(self.degrees, self.millimetres / 1000) if self.keys == SIMPLIFIED else None,
            face=FaceWishes(self.face, self.head, landing.shapes, landing.smplx),
        )


def _own_body(context: bpy.types.Context) -> Path | None:
    """The user's SMPL-X file, where one is set up and its licence accepted."""
    (status,) = (one for one in model_status(context).assets if one.name == _SMPLX)
    if status.state != "ready" or status.licences_missing:
        return None
    return files(_SMPLX, models_root(context))[asset(_SMPLX).main.name]


def land(context: bpy.types.Context, landing: Landing, carried: Carried, operator: Any) -> str:
    """Key a carried motion on its avatar, and say what was done.

    Args:
        context: Has the scene.
        landing: Where and how.
        carried: The motion.
        operator: Reports the notes, as warnings.

    Raises:
        AvatarError: If the avatar is no longer there.
    """
    armature = avatar_named(context, landing.avatar)
    layers = place_motion(armature, landing, carried)
    scene = context.scene
    if landing.set_range:
        scene.frame_end = max(int(np.ceil(layers.frames[1])), scene.frame_start)
    scene.frame_set(landing.start)
    for note in carried.motion.notes:
        operator.report({"WARNING"}, note)
    return summary(carried)


def place_motion(armature: bpy.types.Object, landing: Landing, carried: Carried) -> Layers:
    """Key a carried motion on an avatar's armature.

    Args:
        armature: Of the avatar.
        landing: Where and how.
        carried: The motion.
    """
    make_heard(armature, strips=False)  # in Tweak Mode no Action can be taken off
    if carried.motion.joints is not None:
        return add_face(armature, carried.motion, start=landing.start, fps=landing.fps, keys=carried.keys)
    take_off_action(armature)
    held = carried.planted.motion if carried.planted is not None else None
    if landing.feet == LAYER:
        motion = carried.motion
    else:
        motion, held = carried.result, None
    return add_motion(armature, motion, held, start=landing.start, fps=landing.fps, keys=carried.keys)


def summary(carried: Carried) -> str:
    """One sentence about a carried motion."""
    motion = carried.motion
    words = [f"{motion.name}: {motion.count} frames"]
    if carried.bones is not None:
        words.append(f"bones: {carried.bones.label}")
    if carried.planted is not None and carried.planted.contacts:
        planted = carried.planted
        words.append(f"feet slid {100 * planted.before:.1f} cm, now {100 * planted.after:.1f} cm")
    if carried.keys is not None:
        keys = carried.keys
        words.append(f"{keys.share:.0%} of the keys, joints at most {1000 * keys.farthest:.1f} mm off")
    if NO_SHAPES in motion.notes:  # a warning is soon out of sight
        words.append("this avatar has no face shapes: reconstruct it again to move its face")
    return ", ".join(words)


def avatar_named(context: bpy.types.Context, name: str) -> bpy.types.Object:
    """The armature of an avatar that was there when a job began.

    Raises:
        AvatarError: If it is gone.
    """
    armature = context.scene.objects.get(name)
    if armature is None:
        raise AvatarError(f"The avatar {name!r} is gone. Select an avatar and try again.")
    return armature


def ready(operator: type, context: bpy.types.Context) -> bool:
    """Whether an avatar takes keys and nothing else goes on; the greyed button says why not."""
    return avatar_takes_keys(operator, context) and idle(operator)
