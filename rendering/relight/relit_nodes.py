"""Nodes and materials of lit avatars: normals that turn with the body, and shaders that light falls on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...rigging.nodes import Nodes, generated_group
from ..splat_material import EMISSION, generated_material, patch_material, splat_alpha, splat_material

if TYPE_CHECKING:
    import bpy

NORMAL = "gs_normal"
"""Attribute made by the nodes: where the posed surface faces, object space."""

OWN_NORMAL = "own_normal"
"""Attribute of the cloud: where the surface faces, in the Gaussian's own axes; a pose does not change it."""

PHOTO_LIGHT = "photo_light"
"""Attribute of the cloud: the light that stood on it in its photo, over the mean."""

SUNK = "sunk"
"""Attribute of the cloud: how far below the surface its shadow's patch lies, metres."""

ALBEDO = "gs_albedo"
"""Attribute made by the nodes: scene-linear colour that the scene's light falls on."""

DELIGHT = "Remove Photo Light"
"""Input of the lit surface: 0 leaves the colours as they are, 1 takes the photo's light off."""

NORMALS_GROUP, SURFACE_GROUP, SHADOW_GROUP = "LHM Normals", "LHM Lit Surface", "LHM Shadow"
CASTER = "Caster"
"""Input of the shadow: the object that casts it. Without that object there is no shadow."""

_VERSION = 1
_SHADOW_VERSION = 2  # with the caster
_PATCH = 1.6  # half the side of a patch in standard deviations, as the display's
_FAINTEST = 0.25


def normals_group() -> bpy.types.NodeTree:
    """Runs after skinning: gives each posed Gaussian its normal."""
    return generated_group(NORMALS_GROUP, _VERSION, _build_normals)


def surface_group() -> bpy.types.NodeTree:
    """Runs after the display: light falls on what glowed."""
    return generated_group(SURFACE_GROUP, _VERSION, _build_surface)


def shadow_group() -> bpy.types.NodeTree:
    """Runs after the normals, in place of the display: opaque patches along the surface, a little inside."""
    return generated_group(SHADOW_GROUP, _SHADOW_VERSION, _build_shadow)


def _build_normals(nodes: Nodes) -> None:
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    own, rotation = nodes.attribute(OWN_NORMAL, "FLOAT_VECTOR"), nodes.attribute("rotation", "QUATERNION")
    normal = nodes.add("FunctionNodeRotateVector", own, rotation).outputs[0]
    nodes.output("Geometry", "NodeSocketGeometry", nodes.store(geometry, NORMAL, "FLOAT_VECTOR", normal))


def _build_surface(nodes: Nodes) -> None:
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    share = nodes.input(DELIGHT, "NodeSocketFloat")
    light = nodes.math("SUBTRACT", nodes.attribute(PHOTO_LIGHT, "FLOAT"), 1.0)
    light = nodes.math("MULTIPLY_ADD", light, share, 1.0)
    color = nodes.vector("SCALE", nodes.attribute(EMISSION, "FLOAT_VECTOR"), nodes.math("DIVIDE", 1.0, light))
    color = nodes.vector("MINIMUM", color, (1.0, 1.0, 1.0))
    geometry = nodes.store(geometry, ALBEDO, "FLOAT_COLOR", color)
    normal = nodes.attribute(NORMAL, "FLOAT_VECTOR")
    geometry = nodes.add("GeometryNodeSetShadeSmooth", geometry, None, True).outputs[0]  # Cycles asks for it
    geometry = nodes.add("GeometryNodeSetMeshNormal", geometry, normal, mode="FREE", domain="POINT").outputs[
        0
    ]
    for old, new in ((splat_material(), lit_splat_material()), (patch_material(), lit_patch_material())):
        geometry = nodes.add("GeometryNodeReplaceMaterial", geometry, old, new).outputs[0]
    nodes.output("Geometry", "NodeSocketGeometry", geometry)
    item = nodes.tree.interface.items_tree[DELIGHT]
    item.subtype, item.default_value = "FACTOR", 1.0  # type: ignore[attr-defined]
    item.min_value, item.max_value = 0.0, 1.0  # type: ignore[attr-defined]


def _build_shadow(nodes: Nodes) -> None:
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    caster = nodes.add("GeometryNodeObjectInfo", nodes.input(CASTER, "NodeSocketObject"))
    there = nodes.vector("LENGTH", next(out for out in caster.outputs if out.identifier == "Scale"))
    normal = nodes.attribute(NORMAL, "FLOAT_VECTOR")
    below = nodes.vector("SCALE", normal, nodes.math("MULTIPLY", nodes.attribute(SUNK, "FLOAT"), -1.0))
    sunk = nodes.add("GeometryNodeSetPosition", geometry, None, None, below)
    quad = nodes.add("GeometryNodeMeshGrid", 2.0, 2.0, 2, 2).outputs[0]
    sizes = nodes.add("ShaderNodeSeparateXYZ", nodes.attribute("scale", "FLOAT_VECTOR")).outputs
    largest = nodes.math("MAXIMUM", sizes[0], nodes.math("MAXIMUM", sizes[1], sizes[2]))
    visible = nodes.math("GREATER_THAN", nodes.attribute("opacity", "FLOAT"), _FAINTEST)
    half = nodes.math("MULTIPLY", nodes.math("MULTIPLY", largest, visible), _PATCH)
    turn = nodes.add("FunctionNodeAlignRotationToVector", None, None, normal, axis="Z")
    placed = nodes.add(
        "GeometryNodeInstanceOnPoints", sunk, None, quad, None, None, turn, nodes.spread(half)
    ).outputs[0]
    real = nodes.add("GeometryNodeRealizeInstances", placed)
    # Who deletes the splats does not see this object; no scale is what nodes tell of an object that is gone.
    shadow = nodes.add(
        "GeometryNodeSwitch", nodes.math("GREATER_THAN", there, 0.0), None, real, input_type="GEOMETRY"
    )
    nodes.output("Geometry", "NodeSocketGeometry", shadow)


def lit_splat_material() -> bpy.types.Material:
    """A Gaussian of albedo and opacity on each quad."""
    return generated_material("LHM Lit Splat", _lit_splat)


def lit_patch_material() -> bpy.types.Material:
    """An opaque quad of the Gaussian's albedo."""
    return generated_material("LHM Lit Patch", _lit)


def _lit_splat(nodes: Nodes) -> bpy.types.Node:
    clear = nodes.add("ShaderNodeBsdfTransparent")
    return nodes.add("ShaderNodeMixShader", splat_alpha(nodes), clear, _lit(nodes))


def _lit(nodes: Nodes) -> bpy.types.Node:
    """Matt. The mesh has the surface's normals; given to the shader only, Cycles drops light from behind."""
    return nodes.add("ShaderNodeBsdfDiffuse", _attribute(nodes, ALBEDO).outputs["Color"])


def _attribute(nodes: Nodes, name: str) -> bpy.types.Node:
    return nodes.add("ShaderNodeAttribute", attribute_name=name, attribute_type="GEOMETRY")
