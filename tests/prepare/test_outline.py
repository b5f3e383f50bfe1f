"""Masks and their edges on shapes whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.prepare.boxes import Box, clipped, mask_box
from lhm_avatars.engine.prepare.grabcut import cut, cut_rectangle, soft, tidy
from lhm_avatars.engine.prepare.mask import cut_borders, person_trimap

from .conftest import iou

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 240


def disc(radius: float, soft_edge: bool = True) -> NDArray[np.float32]:
    """Share of each pixel that a disc in the middle covers, by 8 × 8 samples. [240, 240]"""
    fine = (np.arange(SIZE * 8) + 0.5) / 8 - SIZE / 2
    inside = (fine[:, None] ** 2 + fine[None] ** 2 < radius**2).astype(np.float32)
    cover = inside.reshape(SIZE, 8, SIZE, 8).mean(axis=(1, 3))
    return cover if soft_edge else (cover > 0.5).astype(np.float32)


def painted(alpha: NDArray[np.float32], grain: float) -> NDArray[np.uint8]:
    rng = np.random.default_rng(1)
    color = alpha[..., None] * (190, 60, 50) + (1 - alpha[..., None]) * (235, 240, 250)
    return np.clip(color + rng.normal(0, grain, color.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("blur", [0.0, 1.2])
def test_soft_finds_how_much_of_a_pixel_is_covered(blur: float) -> None:
    alpha = disc(80)
    if blur:
        alpha = cv2.GaussianBlur(alpha, (0, 0), blur)
    found = soft(painted(alpha, grain=2), alpha > 0.5)
    edge = (alpha > 0.02) & (alpha < 0.98)
    hard_error = np.abs((alpha > 0.5) - alpha)[edge].mean()
    assert np.abs(found - alpha)[edge].mean() < 0.4 * hard_error
    assert np.abs(found - alpha)[~edge].max() < 0.2


def test_soft_repairs_an_outline_that_is_a_pixel_off() -> None:
    alpha = disc(80)
    found = soft(painted(alpha, grain=2), disc(81) > 0.5)
    assert np.abs(found - alpha).mean() < 0.3 * np.abs(disc(81, soft_edge=False) - alpha).mean()


def test_soft_of_nothing_and_of_everything() -> None:
    rgb = painted(disc(80), grain=2)
    assert not soft(rgb, np.zeros((SIZE, SIZE), bool)).any()
    assert soft(rgb, np.ones((SIZE, SIZE), bool)).all()


def test_grabcut_moves_a_rough_outline_to_the_edge() -> None:
    truth = disc(80)
    trimap = np.full((SIZE, SIZE), cv2.GC_BGD, np.uint8)
    trimap[disc(100) > 0.5] = cv2.GC_PR_BGD
    trimap[disc(72) > 0.5] = cv2.GC_PR_FGD
    trimap[disc(50) > 0.5] = cv2.GC_FGD
    assert iou(cut(painted(truth, grain=8), trimap), truth) > 0.98


def test_grabcut_gives_the_same_twice() -> None:
    rgb = painted(disc(80), grain=20)
    box = Box(30, 30, 210, 210)
    np.testing.assert_array_equal(cut_rectangle(rgb, box), cut_rectangle(rgb, box))


def test_grabcut_from_a_rectangle() -> None:
    truth = disc(80)
    assert iou(cut_rectangle(painted(truth, grain=8), Box(30, 30, 210, 210)), truth) > 0.97


def test_tidy_keeps_large_pieces_and_closes_small_holes() -> None:
    front = np.zeros((200, 200), bool)
    front[20:120, 20:120] = True  # 10,000 pixels
    front[50:54, 50:54] = False  # 16 of 40,000: a hole to close
    front[70:90, 70:90] = False  # 400: a gap that stays
    front[150:180, 20:50] = True  # 900: above 5 %
    front[150:160, 150:160] = True  # 100: below
    result = tidy(front)
    assert result[50:54, 50:54].all()
    assert not result[70:90, 70:90].any()
    assert result[150:180, 20:50].all()
    assert not result[150:160, 150:160].any()


def test_tidy_drops_pieces_without_an_anchor_and_leaves_gaps_open() -> None:
    front = np.zeros((200, 200), bool)
    front[20:120, 20:120] = True
    front[50:54, 50:54] = False
    front[150:180, 20:50] = True
    anchor, gaps = np.zeros_like(front), np.zeros_like(front)
    anchor[60, 60] = gaps[40:60, 40:60] = True
    result = tidy(front, anchor, gaps)
    assert not result[150:180, 20:50].any()
    assert not result[50:54, 50:54].any()


def test_cut_borders_names_the_borders_that_are_touched() -> None:
    alpha = np.zeros((100, 80), np.float32)
    alpha[10:90, 20:60] = 1
    assert cut_borders(alpha) == ()
    alpha[40:60, :20] = 1
    alpha[90:, 30:40] = 1
    assert cut_borders(alpha) == ("left", "bottom")
    alpha[40:60, 60:] = 1
    alpha[:10, 30:40] = 1
    assert cut_borders(alpha) == ("left", "right", "top", "bottom")
    assert cut_borders(np.zeros((10, 10), np.float32)) == ()


def test_trimap_never_takes_what_is_somebody_else() -> None:
    """Five pixels: sure, somebody else, a hood the pose model doubts, held in the hand, far away."""
    row = np.ones((1, 5), np.float32)
    person = np.array([[0.97, 0.6, 0.3, 0.6, 0.97]], np.float32)
    others = np.array([[0.0, 0.9, 0.0, 0.0, 0.0]], np.float32)
    far = np.array([[0.0, 0.5, 0.9, 0.9, 3.0]], np.float32)
    hands = np.array([[False, False, False, True, False]])
    trimap = person_trimap(person, row, others, far, np.zeros((1, 5), bool), hands)
    assert trimap[0].tolist() == [cv2.GC_FGD, cv2.GC_BGD, cv2.GC_PR_FGD, cv2.GC_BGD, cv2.GC_BGD]


def test_boxes() -> None:
    mask = np.zeros((50, 60), bool)
    assert mask_box(mask) is None
    mask[10:20, 30:45] = True
    assert mask_box(mask) == Box(30, 10, 45, 20)
    assert Box(30, 10, 45, 20).grown(1.0, (60, 50)) == Box(15, 0, 60, 35)
    assert clipped((-5.5, 70.2, 10.1, 90.0), (60, 50)) == Box(0, 49, 11, 50)
