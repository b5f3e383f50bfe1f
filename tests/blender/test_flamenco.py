"""A job of the Flamenco type, compiled and run here: from a photo to frames in a set, by its own lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
import pytest
from blender.pictures import add_camera
from flamenco.compiled import command_line, compiled, needs_node
from lhm_avatars.engine.motion.builtin.walk import walk
from lhm_avatars.engine.motion.writers.bvh import write_bvh
from lhm_avatars.rendering.render_settings import CYCLES_LAYERS
from lhm_avatars.rigging.avatar_objects import AVATAR_KEY
from motion.rigged import rest_joints

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.usefixtures("empty_scene"), needs_node]
STAND_IN = Path(__file__).with_name("stand_in_blender.py")
TEXTURE = "wall.png"


@pytest.fixture
def the_set(engine: Path) -> Path:
    """A .blend to put a person into: a camera, a picture file beside the .blend, cheap renders."""
    folder = engine / "the set"
    folder.mkdir()
    add_camera((24, 32))
    bpy.context.scene.render.film_transparent = False
    image = bpy.data.images.new("wall", 4, 4)
    image.filepath_raw, image.file_format = str(folder / TEXTURE), "PNG"
    image.save()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "set.blend"))
    bpy.data.images.load(str(folder / TEXTURE)).use_fake_user = True
    bpy.ops.file.make_paths_relative()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
    bpy.ops.wm.save_mainfile()
    return folder / "set.blend"


def run_task(task: dict[str, Any], variables: Mapping[str, list[str]], folder: Path) -> str:
    """Run a task's commands as a worker does, in a process of its own; what they said."""
    said = ""
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(folder / "user")}
    for command in task["commands"]:
        line = [part for item in command_line(command) for part in variables.get(item, [item])]
        done = subprocess.run(line, env=environment, capture_output=True, text=True, encoding="utf-8")
        said += done.stdout + done.stderr
        assert done.returncode == 0, said
    return said


def test_the_compiled_tasks_do_what_they_say(the_set: Path, engine: Path) -> None:
    write_bvh(engine / "a walk.bvh", walk(rest_joints(), fps=24.0, cycles=1, travel=True), rest_joints())
    (engine / "Ada Löwe.jpg").touch()
    output = engine / "a new job"
    settings = {
        "photo": str(engine / "Ada Löwe.jpg"), "motion": str(engine / "a walk.bvh"),
        "blendfile": str(the_set), "output": f"{output}/", "frames": "2,12", "chunk_size": 1,
    }  # fmt: skip
    job = compiled(settings)["tasks"]
    blender = [sys.executable, str(STAND_IN)]
    ffmpeg = shutil.which("ffmpeg")
    variables = {"{blender}": blender, "{blenderArgs}": ["-b", "-y"]}
    done = []
    for number, task in enumerate(job):
        assert set(task["dependencies"]) <= set(done)
        if task["type"] == "ffmpeg" and ffmpeg is None:
            continue  # its line is asked about in tests/flamenco
        run_task(task, variables, engine)
        done.append(number)
    frames = sorted((output / "frames").iterdir())
    assert [path.name for path in frames] == ["000002.png", "000012.png"]
    first, second = (_pixels(path) for path in frames)
    assert (np.abs(first - second).max(axis=2) > 0.1).sum() > 20  # who walks
    assert (output / "Ada Löwe.mp4").is_file() == (ffmpeg is not None)
    bpy.ops.wm.open_mainfile(filepath=str(output / "shot.blend"))
    scene = bpy.context.scene
    assert [o.name for o in scene.objects if o.get(AVATAR_KEY) == "armature"] == ["Ada Löwe"]
    assert scene.cycles.transparent_max_bounces >= CYCLES_LAYERS
    wall = bpy.data.images[TEXTURE]
    assert wall.filepath == f"//../the set/{TEXTURE}".replace("/", os.sep).replace(os.sep * 2, "//", 1)
    assert tuple(wall.size) == (4, 4)  # it is found there


def _pixels(path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    return np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)[..., :3]
