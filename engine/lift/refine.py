"""Refine: make the photo's own view match the photo, through the differentiable rasterizer.

Only Gaussians that the photo shows may change; the others are drawn but frozen, because a fit to one view
would spoil what that view does not see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ..avatar.sh import sh_from_rgb
from ..raster import backward, forward

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.gaussians import Gaussians
    from .observation import Observation

STEPS = 40
_HEIGHT = 800  # pixels of the image that is matched
_RATES = {"colors": 0.02, "opacities": 0.06, "scales": 0.02}
_SMALLEST, _LARGEST = 0.5, 1.6  # how far a scale may move from where it started
_FARTHEST = 0.12  # and a colour: an overfit would show from the next angle


@dataclass(frozen=True)
class Refined:
    """Result of the refinement.

    Args:
        gaussians: Posed, as given, with better colours, opacities and scales.
        psnr_before: Of the photo's view within the person's mask, dB.
        psnr_after: The same afterwards. It measures the fit to this view, not the quality of the avatar.
    """

    gaussians: Gaussians
    psnr_before: float
    psnr_after: float


def refine(
    gaussians: Gaussians,
    free: NDArray[np.bool_],
    clean: NDArray[np.float32],
    seen: Observation,
    report: Callable[[float], None],
) -> Refined:
    """Adjust colour, opacity and size of the free Gaussians.

    Args:
        gaussians: Posed, in the frame of the photo's camera.
        free: Those that may change. [N]
        clean: The photo's colours without background. [H, W, 3]
        seen: The photo.
        report: Told the fraction done.
    """
    factor = min(1.0, _HEIGHT / seen.camera.height)
    camera = seen.camera.scaled(factor)
    size = (camera.width, camera.height)
    target = cv2.resize(clean, size, interpolation=cv2.INTER_AREA)
    alpha = np.asarray(cv2.resize(seen.alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    first = gaussians.colors().astype(np.float32)
    colors = first
    logits = _logit(gaussians.opacities)
    logs = np.log(gaussians.scales)
    start = logs.copy()
    steps = {name: _Adam(rate) for name, rate in _RATES.items()}
    mask = free[:, None]
    before = after = 0.0
    for step in range(STEPS + 1):
        opacities, scales = _sigmoid(logits), np.exp(logs)
        image, context = forward(
            gaussians.means, gaussians.quats, scales, opacities, colors, camera.viewmat, camera.K, *size
        )
        if step in (0, STEPS):
            after = _psnr(image.color, target * alpha[..., None], alpha)
            before = after if step == 0 else before
        if step == STEPS:
            break
        # Over the photo's own colours, so that a hole asks for opacity and never for a brighter neighbour.
        shown = image.color + (1 - image.alpha[..., None]) * target
        v_color = (np.sign(shown - target) * alpha[..., None]).astype(np.float32)
        v_alpha = -(v_color * target).sum(axis=-1) + np.sign(image.alpha - alpha)
        slope = backward(context, v_color, v_alpha.astype(np.float32))
        colors = colors - mask * steps["colors"](slope.colors)
        logits = logits - free * steps["opacities"](slope.opacities * opacities * (1 - opacities))
        logs = logs - mask * steps["scales"](slope.scales * scales)
        logs = np.clip(logs, start + np.log(_SMALLEST), start + np.log(_LARGEST))
        colors = np.clip(colors, first - _FARTHEST, first + _FARTHEST).clip(0, 1).astype(np.float32)
        report((step + 1) / STEPS)
    # Frozen ones keep their bits: an exponential of a logarithm would not.
    better = replace(
        gaussians,
        scales=np.where(mask, np.exp(logs), gaussians.scales),
        opacities=np.where(free, _sigmoid(logits), gaussians.opacities),
        sh=np.where(mask[..., None], sh_from_rgb(colors)[:, None, :], gaussians.sh),
    )
    return Refined(better, before, after)


class _Adam:
    """Kingma and Ba 2015, algorithm 1."""

    def __init__(self, rate: float) -> None:
        self.rate, self.count = rate, 0
        self.mean: Float = np.zeros((), np.float32)
        self.square: Float = np.zeros((), np.float32)

    def __call__(self, gradient: Float) -> Float:
        """The step to subtract."""
        self.count += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.99 * self.square + 0.01 * gradient**2
        mean, square = self.mean / (1 - 0.9**self.count), self.square / (1 - 0.99**self.count)
        return self.rate * mean / (np.sqrt(square) + 1e-8)


def _sigmoid(x: Float) -> Float:
    return 1 / (1 + np.exp(-x))


def _logit(p: Float) -> Float:
    return np.log(p / (1 - p))


def _psnr(image: Float, target: Float, alpha: Float) -> float:
    inside = alpha > 0.5
    return float(-10 * np.log10(np.mean((image - target)[inside] ** 2) + 1e-12))
