"""Which passes there are, what Blender calls them, and what the engine does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import bpy

from ...rigging.avatar_objects import AVATAR_KEY
from ..capabilities import INDEX_PASS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import ExitStack

SETTINGS = "lhm_preview"
"""Property of a view layer: `LHM_PreviewPasses`."""


class Pass(NamedTuple):
    """One pass.

    Args:
        name: In Blender.
        channels: A letter each.
        kind: "COLOR", "VECTOR" or "VALUE".
        source: In the engine's ``preview.frame``.
        own: Whether Blender does not know it and has to be told for each render.
    """

    name: str
    channels: str
    kind: str
    source: str
    own: bool = False


class LHM_PreviewPasses(bpy.types.PropertyGroup):
    """Passes of LHM Preview that no other engine has."""

    seen: bpy.props.BoolProperty(  # pyright: ignore[reportInvalidTypeForm]
        name="Confidence",
        description="What the photos say of each place: red seen, green mirrored, blue made up",
    )
    masks: bpy.props.BoolProperty(  # pyright: ignore[reportInvalidTypeForm]
        name="Avatar Masks", description="How much of each pixel each avatar covers, one pass per avatar"
    )


def avatars(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The avatars' point clouds, in the order of their names: the engine knows them by their place here."""
    clouds = (item for item in scene.objects if item.get(AVATAR_KEY) == "cloud")
    return sorted((item.original for item in clouds), key=lambda item: item.name_full)


def passes_of(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> Iterator[Pass]:
    """The passes that a view layer wants."""
    yield Pass("Combined", "RGBA", "COLOR", "Combined")
    if layer.use_pass_z:
        yield Pass("Depth", "Z", "VALUE", "Depth")
    if layer.use_pass_normal:
        yield Pass("Normal", "XYZ", "VECTOR", "Normal")
    if layer.use_pass_object_index:
        yield Pass(INDEX_PASS, "X", "VALUE", "IndexOB")
    settings = getattr(layer, SETTINGS)
    if settings.seen:
        yield Pass("LHM Seen", "RGB", "COLOR", "Seen", own=True)
    if settings.masks:
        clouds = avatars(scene)
        for number, name in enumerate(_mask_names([(cloud.parent or cloud).name for cloud in clouds])):
            yield Pass(name, "X", "VALUE", f"Mask{number}", own=True)


def _mask_names(owners: Iterable[str]) -> list[str]:
    """Names of passes that Blender and OpenEXR keep: short, without dots, each only once."""
    names: list[str] = []
    for owner in owners:
        plain = _shortened(f"LHM Mask {owner}".replace(".", "_"), _LONGEST)  # a dot ends a layer's name
        number, name = 1, plain
        while name in names:  # of a linked avatar and an own one, or shortened to the same
            number += 1
            name = f"{_shortened(plain, _LONGEST - len(str(number)) - 1)}_{number}"
        names.append(name)
    return names


def _shortened(name: str, most: int) -> str:
    """The beginning that takes so many bytes."""
    return name.encode()[:most].decode(errors="ignore")


_LONGEST = 60  # bytes that a pass's name may have


def attach(undo: ExitStack) -> None:
    """Give view layers the settings."""
    setattr(bpy.types.ViewLayer, SETTINGS, bpy.props.PointerProperty(type=LHM_PreviewPasses))
    undo.callback(delattr, bpy.types.ViewLayer, SETTINGS)


CLASSES = (LHM_PreviewPasses,)
