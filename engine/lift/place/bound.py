"""Bound: the joints that each placed Gaussian follows.

The body's own surface has its own weights. What stands off it takes them from the air around the body, what
hangs about the legs as one sheet is kept whole, and a thing in a hand goes with the hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from ...avatar.binding import Binding, dense, strongest
from ...avatar.body import JOINT_COUNT, joint_index
from ...avatar.skinning import blend_transforms, posed_joints
from ...binding.field import weight_field
from ...binding.find_loose import NONE, SKIRT, LooseRegion, find_loose
from ...binding.loose import loose_weights
from ...binding.looseness import looseness
from ...binding.surface import body_surface
from ...request import DIFFUSED
from ..shape import undoable, unposed_points
from .placed import NO_HAND
from .reattach import scraps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from ...avatar.body import Body
    from ..choices import Choices
    from ..observation import Observation
    from .placed import Placed

_THROWN = 0.04  # metres farther off the body in the rest pose than in the photo's
_ASKED_FOR = LooseRegion(SKIRT, 0.0, 0.5, 1.0, 0.0, 0.0)
"""Where the photo shows no loose cloth and the artist says that there is: from the hips to the knees."""


def loose_region(
    body: Body, vertices: Float, joints: Float, seen: Observation, choices: Choices
) -> LooseRegion:
    """Where clothes hang about the legs.

    Args:
        body: The fitted body.
        vertices: Of its skin, posed, in the frame of the camera. [V, 3]
        joints: Posed, in the same frame. [55, 3]
        seen: The photo.
        choices: Whether the artist has decided.
    """
    owners = np.take_along_axis(body.joint_indices, body.joint_weights.argmax(axis=1)[:, None], axis=1)[:, 0]
    project = seen.camera.project
    found = find_loose(seen.alpha, project(vertices), body.faces, owners, project(joints))
    if found.kind == NONE and choices.loose:
        return _ASKED_FOR
    return found


def bound(
    body: Body,
    betas: Float,
    skin: Float,
    posed_from_rest: Float,
    placed: Placed,
    region: LooseRegion,
    choices: Choices,
) -> Binding:
    """Bind the Gaussians.

    Args:
        body: The fitted body.
        betas: Its shape. [S]
        skin: Its vertices, posed. [V, 3]
        posed_from_rest: [55, 4, 4]
        placed: In the photo's pose.
        region: Where clothes are loose.
        choices: How to bind.

    Returns:
        Joints whose blended transforms can be undone.
    """
    weights = placed.weights.astype(np.float32)
    off = ~placed.on_body
    here, vertex = KDTree(skin).query(placed.means)
    here, vertex = np.asarray(here, np.float64), np.asarray(vertex, np.int64)
    if choices.binding == DIFFUSED and off.any():
        rest = _unposed(placed.means[off], weights[off], posed_from_rest, choices.influences)
        weights[off] = weight_field(body_surface(body, body.shaped(betas))).weights(rest)
    strength = region.strength if choices.loose is None else choices.loose
    if region.kind != NONE and strength > 0:
        joints = posed_joints(body.joints(betas).astype(np.float64), posed_from_rest)
        loose = looseness(placed.means, here, joints, region)
        weights = loose_weights(placed.means, weights, loose, joints, strength)
    for hand, name in enumerate(("left_wrist", "right_wrist")):
        rows = placed.hand == hand
        weights[rows] = 0.0
        weights[rows, joint_index(name)] = 1.0
    # Between a hand and the hip that it rests on, joints mix that have nothing to do with each other: the way
    # back to the rest pose throws such a Gaussian off the body, unless it follows the skin that it lies on.
    rest = _unposed(placed.means, weights, posed_from_rest, choices.influences)
    there, _ = KDTree(body.shaped(betas)).query(rest)
    lost = (np.asarray(there) > here + _THROWN) & (placed.hand == NO_HAND)
    own = Binding(body.joint_indices[vertex[lost]], body.joint_weights[vertex[lost]])
    weights[lost] = dense(own, JOINT_COUNT)
    rest = _unposed(placed.means, weights, posed_from_rest, choices.influences)
    torn, whole = scraps(placed.means, rest, placed.hand == NO_HAND)
    weights[torn] = weights[whole]
    return undoable(strongest(weights, choices.influences), posed_from_rest)


def _unposed(points: Float, weights: Float, posed_from_rest: Float, influences: int) -> NDArray[np.float64]:
    binding = undoable(strongest(weights, influences), posed_from_rest)
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights)
    return unposed_points(points, blended.astype(np.float64))
