"""Small pictures for the report, kept as JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .people import Shot
    from .protocol import Truth

HEIGHT = 256  # pixels
_QUALITY = 82
_VIEWS = (-30.0, 0.0, 30.0, 90.0, 180.0, -90.0)
_TRUTH = "truth"


@dataclass
class Pictures:
    """What the report shows of one person.

    Args:
        photo: JPEG.
        own: JPEG of the avatar in its own pose, seen with the photo's camera; empty if that is not known.
        columns: For each view and pose its caption, and JPEGs by the name of the method, the truth first.
    """

    photo: bytes
    own: bytes = b""
    columns: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)

    @classmethod
    def of(cls, photo: NDArray[np.float32]) -> Pictures:
        """Begin with the photo. [H, W, 3]"""
        return cls(jpeg(photo))

    def add(self, shot: Shot, truth: Truth, made: Mapping[str, NDArray[np.float32]]) -> None:
        """Keep a view or pose, if it is one of those that are shown.

        Args:
            shot: Which one.
            truth: What it should look like.
            made: What each method made of it, on white. [H, W, 3]
        """
        if shot.kind == "view" and round(shot.azimuth) not in _VIEWS:
            return
        caption = f"{shot.azimuth:+.0f}°" if shot.kind == "view" else shot.path.stem.replace("_", " ")
        shown = {_TRUTH: jpeg(truth.color)} | {name: jpeg(color) for name, color in made.items()}
        self.columns.append((caption, shown))


def jpeg(color: NDArray[np.float32]) -> bytes:
    """A picture at the report's height. [H, W, 3]"""
    import cv2
    from PIL import Image

    height, width = color.shape[:2]
    size = (max(1, round(width * HEIGHT / height)), HEIGHT)
    small = cv2.resize(np.ascontiguousarray(color), size, interpolation=cv2.INTER_AREA)
    buffer = io.BytesIO()
    Image.fromarray((small.clip(0, 1) * 255 + 0.5).astype(np.uint8)).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
