"""Face shapes of a network's avatar, against the official posing and against the body they come from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body
from lhm_avatars.engine.binding.face import head_faces
from lhm_avatars.engine.binding.on_faces import on_faces
from lhm_avatars.engine.network.from_tokens import network_avatar, surface_points
from lhm_avatars.engine.network.posing import rest_points

BETAS = np.linspace(-1, 1, 10).astype(np.float32)


@pytest.fixture(scope="module")
def network(make_network):
    return make_network()


@pytest.fixture(scope="module")
def attributes(network, images):
    return network(*images).attributes


@pytest.fixture(scope="module")
def avatar(network, attributes):
    params = BodyParams.from_pose(np.zeros((55, 3), np.float32), betas=BETAS)
    return network_avatar(attributes, network.body, network.neutral, params)


def test_names_are_arkits_and_the_checkpoints(avatar) -> None:
    arkit = [name for name in bundled_body().face_names if not name.startswith("jaw") or name == "jawForward"]
    assert avatar.face is not None
    # The checkpoint was made of our body, which has ten expressions; ninety of its hundred do nothing.
    assert avatar.face.names == (*arkit, *(f"Exp{k:03d}" for k in range(10)))


def test_its_own_expressions_are_the_official_ones(network, attributes, avatar) -> None:
    expression = torch.zeros(1, 100)
    expression[0, [0, 1, 7]] = torch.tensor([1.5, -2.0, 3.0])
    betas = torch.from_numpy(BETAS)[None]
    official = rest_points(network.body, network.neutral, attributes.mean_offsets, betas, expression).means[0]
    made = avatar.with_face({"Exp000": 1.5, "Exp001": -2.0, "Exp007": 3.0})
    off = np.linalg.norm(made.gaussians.means - official.numpy(), axis=1)
    moved = np.linalg.norm(made.gaussians.means - avatar.gaussians.means, axis=1)
    assert moved.max() > 0.01
    # Motions below 0.05 mm are left out of each shape, and points that no shape moves by 0.2 mm.
    assert off[avatar.face.indices].max() < (1.5 + 2 + 3) * 5e-5 + 1e-6
    assert off.max() < (1.5 + 2 + 3) * 2e-4 + 1e-6


def test_arkits_are_our_bodys_at_the_places_where_gaussians_begin(network, avatar) -> None:
    body = bundled_body()
    points = surface_points(network.body, network.neutral, torch.zeros(1, 10))[avatar.face.indices]
    places = on_faces(points, body.v_template, head_faces(body))
    assert np.median(places.distance) < 1e-5
    for name in ("mouthSmileLeft", "eyeBlinkRight", "browInnerUp", "cheekPuff"):
        moved = np.zeros((body.vertex_count, 3))
        moved[body.face_vertices] = body.face_dirs[:, :, body.face_names.index(name)]
        assert np.abs(avatar.face.moved({name: 1.0}) - places.read(moved)).max() < 2e-4
        assert np.abs(places.read(moved)).max() > 0.002
