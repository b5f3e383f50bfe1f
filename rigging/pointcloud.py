"""Gaussians as a point cloud object with named attributes, and back.

================== ============ =============================================================
attribute          type         meaning
================== ============ =============================================================
position           FLOAT_VECTOR rest position, metres, body axes
rest_rotation      QUATERNION   rest orientation, w x y z
scale              FLOAT_VECTOR standard deviations, metres
opacity            FLOAT        0..1
gs_color           FLOAT_COLOR  display-space colour of the constant term; Cycles reserves ``color``
sh_1, sh_2, …      FLOAT_VECTOR further colour coefficients, where there are any
seen               INT          what the photo says about it, see ``engine.avatar.avatar``
bone_index_k       INT          the joint it follows, strongest first
bone_weight_k      FLOAT        how much
radius             FLOAT        the largest scale, so that Solid shading shows a body
shape_base         FLOAT_VECTOR what its body shape starts from, see ``shape_store``
shape_0, shape_1 … FLOAT_VECTOR how betas move it, where that is known
face_index         INT          its vertex of the face's helper, -1 for none, see ``face_mesh``
rotation           QUATERNION   made by the skinning nodes: posed orientation
================== ============ =============================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..engine.avatar.binding import Binding
from ..engine.avatar.gaussians import Gaussians
from ..engine.avatar.sh import sh_from_rgb
from .contexts import to_object_mode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ..engine.avatar.arrays import Float, Int

_FIELDS = {"FLOAT_VECTOR": ("vector", 3), "FLOAT_COLOR": ("color", 4), "QUATERNION": ("value", 4)}
_DTYPES = {"INT": np.int32}


def create_cloud(
    context: bpy.types.Context,
    name: str,
    gaussians: Gaussians,
    binding: Binding,
    seen: NDArray[np.uint8],
    collection: bpy.types.Collection,
) -> bpy.types.Object:
    """Make a point cloud object in the rest pose.

    Args:
        context: Its view layer shows the collection. Leaves the object active in Object Mode.
        name: Of the object and its data.
        gaussians: Rest pose, body axes.
        binding: One row per Gaussian.
        seen: One value per Gaussian. [N]
        collection: Gets the object.
    """
    cloud = _points(context, name, gaussians.means, collection)
    for attribute, (data_type, values) in _attributes(gaussians, binding, seen).items():
        write_attribute(cloud.data, attribute, data_type, values)
    return cloud


def write_attribute(cloud: bpy.types.PointCloud, name: str, data_type: str, values: Float | Int) -> None:
    """Set a point attribute, adding it where it is missing.

    Args:
        cloud: Point cloud data.
        name: Of the attribute.
        data_type: As in ``attributes.new``.
        values: One row per point. [N] or [N, C]
    """
    attribute = cloud.attributes.get(name) or cloud.attributes.new(name, data_type, "POINT")
    field, _ = _FIELDS.get(data_type, ("value", 1))
    dtype = _DTYPES.get(data_type, np.float32)
    attribute.data.foreach_set(field, np.ascontiguousarray(values, dtype).ravel())


def read_attribute(cloud: bpy.types.PointCloud, name: str) -> Float | Int:
    """Values of a point attribute, rest or evaluated. [N] or [N, C]

    Raises:
        KeyError: If there is no such attribute.
    """
    attribute = cloud.attributes[name]
    field, width = _FIELDS.get(attribute.data_type, ("value", 1))
    values = np.empty(len(attribute.data) * width, _DTYPES.get(attribute.data_type, np.float32))
    attribute.data.foreach_get(field, values)
    return values if width == 1 else values.reshape(-1, width)


def read_gaussians(cloud: bpy.types.PointCloud) -> Gaussians:
    """The Gaussians of a point cloud of ours: posed when it was evaluated, else at rest.

    Args:
        cloud: ``object.data``, or ``object.evaluated_get(depsgraph).data``. The armature's space.
    """
    attributes = cloud.attributes
    extra = [read_attribute(cloud, f"sh_{k}") for k in range(1, _count(attributes, "sh_", start=1) + 1)]
    constant = sh_from_rgb(read_attribute(cloud, "gs_color")[:, :3])
    return Gaussians(
        means=read_attribute(cloud, "position"),
        quats=read_attribute(cloud, "rotation" if "rotation" in attributes else "rest_rotation"),
        scales=read_attribute(cloud, "scale"),
        opacities=read_attribute(cloud, "opacity"),
        sh=np.stack([constant, *extra], axis=1),
    )


def read_binding(cloud: bpy.types.PointCloud) -> Binding:
    """The joints that the Gaussians of a point cloud of ours follow."""
    influences = range(_count(cloud.attributes, "bone_index_"))
    return Binding(
        np.stack([read_attribute(cloud, f"bone_index_{k}") for k in influences], axis=1),
        np.stack([read_attribute(cloud, f"bone_weight_{k}") for k in influences], axis=1),
    )


def _attributes(
    gaussians: Gaussians, binding: Binding, seen: NDArray[np.uint8]
) -> Mapping[str, tuple[str, Float | Int]]:
    opaque = np.ones((gaussians.count, 1), np.float32)
    table: dict[str, tuple[str, Float | Int]] = {
        "rest_rotation": ("QUATERNION", gaussians.quats),
        "scale": ("FLOAT_VECTOR", gaussians.scales),
        "opacity": ("FLOAT", gaussians.opacities),
        "gs_color": ("FLOAT_COLOR", np.hstack([gaussians.colors(), opaque])),
        "seen": ("INT", seen),
        "radius": ("FLOAT", gaussians.scales.max(axis=1)),
    }
    for k in range(1, gaussians.sh.shape[1]):
        table[f"sh_{k}"] = ("FLOAT_VECTOR", gaussians.sh[:, k])
    for k in range(binding.influences):
        table[f"bone_index_{k}"] = ("INT", binding.joint_indices[:, k])
        table[f"bone_weight_{k}"] = ("FLOAT", binding.joint_weights[:, k])
    return table


def _count(attributes: bpy.types.AttributeGroupPointCloud, prefix: str, start: int = 0) -> int:
    count = 0
    while f"{prefix}{start + count}" in attributes:
        count += 1
    return count


def _points(
    context: bpy.types.Context, name: str, positions: Float, collection: bpy.types.Collection
) -> bpy.types.Object:
    data = bpy.data.pointclouds.new(name)
    if hasattr(data, "resize"):  # Blender 5.2; ask the instance, the type does not know it
        data.resize(len(positions))
        write_attribute(data, "position", "FLOAT_VECTOR", positions)
        cloud = bpy.data.objects.new(name, data)
        collection.objects.link(cloud)
        return cloud
    bpy.data.pointclouds.remove(data)
    return _converted_points(context, name, positions, collection)


def _converted_points(
    context: bpy.types.Context, name: str, positions: Float, collection: bpy.types.Collection
) -> bpy.types.Object:
    """Blender 4.5 and 5.0 cannot size a point cloud from Python, but convert a mesh of loose vertices."""
    mesh = bpy.data.meshes.new(f"{name} (vertices)")
    mesh.vertices.add(len(positions))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(positions, np.float32).ravel())
    cloud = bpy.data.objects.new(name, mesh)
    collection.objects.link(cloud)
    to_object_mode(context)
    context.view_layer.objects.active = cloud
    only = [cloud]
    with context.temp_override(
        active_object=cloud, object=cloud, selected_objects=only, selected_editable_objects=only
    ):
        bpy.ops.object.convert(target="POINTCLOUD")
    bpy.data.meshes.remove(mesh)  # the operator leaves it behind
    cloud.data.name = name
    return cloud
