"""The network's pictures: where the person is, how sharp, how clean the edges, and what is said."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.lhm.enlarge import Enlarger
from lhm_avatars.engine.lhm.photo import full_photo, network_photo
from lhm_avatars.engine.network.body_image import body_image
from lhm_avatars.engine.network.head_image import head_image, head_square
from lhm_avatars.engine.prepare.decode import decode_photo
from lhm_avatars.engine.prepare.person import prepare
from PIL import Image
from safetensors.numpy import load_file

from .photos import bar, overlap, prepared_photo

if TYPE_CHECKING:
    from lhm_avatars.engine.lhm.photo import NetworkPhoto
    from lhm_avatars.engine.prepare.person import PreparedPhoto

GOLDEN = Path(__file__).parent.parent / "goldens" / "lhm" / "h_image_preprocess.safetensors"
RED, GREEN = np.array([200.0, 30.0, 40.0]), np.array([20.0, 180.0, 60.0])


@pytest.fixture(scope="session")
def half_body(root: Path) -> PreparedPhoto:
    return prepare(root / "assets" / "example_half_body.jpg")


def golden(name: str) -> PreparedPhoto:
    """A photo that the official code was given."""
    tensors = load_file(GOLDEN)
    return prepared_photo(tensors[f"in.{name}.rgb_uint8"], tensors[f"in.{name}.mask_uint8"] / 255)


def shift(one: np.ndarray, two: np.ndarray) -> float:
    """Pixels by which the middles of two masks are apart."""
    rows, columns = np.indices(one.shape)
    middles = [((mask * columns).sum() / mask.sum(), (mask * rows).sum() / mask.sum()) for mask in (one, two)]
    return math.dist(*middles)


@pytest.mark.parametrize("name", ["narrow", "wide"])
def test_best_shows_the_person_where_the_official_code_does(name: str) -> None:
    best, official = (network_photo(golden(name), 1024, 448, mode=mode) for mode in ("best", "official"))
    assert overlap(best.mask, official.mask) >= 0.99
    assert shift(best.mask, official.mask) < 0.5


def test_best_agrees_with_official_on_photos(prepared: PreparedPhoto, half_body: PreparedPhoto) -> None:
    for one in (prepared, half_body):
        best, official = (network_photo(one, 1024, 448, mode=mode) for mode in ("best", "official"))
        assert best.body.shape == official.body.shape == (1694, 1022, 3)
        assert overlap(best.mask, official.mask) >= 0.99
        assert shift(best.mask, official.mask) < 0.5
        assert np.abs(best.body - official.body).mean() < 0.01


def test_nobody_is_cut() -> None:
    # The official code shows the middle only of this one, who is as tall as the photo.
    made = golden("touching_border")
    best, official = (network_photo(made, 1024, 448, mode=mode) for mode in ("best", "official"))
    assert (official.mask > 0.5)[[0, -1]].any(axis=1).all()
    rows = np.flatnonzero((made.matte.alpha > 0.5).any(axis=1))
    columns = np.flatnonzero((made.matte.alpha > 0.5).any(axis=0))
    step = best.report["photo_pixels_per_pixel"]
    shown = best.mask > 0.5
    assert shown.any(axis=1).sum() * step == pytest.approx(rows[-1] + 1 - rows[0], abs=1.5)
    assert shown.any(axis=0).sum() * step == pytest.approx(columns[-1] + 1 - columns[0], abs=1.5)


def grating(period: float, height: int, width: int, box: tuple[int, int, int, int]) -> PreparedPhoto:
    """Somebody rectangular in fine horizontal stripes."""
    rows = 127.5 + 100 * np.sin(2 * np.pi * (np.arange(height) + 0.5) / period)
    rgb = np.broadcast_to(rows[:, None, None], (height, width, 3)).astype(np.uint8)
    return prepared_photo(np.ascontiguousarray(rgb), bar(height, width, box))


def contrast(photo: NetworkPhoto) -> float:
    """Amplitude of the stripes inside the person, 0..1."""
    inner = photo.body[600:1100, 480:540, 0]
    return float(inner.mean(axis=1).std() * math.sqrt(2))


def test_stripes_finer_than_the_official_bottleneck_stay() -> None:
    period = 5.0
    made = grating(period, 2000, 900, (250, 60, 650, 1940))
    best, official = (network_photo(made, 1024, 448, mode=mode) for mode in ("best", "official"))
    step = best.report["photo_pixels_per_pixel"]
    # In closed form: the mean over a pixel's length, of pixels that are each one colour.
    expected = 100 / 255 * np.sinc(step / period) * np.sinc(1 / period)
    assert 1 < step < 1.3
    assert contrast(best) == pytest.approx(expected, rel=0.05)
    assert contrast(official) < 0.65 * expected


def soft_disk(height: int, width: int, blur: float) -> np.ndarray:
    alpha = np.zeros((height, width), np.float32)
    cv2.ellipse(alpha, (width // 2, height // 2), (90, 240), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(alpha, (0, 0), blur)


@pytest.mark.parametrize("grown", [0, 3])
def test_no_background_shows_at_the_edge(grown: int) -> None:
    alpha = soft_disk(600, 400, 1.5)
    rgb = np.round(alpha[..., None] * RED + (1 - alpha[..., None]) * GREEN).astype(np.uint8)
    # A matte that is a little too wide would make a green fringe.
    matte = cv2.dilate(alpha, np.ones((grown, grown), np.uint8)) if grown else alpha
    photo = network_photo(prepared_photo(rgb, matte), 512, 448)
    cover = photo.mask[..., None]
    assert np.abs(photo.body - (cover * RED / 255 + 1 - cover)).max() < 0.03
    official = network_photo(prepared_photo(rgb, matte), 512, 448, mode="official")
    cover = official.mask[..., None]
    assert np.abs(official.body - (cover * RED / 255 + 1 - cover)).max() > 0.1  # so the test can fail


def test_edges_are_soft() -> None:
    photo = network_photo(
        prepared_photo(np.zeros((600, 400, 3), np.uint8), soft_disk(600, 400, 1.5)), 512, 448
    )
    assert ((photo.mask > 0.1) & (photo.mask < 0.9)).sum() > 1000


def test_someone_wide_gets_white_above() -> None:
    made = prepared_photo(np.full((300, 600, 3), 90, np.uint8), bar(300, 600, (50, 120, 550, 250)))
    with pytest.raises(AvatarError, match="wider than tall"):
        network_photo(made, 512, 448, mode="official")
    photo = network_photo(made, 512, 448)
    rows = np.flatnonzero((photo.mask > 0.5).any(axis=1))
    columns = np.flatnonzero((photo.mask > 0.5).any(axis=0))
    scale = photo.report["photo_pixels_per_pixel"]
    assert len(rows) * scale == pytest.approx(130, abs=2)
    assert len(columns) * scale == pytest.approx(500, abs=2)
    assert rows[0] > 600  # who stands at the bottom
    assert any("White was added above" in sentence for sentence in photo.report["sentences"])


def test_someone_at_a_side_border_is_in_the_middle() -> None:
    made = prepared_photo(np.full((400, 500, 3), 90, np.uint8), bar(400, 500, (0, 20, 120, 380)))
    photo = network_photo(made, 512, 448)
    columns = np.flatnonzero((photo.mask > 0.5).any(axis=0))
    off = (columns.mean() + 0.5 - photo.mask.shape[1] / 2) * photo.report["photo_pixels_per_pixel"]
    assert abs(off) < 1.5  # the official rounding
    assert photo.box[0] < 0
    assert photo.mask[400, columns[0] + 1] == 1  # the border is no soft edge


def test_a_large_photo_is_read_again_with_all_its_pixels(tmp_path: Path) -> None:
    size = (2400, 2000)
    rgb = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "large.png")
    small = decode_photo(tmp_path / "large.png")
    assert small.rgb.shape[0] < size[0]
    alpha = bar(*small.rgb.shape[:2], (600, 100, 1000, 1800))
    made = replace(prepared_photo(small.rgb, alpha), photo=small)
    assert np.array_equal(full_photo(made), rgb)
    photo = network_photo(made, 1024, 448)
    ratio = size[0] / small.rgb.shape[0]
    assert photo.report["person_height"] == pytest.approx(1700 * ratio, abs=2)
    assert photo.box[1] == pytest.approx((100 - 0.05 * 1700) * ratio, abs=3)
    assert photo.report["sentences"][0] == "All 2000 × 2400 pixels of the photo were used."
    Image.fromarray(rgb[::-1]).save(tmp_path / "large.png")
    with pytest.raises(AvatarError, match="has changed"):
        full_photo(made)


def test_the_official_head_is_the_official_codes(prepared: PreparedPhoto) -> None:
    box = (300.0, 40.0, 420.0, 190.0)
    photo = network_photo(prepared, 512, 448, mode="official", head_box=box)
    assert np.array_equal(photo.head, head_image(prepared.photo.rgb, head_square(box)))


def test_the_users_head_box_wins_and_is_cut_at_the_networks_size() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (600, 400, 3), np.uint8)
    made = prepared_photo(rgb, bar(600, 400, (100, 50, 300, 560)))
    side = 165
    photo = network_photo(made, 512, side, head_box=(150, 100, 250, 200))  # the square is 1.65 times that
    left, top, right, bottom = photo.head_square
    assert (right - left, bottom - top) == (side, side)
    assert photo.head == pytest.approx(rgb[top:bottom, left:right] / 255, abs=1e-6)
    assert photo.head_found
    assert photo.report["head_source"] == "your box"


def test_a_head_at_the_border_keeps_its_proportions_and_grows_no_tower() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (300, 200, 3), np.uint8)
    made = prepared_photo(rgb, bar(300, 200, (80, 0, 180, 280)))
    photo = network_photo(made, 512, 132, head_box=(60, -20, 140, 60))
    left, top, right, bottom = photo.head_square
    assert (left, top, right, bottom) == (34, -46, 166, 86)
    assert photo.head[46:] == pytest.approx(rgb[:86, 34:166] / 255, abs=1e-6)
    # Above, each column goes on where there is background, and the last such column where there is none.
    beside = np.concatenate([rgb[0, 34:80], np.broadcast_to(rgb[0, 79], (60, 3))]) / 255
    assert photo.head[:46, :106] == pytest.approx(np.broadcast_to(beside, (46, 106, 3)), abs=1e-6)
    assert any("46 pixels at the top" in sentence for sentence in photo.report["sentences"])


def test_a_picture_full_of_person_goes_on() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (300, 200, 3), np.uint8)
    made = prepared_photo(rgb, np.ones((300, 200), np.float32))
    photo = network_photo(made, 512, 132, head_box=(60, -20, 140, 60))
    assert photo.head[:46] == pytest.approx(np.broadcast_to(rgb[0, 34:166] / 255, (46, 132, 3)), abs=1e-6)


def test_only_a_small_head_is_enlarged() -> None:
    made = prepared_photo(np.full((600, 400, 3), 90, np.uint8), bar(600, 400, (100, 50, 300, 560)))
    seen = []

    def double(image: np.ndarray) -> np.ndarray:
        seen.append(image.shape)
        return np.ones((2 * image.shape[0], 2 * image.shape[1], 3), np.float32)

    enlarger = Enlarger("double.pth", 2, double)
    photo = network_photo(made, 512, 448, head_box=(150, 100, 250, 200), enlarger=enlarger)
    assert seen == [(165, 165, 3)]
    assert photo.head.shape == (448, 448, 3)
    assert photo.head.min() == pytest.approx(1)
    assert any("enlarged by double.pth" in sentence for sentence in photo.report["sentences"])
    network_photo(made, 512, 200, head_box=(150, 100, 250, 200), enlarger=enlarger)
    assert len(seen) == 1
    official = network_photo(
        made, 512, 448, mode="official", head_box=(150, 100, 250, 200), enlarger=enlarger
    )
    assert seen[1] == (112, 112, 3)
    assert official.head.shape == (448, 448, 3)


def test_the_detectors_head_must_be_the_persons() -> None:
    made = prepared_photo(np.full((600, 400, 3), 90, np.uint8), bar(600, 400, (250, 50, 350, 560)))
    heads = [(10.0, 10.0, 200.0, 200.0), (260.0, 50.0, 340.0, 150.0)]
    photo = network_photo(made, 512, 448, detector=lambda _: heads)
    assert photo.report["head_source"] == "LHM's own head detector"
    assert photo.head_square == (*head_square(heads[1])[:3], photo.head_square[3])
    nobody = network_photo(made, 512, 448, detector=lambda _: heads[:1])
    assert nobody.report["head_source"] == "the body's landmarks"
    assert any("guessed from the body" in sentence for sentence in nobody.warnings)


def test_no_head_is_said_plainly() -> None:
    made = prepared_photo(np.full((600, 400, 3), 90, np.uint8), bar(600, 400, (250, 50, 350, 560)))
    hidden = replace(made, keypoints=replace(made.keypoints, visibility=np.zeros(33)))
    photo = network_photo(hidden, 512, 448)
    assert not photo.head_found
    assert photo.head_square is None
    assert photo.head.shape == (448, 448, 3)
    assert photo.head.max() == 0
    assert any("No head was found" in sentence for sentence in photo.warnings)


def test_few_pixels_are_warned_of() -> None:
    made = prepared_photo(np.full((200, 200, 3), 90, np.uint8), bar(200, 200, (80, 50, 110, 140)))
    photo = network_photo(made, 512, 448)
    assert any("only 90 pixels tall" in sentence for sentence in photo.warnings)
    assert any(sentence.startswith("The head has only") for sentence in photo.warnings)


@pytest.mark.parametrize(
    ("box", "words"), [((100, 100, 100, 200), "is empty"), ((500, 10, 600, 90), "beside the photo")]
)
def test_a_useless_head_box_is_the_users_to_mend(box: tuple[int, ...], words: str) -> None:
    made = prepared_photo(np.full((600, 400, 3), 90, np.uint8), bar(600, 400, (100, 50, 300, 560)))
    with pytest.raises(AvatarError, match=words):
        network_photo(made, 512, 448, head_box=box)


def test_modes_have_names() -> None:
    made = prepared_photo(np.full((600, 400, 3), 90, np.uint8), bar(600, 400, (100, 50, 300, 560)))
    with pytest.raises(ValueError, match="mode must be 'best' or 'official', got 'fast'"):
        network_photo(made, 512, 448, mode="fast")


def test_the_official_mode_is_body_image(prepared: PreparedPhoto) -> None:
    mask = np.where(prepared.matte.alpha > 0.5, 255, 0).astype(np.uint8)
    expected = body_image(prepared.photo.rgb, mask, 512)
    assert np.array_equal(network_photo(prepared, 512, 448, mode="official").body, expected.rgb)
