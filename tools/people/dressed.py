"""Put a person together: body, clothes, hair, hat, shoes and what is held, all as parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import JOINT_COUNT, bundled_body, joint_index
from ..example import materials, shoes
from ..example.hair import eyebrows
from ..example.person import BETAS, EXPRESSION, Person, face_marks, wear_body
from ..example.shapes import Shape
from ..example.skin import make_eye, skin_colors
from .cloth import hidden, surface_of
from .complexions import COMPLEXIONS
from .fabrics import ball_material, cloth_material, simple
from .garments import Garment, make_garment
from .hairdo import Head, strands, weights_along
from .headwear import RIMS, make_hat
from .lettering import print_image
from .parts import Part
from .poses import STANCES, turned
from .things import COLORS, make_thing
from .wearer import Wearer

if TYPE_CHECKING:
    import bpy

    from ...engine.avatar.arrays import Float
    from .recipe import Recipe

_POKE = 0.012  # metres that folds of what is worn below may stand out
_HAIR_RADIUS = {"buzz": 0.00016, "afro": 0.00026}
SHOES = {
    "trainers": ("#3a3a3d", "#d9d6cf"), "white": ("#e6e4df", "#eeece8"), "boots": ("#2a1d14", "#15110e"),
    "brown": ("#5d3a22", "#2a1c12"), "red": ("#8c1f22", "#e8e4dc"),
}  # fmt: skip


def photo_pose(recipe: Recipe) -> tuple[Float, Float]:
    """Pose [55, 3] and translation [3] in the photo."""
    joints = bundled_body().joints(np.array(recipe.betas)).astype(np.float64)
    return turned(STANCES[recipe.stance], joints, recipe.yaw)


def dress(recipe: Recipe) -> tuple[Person, list[Part]]:
    """Build everything about a person, at rest."""
    pose, transl = photo_pose(recipe)
    person = wear_body(np.array(recipe.betas), EXPRESSION, pose, transl)
    wearer = Wearer.of(person)
    # The body's own vertices stay where they are: records must fit pictures to the millimetre.
    fine = person.shape().modified("SUBSURF", subdivision_type="SIMPLE", levels=1)
    garments: list[Garment] = []
    for k, wear in enumerate(recipe.wears):
        garments.append(make_garment(wearer, wear, 10 * recipe.seed + k, garments))
    parts = _skin(recipe, person, wearer, fine, garments)
    parts += [part for k in range(len(garments)) for part in _cloth(recipe, person, garments, k)]
    parts += _shoes(recipe, person)
    parts += _head(recipe, person, wearer, fine, garments)
    parts += _held(recipe, person) if recipe.held else []
    return person, parts


def head_size(person: Person) -> float:
    """Height of the head over its joint, against the person that hairlines were drawn for."""
    usual = wear_body(BETAS, EXPRESSION, np.zeros((JOINT_COUNT, 3)), np.zeros(3))
    sizes = [p.rest.vertices[:, 1].max() - p.joints[joint_index("head"), 1] for p in (person, usual)]
    return float(sizes[0] / sizes[1])


def _one_joint(name: str) -> Float:
    weights = np.zeros(JOINT_COUNT)
    weights[joint_index(name)] = 1
    return weights


def _visible(shape: Shape, gone: np.ndarray) -> tuple[Shape, np.ndarray]:
    """Without the polygons all of whose vertices are gone, and which vertices stay."""
    polygons = [p for p in shape.polygons if not gone[list(p)].all()]
    used = np.zeros(len(shape.vertices), bool)
    used[[v for p in polygons for v in p]] = True
    number = np.cumsum(used) - 1
    return Shape(shape.vertices[used], [tuple(int(number[v]) for v in p) for p in polygons]), used


def _skin(recipe: Recipe, person: Person, wearer: Wearer, fine: Shape, garments: list[Garment]) -> list[Part]:
    look = COMPLEXIONS[recipe.tone]
    look = replace(look, beard=recipe.beard, scalp=_scalp(recipe, look.scalp))
    marks, size = face_marks(person), head_size(person)
    weights = person.weights_at(fine.vertices)
    eyes = weights[:, [joint_index("left_eye"), joint_index("right_eye")]].sum(axis=1) > 0.5
    easy = fine.moved(person.posed(fine.vertices, person.easy, weights))
    covers = [surface_of(garment.shape) for garment in garments]
    gone = hidden(easy.vertices, easy.normals(), covers)
    if recipe.shoes != "barefoot":
        ankle = person.joints[joint_index("left_ankle"), 1]
        gone |= fine.vertices[:, 1] < ankle - 0.005
    shape, used = _visible(fine, gone | eyes)
    tone = skin_colors(person, shape.vertices, marks, look, size)
    parts = [
        Part(
            "skin",
            shape.vertices,
            weights[used],
            materials.skin_material(),
            shape.polygons,
            values={"tone": tone},
        )
    ]
    wet = materials.eye_material()
    for side in ("left", "right"):
        eye, colors = make_eye(person, side, look)
        parts.append(
            Part(f"{side} eye", eye.vertices, _one_joint(f"{side}_eye"), wet, eye.polygons,
                 values={"tone": colors})
        )  # fmt: skip
    return parts


def _scalp(recipe: Recipe, usual: tuple[float, float, float]) -> tuple[float, float, float]:
    if recipe.hair.style == "bald":
        base = COMPLEXIONS[recipe.tone].base
        return (0.97 * base[0], 0.95 * base[1], 0.95 * base[2])
    light = np.clip(1 - recipe.hair.melanin, 0, 1) ** 1.5
    hair = np.array([0.55, 0.42, 0.28]) * light + np.array([0.02, 0.013, 0.01])
    return tuple((0.75 * hair + 0.25 * np.array(usual)).tolist())


def _cloth(recipe: Recipe, person: Person, garments: list[Garment], k: int) -> list[Part]:
    garment = garments[k]
    cloth = garment.wear.cloth
    shoulder = person.joints[joint_index("left_shoulder")]
    material = cloth_material(
        f"{garment.wear.kind} {k}", cloth, shoulder=float(shoulder[0] + 0.005), height=float(shoulder[1]),
        leg=float(person.joints[joint_index("left_hip"), 0]) if garment.cut.legs else 0.0,
        chest=float(shoulder[1] - 0.15), image=print_image(cloth.text) if cloth.text else None,
    )  # fmt: skip
    outer = [surface_of(other.shape) for other in garments[k + 1 :]]
    shape, used = garment.shape, np.ones(len(garment.shape.vertices), bool)
    if outer:
        shape, used = _visible(shape, hidden(shape.vertices, shape.normals(), outer, _POKE))
    values = {"rest": garment.rest[used], **{name: value[used] for name, value in garment.values.items()}}
    return [
        Part(garment.wear.kind, garment.rest[used], garment.weights[used], material, shape.polygons,
             thick=garment.cut.thick, values=values)
    ]  # fmt: skip


def _shoes(recipe: Recipe, person: Person) -> list[Part]:
    if recipe.shoes == "barefoot":
        return []
    upper_color, sole_color = SHOES[recipe.shoes]
    leather, rubber = simple("upper", upper_color, 0.55), simple("sole", sole_color, 0.7)
    body, parts = person.shape(), []
    for side in ("left", "right"):
        shoe = shoes.make_shoe(person, body, side)
        for name, shape, material in (("upper", shoe.upper, leather), ("sole", shoe.sole, rubber)):
            weights = person.weights_at(shape.vertices)
            parts.append(
                Part(f"{side} {name}", shape.vertices, weights, material, shape.polygons,
                     values={"rest": shape.vertices})
            )  # fmt: skip
    return parts


def _head(recipe: Recipe, person: Person, wearer: Wearer, fine: Shape, garments: list[Garment]) -> list[Part]:
    weights = person.weights_at(fine.vertices)
    skin = fine.moved(person.posed(fine.vertices, person.easy, weights))
    eyes = weights[:, [joint_index("left_eye"), joint_index("right_eye")]].sum(axis=1) > 0.5
    top = skin.kept((skin.vertices[:, 1] > wearer.joint("neck")[1] - 0.05) & ~eyes)
    covers = [surface_of(g.shape) for g in garments if g.cut.top != "waist"]
    joint, size = wearer.joint("head"), head_size(person)
    rim = RIMS[recipe.hat] + 0.006 if recipe.hat else np.inf
    head = Head(top, joint, size, wearer.easy, covers, rim, recipe.seed)
    joints = (joint_index("head"), joint_index("neck"), joint_index("spine3"))
    parts = []
    brows = eyebrows(fine.kept(~eyes), face_marks(person), 640)
    ink = _hair_material("brows", min(recipe.hair.melanin + 0.15, 1.0), recipe.hair.red)
    parts.append(
        Part("brows", brows.reshape(-1, 3), _one_joint("head"), ink, strand=brows.shape[1], radius=0.0001)
    )
    if recipe.hair.style != "bald":
        lines = strands(head, recipe.hair.style)
        points = lines.reshape(-1, 3)
        along = weights_along(points, head, joints)
        material = _hair_material("hair", recipe.hair.melanin, recipe.hair.red)
        parts.append(
            Part("hair", wearer.rest(points, along), along, material, strand=lines.shape[1],
                 radius=_HAIR_RADIUS.get(recipe.hair.style, 0.00022))
        )  # fmt: skip
    if recipe.hat:
        skull = top.vertices[top.vertices[:, 1] > joint[1]]
        hat = make_hat(recipe.hat, skull, joint, size)
        shift = person.easy[joint_index("head")]
        rest = (hat.vertices - shift[:3, 3]) @ shift[:3, :3]
        material = simple("hat", recipe.hat_color, 0.9, 0.15)
        parts.append(
            Part("hat", rest, _one_joint("head"), material, hat.polygons, thick=0.003, values={"rest": rest})
        )
    return parts


def _hair_material(name: str, melanin: float, red: float) -> bpy.types.Material:
    material = materials.hair_material(name, melanin)
    node = next(n for n in material.node_tree.nodes if n.type == "BSDF_HAIR_PRINCIPLED")
    node.inputs["Melanin Redness"].default_value = red
    return material


def _held(recipe: Recipe, person: Person) -> list[Part]:
    low = person.posed(person.rest.vertices, person.standing, person.weights)[:, 1].min()
    shape, side = make_thing(recipe.held, person, float(low) - shoes.SOLE_HEIGHT)
    if recipe.held == "ball":
        middle = 0.5 * (shape.vertices.min(axis=0) + shape.vertices.max(axis=0))
        material = ball_material(COLORS["ball"], tuple(middle.tolist()))
    else:
        material = simple(recipe.held, COLORS[recipe.held], 0.45)
    return [
        Part(recipe.held, shape.vertices, _one_joint(f"{side}_wrist"), material, shape.polygons,
             values={"rest": shape.vertices})
    ]  # fmt: skip
