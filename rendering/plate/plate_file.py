"""The picture behind the avatar: a photo or a clip, read from its file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...engine.avatar.color import linear_from_srgb
from ...engine.avatar.errors import AvatarError

if TYPE_CHECKING:
    from pathlib import Path

    from ...engine.avatar.arrays import Float

CLIP_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".ogv")


@dataclass(frozen=True)
class Plate:
    """An image, or a clip.

    Args:
        image: Where it is one.
        clip: Where it is one.
        width: Pixels.
        height: Pixels.
        digest: SHA-256 of an image's file; empty for a clip.
        fresh: Whether the .blend did not have it before.
    """

    image: bpy.types.Image | None
    clip: bpy.types.MovieClip | None
    width: int
    height: int
    digest: str
    fresh: bool


def load_plate(path: Path) -> Plate:
    """Read a plate. A failure leaves nothing behind.

    Args:
        path: Of an image, a movie or one frame of a sequence.

    Raises:
        AvatarError: If there is no such file, or it is neither.
    """
    if not path.is_file():
        raise AvatarError(f"There is no file {path}. Choose a photo or a clip.")
    is_clip = path.suffix.lower() in CLIP_SUFFIXES
    blocks = bpy.data.movieclips if is_clip else bpy.data.images
    known = {block.session_uid for block in blocks}
    try:
        block = blocks.load(str(path), check_existing=True)
    except RuntimeError as error:
        raise AvatarError(f"{path.name} cannot be read: {error}. Choose a photo or a clip.") from error
    digest = "" if is_clip else hashlib.sha256(path.read_bytes()).hexdigest()
    image, clip = (None, block) if is_clip else (block, None)
    plate = Plate(image, clip, *block.size, digest, block.session_uid not in known)  # type: ignore[arg-type]
    unread = clip is not None and clip.frame_duration < 1  # Blender says 256 by 256 pixels of it
    if unread or min(plate.width, plate.height) < 1:
        discard(plate)
        raise AvatarError(
            f"{path.name} is neither an image nor a clip that Blender can read. Choose another."
        )
    return plate


def discard(plate: Plate) -> None:
    """Take a plate out of the .blend again, unless it was there before."""
    if plate.fresh and plate.image is not None:
        bpy.data.images.remove(plate.image)
    elif plate.fresh and plate.clip is not None:
        bpy.data.movieclips.remove(plate.clip)


def keep_in_file(plate: Plate) -> str:
    """Leave no path of this computer in the .blend: relative in a saved file, packed in an unsaved one.

    Args:
        plate: Its path is changed.

    Returns:
        What the user must know; empty for nothing.
    """
    block = plate.image or plate.clip
    if bpy.data.filepath:
        try:
            block.filepath = bpy.path.relpath(bpy.path.abspath(block.filepath))  # type: ignore[union-attr]
        except ValueError:  # on another drive of Windows
            return "The plate is on another drive than the .blend, so its path stays as it is."
    elif plate.image is not None:
        if plate.image.packed_file is None:
            plate.image.pack()
    else:
        return "Save the .blend beside the clip and run this again, or its path stays that of this computer."
    return ""


def mean_color(plate: Plate) -> Float | None:
    """Mean of an image, scene-linear RGB [3]; None for a clip, whose pixels Blender does not give."""
    if plate.image is None:
        return None
    small = plate.image.copy()
    try:
        small.scale(min(64, plate.width), min(64, plate.height))
        pixels = np.array(small.pixels[:], np.float64).reshape(-1, small.channels)[:, :3]
    finally:
        bpy.data.images.remove(small)
    return linear_from_srgb(pixels).mean(axis=0)
