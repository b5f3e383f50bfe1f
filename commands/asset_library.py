"""Avatars as assets: one .blend for the Asset Browser, and the catalogue beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..engine.avatar.avatar import SEEN_PHOTO
from ..engine.formats.avatar_file import load_avatar
from ..rendering.display_modes import show
from ..rigging.avatar_objects import add_avatar
from .portraits import GREY
from .shared import blender, replaced

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ..engine.avatar.avatar import Avatar

LIBRARY_FILE, CATALOG_FILE = "library.blend", "blender_assets.cats.txt"
CATALOG_ID = (
    "5e1b1b3a-6f0c-4c66-9d0e-3f6a8d1f2c41"  # the same in every library, so Blender shows one catalogue
)
CATALOG = "Avatars"


@dataclass(frozen=True)
class Entry:
    """An avatar of the library.

    Args:
        name: Of the asset.
        file: The avatar's.
        portrait: Shown in the Asset Browser; display-space RGB. [H, W, 3]
    """

    name: str
    file: Path
    portrait: NDArray[np.uint8]


def write_library(folder: Path, entries: list[Entry]) -> None:
    """Write library and catalogue; what was open in Blender is closed.

    Each avatar stands at the origin, where its asset lands when it is dropped, and is excluded from the view
    layer: else a hundred people would stand inside each other and be evaluated on each change.

    Args:
        folder: Gets both files; they are replaced when they are complete.
        entries: Of the library.

    Raises:
        AvatarError: If an avatar cannot be read or a file not be written.
    """
    bpy.ops.wm.read_homefile(use_empty=True)
    for entry in entries:
        _add(entry)
    target = folder / LIBRARY_FILE
    blender(
        lambda: bpy.ops.wm.save_as_mainfile(filepath=str(target), compress=True),
        f"{target} could not be saved",
    )
    with replaced(folder / CATALOG_FILE) as partial:
        partial.write_text(f"VERSION 1\n\n{CATALOG_ID}:{CATALOG}:{CATALOG}\n", encoding="utf-8")


def _add(entry: Entry) -> None:
    avatar = load_avatar(entry.file)
    made = add_avatar(bpy.context, avatar, name=entry.name)
    show(made.cloud)
    made.collection.asset_mark()
    data = made.collection.asset_data
    data.catalog_id, data.author = CATALOG_ID, ""
    data.description, data.license = _description(avatar), "; ".join(_licences(avatar.metadata))
    for tag in dict.fromkeys(("avatar", avatar.metadata.get("engine", ""), *_licences(avatar.metadata))):
        if tag:
            data.tags.new(tag)
    _set_preview(made.collection, entry.portrait)
    _layer_of(made.collection).exclude = True


def _description(avatar: Avatar) -> str:
    seen = f"{(avatar.seen == SEEN_PHOTO).mean():.0%}"
    parts = [
        f"{avatar.gaussians.count} splats, {seen} of them seen in the photo.",
        *avatar.metadata.get("warnings", ()),
    ]
    return " ".join(parts)


def _licences(metadata: dict[str, Any]) -> list[str]:
    """Under what the parts may be used, each once."""
    said = metadata.get("licences", ())
    found = said.values() if isinstance(said, dict) else said
    return [licence for licence in dict.fromkeys(map(str, found)) if licence != "none"]


def _set_preview(collection: bpy.types.Collection, portrait: NDArray[np.uint8]) -> None:
    """The portrait in the middle of a square; Blender's pictures begin with the bottom row."""
    height, width = portrait.shape[:2]
    side = max(height, width)
    square = np.full((side, side, 4), GREY, np.float32)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width, :3] = portrait / np.float32(255)
    square[..., 3] = 1
    preview = collection.preview_ensure()
    preview.image_size = (side, side)
    preview.image_pixels_float.foreach_set(square[::-1].ravel())


def _layer_of(collection: bpy.types.Collection) -> bpy.types.LayerCollection:
    return bpy.context.view_layer.layer_collection.children[collection.name]
