"""Our skinning against the smplx package: an implementation by others, and one that reads our file as it is.

smplx is non-commercial, so it is installed for this test only. Without PyTorch it cannot run at all; where
PyTorch is there, smplx must be there, too, and its absence is an error.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import BodyParams, bundled_body
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints, skin_means

torch = pytest.importorskip("torch", reason="smplx needs PyTorch, which only the engine's tests have")

import smplx  # noqa: E402 - after the line that leaves this file out

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

POSES = 50
BATCH = 10
TOLERANCE = 1e-5  # metres

# The numbers that smplx has built in for nose, right and left eye, ear; big and small toe, heel; fingertips.
VERTEX_IDS = [
    *(9120, 9929, 9448, 616, 6),
    *(5770, 5780, 8846, 8463, 8474, 8635),
    *(5361, 4933, 5058, 5169, 5286, 8079, 7669, 7794, 7905, 8022),
]


@pytest.fixture(scope="module")
def model_file(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    # smplx tells the kind of a model by its file's name.
    path = tmp_path_factory.mktemp("smplx") / "SMPLX_NEUTRAL.npz"
    shutil.copyfile(root / "assets" / "body.npz", path)
    return path


def load(path: Path, *, flat_hand_mean: bool = True) -> Any:
    return smplx.SMPLX(
        str(path), ext="npz", use_pca=False, flat_hand_mean=flat_hand_mean,
        num_betas=10, num_expression_coeffs=10, dtype=torch.float64,
    )  # fmt: skip


def run_smplx(model: Any, people: list[BodyParams]) -> tuple[Array, Array]:
    """Vertices [N, V, 3] and joints [N, 127, 3] by smplx."""

    def batch(name: str) -> Any:
        rows = np.array([np.ravel(getattr(params, name)) for params in people], np.float64)
        return torch.from_numpy(rows)

    ours = ("betas", "expression", "global_orient", "body_pose", "jaw_pose", "transl")
    renamed = {"leye_pose": "left_eye_pose", "reye_pose": "right_eye_pose"}
    with torch.no_grad():
        result = model(
            **{name: batch(name) for name in (*ours, "left_hand_pose", "right_hand_pose")},
            **{theirs: batch(name) for theirs, name in renamed.items()},
        )
    return result.vertices.numpy(), result.joints.numpy()


def run_ours(params: BodyParams, *, joints: Array | None = None) -> tuple[Array, Array]:
    """Vertices [V, 3] and joints [55, 3] by our skinning."""
    body = bundled_body()
    joints = body.joints(params.betas) if joints is None else joints
    posed_from_rest = forward_kinematics(joints, params.pose(), params.transl)
    vertices = body.shaped(params.betas, params.expression)
    skinned = skin_means(vertices, posed_from_rest, body.joint_indices, body.joint_weights)
    return skinned, posed_joints(joints, posed_from_rest)


def random_person(rng: np.random.Generator, *, expression: float = 0.0) -> BodyParams:
    pose = rng.normal(0, 0.4, (55, 3))
    pose[0] = rng.normal(0, 1.5, 3)
    return BodyParams.from_pose(
        pose,
        betas=rng.normal(0, 1.5, 10),
        expression=expression * rng.normal(0, 1, 10),
        transl=rng.normal(0, 1, 3),
    )


def test_fifty_random_people_equal_smplx(model_file: Path) -> None:
    rng = np.random.default_rng(2)
    model = load(model_file)
    moved = 0.0
    for _ in range(POSES // BATCH):
        people = [random_person(rng) for _ in range(BATCH)]
        vertices, joints = run_smplx(model, people)
        for params, their_vertices, their_joints in zip(people, vertices, joints, strict=True):
            our_vertices, our_joints = run_ours(params)
            assert np.abs(our_vertices - their_vertices).max() < TOLERANCE
            assert np.abs(our_joints - their_joints[:55]).max() < TOLERANCE
            moved = max(moved, float(np.abs(their_vertices - bundled_body().v_template).max()))
    assert moved > 1  # the poses were no rest poses


def test_expressions_equal_smplx_where_its_joints_are_taken(model_file: Path) -> None:
    """smplx lets the joints follow the expression, we do not: only that may differ."""
    rng = np.random.default_rng(3)
    people = [random_person(rng, expression=1.0) for _ in range(BATCH)]
    vertices, _ = run_smplx(load(model_file), people)
    body = bundled_body()
    for params, theirs in zip(people, vertices, strict=True):
        shaped = body.shaped(params.betas, params.expression)
        ours, _ = run_ours(params, joints=body.joint_regressor @ shaped)
        assert np.abs(ours - theirs).max() < TOLERANCE


def test_joints_that_do_not_follow_the_expression_stay_close_to_smplx(model_file: Path) -> None:
    people = [BodyParams.from_pose(np.zeros((55, 3)), betas=np.zeros(10), expression=np.eye(10)[0] * 2)]
    vertices, joints = run_smplx(load(model_file), people)
    ours, our_joints = run_ours(people[0])
    assert np.abs(ours - vertices[0]).max() < TOLERANCE  # in the zero pose joints have no effect
    difference = np.linalg.norm(our_joints - joints[0, :55], axis=1)
    assert difference[:12].max() < TOLERANCE
    assert 1e-4 < difference.max() < 0.05  # the jaw, when the mouth opens


def test_the_relaxed_hand_equals_smplx(model_file: Path) -> None:
    params = BodyParams.zero()
    vertices, _ = run_smplx(load(model_file, flat_hand_mean=False), [params])
    left, right = bundled_body().hands_mean.reshape(2, 15, 3)
    pose = np.concatenate([np.zeros((25, 3)), left, right])
    ours, _ = run_ours(BodyParams.from_pose(pose, betas=params.betas))
    assert np.abs(ours - vertices[0]).max() < TOLERANCE
    flat, _ = run_ours(params)
    assert np.abs(ours - flat).max() > 0.03


def test_smplx_takes_the_vertices_we_renumbered(model_file: Path) -> None:
    vertices, joints = run_smplx(load(model_file), [BodyParams.zero()])
    taken = joints[0, 55:76]
    distances = np.linalg.norm(vertices[0, VERTEX_IDS][:, None] - taken, axis=2)
    assert distances.min(axis=0).max() == 0
    assert distances.min(axis=1).max() == 0
