"""The sizes of a model of one's own, read from its ``config.json`` with every value checked."""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import TYPE_CHECKING, Any

from ..avatar.errors import AvatarError
from ..network.config import LhmConfig, VitConfig

if TYPE_CHECKING:
    from pathlib import Path

_SAPIENS_PATCH = 16  # pixels


def read_config(path: Path) -> LhmConfig:
    """Read the sizes of a model of one's own.

    Args:
        path: A JSON object with the fields of :class:`LhmConfig`; what is left out is as in LHM's models.

    Raises:
        AvatarError: If the file is missing, no such object, or its values cannot be those of a model.
    """
    if not path.is_file():
        raise AvatarError(f"Your own model lacks the file {path.name}. Choose the folder that holds it.")
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
        config = _built(LhmConfig, values, "")
        _require_possible(config)
    except (OSError, ValueError) as error:
        raise AvatarError(
            f"{path.name} does not describe a model for this extension: {error}. Correct it, or choose the "
            "model's engine by its name if it is a released one."
        ) from error
    return config


def _built(kind: type, values: Any, where: str) -> Any:
    """A configuration of JSON values.

    Raises:
        ValueError: Naming the value.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{where or 'the file'} must hold an object, got {type(values).__name__}")  # noqa: TRY004
    hints = typing.get_type_hints(kind)
    if unknown := sorted(set(values) - set(hints)):
        raise ValueError(f"{where}{unknown[0]} is no size that is known here")
    needed = [field.name for field in dataclasses.fields(kind) if _is_required(field)]
    if missing := [name for name in needed if name not in values]:
        raise ValueError(f"{where}{missing[0]} is missing")
    return kind(**{name: _value(hints[name], value, where + name) for name, value in values.items()})


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _value(hint: Any, value: Any, name: str) -> Any:
    if hint is VitConfig:
        return _built(VitConfig, value, f"{name}.")
    if hint is str:
        good = isinstance(value, str) and bool(value)
        return _checked(value, good, name, "a text")
    if hint is float:
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1
        return _checked(value, good, name, "a number between 0 and 1")
    if hint is int:
        return _checked(value, _is_count(value, 1), name, "a whole number above 0")
    lengths = [each for each in typing.get_args(hint) if each is not Ellipsis]
    length = len(lengths) if Ellipsis not in typing.get_args(hint) else None
    good = isinstance(value, list) and all(_is_count(each, 0) for each in value)
    good = good and len(value) == length if length else good and len(value) > 0
    return tuple(_checked(value, good, name, f"a list of {length or 'some'} whole numbers"))


def _is_count(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _checked(value: Any, good: bool, name: str, wanted: str) -> Any:
    if not good:
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return value


def _require_possible(config: LhmConfig) -> None:
    """Compare the sizes with each other; a model is only built where they fit.

    Raises:
        ValueError: Naming what does not fit.
    """
    vit = config.vit
    for problem, what in (
        (config.width % config.heads, "width must be a multiple of heads"),
        (vit.width % vit.heads, "vit.width must be a multiple of vit.heads"),
        (vit.resolution % vit.patch, "vit.resolution must be a multiple of vit.patch"),
        (vit.trained_size % vit.patch, "vit.trained_size must be a multiple of vit.patch"),
        (max(vit.taps) >= vit.depth, "vit.taps must be blocks below vit.depth"),
        (config.body_points in (0, config.points), "points must be at least 4"),
        (config.width > config.context_width, "width must not be above context_width"),
        (
            (config.sapiens_resolution // _SAPIENS_PATCH) ** 2 != config.body_tokens,
            "body_tokens must be the number of sapiens_resolution's patches of 16 pixels",
        ),
    ):
        if problem:
            raise ValueError(what)
