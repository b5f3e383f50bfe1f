"""LPIPS with a network of one layer in the place of the package's, whose distance is known."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.evaluate.perceptual import load_lpips

if TYPE_CHECKING:
    from pathlib import Path

WEIGHT = torch.arange(9.0).reshape(3, 3, 1, 1)


class OneLayer(torch.nn.Module):
    """What the package offers: ``net`` with layers in slices, and a distance of two pictures."""

    def __init__(self, net: str, pnet_rand: bool, verbose: bool) -> None:
        super().__init__()
        assert pnet_rand  # else it would download
        self.net = torch.nn.Module()
        self.net.slice1 = torch.nn.Sequential()
        self.net.slice1.add_module("5", torch.nn.Conv2d(3, 3, 1, bias=False))

    def forward(self, first: torch.Tensor, second: torch.Tensor, normalize: bool) -> torch.Tensor:
        assert normalize
        assert first.shape == (1, 3, 4, 6)
        return (self.net.slice1(first) - self.net.slice1(second)).abs().mean()


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("lpips")
    vars(module)["LPIPS"] = OneLayer
    monkeypatch.setitem(sys.modules, "lpips", module)


@pytest.mark.usefixtures("package")
def test_the_given_weights_are_used(tmp_path: Path) -> None:
    torch.save({"features.5.weight": WEIGHT, "classifier.weight": WEIGHT}, tmp_path / "net.pth")
    measure = load_lpips("squeeze", tmp_path / "net.pth")
    truth, made = np.zeros((4, 6, 3), np.float32), np.full((4, 6, 3), 0.5, np.float32)
    # Every output differs by half the sum of a row of 0..8: 1.5, 6 and 10.5.
    assert measure(truth, made) == pytest.approx(6.0)


@pytest.mark.usefixtures("package")
def test_wrong_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"There is no file .*net\.pth"):
        load_lpips("vgg", tmp_path / "net.pth")
    for given in ({"features.5.weight": WEIGHT[:2]}, {"features.4.weight": WEIGHT}):
        torch.save(given, tmp_path / "net.pth")
        with pytest.raises(AvatarError, match=r"not hold the weights of vgg \(no features\.5\.weight\)"):
            load_lpips("vgg", tmp_path / "net.pth")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "lpips", missing)
    with pytest.raises(AvatarError, match="needs the packages torch, torchvision and lpips"):
        load_lpips("vgg", tmp_path)
