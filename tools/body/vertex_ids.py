"""Stage 7: renumber vertices so that the 21 numbers which foreign code has built in mean what they should.

Programs for SMPL-X take nose, eyes, ears, fingertips, toes and heels by vertex number. Vertices have no order
of their own, so ours can be exchanged until those numbers hit the right places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import joint_index
from .skeleton import FINGER_NUMBERS, SIGNS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .samples import Array

    Matrix = NDArray[np.float64]

VERTEX_IDS = {
    "nose": 9120, "right_eye": 9929, "left_eye": 9448, "right_ear": 616, "left_ear": 6,
    "right_thumb": 8079, "right_index": 7669, "right_middle": 7794, "right_ring": 7905, "right_pinky": 8022,
    "left_thumb": 5361, "left_index": 4933, "left_middle": 5058, "left_ring": 5169, "left_pinky": 5286,
    "left_big_toe": 5770, "left_small_toe": 5780, "left_heel": 8846,
    "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
}  # fmt: skip
"""Facts of the SMPL-X file layout."""

_EAR_BAND = 0.03  # metres above and below the eyes


def find_landmark_vertices(vertices: Matrix, joints: Matrix, weights: Array) -> dict[str, int]:
    """The vertex of each of the 21 places: the outermost one of the part in a direction.

    Args:
        vertices: Mean person, zero pose, metres. [V, 3]
        joints: [55, 3]
        weights: [V, 55]
    """
    strongest = weights.argmax(axis=1)

    def outermost(parts: tuple[str, ...], direction: Matrix, height: float | None = None) -> int:
        mine = np.isin(strongest, [joint_index(part) for part in parts])
        if height is not None:
            mine &= np.abs(vertices[:, 1] - height) < _EAR_BAND
        candidates = np.flatnonzero(mine)
        return int(candidates[np.argmax(vertices[candidates] @ direction)])

    head = np.flatnonzero(strongest == joint_index("head"))
    found = {"nose": int(head[np.argmax(vertices[head, 2] - 3 * np.abs(vertices[head, 0]))])}
    for side, sign in SIGNS.items():
        foot, ankle = f"{side}_foot", f"{side}_ankle"
        eye_height = float(joints[joint_index("left_eye"), 1])
        found |= {
            f"{side}_eye": outermost((f"{side}_eye",), np.array([0, 0, 1.0])),
            f"{side}_ear": outermost(("head",), np.array([sign, 0, 0]), eye_height),
            f"{side}_big_toe": outermost((foot,), np.array([-0.8 * sign, 0, 1.0])),
            f"{side}_small_toe": outermost((foot,), np.array([sign, 0, 0.3])),
            f"{side}_heel": outermost((foot, ankle), np.array([0, -0.5, -1.0])),
        }
        for finger in FINGER_NUMBERS:
            tip = np.array([sign, 0, 0])
            if finger == "thumb":
                last, middle = (joint_index(f"{side}_thumb{k}") for k in (3, 2))
                tip = joints[last] - joints[middle]
            found[f"{side}_{finger}"] = outermost((f"{side}_{finger}3",), tip)
    return found


def order_vertices(found: dict[str, int], count: int) -> NDArray[np.intp]:
    """The exchange of vertices that puts each found one at its fixed number.

    Args:
        found: Vertex of each place. 21 entries
        count: Number of vertices.

    Returns:
        The old number of each new vertex. [V]

    Raises:
        ValueError: If two places share a vertex.
    """
    if len(set(found.values())) != len(VERTEX_IDS):
        raise ValueError(f"the {len(VERTEX_IDS)} landmark vertices must differ, got {found}")
    order = np.arange(count)
    for name, number in VERTEX_IDS.items():
        at = int(np.flatnonzero(order == found[name])[0])
        order[[number, at]] = order[[at, number]]
    return order
