"""Which rasterizer draws: ours on the processor, or gsplat on the graphics card."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from ..avatar.errors import AvatarError
from .gsplat_setup import compile_gsplat, find_gsplat

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)

Wanted = Literal["auto", "cpu", "gsplat"]
WANTED = ("auto", "cpu", "gsplat")
VARIABLE = "LHM_AVATARS_RASTERIZER"
CPU_MAX_ALPHA = 0.99  # of the original paper's code; ours takes any
CEILINGS = (0.99, 0.999)
"""Ceilings of alpha that gsplat is known to be compiled with: since 1.6, and up to 1.5.3."""


@dataclass(frozen=True)
class Backend:
    """What draws, and why.

    Args:
        name: "cpu" or "gsplat".
        reason: In words, for the setup report; on "cpu" it says what gsplat lacks.
        max_alpha: Ceiling of one Gaussian's alpha; gsplat's is compiled in.
    """

    name: Literal["cpu", "gsplat"]
    reason: str
    max_alpha: float


def choose_backend(wanted: Wanted = "auto", *, max_alpha: float | None = None, ask: bool = False) -> Backend:
    """Choose what draws. Once looked for, gsplat is remembered for this process.

    Args:
        wanted: "auto" is gsplat where it can give the picture, else the processor. The environment variable
            LHM_AVATARS_RASTERIZER overrules "auto".
        max_alpha: The ceiling of alpha that the picture must have, if it matters.
        ask: Have gsplat's CUDA code compiled, which takes minutes, if that is all it lacks. Nothing is ever
            compiled without this.

    Raises:
        AvatarError: If gsplat is wanted and cannot be used, or the variable is wrong.
        ValueError: If ``wanted`` is none of the three.
    """
    if wanted not in WANTED:
        raise ValueError(f"backend must be one of {', '.join(WANTED)}, got {wanted}")
    if wanted == "auto":
        wanted = _from_environment()
    if wanted == "cpu":
        return Backend("cpu", "the processor was asked for", max_alpha or CPU_MAX_ALPHA)
    if ask and compile_gsplat().binary is not None:
        _look.cache_clear()
    found = _with_ceiling(_look(), max_alpha)
    if wanted == "gsplat" and found.name != "gsplat":
        raise AvatarError(
            f"gsplat cannot draw: {found.reason}. Let the processor draw, or see docs/gsplat.md."
        )
    return found


def _from_environment() -> Wanted:
    value = os.environ.get(VARIABLE, "auto")
    if value not in WANTED:
        raise AvatarError(f"The environment variable {VARIABLE} is {value}. Set it to auto, cpu or gsplat.")
    return value  # pyright: ignore[reportReturnType] - one of them


def _with_ceiling(found: Backend, max_alpha: float | None) -> Backend:
    """The processor, if a ceiling is asked for that this gsplat does not have."""
    if max_alpha is None or max_alpha == found.max_alpha:
        return found
    if found.name == "cpu":
        return replace(found, max_alpha=max_alpha)
    reason = f"this gsplat limits alpha to {found.max_alpha}, and {max_alpha} was asked for"
    return Backend("cpu", reason, max_alpha)


@cache
def _look() -> Backend:
    """Find gsplat, load it and try it; tell the log what came of it."""
    found = find_gsplat()
    if found.binary is None:
        chosen = Backend("cpu", found.reason, CPU_MAX_ALPHA)
    else:
        chosen = _load(found.binary, found.reason)
    log.info("drawing with %s: %s", chosen.name, chosen.reason)
    return chosen


def _load(binary: Path, reason: str) -> Backend:
    from .gsplat_backend import load_gsplat, try_gsplat

    try:
        load_gsplat(binary)
        return Backend("gsplat", reason, try_gsplat())
    # The ways in which gsplat of another version, or compiled for another graphics card, fails.
    except (ImportError, OSError, RuntimeError, AttributeError, TypeError, AssertionError) as error:
        return Backend("cpu", f"{reason}, does not work here: {error}", CPU_MAX_ALPHA)
