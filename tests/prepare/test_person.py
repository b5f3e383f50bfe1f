"""A photo becomes one prepared person, whatever the file is like."""

from __future__ import annotations

import math
import socket
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.prepare import person as person_module
from lhm_avatars.engine.prepare.boxes import Box
from lhm_avatars.engine.prepare.decode import Photo
from lhm_avatars.engine.prepare.framing import Crop, field_of_view, is_half_body, visible_ratio
from lhm_avatars.engine.prepare.keypoints import Keypoints
from lhm_avatars.engine.prepare.landmarks import LANDMARK_NAMES, MIRRORED, landmark
from lhm_avatars.engine.prepare.mask import SOURCE_ALPHA, SOURCE_MODELS, SOURCE_RECTANGLE, SOURCE_USER
from lhm_avatars.engine.prepare.person import PreparedPhoto, prepare
from PIL import Image

from .conftest import Cutout, iou, put, save, wall

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

UPPER = [landmark(name) for name in ("nose", "left_eye", "right_eye", "left_shoulder", "right_shoulder")]


def upper_points(prepared: PreparedPhoto) -> NDArray[np.float64]:
    """Head and shoulders in pixels of the working photo. [5, 2]"""
    return prepared.crop.to_photo(prepared.keypoints.points[UPPER])


def assert_same_place(found: NDArray[np.float64], expected: NDArray[np.float64], size: float) -> None:
    """Landmarks agree within 3 % of the person's size."""
    assert np.linalg.norm(found - expected, axis=1).max() < 0.03 * size


def test_the_example_is_a_half_body_cut_at_the_bottom(prepared: PreparedPhoto) -> None:
    assert prepared.half_body
    assert prepared.cut == ("bottom",)
    assert 0.3 < prepared.visible_ratio < 0.7
    assert prepared.matte.source == SOURCE_MODELS
    assert any("cut off at the bottom" in sentence for sentence in prepared.warnings)
    assert prepared.report["people"] == 1
    assert prepared.rgb.shape[:2] == prepared.alpha.shape


def test_landmarks_lie_on_the_parts_they_name(prepared: PreparedPhoto) -> None:
    # Read off the picture by eye, in its 512 pixels.
    seen = {"nose": (220, 128), "left_eye": (247, 106), "right_eye": (199, 101)}
    points = prepared.crop.to_photo(prepared.keypoints.points)
    for name, place in seen.items():
        assert np.linalg.norm(points[landmark(name)] - place) < 12, name
    assert prepared.keypoints.face is not None
    face = prepared.crop.to_photo(prepared.keypoints.face.points[:, :2])
    assert np.linalg.norm(face.mean(axis=0) - (221, 120)) < 20


def test_world_axes_are_the_bodys(prepared: PreparedPhoto) -> None:
    world = dict(zip(LANDMARK_NAMES, prepared.keypoints.world, strict=True))
    assert world["left_shoulder"][0] > 0.1 > -0.1 > world["right_shoulder"][0]
    assert world["nose"][1] > world["left_shoulder"][1] > 0.3
    assert world["nose"][2] > world["left_ear"][2]


def test_the_matte_is_the_person(tmp_path: Path, cutout: Cutout) -> None:
    canvas = wall(600, 640)
    truth = put(canvas, cutout, 64, 88, 512)
    matte = prepare(save(tmp_path / "a.png", canvas)).matte
    assert iou(matte.alpha, truth) > 0.97
    assert np.abs(matte.alpha - truth).mean() < 0.01


def test_twice_is_the_same(example: Path, prepared: PreparedPhoto) -> None:
    again = prepare(example)
    np.testing.assert_array_equal(again.alpha, prepared.alpha)
    np.testing.assert_array_equal(again.keypoints.points, prepared.keypoints.points)
    assert again.report == prepared.report


def test_a_mirror_image_swaps_left_and_right(tmp_path: Path, example: Path, prepared: PreparedPhoto) -> None:
    pixels = np.array(Image.open(example))[:, ::-1]
    mirrored = prepare(save(tmp_path / "a.png", pixels.astype(np.float32)))
    swapped = mirrored.crop.to_photo(mirrored.keypoints.points[MIRRORED[UPPER]]) * (-1, 1) + (512, 0)
    assert_same_place(swapped, upper_points(prepared), 490)


def _gray(image: Image.Image, path: Path) -> None:
    image.convert("L").save(path)


def _deep(image: Image.Image, path: Path) -> None:
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(path)


def _palette(image: Image.Image, path: Path) -> None:
    image.quantize(128).save(path)


def _exif(image: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image.rotate(90, expand=True).save(path, exif=exif)


@pytest.mark.parametrize("write", [_gray, _deep, _palette, _exif])
def test_other_files_give_the_same_person(
    tmp_path: Path, example: Path, prepared: PreparedPhoto, write: Any
) -> None:
    write(Image.open(example), tmp_path / "a.png")
    found = prepare(tmp_path / "a.png")
    assert_same_place(upper_points(found), upper_points(prepared), 490)
    assert iou(found.matte.alpha, prepared.matte.alpha) > 0.9


def test_cmyk(tmp_path: Path, example: Path, prepared: PreparedPhoto) -> None:
    Image.open(example).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert_same_place(upper_points(prepare(tmp_path / "a.jpg")), upper_points(prepared), 490)


def test_50_megapixels(tmp_path: Path, example: Path, prepared: PreparedPhoto) -> None:
    Image.open(example).resize((7072, 7072), Image.Resampling.BILINEAR).save(tmp_path / "a.jpg")
    found = prepare(tmp_path / "a.jpg")
    scale = 512 / found.photo.width
    assert_same_place(upper_points(found) * scale, upper_points(prepared), 490)
    # The crop is scaled so that the person is 1024 pixels tall.
    rows = np.flatnonzero((found.alpha > 0.5).any(axis=1))
    assert rows[-1] - rows[0] + 1 == pytest.approx(1024, abs=8)


@pytest.mark.parametrize("left", [30, 2800])
def test_wide(tmp_path: Path, cutout: Cutout, left: int) -> None:
    canvas = wall(500, 3500)
    truth = put(canvas, cutout, left, 100, 400)
    assert iou(prepare(save(tmp_path / "a.jpg", canvas, quality=95)).matte.alpha, truth) > 0.95


def test_small_in_a_large_photo(tmp_path: Path, cutout: Cutout) -> None:
    canvas = wall(1000, 1500)
    truth = put(canvas, cutout, 900, 300, 170)
    prepared = prepare(save(tmp_path / "a.png", canvas))
    assert iou(prepared.matte.alpha, truth) > 0.9
    assert any("so the avatar will be coarse" in sentence for sentence in prepared.warnings)


def test_too_small(tmp_path: Path, cutout: Cutout) -> None:
    canvas = wall(80, 80)
    put(canvas, cutout, 12, 23, 57)
    with pytest.raises(AvatarError, match=r"is only \d\d pixels tall. Choose one that shows them"):
        prepare(save(tmp_path / "a.png", canvas))


def test_nobody(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"No person was found in this photo\. Choose one"):
        prepare(save(tmp_path / "a.png", wall(400, 500)))


@pytest.mark.parametrize("small_left", [530, 380])
def test_of_several_people_the_largest_is_taken(tmp_path: Path, cutout: Cutout, small_left: int) -> None:
    """Apart, and with the smaller person standing behind the larger one's shoulder."""
    canvas = wall(620, 900)
    put(canvas, cutout, small_left, 180, 330)
    truth = put(canvas, cutout, 80, 108, 512)
    prepared = prepare(save(tmp_path / "a.png", canvas))
    assert "2 people were found; the largest was taken." in prepared.warnings
    assert prepared.report["people"] == 2
    assert iou(prepared.matte.alpha, truth) > 0.94


def test_real_alpha_is_taken_as_it_is(tmp_path: Path, cutout: Cutout) -> None:
    rng = np.random.default_rng(0)
    rgb = np.where(cutout.mask[..., None] > 0, cutout.rgb, rng.integers(0, 255, (512, 512, 3)))
    alpha = np.round(cutout.mask * 255)
    path = save(tmp_path / "a.png", np.dstack([rgb, alpha]).astype(np.float32))
    prepared = prepare(path)
    assert prepared.matte.source == SOURCE_ALPHA
    np.testing.assert_allclose(prepared.matte.alpha, alpha / 255, atol=1e-6)


def test_of_several_people_in_real_alpha_the_largest_is_taken(tmp_path: Path, cutout: Cutout) -> None:
    canvas = np.full((620, 900, 3), 255, np.float32)
    small = put(canvas, cutout, 560, 250, 330)
    large = put(canvas, cutout, 20, 108, 512)
    alpha = np.maximum(small, large) * 255
    prepared = prepare(save(tmp_path / "a.png", np.dstack([canvas, alpha])))
    assert iou(prepared.matte.alpha, large) > 0.99
    assert prepared.report["people"] == 2


@pytest.mark.parametrize("share", [0.0, 0.002, 0.97, 1.0])
def test_alpha_that_is_no_mask_is_said_and_not_used(
    tmp_path: Path, example: Path, prepared: PreparedPhoto, share: float
) -> None:
    rgb = np.array(Image.open(example))
    alpha = np.zeros(512 * 512, np.float32)
    alpha[: round(share * alpha.size)] = 255
    found = prepare(save(tmp_path / "a.png", np.dstack([rgb, alpha.reshape(512, 512)]).astype(np.float32)))
    assert found.matte.source == SOURCE_MODELS
    assert any("is no mask" in sentence for sentence in found.warnings)
    assert iou(found.matte.alpha, prepared.matte.alpha) > 0.98


def test_the_users_mask_wins(tmp_path: Path, cutout: Cutout) -> None:
    canvas = wall(600, 640)
    put(canvas, cutout, 64, 88, 512)
    mask = np.zeros((600, 640), np.float32)
    mask[60:560, 70:500] = 255
    opaque = np.dstack([canvas, 255 * (np.mgrid[:600, :640][1] < 300)]).astype(np.float32)
    prepared = prepare(save(tmp_path / "a.png", opaque), save(tmp_path / "mask.png", mask))
    assert prepared.matte.source == SOURCE_USER
    np.testing.assert_array_equal(prepared.matte.alpha > 0.5, mask > 127)
    edge = cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    np.testing.assert_allclose(prepared.matte.alpha[~edge], mask[~edge] / 255, atol=1e-6)
    assert prepared.cut == ()


def test_a_mask_of_another_size_is_stretched_and_said(tmp_path: Path, example: Path) -> None:
    mask = np.zeros((128, 128), np.float32)
    mask[4:, 8:96] = 255
    prepared = prepare(example, save(tmp_path / "mask.png", mask))
    large = cv2.resize(mask / 255, (512, 512), interpolation=cv2.INTER_NEAREST)
    assert iou(prepared.matte.alpha, large) > 0.98
    assert "The mask has 128 × 128 pixels, the photo 512 × 512; the mask was stretched to fit." in (
        prepared.warnings
    )


def test_the_alpha_of_a_mask_file_counts(tmp_path: Path, example: Path, cutout: Cutout) -> None:
    white = np.full((512, 512, 3), 255.0)
    path = save(tmp_path / "mask.png", np.dstack([white, cutout.mask * 255]).astype(np.float32))
    assert iou(prepare(example, path).matte.alpha, cutout.mask) == 1


@pytest.mark.parametrize(("value", "word"), [(0, "nothing"), (255, "everything")])
def test_a_useless_mask(tmp_path: Path, example: Path, value: int, word: str) -> None:
    path = save(tmp_path / "mask.png", np.full((512, 512), value, np.float32))
    with pytest.raises(AvatarError, match=rf"mask\.png marks {word} as the person\. Paint"):
        prepare(example, path)


@pytest.mark.parametrize(
    ("border", "left", "top"), [("left", -130, 60), ("right", 330, 60), ("top", 60, -45), ("bottom", 60, 120)]
)
def test_cut_at_each_border(tmp_path: Path, cutout: Cutout, border: str, left: int, top: int) -> None:
    canvas = wall(620, 620)
    truth = put(canvas, cutout, left, top, 500)
    prepared = prepare(save(tmp_path / "a.png", canvas))
    assert border in prepared.cut
    assert any("cut off at the" in sentence and border in sentence for sentence in prepared.warnings)
    assert iou(prepared.matte.alpha, truth) > 0.93


def test_without_a_silhouette_a_rectangle_is_tried(
    tmp_path: Path, cutout: Cutout, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = person_module.estimate

    def blind(*args: Any) -> Any:
        estimate = found(*args)
        return type(estimate)(estimate.keypoints, np.zeros_like(estimate.mask))

    monkeypatch.setattr(person_module, "estimate", blind)
    canvas = wall(600, 640)
    truth = put(canvas, cutout, 64, 88, 512)
    matte = prepare(save(tmp_path / "a.png", canvas)).matte
    assert matte.source == SOURCE_RECTANGLE
    assert "Paint a mask" in matte.warnings[0]
    assert iou(matte.alpha, truth) > 0.6


def test_a_person_who_cannot_be_cut_out(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = person_module.Matte(np.zeros((512, 512), np.float32), SOURCE_MODELS)
    monkeypatch.setattr(person_module, "found_matte", lambda *args: empty)
    with pytest.raises(AvatarError, match=r"could not be cut out of this photo\. Paint a mask"):
        prepare(example)


def test_progress_rises_and_may_stop_the_work(example: Path) -> None:
    told: list[float] = []

    class Stopped(Exception):
        pass

    def stop(fraction: float, message: str) -> None:
        told.append(fraction)
        assert message
        if fraction > 0.4:
            raise Stopped

    with pytest.raises(Stopped):
        prepare(example, progress=stop)
    assert told == sorted(told)
    assert len(told) == 3


def test_nothing_is_fetched(example: Path, prepared: PreparedPhoto, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert prepare(example).report == prepared.report


def standing(top: float, heels: float, height: int) -> Keypoints:
    """Landmarks on one plumb line: a person from `top` to `heels` in a picture of that height."""
    points = np.tile((50.0, top + 0.12 * (heels - top)), (33, 1))
    points[[landmark("left_heel"), landmark("right_heel")], 1] = heels
    points[[landmark("left_knee"), landmark("right_knee")], 1] = top + 0.72 * (heels - top)
    return Keypoints(points, np.ones(33), np.zeros((33, 3)), np.zeros(33), None, 100, height)


@pytest.mark.parametrize(
    ("top", "heels", "expected", "half"),
    [(10, 90, 1.0, False), (0, 200, 0.5, True), (-25, 75, 0.75, True), (0, 110, 100 / 110, False)],
)
def test_visible_ratio_of_a_standing_person(top: float, heels: float, expected: float, half: bool) -> None:
    keypoints = standing(top, heels, 100)
    ratio = visible_ratio(keypoints)
    assert ratio == pytest.approx(expected, abs=0.01)
    assert is_half_body(keypoints, ratio) == half


def photo_of(width: int, height: int, focal35: float | None) -> Photo:
    return Photo(np.zeros((height, width, 3), np.uint8), None, "", "", (width, height), focal35)


def test_angle_of_view() -> None:
    # A 36 × 24 mm picture with a 50 mm lens: published as 27.0° vertically, 39.6° when held upright.
    assert field_of_view(photo_of(1500, 1000, 50))[0] == pytest.approx(27.0, abs=0.05)
    assert field_of_view(photo_of(1000, 1500, 50))[0] == pytest.approx(39.6, abs=0.05)
    assert field_of_view(photo_of(1500, 1000, 50))[1] == pytest.approx(50 / 36 * 1500)
    fov, focal = field_of_view(photo_of(1500, 1000, None))
    assert fov == 40.0
    assert focal == pytest.approx(500 / math.tan(math.radians(20)))


def test_the_camera_of_the_crop_is_the_photos(prepared: PreparedPhoto) -> None:
    center = prepared.crop.to_photo(np.array(prepared.center))
    np.testing.assert_allclose(center, (256, 256), atol=1e-9)
    assert prepared.focal == pytest.approx(256 / math.tan(math.radians(20)) * prepared.crop.scale)


def test_a_focal_length_is_known_only_from_the_camera(
    tmp_path: Path, example: Path, prepared: PreparedPhoto
) -> None:
    assert not prepared.focal_known
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0xA405: 70})
    Image.open(example).save(tmp_path / "a.jpg", quality=95, exif=exif)
    found = prepare(tmp_path / "a.jpg")
    assert found.focal_known
    # The diagonal of film is 43.27 mm.
    assert found.focal == pytest.approx(70 / 43.27 * math.hypot(512, 512) * found.crop.scale, rel=1e-3)


def test_crop_maps_there_and_back() -> None:
    crop = Crop(Box(40, 30, 240, 430), 0.5)
    points = np.array([[40.0, 30.0], [240.0, 430.0], [140.0, 30.0]])
    np.testing.assert_allclose(crop.to_crop(points), [[0, 0], [100, 200], [50, 0]])
    np.testing.assert_allclose(crop.to_photo(crop.to_crop(points)), points)


def test_an_unknown_landmark_is_named() -> None:
    with pytest.raises(ValueError, match="no landmark named 'tail'; landmarks are nose"):
        landmark("tail")
