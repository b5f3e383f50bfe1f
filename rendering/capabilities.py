"""What the running Blender has for pictures: the one place of `rendering` that knows how Blenders differ.

Everything is found by looking for the thing itself; a version number decides only where nothing can be
looked at, see `INDEX_PASS`. What is not known for sure
about Blender 5.3's own Gaussian splats stands in `NATIVE`, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy

TYPE_PROPERTY, SPLAT_TYPE = "type", "GAUSSIAN_SPLAT"
"""Of a point cloud's data: what kind of points it holds, and the kind that Blender draws as splats."""


@dataclass(frozen=True)
class NativeNames:
    """Attributes of a point cloud from which a Blender draws splats itself, all on points.

    ``position``, ``scale`` (standard deviations) and ``rotation`` (w, x, y, z) are as ours and not listed.

    Args:
        base: Name of the constant colour coefficient and the opacity, in one.
        base_type: Its type.
        base_field: Its field in ``foreach_set``.
        harmonic: Names of the further coefficients, counted from 0; None where they would be ours, which
            count from 1.
    """

    base: str
    base_type: str
    base_field: str
    harmonic: str | None


NATIVE = (
    NativeNames("radiance:base", "FLOAT4", "vector", "radiance:sh_{}"),  # Blender's own SPZ importer
    NativeNames("color", "FLOAT_COLOR", "color", None),  # an older reading of the 5.3 alpha
)
"""Best first; the first row whose type the running Blender has is used.

Source: Blender's splat accessor and importer during the 5.3 alpha, read and not run. To be looked at in the
release: the names, whether posing turns the further coefficients, whether colours blend as display values.
"""


EEVEE_NAMES = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
"""What EEVEE is called among the render engines, now and in Blender 4."""


def native_names() -> NativeNames | None:
    """What this Blender wants of a point cloud that it draws itself; None where it cannot."""
    if SPLAT_TYPE not in _cloud_types():
        return None
    return next((row for row in NATIVE if row.base_type in _attribute_types()), None)


def is_native(cloud: bpy.types.PointCloud) -> bool:
    """Whether Blender draws a point cloud as splats."""
    return getattr(cloud, TYPE_PROPERTY, None) == SPLAT_TYPE


def set_native(cloud: bpy.types.PointCloud, native: bool) -> None:
    """Have Blender draw a point cloud as splats, or as points; it must know how to, see `native_names`."""
    plain = next(kind for kind in _cloud_types() if kind != SPLAT_TYPE)
    setattr(cloud, TYPE_PROPERTY, SPLAT_TYPE if native else plain)


def eevee() -> str:
    """The identifier of EEVEE among the render engines."""
    engines = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items.keys()
    return next(name for name in EEVEE_NAMES if name in engines)


def wildcard_is_property() -> bool:
    """Whether *Remove Named Attribute* has its mode as a property; since 5.0 it is an input."""
    return "pattern_mode" in bpy.types.GeometryNodeRemoveAttribute.bl_rna.properties


def with_nodes(block: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The node tree of a material or world; since 5.0 it is there from the start."""
    if shading_nodes(block) is None:
        block.use_nodes = True
    return block.node_tree  # type: ignore[return-value]


def shading_nodes(block: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree | None:
    """The nodes that shade with a material or world; None where it does without. Since 5.0 none does."""
    switch = block.bl_rna.properties.get("use_nodes")
    if switch is None or getattr(switch, "is_deprecated", False) or block.use_nodes:
        return block.node_tree
    return None


def composites_by_group() -> bool:
    """Whether a scene's compositor is a node group of the file, as since 5.0, or the scene's own tree."""
    return "compositing_node_group" in bpy.types.Scene.bl_rna.properties


INDEX_PASS = "Object Index" if bpy.app.version >= (5, 0) else "IndexOB"
"""What Blender calls the pass of object indices; only a render under way could tell."""


def _cloud_types() -> list[str]:
    kinds = bpy.types.PointCloud.bl_rna.properties.get(TYPE_PROPERTY)
    return [] if kinds is None else kinds.enum_items.keys()


def _attribute_types() -> list[str]:
    return bpy.types.Attribute.bl_rna.properties["data_type"].enum_items.keys()
