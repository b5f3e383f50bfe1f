"""The person in the photo, for the model's own body: pose and shape, from the fit of the built-in body."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import JOINT_COUNT, BodyParams, bundled_body, joint_index
from ..avatar.shape import padded_betas
from ..lift.fit.fit import fit_body, relaxed_hands
from ..lift.outcome import fit_warnings
from ..request import FIT, ZERO
from .shape import carried_over, mesh_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..lift.fit.fit import Fit
    from ..lift.observation import Observation
    from .shape import ShapedBody

_FEWEST_LANDMARKS = 6  # a trunk and a little more; below, the fit would make the pose up
_LEFT_HAND, _RIGHT_HAND = joint_index("left_index1"), joint_index("right_index1")
_NOTHING_FITTED = (
    "Pose and shape could not be read from this photo. The avatar stands in its rest pose and has the mean "
    "shape; both can be changed."
)


@dataclass(frozen=True)
class PersonFit:
    """What the fit of the built-in body says.

    Args:
        fit: None where the photo shows too little.
        warnings: Sentences for the artist.
    """

    fit: Fit | None
    warnings: tuple[str, ...]

    @property
    def measures(self) -> dict[str, float]:
        """Numbers for the report."""
        if self.fit is None:
            return {}
        return {"landmark_error": self.fit.landmark_error, "outline_iou": self.fit.outline_iou}


def fit_person(seen: Observation, report: Callable[[float], None]) -> PersonFit:
    """Fit the built-in body, if there is something to fit it to.

    Args:
        seen: The photo.
        report: Told the fraction done.
    """
    if np.count_nonzero(seen.confidence) < _FEWEST_LANDMARKS:
        return PersonFit(None, (_NOTHING_FITTED,))
    fit = fit_body(bundled_body(), seen, report)
    return PersonFit(fit, tuple(fit_warnings(fit)))


def betas_for(
    shape: str | tuple[float, ...], person: PersonFit, body: ShapedBody
) -> tuple[NDArray[np.float32], str]:
    """The model's betas, and where they come from.

    Args:
        shape: As in the request.
        person: From ``fit_person``.
        body: The model's.
    """
    count = body.joint_dirs.shape[2]
    if not isinstance(shape, str):
        return padded_betas(np.array(shape, np.float32), count), "given"
    if shape == FIT and person.fit is not None:
        return carried_over(mesh_body(bundled_body()), person.fit.params.betas, body), FIT
    return np.zeros(count, np.float32), ZERO


def params_for(person: PersonFit, betas: NDArray[np.float32], body: ShapedBody) -> BodyParams:
    """The photo's pose for the model's body, in the frame of the photo's camera.

    Rotations carry over as they are: both rest poses are the zero pose, joint axes are the same. Where the
    model's body is larger, it stands as much farther off, so that the photo would show it as large.

    Args:
        person: From ``fit_person``.
        betas: The model's. [S]
        body: The model's.
    """
    if person.fit is None:
        return _resting(betas)
    fitted = person.fit.params
    ours = bundled_body().joints(fitted.betas)
    theirs = body.joints + body.joint_dirs @ betas
    farther = _stature(theirs) / _stature(ours)
    transl = farther * (ours[0] + fitted.transl) - theirs[0]
    return replace(fitted, betas=betas, expression=np.zeros(0), transl=transl)


def _stature(joints: Float) -> float:
    """From the head down the left leg, metres."""
    ends = ("head", "neck", "pelvis", "left_hip", "left_knee", "left_ankle")
    line = joints[[joint_index(name) for name in ends]]
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def _resting(betas: NDArray[np.float32]) -> BodyParams:
    pose = np.zeros((JOINT_COUNT, 3))
    for first, hand in zip((_LEFT_HAND, _RIGHT_HAND), relaxed_hands(bundled_body()), strict=True):
        pose[first : first + len(hand)] = hand
    return BodyParams.from_pose(pose, betas=betas)
