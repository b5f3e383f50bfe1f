"""Photos made small for Blender: upright, in proportion, on white."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.methods import METHODS
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def small(photo: Path, width: int = 60, height: int = 80) -> np.ndarray:
    output = photo.with_name("small.npy")
    params = {"photo": str(photo), "width": width, "height": height, "output": str(output)}
    assert METHODS["thumbnail"](params, lambda *_: None) == {"image": str(output)}
    return np.load(output)


def test_it_is_upright_and_keeps_its_proportions(tmp_path: Path) -> None:
    rows = np.zeros((300, 400, 3), np.uint8)
    rows[:, :200] = (255, 0, 0)  # left half red; turned by the camera, red is above
    image = Image.fromarray(rows)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    picture = small(tmp_path / "a.png")
    assert picture.dtype == np.uint8
    assert picture.shape == (80, 60, 3)
    np.testing.assert_array_equal(picture[10, :], [[255, 0, 0]] * 60)
    np.testing.assert_array_equal(picture[70, :], [[0, 0, 0]] * 60)
    assert small(tmp_path / "a.png", 60, 60).shape == (60, 45, 3)


def test_small_photos_stay_and_clear_parts_are_white(tmp_path: Path) -> None:
    rgba = np.zeros((10, 20, 4), np.uint8)
    rgba[:, :10] = (10, 200, 30, 255)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    picture = small(tmp_path / "a.png")
    assert picture.shape == (10, 20, 3)
    np.testing.assert_array_equal(picture[5, 2], (10, 200, 30))
    np.testing.assert_array_equal(picture[5, 15], (255, 255, 255))


def test_what_is_no_photo_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no photo")
    with pytest.raises(AvatarError, match=r"a\.jpg is not an image that can be read here"):
        small(tmp_path / "a.jpg")
