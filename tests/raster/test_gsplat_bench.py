"""The comparison on a graphics card: what it says without one, and that it works with a stand-in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch
from fake_gsplat import FakeGsplat
from lhm_avatars.bench import raster_cuda
from lhm_avatars.engine.raster import autograd, backends, gsplat_backend
from lhm_avatars.engine.raster.gsplat_setup import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(raster_cuda.__file__)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGsplat]:
    module = FakeGsplat()
    monkeypatch.setitem(sys.modules, "gsplat", module)
    monkeypatch.setattr(gsplat_backend, "DEVICE", "cpu")
    monkeypatch.setattr(autograd, "CARD", "cpu")
    monkeypatch.setattr(gsplat_backend, "load_gsplat", lambda binary: None)
    monkeypatch.setattr(backends, "find_gsplat", lambda: Found(SCRIPT, "gsplat 9, from a test"))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    card = SimpleNamespace(name="Card of the test", total_memory=2**34)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    monkeypatch.setattr(raster_cuda, "CASES", ((600, 48), (900, 64)))
    monkeypatch.setattr(raster_cuda, "REPEATS", 1)
    monkeypatch.setattr(sys, "argv", ["raster_cuda.py"])
    backends._look.cache_clear()
    yield module
    backends._look.cache_clear()


def test_without_a_graphics_card_it_says_why() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("cannot run here: ")
    assert "not installed" in done.stdout or "sees no graphics card with CUDA" in done.stdout


@pytest.mark.parametrize("max_alpha", [0.99, 0.999])
def test_it_agrees_with_a_gsplat_that_draws_as_we_do(
    fake: FakeGsplat, max_alpha: float, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.max_alpha = max_alpha
    assert raster_cuda.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Card of the test, 16 GiB; ")
    assert lines[0].endswith("gsplat 9, from a test")
    assert sum(line.startswith(f"  ceiling {max_alpha}, its own: ") for line in lines) == 2
    assert sum(line.startswith("    gradient by ") for line in lines) == 10
    assert sum(line.startswith("  ms: drawing ") for line in lines) == 2
    assert lines[-1] == "all agrees"


def test_it_sees_a_gsplat_that_draws_otherwise(
    fake: FakeGsplat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = fake.rasterization

    def half_a_pixel_off(*placed: object, **named: object) -> tuple:
        *front, Ks, width, height = placed
        shift = torch.tensor([[0, 0, 0.5], [0, 0, 0], [0, 0, 0]])
        return real(*front, Ks + shift, width, height, **named)

    monkeypatch.setattr(fake, "rasterization", half_a_pixel_off)
    monkeypatch.setattr(sys, "argv", ["raster_cuda.py", "--quick"])
    monkeypatch.setattr(raster_cuda, "QUICK_CASES", ((600, 48),))
    assert raster_cuda.main() == 1
    assert capsys.readouterr().out.splitlines()[-1] == "something does not agree"
