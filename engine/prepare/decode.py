"""Read a photo: any format of Pillow's, upright, in sRGB, at a size one can work with."""

from __future__ import annotations

import hashlib
import math
import struct
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from ..avatar.errors import AvatarError
from .pixels import plain_image, split, upright

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

WORKING_PIXELS = 2048 * 1536
"""Larger photos are made smaller. A number of pixels, not a side: people in wide panoramas stay large."""

MIN_SIDE = 64
_FOCAL_35 = 0xA405
_FOCAL = 0x920A
_EXIF_BLOCK = 0x8769
_ORIENTATION = 0x0112
_CHOOSE = "Choose a photo such as a JPEG or PNG file."


@dataclass(frozen=True)
class Photo:
    """One decoded photo.

    Args:
        rgb: Display-space colours (sRGB), upright. [H, W, 3]
        alpha: The file's alpha, 0..1, if it has any. [H, W]
        sha256: Of the file.
        name: The file's name.
        original_size: Width and height of the upright picture before it was made smaller, pixels.
        focal35: Focal length as on 35 mm film, millimetres, if the camera wrote it.
        focal: True focal length, millimetres, if the camera wrote it.
        orientation: The EXIF orientation that was applied, 1 for none.
        notes: Plain sentences about what was done.
        path: The file, to read it again with more pixels; it is nobody's business and is not kept.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32] | None
    sha256: str
    name: str
    original_size: tuple[int, int]
    focal35: float | None = None
    focal: float | None = None
    orientation: int = 1
    notes: tuple[str, ...] = ()
    path: Path | None = None

    @property
    def width(self) -> int:
        """Pixels."""
        return self.rgb.shape[1]

    @property
    def height(self) -> int:
        """Pixels."""
        return self.rgb.shape[0]


def decode_photo(path: Path, *, min_side: int = MIN_SIDE, max_pixels: int = WORKING_PIXELS) -> Photo:
    """Read a photo.

    Args:
        path: The file.
        min_side: Smallest width and height accepted, pixels.
        max_pixels: Photos with more are made smaller.

    Raises:
        AvatarError: If the file is missing, not readable, empty, no image, damaged, or of a useless size.
    """
    path = Path(path)
    data_hash = _hash(path)
    try:
        # A large photo is welcome; only Pillow's error for absurd sizes counts, not its warning.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return replace(_decode(image, path.name, data_hash, min_side, max_pixels), path=path)
    except Image.DecompressionBombError as error:
        limit = (Image.MAX_IMAGE_PIXELS or 0) * 2 // 1_000_000
        raise AvatarError(
            f"{path.name} has more than {limit} megapixels. Save a smaller copy and choose that."
        ) from error
    except UnidentifiedImageError as error:
        raise AvatarError(
            f"{path.name} is not an image that can be read here. {_CHOOSE} (HEIC photos from a phone: export "
            "them as JPEG first.)"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        # Pillow's readers raise all of these for broken files.
        raise AvatarError(
            f"{path.name} is damaged or incomplete ({error}). Copy or export the photo again."
        ) from error


def _hash(path: Path) -> str:
    """SHA-256 of the file; the first touch of it, so what is wrong with the path is said here."""
    digest = hashlib.sha256()
    size = 0
    try:
        if path.is_dir():
            raise AvatarError(f"{path} is a folder, not a photo. {_CHOOSE}")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
    except FileNotFoundError as error:
        raise AvatarError(f"There is no photo at {path}. Check the path or choose another file.") from error
    except PermissionError as error:
        raise AvatarError(
            f"{path.name} may not be read by you. Change the file's permissions or copy it elsewhere."
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise AvatarError(
            f"{path.name} cannot be read ({reason}). Copy it to another disk and try again."
        ) from error
    if size == 0:
        raise AvatarError(f"{path.name} is an empty file. Copy or export the photo again.")
    return digest.hexdigest()


def _decode(image: Image.Image, name: str, sha256: str, min_side: int, max_pixels: int) -> Photo:
    notes: list[str] = []
    width, height = image.size
    if min(width, height) < min_side:
        raise AvatarError(
            f"{name} is only {width} × {height} pixels. Choose one with at least {min_side} pixels on "
            "each side, and better 1000."
        )
    if getattr(image, "n_frames", 1) > 1:
        notes.append("The file holds several pictures; the first was taken.")
        image.seek(0)
    scale = min(1.0, math.sqrt(max_pixels / (width * height)))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if image.format == "JPEG":
        image.draft(None, size)  # The decoder leaves out detail: 50 megapixels in a fraction of a second.
    image.load()  # Now: reading the metadata would load too, and numpy swallows errors.
    tags = _exif(image)
    orientation = int(tags.get("orientation", 1))
    if scale < 1:
        notes.append(f"The photo was made smaller, from {width} × {height} to {size[0]} × {size[1]} pixels.")
    small = upright(_shrink(image, size, notes), orientation)
    if orientation in range(2, 9):
        notes.append("The photo was turned upright as its EXIF data say.")
    swapped = orientation in (5, 6, 7, 8)
    rgb, alpha = split(small)
    return Photo(
        rgb=rgb,
        alpha=alpha,
        sha256=sha256,
        name=name,
        original_size=(height, width) if swapped else (width, height),
        focal35=tags.get("focal35"),
        focal=tags.get("focal"),
        orientation=orientation,
        notes=tuple(notes),
    )


def _shrink(image: Image.Image, size: tuple[int, int], notes: list[str]) -> Image.Image:
    """Convert to plain RGB(A) and to the working size, coarse step first so that memory stays low."""
    factor = int(min(image.width / size[0], image.height / size[1]))
    if factor > 1 and image.mode in ("L", "RGB", "CMYK"):
        profile = image.info.get("icc_profile")
        image = image.reduce(factor)
        if profile:
            image.info["icc_profile"] = profile
    plain = plain_image(image, notes)
    return plain if plain.size == size else plain.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _exif(image: Image.Image) -> dict[str, float]:
    """Orientation and focal lengths; what is missing or nonsense is left out."""
    try:
        exif = image.getexif()
        block = exif.get_ifd(_EXIF_BLOCK)
    except (OSError, SyntaxError, ValueError, KeyError, struct.error):
        return {}  # Broken metadata do not make the picture unusable.
    found: dict[str, object] = {
        "orientation": exif.get(_ORIENTATION),
        "focal35": block.get(_FOCAL_35),
        "focal": block.get(_FOCAL),
    }
    return dict(_numbers(found))


def _numbers(found: dict[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in found.items():
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, ZeroDivisionError):
            continue
        if math.isfinite(number) and number > 0:
            yield name, number
