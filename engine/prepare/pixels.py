"""Every pixel format that Pillow reads, as 8-bit RGB and, if the file has one, alpha."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DEEP_MODES = ("I", "F")
_MAX_16_BIT = 65535.0
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}


def plain_image(image: Image.Image, notes: list[str]) -> Image.Image:
    """The same picture as RGB or RGBA with 8 bits, in sRGB.

    Args:
        image: Any mode of Pillow's.
        notes: Gets a sentence for each conversion the user may want to know of.
    """
    if image.mode.startswith(_DEEP_MODES):
        image = _from_deep(image, notes)
    has_alpha = image.has_transparency_data
    color = _to_srgb(image, notes)
    if not has_alpha:
        return color if color.mode == "RGB" else color.convert("RGB")
    if color.mode != "RGBA":
        color = color.convert("RGBA")
    return color


def _from_deep(image: Image.Image, notes: list[str]) -> Image.Image:
    """Scale 16-bit, 32-bit and float gray to 8 bits; Pillow's own conversion would clip them."""
    values = np.asarray(image, np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    if image.mode == "F" and top <= 1.0:
        white = 1.0
    elif image.mode in ("F", "I") and top <= 255.0:
        white = 255.0
    else:
        white = max(_MAX_16_BIT, top)
    notes.append("The photo has more than 8 bits per channel; it was scaled to 8.")
    return Image.fromarray(np.clip(values * (255.0 / white) + 0.5, 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """Apply an embedded colour profile (Display P3 of phones, CMYK of print shops) where there is one."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        out_mode = "RGBA" if image.mode == "RGBA" else "RGB"
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode=out_mode
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            notes.append("The photo's colour profile cannot be read; its colours may be slightly off.")
        else:
            if converted is not None:
                return converted
    if image.mode == "CMYK":
        notes.append("The photo is in print colours (CMYK); they were converted to RGB.")
    return image


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture as its EXIF orientation (1 to 8) asks."""
    for turn in _TURNS.get(orientation, ()):
        image = image.transpose(turn)
    return image


def split(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    """Colours and alpha as arrays.

    Args:
        image: RGB or RGBA.

    Returns:
        Colours [H, W, 3], and alpha 0..1 [H, W] or None.
    """
    pixels = np.array(image)
    if image.mode == "RGB":
        return pixels, None
    return np.ascontiguousarray(pixels[..., :3]), pixels[..., 3].astype(np.float32) / 255.0
