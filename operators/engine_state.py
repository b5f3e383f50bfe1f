"""What each engine lacks, in words, with the one button that gets it; cheap enough for a panel's draw()."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..engine import torch_builds
from ..engine.request import LIFT, OWN_MODEL, RELEASED_MODELS
from ..engine.weights.catalogue import LICENCES, asset, with_needs
from ..preferences import engines, models_root, preferences
from ..properties import settings
from .looks import fit, kept, known_hardware, model_status, offered_builds

if TYPE_CHECKING:
    from ..engine.preflight import Preflight
    from ..engine.weights.catalogue import Asset
    from ..preferences import Engines

READY, NO_ENGINE, NO_FOLDER, NO_LICENCE = "ready", "engine", "folder", "licence"
NO_DOWNLOAD, NO_FILE, TOO_LARGE = "download", "file", "too large"
SMALLEST = RELEASED_MODELS[0]
SAPIENS = "sapiens-1b"
_OWN_FILES = ("model.safetensors", "config.json")


@dataclass(frozen=True)
class Button:
    """What to press next.

    Attributes:
        operator: Its name.
        text: On the button.
        values: Of its properties.
    """

    operator: str
    text: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineState:
    """How an engine stands.

    Attributes:
        kind: One of the names above.
        words: A sentence.
        icon: Blender's.
        button: The next step; none when it is ready, or something must be typed.
        notes: Further sentences.
    """

    kind: str
    words: str
    icon: str
    button: Button | None = None
    notes: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether Reconstruct may be pressed."""
        return self.kind == READY


def state_of(context: bpy.types.Context, engine: str, folder: str | None = None) -> EngineState:
    """How an engine stands, as it was a moment ago.

    Args:
        context: Of the scene.
        engine: One of ``properties.ENGINES``.
        folder: Of the model of one's own; the scene's by default.
    """
    there = engines(context)
    if engine == LIFT:
        return kept((engine, there), lambda: _lift_state(there))
    folder = settings(context).model_folder if folder is None else folder
    key = (engine, there, models_root(context), folder, preferences(context).device)
    return kept(key, lambda: _state(context, engine, there, folder))


def time_words(seconds: float | None) -> str:
    """How long a photo takes, in words; empty when nobody knows."""
    if seconds is None:
        return ""
    return (
        f"about {seconds / 60:.0f} min a photo" if seconds >= 90 else f"about {max(seconds, 1):.0f} s a photo"
    )


def _state(context: bpy.types.Context, engine: str, there: Engines, own_folder: str) -> EngineState:
    if engine == OWN_MODEL:
        return _own_state(context, there, own_folder)
    fitting = fit(context, engine)
    complete = not _lacking(context, with_needs(engine))
    if fitting is not None and not fitting.fits and not complete:
        return _too_large(context, engine, fitting)
    blocked = _without_engine(there) or _without_files(context, engine, with_needs(engine))
    if blocked is not None:
        return blocked
    if fitting is not None and not fitting.fits:  # an estimate does not forbid what is there
        return EngineState(READY, "Ready, but it may not fit", "ERROR", _smaller(context, engine),
                           fitting.problems)  # fmt: skip
    words = ", ".join(part for part in ("Ready", time_words(fitting.seconds if fitting else None)) if part)
    return EngineState(READY, words, "CHECKMARK")


def _lift_state(there: Engines) -> EngineState:
    if there.basic() is not None:
        return EngineState(READY, "Ready", "CHECKMARK")
    button = Button("lhm.install_engine", "Install Engine")
    return EngineState(NO_ENGINE, "Needs the engine, which is installed once", "ERROR", button)


def _own_state(context: bpy.types.Context, there: Engines, given: str) -> EngineState:
    folder = Path(bpy.path.abspath(given))
    if not given:
        return EngineState(NO_FOLDER, "Choose the folder of your model", "FILE_FOLDER")
    absent = [name for name in _OWN_FILES if not (folder / name).is_file()]
    if absent:
        words = f"The folder of your model does not hold {' and '.join(absent)}"
        return EngineState(NO_FOLDER, words, "ERROR")
    needs = () if any(folder.glob("sapiens*.pt2")) else (asset(SAPIENS),)
    blocked = _without_engine(there) or _without_files(context, SAPIENS, needs)
    return blocked or EngineState(READY, "Ready", "CHECKMARK")


def _without_engine(there: Engines) -> EngineState | None:
    if there.lhm() is not None:
        return None
    if there.own is not None:
        words = f"There is no Python at {there.own}. Correct Own Environment in Setup, or leave it empty"
        return EngineState(NO_ENGINE, words, "ERROR")
    builds = offered_builds()
    if not builds:
        hardware = known_hardware()
        words = torch_builds.advice(hardware) if hardware else None
        return EngineState(NO_ENGINE, words or "There is no torch for this system", "ERROR")
    button = Button("lhm.install_lhm", "Install Engine for LHM…", {"build": builds[0].name})
    return EngineState(NO_ENGINE, "Needs the engine for LHM, which is installed once", "ERROR", button)


def _without_files(context: bpy.types.Context, model: str, needs: tuple[Asset, ...]) -> EngineState | None:
    """The first thing that is missing of a model's files and their licences."""
    status = model_status(context)
    licences = dict.fromkeys(name for item in needs for name in status.of(item.name).licences_missing)
    if licences:
        first = LICENCES[next(iter(licences))]
        rest = f" and {len(licences) - 1} more" if len(licences) > 1 else ""
        button = Button("lhm.accept_licence", "Accept Licence…", {"licence": first.name})
        return EngineState(NO_LICENCE, f"Needs a licence: {first.title}{rest}", "ERROR", button)
    lacking = _lacking(context, needs)
    fetched = [item for item in lacking if item.repository is not None]
    if fetched:
        states = [status.of(item.name) for item in fetched]
        size = sum(one.to_fetch for one in states) / 1e9
        verb = "Continue Download" if any(one.state == "partial" for one in states) else "Download"
        button = Button("lhm.download_model", f"{verb} ({size:.1f} GB)", {"model": model})
        return EngineState(NO_DOWNLOAD, f"Needs a download of {size:.1f} GB", "IMPORT", button)
    if lacking:
        item = lacking[0]
        lost = status.of(item.name).state == "lost"
        what = "is gone or has changed" if lost else "is needed; it cannot be downloaded by the add-on"
        button = Button("lhm.use_model_files", "Use Files…", {"model": item.name})
        return EngineState(NO_FILE, f"{item.main.name} ({item.title}) {what}", "FILE", button)
    return None


def _lacking(context: bpy.types.Context, needs: tuple[Asset, ...]) -> list[Asset]:
    status = model_status(context)
    return [item for item in needs if status.of(item.name).state != "ready"]


def _too_large(context: bpy.types.Context, engine: str, fitting: Preflight) -> EngineState:
    words = f"{asset(engine).title} does not fit this computer"
    return EngineState(TOO_LARGE, words, "ERROR", _smaller(context, engine), fitting.problems)


def _smaller(context: bpy.types.Context, engine: str) -> Button | None:
    """The way to the smallest model, if that is another one and fits; else to the built-in engine."""
    fitting = None if engine == SMALLEST else fit(context, SMALLEST)
    if fitting is not None and fitting.fits:
        return smaller_button(engine)
    return Button("lhm.use_engine", "Use Built-in Instead…", {"engine": LIFT})


def smaller_button(engine: str) -> Button:
    """The way to an engine that needs less memory."""
    if engine in (SMALLEST, LIFT):
        return Button("lhm.use_engine", "Use Built-in Instead…", {"engine": LIFT})
    title = asset(SMALLEST).title
    return Button("lhm.use_engine", f"Use {title} Instead…", {"engine": SMALLEST})
