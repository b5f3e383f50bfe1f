"""Put the person together: drape the clothes, then carry everything into the pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine.avatar.axes import BLENDER_FROM_BODY
from ...engine.avatar.body import joint_index
from . import materials
from .drape import drape
from .garments import make_jeans, make_shirt
from .hair import add_strands, eyebrows, head_hair
from .noise import noise
from .person import Person, face_marks, make_person
from .room import add_camera, add_room
from .shapes import Shape, Surface, add_object
from .shoes import SOLE_HEIGHT, Shoe, make_shoe
from .skin import make_eye, skin_colors, visible_skin

if TYPE_CHECKING:
    from ...engine.avatar.arrays import Float
    from .garments import Garment

_HAIRS, _BROW_HAIRS = 42000, 640
_STRIPES = 0.034  # metres from stripe to stripe
_THICKNESS = {"shirt": 0.0022, "jeans": 0.003}


def build() -> None:
    """Fill an empty scene."""
    person = make_person()
    body = person.shape()
    fine = body.subdivided(1)
    shoes = [make_shoe(person, body, side) for side in ("left", "right")]
    _add_head_and_hands(person, fine)
    jeans, shirt = make_jeans(person, fine), make_shirt(person, fine)
    uppers = [shoe.upper.moved(person.posed(shoe.upper.vertices, person.standing)) for shoe in shoes]
    worn_jeans = drape(jeans, person, frames=34, stiffness=12, bending=0.5).subdivided()
    jeans = jeans.finer()
    worn_jeans = _creased(person, jeans, worn_jeans)
    for upper in uppers:
        worn_jeans = _over(worn_jeans, upper, 0.003)
    worn_shirt = drape(shirt, person, frames=36, stiffness=18, bending=0.15).with_even_border(30).subdivided()
    shirt = shirt.finer()
    worn_shirt = _over(_rumpled(person, shirt, worn_shirt), worn_jeans, 0.005)
    seam = float(person.joints[joint_index("left_shoulder"), 0])
    _add_garment(shirt, worn_shirt, materials.shirt_material(_STRIPES, seam))
    jeans.values.update(_denim_values(person, jeans))
    _add_garment(jeans, worn_jeans, materials.denim_material())
    for shoe, upper in zip(shoes, uppers, strict=True):
        _add_shoe(person, shoe, upper)
    floor = float(person.rest.vertices[:, 1].min()) - SOLE_HEIGHT
    add_room(floor)
    add_camera(floor)


def _add_head_and_hands(person: Person, fine: Shape) -> None:
    skin, marks = visible_skin(person, fine).subdivided(1), face_marks(person)
    weights = person.weights_at(skin.vertices)
    posed = skin.moved(person.posed(skin.vertices, person.standing, weights))
    tone = skin_colors(person, skin.vertices, marks)
    add_object("skin", posed, {"tone": tone}).data.materials.append(materials.skin_material())
    for side in ("left", "right"):
        eye, tone = make_eye(person, side)
        joint = person.standing[joint_index(f"{side}_eye")]
        eye = eye.moved(eye.vertices @ joint[:3, :3].T + joint[:3, 3])
        add_object(f"{side} eye", eye, {"tone": tone}).data.materials.append(materials.eye_material())
    head = person.standing[joint_index("head")]
    for name, strands, radius, melanin in (
        ("hair", head_hair(person, skin, _HAIRS), 0.00011, 0.86),
        ("eyebrows", eyebrows(skin, marks, _BROW_HAIRS), 0.00008, 0.84),
    ):
        made = add_strands(name, strands @ head[:3, :3].T + head[:3, 3], radius)
        made.data.materials.append(materials.hair_material(name, melanin))


def _over(cloth: Shape, below: Shape, gap: float) -> Shape:
    """Push cloth out of what it covers, where it is close to it."""
    surface = Surface(below.vertices, below.triangles())
    spots, _, _, _ = surface.nearest(cloth.vertices)
    near = np.linalg.norm(spots - cloth.vertices, axis=1) < 0.02
    points = cloth.vertices.copy()
    points[near] = surface.outside(points[near], gap)
    return cloth.moved(points)


def _creased(person: Person, jeans: Garment, hanging: Shape) -> Shape:
    """Press the creases of long wear into jeans: above the shoes, behind the knees, at the hips."""
    points = jeans.shape.vertices
    hip, knee = (person.joints[joint_index(f"left_{name}")][1] for name in ("hip", "knee"))
    y, hem = points[:, 1], points[:, 1].min()
    deep = 0.0050 * np.exp(-(((y - hem - 0.09) / 0.075) ** 2)) * np.clip((y - hem) / 0.03, 0, 1)
    deep += 0.0028 * np.exp(-(((y - knee) / 0.07) ** 2)) + 0.0030 * np.exp(-(((y - hip + 0.07) / 0.05) ** 2))
    slanted = points * [0.45, 1.0, 0.45] + points[:, [1, 0, 2]] * [0.0, 0.25, 0.0]
    ridges = 1 - 2 * np.abs(noise(slanted, 0.0075, 41))
    return hanging.moved(hanging.vertices + (deep * ridges)[:, None] * hanging.normals())


def _rumpled(person: Person, shirt: Garment, hanging: Shape) -> Shape:
    """Deepen a shirt's folds: down from the chest, and slanting out of the armpits."""
    points = shirt.shape.vertices
    shoulder, hip = person.joints[joint_index("left_shoulder")], person.joints[joint_index("left_hip")]
    x, y, _ = np.abs(points).T
    y = points[:, 1]
    low = np.clip((shoulder[1] - 0.12 - y) / 0.2, 0, 1) * np.clip((y - hip[1] + 0.06) / 0.05, 0.15, 1)
    hanging_folds = 1 - 2 * np.abs(noise(points * [1.0, 0.22, 1.0], 0.014, 42))
    pit = np.exp(-(((x - shoulder[0]) / 0.06) ** 2) - ((y - shoulder[1] + 0.07) / 0.09) ** 2)
    slanted = np.stack([x + 0.8 * y, 0.25 * (y - x), 0.5 * points[:, 2]], axis=1)
    pit_folds = 1 - 2 * np.abs(noise(slanted, 0.011, 43))
    away = 0.0032 * low * hanging_folds + 0.0040 * pit * pit_folds
    return hanging.moved(hanging.vertices + away[:, None] * hanging.normals())


def _add_garment(garment: Garment, hanging: Shape, material: bpy.types.Material) -> None:
    made = add_object(garment.name, hanging, garment.values)
    smooth = made.modifiers.new("smooth", "CORRECTIVE_SMOOTH")
    smooth.iterations, smooth.factor, smooth.smooth_type, smooth.use_only_smooth = 2, 0.4, "SIMPLE", True
    thick = made.modifiers.new("thick", "SOLIDIFY")
    thick.thickness, thick.offset = _THICKNESS[garment.name], 0.0
    finer = made.modifiers.new("finer", "SUBSURF")
    finer.levels = finer.render_levels = 1
    made.data.materials.append(material)


def _denim_values(person: Person, jeans: Garment) -> dict[str, Float]:
    """Where denim is worn (thighs, knees, seat) and how far the side seams are. [V] each"""
    points = jeans.shape.vertices
    worn, seam = np.zeros(len(points)), np.full(len(points), 1.0)
    for side in ("left", "right"):
        hip, knee, ankle = (person.joints[joint_index(f"{side}_{name}")] for name in ("hip", "knee", "ankle"))
        thigh = 0.6 * hip + 0.4 * knee + np.array([0, 0, 0.08])
        cap = knee + np.array([0, 0.01, 0.06])
        for spot, size in ((thigh, (0.06, 0.17, 0.09)), (cap, (0.05, 0.08, 0.06))):
            worn = np.maximum(worn, np.exp(-0.5 * (((points - spot) / size) ** 2).sum(axis=1)))
        mine = points[:, 0] * hip[0] > 0
        z = np.interp(points[:, 1], [ankle[1], knee[1], hip[1]], [ankle[2], knee[2] - 0.015, hip[2]])
        seam = np.where(mine, np.abs(points[:, 2] - z), seam)
    return {"worn": worn, "seam": seam}


def _add_shoe(person: Person, shoe: Shoe, upper: Shape) -> None:
    leather = materials.plain_material("leather", (0.055, 0.052, 0.05), 0.55, 420.0)
    rubber = materials.plain_material("rubber", (0.62, 0.60, 0.56), 0.6, 300.0)
    lace = materials.plain_material("lace", (0.55, 0.54, 0.51), 0.9, 900.0)
    add_object("upper", upper).data.materials.append(leather)
    sole = shoe.sole.moved(person.posed(shoe.sole.vertices, person.standing))
    add_object("sole", sole).data.materials.append(rubber)
    curve = bpy.data.curves.new("laces", "CURVE")
    curve.dimensions, curve.bevel_depth = "3D", 0.0026
    for line in shoe.laces:
        points = person.posed(line, person.standing) @ BLENDER_FROM_BODY.T
        spline = curve.splines.new("POLY")
        spline.points.add(len(points) - 1)
        spline.points.foreach_set(
            "co", np.pad(points, ((0, 0), (0, 1)), constant_values=1).astype(np.float32).ravel()
        )
    made = bpy.data.objects.new("laces", curve)
    bpy.context.scene.collection.objects.link(made)
    curve.materials.append(lace)
