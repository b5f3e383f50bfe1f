"""From a photo to an avatar: prepare, then the engine that was asked for."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .avatar.body import bundled_body
from .avatar.errors import AvatarError
from .lift.lift import lift
from .lift.observation import Camera, Observation
from .prepare.person import prepare
from .request import ReconstructRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .avatar.avatar import Avatar
    from .prepare.person import PreparedPhoto

    ReportProgress = Callable[[str, float, str], None]

UNSURE = 0.3  # visibility below which a landmark is a guess

_PACKAGES = ("numpy", "scipy", "numba", "opencv-contrib-python-headless", "mediapipe", "pillow")
_LICENCES = {"engine": "GPL-3.0-or-later", "body": "CC0-1.0", "weights": "none"}

# What the artist reads, and where each stage begins on the bar: measured shares of a 2-core run.
_STAGES: dict[str, tuple[float, str]] = {
    "prepare": (0.0, "Finding the person"),
    "fit": (0.35, "Fitting the body"),
    "volume": (0.42, "Adding clothes and hair"),
    "place": (0.50, "Placing Gaussians"),
    "fill": (0.55, "Filling the unseen side"),
    "refine": (0.62, "Refining colours"),
    "bind": (0.98, "Binding to the skeleton"),
}
_ENDS = dict(zip(_STAGES, [start for start, _ in list(_STAGES.values())[1:]] + [1.0], strict=True))


@dataclass(frozen=True)
class Reconstruction:
    """An avatar and how it came about.

    Args:
        avatar: Ready to be saved.
        report: JSON values: seconds per stage, measures, warnings, what was done to the photo.
    """

    avatar: Avatar
    report: dict[str, Any]


@dataclass
class _Clock:
    """Seconds per stage, and the way to the progress bar."""

    progress: ReportProgress
    seconds: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _since: float = 0.0

    def at(self, stage: str, fraction: float) -> None:
        """Say how much of a stage is done; a new name ends the stage before."""
        now = time.perf_counter()
        if stage != self._stage:
            self.stop()
            self._stage, self._since = stage, now
        start, message = _STAGES[stage]
        self.progress(stage, start + (_ENDS[stage] - start) * min(max(fraction, 0.0), 1.0), message)

    def stop(self) -> None:
        """End the running stage."""
        if self._stage:
            self.seconds[self._stage] = round(time.perf_counter() - self._since, 3)
        self._stage = ""


__all__ = ["ReconstructRequest", "Reconstruction", "reconstruct"]


def reconstruct(request: ReconstructRequest, progress: ReportProgress) -> Reconstruction:
    """Make an avatar from a photo.

    Args:
        request: What to make.
        progress: Told the stage, the fraction of the whole and a text for the artist; it may raise to cancel.

    Raises:
        AvatarError: If the photo or the mask cannot be used.
    """
    clock = _Clock(progress)
    clock.at("prepare", 0.0)
    prepared = prepare(request.photo, request.mask, lambda done, _: clock.at("prepare", done))
    lifted = lift(
        bundled_body(),
        observation(prepared),
        count=request.count,
        influences=request.influences,
        seed=request.seed,
        report=clock.at,
    )
    clock.stop()
    warnings = [*prepared.warnings, *lifted.warnings]
    metadata = {
        "engine": request.engine,
        "settings": request.settings(),
        "photo_sha256": prepared.photo.sha256,
        "versions": versions(),
        "licences": _LICENCES,
        "warnings": warnings,
        "preparation": prepared.report,
        "measures": lifted.measures,
    }
    avatar = replace(lifted.avatar, metadata=lifted.avatar.metadata | metadata)
    report = {
        "seconds": clock.seconds,
        "total_seconds": round(sum(clock.seconds.values()), 3),
        "peak_memory_bytes": peak_memory(),
        **{
            key: metadata[key]
            for key in ("engine", "settings", "versions", "warnings", "preparation", "measures")
        },
    }
    return Reconstruction(avatar, report)


def observation(prepared: PreparedPhoto) -> Observation:
    """The prepared photo as `lift` wants it."""
    height, width = prepared.alpha.shape
    keypoints = prepared.keypoints
    if not (prepared.alpha > 0.5).any():
        raise AvatarError("The mask leaves nothing of the photo. Paint the person white and try again.")
    return Observation(
        rgb=prepared.rgb,
        alpha=prepared.alpha,
        points=keypoints.points,
        confidence=np.where(keypoints.inside & (keypoints.visibility > UNSURE), keypoints.visibility, 0.0),
        world=keypoints.world,
        camera=Camera(prepared.focal, prepared.center, width, height),
        cut=frozenset(prepared.cut),
    )


def versions() -> dict[str, str]:
    """Python and the packages that shape the result."""
    found = {"python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in _PACKAGES}


def peak_memory() -> int | None:
    """Most bytes this process has held, where the system tells."""
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kibibytes on Linux
