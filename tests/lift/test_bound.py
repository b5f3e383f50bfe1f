"""The way back to the rest pose never throws a Gaussian off the body."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import blend_transforms
from lhm_avatars.engine.binding.find_loose import NOTHING_LOOSE
from lhm_avatars.engine.lift.choices import Choices
from lhm_avatars.engine.lift.place.bound import bound
from lhm_avatars.engine.lift.shape import unposed_points
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from .person import Person
    from .staged import Stages

FAR = 0.05  # metres


def test_joints_that_do_not_belong_together_are_parted(stages: Stages, person: Person):
    """Some points follow a wrist and the other leg's ankle at once, which only the photo's pose can bear."""
    body, placed = bundled_body(), stages.placed
    rows = np.flatnonzero(placed.on_body)[::40]
    weights = placed.weights.copy()
    weights[rows] = 0.0
    weights[rows, joint_index("left_wrist")] = weights[rows, joint_index("right_ankle")] = 0.5
    mixed = replace(placed, weights=weights)
    posed_from_rest = stages.posed_from_rest
    binding = bound(
        body, person.params.betas, person.vertices, posed_from_rest, mixed, NOTHING_LOOSE, Choices()
    )
    blended = blend_transforms(posed_from_rest, binding.joint_indices, binding.joint_weights)
    rest = unposed_points(placed.means, blended.astype(np.float64))
    there, _ = KDTree(person.rest).query(rest)
    here, _ = KDTree(person.vertices).query(placed.means)
    assert len(rows) > 50
    assert (there - here)[rows].max() < FAR
    follows = np.isin(binding.joint_indices[rows, 0], [joint_index("left_wrist"), joint_index("right_ankle")])
    assert follows.mean() < 0.5
