"""What stands around the avatar in a plate: camera, ground that only takes shadow, sun and sky."""

from __future__ import annotations

from math import radians
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..capabilities import with_nodes
from ..relight.relit import PHOTO_LIGHT_KEY
from ..splat_material import generated_material
from .plate_file import mean_color

if TYPE_CHECKING:
    from ...rigging.nodes import Nodes
    from .plate_file import Plate

PART_KEY = "lhm_plate"
"""Custom property on what was made for the plate: which part it is."""

CAMERA, GROUND, SUN, WORLD = "Plate Camera", "Plate Ground", "Plate Sun", "Plate World"
_SIDE = 20.0  # metres of ground
_SUN_STRENGTH, _SUN_ANGLE = 2.5, radians(8)
_SKY = 0.5  # brightness; with the sun, what looks at both is about as bright as in its photo
_LOWEST_SUN = 0.6  # sine of its height; lower ones make shadows that leave the picture
_CLEAR_SLOPE = 0.08  # of the photo's light; below, it comes from nowhere in particular
_BLACK = 1e-3


def part(scene: bpy.types.Scene, name: str, make: Any) -> bpy.types.Object:
    """The scene's object for a part of the plate, from an earlier time or new.

    Args:
        scene: Gets it.
        name: Of the part, and the object's.
        make: Gives a new object's data.
    """
    own = (other for other in scene.objects if other.is_editable)
    found = next((other for other in own if other.get(PART_KEY) == name), None)
    if found is None:
        found = bpy.data.objects.new(name, make())
        found[PART_KEY] = name
        scene.collection.objects.link(found)
    return found


def plate_camera(scene: bpy.types.Scene) -> bpy.types.Object:
    """The camera of the plate."""
    return part(scene, CAMERA, lambda: bpy.data.cameras.new(CAMERA))


def show_behind(camera: bpy.types.Object, plate: Plate) -> None:
    """Let a camera show the plate behind the scene, in the viewport.

    Args:
        camera: Loses its other background pictures.
        plate: The picture.
    """
    data: Any = camera.data
    data.background_images.clear()
    behind = data.background_images.new()
    if plate.image is not None:
        behind.source, behind.image = "IMAGE", plate.image
    else:
        behind.source, behind.clip = "MOVIE_CLIP", plate.clip
    behind.alpha, behind.display_depth, behind.frame_method = 1.0, "BACK", "FIT"
    data.show_background_images = True


def add_ground(scene: bpy.types.Scene, armature: bpy.types.Object) -> bpy.types.Object:
    """A plane at the avatar's feet that Cycles and LHM Preview show the shadow on, and nothing else.

    Args:
        scene: Gets it.
        armature: Of the avatar.
    """
    ground = part(scene, GROUND, _plane)
    standing = armature.matrix_world.normalized() @ Matrix.Rotation(-radians(90), 4, "X")  # its Y is up
    ground.matrix_world = standing
    ground.is_shadow_catcher = True
    ground.display_type, ground.hide_select = "WIRE", False
    return ground


def add_light(
    scene: bpy.types.Scene, armature: bpy.types.Object, cloud: bpy.types.Object, plate: Plate
) -> None:
    """A sky of the plate's mean colour, and a sun from where the photo's light came.

    Args:
        scene: Gets them; its world is replaced, its lamps stay.
        armature: Of the avatar.
        cloud: Its Gaussians, prepared for light.
        plate: The picture.
    """
    sky = _sky(plate)
    world = next((world for world in bpy.data.worlds if _may_be_sky(world, scene)), None)
    world = world or bpy.data.worlds.new(WORLD)
    world[PART_KEY], world.color = WORLD, sky
    background = _background(with_nodes(world))
    background.inputs["Color"].default_value = (*sky, 1.0)  # type: ignore[attr-defined]
    scene.world = world
    sun = part(scene, SUN, lambda: bpy.data.lights.new(SUN, "SUN"))
    sun.data.energy, sun.data.angle = _SUN_STRENGTH, _SUN_ANGLE  # type: ignore[attr-defined]
    direction = armature.matrix_world.to_3x3().normalized() @ Vector(
        sun_direction(cloud.data.get(PHOTO_LIGHT_KEY))
    )
    sun.matrix_world = Matrix.LocRotScale(
        armature.matrix_world.translation + 3 * direction, direction.to_track_quat("Z", "Y"), None
    )


def _may_be_sky(world: bpy.types.World, scene: bpy.types.Scene) -> bool:
    """Whether it was made for a plate, and no other scene has it."""
    return (
        bool(world.get(PART_KEY))
        and world.library is None
        and not any(other.world == world for other in bpy.data.scenes if other != scene)
    )


def _background(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """The shader at the output; a new one where the user put another there."""
    output: Any = tree.get_output_node("ALL") or tree.nodes.new("ShaderNodeOutputWorld")  # type: ignore[attr-defined]
    links = output.inputs["Surface"].links
    if links and links[0].from_node.bl_idname == "ShaderNodeBackground":
        return links[0].from_node
    shader = tree.nodes.new("ShaderNodeBackground")
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return shader


def _sky(plate: Plate) -> tuple[float, float, float]:
    color = mean_color(plate)
    if color is None or color.max() < _BLACK:
        return (_SKY, _SKY, _SKY)
    red, green, blue = color * _SKY / color.mean()
    return red, green, blue


def sun_direction(slope: Any) -> tuple[float, float, float]:
    """Towards the sun in body axes, high enough for a short shadow.

    Args:
        slope: Of the photo's light, body axes; None where it is unknown.
    """
    towards = np.zeros(3) if slope is None else np.array(slope, np.float64)
    if np.linalg.norm(towards) < _CLEAR_SLOPE:
        towards = np.array([0.5, 1.0, 0.6])  # from above, before and the side: as light mostly comes
    towards /= np.linalg.norm(towards)
    if towards[1] < _LOWEST_SUN:
        level = towards[[0, 2]] / max(float(np.linalg.norm(towards[[0, 2]])), 1e-9)
        towards[[0, 2]], towards[1] = level * np.sqrt(1 - _LOWEST_SUN**2), _LOWEST_SUN
    return tuple(towards / np.linalg.norm(towards))


def _plane() -> bpy.types.Mesh:
    mesh, half = bpy.data.meshes.new(GROUND), _SIDE / 2
    mesh.from_pydata(
        [(x * half, y * half, 0) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))], [], [range(4)]
    )
    mesh.materials.append(generated_material(GROUND, _ground))
    return mesh


def _ground(nodes: Nodes) -> bpy.types.Node:
    """EEVEE knows no shadow catchers, so there the ground is clear: it would hide the plate."""
    clear = nodes.add("ShaderNodeBsdfTransparent")
    nodes.add("ShaderNodeOutputMaterial", clear, target="EEVEE")
    return nodes.add("ShaderNodeBsdfDiffuse", (0.5, 0.5, 0.5, 1.0))
