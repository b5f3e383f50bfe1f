"""LHM in Blender for real: photo, process, network, avatar, pose, picture. Only the weights are random.

``LHM_TEST_LHM_PYTHON`` names the Python of an environment with torch and the engine's packages;
``python dev.py test`` sets it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.test_panels import drawn
from blender.traces import data_blocks
from lhm_avatars.engine.avatar.body import JOINT_COUNT, BodyParams, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics
from lhm_avatars.engine.formats.avatar_file import load_avatar
from lhm_avatars.operators.avatars import active_armature
from lhm_avatars.operators.photo_check import last_check
from lhm_avatars.operators.preview import world_points
from lhm_avatars.panels import about
from lhm_avatars.preferences import preferences
from lhm_avatars.rigging.avatar_objects import FLOOR_KEY
from lhm_avatars.rigging.poses import set_pose

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = os.environ.get("LHM_TEST_LHM_PYTHON", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("empty_scene", "models"),
    pytest.mark.skipif(not Path(PYTHON).is_file(), reason="needs a Python with torch: LHM_TEST_LHM_PYTHON"),
]


@pytest.fixture(scope="module")
def model(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LHM in the size of a toy, in the official format."""
    folder = tmp_path_factory.mktemp("tiny")
    command = [PYTHON, "-m", "bench.random_lhm", str(folder), "--model", "tiny", "--seed", "3"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def torch_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The real engine, set as one's own environment; no other is installed."""
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "engine"))
    preferences().lhm_python, preferences().device = PYTHON, "cpu"
    yield tmp_path
    for name in ("lhm_python", "device"):
        preferences().property_unset(name)


@pytest.fixture
def armature(root: Path, model: Path, torch_engine: Path) -> bpy.types.Object:
    """The example person, by LHM."""
    photo = root / "assets" / "example_person.jpg"
    done = bpy.ops.lhm.reconstruct(
        photo=str(photo), engine="lhm-own", model_folder=str(model), shape="zero", location=(1.0, 2.0, 0.5),
        avatar_file=str(torch_engine / "kept.lhma"),
    )  # fmt: skip
    assert done == {"FINISHED"}
    return active_armature(bpy.context)


def test_a_photo_becomes_an_lhm_avatar_that_is_posed_and_rendered(
    armature: bpy.types.Object, torch_engine: Path
) -> None:
    kept = load_avatar(torch_engine / "kept.lhma")
    _says_where_it_comes_from(kept.metadata)
    _follows_its_bones(armature, kept)
    _can_be_seen(torch_engine)


def _says_where_it_comes_from(metadata: dict) -> None:
    assert (metadata["engine"], metadata["non_commercial"]) == ("lhm-own", True)
    assert metadata["licences"]["weights"] == metadata["licences"]["body"] == "the model's own terms"
    text = drawn(about.LHM_PT_origin).text
    assert "For non-commercial use only" in text
    assert "Body: SMPL-X layout" in text
    assert "Every side is the model's guess" in text


def _follows_its_bones(armature: bpy.types.Object, kept: object) -> None:
    """Evaluated points against skinning in float64, written out here."""
    pose = np.zeros((JOINT_COUNT, 3))
    pose[joint_index("left_shoulder")] = (0.1, -0.4, 0.9)
    pose[joint_index("right_knee")] = (1.1, 0.0, 0.2)
    pose[joint_index("spine2")] = (0.2, 0.3, -0.1)
    set_pose(armature, BodyParams.from_pose(pose.astype(np.float32)))
    bpy.context.view_layer.update()
    shift = np.array([0.0, armature[FLOOR_KEY], 0.0])  # Blender's floor is at the soles
    means = kept.gaussians.means.astype(np.float64)
    moves = forward_kinematics(kept.joints.astype(np.float64) - shift, pose, np.zeros(3))
    binding = kept.binding
    blended = np.einsum(
        "nk,nkab->nab", binding.joint_weights.astype(np.float64), moves[binding.joint_indices]
    )
    posed = np.einsum("nab,nb->na", blended[:, :3, :3], means - shift) + blended[:, :3, 3]
    x, y, z = posed.T
    wanted = np.stack([x + 1.0, 2.0 - z, y + 0.5], axis=1)  # body axes to Blender's, at the place asked for
    found = world_points(bpy.context, armature)
    assert len(found) == kept.gaussians.count
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    assert np.abs(posed - (means - shift)).max() > 0.3  # the pose did something


def _can_be_seen(folder: Path) -> None:
    scene = bpy.context.scene
    bpy.ops.lhm.set_up_preview()
    scene.render.film_transparent = True
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 96, 128, 100
    image_settings = scene.render.image_settings
    if hasattr(image_settings, "media_type"):
        image_settings.media_type = "IMAGE"
    image_settings.file_format, image_settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = str(folder / "picture.png")
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    image = bpy.data.images.load(scene.render.filepath)
    rgba = np.array(image.pixels[:]).reshape(128, 96, 4)
    assert 0.02 < (rgba[..., 3] > 0.5).mean() < 0.8
    assert rgba[rgba[..., 3] > 0.5][:, :3].std() > 0.01


def test_a_model_that_is_none_leaves_the_scene_as_it_was(root: Path, model: Path, torch_engine: Path) -> None:
    broken = torch_engine / "broken"
    broken.mkdir()
    for path in model.iterdir():
        (broken / path.name).symlink_to(path)
    (broken / "model.safetensors").unlink()
    (broken / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    before = data_blocks()
    with pytest.raises(RuntimeError, match=r"model\.safetensors"):
        bpy.ops.lhm.reconstruct(
            photo=str(root / "assets" / "example_person.jpg"), engine="lhm-own", model_folder=str(broken)
        )
    assert data_blocks() == before


def test_the_photo_is_checked_for_real(root: Path, model: Path, torch_engine: Path) -> None:
    chosen = bpy.context.scene.lhm_avatars
    chosen.photo, chosen.engine = str(root / "assets" / "example_person.jpg"), "lhm-own"
    chosen.model_folder = str(model)
    assert bpy.ops.lhm.check_photo() == {"FINISHED"}
    check = last_check(bpy.context)
    assert check is not None
    assert any("pixels tall" in sentence for sentence in check.notes)
