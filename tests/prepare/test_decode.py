"""Every kind of image file becomes the same picture, or one sentence."""

from __future__ import annotations

import errno
import hashlib
import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.prepare.decode import WORKING_PIXELS, decode_photo
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HEIGHT, WIDTH = 80, 120


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    """Unlike itself under every rotation and reflection."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([rows * 3, columns * 2, (rows + columns) // 2 + 60], axis=2).astype(np.uint8)


def test_plain_rgb_is_untouched_and_hashed(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path)
    photo = decode_photo(path)
    np.testing.assert_array_equal(photo.rgb, picture)
    assert photo.alpha is None
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (photo.original_size, photo.notes) == ((WIDTH, HEIGHT), ())


def test_gray_becomes_three_equal_channels(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    Image.fromarray(picture[..., 1]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode_photo(tmp_path / "a.png").rgb, np.repeat(picture[..., 1:2], 3, 2))


def test_16_bit_gray_is_scaled_not_clipped(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    photo = decode_photo(tmp_path / "a.png")
    np.testing.assert_allclose(photo.rgb[..., 0], deep / 257.0, atol=0.51)
    assert "more than 8 bits" in photo.notes[0]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_rgb_is_scaled(tmp_path: Path, suffix: str) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), deep[..., ::-1])
    np.testing.assert_allclose(decode_photo(tmp_path / f"a.{suffix}").rgb, deep / 257.0, atol=1.01)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (0.0, 65535.0)])
def test_float_gray_is_scaled(tmp_path: Path, low: float, high: float) -> None:
    ramp = np.linspace(low, high, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
    Image.fromarray(ramp).save(tmp_path / "a.tif")
    rgb = decode_photo(tmp_path / "a.tif").rgb
    np.testing.assert_allclose(rgb[..., 2], np.linspace(0, 255, ramp.size).reshape(ramp.shape), atol=0.51)


def test_cmyk_comes_back_as_the_rgb_it_was_made_from(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    # Uncoated naive CMYK: c = 1 - r and k = 0, so r = 1 - c.
    cmyk = np.concatenate([255 - picture, np.zeros((HEIGHT, WIDTH, 1), np.uint8)], axis=2)
    Image.fromarray(cmyk, "CMYK").save(tmp_path / "a.tif")
    photo = decode_photo(tmp_path / "a.tif")
    np.testing.assert_allclose(photo.rgb, picture, atol=1)
    assert any("CMYK" in note for note in photo.notes)


def test_cmyk_jpeg_is_not_inverted(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    cmyk = np.concatenate([255 - picture, np.zeros((HEIGHT, WIDTH, 1), np.uint8)], axis=2)
    Image.fromarray(cmyk, "CMYK").save(tmp_path / "a.jpg", quality=100)
    assert np.abs(decode_photo(tmp_path / "a.jpg").rgb.astype(int) - picture).mean() < 3


def test_palette_with_a_transparent_entry_has_alpha(tmp_path: Path) -> None:
    indices = np.zeros((HEIGHT, WIDTH), np.uint8)
    indices[:, 60:] = 1
    image = Image.fromarray(indices, "P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.save(tmp_path / "a.png", transparency=0)
    photo = decode_photo(tmp_path / "a.png")
    assert photo.alpha is not None
    assert (photo.alpha[:, :60] == 0).all()
    assert (photo.alpha[:, 60:] == 1).all()
    assert (photo.rgb[:, 60:] == (200, 100, 50)).all()


def test_palette_without_transparency_has_none(tmp_path: Path) -> None:
    image = Image.fromarray(np.ones((HEIGHT, WIDTH), np.uint8), "P")
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.save(tmp_path / "a.gif")
    photo = decode_photo(tmp_path / "a.gif")
    assert photo.alpha is None
    assert (photo.rgb == (200, 100, 50)).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_split_off(tmp_path: Path, picture: NDArray[np.uint8], mode: str) -> None:
    image = Image.fromarray(picture).convert("L" if mode == "LA" else "RGB")
    ramp = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    image.putalpha(Image.fromarray(ramp))
    image.save(tmp_path / "a.png")
    photo = decode_photo(tmp_path / "a.png")
    np.testing.assert_allclose(photo.alpha, ramp / 255.0, atol=1e-6)
    expected = np.asarray(image.convert("RGB"))  # Colours under transparent pixels stay.
    np.testing.assert_array_equal(photo.rgb, expected)


# How a camera stored the upright picture, by the EXIF standard's table of orientations.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_exif_rotation_is_applied_once(tmp_path: Path, picture: NDArray[np.uint8], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](picture))
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    photo = decode_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.rgb, picture)
    assert photo.original_size == (WIDTH, HEIGHT)
    assert bool(photo.notes) == (orientation > 1)


def test_focal_length_is_read(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA405: 50, 0x920A: 7.5})
    Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif)
    photo = decode_photo(tmp_path / "a.jpg")
    assert (photo.focal35, photo.focal) == (50.0, 7.5)


@pytest.mark.parametrize("value", [0, 65535])
def test_orientation_nonsense_is_ignored(tmp_path: Path, picture: NDArray[np.uint8], value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(decode_photo(tmp_path / "a.png").rgb, picture)


@pytest.mark.parametrize(("suffix", "mode"), [("jpg", "RGB"), ("jpg", "L"), ("png", "RGB"), ("png", "P")])
def test_large_photos_are_made_smaller_by_area(tmp_path: Path, suffix: str, mode: str) -> None:
    width, height = 1200, 800
    columns = np.tile(np.linspace(0, 255, width), (height, 1))
    Image.fromarray(columns.astype(np.uint8)).convert(mode).save(tmp_path / f"a.{suffix}")
    photo = decode_photo(tmp_path / f"a.{suffix}", max_pixels=60 * 40)
    assert photo.rgb.shape == (40, 60, 3)
    assert photo.original_size == (width, height)
    assert "1200 × 800 to 60 × 40" in photo.notes[-1]
    means = columns.reshape(40, 20, 60, 20).mean(axis=(1, 3))
    np.testing.assert_allclose(photo.rgb[..., 0], means, atol=2.5)


def test_50_megapixels(tmp_path: Path) -> None:
    Image.linear_gradient("L").resize((8660, 5774)).convert("RGB").save(tmp_path / "a.jpg")
    photo = decode_photo(tmp_path / "a.jpg")
    assert photo.rgb.shape[0] * photo.rgb.shape[1] <= WORKING_PIXELS * 1.001
    assert photo.width / photo.height == pytest.approx(8660 / 5774, rel=1e-3)


def test_a_wide_panorama_keeps_its_height(tmp_path: Path) -> None:
    Image.new("RGB", (8000, 600)).save(tmp_path / "a.jpg")
    photo = decode_photo(tmp_path / "a.jpg")
    assert photo.height > 480  # Limiting the longer side to 2048 would leave 154.


def test_the_first_of_several_frames_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (WIDTH, HEIGHT), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    photo = decode_photo(tmp_path / "a.gif")
    assert (photo.rgb == (255, 0, 0)).all()
    assert "the first was taken" in photo.notes[0]


def test_a_broken_colour_profile_is_said(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png", icc_profile=b"no profile")
    photo = decode_photo(tmp_path / "a.png")
    np.testing.assert_array_equal(photo.rgb, picture)
    assert "colour profile" in photo.notes[0]


def _png_start(width: int, height: int) -> bytes:
    """A PNG file that ends where its pixels begin."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 1000) + b"IDAT" + bytes(16)


def _jpeg(size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is an empty file. Copy or export"),
        (b"This is a letter, not a picture.", "is not an image that can be read here"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC photos from a phone"),
        (_jpeg()[:1500], "is damaged or incomplete"),
        (_png_start(300, 300), "is damaged or incomplete"),
        (_png_start(40000, 40000), "megapixels. Save a smaller copy"),
        (_jpeg((50, 200)), "is only 50 × 200 pixels. Choose one with at least 64"),
    ],
    ids=["empty", "text", "heic", "cut short", "no pixels", "absurd size", "tiny"],
)
def test_bad_files_end_in_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(AvatarError, match=r"^photo\.jpg") as caught:
        decode_photo(path)
    assert sentence in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"There is no photo at .*nothing\.jpg\. Check the path"):
        decode_photo(tmp_path / "nothing.jpg")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"is a folder, not a photo\. Choose"):
        decode_photo(tmp_path)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read by you. Change"),
        (OSError(errno.EIO, "Input/output error"), r"cannot be read \(Input/output error\). Copy"),
    ],
)
def test_a_file_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, sentence: str
) -> None:
    # Simulated: the superuser, as whom tests may run, may read everything.
    path = tmp_path / "a.jpg"
    path.write_bytes(_jpeg())

    def refuse(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(AvatarError, match=sentence):
        decode_photo(path)
