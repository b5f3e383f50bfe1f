"""What improves the crops where its file is there: LHM's own head detector, a network for small heads."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..request import OFFICIAL
from .detector import load_detector
from .enlarge import load_enlarger
from .models import DETECTOR, UPSCALER, optional_file

if TYPE_CHECKING:
    from pathlib import Path

    from .detector import Detector
    from .enlarge import Enlarger


@dataclass(frozen=True)
class Extras:
    """Arguments of ``network_photo``.

    Args:
        detector: LHM's own head detector.
        enlarger: A network that enlarges small heads.
        notes: Sentences on what is not used, and why.
    """

    detector: Detector | None = None
    enlarger: Enlarger | None = None
    notes: tuple[str, ...] = ()


def extras(models: Path | None, preparation: str, *, enlarge: bool = True, device: str = "cpu") -> Extras:
    """Find and read them.

    Args:
        models: Folder of the downloaded models, if there is one.
        preparation: ``official`` takes LHM's detector where its file is there; ``best`` has its own.
        enlarge: Whether a small head may be enlarged by a network.
        device: Where that computes.

    Raises:
        AvatarError: If a file is gone, damaged or another kind of file.
    """
    notes: list[str] = []
    detector = enlarger = None
    path = optional_file(DETECTOR, models) if preparation == OFFICIAL else None
    if path is not None and importlib.util.find_spec("torch") is None:
        notes.append("LHM's head detector needs torch, which is not in this environment; ours is used.")
    elif path is not None:
        detector = load_detector(path)
    if enlarge:
        enlarger, why_not = load_enlarger(optional_file(UPSCALER, models), device)
        notes += [why_not] if why_not else []
    return Extras(detector, enlarger, tuple(notes))
