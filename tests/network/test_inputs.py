"""Crops and surface points: what golden tensors do not cover."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.bench.random_lhm import write_points
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.network.body_image import body_image, person_box
from lhm_avatars.engine.network.dense_points import read_points
from lhm_avatars.engine.network.head_image import head_image, head_square

POINTS = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)


def photo(height: int, width: int, box: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    left, top, right, bottom = box
    mask = np.zeros((height, width), np.uint8)
    mask[top:bottom, left:right] = 255
    return np.full((height, width, 3), 90, np.uint8), mask


@pytest.mark.parametrize(("width", "size"), [(1024, (1694, 1022)), (512, (840, 504))])
def test_released_models_get_whole_patches(width, size) -> None:
    cut = body_image(*photo(400, 300, (100, 50, 200, 350)), width)
    assert cut.rgb.shape == (*size, 3)
    assert cut.mask.shape == size
    inside = cut.mask == 1
    assert np.abs(cut.rgb[inside] - 90 / 255).max() < 1e-6
    assert cut.rgb[cut.mask == 0].min() == pytest.approx(1)


def test_an_empty_mask_is_the_users_to_mend() -> None:
    with pytest.raises(AvatarError, match="leaves nothing"):
        person_box(np.zeros((10, 10), np.uint8))


def test_someone_wider_than_tall_is_refused() -> None:
    with pytest.raises(AvatarError, match="wider than tall"):
        body_image(*photo(200, 400, (50, 80, 350, 150)), 512)


def test_a_crop_that_cannot_keep_the_aspect_is_refused() -> None:
    # Three pixels tall: rounding leaves no window of five to three.
    with pytest.raises(AvatarError, match="cannot be cut out"):
        body_image(*photo(9, 9, (4, 3, 6, 6)), 512, longer_side=3)


def test_a_head_at_the_border_is_cut_there_and_not_black() -> None:
    rgb = np.random.default_rng(0).integers(1, 255, (100, 80, 3), dtype=np.uint8)
    square = head_square((0, 0, 30, 30))
    assert square == (-9, -9, 39, 39)
    assert head_image(rgb, square).min() > 0
    assert head_image(rgb, square, side=39) == pytest.approx(rgb[:39, :39] / 255)


def test_a_head_outside_the_photo_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="must touch the photo"):
        head_image(np.zeros((10, 10, 3), np.uint8), (-30, -30, -20, -20))


def test_points_survive_their_file(tmp_path) -> None:
    write_points(tmp_path / "1_7.ply", POINTS)
    assert np.array_equal(read_points(tmp_path / "1_7.ply", 7), POINTS)


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_points_are_read_whatever_stands_beside_them(tmp_path, form) -> None:
    lines = [f"ply\r\nformat {form} 1.0", "comment made by hand", "element vertex 7"]
    lines += ["property uchar red", *(f"property double {axis}" for axis in "xyz")]
    lines += ["element face 1", "property list uchar int vertex_indices", "end_header\r\n"]
    if form == "ascii":
        data = "".join(f"255 {x!r} {y!r} {z!r}\n" for x, y, z in POINTS.tolist()).encode() + b"3 0 1 2\n"
    else:
        order = "<" if "little" in form else ">"
        rows = np.zeros(7, [("red", "u1"), ("xyz", f"{order}f8", 3)])
        rows["xyz"] = POINTS
        data = rows.tobytes() + b"\x03" + np.arange(3, dtype=f"{order}i4").tobytes()
    (tmp_path / "p.ply").write_bytes("\r\n".join(lines).encode() + data)
    assert np.array_equal(read_points(tmp_path / "p.ply", 7), POINTS)


def test_wrong_point_files_are_the_users_to_mend(tmp_path) -> None:
    path = tmp_path / "1_7.ply"
    with pytest.raises(AvatarError, match="is missing"):
        read_points(path, 7)
    path.write_text("hello")
    with pytest.raises(AvatarError, match=r"is no \.ply file"):
        read_points(path, 7)
    write_points(path, POINTS)
    with pytest.raises(AvatarError, match="must hold 8 surface points, it holds 7"):
        read_points(path, 8)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(AvatarError, match="none that can be read"):
        read_points(path, 7)
