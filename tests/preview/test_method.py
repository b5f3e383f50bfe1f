"""The engine process' method: what is in the file is what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.formats.safetensors import write_safetensors
from lhm_avatars.engine.methods import METHODS
from lhm_avatars.engine.preview.frame import draw_scene
from lhm_avatars.engine.preview.values import Scene
from preview.scenes import camera, splats, square, sun

if TYPE_CHECKING:
    from pathlib import Path


def ask(tmp_path: Path, scene: Scene, **params):
    arrays = {f"splats.{name}": values for name, values in vars(scene.splats).items()}
    if scene.meshes is not None:
        arrays |= {f"meshes.{name}": values for name, values in vars(scene.meshes).items()}
    write_safetensors(tmp_path / "scene", arrays, {})
    look = camera(32)
    lamps = [
        vars(lamp) | {"matrix": lamp.matrix.tolist(), "color": lamp.color.tolist()} for lamp in scene.lamps
    ]
    fields = {"viewmat": look.viewmat.tolist(), "K": look.K.tolist(), "width": 32, "height": 32}
    told = []
    answer = METHODS["preview"](
        {
            "scene": str(tmp_path / "scene"),
            "output": str(tmp_path / "a.npy"),
            "camera": fields,
            "lamps": lamps,
        }
        | params,
        lambda *step: told.append(step),
    )
    image = np.load(answer["image"])
    return {name: image[..., first:end] for name, (first, end) in answer["channels"].items()}, told


def test_it_draws_what_the_function_draws(tmp_path: Path) -> None:
    scene = Scene(splats([[0, 0, 1]], scale=0.2), square(size=2), (sun(towards=(1, 0, 1)),), (0.1, 0.1, 0.1))
    drawn, told = ask(
        tmp_path, scene, ambient=[0.1] * 3, passes=["Combined", "Depth", "Mask0"], avatar_index=[3],
        background=[0.2, 0.3, 0.4],
    )  # fmt: skip
    expected = draw_scene(
        scene, camera(32), ("Depth", "Mask0"), background=(0.2, 0.3, 0.4), avatar_index=(3,)
    )
    assert drawn.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(drawn[name], values)
    assert {step for step, *_ in told} == {"light", "meshes", "splats"}  # where a user can stop it


def test_without_meshes(tmp_path: Path) -> None:
    drawn, _ = ask(
        tmp_path, Scene(splats([[0, 0, 0]], scale=0.2), None), passes=["Combined"], background=None
    )
    assert drawn["Combined"][16, 16, 3] == pytest.approx(0.95, abs=0.07)
    assert drawn["Combined"][0, 0].tolist() == [0, 0, 0, 0]
