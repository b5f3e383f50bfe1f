"""What is collected is what stands in the world: covariances, not representations, are compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.rotations import matrix_from_quat
from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_gaussians
from lhm_avatars.rendering.display_nodes import display_group
from lhm_avatars.rendering.splats import Splats, collect_splats, transformed
from lhm_avatars.rigging.avatar_objects import add_avatar, world_from_body
from lhm_avatars.rigging.poses import get_pose

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


def covariances(quats: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """R S S R^T. [N, 3, 3]"""
    factor = matrix_from_quat(np.asarray(quats, float)) * np.asarray(scales, float)[:, None, :]
    return factor @ factor.transpose(0, 2, 1)


def collected() -> Splats:
    return collect_splats(bpy.context.evaluated_depsgraph_get())


@pytest.mark.parametrize("display", [False, True])
def test_agrees_with_numpy_skinning(make_avatar: Callable[..., Avatar], display: bool) -> None:
    avatar = make_avatar(500)
    made = add_avatar(
        bpy.context, avatar, name="Ada", location=(1, 2, 3), display=display_group() if display else None
    )
    made.armature.scale = (1.7, 1.7, 1.7)
    made.armature.rotation_euler.z = 0.6
    bpy.context.view_layer.update()
    splats = collected()
    # Our second implementation: float64 skinning in the avatar's own axes, then one matrix to the world.
    params = get_pose(made.armature)
    posed_from_rest = forward_kinematics(
        avatar.joints.astype(float), params.pose().astype(float), params.transl
    )
    posed = skin_gaussians(avatar.gaussians, avatar.binding, posed_from_rest)
    world = np.array(world_from_body(made.armature), float)
    # The armature's own axes lie on the floor: moving there commutes with all but the pelvis' translation.
    np.testing.assert_allclose(splats.means, posed.means @ world[:3, :3].T + world[:3, 3], atol=2e-5)
    expected = world[:3, :3] @ covariances(posed.quats, posed.scales) @ world[:3, :3].T
    np.testing.assert_allclose(covariances(splats.quats, splats.scales), expected, atol=2e-8)
    np.testing.assert_allclose(splats.opacities, avatar.gaussians.opacities)
    np.testing.assert_allclose(splats.colors, avatar.gaussians.colors(), atol=1e-6)
    assert not splats.holdout.any()


@pytest.mark.parametrize("mirrored", [1.0, -1.0])
@pytest.mark.parametrize("uneven", [1.0, 3.0])
def test_transform_carries_covariances(uneven: float, mirrored: float) -> None:
    rng = np.random.default_rng(1)
    turn = matrix_from_quat(rng.normal(size=4))
    matrix = np.eye(4)
    matrix[:3, :3] = turn @ np.diag([1.4, 1.4 * uneven, 1.4 * mirrored])
    matrix[:3, 3] = (3, -2, 1)
    splats = Splats(
        rng.normal(size=(40, 3)), rng.normal(size=(40, 4)), rng.uniform(0.1, 1, (40, 3)),
        np.ones(40), np.ones((40, 3)), np.zeros(40),
        np.zeros(40, int), np.zeros(40, int), np.ones(40, bool), np.ones(40, bool),
    )  # fmt: skip
    moved = transformed(splats, matrix)
    linear = matrix[:3, :3]
    expected = linear @ covariances(splats.quats, splats.scales) @ linear.T
    np.testing.assert_allclose(covariances(moved.quats, moved.scales), expected, atol=3e-6)
    np.testing.assert_allclose(moved.means, splats.means @ linear.T + [3, -2, 1], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(moved.quats, axis=1), 1, atol=1e-6)


def test_several_avatars_and_hidden_ones(make_avatar: Callable[..., Avatar]) -> None:
    first = add_avatar(bpy.context, make_avatar(100), name="Ada", location=(-2, 0, 0))
    second = add_avatar(
        bpy.context, make_avatar(150), name="Bea", location=(2, 0, 0), display=display_group()
    )
    assert collected().count == 250
    first.cloud.hide_viewport = True
    assert collected().count == 150
    second.cloud.visible_camera = False
    assert collected().count == 0
    assert collected().means.shape == (0, 3)


def test_instances_of_a_collection(make_avatar: Callable[..., Avatar]) -> None:
    made = add_avatar(bpy.context, make_avatar(100), name="Ada", display=display_group())
    alone = collected()
    empty = bpy.data.objects.new("Copy", None)
    bpy.context.scene.collection.objects.link(empty)
    empty.instance_type, empty.instance_collection = "COLLECTION", made.collection
    empty.location = (5, 0, 0)
    both = collected()
    assert both.count == 200
    copies = both.take(both.means[:, 0] > 2.5)
    np.testing.assert_allclose(
        np.sort(copies.means, axis=0), np.sort(alone.means + np.array([5, 0, 0]), axis=0), atol=1e-5
    )


@pytest.mark.parametrize("by_collection", [False, True])
def test_holdout_is_marked(make_avatar: Callable[..., Avatar], by_collection: bool) -> None:
    made = add_avatar(bpy.context, make_avatar(100), name="Ada", display=display_group())
    add_avatar(bpy.context, make_avatar(50), name="Bea")
    if by_collection:
        bpy.context.view_layer.layer_collection.children["Ada"].holdout = True
    else:
        made.cloud.is_holdout = True
    assert collected().holdout.sum() == 100


def test_other_objects_are_left_out(make_avatar: Callable[..., Avatar]) -> None:
    add_avatar(bpy.context, make_avatar(10), name="Ada")
    bpy.ops.mesh.primitive_cube_add()
    assert collected().count == 10


def test_take_keeps_rows_together(make_avatar: Callable[..., Avatar]) -> None:
    add_avatar(bpy.context, make_avatar(10), name="Ada")
    splats = collected()
    mask = np.arange(10) % 2 == 0
    taken = splats.take(mask)
    assert taken.count == 5
    np.testing.assert_array_equal(taken.colors, splats.colors[::2])
    assert replace(taken).count == 5
