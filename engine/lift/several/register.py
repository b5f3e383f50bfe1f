"""Register: what two photos make of a person, brought to lie on each other in the rest pose.

Each photo's own fit errs by a few centimetres, and each differently, so that limbs and hems would be doubled.
Put into another photo's pose and seen with its camera, a view must have that photo's outline: this tells how
each part of it has to be shifted, stretched and slanted. What lies along the camera's ray is left as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.spatial import KDTree

from ...avatar.binding import Binding, dense
from ...avatar.body import BODY_JOINT_COUNT, JOINT_COUNT, JOINT_PARENTS, joint_index
from ...avatar.rotations import matrix_from_rotvec, polar_rotation
from ...avatar.skinning import blend_transforms, forward_kinematics, posed_joints
from ..labels import LABEL_NAMES
from ..parts import MIRRORED_PARTS
from .canvas import Canvas, Outline, canvas_of, outline_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...avatar.arrays import Float, Int
    from ...avatar.body import Body
    from ..view import View

_PULLED = 0.025  # metres
_REACH = 0.06  # metres: outlines farther apart are of different things
_ALIKE = 1.4  # farther apart in place, direction, part and thing together, and points are no pair
_ROUNDS = 6
_ROBUST = 0.03  # metres
_ALONG = 0.3  # of the weight across the outline: it may slip a little along itself
_NOISE = 0.06  # metres: of one outline point; neighbours err together
_SHIFT, _SLOPE, _END_SLOPE = 0.03, 0.15, 0.04  # spreads: metres, and metres a metre
_TORN = 0.004  # metres: spread of what two neighbouring parts differ by at their joint
_OPPOSITE = -0.5  # cosine between two cameras: more, and neither shows what the other does
_OVER = 0.015  # metres
_CLOSE = 0.01  # metres across the camera's axis
_GROUPS = 1 + BODY_JOINT_COUNT
_ENDS = [joint_index(f"{side}_{name}") for side in ("left", "right") for name in ("ankle", "foot", "wrist")]


def registered(body: Body, views: Sequence[View]) -> list[View]:
    """The views, each moved onto the first one's outline.

    Args:
        body: The body that all have been fitted with.
        views: Of one person with the same betas.

    Returns:
        As many views, whose Gaussians have moved in the rest pose; some have gone.
    """
    first, *others = views
    return [first, *(moved_onto(body, other, first, cut=True) for other in others)]


def _way(view: View) -> NDArray[np.float64]:
    """From the person to the camera, seen from the pelvis. [3]"""
    return np.asarray(matrix_from_rotvec(view.fit.params.global_orient.astype(np.float64))[2], np.float64)


def moved_onto(body: Body, moving: View, fixed: View, *, cut: bool) -> View:
    """A view whose outline is another's, seen with that one's camera.

    Args:
        body: The body of both.
        moving: What moves.
        fixed: Whose pose, camera and outline count.
        cut: Whether what is still outside afterwards is pulled in, or goes where that is far.
    """
    params, binding = fixed.fit.params, moving.binding
    joints = body.joints(params.betas).astype(np.float64)
    posed_from_rest = forward_kinematics(joints, params.pose(), params.transl).astype(np.float64)
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights).astype(
        np.float64
    )
    rest = moving.resting.means.astype(np.float64)
    there = (blended[:, :3, :3] @ rest[..., None])[..., 0] + blended[:, :3, 3]
    canvas = canvas_of(fixed)
    photo = fixed.facing > 0
    mask = canvas.mask(fixed.posed.means[photo])
    goal = outline_of(canvas, mask, fixed.posed.means, photo)
    weights, start = _grouped(dense(binding, JOINT_COUNT)), canvas.flat(there)
    centers = canvas.flat(posed_joints(joints, posed_from_rest)[:_GROUPS])
    shift = np.zeros_like(start)
    for _ in range(_ROUNDS):
        place = _shifted(there, shift, canvas)
        rim = outline_of(canvas, canvas.mask(place), place, np.ones(len(place), bool))
        matched, wanted = _pairs(rim, goal, moving, fixed)
        rows = rim.owner[matched]
        gap = goal.points[wanted] - rim.points[matched]
        basis = _basis(weights[rows], start[rows], centers)
        field = _fitted(basis, centers, shift[rows], gap, goal.normals[wanted])
        shift = np.einsum("nk,kc->nc", _basis(weights, start, centers), field)
    keep = np.ones(len(rest), bool)
    if cut:
        shift, keep = _within(canvas, mask, there, shift)
        if _way(fixed) @ _way(moving) < _OPPOSITE:
            keep &= ~_before(canvas, _shifted(there, shift, canvas), fixed.posed.means[photo])
    turned = polar_rotation(blended[:, :3, :3])  # the inverse would throw what two far joints share
    means = rest + np.einsum("nji,nj->ni", turned, _shifted(there, shift, canvas) - there)
    moved = replace(moving, resting=replace(moving.resting, means=means.astype(np.float32)))
    return moved if keep.all() else _taken(moved, np.flatnonzero(keep))


def _within(
    canvas: Canvas, mask: NDArray[np.uint8], there: Float, shift: Float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What the photo would show before its background is pulled in, or left out. [N, 2], [N]"""
    place = _shifted(there, shift, canvas)
    flat = canvas.flat(place)
    _, found = cv2.distanceTransformWithLabels(1 - mask, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    labels = np.asarray(found, np.int64)
    rows, columns = np.nonzero(mask)
    nearest = np.zeros((labels.max() + 1, 2))
    nearest[labels[rows, columns]] = np.stack([columns, rows], axis=1) + 0.5
    columns, rows = canvas.cells(flat).T
    outside = canvas.framed(place) & (mask[rows, columns] == 0)
    way = nearest[labels[rows, columns]] * canvas.pitch + canvas.low - flat
    near = np.linalg.norm(way, axis=1) < _PULLED
    return np.where((outside & near)[:, None], shift + way, shift), ~outside | near


def _before(canvas: Canvas, place: Float, sheet: Float) -> NDArray[np.bool_]:
    """What would stand between the camera and what its photo shows: another photo's fringes. [N]"""
    gap, nearest = KDTree(canvas.flat(sheet)).query(canvas.flat(place))
    over = sheet[np.asarray(nearest), 2] + _OVER < place[:, 2]
    return over & (np.asarray(gap) < _CLOSE) & canvas.framed(place)


def _taken(view: View, rows: Int) -> View:
    """Some of a view's Gaussians."""
    binding = view.binding
    return replace(
        view,
        posed=view.posed.take(rows),
        resting=view.resting.take(rows),
        binding=Binding(binding.joint_indices[rows], binding.joint_weights[rows]),
        seen=view.seen[rows],
        facing=view.facing[rows],
        spacing=view.spacing[rows],
        part=view.part[rows],
        label=view.label[rows],
    )


def _shifted(there: Float, shift: Float, canvas: Canvas) -> NDArray[np.float64]:
    """Points moved across the camera's axis by what that is at the canvas's depth. [N, 3]"""
    across = shift * (there[:, 2:] / -canvas.depth)
    return there + np.concatenate([across, np.zeros((len(there), 1))], axis=1)


def _grouped(weights: Float) -> NDArray[np.float64]:
    """Weights of the body's joints; fingers count as their wrist, the face as the head. [N, 22]"""
    result = weights[:, :_GROUPS].astype(np.float64)
    for joint in range(_GROUPS, JOINT_COUNT):
        above = joint
        while above >= _GROUPS:
            above = JOINT_PARENTS[above]
        result[:, above] += weights[:, joint]
    return result


def _pairs(rim: Outline, goal: Outline, moving: View, fixed: View) -> tuple[Int, Int]:
    """Points of the rim and of the goal that show the same: near, facing alike, of one part and thing."""
    own, theirs = _features(rim, moving), _features(goal, fixed)
    gap, nearest = KDTree(theirs).query(own, distance_upper_bound=_ALIKE)
    back, other = KDTree(own).query(theirs, distance_upper_bound=_ALIKE)
    nearest, other = np.asarray(nearest), np.asarray(other)
    good, more = np.flatnonzero(np.isfinite(gap)), np.flatnonzero(np.isfinite(back))
    return np.concatenate([good, other[more]]), np.concatenate([nearest[good], more])


def _features(outline: Outline, view: View) -> NDArray[np.float64]:
    """Place, direction, part and thing of an outline's points. [N, D]"""
    part = np.eye(len(MIRRORED_PARTS))[view.part[outline.owner]]
    label = np.eye(len(LABEL_NAMES))[view.label[outline.owner]]
    parts = [outline.points / _REACH, outline.normals, part, label]
    return np.concatenate(parts, axis=1).astype(np.float64)


def _basis(weights: Float, points: Float, centers: Float) -> NDArray[np.float64]:
    """Shift and two slopes of each joint, blended by its weights. [N, 3 J]"""
    away = points[:, None] - centers
    local = np.concatenate([np.ones((*away.shape[:2], 1)), away], axis=-1)
    return (weights[..., None] * local).reshape(len(points), -1)


def _fitted(basis: Float, centers: Float, done: Float, gap: Float, normals: Float) -> NDArray[np.float64]:
    """Shift and slopes of each joint that bring points of the rim to the goal. [3 J, 2]

    Source: iterated closest points, the distance across the outline counting most (Chen and Medioni 1992).
    """
    count = basis.shape[1]
    wanted = done + gap
    trust = 1.0 / (1.0 + (np.linalg.norm(gap, axis=1) / _ROBUST) ** 2) / _NOISE
    tangent = np.stack([-normals[:, 1], normals[:, 0]], axis=1)
    rows, right = [], []
    for way, weight in ((normals, 1.0), (tangent, _ALONG)):
        scaled = (trust * weight)[:, None]
        rows.append(np.concatenate([basis * way[:, :1], basis * way[:, 1:]], axis=1) * scaled)
        right.append((wanted * way).sum(axis=1) * scaled[:, 0])
    spread = np.tile([_SHIFT, _SLOPE, _SLOPE], (len(centers), 1))
    spread[_ENDS, 1:] = _END_SLOPE
    spread = spread.ravel()
    rows.append(np.diag(np.tile(1.0 / spread, 2)))
    right.append(np.zeros(2 * count))
    joined = _joined(centers) / _TORN
    for k in range(2):
        side = np.zeros((len(joined), 2 * count))
        side[:, k * count : (k + 1) * count] = joined
        rows.append(side)
        right.append(np.zeros(len(joined)))
    matrix, values = np.concatenate(rows), np.concatenate(right)
    return np.linalg.solve(matrix.T @ matrix, matrix.T @ values).reshape(2, count).T


def _joined(centers: Float) -> NDArray[np.float64]:
    """What a joint and its parent differ by at the joint. [J - 1, 3 J]"""
    result = np.zeros((len(centers) - 1, 3 * len(centers)))
    for joint in range(1, len(centers)):
        above = JOINT_PARENTS[joint]
        result[joint - 1, 3 * joint] = 1.0
        result[joint - 1, 3 * above : 3 * above + 3] = -1.0, *(-(centers[joint] - centers[above]))
    return result
