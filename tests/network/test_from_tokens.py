"""The avatar that comes out of the network, against the official posing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lhm_avatars.bench.random_lhm import body_buffers
from lhm_avatars.engine.avatar.binding import strongest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, BodyParams, bundled_body
from lhm_avatars.engine.avatar.rotations import matrix_from_rotvec as numpy_matrix
from lhm_avatars.engine.avatar.rotations import quat_from_matrix
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.formats.avatar_file import load_avatar, save_avatar
from lhm_avatars.engine.network.config import lhm_tiny
from lhm_avatars.engine.network.from_tokens import diffused_weights, network_avatar
from lhm_avatars.engine.network.kinematics import chain, matrix_from_rotvec, quat_from_blended
from lhm_avatars.engine.network.posing import posed

BETAS = np.linspace(-1, 1, 10).astype(np.float32)


@pytest.fixture(scope="module")
def network(make_network):
    return make_network()


@pytest.fixture(scope="module")
def attributes(network, images):
    return network(*images).attributes


@pytest.fixture(scope="module")
def pose() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 0.4, (JOINT_COUNT, 3)).astype(np.float32)


def official(network, attributes, pose):
    transl = np.array([0.1, -0.2, 3.0], np.float32)
    arguments = (torch.from_numpy(each)[None] for each in (BETAS, pose, transl))
    return posed(network.body, network.neutral, attributes, *arguments), transl


def test_with_all_joints_posed_means_are_the_official_ones(network, attributes, pose) -> None:
    avatar = network_avatar(
        attributes,
        network.body,
        network.neutral,
        BodyParams.from_pose(pose, betas=BETAS),
        influences=JOINT_COUNT,
    )
    expected, transl = official(network, attributes, pose)
    got = avatar.posed(BodyParams.from_pose(pose, transl=transl))
    assert np.abs(got.means - expected.means[0].numpy()).max() < 2e-5
    assert avatar.metadata["binding_error_mm"]["worst"] < 0.01


@pytest.mark.parametrize("influences", [4, 8])
def test_the_cut_costs_what_the_metadata_says(network, attributes, pose, influences) -> None:
    params = BodyParams.from_pose(pose, betas=BETAS)
    avatar = network_avatar(attributes, network.body, network.neutral, params, influences=influences)
    assert avatar.binding.influences == influences
    told = avatar.metadata["binding_error_mm"]
    expected, transl = official(network, attributes, pose)
    off = avatar.posed(BodyParams.from_pose(pose, transl=transl)).means - expected.means[0].numpy()
    mean = 1000 * np.linalg.norm(off, axis=1).mean()
    assert told["mean"] <= told["percentile99"] <= told["worst"]
    # One pose against the mean of sixteen others.
    assert told["mean"] / 3 < mean < told["mean"] * 3 + 0.02


def test_more_joints_are_never_worse(network, attributes) -> None:
    means = [
        network_avatar(attributes, network.body, network.neutral, BodyParams.zero(), influences=k).metadata[
            "binding_error_mm"
        ]["mean"]
        for k in (2, 4, 8)
    ]
    assert means == sorted(means, reverse=True)
    assert means[0] > means[2]


def test_joints_are_those_of_the_body_that_the_checkpoint_was_made_of(network, attributes) -> None:
    params = BodyParams.from_pose(np.zeros((JOINT_COUNT, 3), np.float32), betas=BETAS)
    avatar = network_avatar(attributes, network.body, network.neutral, params)
    assert np.abs(avatar.joints - bundled_body().joints(BETAS)).max() < 1e-5


def test_the_avatar_survives_its_file(network, attributes, tmp_path) -> None:
    avatar = network_avatar(
        attributes, network.body, network.neutral, BodyParams.zero(), metadata={"engine": "LHM-TINY"}
    )
    save_avatar(tmp_path / "a.lhma", avatar)
    again = load_avatar(tmp_path / "a.lhma")
    assert again.metadata["engine"] == "LHM-TINY"
    assert np.array_equal(again.gaussians.means, avatar.gaussians.means)


@pytest.mark.parametrize("influences", [4, 8])
def test_other_betas_give_what_the_network_would_give_with_them(network, attributes, influences) -> None:
    made = [
        network_avatar(
            attributes, network.body, network.neutral, replace(BodyParams.zero(), betas=betas),
            influences=influences,
        )
        for betas in (BETAS, BETAS[::-1].copy())
    ]  # fmt: skip
    reshaped = made[0].reshaped(BETAS[::-1])
    assert np.abs(made[0].gaussians.means - made[1].gaussians.means).max() > 0.01
    assert np.abs(reshaped.gaussians.means - made[1].gaussians.means).max() < 1e-6
    assert np.abs(reshaped.joints - made[1].joints).max() < 1e-6
    assert np.array_equal(reshaped.gaussians.quats, made[1].gaussians.quats)
    assert np.array_equal(reshaped.params.betas, made[1].params.betas)


def test_an_avatar_has_as_many_betas_as_the_model(network, attributes) -> None:
    short = replace(BodyParams.zero(), betas=BETAS[:2])
    avatar = network_avatar(attributes, network.body, network.neutral, short)
    assert avatar.params.betas.tolist() == [*BETAS[:2].tolist(), *[0.0] * 8]
    assert avatar.shape.count == 10


def test_the_chain_is_the_one_of_numpy(pose) -> None:
    joints = bundled_body().joints(BETAS)
    _, ours = chain(
        matrix_from_rotvec(torch.from_numpy(pose)[None].double()), torch.from_numpy(joints)[None].double()
    )
    expected = forward_kinematics(joints.astype(np.float64), pose.astype(np.float64))
    assert np.abs(ours[0].numpy() - expected).max() < 1e-9


def test_of_a_rotation_the_blended_quaternion_is_its_own() -> None:
    turns = numpy_matrix(np.random.default_rng(0).normal(size=(500, 3)) * 2)
    ours = quat_from_blended(torch.from_numpy(turns)).numpy()
    assert np.abs(ours - quat_from_matrix(turns)).max() < 1e-12


def test_the_written_rows_belong_to_head_and_body_as_the_network_splits_them() -> None:
    config = lhm_tiny()
    points, buffers = body_buffers(config, bundled_body())
    rows = buffers["renderer.smplx_model.skinning_weight"]
    assert points.shape == (config.points, 3)
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-5
    head = JOINT_NAMES.index("head")
    assert (
        points[config.body_points :, 1].min()
        > bundled_body().joints(np.zeros(10))[JOINT_NAMES.index("neck"), 1] - 0.1
    )
    assert np.isin(rows.argmax(axis=1)[config.body_points :], [head, 12, 22, 23, 24]).mean() > 0.98


def test_diffused_weights_are_the_official_ones_on_the_surface(network, attributes) -> None:
    pytest.importorskip("numba")
    betas = torch.from_numpy(BETAS)[None]
    still = attributes._replace(mean_offsets=torch.zeros_like(attributes.mean_offsets))
    on_surface = network_avatar(
        still, network.body, network.neutral, BodyParams.zero(), influences=8
    ).gaussians.means
    zero = torch.zeros_like(betas)
    weights = diffused_weights(network.body, network.neutral, zero, on_surface)
    off = np.abs(weights - network.body.joint_weights.numpy()).max(axis=1)
    assert np.percentile(off, 95) < 0.02


def test_the_binding_is_the_official_one_unless_asked(network, attributes) -> None:
    pytest.importorskip("numba")
    plain, asked, diffused = (
        network_avatar(attributes, network.body, network.neutral, BodyParams.zero(), **settings)
        for settings in ({}, {"binding": "surface"}, {"binding": "diffused"})
    )
    official = strongest(network.body.joint_weights.numpy(), 4)
    assert np.array_equal(plain.binding.joint_weights, official.joint_weights)
    assert np.array_equal(asked.binding.joint_weights, official.joint_weights)
    assert np.array_equal(diffused.gaussians.means, plain.gaussians.means)
    assert not np.array_equal(diffused.binding.joint_weights, plain.binding.joint_weights)
