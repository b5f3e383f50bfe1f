"""Light on avatars, on and off, and the shadows they cast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine.avatar.avatar import SEEN_PHOTO
from ...engine.avatar.body import JOINT_NAMES
from ...engine.avatar.errors import AvatarError
from ...engine.avatar.rotations import matrix_from_quat
from ...engine.avatar.skinning import forward_kinematics, skin_gaussians
from ...rigging.avatar_objects import AVATAR_KEY, SHADOW_APART_KEY
from ...rigging.nodes import add_modifier, input_names, modifier_input
from ...rigging.pointcloud import read_attribute, read_binding, read_gaussians, write_attribute
from ...rigging.poses import photo_pose
from ...rigging.skinning_nodes import GROUP_NAME, frames_of
from .albedo import photo_light
from .normals import rest_surface
from .relit_nodes import (
    CASTER,
    DELIGHT,
    OWN_NORMAL,
    PHOTO_LIGHT,
    SUNK,
    normals_group,
    shadow_group,
    surface_group,
)

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float

NORMALS, SURFACE = "LHM Normals", "LHM Lit Surface"
"""Modifiers of a lit avatar: before and after the one that shows it."""

PHOTO_LIGHT_KEY = "lhm_photo_light"
"""Custom property on the cloud's data: slope of the photo's light over its mean, body axes."""

SHADOW = "shadow"
"""The part of an avatar, see `AVATAR_KEY`, that casts its shadow."""

UNLIT = "Lit avatars keep their photo's light here: their light shows in Cycles and EEVEE."
"""What the user should know of LHM Preview and of splats in the viewport."""

DEEPEST, THIN = 0.012, 0.4
"""The shadow's patches lie so far below the surface that it casts none on itself: metres, and at most which
share of the way to the bone."""


def is_lit(cloud: bpy.types.Object) -> bool:
    """Whether the scene's lights fall on an avatar.

    Args:
        cloud: Its Gaussians.
    """
    return SURFACE in cloud.modifiers


def any_lit(scene: bpy.types.Scene) -> bool:
    """Whether the scene has an avatar that its lights fall on."""
    return any(is_lit(found) for found in scene.objects if found.get(AVATAR_KEY) == "cloud")


def light_avatar(
    armature: bpy.types.Object, cloud: bpy.types.Object, lit: bool, *, delight: float = 1.0
) -> None:
    """Let the scene's lights fall on an avatar, or let it glow in its photo's light again.

    Args:
        armature: Of the avatar.
        cloud: Its Gaussians.
        lit: Which.
        delight: How much of the photo's light is taken off its colours, 0 to 1.

    Raises:
        AvatarError: If the avatar is linked, or nothing shows it.
    """
    _check(armature, cloud)
    if is_lit(cloud):
        cloud.modifiers.remove(cloud.modifiers[SURFACE])
    if lit:
        prepare(armature, cloud)
        add_modifier(cloud, SURFACE, surface_group(), **{DELIGHT: delight})
    _let_shadow(armature, cloud)


def prepare(armature: bpy.types.Object, cloud: bpy.types.Object) -> None:
    """Give the posed Gaussians normals, where they have none.

    Args:
        armature: Of the avatar.
        cloud: Its Gaussians.
    """
    measure(armature, cloud)
    if NORMALS not in cloud.modifiers:
        add_modifier(cloud, NORMALS, normals_group())
        skinning = next(k for k, modifier in enumerate(cloud.modifiers) if _skins(modifier))
        cloud.modifiers.move(len(cloud.modifiers) - 1, skinning + 1)


def measure(armature: bpy.types.Object, cloud: bpy.types.Object) -> None:
    """Find the Gaussians' normals, and the light of the photo, where that was not done yet.

    Args:
        armature: Of the avatar.
        cloud: Its Gaussians.
    """
    data = cloud.data
    if all(name in data.attributes for name in (OWN_NORMAL, PHOTO_LIGHT, SUNK)):
        return
    gaussians, binding, joints = read_gaussians(data), read_binding(data), _rest_joints(armature)
    surface = rest_surface(gaussians, binding, joints)
    axes = matrix_from_quat(gaussians.quats.astype(np.float64))
    own = np.einsum("nab,na->nb", axes, surface.normals)
    params = photo_pose(armature)
    posed = skin_gaussians(gaussians, binding, forward_kinematics(joints, params.pose(), params.transl))
    in_photo = np.einsum("nab,nb->na", matrix_from_quat(posed.quats.astype(np.float64)), own)
    seen = read_attribute(data, "seen") == SEEN_PHOTO
    light, slope = photo_light(gaussians.colors(), in_photo, seen)
    data[PHOTO_LIGHT_KEY] = slope.tolist()
    write_attribute(data, OWN_NORMAL, "FLOAT_VECTOR", own)
    write_attribute(data, PHOTO_LIGHT, "FLOAT", light)
    write_attribute(data, SUNK, "FLOAT", np.minimum(DEEPEST, THIN * surface.depths))


def shadow_of(armature: bpy.types.Object) -> bpy.types.Object | None:
    """What casts an avatar's shadow; None where nothing does."""
    return next((child for child in armature.children if child.get(AVATAR_KEY) == SHADOW), None)


def cast_shadow(armature: bpy.types.Object, cloud: bpy.types.Object) -> bpy.types.Object:
    """Let an avatar cast its own shadow instead of that of quads which all face the camera.

    A second object shows the same data, skinned by the same bones, as patches along the surface that only
    shadow rays meet.

    Args:
        armature: Of the avatar.
        cloud: Its Gaussians.

    Returns:
        The object; the one there is where one is.

    Raises:
        AvatarError: If the avatar is linked, or nothing shows it.
    """
    there = shadow_of(armature)
    if there is not None:
        return there
    _check(armature, cloud)
    prepare(armature, cloud)
    shadow = bpy.data.objects.new(f"{armature.name} Shadow", cloud.data)
    for collection in cloud.users_collection:
        collection.objects.link(shadow)
    shadow.parent, shadow.matrix_parent_inverse = armature, cloud.matrix_parent_inverse.copy()
    shadow.lock_location = shadow.lock_rotation = shadow.lock_scale = (True, True, True)
    shadow[AVATAR_KEY] = SHADOW
    skinning = next(modifier for modifier in cloud.modifiers if _skins(modifier))
    _copy_modifier(skinning, shadow)
    add_modifier(shadow, NORMALS, normals_group())
    add_modifier(shadow, "LHM Shadow", shadow_group(), **{CASTER: cloud})
    shadow.hide_viewport = shadow.hide_select = True
    shadow.visible_camera = shadow.visible_diffuse = shadow.visible_glossy = False
    shadow.visible_transmission = shadow.visible_volume_scatter = False
    _let_shadow(armature, cloud)
    return shadow


def remove_shadow(armature: bpy.types.Object, cloud: bpy.types.Object) -> None:
    """Undo `cast_shadow`."""
    shadow = shadow_of(armature)
    if shadow is not None:
        _check(armature, cloud)
        bpy.data.objects.remove(shadow)
        _let_shadow(armature, cloud)


def _let_shadow(armature: bpy.types.Object, cloud: bpy.types.Object) -> None:
    """Keep quads that face the camera from shading each other, and from passing light on from their backs.

    As long as they glow, neither shows.
    """
    cloud[SHADOW_APART_KEY] = shadow_of(armature) is not None
    cloud.visible_shadow = shadow_of(armature) is None and not is_lit(cloud)
    cloud.visible_diffuse = not is_lit(cloud)


def reason_against(armature: bpy.types.Object, cloud: bpy.types.Object) -> str:
    """Why an avatar's light and shadow cannot be changed, as a sentence for the user; empty if they can.

    Args:
        armature: Of the avatar.
        cloud: Its Gaussians.
    """
    if any(block.library for block in (armature, cloud, cloud.data)):
        return f"{armature.name!r} is linked from another file. Change its light there."
    if not len(cloud.data.points):
        return f"{armature.name!r} has no splats left to light. Undo that, or import the avatar again."
    if frames_of(cloud) is None:
        return f"The splats of {armature.name!r} lost their skinning modifier. Import the avatar again."
    return ""


def _check(armature: bpy.types.Object, cloud: bpy.types.Object) -> None:
    reason = reason_against(armature, cloud)
    if reason:
        raise AvatarError(reason)


def _skins(modifier: bpy.types.Modifier) -> bool:
    tree = modifier.node_group if modifier.type == "NODES" else None  # type: ignore[attr-defined]
    return tree is not None and tree.name.startswith(GROUP_NAME)


def _copy_modifier(modifier: bpy.types.Modifier, target: bpy.types.Object) -> None:
    tree = modifier.node_group  # type: ignore[attr-defined]
    names = [name for name in input_names(tree) if name != "Geometry"]
    add_modifier(target, modifier.name, tree, **{name: modifier_input(modifier, name) for name in names})


def _rest_joints(armature: bpy.types.Object) -> Float:
    bones = armature.data.bones  # type: ignore[union-attr]
    return np.array([bones[name].head_local for name in JOINT_NAMES], np.float64)
