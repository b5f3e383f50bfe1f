"""Photos that came in upside down or nearly black, and drawings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from lhm_avatars.engine.prepare import person as person_module
from lhm_avatars.engine.prepare.people import find_people
from lhm_avatars.engine.prepare.person import prepare
from lhm_avatars.engine.prepare.second_look import BRIGHTENED, SMOOTHED, brightened, easier
from lhm_avatars.engine.prepare.upright import TURNED
from PIL import Image

from .conftest import Cutout, iou, put, save, wall

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from lhm_avatars.engine.prepare.person import PreparedPhoto


def test_a_photo_upside_down_is_turned_and_said(
    tmp_path: Path, example: Path, prepared: PreparedPhoto
) -> None:
    turned = tmp_path / "turned.png"
    Image.open(example).transpose(Image.Transpose.ROTATE_180).save(turned)
    found = prepare(turned)
    assert TURNED in found.warnings
    assert TURNED not in prepared.warnings
    # JPEG against PNG, and nothing else: the same picture, the same person.
    np.testing.assert_array_equal(found.photo.rgb, prepared.photo.rgb)
    np.testing.assert_allclose(found.keypoints.points, prepared.keypoints.points, atol=1e-6)
    assert found.cut == prepared.cut


def test_a_mask_is_turned_with_its_photo(tmp_path: Path, cutout: Cutout) -> None:
    canvas = wall(600, 640)
    truth = put(canvas, cutout, 64, 88, 512)
    photo = save(tmp_path / "photo.png", canvas[::-1, ::-1])
    mask = save(tmp_path / "mask.png", 255 * truth[::-1, ::-1])
    assert iou(prepare(photo, mask).matte.alpha, truth) > 0.99


def test_a_nearly_black_photo_is_brightened_to_find_the_person_only(
    tmp_path: Path, cutout: Cutout, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The model often sees well in the dark; this one does not.
    monkeypatch.setattr(
        person_module, "find_people", lambda models, rgb: find_people(models, rgb) if rgb.max() > 40 else []
    )
    canvas = wall(600, 640)
    truth = put(canvas, cutout, 64, 88, 512)
    photo = save(tmp_path / "night.png", np.floor(canvas * 0.06))
    found = prepare(photo)
    assert BRIGHTENED in found.warnings
    assert iou(found.matte.alpha, truth) > 0.85
    np.testing.assert_array_equal(found.photo.rgb, np.array(Image.open(photo)))


def test_brightening_spans_the_whole_range_and_keeps_the_order() -> None:
    ramp = np.repeat(np.arange(4, 24, dtype=np.uint8), 20)[:, None, None].repeat(40, 1).repeat(3, 2)
    result = brightened(ramp)
    assert result.min() == 0
    assert result.max() == 255
    assert (np.diff(result[:, 0, 0].astype(int)) >= 0).all()
    # A third of the way up: 255 (1/3)^0.6.
    middle = 4 + 19 / 3
    low, high = (result[ramp[:, 0, 0] == v][0, 0, 0] for v in (int(middle), int(middle) + 1))
    assert low <= 255 * (1 / 3) ** 0.6 <= high


def test_what_is_looked_at_again() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (80, 60, 3), dtype=np.uint8)
    assert [note for _, note in easier(noise)] == [SMOOTHED]
    assert [note for _, note in easier(noise // 8)] == [BRIGHTENED, SMOOTHED]
    assert not list(easier(noise // 64))
    ((smooth, _),) = easier(noise)
    assert smooth.std() < 0.6 * noise.std()
