"""Volume: push the body's surface out (or in) to the photo's outline, for clothes and hair.

A body's rim must meet the outline. How far it has to move along its normal is known only where the outline
is; a smooth field over the mesh carries it around the limb, so that a wide sleeve is wide in depth too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from ..parts import (
    HEAD,
    LEFT_ARM,
    LEFT_HAND,
    RIGHT_ARM,
    RIGHT_HAND,
    ear_vertices,
    face_vertices,
    part_of_weights,
)
from ..surface import vertex_normals
from ..zbuffer import first_layer
from .hanging import hanging
from .mop import mop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ...avatar.body import Body
    from ..observation import Observation

_ROUNDS = 3
_SHIFT_ROUNDS = 2
_SHIFT_SMOOTH = 10.0
_SHIFT_STIFF = 0.01
_RIM_COSINE = 0.25
_AWAY_FROM_RIM = 0.6  # cosine to the viewing ray
_OUTER = 0.006  # metres inside the body's own outline within which a rim is part of it
_REACH = 0.09  # metres a coat may stand off the body
_HAIR_REACH = 0.12
_INWARD = 0.04
_PAST = 0.012  # metres beyond a rim from which another part of the body stops the way to the outline
_SMOOTH = 0.7
_STIFF = 0.002
_PULL = 12.0
_AROUND = 12.0  # times the smoothing along a limb
_FACE_STIFF = 30.0
_HAND_STIFF = 3.0
_TOUCHING = 0.02  # metres of cloth at most between a trunk and the arm at its side
_CUT_STIFF = 0.3  # below the photo's border what was worn above it soon ends
_CUT_CLOTH = 0.012  # metres that usual trousers stand off


def clothed_surface(body: Body, betas: Float, vertices: Float, seen: Observation) -> Float:
    """The posed surface with clothes and hair, as far as the outline tells.

    Args:
        body: The body whose mesh it is.
        betas: Its shape. [S]
        vertices: Posed, body frame, metres. [V, 3]
        seen: The photo.

    Returns:
        The moved vertices. [V, 3]
    """
    laplacian = _laplacian(body, np.ones(3))
    around = _laplacian(body, _around(body))
    part = part_of_weights(body.joint_indices, body.joint_weights)
    reach = np.where(part == HEAD, _HAIR_REACH, _REACH)
    vertices = _shifted(body, vertices, seen, reach, laplacian)
    stiffness = np.full(body.vertex_count, _STIFF)
    stiffness[face_vertices(body)] = _FACE_STIFF
    hand = (part == LEFT_HAND) | (part == RIGHT_HAND)
    stiffness[hand] = _HAND_STIFF
    cut = seen.camera.project(vertices)[:, 1] > seen.camera.height
    stiffness[cut] = np.maximum(stiffness[cut], _CUT_STIFF)
    usual = stiffness * np.where(cut & ~hand, _CUT_CLOTH, 0.0)
    ears = ear_vertices(body)
    normals = vertex_normals(vertices, body.faces)
    offsets, rim = np.zeros(body.vertex_count), np.zeros(0, np.int64)
    for _ in range(_ROUNDS):
        moved = vertices + offsets[:, None] * normals
        room = np.clip(_TOUCHING - offsets, 0.0, None)
        rim, step, _ = _rim_steps(moved, body.faces, seen, reach, room)
        # Ears stick out of the head's outline: they follow the skin around them, or they become horns.
        pull = np.bincount(rim, minlength=body.vertex_count) * np.where(ears, 0.0, _PULL)
        wanted = np.zeros(body.vertex_count)
        wanted[rim] = offsets[rim] + step
        system = (_SMOOTH * around + sparse.diags(pull + stiffness)).tocsc()
        offsets = np.clip(splu(system).solve(pull * wanted + usual), -_INWARD, reach)
    rest, joints = body.shaped(betas).astype(np.float64), body.joints(betas)
    hairy = (part == HEAD) & ~face_vertices(body) & ~ears
    offsets[hairy] = np.maximum(
        offsets[hairy], np.minimum(mop(rest, joints, offsets, rim, hairy)[hairy], reach[hairy])
    )
    # Where the outline is seen it has spoken; in front and behind nobody knows.
    rays = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    hidden = np.clip(np.abs((normals * rays).sum(axis=1)) / _AWAY_FROM_RIM, 0, 1)
    offsets += hidden * hanging(rest, joints, part, offsets)
    return vertices + offsets[:, None] * normals


def _shifted(
    body: Body, vertices: Float, seen: Observation, reach: Float, laplacian: sparse.csr_matrix
) -> Float:
    """Slide whole limbs sideways in the image, where one rim lies outside and the other inside."""
    count = body.vertex_count
    room = np.full(count, _TOUCHING)
    for _ in range(_SHIFT_ROUNDS):
        rim, step, flat = _rim_steps(vertices, body.faces, seen, reach, room)
        direction = flat * [1, -1]  # image axes to body axes
        blocks = [
            [sparse.diags(np.bincount(rim, direction[:, i] * direction[:, j], count)) for j in range(2)]
            for i in range(2)
        ]
        smooth = _SHIFT_SMOOTH * laplacian + sparse.diags(np.full(count, _SHIFT_STIFF))
        system = sparse.bmat([[blocks[0][0] + smooth, blocks[0][1]], [blocks[1][0], blocks[1][1] + smooth]])
        right = np.concatenate([np.bincount(rim, direction[:, i] * step, count) for i in range(2)])
        shift = splu(system.tocsc()).solve(right).reshape(2, count).T
        vertices = vertices + np.concatenate([shift, np.zeros((count, 1))], axis=1)
    return vertices


def _rim_steps(
    vertices: Float, faces: Int, seen: Observation, reach: Float, room: Float | None = None
) -> tuple[NDArray[np.int64], Float, Float]:
    """Rim vertices that find the outline, the metres between, and the way there in the image.

    Args:
        vertices: Posed. [V, 3]
        faces: [F, 3]
        seen: The photo.
        reach: Metres within which each has to find it. [V]
        room: Metres that each may still move towards a limb that touches it through cloth; where there is
            cloth all the way to a limb, nothing is found without it. [V]
    """
    camera = seen.camera
    normals = vertex_normals(vertices, faces)
    rays = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    flat = normals[:, :2] * [1, -1]
    length = np.linalg.norm(flat, axis=1)
    rim = np.flatnonzero((np.abs((normals * rays).sum(1)) < _RIM_COSINE) & (length > 0.5))
    flat = flat[rim] / length[rim, None]
    pixels = camera.project(vertices[rim])
    metres = camera.depth(vertices[rim]) / camera.focal  # of one pixel
    own = first_layer(vertices, faces, camera).covered.astype(np.float32)
    outer = _to_own_outline(own, pixels) * metres < _OUTER
    rim, flat, pixels, metres = rim[outer], flat[outer], pixels[outer], metres[outer]
    mask = (seen.alpha > 0.5).astype(np.float32)
    steps = np.arange(-_INWARD, reach.max() + 1e-6, 0.003)
    # Read the mask along each normal from inside to outside.
    at = pixels[:, None] + flat[:, None] * (steps[None, :, None] / metres[:, None, None])
    along = _read(mask, at)
    inside = along > 0.5
    leaves = inside[:, :-1] & ~inside[:, 1:] & (along[:, 1:] >= 0)  # the photo's border is no outline
    # Past an arm at one's side lies the arm's outline, not the trunk's.
    past = np.logical_or.accumulate((_read(own, at) > 0.5) & (steps > _PAST), axis=1)
    leaves &= ~past[:, 1:]
    # The crossing nearest to the surface.
    cost = np.where(leaves, np.abs(steps[:-1])[None], np.inf)
    best = cost.argmin(axis=1)
    step = steps[best] + 0.0015
    found = np.isfinite(cost[np.arange(len(best)), best])
    good = found & (step < reach[rim])
    if room is not None:
        # Cloth without a gap in between: half of the way there is the trunk's, the other half the arm's.
        touching = past.any(axis=1) & ~found & (inside | past | (steps < 0)).all(axis=1)
        step = np.where(touching, np.minimum(0.5 * steps[past.argmax(axis=1)], room[rim]), step)
        good |= touching
    return rim[good], step[good], flat[good]


def _read(image: NDArray[np.float32], at: Float) -> NDArray[np.float32]:
    """An image at pixel positions, -1 outside of it. [N, S]"""
    x, y = (at[..., axis].astype(np.float32) - 0.5 for axis in (0, 1))
    read = cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(-1.0,))
    return np.asarray(read, np.float32)


def _to_own_outline(own: NDArray[np.float32], pixels: Float) -> Float:
    """Pixels from each place to the body's own outline: the rim of a nose never meets the photo's. [N]"""
    depth = cv2.distanceTransform(own.astype(np.uint8), cv2.DIST_L2, 5)
    columns, rows = np.floor(pixels).astype(int).T
    inside = (columns >= 0) & (rows >= 0) & (columns < own.shape[1]) & (rows < own.shape[0])
    found = np.zeros(len(pixels))
    found[inside] = depth[rows[inside], columns[inside]]
    return found


def _around(body: Body) -> Float:
    """Strength of the smoothing along the rest axes: strong around a limb, weak along it. [V, 3]

    The outline tells a sleeve's width on two sides only; all around the arm it is the same sleeve.
    """
    part = part_of_weights(body.joint_indices, body.joint_weights)
    strength = np.full((body.vertex_count, 3), _AROUND)
    arms = np.isin(part, (LEFT_ARM, RIGHT_ARM, LEFT_HAND, RIGHT_HAND))
    strength[arms, 0] = 1.0
    strength[~arms, 1] = 1.0
    strength[part == HEAD] = (_AROUND, 2.0, _AROUND)
    return strength


def _laplacian(body: Body, strength: Float) -> sparse.csr_matrix:
    """The mesh graph's Laplacian, eyes and mouth tied to the skin around them. [V, V]

    Args:
        body: The body.
        strength: Weight of an edge along each axis of the rest pose. [3] or [V, 3]
    """
    faces, count = body.faces, body.vertex_count
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]], _ties(body)])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    along = body.v_template[edges[:, 1]] - body.v_template[edges[:, 0]]
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    strength = np.broadcast_to(strength, (count, 3))
    weight = (0.5 * (strength[edges[:, 0]] + strength[edges[:, 1]]) * along**2).sum(axis=1)
    links = sparse.coo_matrix((weight, (edges[:, 0], edges[:, 1])), shape=(count, count))
    links = (links + links.T).tocsr()
    return sparse.csr_matrix(sparse.diags(np.asarray(links.sum(axis=1)).ravel()) - links)


def _ties(body: Body) -> NDArray[np.int64]:
    """From each vertex of a loose piece of the mesh to the nearest of the largest piece. [T, 2]"""
    faces, count = body.faces, body.vertex_count
    graph = sparse.coo_matrix((np.ones(len(faces)), (faces[:, 0], faces[:, 1])), shape=(count, count))
    graph += sparse.coo_matrix((np.ones(len(faces)), (faces[:, 1], faces[:, 2])), shape=(count, count))
    _, piece = connected_components(graph, directed=False)
    largest = piece == np.bincount(piece).argmax()
    loose, skin = np.flatnonzero(~largest), np.flatnonzero(largest)
    _, nearest = KDTree(body.v_template[skin]).query(body.v_template[loose])
    return np.stack([loose, skin[nearest]], axis=1)
