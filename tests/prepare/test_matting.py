"""Mattes and foreground colours of pictures that were mixed from known ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.prepare.evidence import gather_evidence
from lhm_avatars.engine.prepare.foreground import foreground_colors
from lhm_avatars.engine.prepare.mask import softened
from lhm_avatars.engine.prepare.matting import solve_alpha
from lhm_avatars.engine.prepare.outline import Outline, doubt_about, refine_outline

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 160


def ramp_disc(radius: float, width: float) -> NDArray[np.float32]:
    """A disc in the middle whose edge falls from 1 to 0 over some pixels. [160, 160]"""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    return np.clip((radius - np.hypot(x, y)) / width + 0.5, 0, 1).astype(np.float32)


def sheets() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smooth colours of a person and of a background. [160, 160, 3] each"""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    person = np.stack([0.7 + 0.2 * np.sin(5 * x), 0.3 + 0.1 * y, 0.2 + 0.1 * np.cos(4 * y)], axis=2)
    wall = np.stack([0.2 + 0.1 * y, 0.6 + 0.2 * np.sin(4 * x), 0.8 - 0.2 * x], axis=2)
    return person.astype(np.float32), wall.astype(np.float32)


def mixed(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    person, wall = sheets()
    return alpha[..., None] * person + (1 - alpha[..., None]) * wall


def test_alpha_of_a_known_mixture_is_recovered_from_a_wide_band() -> None:
    truth = ramp_disc(45, 6)
    band = np.abs(ramp_disc(45, 30) - 0.5) < 0.5
    start = (truth > 0.5).astype(np.float32)
    found = solve_alpha(mixed(truth), start, np.zeros_like(truth), band, iterations=2000)
    assert np.abs(found - truth)[band].mean() < 0.01
    assert np.abs(start - truth)[band].mean() > 0.05  # where it came from


def test_alpha_is_the_minimum_of_levins_quadratic_form() -> None:
    """A second implementation: the dense matrix of equation 12, solved directly."""
    rng = np.random.default_rng(0)
    image = rng.uniform(size=(8, 9, 3)).astype(np.float32)
    prior = rng.uniform(size=(8, 9)).astype(np.float32)
    unknown = np.zeros((8, 9), bool)
    unknown[2:6, 2:7] = True
    weight = np.full((8, 9), 0.3, np.float32)
    epsilon = 1e-3
    laplacian = np.zeros((72, 72))
    index = np.arange(72).reshape(8, 9)
    for y in range(1, 7):
        for x in range(1, 8):
            window = index[y - 1 : y + 2, x - 1 : x + 2].ravel()
            colors = image.reshape(-1, 3)[window].astype(np.float64)
            away = colors - colors.mean(axis=0)
            inverse = np.linalg.inv(away.T @ away / 9 + epsilon / 9 * np.eye(3))
            laplacian[np.ix_(window, window)] += np.eye(9) - (1 + away @ inverse @ away.T) / 9
    free = unknown.ravel()
    left = laplacian[np.ix_(free, free)] + 0.3 * np.eye(int(free.sum()))
    right = 0.3 * prior.ravel()[free] - laplacian[np.ix_(free, ~free)] @ prior.ravel()[~free]
    expected = prior.copy()
    expected[unknown] = np.clip(np.linalg.solve(left, right), 0, 1)
    found = solve_alpha(image, prior, weight, unknown, epsilon=epsilon, iterations=500)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_known_pixels_and_pictures_without_unknown_ones_are_left_alone() -> None:
    truth = ramp_disc(45, 6)
    none = np.zeros((SIDE, SIDE), bool)
    np.testing.assert_array_equal(solve_alpha(mixed(truth), truth, truth, none), truth)
    band = np.abs(ramp_disc(45, 10) - 0.5) < 0.5
    found = solve_alpha(mixed(truth), (truth > 0.5).astype(np.float32), np.zeros_like(truth), band)
    np.testing.assert_array_equal(found[~band], truth[~band] > 0.5)


@pytest.mark.parametrize("width", [3.0, 12.0])
def test_foreground_colours_of_a_known_mixture_are_recovered(width: float) -> None:
    truth = ramp_disc(45, width)
    person, wall = sheets()
    front, back = foreground_colors(mixed(truth), truth)
    soft = (truth > 0.02) & (truth < 0.98)
    raw = np.abs(mixed(truth) - person)[soft].mean()
    assert raw > 0.15
    assert np.abs(front - person)[soft].mean() < 0.02
    assert np.abs(back - wall)[soft].mean() < 0.02
    share = truth[..., None]
    np.testing.assert_allclose(share * front + (1 - share) * back, mixed(truth), atol=0.02)


def test_foreground_colours_reach_out_of_the_person() -> None:
    alpha = ramp_disc(45, 3)
    picture = alpha[..., None] * (0.8, 0.3, 0.2) + (1 - alpha[..., None]) * np.array((0.1, 0.9, 0.9))
    front, _ = foreground_colors(picture.astype(np.float32), alpha)
    assert np.abs(front[ramp_disc(60, 3) > 0.5] - (0.8, 0.3, 0.2)).max() < 0.03


def scene() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A disc of the person's colours before a wall, with grain, and its truth."""
    truth = ramp_disc(45, 2)
    grain = np.random.default_rng(0).normal(0, 0.02, (SIDE, SIDE, 3))
    return (np.clip(mixed(truth) + grain, 0, 1) * 255).astype(np.uint8), truth


def likely_of(radius: float) -> NDArray[np.float32]:
    """A pose model's blurred opinion."""
    return cv2.GaussianBlur(ramp_disc(radius, 2), (0, 0), 3)


def refined(rgb: NDArray[np.uint8], front: NDArray[np.bool_], likely: NDArray[np.float32]) -> Outline:
    return refine_outline(rgb, front, likely, cut=front, fingers=np.zeros_like(front))


def test_a_sliver_of_wall_in_the_rough_mask_is_taken_out() -> None:
    rgb, truth = scene()
    front = truth > 0.5
    sliver = np.zeros_like(front)
    sliver[70:90, 124:128] = True  # a strip of wall beside the disc
    found = refined(rgb, front | sliver, likely_of(45))
    assert found.alpha[sliver & (truth == 0)].max() < 0.1
    assert np.abs(found.alpha - truth).mean() < 0.005


def test_what_the_rough_mask_cut_off_comes_back() -> None:
    rgb, truth = scene()
    bitten = truth > 0.5
    bitten[75:85, 118:] = False
    found = refined(rgb, bitten, likely_of(45))
    assert (found.alpha[75:85, 118:122] > 0.9).all()


def test_a_hole_that_was_closed_is_opened_again_if_the_wall_shows_in_it() -> None:
    rgb, truth = scene()
    hole = np.zeros((SIDE, SIDE), bool)
    hole[76:84, 108:117] = True  # its wall is the wall beside the disc
    rgb[hole] = rgb[76:84, 135:144].reshape(-1, 3)
    front = truth > 0.5
    opened = refine_outline(rgb, front, likely_of(45), cut=front & ~hole, fingers=np.zeros_like(front))
    assert opened.alpha[79:81, 111:114].max() < 0.2


def test_fingers_stay_however_little_speaks_for_them() -> None:
    rgb, truth = scene()
    line = np.zeros((SIDE, SIDE), bool)
    line[78:82, 120:132] = True
    front = (truth > 0.5) | line
    without = refined(rgb, front, likely_of(45))
    kept = refine_outline(rgb, front, likely_of(45), cut=front, fingers=line)
    assert without.alpha[79:81, 128:130].max() < 0.5 < kept.alpha[79:81, 128:130].min()


def test_the_same_colours_on_both_sides_are_doubtful() -> None:
    rgb, truth = scene()
    clear = refined(rgb, truth > 0.5, likely_of(45))
    plain = np.full_like(rgb, 128) + np.random.default_rng(0).integers(0, 9, rgb.shape).astype(np.uint8)
    same = refined(plain, truth > 0.5, likely_of(45))
    assert doubt_about(clear) == (pytest.approx(doubt_about(clear)[0]), ())
    assert doubt_about(clear)[0] < 0.4 < 0.9 < doubt_about(same)[0]
    assert "the background has the person's colours" in doubt_about(same)[1][0]


def test_each_doubt_has_its_sentence() -> None:
    alpha = np.zeros((2, 2), np.float32)
    assert "shape and colours say different things" in doubt_about(Outline(alpha, 0.15, 0.0, 1.0))[1][0]
    assert "the models disagree" in doubt_about(Outline(alpha, 0.0, 0.0, 0.7))[1][0]
    assert doubt_about(Outline(alpha, 0.0, 0.0, 1.0)) == (0.0, ())


def test_nothing_and_everything_need_no_outline() -> None:
    rgb, _ = scene()
    for value in (False, True):
        front = np.full((SIDE, SIDE), value)
        assert (refined(rgb, front, front.astype(np.float32)).alpha == value).all()


def test_colours_speak_for_whom_they_belong_to() -> None:
    rgb, truth = scene()
    none = np.zeros((SIDE, SIDE), bool)
    # The model knows nothing: an opinion of one half everywhere near.
    evidence = gather_evidence(rgb, truth > 0.5, np.full((SIDE, SIDE), 0.5, np.float32), none)
    assert np.abs(evidence.shape).max() < 1e-6
    assert (evidence.color[evidence.unsure & (truth == 1)] > 1).mean() > 0.9
    assert (evidence.color[evidence.unsure & (truth == 0)] < -1).mean() > 0.9


def test_a_hard_mask_is_softened_by_a_pixel_and_a_soft_one_is_not() -> None:
    soft = ramp_disc(45, 3)
    np.testing.assert_array_equal(softened(soft), soft)
    hard = (soft > 0.5).astype(np.float32)
    found = softened(hard)
    assert ((found > 0.05) & (found < 0.95)).any()
    np.testing.assert_array_equal(found > 0.5, hard > 0.5)
    inner = cv2.erode(hard, np.ones((3, 3), np.uint8)) > 0
    outer = cv2.dilate(hard, np.ones((3, 3), np.uint8)) == 0
    assert (found[inner] == 1).all()
    assert (found[outer] == 0).all()
