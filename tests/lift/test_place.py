"""Where the Gaussians are put, and the way back to the rest pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.engine.avatar.skinning import blend_transforms, skin_gaussians, skin_means
from lhm_avatars.engine.lift.parts import HEAD, LEFT_ARM, LEFT_HAND, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, TRUNK
from lhm_avatars.engine.lift.place.place import place
from lhm_avatars.engine.lift.shape import flat_gaussians, undoable, unposed, unposed_points
from lhm_avatars.engine.raster import rasterize
from scipy.spatial import cKDTree

from .conftest import COUNT
from .person import nothing_held

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.observation import Observation

    from .conftest import Stages
    from .person import Person


def test_weights_are_shares(stages: Stages):
    weights = stages.placed.weights
    assert weights.shape == (len(stages.placed.means), 55)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("count", [5000, 20_000])
def test_the_count_is_about_what_was_asked_for(stages: Stages, person: Person, seen: Observation, count: int):
    rng = np.random.default_rng(0)
    body = bundled_body()
    placed = place(
        body, person.vertices, stages.maps, seen, count, rng, stages.wear, nothing_held(seen), None
    )
    assert len(placed.means) == pytest.approx(count, rel=0.15)


def test_what_the_photo_shows_lies_in_the_mask_on_the_near_sheet(stages: Stages, seen: Observation):
    placed, maps = stages.placed, stages.maps
    shown = placed.seen
    columns, rows = placed.pixels[shown].astype(int).T
    assert maps.inside[rows, columns].all()
    np.testing.assert_allclose(seen.camera.project(placed.means[shown]), placed.pixels[shown], atol=1e-3)
    np.testing.assert_allclose(seen.camera.depth(placed.means[shown]), maps.front[rows, columns], atol=1e-5)
    assert 0.4 < shown.mean() < 0.8


def test_the_whole_person_is_covered(stages: Stages):
    """No pixel of the person is far from the lattice."""
    inside = np.argwhere(stages.maps.inside)[:, ::-1] + 0.5
    gap, _ = cKDTree(stages.placed.pixels[stages.placed.seen]).query(inside)
    spacing = np.sqrt(len(inside) / stages.placed.seen.sum())
    assert gap.max() < 3 * spacing


def test_points_of_the_surface_are_on_it_and_nothing_stands_before_the_photo(
    stages: Stages, person: Person, seen: Observation
):
    placed, maps = stages.placed, stages.maps
    hidden = placed.on_body & ~placed.seen
    gap, _ = cKDTree(person.vertices).query(placed.means[hidden])
    assert np.quantile(gap, 0.95) < 0.03  # the largest triangles have sides of 4 cm
    columns, rows = np.floor(placed.pixels).astype(int).T
    framed = maps.inside[np.clip(rows, 0, 639), np.clip(columns, 0, 399)]
    depth = seen.camera.depth(placed.means)[framed]
    # An ear that reaches over the outline is pulled in before the head's side: a few points, no more.
    assert (depth > maps.front[rows[framed], columns[framed]] - 0.02).mean() > 0.998


def test_normals_are_unit_and_face_the_camera_where_the_photo_sees_them(stages: Stages):
    placed = stages.placed
    np.testing.assert_allclose(np.linalg.norm(placed.normals, axis=1), 1, atol=1e-4)
    facing = -(placed.normals * placed.means).sum(axis=1)
    assert (facing[placed.seen] > 0).mean() > 0.97


@pytest.mark.parametrize(
    ("name", "part"),
    [("left_eye", HEAD), ("spine2", TRUNK), ("left_elbow", LEFT_ARM), ("right_elbow", RIGHT_ARM),
     ("left_knee", LEFT_LEG), ("right_knee", RIGHT_LEG), ("left_middle1", LEFT_HAND)],
)  # fmt: skip
def test_what_is_near_a_joint_belongs_to_its_part(stages: Stages, person: Person, name: str, part: int):
    joint = person.joints[joint_index(name)]
    near = np.linalg.norm(stages.placed.means - joint, axis=1) < 0.07
    assert near.sum() > 10
    assert (stages.placed.parts[near] == part).mean() > 0.95


def test_equal_seeds_give_equal_places(stages: Stages, person: Person, seen: Observation):
    body = bundled_body()
    again, other = (
        place(
            body, person.vertices, stages.maps, seen, COUNT, np.random.default_rng(seed), stages.wear,
            nothing_held(seen), None,
        )
        for seed in (0, 1)
    )  # fmt: skip
    assert again.means.tobytes() == stages.placed.means.tobytes()
    assert len(other.means) != len(again.means) or np.abs(other.means - again.means).max() > 0.001


def test_unposing_and_skinning_are_each_others_inverse(stages: Stages):
    placed, binding, moved = stages.placed, stages.binding, stages.posed_from_rest
    colors = np.full((len(placed.means), 3), 0.5)
    gaussians = flat_gaussians(placed, colors, stages.maps.inset(placed.pixels))
    rest = unposed(gaussians, binding, moved)
    back = skin_gaussians(rest, binding, moved)
    np.testing.assert_allclose(back.means, gaussians.means, atol=1e-5)
    turn = np.abs((back.quats * gaussians.quats).sum(axis=1))
    np.testing.assert_allclose(turn, 1, atol=1e-5)
    np.testing.assert_array_equal(back.scales, gaussians.scales)
    assert np.abs(rest.means - gaussians.means).max() > 0.3  # the arms were down


def test_the_rest_pose_is_that_of_the_body(stages: Stages, person: Person):
    """Unposed points of the surface lie on the shaped body in its zero pose."""
    hidden = stages.placed.on_body & ~stages.placed.seen
    gap, _ = cKDTree(person.rest).query(stages.rest[hidden])
    assert np.quantile(gap, 0.9) < 0.03


def test_unposed_points_equal_a_loop():
    rng = np.random.default_rng(0)
    turns = np.tile(np.eye(4), (2, 1, 1))
    turns[1, :3] = [[0, -1, 0, 0.5], [1, 0, 0, 0], [0, 0, 1, -2]]
    indices, weights = np.tile([[0, 1]], (20, 1)), rng.dirichlet([1, 1], 20)
    rest = rng.normal(size=(20, 3))
    posed = np.array([
        sum(weight * (turns[joint] @ [*point, 1])[:3] for joint, weight in zip(row, shares, strict=True))
        for point, row, shares in zip(rest, indices, weights, strict=True)
    ])  # fmt: skip
    np.testing.assert_allclose(skin_means(rest, turns, indices, weights), posed, atol=1e-12)
    found = unposed_points(posed, blend_transforms(turns, indices, weights))
    np.testing.assert_allclose(found, rest, atol=1e-10)


def test_gaussians_are_disks_along_the_surface(stages: Stages):
    placed = stages.placed
    gaussians = flat_gaussians(placed, np.full((len(placed.means), 3), 0.5), stages.maps.inset(placed.pixels))
    shortest = gaussians.scales.argmin(axis=1)
    axes = matrix_from_quat(gaussians.quats)
    normal = np.take_along_axis(axes, shortest[:, None, None], axis=2)[..., 0]
    assert np.quantile(np.abs((normal * placed.normals).sum(axis=1)), 0.05) > 0.99
    assert (gaussians.scales.max(axis=1) > 2 * gaussians.scales.min(axis=1)).all()
    assert gaussians.scales.max() < 0.1
    assert ((gaussians.opacities > 0) & (gaussians.opacities < 1)).all()


def test_opposite_turns_are_never_blended_away():
    """Half a turn and none, in equal parts, flatten space; a quarter turn does not (0.71 is left)."""
    moved = np.tile(np.eye(4), (3, 1, 1))
    moved[1, :3, :3] = np.diag([-1.0, 1.0, -1.0])
    moved[2, :3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
    binding = Binding(np.array([[0, 1], [0, 2]]), np.full((2, 2), 0.5))
    np.testing.assert_array_equal(undoable(binding, moved).joint_weights, [[1, 0], [0.5, 0.5]])


def test_the_rim_does_not_blur_the_outline(stages: Stages, seen: Observation):
    """The picture's half-opaque area is the person's, give or take a pixel and a half at the outline."""
    placed, camera = stages.placed, seen.camera
    gaussians = flat_gaussians(placed, np.full((len(placed.means), 3), 0.5), stages.maps.inset(placed.pixels))
    image = rasterize(
        gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, gaussians.colors(),
        camera.viewmat, camera.K, camera.width, camera.height,
    )  # fmt: skip
    drawn, person = image.alpha > 0.5, seen.alpha > 0.5
    rim = cv2.dilate(person.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~person
    assert (drawn & ~person).sum() < 1.5 * rim.sum()
    assert (person & ~drawn).sum() < 0.1 * rim.sum()
