"""Face shapes of Gaussians: against the body itself, and on a sphere that moves by a formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import Avatar
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import Body, BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.binding.face import BY_JOINTS, face_space

RADIUS = 0.1
STRETCH = np.array([[0.02, 0.01, 0.0], [0.0, -0.03, 0.02], [0.05, 0.0, 0.04]])


def test_gaussians_that_are_the_vertices_move_as_the_vertices():
    body = bundled_body()
    betas = np.array([1.0, -1.0, 0.5, *[0.0] * 7])
    rest = body.shaped(betas)
    binding = Binding(body.joint_indices, body.joint_weights)
    face = face_space(body, rest, rest, binding)
    assert face is not None
    assert set(face.names) == set(body.face_names) - {"jawOpen", "jawLeft", "jawRight"}
    avatar = Avatar(
        gaussians=Gaussians.from_colors(
            rest, np.tile([1.0, 0, 0, 0], (len(rest), 1)), np.full_like(rest, 0.005), np.ones(len(rest)), rest
        ),
        binding=binding,
        params=BodyParams.zero(),
        joints=body.joints(betas),
        seen=np.zeros(len(rest)),
        face=face,
    )
    rng = np.random.default_rng(0)
    weights = dict(zip(face.names, rng.uniform(0, 0.3, face.count), strict=True))
    expected = rest.astype(np.float64)
    for name, weight in weights.items():
        expected[body.face_vertices] += weight * body.face_dirs[:, :, body.face_names.index(name)]
    off = np.linalg.norm(avatar.with_face(weights).gaussians.means - expected, axis=1)
    assert off[face.indices].max() < 1e-6
    still = np.setdiff1d(np.arange(len(rest)), face.indices)
    # What is left out moves by less than 0.2 mm for each shape, and is of the head: the chest stays.
    reach = np.zeros(len(rest))
    free = [name not in BY_JOINTS for name in body.face_names]
    reach[body.face_vertices] = np.linalg.norm(body.face_dirs, axis=1)[:, free].max(axis=1)
    share = np.isin(body.joint_indices, [12, 15, 22, 23, 24]) * body.joint_weights
    assert reach[still][share.sum(axis=1)[still] > 0.5].max() < 2.01e-4
    assert len(face.indices) > 2000


def sphere(rings: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles, looking outwards."""
    polar, around = np.meshgrid(
        np.linspace(0, np.pi, rings + 1)[1:-1], np.arange(2 * rings) * np.pi / rings, indexing="ij"
    )
    points = np.stack(
        [np.sin(polar) * np.cos(around), np.cos(polar), -np.sin(polar) * np.sin(around)], axis=-1
    )
    number = np.arange(points.shape[0] * points.shape[1]).reshape(points.shape[:2])
    a, b = number[:-1], np.roll(number, -1, axis=1)[:-1]
    c, d = number[1:], np.roll(number, -1, axis=1)[1:]
    faces = np.concatenate([np.stack([a, c, d], -1).reshape(-1, 3), np.stack([a, d, b], -1).reshape(-1, 3)])
    return RADIUS * points.reshape(-1, 3), faces.astype(np.int32)


@pytest.fixture(scope="module")
def ball() -> Body:
    """A head that is a sphere; its one action stretches it by a matrix."""
    vertices, faces = sphere()
    count = len(vertices)
    return replace(
        bundled_body(),
        v_template=vertices.astype(np.float32),
        faces=faces,
        joint_indices=np.full((count, 1), joint_index("head"), np.int32),
        joint_weights=np.ones((count, 1), np.float32),
        face_names=("cheekPuff", "jawOpen"),
        face_vertices=np.arange(count, dtype=np.int32),
        face_dirs=np.stack([vertices @ STRETCH.T, vertices], axis=2).astype(np.float32),
    )


def around(heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points so far off the sphere, away from its holes at the poles, and their directions."""
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(len(heights), 3)) * [1, 0.3, 1]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * (RADIUS + heights[:, None]), directions


def bound(count: int, joint: str) -> Binding:
    return Binding(np.full((count, 1), joint_index(joint)), np.ones((count, 1)))


@pytest.mark.parametrize(
    ("height", "share"), [(0.0, 1.0), (0.009, 1.0), (0.016, 0.5), (0.019, 5 / 32), (0.023, 0.0)]
)
def test_gaussians_off_a_sphere_follow_it_the_less_the_farther(ball: Body, height: float, share: float):
    heights = np.full(500, height)
    means, directions = around(heights)
    face = face_space(ball, ball.v_template, means, bound(500, "jaw"), directions)
    assert face is not None
    assert face.names == ("cheekPuff",)
    moved = np.zeros((500, 3))
    moved[face.indices] = face.moved({"cheekPuff": 1.0})
    expected = share * (RADIUS * directions) @ STRETCH.T
    # A chord of two degrees lies 15 micrometres below the arc; the rest is the height above it.
    np.testing.assert_allclose(moved, expected, atol=2e-4)


def test_only_what_follows_the_head_is_moved(ball: Body):
    means, directions = around(np.zeros(100))
    chest = face_space(ball, ball.v_template, means, bound(100, "spine3"), directions)
    assert chest is not None
    assert chest.indices.size == 0
    head = face_space(ball, ball.v_template, means, bound(100, "neck"), directions)
    assert head is not None
    assert len(head.indices) == 100


def test_a_body_without_actions_gives_no_face(ball: Body):
    foreign = replace(
        ball, face_names=(), face_vertices=np.zeros(0, np.int32), face_dirs=np.zeros((0, 3, 0), np.float32)
    )
    means, _ = around(np.zeros(10))
    assert face_space(foreign, foreign.v_template, means, bound(10, "head")) is None


def test_lips_part(ball: Body):
    """Two layers of skin a millimetre apart, of which one moves: what looks its way goes along."""
    square = 0.02 * np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    lips = replace(
        ball,
        v_template=np.concatenate([square, square + np.array([0, 0, 0.001])]).astype(np.float32),
        faces=np.array([[0, 1, 2], [0, 2, 3], [4, 6, 5], [4, 7, 6]], np.int32),
        joint_indices=ball.joint_indices[:8],
        joint_weights=ball.joint_weights[:8],
        face_names=("mouthLowerDownLeft",),
        face_vertices=np.arange(4, dtype=np.int32),
        face_dirs=np.tile(np.array([0.0, 0, -0.005], np.float32)[:, None], (4, 1, 1)),
    )
    means = np.array([[0.01, 0.008, 0.0005 + 0.0001], [0.01, 0.008, 0.0005 - 0.0001]])
    normals = np.array([[0.0, 0, 1], [0, 0, -1]])
    face = face_space(lips, lips.v_template, means, bound(2, "head"), normals)
    assert face is not None
    np.testing.assert_array_equal(face.indices, [0])
    np.testing.assert_allclose(face.moved({"mouthLowerDownLeft": 1.0}), [[0, 0, -0.005]], atol=1e-9)
