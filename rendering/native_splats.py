"""Gaussians that Blender draws itself, from 5.3 on: the same point cloud, skinned by the same nodes.

What such a Blender wants is in `capabilities.py`. Our own attributes stay beside, so that the nodes, LHM
Preview and older Blenders find what they know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.errors import AvatarError
from ..engine.avatar.sh import sh_from_rgb
from ..rigging.pointcloud import read_attribute, write_attribute
from .capabilities import NATIVE, NativeNames, is_native, native_names, set_native

if TYPE_CHECKING:
    import bpy

    from ..engine.avatar.arrays import Float

NO_NATIVE = "This Blender does not draw Gaussian splats itself. Use Blender 5.3 or later, or keep the nodes."
_ROTATION = "rotation"


def show_native(cloud: bpy.types.Object) -> None:
    """Have Blender draw an avatar's Gaussians itself.

    Args:
        cloud: The avatar's Gaussians, not evaluated; the display nodes are another's to remove.

    Raises:
        AvatarError: If this Blender cannot.
    """
    names = native_names()
    if names is None:
        raise AvatarError(NO_NATIVE)
    _write(cloud.data, names)
    set_native(cloud.data, True)
    cloud.data.update_tag()


def hide_native(cloud: bpy.types.Object) -> None:
    """Take back what `show_native` did; nothing happens where it did nothing.

    Args:
        cloud: The avatar's Gaussians, not evaluated.
    """
    data = cloud.data
    if is_native(data):
        set_native(data, False)
    for name in _written(data):
        data.attributes.remove(data.attributes[name])
    data.update_tag()


def shows_native(cloud: bpy.types.Object) -> bool:
    """Whether Blender draws an avatar's Gaussians itself."""
    return is_native(cloud.data)


def _write(data: bpy.types.PointCloud, names: NativeNames) -> None:
    """Our attributes once more, as Blender wants them, at rest."""
    write_attribute(data, _ROTATION, "QUATERNION", read_attribute(data, "rest_rotation"))
    constant = sh_from_rgb(read_attribute(data, "gs_color")[:, :3])
    _write_base(data, names, np.column_stack([constant, read_attribute(data, "opacity")]))
    k = 1
    while names.harmonic is not None and f"sh_{k}" in data.attributes:
        values = read_attribute(data, f"sh_{k}")
        write_attribute(data, names.harmonic.format(k - 1), "FLOAT_VECTOR", values)
        k += 1


def _write_base(data: bpy.types.PointCloud, names: NativeNames, values: Float) -> None:
    if names.base not in data.attributes:
        data.attributes.new(names.base, names.base_type, "POINT")
    flat = np.ascontiguousarray(values, np.float32).ravel()
    data.attributes[names.base].data.foreach_set(names.base_field, flat)


def _written(data: bpy.types.PointCloud) -> list[str]:
    """Names of attributes that only `_write` makes."""
    names = set(data.attributes.keys())
    found = {_ROTATION} & names
    for row in NATIVE:
        found |= {row.base} & names
        prefix = row.harmonic.format("") if row.harmonic else None
        found |= {name for name in names if prefix and name.startswith(prefix)}
    return sorted(found)
