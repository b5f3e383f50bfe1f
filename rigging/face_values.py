"""The face of an avatar in the scene: what its sliders say, and whole faces set at once.

    from bl_ext.user_default.lhm_avatars.rigging.face_values import set_face
    set_face(bpy.context, bpy.data.objects["Ada"], {"mouthSmileLeft": 0.8, "mouthSmileRight": 0.8})

The sliders are custom properties of the pose bone ``head``; see `face_mesh.py` for what follows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .avatar_objects import cloud_of
from .face_joints import jaw_tracks, neutral_joints
from .face_mesh import has_face, shape_names
from .face_names import BONE, across, property_path, side_of
from .keys import Track, put
from .skinning_nodes import face_mesh_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import bpy

NO_FACE = "This avatar was made without a face that can be moved. Reconstruct it again from its photo."


def reason_against(armature: bpy.types.Object) -> str:
    """Why an avatar's face cannot be moved, as a sentence for the user; empty if it can."""
    cloud = cloud_of(armature)
    if cloud is None:
        return f"The splats of {armature.name!r} were deleted. Undo that, or import the avatar again."
    helper = face_mesh_of(cloud)
    if helper is None and not has_face(cloud):
        return NO_FACE
    if helper is None or BONE not in armature.pose.bones or not face_names(armature):
        return f"The face of {armature.name!r} has lost a part. Undo that, or import the avatar again."
    if helper.parent != armature:
        return (
            f"{armature.name!r} is a copy whose splats follow another avatar. "
            "Move the face of that one, or import the avatar a second time."
        )
    if armature.library:
        return (
            f"{armature.name!r} is linked from another file. "
            "Override it (Object > Library Override > Make), then try again."
        )
    return ""


def face_names(armature: bpy.types.Object) -> tuple[str, ...]:
    """The shapes of an avatar that have a slider; none without a face.

    Shapes of its own are among them. What motions can speak of, also where splats and helper are gone, is
    `face_curves.face_shapes`.
    """
    cloud = cloud_of(armature)
    helper = None if cloud is None else face_mesh_of(cloud)
    bone = armature.pose.bones.get(BONE)
    if helper is None or bone is None:
        return ()
    return tuple(name for name in shape_names(helper) if name in bone)


def face_weights(armature: bpy.types.Object) -> dict[str, float]:
    """What the sliders of an avatar's shapes say."""
    return {name: float(armature.pose.bones[BONE][name]) for name in face_names(armature)}


def face_tracks(weights: Mapping[str, float]) -> list[Track]:
    """Values of sliders, to be set or keyed."""
    return [Track(BONE, property_path(name), np.full((1, 1), value)) for name, value in weights.items()]


def set_face(
    context: bpy.types.Context, armature: bpy.types.Object, weights: Mapping[str, float], *, jaw: float = 0.0
) -> None:
    """Make a face; shapes that are not named go to zero, and the eyes go on looking where they look.

    Args:
        context: Has the tool settings; with auto-keying on, all sliders and the jaw are keyed.
        armature: Of the avatar.
        weights: Of shapes; what this avatar does not have is left out.
        jaw: How far it is open, 0 to 1.
    """
    wanted = {name: weights.get(name, 0.0) for name in face_names(armature)}
    put(context, armature, [*face_tracks(wanted), *jaw_tracks(armature, jaw)])


def reset_face(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Make no face at all: sliders at zero, mouth closed, eyes straight ahead.

    Args:
        context: Has the tool settings; with auto-keying on, all of it is keyed.
        armature: Of the avatar, with a face or without.
    """
    put(context, armature, [*neutral_shapes(armature), *neutral_joints(armature)])


def neutral_shapes(armature: bpy.types.Object) -> list[Track]:
    """All sliders of shapes at zero."""
    return face_tracks(dict.fromkeys(face_names(armature), 0.0))


def mirrored_shapes(armature: bpy.types.Object, keeps: str = "") -> list[Track]:
    """Sliders as the mirror image has them.

    Args:
        armature: Of the avatar.
        keeps: ``Left`` or ``Right``, whose sliders stay and are copied to the other side; empty: the sides
            change places, and what leads to one side leads to the other.
    """
    weights = face_weights(armature)
    changed = [name for name in weights if not keeps or side_of(name) not in ("", keeps)]
    return face_tracks({name: weights.get(across(name), weights[name]) for name in changed})
