"""The people of the yardstick: what their records say is what their pictures show."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams, bundled_body, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints, skin_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "data" / "people"
BUDGET = 600_000  # bytes of the committed set


def _record(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name / "person.json").read_text(encoding="utf-8"))


def _pixels(file: Path) -> NDArray[np.float32]:
    """RGBA, the first row on top. [H, W, 4]"""
    image = bpy.data.images.load(str(file))
    image.alpha_mode = "STRAIGHT"
    pixels = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(pixels)
    pixels = pixels.reshape(image.size[1], image.size[0], 4)[::-1]
    bpy.data.images.remove(image)
    return pixels


def _posed(record: dict[str, Any], frame: dict[str, Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Vertices and joints of the bundled body as the record poses them."""
    body, betas = bundled_body(), np.array(record["betas"])
    params = BodyParams.from_pose(np.array(frame["pose"]), betas=betas, transl=np.array(frame["transl"]))
    transforms = forward_kinematics(body.joints(betas), params.pose(), params.transl)
    vertices = body.shaped(betas, np.array(record["expression"]))
    return (
        skin_means(vertices, transforms, body.joint_indices, body.joint_weights),
        posed_joints(body.joints(betas), transforms),
    )


def _projected(points: NDArray[Any], frame: dict[str, Any]) -> NDArray[Any]:
    """OpenCV's pinhole: pixel (0, 0) covers 0..1."""
    seen = points @ np.array(frame["viewmat"])[:3, :3].T + np.array(frame["viewmat"])[:3, 3]
    assert (seen[:, 2] > 0.5).all()
    pixels = seen @ np.array(frame["K"]).T
    return pixels[:, :2] / pixels[:, 2:]


def _names() -> list[str]:
    return json.loads((FOLDER / "people.json").read_text(encoding="utf-8"))["people"]


def _frames() -> list[tuple[str, int]]:
    return [(name, k) for name in _names() for k in range(len(_record(name)["frames"]))]


@pytest.mark.parametrize(("name", "index"), _frames())
def test_the_recorded_body_lies_within_the_picture_of_the_person(name: str, index: int) -> None:
    record = _record(name)
    frame = record["frames"][index]
    alpha = _pixels(FOLDER / name / frame["file"])[..., 3]
    assert alpha.shape == (frame["height"], frame["width"])
    vertices, joints = _posed(record, frame)
    for points in (vertices, joints):
        x, y = np.floor(_projected(points, frame)).astype(int).T
        assert (alpha[y, x] > 0.02).mean() > 0.998
    # A record that is a few pixels off would be seen: at 192 pixels one is about a centimetre.
    x, y = np.floor(_projected(vertices, frame)).astype(int).T
    for right, down in ((4, 0), (-4, 0), (0, 4), (0, -4)):
        assert (alpha[y + down, x + right] > 0.02).mean() < 0.995


@pytest.mark.parametrize("name", _names())
def test_face_and_hands_show_skin(name: str) -> None:
    record = _record(name)
    frame = record["frames"][0]
    picture = _pixels(FOLDER / name / frame["file"])
    vertices, joints = _posed(record, frame)
    weights = np.zeros((len(vertices), JOINT_COUNT))
    body = bundled_body()
    np.put_along_axis(weights, body.joint_indices.astype(int), body.joint_weights, axis=1)
    place = -np.array(frame["viewmat"])[:3, :3].T @ np.array(frame["viewmat"])[:3, 3]
    eyes, jaw = joints[joint_index("left_eye")], joints[joint_index("jaw")]
    toward = place - vertices
    a, b, c = (vertices[body.faces[:, k]] for k in range(3))
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, body.faces[:, k], np.cross(b - a, c - a))
    cosine = (normals * toward).sum(axis=1)
    cosine /= np.linalg.norm(normals, axis=1) * np.linalg.norm(toward, axis=1) + 1e-9
    face = (weights[:, [joint_index("head"), joint_index("jaw")]].sum(axis=1) > 0.8) & (cosine > 0.6)
    face &= (vertices[:, 1] < eyes[1] - 0.012) & (vertices[:, 1] > jaw[1] - 0.08)
    hands = (weights[:, 25:].sum(axis=1) > 0.5) & (cosine > 0.6)
    for part in (face, hands):
        x, y = np.floor(_projected(vertices[part], frame)).astype(int).T
        red, green, blue, _ = picture[y, x].T
        assert ((red > green) & (green > blue) & (red > 1.15 * blue)).mean() > 0.85


@pytest.mark.parametrize("name", _names())
def test_the_photo_is_the_first_view_in_another_format(name: str) -> None:
    record = _record(name)
    photo = record["photos"][0]
    frame = record["frames"][photo["frame"]]
    assert photo["pose"] == frame["pose"]
    assert photo["viewmat"] == frame["viewmat"]
    scale = photo["height"] / frame["height"]
    assert photo["K"][1][1] == pytest.approx(scale * frame["K"][1][1])
    seen = _pixels(FOLDER / name / photo["file"])
    assert seen.shape[:2] == (photo["height"], photo["width"])
    view = _pixels(FOLDER / name / frame["file"])
    # The same colours where the person surely is: light does not depend on the background.
    vertices, _ = _posed(record, frame)
    inner = vertices[np.abs(vertices[:, 1] - vertices[:, 1].mean()) < 0.35]
    there, here = (np.floor(_projected(inner, f)).astype(int) for f in (photo, frame))
    solid = view[here[:, 1], here[:, 0], 3] > 0.99
    difference = seen[there[:, 1], there[:, 0], :3] - view[here[:, 1], here[:, 0], :3]
    # The median: at the edges of a pattern two resolutions differ.
    assert np.abs(np.median(difference[solid], axis=0)).max() < 0.02


def test_the_committed_set_is_small_and_made_from_the_present_recipes() -> None:
    table = importlib.import_module("lhm_avatars.tools.people.table")
    recipes = {recipe.name: recipe for recipe in table.PEOPLE}
    for name in _names():
        assert _record(name)["digest"] == recipes[name].digest()
    assert sum(file.stat().st_size for file in FOLDER.rglob("*") if file.is_file()) < BUDGET


def test_both_halves_have_like_people() -> None:
    people = importlib.import_module("lhm_avatars.tools.people.table").PEOPLE
    assert len(people) == len({p.name for p in people}) >= 24
    halves = [[p for p in people if p.split == split] for split in ("tuning", "reported")]
    assert len(halves[0]) == len(halves[1]) == len(people) // 2
    for has in (
        lambda p: any(w.kind in ("skirt", "straight skirt", "dress", "sleeveless dress") for w in p.wears),
        lambda p: any("coat" in w.kind or w.kind == "jacket" for w in p.wears),
        lambda p: p.hair.style in ("long", "medium", "bun", "ponytail", "afro"),
        lambda p: p.hat is not None,
        lambda p: p.held is not None,
        lambda p: any(w.cloth.text for w in p.wears),
    ):
        counts = [sum(has(p) for p in half) for half in halves]
        assert min(counts) >= 1
        assert abs(counts[0] - counts[1]) <= 2
    assert len({p.tone for p in people}) >= 5
