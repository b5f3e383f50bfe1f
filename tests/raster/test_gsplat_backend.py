"""Choosing and calling gsplat, without one: a stand-in takes the call, and files of the test are loaded."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fake_gsplat import FakeGsplat
from lhm_avatars.bench.raster_scene import body_scene, psnr
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.formats.safetensors import write_safetensors
from lhm_avatars.engine.methods import METHODS
from lhm_avatars.engine.raster import RasterSettings, autograd, backends, choose_backend, rasterize
from lhm_avatars.engine.raster import gsplat_backend as backend
from lhm_avatars.engine.raster.gsplat_setup import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCENE = body_scene(800, 70, 50).swollen(4)


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test looks for gsplat anew, and none of its modules stay."""
    monkeypatch.delenv(backends.VARIABLE, raising=False)
    real = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "gsplat"}
    for name in real:
        del sys.modules[name]
    backends._look.cache_clear()
    yield
    backends._look.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "gsplat"]:
        del sys.modules[name]
    sys.modules.update(real)


@pytest.fixture(params=[0.99, 0.999])
def fake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeGsplat:
    """A gsplat that is found and loads; its graphics card is the CPU."""
    module = FakeGsplat(request.param)
    sys.modules["gsplat"] = module  # type: ignore[assignment] - taken away by nothing_remembered
    monkeypatch.setattr(backend, "DEVICE", "cpu")
    monkeypatch.setattr(backends, "find_gsplat", lambda: Found(tmp_path / "csrc.so", "gsplat 9, from a test"))
    monkeypatch.setattr(backend, "load_gsplat", lambda binary: None)
    return module


def write_gsplat(folder: Path, monkeypatch: pytest.MonkeyPatch, backend_text: str, **files: str) -> Path:
    package = folder / "gsplat"
    (package / "cuda").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "cuda" / "__init__.py").touch()
    (package / "cuda" / "_backend.py").write_text(backend_text)
    for name, text in files.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(folder)
    return package


# ---------------------------------------------------------------- choosing


def test_here_it_is_found_out_without_pretence() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a graphics card; bench/raster_cuda.py compares on it")
    chosen = choose_backend()
    assert chosen.name == "cpu"
    assert chosen.max_alpha == 0.99
    assert "not installed" in chosen.reason or "sees no graphics card" in chosen.reason


def test_gsplat_is_taken_with_the_ceiling_it_draws_with(fake: FakeGsplat) -> None:
    assert choose_backend() == backends.Backend("gsplat", "gsplat 9, from a test", fake.max_alpha)
    assert choose_backend("gsplat").name == "gsplat"
    assert len(fake.calls) == 1  # tried once, then remembered


def test_another_ceiling_is_drawn_by_the_processor(fake: FakeGsplat) -> None:
    other = 1.989 - fake.max_alpha
    assert choose_backend(max_alpha=fake.max_alpha).name == "gsplat"
    chosen = choose_backend(max_alpha=0.9)
    assert (chosen.name, chosen.max_alpha) == ("cpu", 0.9)
    assert chosen.reason == f"this gsplat limits alpha to {fake.max_alpha}, and 0.9 was asked for"
    with pytest.raises(AvatarError, match=r"gsplat cannot draw: this gsplat limits alpha to"):
        choose_backend("gsplat", max_alpha=round(other, 6))


def test_the_processor_and_the_variable_overrule(fake: FakeGsplat, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_backend("cpu").reason == "the processor was asked for"
    monkeypatch.setenv("LHM_AVATARS_RASTERIZER", "cpu")
    assert choose_backend("auto").name == "cpu"
    assert choose_backend("gsplat").name == "gsplat"  # the code's word stands above
    monkeypatch.setenv("LHM_AVATARS_RASTERIZER", "vulkan")
    with pytest.raises(
        AvatarError, match=r"LHM_AVATARS_RASTERIZER is vulkan\. Set it to auto, cpu or gsplat"
    ):
        choose_backend("auto")


def test_wrong_and_impossible_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="backend must be one of auto, cpu, gsplat, got cuda"):
        choose_backend("cuda")  # type: ignore[arg-type]
    monkeypatch.setattr(backends, "find_gsplat", lambda: Found(None, "there is none"))
    with pytest.raises(AvatarError, match=r"gsplat cannot draw: there is none\. Let the processor draw"):
        choose_backend("gsplat")
    assert choose_backend(max_alpha=0.95) == backends.Backend("cpu", "there is none", 0.95)


def test_a_wrong_picture_is_not_used(fake: FakeGsplat, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.max_alpha = 0.9
    chosen = choose_backend()
    assert chosen.name == "cpu"
    assert "does not work here: gsplat drew" in chosen.reason


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: no kernel image is available"),
        TypeError("rasterization() got an unexpected keyword argument 'camera_model'"),
        AssertionError("(1, 1, 4, 4)"),
    ],
)
def test_code_for_another_card_or_of_another_version_is_not_used(
    fake: FakeGsplat, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(fake, "rasterization", fails)
    assert choose_backend().reason.endswith(f"does not work here: {error}")


def test_compiling_is_asked_for_by_word_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def compile_it() -> Found:
        asked.append(True)
        return Found(None, "it failed", can_compile=True)

    monkeypatch.setattr(backends, "find_gsplat", lambda: Found(None, "no code", can_compile=True))
    monkeypatch.setattr(backends, "compile_gsplat", compile_it)
    assert choose_backend().reason == "no code"
    assert not asked
    choose_backend(ask=True)
    assert asked


# ---------------------------------------------------------------- loading


def test_a_wheels_code_is_loaded_and_compilers_are_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_HOME", "/somewhere")
    path = os.environ["PATH"]
    text = (
        "import os, shutil\nfrom gsplat import csrc as _C\nseen = shutil.which('sh'), os.getenv('CUDA_HOME')"
    )
    package = write_gsplat(tmp_path, monkeypatch, text, csrc="")
    assert shutil.which("sh")
    backend.load_gsplat(package / "csrc.so")
    assert sys.modules["gsplat.cuda._backend"].seen == (None, None)  # type: ignore[attr-defined]
    assert (os.environ["PATH"], os.environ["CUDA_HOME"]) == (path, "/somewhere")


def test_code_compiled_on_this_computer_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gsplat(tmp_path, monkeypatch, "from gsplat import csrc as _C")
    compiled = tmp_path / "gsplat_cuda.py"  # found by its name, whatever its suffix
    compiled.write_text("mark = 17")
    backend.load_gsplat(compiled)
    assert importlib.import_module("gsplat.cuda._backend")._C.mark == 17


def test_broken_code_is_a_reason_not_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = write_gsplat(tmp_path, monkeypatch, "raise AssertionError('looked for other code')")
    binary = package / f"csrc{EXTENSION_SUFFIXES[-1]}"
    binary.write_bytes(b"made for another torch")
    monkeypatch.setattr(backends, "find_gsplat", lambda: Found(binary, "gsplat 9"))
    chosen = choose_backend()
    assert chosen.name == "cpu"
    assert chosen.reason.startswith("gsplat 9, does not work here: ")
    assert "csrc" in chosen.reason


def test_a_gsplat_that_ignores_its_code_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = write_gsplat(tmp_path, monkeypatch, "_C = None", csrc="")
    with pytest.raises(ImportError, match="gsplat does not use"):
        backend.load_gsplat(package / "csrc.so")


def test_the_real_gsplat_starts_no_compiler_while_programs_are_hidden(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("gsplat")
    if torch.cuda.is_available():
        pytest.skip("this gsplat may have compiled code")
    # In a process of its own, as the engine is: other tests may have imported what setuptools will not have.
    code = """
import importlib, importlib.util, sys
spec = importlib.util.spec_from_file_location("lhm_avatars", "ROOT/__init__.py", submodule_search_locations=["ROOT"])
sys.modules["lhm_avatars"] = importlib.util.module_from_spec(spec)
from lhm_avatars.engine.raster import rasterize
from lhm_avatars.engine.raster.gsplat_backend import no_compilers
with no_compilers():
    try:
        found = importlib.import_module("gsplat.cuda._backend")._C
    except RuntimeError as error:  # where a CUDA toolkit lies in its usual place
        assert "Ninja is required" in str(error), error
    else:
        assert found is None
"""  # noqa: E501
    variables = os.environ | {"TORCH_EXTENSIONS_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code.replace("ROOT", root.as_posix())]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# ---------------------------------------------------------------- calling


@pytest.mark.parametrize("antialiased", [False, True])
def test_what_gsplat_is_told(fake: FakeGsplat, antialiased: bool) -> None:
    settings = {"eps2d": 0.4, "near": 0.02, "far": 50.0, "antialiased": antialiased}
    rasterize(*SCENE.inputs(), backend="gsplat", **settings)
    placed, named = fake.calls[-1].pop("placed"), fake.calls[-1]
    assert [tuple(array.shape) for array in placed[:7]] == [
        (800, 3), (800, 4), (800, 3), (800,), (800, 3), (1, 4, 4), (1, 3, 3),
    ]  # fmt: skip
    for got, given in zip(placed[:7], SCENE.inputs()[:7], strict=True):
        assert got.dtype == torch.float32
        np.testing.assert_array_equal(got.numpy().reshape(np.shape(given)), given)
    assert placed[7:] == (70, 50)
    assert named == {
        "near_plane": 0.02, "far_plane": 50.0, "eps2d": 0.4, "radius_clip": 0.0, "sh_degree": None,
        "packed": False, "backgrounds": None, "render_mode": "RGB+D", "camera_model": "pinhole",
        "rasterize_mode": "antialiased" if antialiased else "classic",
    }  # fmt: skip


def test_the_picture_is_the_processors(fake: FakeGsplat) -> None:
    image = rasterize(*SCENE.inputs(), backend="auto")
    ours = rasterize(*SCENE.inputs(), max_alpha=fake.max_alpha)
    assert len(fake.calls) == 2  # the trial and this
    assert (image.color.shape, image.alpha.shape, image.depth.shape) == ((50, 70, 3), (50, 70), (50, 70))
    for name, plane in vars(image).items():
        assert plane.dtype == np.float32
        assert psnr(plane, getattr(ours, name).astype(np.float64)) > 90, name


def test_unusable_gaussians_do_not_reach_gsplat(fake: FakeGsplat) -> None:
    inputs = [np.array(array) for array in SCENE.gaussians()]
    inputs[0][3, 1], inputs[1][5], inputs[3][7] = np.nan, 0, np.inf * -1
    rasterize(*inputs, *SCENE.camera(), backend="gsplat")
    assert len(fake.calls[-1]["placed"][0]) == 797
    image = rasterize(*[array[:0] for array in inputs], *SCENE.camera(), backend="gsplat")
    assert not image.color.any()
    assert not image.alpha.any()
    assert image.depth.shape == (50, 70)


def test_wrong_shapes_are_named_as_on_the_processor(fake: FakeGsplat) -> None:
    with pytest.raises(ValueError, match=r"quats must have shape \(800, 4\), got \(800, 3\)"):
        rasterize(SCENE.means, SCENE.scales, *SCENE.inputs()[2:], backend="gsplat")


def test_too_little_memory_is_told(fake: FakeGsplat, monkeypatch: pytest.MonkeyPatch) -> None:
    choose_backend()

    def full(*_: object, **__: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(fake, "rasterization", full)
    with pytest.raises(AvatarError, match=r"too little free memory to draw 800 Gaussians\. Close other"):
        rasterize(*SCENE.inputs(), backend="gsplat")


def test_the_engines_methods_draw_with_it_and_say_so(fake: FakeGsplat, tmp_path: Path) -> None:
    def quiet(*_: object) -> None:
        pass

    assert METHODS["rasterizer"]({}, quiet) == {
        "name": "gsplat", "reason": "gsplat 9, from a test", "max_alpha": fake.max_alpha,
    }  # fmt: skip
    names = ("means", "quats", "scales", "opacities", "colors")
    arrays = dict(zip(names, SCENE.gaussians(), strict=True))
    write_safetensors(tmp_path / "splats.safetensors", arrays, {})
    params = {
        "splats": str(tmp_path / "splats.safetensors"), "output": str(tmp_path / "image.npy"),
        "viewmat": SCENE.viewmat.tolist(), "K": SCENE.K.tolist(), "width": 70, "height": 50,
    }  # fmt: skip
    METHODS["rasterize"](params, quiet)
    assert len(fake.calls) == 2
    image = np.load(tmp_path / "image.npy")
    ours = rasterize(*SCENE.inputs(), max_alpha=fake.max_alpha)
    assert psnr(image[..., :3], ours.color.astype(np.float64)) > 90
    assert psnr(image[..., 4], ours.depth.astype(np.float64)) > 90


def test_gradients_pass_through(fake: FakeGsplat, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = [torch.from_numpy(matrix) for matrix in (SCENE.viewmat, SCENE.K)]
    v = np.random.default_rng(5).normal(size=(50, 70, 5)).astype(np.float32)
    found = []
    for card in ("cuda", "cpu"):  # with the second name the tensors lie "on the card"
        monkeypatch.setattr(autograd, "CARD", card)
        tensors = [torch.from_numpy(np.array(array)).requires_grad_() for array in SCENE.gaussians()]
        planes = autograd.rasterize_tensors(*tensors, *camera, 70, 50, max_alpha=fake.max_alpha)
        torch.autograd.backward(planes, [torch.from_numpy(v[..., k].copy()) for k in (np.s_[:3], 3, 4)])
        found.append([tensor.grad.numpy() for tensor in tensors])
    assert len(fake.calls) == 2
    for ours, theirs in zip(*found, strict=True):
        assert np.linalg.norm(ours - theirs) < 1e-3 * np.linalg.norm(theirs)


def test_tensors_on_a_card_need_gsplat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_gsplat", lambda: Found(None, "there is none"))
    monkeypatch.setattr(autograd, "CARD", "cpu")
    tensors = [torch.from_numpy(array) for array in (*SCENE.gaussians(), SCENE.viewmat, SCENE.K)]
    with pytest.raises(AvatarError, match="gsplat cannot draw: there is none"):
        autograd.rasterize_tensors(*tensors, 70, 50)
    with pytest.raises(ValueError, match=r"quats must be float32 on the graphics card as means is, got"):
        autograd.rasterize_tensors(tensors[0], tensors[1].double(), *tensors[2:], 70, 50)


def test_the_trial_knows_a_wrong_depth(fake: FakeGsplat, monkeypatch: pytest.MonkeyPatch) -> None:
    assert backend.try_gsplat() == fake.max_alpha
    real = fake.rasterization

    def mean_depth(*placed: object, **named: object) -> tuple:
        colors, alphas, meta = real(*placed, **named)
        colors[..., 3] /= alphas[..., 0].clamp(min=1e-6)
        return colors, alphas, meta

    monkeypatch.setattr(fake, "rasterization", mean_depth)
    with pytest.raises(RuntimeError, match="gsplat drew"):
        backend.try_gsplat()


def test_settings_are_all_passed_on() -> None:
    # A new setting must be thought of in draw_tensors, too.
    assert set(vars(RasterSettings())) == {"eps2d", "max_alpha", "near", "far", "antialiased"}
