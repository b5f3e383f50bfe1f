"""A person by construction: the built-in body in a known pose and shape, coloured, before a magenta wall.

What a photo would not tell is known here: the shape, the pose in depth, the colours of the back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints
from lhm_avatars.engine.lift.fit.fit import skinned_vertices
from lhm_avatars.engine.lift.fit.landmarks import gather, landmarks
from lhm_avatars.engine.lift.observation import Camera, Observation
from lhm_avatars.engine.lift.parts import HEAD, LEFT_HAND, RIGHT_HAND, part_of_weights
from lhm_avatars.engine.lift.place.held import Held
from lhm_avatars.engine.lift.place.placed import NO_HAND
from lhm_avatars.engine.lift.zbuffer import first_layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

SHIRT, TROUSERS, SHOES = (0.20, 0.55, 0.35), (0.25, 0.28, 0.55), (0.08, 0.12, 0.08)
SKIN, HAIR, INK = (0.85, 0.65, 0.52), (0.22, 0.13, 0.08), (0.02, 0.02, 0.02)
MAGENTA = (1.0, 0.0, 1.0)
BEHIND = 0.87  # how bright the unseen side is taken to be: light mostly comes from behind the camera
SUPERSAMPLING = 3  # per side, so that the outline has soft pixels
WIDTH, HEIGHT, FOCAL = 400, 640, 900.0
DISTANCE = 3.0  # metres
STROKE, STROKES_EVERY = 0.008, 0.03  # metres
CHEST = 0.11, -0.10, 0.03  # half width, bottom and top of the lettering, metres in the rest pose


Paint: TypeAlias = "Callable[[Person, Array, Any], Array]"
"""Colours of places on a person's surface, given in the rest pose with their body parts. [..., 3]"""


@dataclass(frozen=True)
class Person:
    """The truth: the body in the frame of the photo's camera, and a colour for each of its vertices.

    Args:
        params: Shape, pose and place.
        rest: The shaped vertices in the rest pose. [V, 3]
        vertices: The same, posed. [V, 3]
        joints: Posed. [55, 3]
        parts: Body part of each vertex. [V]
    """

    params: BodyParams
    rest: Array
    vertices: Array
    joints: Array
    parts: NDArray[np.int64]


def make_person() -> Person:
    """Hanging arms, bent elbows, a slight step with turned hips; not the mean shape."""
    body = bundled_body()
    pose = np.zeros((JOINT_COUNT, 3))
    for name, turn in {
        "pelvis": (0, 0.15, 0), "left_hip": (-0.22, 0, -0.05), "right_hip": (0.12, 0, 0.06),
        "left_knee": (0.2, 0, 0), "right_knee": (0.1, 0, 0), "left_shoulder": (0, -0.1, -1.2),
        "right_shoulder": (0, 0.15, 1.1), "left_elbow": (0, -0.35, 0), "right_elbow": (0, 0.2, 0),
        "head": (0.05, 0.1, 0),
    }.items():  # fmt: skip
        pose[joint_index(name)] = turn
    params = BodyParams.from_pose(
        pose, betas=np.array([0.6, -0.5, 0.4, 0, 0, 0, 0, 0, 0, 0]), expression=np.zeros(10),
        transl=np.array([0.0, 0.46, -DISTANCE]),
    )  # fmt: skip
    moved = forward_kinematics(body.joints(params.betas), params.pose(), params.transl)
    return Person(
        params,
        body.shaped(params.betas),
        skinned_vertices(body, params),
        posed_joints(body.joints(params.betas), moved),
        part_of_weights(body.joint_indices, body.joint_weights),
    )


def from_behind(person: Person) -> Person:
    """The same person before the same camera, turned around."""
    body, params = bundled_body(), person.params
    pose = params.pose()
    half = matrix_from_rotvec(np.array([0.0, np.pi, 0.0]))
    pose[0] = rotvec_from_matrix(half @ matrix_from_rotvec(pose[0]))
    pelvis = body.joints(params.betas)[0]
    around = np.array([0.0, 0.0, -DISTANCE])
    transl = half @ (pelvis + params.transl - around) + around - pelvis
    turned_params = BodyParams.from_pose(
        pose, betas=params.betas, expression=params.expression, transl=transl
    )
    moved = forward_kinematics(body.joints(params.betas), turned_params.pose(), turned_params.transl)
    return replace(
        person,
        params=turned_params,
        vertices=skinned_vertices(body, turned_params),
        joints=posed_joints(body.joints(params.betas), moved),
    )


def lettered(rest: Array) -> NDArray[np.bool_]:
    """Where the shirt's front has black strokes, from rest positions. [...]"""
    half_width, bottom, top = CHEST
    x, y, z = np.moveaxis(rest, -1, 0)
    on_chest = (np.abs(x) < half_width) & (y > bottom) & (y < top) & (z > 0.05)
    return on_chest & (np.mod(x, STROKES_EVERY) < STROKE)


def true_colors(person: Person, rest: Array, part: Any) -> Array:
    """The colour of each point of the surface, from its place in the rest pose. [..., 3]"""
    joints = bundled_body().joints(person.params.betas)
    eye, hip, ankle = (joints[joint_index(name), 1] for name in ("left_eye", "left_hip", "left_ankle"))
    neck, head = joints[joint_index("neck")], joints[joint_index("head")]
    y, z = rest[..., 1], rest[..., 2]
    colors = np.empty(rest.shape)
    colors[:] = SHIRT
    colors *= 1 + 0.4 * (y - hip)[..., None]  # lighter upwards
    colors[y < hip + 0.06] = TROUSERS
    colors[(y < hip + 0.06) & (rest[..., 0] > 0)] = np.array(TROUSERS) * 1.15
    colors[y < ankle + 0.02] = SHOES
    colors[lettered(rest)] = INK
    bare = (
        (part == HEAD)
        | (part == LEFT_HAND)
        | (part == RIGHT_HAND)
        | ((y > neck[1]) & (np.abs(rest[..., 0]) < 0.08))
    )
    colors[bare] = SKIN
    colors[(part == HEAD) & (y > eye - 0.09) & ((z < head[2] - 0.01) | (y > eye + 0.05))] = HAIR
    return np.clip(colors, 0, 1)


def photograph(
    person: Person, vertices: Array, camera: Camera, colors: Paint = true_colors
) -> tuple[Array, Array]:
    """Colours times coverage, and coverage. [H, W, 3], [H, W]"""
    fine = Camera(
        camera.focal * SUPERSAMPLING,
        (camera.center[0] * SUPERSAMPLING, camera.center[1] * SUPERSAMPLING),
        camera.width * SUPERSAMPLING,
        camera.height * SUPERSAMPLING,
    )
    faces = bundled_body().faces
    layer = first_layer(vertices, faces, fine)
    rows, columns = np.nonzero(layer.covered)
    corners, weights = faces[layer.face[rows, columns]], layer.corners[rows, columns]
    rest = np.einsum("nk,nkc->nc", weights, person.rest[corners])
    nearest = corners[np.arange(len(rows)), weights.argmax(axis=1)]
    color = np.zeros((fine.height, fine.width, 4))
    color[rows, columns, :3] = colors(person, rest, person.parts[nearest])
    color[rows, columns, 3] = 1
    blocks = color.reshape(camera.height, SUPERSAMPLING, camera.width, SUPERSAMPLING, 4)
    mean = blocks.mean(axis=(1, 3))
    return mean[..., :3], mean[..., 3]


def observe(person: Person, colors: Paint = true_colors) -> Observation:
    """The photo, with landmarks that are exactly right."""
    camera = Camera(FOCAL, (0.5 * WIDTH, 0.5 * HEIGHT), WIDTH, HEIGHT)
    color, alpha = photograph(person, person.vertices, camera, colors)
    table = landmarks()
    rest = bundled_body().joints(person.params.betas)
    moved = forward_kinematics(rest, person.params.pose(), person.params.transl)
    places = gather(table, rest, moved)
    points, world = np.zeros((33, 2)), np.zeros((33, 3))
    confidence = np.zeros(33)
    points[table.ids], confidence[table.ids] = camera.project(places), 1.0
    hips = places[[table.row(23), table.row(24)]].mean(axis=0)
    world[table.ids] = places - hips
    rgb = color + (1 - alpha[..., None]) * np.array(MAGENTA)
    return Observation(rgb.astype(np.float32), alpha.astype(np.float32), points, confidence, world, camera)


def nothing_held(seen: Observation) -> Held:
    """Empty hands."""
    return Held(np.full(seen.alpha.shape, NO_HAND, np.int8), np.full(2, DISTANCE))


def half_body(seen: Observation, row: int) -> Observation:
    """The same photo without what lies below a row; landmarks there are not seen."""
    camera = seen.camera
    return replace(
        seen,
        rgb=seen.rgb[:row],
        alpha=seen.alpha[:row],
        confidence=np.where(seen.points[:, 1] < row, seen.confidence, 0.0),
        camera=Camera(camera.focal, camera.center, camera.width, row),
        cut=frozenset({"bottom"}),
    )


def turned(points: Array, middle: Array, degrees: float) -> Array:
    """Points turned about the vertical through a place, as if the camera had walked around it. [N, 3]"""
    rotation = matrix_from_rotvec(np.array([0.0, np.radians(degrees), 0.0]))
    return (points - middle) @ rotation.T + middle
