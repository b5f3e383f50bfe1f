"""The helper through which nodes see the face: a mesh whose vertices show how far Gaussians move.

Vertex r starts at the origin and is moved by shape keys, so where it is, in the armature's space, is what is
added to the rest position of the Gaussians whose ``face_index`` is r. The keys have the names of the face's
shapes, and custom properties of the head's pose bone drive them. These are sums of one number, which Blender
works out by itself, so a saved file plays without the extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.face import FaceSpace
from .face_names import BONE, limits, property_path, word_of
from .pointcloud import read_attribute, write_attribute
from .skinning_nodes import FACE_INDEX, face_mesh_of

if TYPE_CHECKING:
    from ..engine.avatar.arrays import Float


def create_face_mesh(
    name: str,
    armature: bpy.types.Object,
    cloud: bpy.types.PointCloud,
    face: FaceSpace,
    collection: bpy.types.Collection,
) -> bpy.types.Object:
    """Make the helper, its sliders on the head and what links them; the cloud learns its vertices.

    Args:
        name: Of the object and its mesh.
        armature: Gets the sliders.
        cloud: The Gaussians, in the avatar's order.
        face: The shapes, body axes.
        collection: Gets the object.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(face.indices))
    helper = bpy.data.objects.new(name, mesh)
    collection.objects.link(helper)
    helper.parent = armature
    helper.shape_key_add(name="Basis", from_mix=False)
    for shape, moves in zip(face.names, np.moveaxis(face.dirs, 2, 0), strict=True):
        key = helper.shape_key_add(name=shape, from_mix=False)
        key.points.foreach_set("co", np.ascontiguousarray(moves).ravel())
        key.slider_min, key.slider_max = limits(shape)[:2]
        _add_slider(armature.pose.bones[BONE], shape)
        _drive(key, armature, shape)
    row = np.full(len(cloud.points), -1, np.int32)
    row[face.indices] = np.arange(len(face.indices))
    write_attribute(cloud, FACE_INDEX, "INT", row)
    helper.hide_render = helper.hide_viewport = helper.hide_select = True
    return helper


def shape_names(helper: bpy.types.Object) -> tuple[str, ...]:
    """Of the helper's shapes."""
    keys = helper.data.shape_keys
    return () if keys is None else tuple(key.name for key in keys.key_blocks[1:])


def has_face(cloud: bpy.types.Object) -> bool:
    """Whether an avatar came with a face."""
    return FACE_INDEX in cloud.data.attributes


def read_face(cloud: bpy.types.Object) -> FaceSpace | None:
    """The face's shapes as a value, for the Gaussians that are left; None without, or where a part is lost.

    Args:
        cloud: The Gaussians of an avatar.
    """
    helper = face_mesh_of(cloud)
    names = () if helper is None else shape_names(helper)
    if not names or not has_face(cloud):
        return None
    row, count = read_attribute(cloud.data, FACE_INDEX), len(helper.data.vertices)
    indices = np.flatnonzero((row >= 0) & (row < count))
    basis, *keys = helper.data.shape_keys.key_blocks
    start = _places(basis, count)
    dirs = np.stack([_places(key, count) - start for key in keys], axis=2)
    return FaceSpace(names, indices.astype(np.int32), dirs[row[indices]])


def _places(key: bpy.types.ShapeKey, count: int) -> Float:
    """Of all vertices in a shape. [M, 3]"""
    places = np.empty((count, 3), np.float32)
    key.points.foreach_get("co", places.ravel())
    return places


def _add_slider(bone: bpy.types.PoseBone, shape: str) -> None:
    lowest, highest, soft_lowest, soft_highest = limits(shape)
    bone[shape] = 0.0
    bone.id_properties_ui(shape).update(
        min=lowest, max=highest, soft_min=soft_lowest, soft_max=soft_highest, default=0.0, step=5.0,
        precision=2, description=f"{shape}: {word_of(shape).help}",
    )  # fmt: skip
    bone.property_overridable_library_set(property_path(shape), True)


def _drive(key: bpy.types.ShapeKey, armature: bpy.types.Object, shape: str) -> None:
    """Let the slider set the key: a sum of one number, so no expression has to be worked out."""
    curve = key.driver_add("value")
    curve.keyframe_points.clear()  # without points the curve hands the number on as it is
    curve.driver.type = "SUM"
    variable = curve.driver.variables.new()
    variable.targets[0].id = armature
    variable.targets[0].data_path = f'pose.bones["{BONE}"]{property_path(shape)}'
