"""The helper through which nodes see the pose: each bone's frame as four mesh vertices.

Geometry Nodes have no bone node before Blender 5.2. But a mesh whose vertices follow one bone each shows
exactly that bone's `posed_from_rest`: one vertex moves as the body's middle would with that bone, and three
more, a metre along the axes, give the columns of its rotation. All bones share the same four rest positions,
so no inverse is needed anywhere.

Vertices: 55 in the middle, then 55 on each axis; vertex ``r * 55 + j`` belongs to joint j.
"""

from __future__ import annotations

import bpy
import numpy as np

from ..engine.avatar.body import JOINT_COUNT, JOINT_NAMES

MIDDLE = (0.0, 1.0, 0.0)
"""Rest position of the middle vertices, metres above the floor. Any point would do; far from the body,
float32 rounding grows.
"""


def create_bone_frames(
    name: str, armature: bpy.types.Object, collection: bpy.types.Collection
) -> bpy.types.Object:
    """Make the helper mesh of 220 vertices and let the armature deform it.

    Args:
        name: Of the object and its mesh.
        armature: Has a bone for each joint.
        collection: Gets the object.
    """
    corners = np.tile(np.array(MIDDLE, np.float32), (4, JOINT_COUNT, 1))
    for axis in range(3):
        corners[axis + 1, :, axis] += 1.0
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(4 * JOINT_COUNT)
    mesh.vertices.foreach_set("co", corners.ravel())
    frames = bpy.data.objects.new(name, mesh)
    collection.objects.link(frames)
    frames.parent = armature
    for joint, bone in enumerate(JOINT_NAMES):
        vertices = [joint + corner * JOINT_COUNT for corner in range(4)]
        frames.vertex_groups.new(name=bone).add(vertices, 1.0, "REPLACE")
    modifier = frames.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    modifier.use_deform_preserve_volume = False
    frames.hide_render = frames.hide_viewport = frames.hide_select = True
    return frames


def hide_collection(scene: bpy.types.Scene, collection: bpy.types.Collection) -> None:
    """Keep a collection out of view and renders; its objects still evaluate when nodes ask for them."""
    collection.hide_render = collection.hide_viewport = collection.hide_select = True
    for view_layer in scene.view_layers:
        layer = _find(view_layer.layer_collection, collection)
        if layer is not None:
            layer.exclude = True


def _find(
    layer: bpy.types.LayerCollection, collection: bpy.types.Collection
) -> bpy.types.LayerCollection | None:
    if layer.collection == collection:
        return layer
    found = (_find(child, collection) for child in layer.children)
    return next((child for child in found if child is not None), None)
