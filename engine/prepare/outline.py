"""From a rough mask to a matte: move the outline where shape and local colours agree, then make it soft."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from .boxes import resized
from .evidence import distances, gather_evidence, person_size
from .grabcut import soft, tidy
from .matting import solve_alpha

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .evidence import Evidence

WORKING_SIZE = 1024
"""Pixels of the person's longer side at which outlines are refined; the crop has no more either."""

_CLIP = 6.0
_BLUR = 0.0015  # Shares of the person's size from here on: the grain of decisions,
_FREE = 0.003  # the band in which colours alone decide alpha,
_HELD = 0.005  # over which they lose their say to the evidence,
_BAND = 0.012  # and the band that is solved for at least.
_PULL, _LEAST_PULL = 0.02, 0.002  # Of the evidence against the matting Laplacian's entries of about 1.
_PLAIN_PULL = 0.05  # The same where colours cannot tell; without it a veil spreads there.
_TOLD = 3.0  # Log odds of colours at which they tell all.
_VEIL = 0.05
_RING = 0.015  # Share of the person's size about the outline in which witnesses are asked whether they agree.
_AMBIGUOUS, _CONTRADICTED, _APART = 0.5, 0.2, 0.3  # At these shares nothing is to be trusted any more.
_OPINION = 1.0  # Log odds from which on a witness has an opinion.


@dataclass(frozen=True)
class Outline:
    """A matte, and how far its witnesses agree.

    Args:
        alpha: 0..1. [H, W]
        contradicted: Share of the surroundings of the outline where shape or colours speak against it, 0..1.
        ambiguous: The same, where person and background have the same colours, 0..1.
        overlap: Intersection over union with the pose model's silhouette, 0..1.
    """

    alpha: NDArray[np.float32]
    contradicted: float
    ambiguous: float
    overlap: float


def refine_outline(
    rgb: NDArray[np.uint8],
    front: NDArray[np.bool_],
    likely: NDArray[np.float32],
    *,
    cut: NDArray[np.bool_],
    fingers: NDArray[np.bool_],
) -> Outline:
    """A soft matte from a rough mask.

    Args:
        rgb: [H, W, 3]
        front: The rough mask, with its small holes closed. [H, W]
        likely: The pose model's probability of the person, 0..1. [H, W]
        cut: The mask before its holes were closed; they are looked at again. [H, W]
        fingers: What is surely a finger, however thin. [H, W]
    """
    size = person_size(front)
    if size == 0 or front.all():
        return Outline(front.astype(np.float32), 0.0, 0.0, 1.0)
    height, width = front.shape
    scale = min(1.0, WORKING_SIZE / size)
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    view = resized(rgb, *small)
    found = _refined(
        view,
        resized(front.astype(np.float32), *small) > 0.5,
        resized(likely, *small),
        resized(cut.astype(np.float32), *small) > 0.5,
        resized(fingers.astype(np.float32), *small) > 0.5,
    )
    return replace(found, alpha=resized(found.alpha, width, height))


def _refined(
    rgb: NDArray[np.uint8],
    front: NDArray[np.bool_],
    likely: NDArray[np.float32],
    cut: NDArray[np.bool_],
    fingers: NDArray[np.bool_],
) -> Outline:
    size = person_size(front)
    doubted = front & ~cut & ~fingers
    evidence = gather_evidence(rgb, front, likely, doubted)
    odds = _weighed(evidence, front, front & cut, fingers, size)
    # The colours of a second look are those on either side of the first one's outline.
    evidence = gather_evidence(rgb, odds > 0, likely, doubted)
    odds = _weighed(evidence, odds > 0, odds > 0, fingers, size)
    front = odds > 0
    alpha = _soft(rgb, front, odds, evidence, fingers)
    alpha = _whole(alpha, size)
    mine, theirs = alpha > 0.5, likely > 0.5
    overlap = float((mine & theirs).sum() / max(1, (mine | theirs).sum()))
    return Outline(alpha, *_agreement(alpha, evidence, size), overlap)


def _weighed(
    evidence: Evidence,
    front: NDArray[np.bool_],
    known: NDArray[np.bool_],
    fingers: NDArray[np.bool_],
    size: int,
) -> NDArray[np.float32]:
    """Log odds of the person from all witnesses, the mask so far being one of them. [H, W]"""
    odds = np.clip(evidence.shape + evidence.color + np.where(known, 1.0, -1.0), -_CLIP, _CLIP)
    odds = np.where(evidence.unsure, odds, np.where(front, _CLIP, -_CLIP))
    odds = np.where(fingers, _CLIP, odds).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(odds, (0, 0), max(0.5, _BLUR * size)), np.float32)


def _soft(
    rgb: NDArray[np.uint8],
    front: NDArray[np.bool_],
    odds: NDArray[np.float32],
    evidence: Evidence,
    known: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Closed-form matting in a band about the outline and wherever the evidence is weak. [H, W]"""
    size = person_size(front)
    away = np.maximum(*distances(front))
    trust = np.abs(np.tanh(odds / 2))
    pull = _PULL * trust**2 * np.clip((away - _FREE * size) / (_HELD * size), 0, 1)
    pull += _LEAST_PULL + _PLAIN_PULL * (1 - _contrast(evidence, size)) ** 2
    unknown = (away < max(3.0, _BAND * size)) | ((trust < 0.9) & evidence.unsure)
    unknown &= ~known
    prior = np.where(away < 1.5 * _FREE * size, soft(rgb, front), front).astype(np.float32)
    image = rgb.astype(np.float32) / 255
    alpha = solve_alpha(image, np.where(unknown, prior, front).astype(np.float32), pull, unknown)
    # A faint veil on either side is noise; stretch it back to full black and white.
    return np.clip((alpha - _VEIL) / (1 - 2 * _VEIL), 0, 1)


def _contrast(evidence: Evidence, size: int) -> NDArray[np.float32]:
    """How well the colours about each pixel tell person from background, 0..1. [H, W]"""
    sigma = max(1.0, _BAND / 2 * size)
    weight = cv2.GaussianBlur(evidence.unsure.astype(np.float32), (0, 0), sigma)
    color = cv2.GaussianBlur((np.abs(evidence.color) * evidence.unsure).astype(np.float32), (0, 0), sigma)
    return np.clip(color / np.maximum(weight, 1e-3) / _TOLD, 0, 1)


def _whole(alpha: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Without what hangs together with nothing. [H, W]"""
    front = alpha > 0.5
    kept = tidy(front, gaps=np.ones_like(front))
    near = distances(kept)[1] < max(3.0, _BAND * size)
    return np.where(kept | (near & ~front), alpha, 0).astype(np.float32)


def _agreement(alpha: NDArray[np.float32], evidence: Evidence, size: int) -> tuple[float, float]:
    """Shares of the surroundings of the outline that are contradicted, and that are ambiguous."""
    front = alpha > 0.5
    away = np.maximum(*distances(front))
    ring = (away > max(2.0, _FREE * size)) & (away < max(6.0, _RING * size))
    if not ring.any():
        return 0.0, 0.0
    side = np.where(front, 1, -1)[ring]
    shape, color = evidence.shape[ring] * side, evidence.color[ring] * side
    contradicted = (shape < -_OPINION) | (color < -_OPINION)
    return float(contradicted.mean()), float((np.abs(color) < _OPINION).mean())


def doubt_about(outline: Outline) -> tuple[float, tuple[str, ...]]:
    """How little a matte is to be trusted, 0..1, and why, in sentences for the user; none below one half."""
    parts = (
        (
            outline.ambiguous / _AMBIGUOUS,
            "along much of the outline the background has the person's colours.",
        ),
        (
            outline.contradicted / _CONTRADICTED,
            "along the outline, shape and colours say different things.",
        ),
        ((1 - outline.overlap) / _APART, "the models disagree about what belongs to the person."),
    )
    doubt = float(np.clip(max(share for share, _ in parts), 0, 1))
    reasons = [reason for share, reason in parts if share >= 0.5]
    return doubt, tuple(
        f"The cut-out is doubtful: {reason} Look at it, and paint a mask if it is wrong."
        for reason in reasons
    )
