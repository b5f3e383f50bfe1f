"""A photo, small and upright, for those who show it and cannot read every format: Blender's process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def thumbnail(params: dict[str, Any], progress: Callable[[str, float, str], None]) -> dict[str, Any]:
    """Make a photo small.

    Args:
        params: ``photo``, ``width`` and ``height`` (pixels; the picture fits into them), ``output`` (a .npy
            file).
        progress: Not told: it takes a fraction of a second.

    Returns:
        ``image``: the path written, uint8 [H, W, 3]: display-space RGB, upright; transparent parts are white.

    Raises:
        AvatarError: If the photo cannot be read.
    """
    import numpy as np
    from PIL import Image

    from .prepare.decode import decode_photo

    del progress
    photo = decode_photo(Path(params["photo"]), min_side=1)
    rgb = photo.rgb
    if photo.alpha is not None:
        share = photo.alpha[..., None]
        rgb = np.round(rgb * share + 255 * (1 - share)).astype(np.uint8)
    image = Image.fromarray(rgb)
    image.thumbnail((params["width"], params["height"]), Image.Resampling.LANCZOS)
    with Path(params["output"]).open("wb") as file:  # np.save would add an ending of its own
        np.save(file, np.asarray(image), allow_pickle=False)
    return {"image": params["output"]}
