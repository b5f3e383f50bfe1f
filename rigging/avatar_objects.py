"""The avatar as Blender objects: armature, point cloud and the hidden bone frames, in one collection."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix

from ..engine.avatar.avatar import SEEN_PHOTO
from ..engine.avatar.skinning import forward_kinematics, skin_means
from .armature import create_armature
from .bone_frames import create_bone_frames, hide_collection
from .contexts import all_or_nothing, select_only, to_object_mode
from .face_mesh import create_face_mesh
from .nodes import add_modifier
from .pointcloud import create_cloud
from .poses import remember_photo_pose, rest_pose, set_pose
from .shape_store import SOLE_QUANTILE, store_shape
from .skinning_nodes import skinning_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.avatar.arrays import Float
    from ..engine.avatar.avatar import Avatar
    from ..engine.avatar.binding import Binding
    from ..engine.avatar.body import BodyParams

AVATAR_KEY = "lhm_avatar"
"""Custom property on every object of an avatar: which part it is, ``armature``, ``cloud``, ``frames`` or
``face``."""

FLOOR_KEY = "lhm_floor"
"""Custom property on the armature: height of the floor in the avatar's own body axes, metres."""

PHOTO_PELVIS_KEY = "lhm_photo_pelvis"
"""Custom property on the armature: where the pelvis was in the photo, the file's body axes, metres."""

SHADOW_APART_KEY = "lhm_shadow_apart"
"""Custom property on the cloud: whether another object casts its shadow in Cycles and EEVEE."""

POSES = ("photo", "rest")


@dataclass(frozen=True)
class AvatarObjects:
    """What `add_avatar` made.

    Args:
        armature: The object to pose and move; its origin is on the floor.
        cloud: The Gaussians at rest, with the modifiers that pose and show them.
        frames: Hidden helper of the skinning nodes.
        collection: Holds all of them.
        face: Hidden helper that shows how the face moves, where the avatar knows that.
    """

    armature: bpy.types.Object
    cloud: bpy.types.Object
    frames: bpy.types.Object
    collection: bpy.types.Collection
    face: bpy.types.Object | None = None


def add_avatar(
    context: bpy.types.Context,
    avatar: Avatar,
    *,
    name: str,
    location: Sequence[float] = (0.0, 0.0, 0.0),
    pose: str = "photo",
    display: bpy.types.NodeTree | None = None,
) -> AvatarObjects:
    """Build an avatar in the scene, standing on the ground; select it and make it active.

    The data are shifted so that the armature's origin, its root bone and the soles of the rest pose are at
    one height. So a motion that moves the pelvis from its rest place stays on the floor, whatever pose was
    set before, and so does the person when the object is moved, turned or scaled. If anything fails, nothing
    is left behind.

    Args:
        context: Object Mode is entered if need be.
        avatar: The person.
        name: Of the collection and the armature.
        location: Point on the ground below the pelvis, metres, Blender's axes. [3]
        pose: ``photo`` or ``rest``.
        display: Geometry Nodes group that shows the posed Gaussians; runs after skinning.

    Raises:
        ValueError: If the pose is unknown, or no skinning group serves the binding's influences.
    """
    if pose not in POSES:
        raise ValueError(f"pose must be one of {POSES}, got {pose!r}")
    with all_or_nothing(context):
        to_object_mode(context)
        standing = _on_floor(avatar)
        made = _build(context, standing, name, display)
        photo = _grounded(standing, avatar.params)
        remember_photo_pose(made.armature, photo)
        store_shape(made.armature, made.cloud.data, avatar)
        _label(made, avatar)
        set_pose(made.armature, photo if pose == "photo" else rest_pose())
        made.armature.location = location
        select_only(context, made.armature)
        context.view_layer.update()
    return made


def cloud_of(armature: bpy.types.Object) -> bpy.types.Object | None:
    """The Gaussians of an avatar; None when the user deleted them."""
    clouds = (child for child in armature.children if child.get(AVATAR_KEY) == "cloud")
    return next(clouds, None)


def world_from_body(armature: bpy.types.Object) -> Matrix:
    """Where the avatar's own body axes (those of its file) are in Blender's world. [4, 4]

    Args:
        armature: Made by `add_avatar`.
    """
    return armature.matrix_world @ Matrix.Translation((0.0, -armature[FLOOR_KEY], 0.0))


def _on_floor(avatar: Avatar) -> Avatar:
    """The same person in body axes whose origin is on the floor."""
    shift = np.array([0.0, avatar.ground_height(), 0.0], np.float32)
    gaussians = replace(avatar.gaussians, means=avatar.gaussians.means - shift)
    return replace(avatar, gaussians=gaussians, joints=avatar.joints - shift)


def _grounded(standing: Avatar, params: BodyParams) -> BodyParams:
    """The same pose with the pelvis above the origin and the lowest point on the floor."""
    lowest = lowest_point(standing.gaussians.means, standing.joints, standing.binding, params)
    return replace(params, transl=np.array([0.0, -lowest, 0.0], np.float32))


def lowest_point(means: Float, joints: Float, binding: Binding, params: BodyParams) -> float:
    """Height of the lowest point of a posed person whose pelvis joint is where it is at rest, metres.

    Args:
        means: Rest pose, body axes. [N, 3]
        joints: Rest joints. [55, 3]
        binding: The joints that the points follow.
        params: The pose; its translation is left out.
    """
    posed_from_rest = forward_kinematics(joints, params.pose())
    posed = skin_means(means, posed_from_rest, binding.joint_indices, binding.joint_weights)
    return float(np.quantile(posed[:, 1], SOLE_QUANTILE))


def _build(
    context: bpy.types.Context, avatar: Avatar, name: str, display: bpy.types.NodeTree | None
) -> AvatarObjects:
    collection = bpy.data.collections.new(name)
    context.scene.collection.children.link(collection)  # never excluded, unlike the active collection
    hidden = bpy.data.collections.new(f"{name} Rig")
    collection.children.link(hidden)
    armature = create_armature(context, name, avatar.joints, collection)
    frames = create_bone_frames(f"{name} Bone Frames", armature, hidden)
    cloud = create_cloud(
        context, f"{name} Gaussians", avatar.gaussians, avatar.binding, avatar.seen, collection
    )
    _attach(cloud, armature)
    helpers, face = {"Bones": frames}, None
    if avatar.face is not None:
        face = create_face_mesh(f"{name} Face", armature, cloud.data, avatar.face, hidden)
        helpers["Face"] = face
    group = skinning_group(avatar.binding.influences, with_face=face is not None)
    add_modifier(cloud, "LHM Skinning", group, **helpers)
    if display is not None:
        add_modifier(cloud, "LHM Display", display)
    hide_collection(context.scene, hidden)
    return AvatarObjects(armature, cloud, frames, collection, face)


def _attach(cloud: bpy.types.Object, armature: bpy.types.Object) -> None:
    """Parent the cloud and lock it there: what moves it would part it from its bones."""
    cloud.parent = armature
    cloud.lock_location = cloud.lock_rotation = cloud.lock_scale = (True, True, True)


def _label(made: AvatarObjects, avatar: Avatar) -> None:
    """Mark the objects and keep with the armature where the avatar comes from."""
    for part in ("armature", "cloud", "frames", "face"):
        if getattr(made, part) is not None:
            getattr(made, part)[AVATAR_KEY] = part
    metadata = avatar.metadata
    made.armature[FLOOR_KEY] = avatar.ground_height()
    made.armature[PHOTO_PELVIS_KEY] = (avatar.joints[0] + avatar.params.transl).tolist()
    made.armature["lhm_seen"] = float((avatar.seen == SEEN_PHOTO).mean())
    made.armature["lhm_engine"] = str(metadata.get("engine", ""))
    made.armature["lhm_licences"] = json.dumps(metadata.get("licences", []), ensure_ascii=False)
    made.armature["lhm_metadata"] = json.dumps(metadata, ensure_ascii=False, sort_keys=True)
