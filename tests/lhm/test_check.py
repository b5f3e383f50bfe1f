"""The picture shown before a run, and photos of every odd kind: a report each, never a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.lhm.picture import check_picture
from lhm_avatars.engine.methods import METHODS
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORANGE, BLUE = (255, 160, 0), (0, 190, 255)


def quiet(stage: str, fraction: float, message: str) -> None:
    """Progress that nobody reads."""


def check(photo: Path, tmp_path: Path, **more: Any) -> dict[str, Any]:
    params = {"photo": str(photo), "picture": str(tmp_path / "check.png"), **more}
    return METHODS["check_photo"](params, quiet)


def color_box(image: np.ndarray, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what has a colour."""
    rows, columns = np.nonzero((image == color).all(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def test_the_picture_shows_photo_person_and_head() -> None:
    photo = np.full((300, 200, 3), 90, np.uint8)
    body, head = np.ones((50, 30, 3), np.float32), np.zeros((40, 40, 3), np.float32)
    boxes = {"box": (50, 30, 150, 270), "square": (70, 30, 130, 90)}
    # 492: the photo's part is 242 x 300, so that it stands in it at its own size, 21 pixels from the left.
    image = np.asarray(check_picture(photo, body, head, **boxes, side=492))
    assert image.shape == (492, 492, 3)
    assert color_box(image[:300, :242], BLUE) == (91, 30, 151, 90)
    assert color_box(image[:300, :242], ORANGE) == (71, 30, 171, 270)
    assert (image[:403, 250:] == 255).all()  # 30 x 50 in 242 x 492
    assert (image[308:, 29:213] == 0).all()  # 40 x 40 in 242 x 184


def test_a_square_beyond_the_border_is_drawn_whole() -> None:
    photo = np.full((300, 200, 3), 90, np.uint8)
    panel = np.zeros((10, 10, 3), np.float32)
    sheet = check_picture(photo, panel, panel, box=(50, 0, 150, 270), square=(70, -60, 190, 60), side=589)
    image = np.asarray(sheet)
    assert color_box(image[:360, :290], BLUE) == (115, 0, 235, 120)
    plain, labelled = (
        check_picture(photo, panel, panel, box=(50, 0, 150, 270), square=None, side=300, labels=labels)
        for labels in (None, ("a", "b", "c"))
    )
    assert plain.size == labelled.size == (300, 300)
    bright = [(np.asarray(each) > 200).all(axis=2).sum() for each in (plain, labelled)]
    assert bright[0] == 0 < bright[1]


@pytest.mark.parametrize("engine", ["lift", "lhm-mini"])
def test_the_method_writes_picture_and_report(root: Path, tmp_path: Path, engine: str) -> None:
    told = []
    params = {
        "photo": str(root / "assets" / "example_person.jpg"),
        "picture": str(tmp_path / "check.png"),
        "engine": engine,
        "mask": None,
        "preparation": "best",
        "head_box": None,
        "side": 240,
        "models": None,
        "labels": False,
    }
    answer = METHODS["check_photo"](params, lambda *progress: told.append(progress[1]))
    image = Image.open(answer["picture"])
    assert image.size == (240, 240)
    report = answer["report"]
    assert report["people"] == 1
    assert any("cut out by" in sentence for sentence in report["sentences"])
    assert told == sorted(told)
    assert told[-1] == 1
    if engine == "lhm-mini":
        assert report["network"]["image_size"] == [840, 504]
        assert any("The head was found by the face" in sentence for sentence in report["sentences"])
        assert any("bicubic" in sentence for sentence in report["sentences"])


def test_a_model_of_ones_own_tells_its_sizes(root: Path, own_folder: Path, tmp_path: Path) -> None:
    photo = root / "assets" / "example_person.jpg"
    answer = check(photo, tmp_path, engine="lhm-own", model_folder=str(own_folder))
    assert answer["report"]["network"]["image_size"] == [182, 112]
    with pytest.raises(AvatarError, match="No folder of your own model"):
        check(photo, tmp_path, engine="lhm-own")


def test_a_picture_that_cannot_be_written_is_an_error(root: Path, tmp_path: Path) -> None:
    photo = root / "assets" / "example_person.jpg"
    with pytest.raises(AvatarError, match="picture cannot be written"):
        check(photo, tmp_path, picture=str(tmp_path / "nowhere" / "check.png"))


def photo_of(root: Path, size: tuple[int, int] | None = None) -> Image.Image:
    image = Image.open(root / "assets" / "example_person.jpg")
    return image.resize(size) if size else image


def placed(root: Path, canvas: tuple[int, int], at: tuple[int, int], height: int) -> Image.Image:
    """The example person's photo somewhere on a plain wall like its own."""
    image = photo_of(root, (height * 3 // 4, height))
    sheet = Image.new("RGB", canvas, image.getpixel((2, 2)))
    sheet.paste(image, at)
    return sheet


def rgba(root: Path) -> Image.Image:
    image = photo_of(root, (450, 600)).convert("RGBA")
    alpha = np.zeros((600, 450), np.uint8)
    alpha[20:590, 60:390] = 255
    image.putalpha(Image.fromarray(alpha))
    return image


def deep(root: Path) -> Image.Image:
    gray = np.asarray(photo_of(root, (450, 600)).convert("L"), np.uint16) * 257
    return Image.fromarray(gray)


def upside_down(root: Path) -> Image.Image:
    return photo_of(root, (450, 600)).transpose(Image.Transpose.ROTATE_90)


ODD: dict[str, Callable[[Path], Image.Image]] = {
    "wide": lambda root: placed(root, (1600, 400), (900, 0), 400),
    "gray": lambda root: photo_of(root, (450, 600)).convert("L"),
    "16 bit": deep,
    "palette": lambda root: photo_of(root, (450, 600)).quantize(64),
    "cmyk": lambda root: photo_of(root, (450, 600)).convert("CMYK"),
    "turned": upside_down,
    "alpha": rgba,
    "head at the border": lambda root: placed(root, (600, 700), (80, -60), 800),
    "person at the border": lambda root: placed(root, (500, 700), (-200, 0), 700),
    "half": lambda root: photo_of(root, (450, 600)).crop((0, 0, 450, 280)),
    "small": lambda root: placed(root, (500, 400), (200, 150), 150),
    "two": lambda root: _two(root),
    "no head": lambda root: photo_of(root, (900, 1200)).crop((0, 260, 900, 1200)),
    "nobody": lambda _: Image.new("RGB", (400, 500), (90, 140, 200)),
}


def _two(root: Path) -> Image.Image:
    sheet = placed(root, (1200, 800), (0, 0), 800)
    sheet.paste(photo_of(root, (420, 560)), (700, 200))
    return sheet


@pytest.mark.parametrize("kind", list(ODD))
def test_odd_photos_get_a_report_or_a_sentence(root: Path, tmp_path: Path, kind: str) -> None:
    image = ODD[kind](root)
    path = tmp_path / ("odd.jpg" if kind in ("cmyk", "turned") else "odd.png")
    options = {}
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        options["exif"] = exif
    image.save(path, **options)
    if kind in ("nobody",):
        with pytest.raises(AvatarError, match="No person was found"):
            check(path, tmp_path, engine="lhm-mini")
        return
    answer = check(path, tmp_path, engine="lhm-mini")
    network = answer["report"]["network"]
    assert Image.open(answer["picture"]).height > 500
    assert network["image_size"] == [840, 504]
    assert network["head_found"] == (kind != "no head")
    said = " ".join([*answer["report"]["warnings"], *answer["report"]["sentences"]])
    expected = {
        "turned": "turned upright",
        "two": "2 people were found",
        "head at the border": "filled with the background at the border",
        "person at the border": "cut off at the left",
        "half": "rest is invented",
        "no head": "No head was found",
        "16 bit": "more than 8 bits",
        "small": "pixels tall",
    }
    assert expected.get(kind, "") in said
