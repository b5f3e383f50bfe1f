"""A shot on a farm: workers without the extension render the frames that the artist's computer renders."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import pytest
from blender.pictures import add_camera
from exr import read_exr, rgba
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.writers.bvh import write_bvh
from lhm_avatars.operators.reconstruction import Made, place
from motion.rigged import rest_joints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")
FRAMES = (2, 5, 8)
INTERFACE = (bpy.types.Screen, bpy.types.WorkSpace, bpy.types.WindowManager)  # bookmarks and the like
PATHS = ("FILE_PATH", "DIR_PATH", "FILE_NAME")


@pytest.fixture
def shot(make_avatar: Callable[..., Avatar], tmp_path: Path) -> Path:
    """A person with controls who plays a motion file and moves, beside a box; saved."""
    made = place(bpy.context, Made(make_avatar(600)), name="Ada", location=(0, 0, 0)).objects
    write_bvh(tmp_path / "walk.bvh", walk(rest_joints(), fps=24.0, cycles=1, travel=True), rest_joints())
    bpy.ops.lhm.import_motion(filepath=str(tmp_path / "walk.bvh"))
    bpy.ops.lhm.add_controls()
    for frame, half in ((1, -0.5), (10, 0.5)):  # keys of the artist's own, on another object, too
        made.armature.rotation_euler.z = half
        made.armature.keyframe_insert("rotation_euler", index=2, frame=frame)
    bpy.ops.mesh.primitive_cube_add(size=0.5, location=(0.6, 0, 0.25))
    bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.2, 0))
    camera = add_camera((48, 64))
    camera.data.dof.use_dof = True
    camera.data.dof.focus_object = made.armature
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.use_motion_blur = True
    cycles = scene.cycles
    cycles.samples, cycles.use_adaptive_sampling, cycles.use_denoising = 2, False, False
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):  # Blender 5.0
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"
    scene.render.filepath = "//frames/"
    path = tmp_path / "job" / "shot.blend"
    path.parent.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    return path


def farm(file: Path, output: Path, frames: str) -> None:
    """What a worker does: ``blender -b FILE --render-output … --render-frame …``, without the extension."""
    program = Path(__file__).with_name("stand_in_blender.py")
    arguments = ["-b", file, "--render-output", output, "--render-frame", frames]
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(output.parent / "user"), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, program, *arguments], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stdout + done.stderr
    assert "Warning" not in done.stdout + done.stderr


def test_a_worker_renders_the_same_frames(shot: Path, tmp_path: Path) -> None:
    scene = bpy.context.scene
    here = []
    for frame in FRAMES:
        scene.frame_set(frame)
        scene.render.filepath = str(tmp_path / f"here_{frame}.exr")
        bpy.ops.render.render(write_still=True)
        here.append(rgba(read_exr(tmp_path / f"here_{frame}.exr")))
    (tmp_path / "elsewhere").mkdir()
    moved = shot.rename(tmp_path / "elsewhere" / "shot.blend")
    farm(moved, tmp_path / "there" / "frame_####", ",".join(map(str, FRAMES)))
    there = [rgba(read_exr(tmp_path / "there" / f"frame_{frame:04d}.exr")) for frame in FRAMES]
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-6)
    assert (np.stack(here)[..., 3] > 0.5).mean() > 0.02  # there is somebody
    for one, other in ((0, 1), (1, 2)):  # who moves
        assert (np.abs(here[one] - here[other]).max(axis=2) > 0.1).sum() > 40


def test_the_file_knows_no_folder(shot: Path, tmp_path: Path) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    assert bpy.utils.blend_paths(absolute=False) == []
    assert [image.name for image in bpy.data.images if image.source == "FILE"] == []
    assert len(bpy.data.libraries) == 0
    texts = dict(all_texts())
    assert texts["Scene.render.filepath"] == "//frames/"  # so the search gets as deep as this
    assert any("lhm_metadata" in place for place in texts)
    folders = (str(tmp_path), str(Path.home()), str(Path(__file__).parents[2]))
    for place_of, text in texts.items():
        assert not any(folder in text for folder in folders if folder != "/"), place_of


def test_nothing_waits_for_the_extension(shot: Path) -> None:
    """No script, no expression that needs permission, no handler."""
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    assert len(bpy.data.texts) == 0
    drivers = [curve for block in blocks() for curve in drivers_of(block)]
    assert len(drivers) > 10
    for curve in drivers:
        assert curve.is_valid
        assert curve.driver.is_valid
        # Simple expressions run without Python; Blender decides by this.
        assert curve.driver.type != "SCRIPTED" or curve.driver.is_simple_expression, curve.data_path


def blocks() -> Iterator[bpy.types.ID]:
    """Every data-block of the file, and what is embedded in one."""
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION":
            for block in getattr(bpy.data, prop.identifier):
                if isinstance(block, INTERFACE):
                    continue
                yield block
                tree = getattr(block, "node_tree", None)
                if tree is not None:
                    yield tree


def drivers_of(block: bpy.types.ID) -> Any:
    animation = getattr(block, "animation_data", None)
    return animation.drivers if animation else ()


def all_texts() -> Iterator[tuple[str, str]]:
    """Every path and every custom text in the file, by where it stands."""
    for block in blocks():
        yield from texts_in(block, block.name, 4)


def texts_in(struct: Any, where: str, depth: int) -> Iterator[tuple[str, str]]:
    for prop in struct.bl_rna.properties:
        if prop.identifier == "rna_type" or prop.identifier.startswith("bl_"):
            continue
        place_of = f"{where}.{prop.identifier}"
        if prop.type == "STRING":
            text = getattr(struct, prop.identifier)
            if text and (prop.subtype in PATHS or prop.is_runtime):  # theirs by kind, ours all
                yield place_of, text if isinstance(text, str) else repr(text)
        elif prop.type == "POINTER" and depth:
            below = getattr(struct, prop.identifier)
            if below is not None and not isinstance(below, bpy.types.ID):
                yield from texts_in(below, place_of, depth - 1)
        elif prop.type == "COLLECTION" and depth and len(below := getattr(struct, prop.identifier)) < 500:
            for number, item in enumerate(below):
                if item is not None and not isinstance(item, bpy.types.ID):
                    yield from texts_in(item, f"{place_of}[{number}]", depth - 1)
    if isinstance(struct, (bpy.types.ID, bpy.types.Bone, bpy.types.PoseBone)):
        for key in struct.keys():  # noqa: SIM118 - the struct itself is not what its keys are
            if isinstance(struct[key], str):
                yield f"{where}[{key!r}]", struct[key]
