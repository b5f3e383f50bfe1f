"""PSNR and SSIM in closed form and against a second implementation; FLIP against its package, uncropped."""

from __future__ import annotations

import builtins
from typing import Any

import flip_evaluator
import numpy as np
import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.evaluate.metrics import flip, psnr, silhouette_iou, ssim


@pytest.fixture
def pictures() -> tuple[Any, Any, Any]:
    """Two different patches of noise before white, one of them at the border, and a mask."""
    rng = np.random.default_rng(0)
    truth, made = np.ones((2, 120, 150, 3), np.float32)
    truth[20:90, 40:80] = rng.random((70, 40, 3))
    made[25:95, 44:84] = np.clip(truth[20:90, 40:80] + 0.2 * rng.standard_normal((70, 40, 3)), 0, 1)
    mask = np.zeros((120, 150), bool)
    mask[20:90, 40:80] = True
    return truth, made, mask


def torch_ssim_map(truth: Any, made: Any) -> Any:
    """SSIM as torchmetrics documents it, written with convolutions. [H, W]"""
    x, y = (torch.from_numpy(p.astype(np.float64)).permute(2, 0, 1)[:, None] for p in (truth, made))
    ramp = torch.arange(-5.0, 6.0, dtype=torch.float64)
    bell = torch.exp(-0.5 * (ramp / 1.5) ** 2)
    window = torch.outer(bell, bell)[None, None] / bell.sum() ** 2

    def mean(p: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(torch.nn.functional.pad(p, (5,) * 4, mode="reflect"), window)

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    likeness = (2 * mx * my + 1e-4) * (2 * vxy + 9e-4) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4))
    return likeness.mean(dim=(0, 1)).numpy()


def test_equal_pictures_are_perfect(pictures: tuple[Any, Any, Any]) -> None:
    truth, _, mask = pictures
    assert psnr(truth, truth) == psnr(truth, truth, mask) == float("inf")
    assert ssim(truth, truth, mask) == pytest.approx((1.0, 1.0))
    assert flip(truth, truth, mask) == pytest.approx((0.0, 0.0))


def test_an_offset_of_a_tenth_is_twenty_decibels() -> None:
    truth = np.full((32, 32, 3), 0.4)
    assert psnr(truth, truth + 0.1) == pytest.approx(20.0)


def test_the_mask_leaves_the_background_out(pictures: tuple[Any, Any, Any]) -> None:
    truth, made, mask = pictures
    spoiled = np.where(mask[..., None], made, 0.0).astype(np.float32)
    assert psnr(truth, spoiled, mask) == psnr(truth, made, mask)
    assert psnr(truth, spoiled) < psnr(truth, made) - 3


def test_ssim_of_plain_pictures_is_known() -> None:
    a, b = 0.5, 0.6
    expected = (2 * a * b + 0.01**2) / (a * a + b * b + 0.01**2)
    assert ssim(np.full((40, 40, 3), a), np.full((40, 40, 3), b))[0] == pytest.approx(expected)


def test_ssim_equals_a_second_implementation_on_the_whole_picture(pictures: tuple[Any, Any, Any]) -> None:
    truth, made, mask = pictures
    similar = torch_ssim_map(truth, made)
    expected = similar[5:-5, 5:-5].mean(), similar[mask].mean()
    assert expected[0] < 0.95  # the pictures do differ
    assert ssim(truth, made, mask) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("place", [0, 5, 30])
def test_flip_equals_its_package_on_the_whole_picture(pictures: tuple[Any, Any, Any], place: int) -> None:
    truth, made, mask = (np.roll(p, (place - 20, place - 40), (0, 1)) for p in pictures)
    errors = flip_evaluator.evaluate(truth, made, "LDR", True, False, False)[0][..., 0]
    assert flip(truth, made, mask) == pytest.approx((errors.mean(), errors[mask].mean()), abs=1e-6)


def test_silhouettes_that_share_a_third() -> None:
    first, second = np.zeros((2, 10, 20))
    first[:, :10], second[:, 5:15] = 1.0, 0.9
    assert silhouette_iou(first, second) == pytest.approx(1 / 3)
    assert silhouette_iou(0 * first, 0 * first) == 1.0


def test_wrong_arguments_are_named(pictures: tuple[Any, Any, Any]) -> None:
    truth, made, mask = pictures
    with pytest.raises(ValueError, match=r"one shape, got \(120, 150, 3\) and \(60, 150, 3\)"):
        psnr(truth, made[:60])
    with pytest.raises(ValueError, match="at least one pixel"):
        psnr(truth, made, 0 * mask > 0)
    with pytest.raises(ValueError, match="at least one pixel"):
        ssim(truth, made, 0 * mask > 0)


@pytest.mark.parametrize(("measure", "package"), [(ssim, "scikit-image"), (flip, "flip-evaluator")])
def test_a_missing_package_is_named(
    pictures: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch, measure: Any, package: str
) -> None:
    genuine = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.split(".")[0] in ("skimage", "flip_evaluator"):
            raise ImportError(name)
        return genuine(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(AvatarError, match=f"needs the package {package}"):
        measure(*pictures)
