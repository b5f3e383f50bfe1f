from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.readers import Take, read_motion
from motion.writers.gltf import Writer
from motion.writers.scalar import about

if TYPE_CHECKING:
    from pathlib import Path


def quat(axis: str, degrees: float) -> list[float]:
    """x, y, z, w."""
    half = math.radians(degrees) / 2
    return [math.sin(half) * (axis == a) for a in "xyz"] + [math.cos(half)]


NODES = [
    {"name": "Armature", "rotation": quat("x", -90), "scale": [0.01, 0.01, 0.01], "children": [1]},
    {"name": "Hips", "translation": [0, 0, 100], "children": [2, 3]},
    {"name": "Spine", "translation": [0, 0, 20], "rotation": quat("y", 30), "children": [4]},
    {"name": "Shell"},
    {"name": "Between", "translation": [0, 0, 5], "children": [5]},
    {"name": "Head", "translation": [10, 0, 0]},
]
RATE = 20


def writer(**more: object) -> Writer:
    """Two turns of 90 degrees a second, and hips that move."""
    made = Writer([dict(node) for node in NODES], skins=[{"joints": [1, 2, 5]}, {"joints": [3]}], **more)
    keys = made.accessor(np.arange(0, 1.01, 1 / RATE))
    ends = made.accessor([0.0, 1.0])
    turn = made.accessor([quat("z", 0), quat("z", 90)])
    way = made.accessor([[0, 0, 100 + 2 * k] for k in range(RATE + 1)])
    made.animation("Turn", [(2, "rotation", ends, turn, "LINEAR"), (1, "translation", keys, way, "LINEAR")])
    return made


def read(tmp_path: Path, content: bytes | str, **options: object) -> Take:
    path = tmp_path / "take"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    take = read_motion(path, **options)
    assert isinstance(take, Take)
    return take


def check(take: Take) -> None:
    """Joints are where the nodes' turns, scales and places put them."""
    assert (take.names, take.parents) == (("Hips", "Spine", "Head"), (-1, 0, 1))
    assert (take.count, take.fps, take.unit_m, take.up, take.source) == (RATE + 1, RATE, 1, "y", "glTF")
    stand = about("x", -90)
    for frame in range(take.count):
        hips = stand @ [0, 0, 1 + 0.02 * frame]
        turn = stand @ about("z", 90 * frame / RATE)
        spine = hips + stand @ [0, 0, 0.2]
        head = spine + turn @ [0.1, 0, 0.05]
        np.testing.assert_allclose(take.positions[frame], [hips, spine, head], atol=1e-6)
        np.testing.assert_allclose(take.rotations[frame], [stand, turn, turn], atol=1e-6)
    rest = stand @ about("y", 30)
    np.testing.assert_allclose(take.rest_rotations, [stand, rest, rest], atol=1e-6)
    spine = stand @ [0, 0, 1.2]
    np.testing.assert_allclose(
        take.rest_positions, [stand @ [0, 0, 1], spine, spine + rest @ [0.1, 0, 0.05]], atol=1e-6
    )


def test_reads_a_skin(tmp_path: Path):
    take = read(tmp_path, writer().glb())
    check(take)
    assert take.name == "Turn"
    check(read(tmp_path, writer().text()))


def test_reads_a_buffer_beside_and_nothing_further_away(tmp_path: Path):
    folder = tmp_path / "inside"
    folder.mkdir()
    made = writer()
    for where in (folder / "a b.bin", tmp_path / "secret.bin"):
        where.write_bytes(made.data)
    check(read(folder, made.text("a%20b.bin")))
    for uri in ("../secret.bin", "file:///etc/passwd", "https://example.org/a.bin", "/etc/passwd"):
        with pytest.raises(AvatarError, match="is not beside it"):
            read(folder, made.text(uri))
    with pytest.raises(AvatarError, match=r"needs 'gone\.bin' beside it, which is missing"):
        read(folder, made.text("gone.bin"))


def test_a_matrix_places_a_node_as_its_parts_do(tmp_path: Path):
    made = writer()
    matrix = np.eye(4)
    matrix[:3, :3] = about("x", -90) * 0.01
    made.tree["nodes"][0] = {"name": "Armature", "matrix": matrix.T.ravel().tolist(), "children": [1]}
    check(read(tmp_path, made.glb()))


def test_without_a_skin_takes_what_moves_and_what_hangs_on_it(tmp_path: Path):
    made = writer()
    del made.tree["skins"]
    take = read(tmp_path, made.glb())
    assert set(take.names) == {"Hips", "Spine", "Shell", "Between", "Head"}
    head = take.names.index("Head")
    assert take.names[take.parents[head]] == "Between"


@pytest.mark.parametrize(("mode", "at_quarter", "at_last"), [("STEP", 0.0, 8.0), ("LINEAR", 2.0, 8.0)])
def test_follows_the_kind_of_interpolation(tmp_path: Path, mode: str, at_quarter: float, at_last: float):
    made = writer()
    made.tree["animations"] = []
    way = made.accessor([[0, 0, 0], [0, 0, 8.0]], gap=8)
    made.animation("", [(1, "translation", made.accessor([0.5, 1.5]), way, mode)])
    take = read(tmp_path, made.glb(), fps=4)
    assert (take.count, take.fps, take.name) == (5, 4, "take")
    np.testing.assert_allclose(take.positions[[1, 4], 0, 1], np.array([at_quarter, at_last]) / 100, atol=1e-7)


def test_follows_a_cubic_exactly(tmp_path: Path):
    def place(t: np.ndarray) -> np.ndarray:
        return np.stack([t**3 - t, 2 * t**2, 0 * t], axis=-1)

    def slope(t: np.ndarray) -> np.ndarray:
        return np.stack([3 * t**2 - 1, 4 * t, 0 * t], axis=-1)

    made = writer()
    made.tree["animations"] = []
    keys = np.array([0.0, 0.4, 1.0, 1.3])
    values = np.stack([slope(keys), place(keys), slope(keys)], axis=1).reshape(-1, 3)
    made.animation("", [(1, "translation", made.accessor(keys), made.accessor(values), "CUBICSPLINE")])
    take = read(tmp_path, made.glb(), fps=50)
    times = np.arange(take.count) / 50
    expected = place(times) @ about("x", -90).T / 100
    np.testing.assert_allclose(take.positions[:, 0], expected, atol=1e-6)


def test_whole_numbers_stand_for_fractions(tmp_path: Path):
    made = writer()
    turn = made.accessor(np.round(np.array([quat("z", 0), quat("z", 90)]) * 32767), "i2")
    made.tree["animations"][0]["samplers"][0]["output"] = turn
    take = read(tmp_path, made.glb())
    np.testing.assert_allclose(take.rotations[-1, 1], about("x", -90) @ about("z", 90), atol=1e-4)


def test_some_numbers_may_be_told_apart(tmp_path: Path):
    made = writer()
    index = made.accessor([[20]], "u2")
    value = made.accessor([[0, 0, 500.0]])
    views = [made.tree["accessors"][k]["bufferView"] for k in (index, value)]
    way = made.tree["accessors"][made.tree["animations"][0]["samplers"][1]["output"]]
    way["sparse"] = {"count": 1, "indices": {"bufferView": views[0], "componentType": 5123},
                     "values": {"bufferView": views[1]}}  # fmt: skip
    assert read(tmp_path, made.glb()).positions[20, 0, 1] == pytest.approx(5)


def test_takes_the_longest_animation_or_the_one_asked_for(tmp_path: Path):
    made = writer()
    times, way = made.accessor([0, 5.0]), made.accessor([[0, 0, 1], [0, 0, 2]])
    made.animation("Long", [(1, "translation", times, way, "LINEAR")])
    take = read(tmp_path, made.glb())
    assert (take.name, take.count) == ("Long", 151)
    assert "2 animations (0: Turn, 1: Long); number 1 is the longest" in " ".join(take.notes)
    check(read(tmp_path, made.glb(), person=0))
    with pytest.raises(AvatarError, match=r"holds 2 animations\. Choose one of 0 to 1"):
        read(tmp_path, made.glb(), person=2)


def test_vrma_names_joints_by_the_humanoid_and_has_expressions(tmp_path: Path):
    humanoid = {"humanBones": {"hips": {"node": 1}, "spine": {"node": 2}, "head": {"node": 5}}}
    made = writer()
    made.tree["nodes"].append({"name": "smile"})
    made.tree["extensions"] = {
        "VRMC_vrm_animation": {"humanoid": humanoid, "expressions": {"preset": {"happy": {"node": 6}}}}
    }
    animation = made.tree["animations"][0]
    animation["samplers"].append({"input": 1, "output": made.accessor([[0, 0, 0], [1, 0, 0]])})
    animation["channels"].append({"sampler": 2, "target": {"node": 6, "path": "translation"}})
    take = read(tmp_path, made.glb())
    assert (take.source, take.names, take.parents) == ("VRMA", ("hips", "spine", "head"), (-1, 0, 1))
    np.testing.assert_allclose(take.curves["happy"], np.linspace(0, 1, RATE + 1), atol=1e-6)


def test_a_vrm_of_the_old_kind_names_its_bones_too(tmp_path: Path):
    bones = [{"bone": "hips", "node": 1}, {"bone": "head", "node": 5}]
    made = writer(extensions={"VRM": {"humanoid": {"humanBones": bones}}})
    take = read(tmp_path, made.glb())
    assert (take.names, take.parents) == (("hips", "head"), (-1, 0))


def test_morph_targets_are_curves(tmp_path: Path):
    made = writer()
    made.tree["nodes"][3]["mesh"] = 0
    made.tree["meshes"] = [{"primitives": [], "extras": {"targetNames": ["jawOpen", "eyeBlinkLeft"]}}]
    animation = made.tree["animations"][0]
    weights = made.accessor([0.0, 1.0, 0.5, 0.0])
    animation["samplers"].append({"input": 1, "output": weights})
    animation["channels"].append({"sampler": 2, "target": {"node": 3, "path": "weights"}})
    curves = read(tmp_path, made.glb()).curves
    t = np.linspace(0, 1, RATE + 1)
    np.testing.assert_allclose(curves["jawOpen"], t / 2, atol=1e-6)
    np.testing.assert_allclose(curves["eyeBlinkLeft"], 1 - t, atol=1e-6)


def test_one_key_is_a_pose(tmp_path: Path):
    made = writer()
    made.tree["animations"] = []
    made.animation("", [(2, "rotation", made.accessor([0.0]), made.accessor([quat("z", 90)]), "LINEAR")])
    take = read(tmp_path, made.glb())
    assert (take.count, take.fps) == (1, None)
    assert "30 was taken" in " ".join(take.notes)


def broken(kind: str) -> bytes | str:
    """A file with one thing wrong."""
    made = writer()
    tree = made.tree
    if kind == "cut":
        return made.glb()[:-50]
    if kind == "version":
        return made.glb().replace(b"glTF\x02", b"glTF\x01")
    if kind == "text":
        return made.text()[:-20]
    if kind == "circle":
        tree["nodes"][5]["children"] = [1]
        tree["nodes"][0]["children"] = []
    elif kind == "two parents":
        tree["nodes"][3]["children"] = [5]
    elif kind == "no node":
        tree["nodes"][3]["children"] = [99]
    elif kind == "no animation":
        del tree["animations"]
    elif kind == "no accessor":
        tree["animations"][0]["samplers"][0]["input"] = 99
    elif kind == "too short":
        tree["accessors"][0]["count"] = 10_000
    elif kind == "huge":
        tree["accessors"][0]["count"] = 10**15
    elif kind == "nan":
        tree["animations"][0]["samplers"][1]["output"] = made.accessor(np.full((RATE + 1, 3), np.nan))
    elif kind == "zero turn":
        tree["animations"][0]["samplers"][0]["output"] = made.accessor(np.zeros((2, 4)))
    elif kind == "zero rest":
        tree["nodes"][2]["rotation"] = [0, 0, 0, 0]
    elif kind == "far":
        tree["nodes"][2]["translation"] = [1e999, 0, 0]
    elif kind == "backwards":
        tree["animations"][0]["samplers"][0]["input"] = made.accessor([1.0, 0.0])
    elif kind == "for ever":
        tree["animations"][0]["samplers"][0]["input"] = made.accessor([0.0, 1e9])
    elif kind == "compressed":
        tree["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": {}}
    elif kind == "camera only":
        for channel in tree["animations"][0]["channels"]:
            channel["target"]["path"] = "pointer"
        del tree["skins"]
    return made.glb()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cut", "damaged"), ("version", r"damaged \(version 1"), ("text", "damaged"),
        ("circle", "its nodes form a circle"), ("two parents", "node 5 is missing or has two parents"),
        ("no node", "node 99 is missing or has two parents"), ("no animation", "holds no animation"),
        ("no accessor", "damaged"), ("too short", "is too short"), ("huge", "damaged"),
        ("nan", "holds numbers that are not"), ("zero turn", "a rotation of length zero"),
        ("zero rest", "node 2 has a rotation of length zero"), ("far", "node 2 is misplaced"),
        ("backwards", "damaged"), ("for ever", r"damaged \(\d+ frames"), ("compressed", "is compressed"),
        ("camera only", "moves no joints"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(tmp_path: Path, kind: str, message: str):
    with pytest.raises(AvatarError, match=message):
        read(tmp_path, broken(kind))
