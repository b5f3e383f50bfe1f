"""Scene settings without which an avatar does not look right; set for an engine, put back as they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..engine.avatar.errors import AvatarError
from .capabilities import EEVEE_NAMES, eevee

if TYPE_CHECKING:
    import bpy

CYCLES_LAYERS = 512
"""Splats that a ray may pass: with Cycles' own 8 an avatar is black, beyond 512 nothing changes."""

CYCLES_SAMPLES, EEVEE_SAMPLES = 4, 64
"""Splats shine by themselves, so a sample in Cycles is without noise and more only smooth edges. EEVEE takes
or leaves each splat by chance in every sample."""

CYCLES, EEVEE = "CYCLES", "EEVEE"
BEFORE_KEY = "lhm_render_before"
"""Custom property on the scene: what was set before, as JSON."""

# How many splats a ray passes; below the second number Cycles ends rays by chance, which shows as salt and
# pepper.
_LAYERS = ("cycles.transparent_max_bounces", "cycles.min_transparent_bounces")

NO_CYCLES = (
    "Cycles is not enabled in this Blender. Enable Cycles Render Engine in Edit > Preferences > Add-ons, or "
    "suit EEVEE."
)

_Settings = tuple[tuple[str, Any], ...]

# In this order: a transform decides which looks there are.
_COLORS: _Settings = (
    ("view_settings.view_transform", "Standard"),  # AgX and Filmic soften the photo's colours
    ("view_settings.look", "None"),
    ("view_settings.exposure", 0.0),
    ("view_settings.gamma", 1.0),
    ("view_settings.use_curve_mapping", False),
)
_SHARP = 0.5  # pixels; splats are as soft as a pixel already
_OF_CYCLES: _Settings = (("cycles.use_denoising", False),)  # it takes soft splats for noise
_SPLATS_IN_CYCLES: _Settings = (
    ("cycles.samples", CYCLES_SAMPLES),
    ("cycles.use_adaptive_sampling", False),
    ("cycles.filter_width", _SHARP),
)
_SPLATS_IN_EEVEE: _Settings = (("eevee.taa_render_samples", EEVEE_SAMPLES), ("render.filter_size", _SHARP))


def suit_cycles(scene: bpy.types.Scene) -> None:
    """Let rays pass as many splats as lie behind each other, and end none of them by chance; lowers nothing.

    Args:
        scene: Left alone where Cycles is not enabled.
    """
    for path in _LAYERS:
        if _has(scene, path):
            _set(scene, path, max(_get(scene, path), CYCLES_LAYERS))


def suit_renders(scene: bpy.types.Scene, engine: str, *, splats_only: bool = True) -> None:
    """Choose an engine and set what makes avatars look right in it; `put_back` undoes this.

    Args:
        scene: Not linked. Used twice in a row, what was set before the first time is what is put back.
        engine: `CYCLES` or `EEVEE`.
        splats_only: Take the few samples and the narrow filter that splats need. A scene with lights and
            other objects wants its own.

    Raises:
        ValueError: If the engine is another.
        AvatarError: If Cycles is not enabled.
    """
    if engine not in (CYCLES, EEVEE):
        raise ValueError(f"engine must be {CYCLES} or {EEVEE}, got {engine!r}")
    if engine == CYCLES and not hasattr(scene, "cycles"):
        raise AvatarError(NO_CYCLES)
    wanted: _Settings = (("render.engine", CYCLES if engine == CYCLES else eevee()), *_COLORS)
    if engine == CYCLES:
        wanted += (*_even_layers(scene), *_OF_CYCLES)
    if splats_only:
        wanted += _SPLATS_IN_CYCLES if engine == CYCLES else _SPLATS_IN_EEVEE
    before = dict(_before(scene))
    for path, _ in wanted:
        if _has(scene, path):
            before.setdefault(path, _get(scene, path))
    scene[BEFORE_KEY] = json.dumps(list(before.items()))
    for path, value in wanted:
        _set(scene, path, value)


def is_suited(scene: bpy.types.Scene) -> bool:
    """Whether there is something to put back."""
    return BEFORE_KEY in scene


def put_back(scene: bpy.types.Scene) -> None:
    """Set what `suit_renders` changed as it was before; nothing happens where it did not run.

    Args:
        scene: Not linked.
    """
    for path, value in _before(scene):
        _set(scene, path, eevee() if value in EEVEE_NAMES else value)  # the file may be of another Blender
    if BEFORE_KEY in scene:
        del scene[BEFORE_KEY]


def keeps_photo_colors(scene: bpy.types.Scene) -> bool:
    """Whether the view transform shows the photo's colours as they are; AgX and Filmic soften them."""
    return scene.view_settings.view_transform in ("Standard", "Raw")


def _even_layers(scene: bpy.types.Scene) -> _Settings:
    """No ray ends by chance: both numbers are the larger one."""
    most = max((_get(scene, path) for path in _LAYERS if _has(scene, path)), default=0)
    return tuple((path, max(most, CYCLES_LAYERS)) for path in _LAYERS)


def _before(scene: bpy.types.Scene) -> list[tuple[str, Any]]:
    return [(path, value) for path, value in json.loads(scene.get(BEFORE_KEY, "[]"))]


def _has(scene: bpy.types.Scene, path: str) -> bool:
    """Whether this Blender has a setting; Cycles may be missing."""
    group, name = path.split(".")
    return hasattr(getattr(scene, group, None), name)


def _get(scene: bpy.types.Scene, path: str) -> Any:
    group, name = path.split(".")
    return getattr(getattr(scene, group), name)


def _set(scene: bpy.types.Scene, path: str, value: Any) -> None:
    if _has(scene, path):
        group, name = path.split(".")
        setattr(getattr(scene, group), name, value)
