"""Let a garment hang: Blender's cloth simulation over the standing body makes the folds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine.avatar.axes import BLENDER_FROM_BODY
from .shapes import Shape, Surface, add_object, evaluated

if TYPE_CHECKING:
    from .garments import Garment
    from .person import Person

_GAP = 0.003  # metres between cloth and skin


def drape(garment: Garment, person: Person, *, frames: int, stiffness: float, bending: float) -> Shape:
    """Hang a garment on the standing person.

    Args:
        garment: Around the resting body.
        person: Who wears it.
        frames: How long it falls, at 24 a second.
        stiffness: Against stretching and compressing.
        bending: Against folding.

    Returns:
        The same vertices, hanging.
    """
    weights = person.weights_at(garment.shape.vertices)
    start = garment.shape.moved(person.posed(garment.shape.vertices, person.standing, weights))
    cut = person.posed(garment.cut, person.easy, weights)
    body = person.rest.vertices
    wearer = Shape(
        person.posed(body, person.standing, person.weights),
        [tuple(t) for t in person.rest.triangles.tolist()],
    )
    obstacle = add_object("wearer", wearer)
    obstacle.modifiers.new("Collision", "COLLISION")
    obstacle.collision.thickness_outer = _GAP
    obstacle.collision.cloth_friction = 25
    cloth = add_object(garment.name, start.moved(_outside(start, wearer)))
    _set_cut(cloth, cut)
    _set_cloth(cloth, garment, stiffness, bending)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, frames
    for frame in range(1, frames + 1):
        scene.frame_set(frame)
    result = evaluated(cloth)
    bpy.data.objects.remove(cloth)
    bpy.data.objects.remove(obstacle)
    scene.frame_set(1)
    return result


def _outside(cloth: Shape, wearer: Shape) -> np.ndarray:
    return Surface(wearer.vertices, wearer.triangles()).outside(cloth.vertices, 1.5 * _GAP)


def _set_cut(cloth: bpy.types.Object, cut: np.ndarray) -> None:
    """The lengths the cloth wants are those of its cut, not of where it starts."""
    cloth.shape_key_add(name="Basis")
    key = cloth.shape_key_add(name="Cut")
    key.data.foreach_set("co", (cut @ BLENDER_FROM_BODY.T).astype(np.float32).ravel())
    key.value = 0.0


def _set_cloth(cloth: bpy.types.Object, garment: Garment, stiffness: float, bending: float) -> None:
    pins = cloth.vertex_groups.new(name="pins")
    for vertex in np.flatnonzero(garment.pinned > 0):
        pins.add([int(vertex)], float(garment.pinned[vertex]), "REPLACE")
    modifier = cloth.modifiers.new("Cloth", "CLOTH")
    settings, collisions = modifier.settings, modifier.collision_settings
    settings.quality = 6
    settings.mass = 0.25
    settings.tension_stiffness = settings.compression_stiffness = stiffness
    settings.shear_stiffness = 0.4 * stiffness
    settings.bending_stiffness = bending
    settings.tension_damping = settings.compression_damping = 10
    settings.air_damping = 2
    settings.vertex_group_mass = "pins"
    settings.rest_shape_key = cloth.data.shape_keys.key_blocks["Cut"]
    collisions.distance_min = _GAP
    collisions.collision_quality = 3
    collisions.use_self_collision = False
