"""What the face of a lifted avatar can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..avatar.rotations import matrix_from_quat
from ..binding.face import action_dirs, moving_only, on_face
from .lids import with_lids

if TYPE_CHECKING:
    from ..avatar.arrays import Float
    from ..avatar.binding import Binding
    from ..avatar.body import Body
    from ..avatar.face import FaceSpace
    from ..avatar.gaussians import Gaussians


def face_space(body: Body, skin: Float, gaussians: Gaussians, binding: Binding) -> FaceSpace | None:
    """The face shapes of flat Gaussians; none if the body has no facial actions.

    Args:
        body: The body that was dressed.
        skin: Its vertices in the rest pose, the face where the photo has it, metres. [V, 3]
        gaussians: In the rest pose; the last axis of each is its normal.
        binding: The joints they follow.
    """
    if not body.face_names:
        return None
    normals = matrix_from_quat(gaussians.quats)[..., 2]
    found = on_face(body, skin, gaussians.means, binding, normals)
    return moving_only(body.face_names, found.rows, with_lids(body, found, action_dirs(body, found)))
