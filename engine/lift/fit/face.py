"""The face: points of the face mesh on the body's face, the open mouth, and what is left between the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...avatar.body import joint_index
from ..parts import HEAD, part_of_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.body import Body
    from ..observation import Observation

# Points of mediapipe's face mesh, the left one before the right one or one of the middle: millimetres from
# the head's joint in the rest pose, as the mesh lies on 80 renderings of the bundled body's head, and
# whether the point stays when the face moves.
_PLACES: dict[tuple[int, ...], tuple[tuple[int, int, int], bool]] = {
    (263, 33): ((44, 41, 93), True),
    (362, 133): ((17, 39, 98), True),
    (386, 159): ((33, 45, 101), False),
    (374, 145): ((31, 36, 99), True),
    (473, 468): ((30, 41, 100), False),
    (291, 61): ((24, -29, 104), True),
    (327, 98): ((16, -5, 107), True),
    (334, 105): ((42, 63, 100), False),
    (300, 70): ((57, 56, 84), False),
    (336, 107): ((15, 60, 110), False),
    (280, 50): ((46, 6, 94), True),
    (425, 205): ((38, -2, 98), True),
    (269, 39): ((14, -22, 114), True),
    (405, 181): ((14, -37, 110), False),
    (365, 136): ((45, -47, 71), False),
    (4,): ((0, 6, 127), True),
    (1,): ((0, 0, 127), True),
    (2,): ((0, -6, 119), True),
    (6,): ((0, 35, 108), True),
    (168,): ((0, 44, 108), True),
    (195,): ((0, 21, 116), True),
    (0,): ((0, -21, 118), True),
    (17,): ((0, -40, 113), False),
    (152,): ((0, -69, 99), False),
    (151,): ((0, 76, 110), True),
}
_NEAREST = 0.015  # metres from a place to the surface of a body whose face is made otherwise
_LEAST_TRUST = 0.3
_LIPS = (13, 14)  # inner edges in the middle
_EYES = (468, 473)
_EYE_DISTANCE = 0.062  # metres between the pupils
_JAW_LENGTH = 0.085  # metres from its joint to the lips
_CLOSED = 0.003  # metres between the lips of a mouth that counts as closed
_WIDEST = 0.5  # radians


@dataclass(frozen=True)
class FaceAnchors:
    """Points of the face mesh on the body.

    Args:
        ids: Point of mediapipe's face mesh. [A]
        vertices: The body's vertex next to it. [A]
        offsets: From that vertex, rest pose, metres. [A, 3]
        steady: Whether the point stays when the face moves. [A]
    """

    ids: NDArray[np.int64]
    vertices: NDArray[np.int64]
    offsets: NDArray[np.float64]
    steady: NDArray[np.bool_]


def face_anchors(body: Body) -> FaceAnchors:
    """Where the face mesh's points are on a body in SMPL-X layout."""
    ids, places, steady = [], [], []
    for points, (place, stays) in _PLACES.items():
        for point, side in zip(points, (1, -1), strict=False):
            ids.append(point)
            places.append((side * place[0], place[1], place[2]))
            steady.append(stays)
    target = np.array(places) / 1000.0 + body.joints(np.zeros(0))[joint_index("head")]
    head = np.flatnonzero(part_of_weights(body.joint_indices, body.joint_weights) == HEAD)
    gap = target[:, None] - body.v_template[head].astype(np.float64)
    distance = np.linalg.norm(gap, axis=2)
    # In depth the face decides; another body's nose may be longer.
    nearest = distance.argmin(axis=1)
    offsets = gap[np.arange(len(ids)), nearest]
    offsets[distance.min(axis=1) > _NEAREST] = 0.0
    return FaceAnchors(np.array(ids), head[nearest], offsets, np.array(steady))


def face_trust(seen: Observation) -> float:
    """How far the face's points may be believed, 0..1; nothing if the person looks away from the camera."""
    if seen.face is None or seen.face.confidence < _LEAST_TRUST:
        return 0.0
    nose, ears = seen.world[0], seen.world[[7, 8]].mean(axis=0)
    forwards = (nose - ears)[2] / (np.linalg.norm(nose - ears) + 1e-9)
    return float(seen.face.confidence * np.clip((forwards + 0.2) / 0.4, 0, 1))


def turned_away(seen: Observation) -> bool:
    """Whether the camera sees the back of the head: its eyes and nose are the detector's invention."""
    across = (seen.world[11] - seen.world[12]) + (seen.world[7] - seen.world[8])
    return bool(across[0] < 0 and face_trust(seen) == 0)


def opened_jaw(seen: Observation) -> float:
    """How far the mouth is open, radians of the jaw about x."""
    if face_trust(seen) == 0 or seen.face is None:
        return 0.0
    points = seen.face.points
    unit = np.linalg.norm(points[_EYES[0]] - points[_EYES[1]]) / _EYE_DISTANCE
    gap = np.linalg.norm(points[_LIPS[0]] - points[_LIPS[1]]) / max(unit, 1e-6)
    return float(np.clip((gap - _CLOSED) / _JAW_LENGTH, 0, _WIDEST))
