"""Enlarging networks: a tiny one whose answer is known, and what is said where none can run."""

from __future__ import annotations

import pickle
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.lhm.enlarge import load_enlarger

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from pathlib import Path

try:
    import spandrel
except (ImportError, RuntimeError) as error:
    spandrel, reason = None, f"spandrel cannot be imported ({error})"
else:
    reason = ""
needs_spandrel = pytest.mark.skipif(spandrel is None, reason=reason)

FACTOR, FEATURES = 4, 8


def nothing_learnt(colors: int = 3) -> dict[str, torch.Tensor]:
    """A small network of the SRVGG kind, all zeros: it repeats every pixel of its input and adds nothing."""
    sizes = [(colors, FEATURES), (FEATURES, FEATURES), (FEATURES, colors * FACTOR**2)]
    state = {}
    for number, (before, after) in enumerate(sizes):
        state[f"body.{2 * number}.weight"] = torch.zeros(after, before, 3, 3)
        state[f"body.{2 * number}.bias"] = torch.zeros(after)
        if after == FEATURES:
            state[f"body.{2 * number + 1}.weight"] = torch.zeros(FEATURES)
    return state


class BreakingImport:
    """Makes the import of spandrel fail as a torchvision for another torch does."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name == "spandrel":
            raise RuntimeError("operator torchvision::nms does not exist")
        return None


@needs_spandrel
@pytest.mark.parametrize("nested", [False, True])
def test_the_network_runs(tmp_path: Path, nested: bool) -> None:
    state = nothing_learnt()
    torch.save({"params_ema": state} if nested else state, tmp_path / "tiny.pth")  # Real-ESRGAN's is nested
    enlarger, why_not = load_enlarger(tmp_path / "tiny.pth")
    assert why_not == ""
    assert (enlarger.name, enlarger.factor) == ("tiny.pth", FACTOR)
    image = np.random.default_rng(0).random((5, 7, 3)).astype(np.float32)
    expected = image.repeat(FACTOR, axis=0).repeat(FACTOR, axis=1)
    assert enlarger.run(image) == pytest.approx(expected, abs=1e-6)


@needs_spandrel
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"weight": torch.zeros(3)}, "damaged or another kind"),
        ([1, 2, 3], "damaged or another kind"),
        (nothing_learnt(colors=1), "no network that enlarges"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: object, words: str) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(AvatarError, match=rf"other\.pth .*{words}"):
        load_enlarger(tmp_path / "other.pth")


@needs_spandrel
def test_no_code_in_the_file_is_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple:
            return (tmp_path / "harm").touch, ()

    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))
    torch.save({"evil": Evil()}, tmp_path / "evil2.pth")
    for name in ("evil.pth", "evil2.pth"):
        with pytest.raises(AvatarError, match="damaged or another kind"):
            load_enlarger(tmp_path / name)
    assert not (tmp_path / "harm").exists()


def test_without_a_file_heads_are_stretched() -> None:
    enlarger, why_not = load_enlarger(None)
    assert enlarger is None
    assert "stretched (bicubic)" in why_not


def test_without_spandrel_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    enlarger, why_not = load_enlarger(tmp_path / "RealESRGAN_x4plus.pth")
    assert enlarger is None
    assert "cannot be enlarged by a network here" in why_not
    assert "spandrel" in why_not


def test_a_torchvision_for_another_torch_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "spandrel", raising=False)
    monkeypatch.setattr(sys, "meta_path", [BreakingImport(), *sys.meta_path])
    enlarger, why_not = load_enlarger(tmp_path / "RealESRGAN_x4plus.pth")
    assert enlarger is None
    assert "torchvision::nms does not exist" in why_not


class FakeNetwork:
    """What spandrel gives, on a device that has no memory left."""

    input_channels = output_channels = 3
    purpose, scale = "SR", FACTOR

    def to(self, device: torch.device) -> FakeNetwork:
        return self

    def eval(self) -> FakeNetwork:
        return self

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate 9 GiB")


def test_a_head_that_cannot_be_enlarged_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = SimpleNamespace(load_from_state_dict=lambda state: FakeNetwork())
    fake = SimpleNamespace(
        ImageModelDescriptor=FakeNetwork,
        ModelLoader=lambda: loader,
        UnsupportedModelError=KeyError,
        canonicalize_state_dict=lambda state: state,
    )
    monkeypatch.setitem(sys.modules, "spandrel", fake)
    torch.save(nothing_learnt(), tmp_path / "tiny.pth")
    enlarger, _ = load_enlarger(tmp_path / "tiny.pth")
    assert enlarger is not None
    wanted = r"tiny\.pth could not enlarge the head \(CUDA out of memory\.\)\. Switch Enlarge Face off"
    with pytest.raises(AvatarError, match=wanted):
        enlarger.run(np.zeros((5, 7, 3), np.float32))
