"""Light and backgrounds. All pictures of a person share its light; backgrounds neither light nor shade it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bmesh
import bpy
import numpy as np
from mathutils import Vector

from ..example.materials import Graph, color, plain_material, wood_material
from ..example.noise import SEED

if TYPE_CHECKING:
    from .recipe import Recipe

BACKGROUND = "background"
"""Collection of what only photos show."""
_WALLS = ((0.46, 0.43, 0.38), (0.30, 0.36, 0.40), (0.55, 0.55, 0.54), (0.38, 0.30, 0.26), (0.33, 0.40, 0.33))


def light_up(recipe: Recipe, floor: float) -> None:
    """A large key from the front, a fill, a light from behind, an even world."""
    rng = np.random.default_rng([SEED, 70, recipe.seed])
    side = 1.0 if rng.uniform() < 0.5 else -1.0
    outdoor = recipe.ground == "outdoor"
    warm = (1.0, 0.95, 0.88) if outdoor else (1.0, 0.97, 0.93)
    key = (side * rng.uniform(1.6, 2.6), -rng.uniform(2.4, 3.0), floor + rng.uniform(2.2, 2.9))
    _area("key", key, floor + 1.0, 2.0, rng.uniform(120, 150), warm)
    _area("fill", (-side * 2.6, -2.0, floor + 1.5), floor + 1.0, 2.4, rng.uniform(22, 36), (0.95, 0.97, 1.0))
    _area("back", (side * 1.2, 3.0, floor + 2.2), floor + 1.1, 2.4, rng.uniform(50, 70), (1.0, 0.98, 0.95))
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    even = tree.nodes["Background"]
    even.inputs["Color"].default_value = (0.86, 0.92, 1.0, 1.0) if outdoor else (1.0, 0.98, 0.95, 1.0)
    even.inputs["Strength"].default_value = rng.uniform(0.30, 0.38)
    _sky(tree, even, outdoor)


def _sky(tree: bpy.types.NodeTree, even: bpy.types.Node, outdoor: bool) -> None:
    """What the camera sees where nothing stands, apart from what lights the person."""
    seen = tree.nodes.new("ShaderNodeBackground")
    if outdoor:
        where = tree.nodes.new("ShaderNodeTexCoord")
        split = tree.nodes.new("ShaderNodeSeparateXYZ")
        tree.links.new(where.outputs["Generated"], split.inputs[0])
        ramp = tree.nodes.new("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].color = (0.62, 0.72, 0.80, 1)
        ramp.color_ramp.elements[1].color = (0.18, 0.36, 0.66, 1)
        ramp.color_ramp.elements[1].position = 0.5
        tree.links.new(split.outputs["Z"], ramp.inputs[0])
        tree.links.new(ramp.outputs[0], seen.inputs["Color"])
    else:
        seen.inputs["Color"].default_value = (0.35, 0.34, 0.32, 1)
    path, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
    output = next(n for n in tree.nodes if n.type == "OUTPUT_WORLD")
    tree.links.new(path.outputs["Is Camera Ray"], mix.inputs[0])
    tree.links.new(even.outputs[0], mix.inputs[1])
    tree.links.new(seen.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])


def _area(
    name: str,
    place: tuple[float, float, float],
    aim: float,
    size: float,
    watts: float,
    tint: tuple[float, float, float],
) -> None:
    light = bpy.data.lights.new(name, "AREA")
    light.shape, light.size, light.energy, light.color = "SQUARE", size, watts, tint
    made = bpy.data.objects.new(name, light)
    made.location = place
    made.rotation_euler = (Vector((0, 0, aim)) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    made.visible_camera = False
    bpy.context.scene.collection.objects.link(made)


def show_background(recipe: Recipe, floor: float, azimuth: float) -> None:
    """Build what stands around the person, seen from an azimuth (degrees)."""
    rng = np.random.default_rng([SEED, 71, recipe.seed, round(azimuth)])
    spots = bpy.data.collections.new(BACKGROUND)
    bpy.context.scene.collection.children.link(spots)
    makers = {"plain": _plain, "textured": _textured, "outdoor": _outdoor, "room": _room}
    holder = bpy.data.objects.new("holder", None)
    spots.objects.link(holder)
    for made in makers[recipe.ground](recipe, floor, rng):
        spots.objects.link(made)
        made.parent = holder
        made.visible_diffuse = made.visible_glossy = made.visible_shadow = made.visible_transmission = False
    holder.rotation_euler[2] = np.radians(azimuth)


def clear_background() -> None:
    """Remove what ``show_background`` built."""
    spots = bpy.data.collections[BACKGROUND]
    for made in list(spots.objects):
        bpy.data.objects.remove(made)
    bpy.data.collections.remove(spots)


def _wall_color(recipe: Recipe) -> tuple[float, float, float]:
    return _WALLS[recipe.seed % len(_WALLS)]


def _plain(recipe: Recipe, floor: float, rng: np.random.Generator) -> list[bpy.types.Object]:
    wall = _wall_color(recipe)
    return [
        _box(
            "wall",
            (0, 1.6, floor + 2.5),
            (9, 0.05, 3.0),
            _spotted("wall", [0.95 * c for c in wall], wall, 1.5),
        ),
        _box(
            "floor",
            (0, 0, floor - 0.05),
            (9, 9, 0.05),
            _spotted("ground", [0.62 * c for c in wall], [0.72 * c for c in wall], 3.0),
        ),
    ]


def _textured(recipe: Recipe, floor: float, rng: np.random.Generator) -> list[bpy.types.Object]:
    graph = Graph("bricks")
    where = graph.add("ShaderNodeTexCoord", "Object")
    turned = graph.add("ShaderNodeMapping", Vector=where, Rotation=(np.pi / 2, 0, 0))
    bricks = graph.tree.nodes.new("ShaderNodeTexBrick")
    for name, value in {
        "Vector": turned, "Scale": 1.0, "Brick Width": 0.24, "Row Height": 0.075, "Mortar Size": 0.006,
        "Color1": color((0.28, 0.12, 0.075)), "Color2": color((0.36, 0.19, 0.13)),
        "Mortar": color((0.42, 0.40, 0.37)),
    }.items():  # fmt: skip
        graph.put(bricks.inputs[name], value)
    dirt = graph.ramp(graph.noise(3.0, 2.0), 0.3, 0.75, (0.0, 0.5))
    graph.set(Base_Color=graph.mix(dirt, bricks.outputs["Color"], color((0.12, 0.09, 0.08))), Roughness=0.95)
    return [
        _box("wall", (0, 1.5, floor + 2.5), (9, 0.05, 3.0), graph.material),
        _box(
            "floor",
            (0, 0, floor - 0.05),
            (9, 9, 0.05),
            _spotted("stone", (0.20, 0.195, 0.19), (0.27, 0.265, 0.26), 9.0),
        ),
    ]


def _outdoor(recipe: Recipe, floor: float, rng: np.random.Generator) -> list[bpy.types.Object]:
    ground = _spotted("grass", (0.055, 0.10, 0.028), (0.14, 0.19, 0.06), 9.0)
    path = _spotted("path", (0.26, 0.24, 0.21), (0.36, 0.34, 0.31), 40.0)
    made = [
        _box("meadow", (0, 0, floor - 0.06), (60, 60, 0.05), ground),
        _box("path", (0, 0, floor - 0.05), (1.6, 60, 0.05), path),
    ]
    leaves = [
        _spotted(f"leaves{k}", (0.02, 0.05, 0.015), c, 5.0)
        for k, c in enumerate(((0.10, 0.19, 0.05), (0.16, 0.22, 0.06)))
    ]
    bark = _spotted("bark", (0.05, 0.035, 0.025), (0.12, 0.09, 0.065), 14.0)
    for _ in range(13):
        x, y, size = rng.uniform(-9, 9), rng.uniform(7, 18), rng.uniform(1.0, 2.2)
        made.append(_box("trunk", (x, y, floor + 1.2), (0.14, 0.14, 1.3), bark))
        for _ in range(4):
            spot = (x + rng.normal() * 0.6, y + rng.normal() * 0.5, floor + 2.6 + rng.normal() * 0.5)
            made.append(_blob("crown", spot, size * rng.uniform(0.5, 0.8), leaves[rng.integers(2)], rng))
    for _ in range(9):
        spot = (rng.choice([-1, 1]) * rng.uniform(1.9, 6), rng.uniform(3, 7), floor + 0.2)
        made.append(_blob("bush", spot, rng.uniform(0.3, 0.7), leaves[rng.integers(2)], rng))
    house = plain_material("house", (0.50, 0.42, 0.33), 0.9, 5.0)
    made.append(_box("house", (rng.uniform(-8, 8), 24, floor + 3), (5, 2, 3.5), house))
    return made


def _room(recipe: Recipe, floor: float, rng: np.random.Generator) -> list[bpy.types.Object]:
    made = [
        _box("floor", (0, 0, floor - 0.05), (7, 7, 0.05), wood_material()),
        _box(
            "wall",
            (0, 2.0, floor + 1.6),
            (7, 0.05, 1.8),
            _spotted("paint", [0.95 * c for c in _wall_color(recipe)], _wall_color(recipe), 2.0),
        ),
        _box(
            "skirting",
            (0, 1.94, floor + 0.05),
            (7, 0.012, 0.05),
            plain_material("gloss", (0.6, 0.59, 0.56), 0.4, 60.0),
        ),
    ]
    wood = plain_material("wood", (0.20, 0.11, 0.055), 0.5, 25.0)
    side = rng.choice([-1, 1])
    made.append(_box("shelf", (side * 1.35, 1.75, floor + 0.9), (0.42, 0.16, 0.9), wood))
    for level in range(4):
        x = side * 1.35 - 0.36
        while x < side * 1.35 + 0.3:
            wide, tall = rng.uniform(0.015, 0.03), rng.uniform(0.10, 0.17)
            tint = plain_material("spine", rng.uniform(0.03, 0.5, 3).tolist(), 0.6, 30.0)
            made.append(
                _box(
                    "book",
                    (x + wide, 1.57, floor + 0.12 + 0.44 * level + tall),
                    (wide * 0.92, 0.03, tall),
                    tint,
                )
            )
            x += 2 * wide
    frame = plain_material("frame", (0.05, 0.045, 0.04), 0.4, 30.0)
    picture = _spotted("picture", rng.uniform(0.05, 0.3, 3).tolist(), rng.uniform(0.3, 0.7, 3).tolist(), 3.0)
    spot = (-side * rng.uniform(0.7, 1.1), 1.93, floor + 1.55)
    made += [
        _box("frame", spot, (0.33, 0.015, 0.25), frame),
        _box("picture", (spot[0], 1.91, spot[2]), (0.29, 0.015, 0.21), picture),
    ]
    pot = plain_material("pot", (0.45, 0.18, 0.10), 0.7, 30.0)
    leaf = _spotted("leaf", (0.02, 0.06, 0.02), (0.07, 0.16, 0.05), 9.0)
    made.append(_box("pot", (-side * 1.25, 1.5, floor + 0.15), (0.14, 0.14, 0.15), pot))
    made += [
        _blob("plant", (-side * 1.25 + rng.normal() * 0.1, 1.5, floor + 0.55 + 0.16 * k), 0.22, leaf, rng)
        for k in range(4)
    ]
    return made


def _spotted(name: str, low: Any, high: Any, scale: float) -> bpy.types.Material:
    graph = Graph(name)
    much = graph.ramp(graph.noise(scale, 3.0), 0.3, 0.7)
    return graph.set(Base_Color=graph.mix(much, color(low), color(high)), Roughness=0.95).material


def _box(
    name: str,
    centre: tuple[float, float, float],
    half: tuple[float, float, float],
    material: bpy.types.Material,
) -> bpy.types.Object:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners.tolist(), [], faces)
    mesh.materials.append(material)
    made = bpy.data.objects.new(name, mesh)
    made.location = centre
    return made


def _blob(
    name: str,
    centre: tuple[float, float, float],
    radius: float,
    material: bpy.types.Material,
    rng: np.random.Generator,
) -> bpy.types.Object:
    shape = bmesh.new()
    bmesh.ops.create_icosphere(shape, subdivisions=4, radius=radius)
    ways = rng.normal(size=(3, 12)) / (0.22 * radius)
    shift = rng.uniform(0, 6.3, 12)
    for vertex in shape.verts:
        vertex.co *= 1 + 0.16 * float(np.cos(np.array(vertex.co) @ ways + shift).sum()) / np.sqrt(6)
    mesh = bpy.data.meshes.new(name)
    shape.to_mesh(mesh)
    shape.free()
    mesh.materials.append(material)
    made = bpy.data.objects.new(name, mesh)
    made.location = centre
    return made
