"""The two materials of the display nodes: soft splats for pictures, opaque patches for the viewport."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..rigging.nodes import Nodes
from .capabilities import with_nodes

if TYPE_CHECKING:
    from collections.abc import Callable

EMISSION = "gs_emission"
"""Colour attribute made by the display nodes: what a splat emits, and what Solid shading shows."""

CORNER = "gs_corner"
"""Vector attribute made by the display nodes: place on the splat in standard deviations, centre at zero."""

_CLAY = (0.6, 0.55, 0.5, 1.0)  # where Solid shading shows materials, not attributes
_VERSION = 1
_KEY, _VERSION_KEY = "lhm_material", "lhm_version"


def splat_material() -> bpy.types.Material:
    """A Gaussian of colour and opacity on each quad.

    DITHERED, because EEVEE does not sort blended faces inside an object.
    """
    return generated_material("LHM Splat", _build_splat)


def patch_material() -> bpy.types.Material:
    """An opaque quad in the Gaussian's colour."""
    return generated_material("LHM Patch", _build_patch)


def generated_material(name: str, build: Callable[[Nodes], bpy.types.Node]) -> bpy.types.Material:
    """A material made by code: the file's own one where it is up to date, else a new one.

    Args:
        name: Of the material.
        build: Gives the shader.
    """
    for material in bpy.data.materials:
        if material.library is None and (material.get(_KEY), material.get(_VERSION_KEY)) == (name, _VERSION):
            return material
    material = bpy.data.materials.new(name)
    tree = with_nodes(material)
    tree.nodes.clear()
    nodes = Nodes(tree)
    nodes.add("ShaderNodeOutputMaterial", build(nodes))
    nodes.arrange()
    material.surface_render_method = "DITHERED"
    material.diffuse_color = _CLAY
    material[_KEY], material[_VERSION_KEY] = name, _VERSION
    return material


def splat_alpha(nodes: Nodes) -> bpy.types.NodeSocket:
    """How much of a splat is at a point of its quad."""
    corner = _attribute(nodes, CORNER).outputs["Vector"]
    exponent = nodes.math("MULTIPLY", nodes.vector("DOT_PRODUCT", corner, corner), -0.5)
    opacity = _attribute(nodes, "opacity").outputs["Fac"]
    return nodes.math("MULTIPLY", opacity, nodes.math("EXPONENT", exponent))


def _build_splat(nodes: Nodes) -> bpy.types.Node:
    clear = nodes.add("ShaderNodeBsdfTransparent")
    return nodes.add("ShaderNodeMixShader", splat_alpha(nodes), clear, _build_patch(nodes))


def _build_patch(nodes: Nodes) -> bpy.types.Node:
    return nodes.add("ShaderNodeEmission", _attribute(nodes, EMISSION).outputs["Color"])


def _attribute(nodes: Nodes, name: str) -> bpy.types.Node:
    return nodes.add("ShaderNodeAttribute", attribute_name=name, attribute_type="GEOMETRY")
