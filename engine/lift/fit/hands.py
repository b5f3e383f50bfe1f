"""The hands: forearm's turn, wrist and fingers from the 21 points of each hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.binding import Binding, dense
from ...avatar.body import JOINT_COUNT, joint_index
from ...avatar.rotations import matrix_from_rotvec, quat_from_rotvec, rotvec_from_matrix
from ...avatar.skinning import forward_kinematics
from .model import column
from .solve import levenberg_marquardt, robust

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body, BodyParams
    from ...prepare.hand_points import HandPoints
    from ..observation import Camera

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")  # mediapipe's order; the joints' is another
_TIPS = {
    "left": (5361, 4933, 5058, 5169, 5286),
    "right": (8079, 7669, 7794, 7905, 8022),
}
"""Vertices of the SMPL-X layout at the finger tips, in the order of ``_FINGERS``."""

_LEAST_TRUST = 0.15
_FAR_OFF = 0.16  # of the palm's length: a hand whose points are not met better is not believed
_IMAGE = 0.07  # spread of a point, of the palm's length
_DEPTH = 0.3  # spread of a bone's direction towards the camera
_OUTLIER = 3.0
_FOREARM_SHARE = 0.6  # of a turn of the hand about the forearm that the forearm takes
_TURN_SPREAD = (0.7, 0.35, 0.4)  # of the hand about the forearm, bent sideways, bent to the palm
_TURN_MOST = (2.3, 0.6, 1.3)
_LIMIT = 0.06  # radians beyond a range
_WRIST, _PALM = 0, (5, 9, 13, 17)

# Parameters: rotation of the hand against the untwisted forearm 3, shift in the image 2, log of the size 1;
# then for each finger spread, first bend, second bend; for the thumb its first joint's angles and a bend.
_HAND, _SHIFT, _SIZE, _THUMB = slice(0, 3), slice(3, 5), 5, slice(6, 10)
_FIRST_FINGER, _PARAMETERS = 10, 22
_MEANS = np.array([0, 0, 0, 0.15, *[0, 0.3, 0.35] * 4])
_SPREADS = np.array([0.25, 0.3, 0.3, 0.35, *[0.15, 0.5, 0.6] * 4])
_LEAST = np.array([-0.6, -0.8, -0.7, -0.3, *[-0.3, -0.4, 0.0] * 4])
_MOST = np.array([0.6, 0.6, 0.7, 1.2, *[0.3, 1.6, 1.9] * 4])
_LAST_BEND = 0.7  # of the second one: tendons bend the two together


@dataclass(frozen=True)
class HandFit:
    """One hand.

    Args:
        elbow: Rotation of the elbow, with the forearm's turn. [3]
        wrist: [3]
        fingers: [15, 3]
        error: Median distance of its points, of the palm's length.
    """

    elbow: NDArray[np.float64]
    wrist: NDArray[np.float64]
    fingers: NDArray[np.float64]
    error: float


class _Hand:
    """Residuals of one hand; the arm above it stays."""

    def __init__(self, body: Body, side: str, seen: HandPoints, camera: Camera, params: BodyParams) -> None:
        self.side, self.sign, self.camera = side, (1.0 if side == "left" else -1.0), camera
        self.pose, self.transl = params.pose().astype(np.float64), params.transl.astype(np.float64)
        self.elbow, self.wrist = joint_index(f"{side}_elbow"), joint_index(f"{side}_wrist")
        self.rest = body.joints(params.betas).astype(np.float64)
        tips = np.array(_TIPS[side])
        self.tips = body.shaped(params.betas)[tips].astype(np.float64)
        binding = Binding(body.joint_indices[tips], body.joint_weights[tips])
        self.tip_joints = dense(binding, JOINT_COUNT).argmax(axis=1)
        self.joints = [self.wrist]
        for finger in _FINGERS:
            self.joints += [joint_index(f"{side}_{finger}{k}") for k in (1, 2, 3)]
        self.found = seen.points[:, :2]
        self.palm = max(float(np.linalg.norm(self.found[list(_PALM)].mean(0) - self.found[_WRIST])), 1e-6)
        phalanges = [(a, a + 1) for first in range(1, 21, 4) for a in range(first, first + 3)]
        self.bones = np.array([(0, 5), (0, 17), *phalanges])
        way = seen.world[self.bones[:, 1]] - seen.world[self.bones[:, 0]]
        self.depth = way[:, 2] / (np.linalg.norm(way, axis=1) + 1e-9)
        self.world = seen.world
        self.swing = _untwisted(self.pose[self.elbow])
        self.trust = float(np.sqrt(seen.confidence))

    def full_pose(self, x: Float) -> Float:
        """Rotations of all joints. [B, 55, 3]"""
        pose = np.repeat(self.pose[None], len(x), axis=0)
        hand = matrix_from_rotvec(x[:, _HAND])
        turn = _turn_about_x(x[:, _HAND])
        forearm = np.zeros((len(x), 3))
        forearm[:, 0] = _FOREARM_SHARE * turn
        share = matrix_from_rotvec(forearm)
        pose[:, self.elbow] = rotvec_from_matrix(self.swing @ share)
        pose[:, self.wrist] = rotvec_from_matrix(np.swapaxes(share, 1, 2) @ hand)
        s = self.sign
        thumb = [joint_index(f"{self.side}_thumb{k}") for k in (1, 2, 3)]
        pose[:, thumb[0]] = x[:, _THUMB][:, :3] * (1.0, s, s)
        for joint in thumb[1:]:
            pose[:, joint] = 0.0
            pose[:, joint, 1] = -s * x[:, _THUMB][:, 3]
        for number, finger in enumerate(_FINGERS[1:]):
            spread, first, second = x[:, _FIRST_FINGER + 3 * number : _FIRST_FINGER + 3 * number + 3].T
            for k, bend in enumerate((first, second, _LAST_BEND * second)):
                joint = joint_index(f"{self.side}_{finger}{k + 1}")
                pose[:, joint] = 0.0
                pose[:, joint, 2] = -s * bend
                if k == 0:
                    pose[:, joint, 1] = s * spread
        return pose

    def places(self, x: Float) -> Float:
        """The 21 points of a hand, in mediapipe's order. [B, 21, 3]"""
        moved = forward_kinematics(self.rest, self.full_pose(x), self.transl)

        def at(joints: list[int] | NDArray[np.int64], rest: Float) -> Float:
            frames = moved[:, joints]
            return (frames[..., :3, :3] @ rest[..., None])[..., 0] + frames[..., :3, 3]

        points = np.empty((len(x), 21, 3))
        bases = at(self.joints, self.rest[self.joints])
        tips = at(self.tip_joints, self.tips)
        points[:, 0] = bases[:, 0]
        for number in range(5):
            points[:, 1 + 4 * number : 4 + 4 * number] = bases[:, 1 + 3 * number : 4 + 3 * number]
            points[:, 4 + 4 * number] = tips[:, number]
        return points

    def pixels(self, x: Float, places: Float) -> Float:
        """Where the points are seen, the hand laid on the one in the photo. [B, 21, 2]"""
        flat = self.camera.project(places)
        size = np.exp(column(x, _SIZE))[:, None, None]
        return flat[:, :1] + (flat - flat[:, :1]) * size + x[:, None, _SHIFT] * self.palm

    def residuals(self, x: Float) -> Float:
        """In spreads. [B, R]"""
        places = self.places(x)
        count = len(x)
        image = (self.pixels(x, places) - self.found) / (self.palm * _IMAGE)
        way = places[:, self.bones[:, 1]] - places[:, self.bones[:, 0]]
        depth = (way[..., 2] / np.linalg.norm(way, axis=-1) - self.depth) / _DEPTH
        turn = _turn_about_x(x[:, _HAND])
        side, bend = x[:, 1], x[:, 2]
        angles = np.stack([turn, side, bend], axis=1)
        fingers = x[:, _THUMB.start :]
        over = np.maximum(fingers - _MOST, 0) + np.minimum(fingers - _LEAST, 0)
        far = np.maximum(np.abs(angles) - _TURN_MOST, 0)
        return np.concatenate(
            [
                self.trust * robust(image, _OUTLIER).reshape(count, -1),
                self.trust * robust(depth, _OUTLIER),
                angles / _TURN_SPREAD,
                far / _LIMIT,
                (fingers - _MEANS) / _SPREADS,
                over / _LIMIT,
                x[:, _SHIFT] / 0.3,
                x[:, _SIZE : _SIZE + 1] / 0.15,
            ],
            axis=1,
        )

    def starts(self) -> list[Float]:
        """Fingers relaxed; the palm as the points in space say, turned over, as the arm has it. [P]"""
        at_rest = self.rest[self.joints]
        rest = _palm_frame(at_rest[0], at_rest[4], at_rest[13])  # wrist, knuckles of index and little finger
        want = _palm_frame(self.world[0], self.world[5], self.world[17])
        moved = forward_kinematics(self.rest, self.pose, self.transl)
        upper = moved[self.elbow, :3, :3] @ matrix_from_rotvec(self.pose[self.elbow]).T
        palm = (upper @ self.swing).T @ want @ rest.T
        arm = self.swing.T @ matrix_from_rotvec(self.pose[self.elbow])
        about_itself = np.diag([1.0, -1.0, -1.0])
        starts = []
        for turn in (palm, palm @ about_itself, arm @ matrix_from_rotvec(self.pose[self.wrist])):
            x = np.zeros(_PARAMETERS)
            x[_THUMB.start :] = _MEANS
            x[_HAND] = rotvec_from_matrix(turn)
            starts.append(x)
        return starts


def fit_hand(
    body: Body, side: str, seen: HandPoints | None, camera: Camera, params: BodyParams
) -> HandFit | None:
    """Turn a forearm, its wrist and its fingers so that they lie on the hand in the photo.

    Args:
        body: Any body in SMPL-X layout.
        side: "left" or "right" of the person.
        seen: The hand's points, if it was found.
        camera: Of the fit.
        params: The body whose hand it is.

    Returns:
        None if there is no hand, or none that this arm could have.
    """
    if seen is None or seen.confidence < _LEAST_TRUST:
        return None
    hand = _Hand(body, side, seen, camera, params)
    found = [levenberg_marquardt(hand.residuals, start, iterations=30) for start in hand.starts()]
    costs = [float((hand.residuals(x[None]) ** 2).sum()) for x in found]
    x = found[int(np.argmin(costs))]
    places = hand.places(x[None])
    error = np.linalg.norm(hand.pixels(x[None], places)[0] - hand.found, axis=1) / hand.palm
    median = float(np.median(error))
    if median > _FAR_OFF:
        return None
    full = hand.full_pose(x[None])[0]
    first = joint_index(f"{side}_index1")
    return HandFit(full[hand.elbow], full[hand.wrist], full[first : first + 15], median)


def _palm_frame(wrist: Float, index: Float, little: Float) -> Float:
    """Axes along the palm, across it and out of it. [3, 3]"""
    along = 0.5 * (index + little) - wrist
    along = along / (np.linalg.norm(along) + 1e-9)
    normal = np.cross(index - wrist, little - wrist)
    normal = normal / (np.linalg.norm(normal) + 1e-9)
    return np.stack([along, np.cross(normal, along), normal], axis=1)


def _turn_about_x(rotvec: Float) -> Float:
    """Turn about the forearm. [B]"""
    w, x, *_ = np.ascontiguousarray(np.moveaxis(quat_from_rotvec(rotvec), -1, 0))
    return 2 * np.arctan2(x, w)


def _untwisted(rotvec: Float) -> Float:
    """An elbow's rotation without its turn about the forearm. [3, 3]"""
    turn = float(_turn_about_x(rotvec[None])[0])
    return matrix_from_rotvec(rotvec) @ matrix_from_rotvec(np.array([-turn, 0.0, 0.0]))
