"""What was seen a moment ago: the folders of engines and models, and the hardware.

Looking at folders takes a millisecond, so the answers are kept for a moment. Asking the hardware starts a
program of its driver and takes up to a second: it happens in a thread, soon after the add-on is enabled, or
when somebody presses Look Again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import bpy

from ..engine import environment, torch_builds
from ..engine.hardware import inspect_hardware
from ..engine.preflight import preflight
from ..engine.weights import store
from ..engine.weights.catalogue import LICENCES, with_needs
from ..engine.weights.licences import accepted_on
from ..preferences import engines, models_root, preferences

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from pathlib import Path

    from ..engine.environment import EnvironmentStatus
    from ..engine.hardware import Hardware
    from ..engine.preflight import Preflight

Value = TypeVar("Value")

_KEPT_SECONDS = 1.5
_FIRST_LOOK_SECONDS = 2.0

# The only state of this module: what was seen, and when; the hardware, once it was asked.
_seen: dict[tuple[Any, ...], tuple[float, Any]] = {}
_hardware: list[Hardware] = []


def refresh() -> None:
    """Look again at the next question: something of ours has changed folders."""
    _seen.clear()


def known_hardware() -> Hardware | None:
    """This computer, once it was looked at; never waits."""
    return _hardware[-1] if _hardware else None


def look_at_hardware(folder: Path) -> Hardware:
    """Look at this computer now; takes up to a second.

    Args:
        folder: Where models are kept.
    """
    _hardware[:] = [inspect_hardware(folder)]
    refresh()
    return _hardware[-1]


def model_status(context: bpy.types.Context) -> store.Status:
    """The models folder, as it was a moment ago."""
    root = models_root(context)
    return kept(("models", root), lambda: store.status(root))


def basic_status(context: bpy.types.Context) -> EnvironmentStatus:
    """The built-in engine's environment, as it was a moment ago."""
    root = engines(context).root
    return kept(("basic", root), lambda: environment.status(root))


def lhm_status(context: bpy.types.Context) -> tuple[torch_builds.TorchBuild, EnvironmentStatus] | None:
    """The installed engine for LHM, as it was a moment ago; the user's own environment is not looked at."""
    root = engines(context).root
    return kept(("lhm", root), lambda: _lhm_status(root))


def engine_complaint(context: bpy.types.Context) -> str | None:
    """What is wrong with the installed engine for LHM, as it was a moment ago."""
    root = engines(context).root
    return kept(("complaint", root), lambda: torch_builds.complaint(root))


def licence_dates(context: bpy.types.Context) -> dict[str, str | None]:
    """When each licence was accepted, as it was a moment ago."""
    root = models_root(context)
    return kept(("licences", root), lambda: {name: accepted_on(name, root) for name in LICENCES})


def offered_builds() -> tuple[torch_builds.TorchBuild, ...]:
    """The engines for LHM that this computer can have, best first; all there are while nothing is known."""
    hardware = known_hardware()
    return torch_builds.offered(hardware) if hardware else torch_builds.builds()


def fit(context: bpy.types.Context, engine: str) -> Preflight | None:
    """Whether a model fits this computer; None while the hardware is unknown.

    Args:
        context: For the preferences.
        engine: One of ``request.RELEASED_MODELS``.
    """
    key = ("fit", engine, engines(context), models_root(context), preferences(context).device)
    return kept(key, lambda: _fit(context, engine))


def _fit(context: bpy.types.Context, engine: str) -> Preflight | None:
    hardware = known_hardware()
    if hardware is None:
        return None
    measured = torch_builds.measured(engines(context).root)
    if preferences(context).device == "cpu":
        hardware = replace(hardware, gpu=None)
        measured = measured if measured and measured["device"] == "cpu" else None
    status = model_status(context)
    to_fetch = sum(status.of(item.name).to_fetch for item in with_needs(engine))
    return preflight(engine, hardware, to_fetch=to_fetch, measured=measured)


def _lhm_status(root: Path) -> tuple[torch_builds.TorchBuild, EnvironmentStatus] | None:
    build = torch_builds.installed(root)
    return (
        None if build is None else (build, environment.status(root, torch_builds.requirements_of(build.name)))
    )


def kept(key: tuple[Any, ...], look: Callable[[], Value]) -> Value:
    """What was seen a moment ago, or else now.

    Args:
        key: All that the answer depends on, but for the disk.
        look: Finds the answer.
    """
    now, seen = time.monotonic(), _seen.get(key)  # the hardware's thread may clear the table at any time
    if seen is not None and now - seen[0] < _KEPT_SECONDS:
        return seen[1]
    value = look()
    _seen[key] = (now, value)
    return value


def _first_look() -> None:
    """Ask the hardware beside Blender; the thread knows nothing of Blender and touches one list."""
    folder = models_root()
    Thread(target=look_at_hardware, args=(folder,), name="hardware", daemon=True).start()


def attach(undo: ExitStack) -> None:
    """Look at the hardware soon after the start, where there is a window to show it in."""
    if not bpy.app.background:
        # Persistent: Blender started with a file loads it after the add-ons, and would drop the timer.
        bpy.app.timers.register(_first_look, first_interval=_FIRST_LOOK_SECONDS, persistent=True)
        undo.callback(_stop_timer)
    undo.callback(_seen.clear)
    undo.callback(_hardware.clear)


def _stop_timer() -> None:
    if bpy.app.timers.is_registered(_first_look):
        bpy.app.timers.unregister(_first_look)


CLASSES = ()
