"""How alike two pictures are: PSNR, SSIM, FLIP. Pictures are display-space colour, 0..1, [H, W, 3].

SSIM and FLIP look at neighbourhoods; both are computed only where either picture is not plain white, and what
is white in both counts as equal. That is exact, and several times faster for a person before white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[np.floating[Any]]
    Mask = NDArray[np.bool_]

_WINDOW = 5  # pixels on each side of SSIM's window: 3.5 standard deviations of 1.5 pixels, rounded
_MARGIN = 12  # pixels of white kept around the person; FLIP's widest filter reaches 10 of them
_WHITE = 1e-3  # a quarter of a step of 8 bits: below that nothing differs from white
_INSTALL = (
    "Run `python dev.py bench quality`, which installs it, or install it into the engine's environment."
)


def psnr(truth: Picture, made: Picture, mask: Mask | None = None) -> float:
    """Peak signal-to-noise ratio for data range 1, dB; infinite for equal pictures.

    Args:
        truth: [H, W, 3]
        made: [H, W, 3]
        mask: Pixels that count; all of them by default. [H, W]

    Raises:
        ValueError: If the pictures differ in shape, or no pixel counts.
    """
    _same_shape(truth, made)
    squared = np.square(np.asarray(truth, np.float64) - made)
    if mask is not None:
        squared = squared[mask]
    if squared.size == 0:
        raise ValueError("mask must hold at least one pixel, got none")
    error = float(squared.mean())
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def ssim(truth: Picture, made: Picture, *masks: Mask) -> tuple[float, ...]:
    """Structural similarity, 1 for equal pictures: Gaussian window of 11 pixels and standard deviation 1.5.

    Those are torchmetrics' settings, as are population statistics, k1 = 0.01, k2 = 0.03 and leaving out the
    border of half a window for the mean over the whole picture. With a mask: the mean over its pixels.

    Args:
        truth: [H, W, 3]
        made: [H, W, 3]
        masks: Sets of pixels to take the mean over as well. [H, W]

    Returns:
        Of the whole picture, then of each mask.

    Raises:
        AvatarError: If scikit-image is missing.

    Source: Wang et al. 2004.
    """
    _same_shape(truth, made)
    similar = _anywhere(_ssim_map, truth, made, elsewhere=1.0)
    inner = similar[_WINDOW:-_WINDOW, _WINDOW:-_WINDOW]
    return float(inner.mean()), *(_mean(similar, mask) for mask in masks)


def flip(truth: Picture, made: Picture, *masks: Mask) -> tuple[float, ...]:
    """Mean LDR-FLIP error at 67 pixels per degree, 0 for equal pictures, 1 at most.

    Args:
        truth: [H, W, 3]
        made: [H, W, 3]
        masks: Sets of pixels to take the mean over as well. [H, W]

    Returns:
        Of the whole picture, then of each mask.

    Raises:
        AvatarError: If flip-evaluator is missing.

    Source: Andersson et al. 2020.
    """
    _same_shape(truth, made)
    errors = _anywhere(_flip_map, truth, made, elsewhere=0.0)
    return float(errors.mean()), *(_mean(errors, mask) for mask in masks)


def silhouette_iou(truth: Picture, made: Picture) -> float:
    """Intersection over union of two alphas, each above one half.

    Args:
        truth: [H, W]
        made: [H, W]
    """
    _same_shape(truth, made)
    first, second = truth > 0.5, made > 0.5
    union = int((first | second).sum())
    return 1.0 if union == 0 else float((first & second).sum()) / union


def _same_shape(truth: Picture, made: Picture) -> None:
    if truth.shape != made.shape:
        raise ValueError(f"pictures must have one shape, got {truth.shape} and {made.shape}")


def _differing(truth: Picture, made: Picture) -> tuple[slice, slice]:
    """The box, with a margin, outside of which both pictures are white; the whole if nothing is drawn."""
    drawn: Mask = np.any((truth < 1 - _WHITE) | (made < 1 - _WHITE), axis=2)
    if not drawn.any():
        return slice(0, truth.shape[0]), slice(0, truth.shape[1])
    return _spanned(drawn.max(axis=1)), _spanned(drawn.max(axis=0))


def _spanned(drawn: Mask) -> slice:
    """From the first to the last that is drawn, with the margin. [L]"""
    found = np.flatnonzero(drawn)
    return slice(max(0, int(found[0]) - _MARGIN), min(len(drawn), int(found[-1]) + 1 + _MARGIN))


def _anywhere(
    measured: Callable[[Picture, Picture], Picture], truth: Picture, made: Picture, elsewhere: float
) -> NDArray[np.float64]:
    """A map that is computed where the pictures differ from white, and is a constant elsewhere. [H, W]"""
    box = _differing(truth, made)
    values = np.full(truth.shape[:2], elsewhere)
    values[box] = measured(truth[box], made[box])
    return values


def _mean(values: NDArray[np.float64], mask: Mask) -> float:
    if not mask.any():
        raise ValueError("mask must hold at least one pixel, got none")
    return float(values[mask].mean())


def _ssim_map(truth: Picture, made: Picture) -> Picture:
    try:
        from skimage.metrics import structural_similarity
    except ImportError as error:
        raise AvatarError(f"SSIM needs the package scikit-image. {_INSTALL}") from error
    return structural_similarity(
        np.asarray(truth, np.float64), np.asarray(made, np.float64), channel_axis=-1, data_range=1.0,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True,
    )[1].mean(axis=2)  # fmt: skip


def _flip_map(truth: Picture, made: Picture) -> Picture:
    try:
        import flip_evaluator
    except ImportError as error:
        raise AvatarError(f"FLIP needs the package flip-evaluator. {_INSTALL}") from error
    first, second = (np.ascontiguousarray(np.clip(p, 0, 1), np.float32) for p in (truth, made))
    return flip_evaluator.evaluate(first, second, "LDR", True, False, False)[0][..., 0]
