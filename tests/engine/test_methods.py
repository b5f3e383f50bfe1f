"""The engine's methods in this process: what they pass on, and what they write."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.formats import avatar_file
from lhm_avatars.engine.formats.safetensors import write_safetensors
from lhm_avatars.engine.methods import METHODS

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENGINE = "lhm_avatars.engine"


def quiet(stage: str, fraction: float, message: str) -> None:
    """Progress that nobody reads."""


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    module = ModuleType(f"{ENGINE}.{name}")
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, f"{ENGINE}.{name}", module)


def test_reconstruct_passes_the_settings_on_and_saves_the_avatar(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclass(frozen=True)
    class Request:
        photo: Path
        work_dir: Path
        engine: str
        seed: int
        mask: Path | None
        models: Path | None
        model_folder: Path | None
        shape: tuple[float, ...]
        photos: tuple[Path, ...]

    asked: list[tuple[Request, object]] = []

    def reconstruct(request: Request, progress: object) -> SimpleNamespace:
        asked.append((request, progress))
        return SimpleNamespace(avatar="the avatar", report={"seconds": 1.5})

    saved: list[tuple[Path, object]] = []
    stand_in(monkeypatch, "pipeline", ReconstructRequest=Request, reconstruct=reconstruct)
    monkeypatch.setattr(avatar_file, "save_avatar", lambda path, avatar: saved.append((path, avatar)))
    output = str(tmp_path / "a.lhma")
    settings = {"engine": "lift", "seed": 3, "mask": "/photos/mask.png"}
    settings |= {
        "models": "/models",
        "model_folder": None,
        "shape": [0.5, -1.0],
        "photos": ["/photos/back.jpg"],
    }
    params = {"photo": "/photos/a.jpg", "output": output, "work_dir": str(tmp_path), "settings": settings}
    answer = METHODS["reconstruct"](params, quiet)
    assert answer == {"avatar": output, "report": {"seconds": 1.5}}
    paths = Path("/photos/mask.png"), Path("/models"), None
    back = (Path("/photos/back.jpg"),)
    request = Request(Path("/photos/a.jpg"), tmp_path, "lift", 3, *paths, (0.5, -1.0), back)
    assert asked == [(request, quiet)]
    assert saved == [(Path(output), "the avatar")]


def splats_file(path: Path) -> Path:
    arrays = {
        "means": np.array([[0, 0, 2]], np.float32),
        "quats": np.array([[1, 0, 0, 0]], np.float32),
        "scales": np.full((1, 3), 0.1, np.float32),
        "opacities": np.array([0.5], np.float32),
        "colors": np.array([[1, 0.5, 0.25]], np.float32),
    }
    write_safetensors(path, arrays, {})
    return path


def camera() -> dict[str, Any]:
    """A principal point in the middle of pixel (column 6, row 2)."""
    K = [[20.0, 0, 6.5], [0, 20.0, 2.5], [0, 0, 1]]
    return {"viewmat": np.eye(4).tolist(), "K": K, "width": 12, "height": 5}


def test_rasterize_writes_the_picture_of_one_gaussian(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    output = tmp_path / "image.npy"
    splats = splats_file(tmp_path / "splats.safetensors")
    params = {**camera(), "splats": str(splats), "output": str(output)}
    assert METHODS["rasterize"](params, quiet) == {"image": str(output)}
    image: NDArray[np.float32] = np.load(output)
    assert image.shape == (5, 12, 5)
    assert image.dtype == np.float32
    # At the projected centre alpha is the opacity, colour is premultiplied, the depth sum is alpha times z.
    np.testing.assert_allclose(image[2, 6], [0.5, 0.25, 0.125, 0.5, 1.0], atol=1e-5)
    # One pixel beside: variance (20 * 0.1 / 2)^2 + eps2d.
    np.testing.assert_allclose(image[2, 7, 3], 0.5 * np.exp(-0.5 / 1.3), atol=1e-4)
    assert {path.name for path in tmp_path.iterdir()} == {"image.npy", "splats.safetensors"}


def test_a_picture_that_cannot_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = SimpleNamespace(color=np.zeros((5, 12, 3)), alpha=np.zeros((5, 12)), depth=np.zeros((5, 12)))
    stand_in(monkeypatch, "raster", rasterize=lambda *_, **__: blank)
    output = tmp_path / "folder.npy"
    output.mkdir()
    params = {**camera(), "splats": str(splats_file(tmp_path / "s")), "output": str(output)}
    with pytest.raises(OSError, match=r"folder\.npy"):
        METHODS["rasterize"](params, quiet)
    assert {path.name for path in tmp_path.iterdir()} == {"folder.npy", "s"}


def test_trying_the_packages_compiles_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[str] = []
    stand_in(monkeypatch, "raster", warm_up=lambda: warmed.append("splats"))
    stand_in(monkeypatch, "preview.warm", warm_up_meshes=lambda: warmed.append("meshes"))
    monkeypatch.setitem(sys.modules, "numba", SimpleNamespace(__version__="9"))  # type: ignore[arg-type]
    assert METHODS["versions"]({"modules": ["json"]}, quiet)["modules"] == {"json": json.__version__}
    assert not warmed
    assert METHODS["versions"]({"modules": ["numba"]}, quiet)["modules"] == {"numba": "9"}
    assert warmed == ["splats", "meshes"]
