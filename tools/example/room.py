"""The room, its light and the camera. Blender's axes: the person faces -y."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Vector

from .materials import plain_material, wood_material

if TYPE_CHECKING:
    from collections.abc import Sequence

_WALL_BEHIND = 1.15  # metres behind the person
_SKIRTING = (0.095, 0.018)  # height and thickness
_CAMERA_AWAY, _CAMERA_HEIGHT, _AIM_HEIGHT = 3.05, 1.22, 0.89
_LENS = 50.0
_SENSOR = 36.0


def add_room(floor: float) -> None:
    """Boards, a painted wall with a skirting board, light from a window on the left.

    Args:
        floor: Height of the floor, metres.
    """
    _box("floor", (0, 0, floor - 0.05), (5, 5, 0.05)).data.materials.append(wood_material())
    wall = _box("wall", (0, _WALL_BEHIND + 0.05, floor + 1.5), (5, 0.05, 1.6))
    wall.data.materials.append(plain_material("paint", (0.50, 0.475, 0.43), 0.75, 160.0))
    height, thickness = _SKIRTING
    for name, z, deep, half in (
        ("skirting", 0.5 * height, thickness, 0.5 * height),
        ("lip", height, 0.6 * thickness, 0.008),
    ):
        board = _box(name, (0, _WALL_BEHIND - deep * 0.5, floor + z), (5, 0.5 * deep, half))
        board.modifiers.new("bevel", "BEVEL").width = 0.004
        board.data.materials.append(plain_material("gloss", (0.62, 0.61, 0.58), 0.35, 60.0))
    _area("window", (-2.3, -2.2, floor + 2.15), (0, 0, floor + 1.0), (1.3, 1.7), 165.0, (1.0, 0.965, 0.91))
    _area("ceiling", (0.4, -0.6, floor + 3.0), (0.2, 0, floor), (3.2, 3.2), 15.0, (1.0, 0.96, 0.9))
    _area("room", (2.8, -2.4, floor + 1.3), (0, 0, floor + 1.0), (2.4, 2.2), 11.0, (0.95, 0.96, 1.0))
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.80, 0.86, 1.0, 1.0)
    background.inputs["Strength"].default_value = 0.11


def add_camera(floor: float) -> None:
    """A 50 mm lens at chest height, slightly from the side."""
    data = bpy.data.cameras.new("camera")
    camera = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(camera)
    place, aim = (
        Vector((-0.18, -_CAMERA_AWAY, floor + _CAMERA_HEIGHT)),
        Vector((0.015, 0, floor + _AIM_HEIGHT)),
    )
    camera.location = place
    camera.rotation_euler = (aim - place).to_track_quat("-Z", "Y").to_euler()
    data.lens, data.sensor_height, data.sensor_fit = _LENS, _SENSOR, "VERTICAL"
    data.dof.use_dof = True
    data.dof.focus_distance = _CAMERA_AWAY - 0.08
    data.dof.aperture_fstop = 2.2
    bpy.context.scene.camera = camera


def _box(name: str, centre: Sequence[float], half: Sequence[float]) -> bpy.types.Object:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners.tolist(), [], faces)
    made = bpy.data.objects.new(name, mesh)
    made.location = centre
    bpy.context.scene.collection.objects.link(made)
    return made


def _area(
    name: str,
    place: Sequence[float],
    aim: Sequence[float],
    size: tuple[float, float],
    watts: float,
    tint: Sequence[float],
) -> None:
    light = bpy.data.lights.new(name, "AREA")
    light.shape, light.size, light.size_y = "RECTANGLE", *size
    light.energy, light.color = watts, tint
    made = bpy.data.objects.new(name, light)
    made.location = place
    made.rotation_euler = (Vector(aim) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(made)
