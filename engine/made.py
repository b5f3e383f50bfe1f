"""What an engine gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .avatar.avatar import Avatar


@dataclass(frozen=True)
class Made:
    """An avatar and what an engine says about it.

    Args:
        avatar: Its metadata hold what only the engine knows.
        measures: Numbers for the report.
        licences: Under what the engine, the body and the weights may be used.
        packages: Names of further packages that shaped the result.
        warnings: Sentences for the artist.
        report: What belongs into the report and the avatar's metadata alike; JSON values.
    """

    avatar: Avatar
    measures: dict[str, float]
    licences: dict[str, str]
    packages: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)
