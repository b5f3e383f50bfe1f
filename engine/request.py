"""What a reconstruction is asked for: the engine's name and the settings, checked."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .avatar.binding import DEFAULT_INFLUENCES
from .avatar.errors import AvatarError
from .weights.catalogue import catalogue

if TYPE_CHECKING:
    from pathlib import Path

LIFT = "lift"
OWN_MODEL = "lhm-own"
RELEASED_MODELS = tuple(item.name for item in catalogue() if item.name.startswith("lhm-"))
LHM_MODELS = (*RELEASED_MODELS, OWN_MODEL)
ENGINE_NAMES = (LIFT, *LHM_MODELS)
"""The built-in engine, LHM's released models, and a model of one's own in LHM's format."""

DEFAULT_COUNT = 40_000
FEWEST, MOST = 5_000, 500_000  # Gaussians
INFLUENCES = (4, 8)
BEST, OFFICIAL = "best", "official"
FIT, ZERO = "fit", "zero"
SURFACE, DIFFUSED = "surface", "diffused"
BINDINGS = (SURFACE, DIFFUSED)
"""Joint weights of the nearest place on the body, or diffused from there through the air."""
KEEP, DROP = "keep", "drop"
MOST_PHOTOS = 8
DEVICES = ("auto", "cuda", "mps", "cpu")
_PRIVATE = ("photo", "work_dir", "mask", "photos", "models", "model_folder")


@dataclass(frozen=True)
class ReconstructRequest:
    """What to make.

    Args:
        photo: An image file.
        work_dir: Folder for files that nobody keeps.
        engine: One of ``ENGINE_NAMES``.
        seed: Equal seeds give equal avatars.
        count: About how many Gaussians; an LHM model has its own number.
        mask: An image that is white where the person is; found automatically by default.
        photos: Further photos of the same person in the same clothes, from other sides; ``lift`` only.
        held: ``lift``: what becomes of a thing in a hand, ``keep`` (it moves with the hand) or ``drop``.
        loose: How freely clothes hang about the legs, 0 (as the legs go) to 1; found in the photo by default.
        influences: Joints per Gaussian, 4 or 8.
        binding: ``surface`` or ``diffused``; by default what the engine is best with, see ``chosen_binding``.
        preparation: LHM: ``best``, or ``official`` for what the released code makes of a photo.
        shape: LHM: ``fit`` to the photo, ``zero`` for the mean shape, or the betas themselves.
        models: Folder of the downloaded models; LHM needs it.
        model_folder: The model of one's own; ``lhm-own`` needs it.
        device: LHM: where to compute, ``auto``, ``cuda``, ``mps`` or ``cpu``.
        head_box: LHM: left, top, right, bottom of the head in pixels of the upright photo; found by default.
        enlarge: LHM: whether a small head may be enlarged by a network, where its file is there.

    Raises:
        AvatarError: If there is no engine of that name, or it cannot take so many photos.
        ValueError: If a setting is out of range.
    """

    photo: Path
    work_dir: Path
    engine: str = LIFT
    seed: int = 0
    count: int = DEFAULT_COUNT
    mask: Path | None = None
    photos: tuple[Path, ...] = ()
    held: str = KEEP
    loose: float | None = None
    influences: int = DEFAULT_INFLUENCES
    binding: str | None = None
    preparation: str = BEST
    shape: str | tuple[float, ...] = FIT
    models: Path | None = None
    model_folder: Path | None = None
    device: str = DEVICES[0]
    head_box: tuple[float, float, float, float] | None = None
    enlarge: bool = True

    def __post_init__(self) -> None:
        if self.engine not in ENGINE_NAMES:
            raise AvatarError(f"There is no engine named {self.engine!r}. Choose {_listed(ENGINE_NAMES)}.")
        if not FEWEST <= self.count <= MOST:
            raise ValueError(f"count must lie between {FEWEST} and {MOST}, got {self.count}")
        for name, choices in (
            ("influences", INFLUENCES),
            ("preparation", (BEST, OFFICIAL)),
            ("device", DEVICES),
            ("held", (KEEP, DROP)),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be {_listed(choices)}, got {getattr(self, name)!r}")
        if self.binding is not None and self.binding not in BINDINGS:
            raise ValueError(f"binding must be {_listed(BINDINGS)}, got {self.binding!r}")
        if self.loose is not None and not 0 <= self.loose <= 1:
            raise ValueError(f"loose must lie between 0 and 1, got {self.loose}")
        self._check_shape()
        self._check_photos()
        if self.head_box is not None and not _is_box(self.head_box):
            raise ValueError(f"head_box must be left, top, right, bottom, got {self.head_box!r}")

    def _check_shape(self) -> None:
        if isinstance(self.shape, str):
            good = self.shape in (FIT, ZERO)
        else:
            good = all(math.isfinite(beta) for beta in self.shape)
        if not good:
            raise ValueError(f"shape must be {FIT}, {ZERO} or betas, got {self.shape!r}")

    def _check_photos(self) -> None:
        if self.photos and self.engine != LIFT:
            raise AvatarError(
                "LHM works from one photo. Remove the further photos, or choose the built-in engine."
            )
        if len(self.photos) >= MOST_PHOTOS:
            raise AvatarError(
                f"{len(self.photos) + 1} photos are more than the engine takes. Choose at most {MOST_PHOTOS}."
            )

    @property
    def chosen_binding(self) -> str:
        """The binding asked for, or the engine's own: LHM's models were made for the body's surface."""
        return self.binding or (DIFFUSED if self.engine == LIFT else SURFACE)

    def settings(self) -> dict[str, Any]:
        """What decides the result, for the avatar's file; no paths, they are nobody's business."""
        kept = {name: value for name, value in asdict(self).items() if name not in _PRIVATE}
        kept |= {"binding": self.chosen_binding}
        return kept | {"mask": "given" if self.mask else "automatic", "photo_count": 1 + len(self.photos)}


def _listed(names: tuple[Any, ...]) -> str:
    *first, last = map(str, names)
    return f"{', '.join(first)} or {last}"


def _is_box(box: tuple[float, ...]) -> bool:
    return len(box) == 4 and all(map(math.isfinite, box)) and box[0] < box[2] and box[1] < box[3]
