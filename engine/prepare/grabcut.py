"""From a rough idea of where a person is to an outline that follows the picture's edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .boxes import Box, limited, mask_box, resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE = 720  # Longer side of what GrabCut sees; its time grows with the number of pixels.
_ITERATIONS = 3
_SMALL_PART = 0.05
_SMALL_HOLE = 0.001
_SEED = 0
_BAND = 0.004  # Half width of the soft edge as a share of the person's size.
_PATTERN = 0.15  # Standard deviation of colours at which a region counts half as plain.
_CONTRAST = 0.2  # Difference of colours, 0..1 per channel, at which mixing is trusted half.


def cut(
    rgb: NDArray[np.uint8], trimap: NDArray[np.uint8], iterations: int = _ITERATIONS
) -> NDArray[np.bool_]:
    """GrabCut from a trimap.

    Args:
        rgb: [H, W, 3]
        trimap: OpenCV's values: GC_BGD, GC_FGD, GC_PR_BGD, GC_PR_FGD. [H, W]
        iterations: Each takes the colours from the last result.

    Returns:
        What is the person. [H, W]
    """
    small = limited(rgb, _SIDE)
    height, width = small.shape[:2]
    labels = cv2.resize(trimap, (width, height), interpolation=cv2.INTER_NEAREST)
    front = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if front.any() and not front.all():
        cv2.setRNGSeed(_SEED)  # It starts from a random clustering of colours.
        models = np.zeros((2, 1, 65), np.float64)
        cv2.grabCut(
            cv2.cvtColor(small, cv2.COLOR_RGB2BGR), labels, (0, 0, 1, 1), models[0], models[1], iterations,
            cv2.GC_INIT_WITH_MASK,
        )  # fmt: skip
        front = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return resized(front.astype(np.float32), rgb.shape[1], rgb.shape[0]) > 0.5


def cut_rectangle(rgb: NDArray[np.uint8], box: Box) -> NDArray[np.bool_]:
    """GrabCut from nothing but a box: what is outside is background.

    Args:
        rgb: [H, W, 3]
        box: Around the person.
    """
    trimap = np.full(rgb.shape[:2], cv2.GC_BGD, np.uint8)
    trimap[box.slices] = cv2.GC_PR_FGD
    return cut(rgb, trimap, iterations=6)


def tidy(
    front: NDArray[np.bool_],
    anchor: NDArray[np.bool_] | None = None,
    gaps: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Keep the largest piece and those above 5 % of it, and fill small holes.

    Args:
        front: [H, W]
        anchor: If given, a smaller piece must touch it to be kept. [H, W]
        gaps: Where even small holes stay open, such as between fingers. [H, W]
    """
    count, found, stats, _ = cv2.connectedComponentsWithStats(front.astype(np.uint8), connectivity=4)
    labels = np.asarray(found, np.int32)
    if count <= 1:
        return front
    areas = stats[1:, cv2.CC_STAT_AREA]
    keep = areas >= _SMALL_PART * areas.max()
    if anchor is not None:
        touching = np.bincount(labels[anchor].ravel(), minlength=count)[1:] > 0
        keep &= touching | (areas == areas.max())
    kept = np.concatenate([[False], keep])[labels]
    return _filled(kept, np.zeros_like(kept) if gaps is None else gaps)


def _filled(front: NDArray[np.bool_], gaps: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Close holes of less than a thousandth of the picture; larger ones are the gaps beside an arm."""
    count, found, stats, _ = cv2.connectedComponentsWithStats((~front).astype(np.uint8), connectivity=4)
    labels = np.asarray(found, np.int32)
    small = stats[:, cv2.CC_STAT_AREA] < _SMALL_HOLE * front.size
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    inner = (left > 0) & (top > 0) & (right < front.shape[1]) & (bottom < front.shape[0])
    fill = small & inner
    fill[0] = False
    return front | (fill[labels] & ~gaps) if count > 1 else front


def soft(rgb: NDArray[np.uint8], front: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Soft edges: how much of each pixel along the outline is the person.

    In a thin band about the outline each pixel is a mixture of the person's colour beside it and the
    background's. Where the two differ, its place between them is the answer; where they do not, the outline,
    smoothed along the picture's edges (guided filter), is.

    Args:
        rgb: [H, W, 3]
        front: [H, W]

    Returns:
        0..1. [H, W]
    """
    box = mask_box(front)
    hard = front.astype(np.float32)
    if box is None or front.all():
        return hard
    band = max(2, round(_BAND * max(box.width, box.height)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inner, outer = cv2.erode(hard, kernel) > 0, cv2.dilate(hard, kernel) > 0
    image = rgb.astype(np.float32) / 255
    mixed, trust = _between(image, _nearby(image, inner, band), _nearby(image, ~outer, band))
    # A pattern on either side cannot be told from a mixture.
    trust *= _plain(image, inner, band) * _plain(image, ~outer, band)
    smooth = cv2.ximgproc.guidedFilter(guide=image, src=hard, radius=max(1, band // 2), eps=1e-4)
    alpha = trust * mixed + (1 - trust) * smooth
    # Noise leaves a veil on either side; stretch it back to full black and white.
    alpha = np.clip((alpha - 0.08) / 0.84, 0, 1)
    return np.where(inner, 1.0, np.where(outer, alpha, 0.0)).astype(np.float32)


def _nearby(image: NDArray[np.float32], where: NDArray[np.bool_], band: int) -> NDArray[np.float32]:
    """Mean colour of the nearest pixels of a region, everywhere. [H, W, 3]"""
    height, width = where.shape
    scale = 1 / max(1.0, band)  # The means are smooth: a pixel per band is enough.
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    weight = resized(where.astype(np.float32), *size)
    weighted = resized(image * where[..., None], *size)
    color = np.broadcast_to(weighted.sum((0, 1)) / max(float(weight.sum()), 1e-4), weighted.shape)
    for sigma in (4.0, 1.5):
        share = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
        local = cv2.GaussianBlur(weighted, (0, 0), sigma) / np.maximum(share, 1e-4)
        color = np.where(share > 1e-3, local, color)
    return resized(color.astype(np.float32), width, height)


def _plain(image: NDArray[np.float32], where: NDArray[np.bool_], band: int) -> NDArray[np.float32]:
    """How free of pattern a region is near each pixel, 0..1. [H, W]"""
    mean = _nearby(image, where, band)
    variance = (_nearby(image**2, where, band) - mean**2).sum(axis=2)
    return _PATTERN**2 / (_PATTERN**2 + np.maximum(variance, 0))


def _between(
    image: NDArray[np.float32], near: NDArray[np.float32], far: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where each colour lies on the way from the background's to the person's, and how far to trust that.

    Returns:
        Share of the person, and trust; both 0..1. [H, W] each
    """
    way = near - far
    length = (way**2).sum(axis=2)
    share = ((image - far) * way).sum(axis=2) / np.maximum(length, 1e-6)
    beside = image - far - way * share[..., None]
    trust = length / (length + _CONTRAST**2) * np.exp(-(beside**2).sum(axis=2) / (0.25 * length + 1e-6))
    return np.clip(share, 0, 1), trust
