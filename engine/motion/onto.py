"""Onto: anything that was read, as a motion of one person at one frame rate. Blender and scripts call it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from ..avatar.body import bundled_body, load_body
from ..avatar.errors import AvatarError
from .face.coefficients import CoefficientMap, coefficient_map
from .face.face_take import FaceTake
from .face.on_motion import face_motion, onto_shapes, strange_coefficients, with_face, without_face
from .planting import Planted, planted
from .resample import resampled
from .retarget.carry import carried
from .retarget.detect import OWN_TABLE, BoneMap, detect
from .retarget.retarget import Retargeting, retarget
from .simplify import Simplified, Tolerance, simplified
from .take import Take

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ..avatar.arrays import Float
    from .motion import Motion
    from .smplx_take import Recording


_AGAIN = "It has no face shapes: reconstruct it again from its photo, or choose another avatar."


@dataclass(frozen=True)
class FaceWishes:
    """What may be chosen of the face.

    Args:
        wanted: Whether the face moves at all.
        head: Let a take of a face alone turn the head, too.
        shapes: What the avatar's face can do; by default everything is kept.
        smplx: File of the user's own SMPL-X body: tells what coefficients mean, to avatars that have none.
    """

    wanted: bool = True
    head: bool = False
    shapes: Sequence[str] | None = None
    smplx: Path | None = None


@dataclass(frozen=True)
class Wishes:
    """What may be chosen.

    Args:
        bones: Bone of each of our joints; found by the names by default. Without use for SMPL-like files.
        retargeting: Scale, calibration frame, placing, hands.
        fps: Poses per second of the result; the source's by default.
        plant: Hold standing feet.
        sliding: Before that, take back the way that the whole body slides.
        layer: Held feet will be a layer above the motion, with keys of its own.
        tolerance: Choose keys so that no frame is farther off; by default every frame is one.
        face: What of the face.
    """

    bones: Mapping[str, str] | None = None
    retargeting: Retargeting = field(default_factory=Retargeting)
    fps: float | None = None
    plant: bool = True
    sliding: bool = False
    layer: bool = True
    tolerance: Tolerance | None = None
    face: FaceWishes = field(default_factory=FaceWishes)


@dataclass(frozen=True)
class Carried:
    """A motion for one person.

    Args:
        motion: Before feet were held.
        planted: With feet held; ``None`` if that was not wanted.
        bones: What drove what; ``None`` for SMPL-like files.
        keys: Where keys are needed; ``None`` if every frame gets one.
    """

    motion: Motion
    planted: Planted | None
    bones: BoneMap | None
    keys: Simplified | None = None

    @property
    def result(self) -> Motion:
        """The motion to be shown."""
        return self.motion if self.planted is None else self.planted.motion


def onto(source: Take | Recording | FaceTake, joints: Float, wishes: Wishes | None = None) -> Carried:
    """Carry what was read over to a person.

    Args:
        source: From `readers` or an armature.
        joints: The person's rest joints, metres, body axes. [55, 3]
        wishes: What may be chosen.

    Raises:
        AvatarError: If the skeleton's bones are not recognised, chosen bones are not there, or nothing but a
            face was recorded and that is not wanted or not to be shown, or the user's SMPL-X file is none.
    """
    wishes = wishes or Wishes()
    bones = None
    if isinstance(source, Take):
        bones = detect(source.names) if wishes.bones is None else BoneMap(OWN_TABLE, dict(wishes.bones), ())
        motion = retarget(source, bones.bones, joints, wishes.retargeting).motion
        motion = with_face(motion, source.curves) if wishes.face.wanted else motion
    elif isinstance(source, FaceTake):
        motion = _face_alone(source, wishes.face)
    else:
        choices = wishes.retargeting
        motion = carried(source, joints, scale=choices.scale, placing=choices.placing)
    motion = _expressed(motion, wishes.face)
    if motion.joints == () and not motion.expression_names:
        raise AvatarError(
            f"{motion.name} moves nothing that this avatar's face can show. "
            + ("Choose another file or avatar." if wishes.face.shapes else _AGAIN)
        )
    if wishes.fps is not None:
        motion = resampled(motion, wishes.fps)
    plants = wishes.plant and motion.joints is None
    result = Carried(motion, planted(joints, motion, sliding=wishes.sliding) if plants else None, bones)
    if wishes.tolerance is None:
        return result
    return replace(result, keys=_keys(joints, result, wishes.tolerance, wishes.layer))


def _face_alone(take: FaceTake, wishes: FaceWishes) -> Motion:
    if not wishes.wanted:
        raise AvatarError(f"{take.name} holds a face and nothing else. Switch Face on.")
    return face_motion(take, head=wishes.head)


def _expressed(motion: Motion, wishes: FaceWishes) -> Motion:
    """With what the avatar can show of the face."""
    if not wishes.wanted:
        return without_face(motion)
    if wishes.shapes is None:
        return motion
    needed = wishes.smplx is not None and wishes.shapes and strange_coefficients(motion, wishes.shapes)
    return onto_shapes(motion, wishes.shapes, _coefficient_map(wishes.smplx) if needed else None)


@cache
def _coefficient_map(smplx: Path) -> CoefficientMap:
    return coefficient_map(load_body(smplx), bundled_body())


def _keys(joints: Float, done: Carried, tolerance: Tolerance, layer: bool) -> Simplified:
    if done.planted is not None and layer:
        return simplified(joints, done.motion, done.planted.motion, tolerance)
    return simplified(joints, done.result, None, tolerance)
