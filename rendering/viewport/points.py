"""While splats are drawn in the viewport, small points stand in for an avatar there.

They are what can be clicked on, what hides grid and relationship lines behind the person, and what turning
the view around a place finds. Renders keep the avatar's own display.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...rigging.avatar_objects import AVATAR_KEY
from ...rigging.nodes import add_modifier, generated_group
from ..confidence import DISPLAY
from ..splat_material import EMISSION, patch_material

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy

    from ...rigging.nodes import Nodes

NAME, VERSION = "LHM Viewport Points", 1
_SIZE = 0.85  # of the largest standard deviation; smaller ones leave gaps between them
_FAINT = 0.2  # of opacity; a point below so faint a splat would be seen
_SOLID_COLOR = (0.05, 0.05, 0.05, 1.0)  # of Solid shading's usual background, so that soft edges fade into it
_GAMMA = (2.2,) * 3  # nearly the sRGB curve; good enough for what lies below the splats


def clouds(scene: bpy.types.Scene) -> Iterator[bpy.types.Object]:
    """The avatars' Gaussians of a scene that may be changed: linked ones may not."""
    for candidate in scene.objects:
        if candidate.type == "POINTCLOUD" and candidate.get(AVATAR_KEY) == "cloud" and candidate.is_editable:
            yield candidate


def use_points(cloud: bpy.types.Object) -> None:
    """Show points in place of the avatar's own display, in the viewport only."""
    if cloud.modifiers.get(NAME) is None:
        added = add_modifier(cloud, NAME, _group())
        added.show_render = False
    display = cloud.modifiers.get(DISPLAY)
    if display is not None and display.show_viewport:
        display.show_viewport = False


def use_display(cloud: bpy.types.Object) -> None:
    """Show the avatar's own display again; nothing happens where no points were shown."""
    points = cloud.modifiers.get(NAME)
    if points is None:
        return
    cloud.modifiers.remove(points)
    display = cloud.modifiers.get(DISPLAY)
    if display is not None:
        display.show_viewport = True


def has_points(cloud: bpy.types.Object) -> bool:
    """Whether an avatar is shown as points."""
    return cloud.modifiers.get(NAME) is not None


def _material() -> bpy.types.Material:
    """Shows the splats' colours in EEVEE and Cycles."""
    material = patch_material().copy()
    for key in list(material.keys()):
        del material[key]  # so that it is not taken for the patches' own
    material.name, material.diffuse_color = NAME, _SOLID_COLOR
    return material


def _group() -> bpy.types.NodeTree:
    return generated_group(NAME, VERSION, _build)


def _build(nodes: Nodes) -> None:
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    light = nodes.vector("POWER", nodes.attribute("gs_color", "FLOAT_VECTOR"), _GAMMA)
    colored = nodes.store(geometry, EMISSION, "FLOAT_COLOR", light)
    painted = nodes.add("GeometryNodeSetMaterial", colored, None, _material())
    solid = nodes.math("GREATER_THAN", nodes.attribute("opacity", "FLOAT"), _FAINT)
    factor = nodes.math("MULTIPLY", solid, _SIZE)
    radius = nodes.math("MULTIPLY", nodes.attribute("radius", "FLOAT"), factor)
    small = nodes.add("GeometryNodeSetPointRadius", painted, None, radius)
    nodes.output("Geometry", "NodeSocketGeometry", small)
