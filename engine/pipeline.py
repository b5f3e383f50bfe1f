"""From a photo to an avatar: prepare, then the engine that was asked for."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .avatar.body import bundled_body
from .avatar.errors import AvatarError
from .lift.choices import Choices
from .lift.lift import lift
from .lift.observation import observation
from .lift.outcome import numbered
from .made import Made
from .prepare.person import prepare
from .request import LHM_MODELS, LIFT, ReconstructRequest
from .stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .avatar.avatar import Avatar
    from .prepare.person import PreparedPhoto
    from .stages import ReportProgress

__all__ = ["ENGINES", "Engine", "ReconstructRequest", "Reconstruction", "reconstruct"]

_PACKAGES = ("numpy", "scipy", "numba", "opencv-contrib-python-headless", "mediapipe", "pillow")
# Modules of packages that go by other names, too: mediapipe asks for another build of OpenCV than ours.
_MODULES = {"opencv-contrib-python-headless": "cv2", "pillow": "PIL"}
_LIFT_LICENCES = {"engine": "GPL-3.0-or-later", "body": "CC0-1.0", "weights": "none"}
# Seconds of a run on two cores, and what the artist reads.
_LIFT_STAGES = {
    "prepare": (3.5, "Finding the person"),
    "fit": (0.7, "Fitting the body"),
    "parse": (0.6, "Telling skin, hair and clothes apart"),
    "volume": (0.8, "Adding clothes and hair"),
    "place": (0.7, "Placing Gaussians"),
    "fill": (0.7, "Filling the unseen side"),
    "refine": (3.6, "Refining colours"),
    "bind": (0.2, "Binding to the skeleton"),
}


@dataclass(frozen=True)
class Engine:
    """An engine that has looked whether it can run.

    Args:
        stages: By name and in order, the preparation first: about how many seconds each takes, and what the
            artist reads.
        make: Makes an avatar from prepared photos.
    """

    stages: Mapping[str, tuple[float, str]]
    make: Callable[[Sequence[PreparedPhoto], Stages], Made]


@dataclass(frozen=True)
class Reconstruction:
    """An avatar and how it came about.

    Args:
        avatar: Ready to be saved.
        report: JSON values: seconds per stage, measures, warnings, what was done to the photo.
    """

    avatar: Avatar
    report: dict[str, Any]


def reconstruct(request: ReconstructRequest, progress: ReportProgress) -> Reconstruction:
    """Make an avatar from a photo.

    Args:
        request: What to make.
        progress: Told the stage, the fraction of the whole and a text for the artist; it may raise to cancel.

    Raises:
        AvatarError: If the photo or the mask cannot be used, or the engine cannot run.
    """
    engine = ENGINES[request.engine](request)
    stages = Stages(engine.stages, progress)
    stages.at("prepare", 0.0)
    photos = _prepared(request, lambda done: stages.at("prepare", done))
    made = engine.make(photos, stages)
    stages.stop()
    facts = {
        "engine": request.engine,
        "settings": request.settings(),
        "versions": versions(made.packages),
        "licences": made.licences,
        "warnings": [*numbered([prepared.warnings for prepared in photos]), *made.warnings],
        "preparation": photos[0].report,
        "measures": made.measures,
        **made.report,
    }
    if len(photos) > 1:
        facts["further_preparations"] = [prepared.report for prepared in photos[1:]]
    origin = {"photo_sha256": photos[0].photo.sha256}
    avatar = replace(made.avatar, metadata=made.avatar.metadata | facts | origin)
    costs = {
        "seconds": stages.seconds,
        "total_seconds": round(sum(stages.seconds.values()), 3),
        "peak_memory_bytes": peak_memory(),
    }
    return Reconstruction(avatar, costs | facts)


def _prepared(request: ReconstructRequest, report: Callable[[float], None]) -> list[PreparedPhoto]:
    """All photos of a request; what is wrong with a further one is told with its name.

    Raises:
        AvatarError: If a photo or the mask cannot be used.
    """
    count = 1 + len(request.photos)
    first = prepare(request.photo, request.mask, lambda done, _: report(done / count))
    further = [
        _further(p, lambda done, n=n: report((n + done) / count)) for n, p in enumerate(request.photos, 1)
    ]
    return [first, *further]


def _further(photo: Path, report: Callable[[float], None]) -> PreparedPhoto:
    try:
        return prepare(photo, None, lambda done, _: report(done))
    except AvatarError as error:
        raise AvatarError(f"{photo.name}: {error}") from error


def _lift(request: ReconstructRequest) -> Engine:
    """The built-in engine: it needs nothing but the photo."""
    choices = Choices(
        count=request.count,
        influences=request.influences,
        seed=request.seed,
        binding=request.chosen_binding,
        loose=request.loose,
        held=request.held,
    )

    def make(photos: Sequence[PreparedPhoto], stages: Stages) -> Made:
        lifted = lift(
            bundled_body(),
            [observation(prepared) for prepared in photos],
            choices,
            stages.at,
        )
        return Made(lifted.avatar, lifted.measures, _LIFT_LICENCES, (), tuple(lifted.warnings))

    return Engine(_LIFT_STAGES, make)


def _lhm(request: ReconstructRequest) -> Engine:
    """One of LHM's models: it needs torch, the model's files and memory.

    Raises:
        AvatarError: If one of them is missing.
    """
    if importlib.util.find_spec("torch") is None:
        raise AvatarError("This engine cannot run LHM's models. Install the engine for LHM in Setup.")
    from .lhm.reconstruct import ready

    runner = ready(request)
    return Engine(runner.stages, lambda photos, stages: runner.make(photos[0], stages))


ENGINES: Mapping[str, Callable[[ReconstructRequest], Engine]] = {
    LIFT: _lift,
    **dict.fromkeys(LHM_MODELS, _lhm),
}
"""Each looks whether it can run, before anything is done, and gives what makes an avatar."""


def versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Python and the packages that shape the result."""
    found = {"python": platform.python_version()}
    return found | {name: _version(name) for name in (*_PACKAGES, *packages)}


def _version(package: str) -> str:
    """A package's version; in an environment of the user's own only its module may be known."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        module = importlib.import_module(_MODULES.get(package, package))
        return str(getattr(module, "__version__", "unknown"))


def peak_memory() -> int | None:
    """Most bytes this process has held, where the system tells."""
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kibibytes on Linux
