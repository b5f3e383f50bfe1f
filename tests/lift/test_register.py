"""Views of one person brought to lie on each other; warnings about what another photo shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import SEEN_PHOTO
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec
from lhm_avatars.engine.lift.fit.doubt import FROM_BEHIND, FROM_THE_SIDE
from lhm_avatars.engine.lift.fit.fit import Fit
from lhm_avatars.engine.lift.observation import Camera
from lhm_avatars.engine.lift.outcome import all_warnings
from lhm_avatars.engine.lift.parts import part_of_weights
from lhm_avatars.engine.lift.several.register import moved_onto, registered
from lhm_avatars.engine.lift.surface import sample_surface
from lhm_avatars.engine.lift.view import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 4.0
CAMERA = Camera(1000.0, (300.0, 300.0), 600, 600)


def standing(turn: float) -> BodyParams:
    """In the zero pose, turned about the vertical, before the camera."""
    body, pose = bundled_body(), np.zeros((55, 3))
    pose[0, 1] = turn
    place = np.array([0.0, -body.v_template[:, 1].mean(), -FAR])
    return BodyParams.from_pose(pose, betas=np.zeros(10), expression=np.zeros(10), transl=place)


def view_of(rest: NDArray[np.float64], binding: Binding, params: BodyParams) -> View:
    """A view whose Gaussians are the body's surface; the pelvis turns, nothing else."""
    pelvis = bundled_body().joints(params.betas)[0]
    turned = (rest - pelvis) @ matrix_from_rotvec(params.global_orient).T + pelvis + params.transl
    resting, posed = (
        Gaussians.from_colors(
            means, np.tile([1.0, 0, 0, 0], (len(rest), 1)), np.full((len(rest), 3), 0.005),
            np.full(len(rest), 0.9), np.full((len(rest), 3), 0.5),
        )
        for means in (rest, turned)
    )  # fmt: skip
    count = len(rest)
    return View(
        fit=Fit(params, 0.0, 1.0, CAMERA), posed=posed, resting=resting, binding=binding,
        seen=np.full(count, SEEN_PHOTO, np.uint8), facing=np.ones(count), spacing=np.full(count, 0.01),
        part=part_of_weights(binding.joint_indices, binding.joint_weights),
        label=np.ones(count, np.uint8), skin=bundled_body().v_template, measures={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def surface() -> tuple[NDArray[np.float64], Binding]:
    body = bundled_body()
    face, corner = sample_surface(body.v_template, body.faces, 0.009, np.random.default_rng(0))
    corners = body.faces[face]
    strongest = corners[np.arange(len(corners)), corner.argmax(axis=1)]
    binding = Binding(body.joint_indices[strongest], body.joint_weights[strongest])
    return np.einsum("nk,nkc->nc", corner, body.v_template[corners]), binding


@pytest.fixture(scope="module")
def bent(surface: tuple[NDArray[np.float64], Binding]) -> NDArray[np.float64]:
    """The left arm two centimetres too high, the right leg one and a half too far out."""
    rest, _ = surface
    arm = (rest[:, 0] > bundled_body().joints(np.zeros(10))[joint_index("left_elbow"), 0])[:, None]
    knee = bundled_body().joints(np.zeros(10))[joint_index("right_knee")]
    leg = ((rest[:, 0] < 0) & (rest[:, 1] < knee[1]))[:, None]
    return rest + arm * [0, 0.02, 0] + leg * [-0.015, 0, 0]


def errors(made: View, rest: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.norm((made.resting.means - rest)[:, :2], axis=1)


def test_limbs_come_to_lie_on_the_first_photos(
    surface: tuple[NDArray[np.float64], Binding], bent: NDArray[np.float64]
):
    """Front and back of one pose have mirrored outlines."""
    rest, binding = surface
    first = view_of(rest, binding, standing(0.0))
    second = view_of(bent, binding, standing(np.pi))
    made = moved_onto(bundled_body(), second, first, cut=False)
    for moved, before in (((bent - rest)[:, 1] > 0.01, 0.02), ((bent - rest)[:, 0] < -0.01, 0.015)):
        assert np.median(errors(made, rest)[moved]) < 0.35 * before
    assert np.median(errors(made, rest)) < 0.003


def test_what_lies_on_each_other_stays(surface: tuple[NDArray[np.float64], Binding]):
    rest, binding = surface
    views = [view_of(rest, binding, standing(turn)) for turn in (0.0, np.pi)]
    made = registered(bundled_body(), views)
    assert made[0] is views[0]
    assert np.quantile(errors(made[1], rest), 0.99) < 0.004


def test_what_the_first_photo_would_show_before_its_background_goes(
    surface: tuple[NDArray[np.float64], Binding],
):
    """A hand that the second photo has half a metre off the body."""
    rest, binding = surface
    stray = np.concatenate([rest, rest[:50] * 0 + [0.45, -0.7, 0.0]])
    joints = np.concatenate([np.arange(len(rest)), np.zeros(50, int)])
    more = Binding(binding.joint_indices[joints], binding.joint_weights[joints])
    made = moved_onto(
        bundled_body(), view_of(stray, more, standing(np.pi)), view_of(rest, binding, standing(0.0)), cut=True
    )
    assert made.resting.count == len(rest)
    assert len(made.label) == len(made.part) == len(made.binding.joint_indices) == len(rest)


def test_nothing_of_a_photo_from_behind_lies_over_what_the_front_shows(
    surface: tuple[NDArray[np.float64], Binding],
):
    """Fifty points four centimetres before the chest."""
    rest, binding = surface
    chest = (np.abs(rest[:, 0]) < 0.05) & (np.abs(rest[:, 1] - 0.15) < 0.05) & (rest[:, 2] > 0)
    rows = np.concatenate([np.arange(len(rest)), np.flatnonzero(chest)[:50]])
    stray = rest[rows] + (np.arange(len(rows)) >= len(rest))[:, None] * [0, 0, 0.04]
    more = Binding(binding.joint_indices[rows], binding.joint_weights[rows])
    first = view_of(rest, binding, standing(0.0))
    front = replace(first, facing=(rest[:, 2] > np.median(rest[:, 2])).astype(float))
    made = moved_onto(bundled_body(), view_of(stray, more, standing(np.pi)), front, cut=True)
    assert made.resting.count <= len(rest)
    assert made.resting.count > 0.97 * len(rest)
    where = np.abs(made.resting.means[:, :2] - rest[chest, :2].mean(axis=0)).max(axis=1) < 0.04
    assert made.resting.means[where, 2].max() < rest[chest, 2].max() + 0.015


def test_a_half_body_photo_does_not_cut_off_the_legs(surface: tuple[NDArray[np.float64], Binding]):
    """Below its lower border the photo says nothing."""
    rest, binding = surface
    upper = rest[:, 1] > np.median(rest[:, 1])
    half = Binding(binding.joint_indices[upper], binding.joint_weights[upper])
    first = view_of(rest[upper], half, standing(0.0))
    lowest = CAMERA.project(first.posed.means)[:, 1].max()
    first = replace(first, fit=replace(first.fit, camera=replace(CAMERA, height=int(lowest))))
    made = moved_onto(bundled_body(), view_of(rest, binding, standing(np.pi)), first, cut=True)
    assert made.resting.count > 0.99 * len(rest)
    assert np.quantile(errors(made, rest), 0.95) < 0.01


def test_a_warning_about_what_another_photo_shows_is_not_given():
    fit = Fit(standing(0.0), 0.0, 1.0, CAMERA)
    behind, beside = replace(fit, reasons=(FROM_BEHIND, "Other.")), replace(fit, reasons=(FROM_THE_SIDE,))
    assert all_warnings([fit, behind]) == [[], ["Other."]]
    assert all_warnings([behind, beside]) == [["Other."], []]
    assert all_warnings([behind]) == [[FROM_BEHIND, "Other."]]
    assert all_warnings([behind, behind]) == [[FROM_BEHIND, "Other."]] * 2
