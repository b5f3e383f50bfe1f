"""Faced: what a lifted avatar needs so that its face can move.

Its shapes, eyes that turn without tearing off the lids, and a mouth that is dark inside when it opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.binding import Binding, strongest
from ..avatar.body import JOINT_COUNT, joint_index
from ..avatar.rotations import matrix_from_quat
from ..binding.face import action_dirs, moving_only, on_face
from .lids import find_lids, with_lids
from .mouth import dark_inside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import Body
    from ..avatar.face import FaceSpace
    from ..avatar.gaussians import Gaussians
    from ..binding.face import OnFace

_LEAST = 1e-3  # of a joint's weight: less is none


@dataclass(frozen=True)
class Faced:
    """What a face changes of an avatar.

    Args:
        gaussians: The same, the inside of the mouth darkened.
        binding: The same, what lies on the open eyes bound to them.
        face: The shapes; none if the body has no facial actions.
    """

    gaussians: Gaussians
    binding: Binding
    face: FaceSpace | None


def faced(body: Body, skin: Float, gaussians: Gaussians, binding: Binding, seen: NDArray[np.uint8]) -> Faced:
    """Make a face of flat Gaussians.

    Args:
        body: The body that was dressed.
        skin: Its vertices in the rest pose, the face where the photo has it, metres. [V, 3]
        gaussians: In the rest pose; the last axis of each is its normal.
        binding: The joints they follow.
        seen: ``SEEN_PHOTO``, ``SEEN_MIRRORED`` or ``SEEN_FILLED``. [N]
    """
    if not body.face_names:
        return Faced(gaussians, binding, None)
    found = on_face(body, skin, gaussians.means, binding, matrix_from_quat(gaussians.quats)[..., 2])
    return Faced(
        dark_inside(body, found, gaussians, seen),
        eyes_bound(body, found, binding),
        moving_only(body.face_names, found.rows, with_lids(body, found, action_dirs(body, found))),
    )


def eyes_bound(body: Body, found: OnFace, binding: Binding) -> Binding:
    """What lies on the open eyes turns with them, the less the nearer to the lids.

    A rigid eyeball would need a white that the photo does not show: it would leave a hole beside the iris.

    Args:
        body: With facial actions.
        found: Gaussians on its face. [M]
        binding: Of all Gaussians.
    """
    places = found.places.read(body.v_template)
    joints, head = body.joints(np.zeros(0)), joint_index("head")
    indices, weights = binding.joint_indices.copy(), binding.joint_weights.copy()
    for side in ("left", "right"):
        eye = joint_index(f"{side}_eye")
        turns, open_to_view = find_lids(body, side).turning(places - joints[eye])
        rows = found.rows[open_to_view]
        table = np.zeros((len(rows), JOINT_COUNT), np.float32)
        table[:, head], table[:, eye] = 1 - turns[open_to_view], turns[open_to_view]
        own = strongest(np.where(table < _LEAST, 0, table), binding.influences)
        indices[rows], weights[rows] = own.joint_indices, own.joint_weights
    return Binding(indices, weights)
