"""From a photo to an avatar in the scene: what the operator, the command and scripts call.

from bl_ext.user_default.lhm_avatars.operators.reconstruction import reconstruct_photo
made = reconstruct_photo(bpy.context, Path("/path/to/photo.jpg"))
made.objects.armature.location.x += 1
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.avatar.errors import AvatarError
from ..engine.formats.avatar_file import load_avatar
from ..engine.request import DEFAULT_COUNT, KEEP, LIFT, ReconstructRequest
from ..preferences import engines
from ..rendering.display_modes import show
from ..rendering.render_settings import suit_cycles
from ..rigging.avatar_objects import AvatarObjects, add_avatar
from ..rigging.contexts import all_or_nothing
from .engine_job import Step, start_engine, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import bpy

    from ..engine.avatar.avatar import Avatar
    from ..engine.protocol import Progress
    from ..preferences import Engines
    from .engine_job import EngineJob

log = logging.getLogger(__name__)

ENGINE_MISSING = (
    "The engine is not installed. Install it in the 3D Viewport: sidebar (N) > LHM Avatars > Install Engine."
)
LHM_ENGINE_MISSING = (
    "The engine for LHM is not installed. Install it in the 3D Viewport: sidebar (N) > LHM Avatars > Setup."
)
_AVATAR_FILE = "avatar.lhma"


@dataclass(frozen=True)
class Settings:
    """What decides the result, besides the photo; the names are those of the engine's request.

    Args:
        mask: An image that is white where the person is; found automatically by default.
        seed: Equal seeds give equal avatars.
        count: About how many Gaussians; LHM's models have their own number.
        influences: Joints per Gaussian, 4 or 8.
        engine: One of ``properties.ENGINES``.
        photos: Built-in engine: further photos of the same person, from other sides.
        held: Built-in engine: ``keep`` a thing in the hand or ``drop`` it.
        loose: How freely clothes hang about the legs, 0 to 1; found automatically by default.
        binding: ``surface`` or ``diffused``; by default what the engine is best with.
        preparation: For LHM: ``best`` or ``official``.
        shape: For LHM: ``fit`` to the photo, ``zero`` for the average body, or the betas.
        models: For LHM: where the models lie.
        model_folder: For ``lhm-own``: the model.
        device: For LHM: ``auto``, ``cuda``, ``mps`` or ``cpu``.
        head_box: For LHM: left, top, right, bottom in pixels of the photo; found automatically by default.
        enlarge: For LHM: enlarge a small face where a model for it is there.
    """

    mask: Path | None = None
    seed: int = 0
    count: int = DEFAULT_COUNT
    influences: int = 4
    engine: str = LIFT
    photos: tuple[Path, ...] = ()
    held: str = KEEP
    loose: float | None = None
    binding: str | None = None
    preparation: str = "best"
    shape: str | tuple[float, ...] = "fit"
    models: Path | None = None
    model_folder: Path | None = None
    device: str = "auto"
    head_box: tuple[int, ...] | None = None
    enlarge: bool = True


@dataclass(frozen=True)
class Made:
    """What the engine gives: an avatar and the report on how it came about."""

    avatar: Avatar
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that the user should know with the result."""
        return tuple(self.report.get("warnings", ()))


@dataclass(frozen=True)
class Reconstructed:
    """An avatar in the scene."""

    objects: AvatarObjects
    made: Made


def start(photo: Path, settings: Settings, engines: Engines) -> EngineJob[Made]:
    """Have an engine begin with a photo.

    Args:
        photo: An image file.
        settings: What decides the result.
        engines: Which there are.

    Raises:
        AvatarError: If there is no fitting engine, or it cannot start, or cannot take these photos.
    """
    require_photos(photo, settings)
    return start_engine(
        engine_for(settings, engines),
        engines.root,
        lambda folder: [Step("reconstruct", request_params(photo, settings, folder / _AVATAR_FILE, folder))],
        lambda answers: Made(load_avatar(Path(answers[0]["avatar"])), answers[0]["report"]),
    )


def engine_for(settings: Settings, engines: Engines) -> Path:
    """The Python that runs an engine.

    Args:
        settings: Name the engine.
        engines: Which there are.

    Raises:
        AvatarError: If it is not installed.
    """
    python = engines.basic() if settings.engine == LIFT else engines.lhm()
    if python is None:
        raise AvatarError(ENGINE_MISSING if settings.engine == LIFT else LHM_ENGINE_MISSING)
    return python


def require_photos(photo: Path, settings: Settings) -> None:
    """Stop before an engine starts for photos that it would refuse.

    Args:
        photo: The main one; the engine looks whether it is there.
        settings: With the further photos.

    Raises:
        AvatarError: If the engine does not take so many, or one is not there.
    """
    # The engine's own request says what it takes.
    ReconstructRequest(photo, photo.parent, engine=settings.engine, photos=settings.photos)
    for further in settings.photos:
        if not further.is_file():
            raise AvatarError(f"There is no photo {further}. Remove it from More Photos, or choose another.")


def keep_avatar(job: EngineJob[Made], path: Path) -> None:
    """Copy the avatar file out of the folder of a job that is over.

    Raises:
        AvatarError: If it cannot be written.
    """
    try:
        shutil.copyfile(job.folder / _AVATAR_FILE, path)
    except OSError as error:
        raise AvatarError(
            f"The avatar file {path} cannot be written ({error.strerror}). Choose another folder."
        ) from error


def reconstruct_photo(
    context: bpy.types.Context,
    photo: Path,
    settings: Settings | None = None,
    *,
    name: str | None = None,
    location: Sequence[float] | None = None,
    pose: str = "photo",
    keep: Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Reconstructed:
    """Turn a photo into an avatar in the scene; returns when it stands there.

    Args:
        context: Of the scene.
        photo: An image file.
        settings: What decides the result.
        name: Of the avatar; the photo's by default.
        location: Point on the ground, metres; the 3D cursor by default. [3]
        pose: ``photo`` or ``rest``.
        keep: Also write the avatar to this file.
        on_progress: Told now and then.

    Raises:
        AvatarError: If it cannot be done; nothing is left behind then.
    """
    job = start(photo, settings or Settings(), engines(context))
    try:
        made = wait(job, on_progress)
        if keep is not None:
            keep_avatar(job, keep)
    finally:
        job.close()
    return place(context, made, name=name or photo.stem, location=location, pose=pose)


def place(
    context: bpy.types.Context,
    made: Made,
    *,
    name: str,
    location: Sequence[float] | None = None,
    pose: str = "photo",
) -> Reconstructed:
    """Put an avatar into the scene, ready to be seen; all or nothing.

    Args:
        context: Of the scene.
        made: What the engine gave.
        name: Of the avatar.
        location: Point on the ground, metres; the 3D cursor by default. [3]
        pose: ``photo`` or ``rest``.
    """
    if location is None:
        location = tuple(context.scene.cursor.location)
    with all_or_nothing(context):
        objects = add_avatar(context, made.avatar, name=name, location=location, pose=pose)
        show(objects.cloud)
    suit_cycles(context.scene)
    return Reconstructed(objects, made)


def request_params(photo: Path, settings: Settings, output: Path, folder: Path) -> dict[str, Any]:
    """What the engine's method ``reconstruct`` is asked.

    Args:
        photo: An image file.
        settings: What decides the result.
        output: The avatar file to write.
        folder: For files that nobody keeps.
    """
    values = asdict(settings)
    for name in ("mask", "models", "model_folder"):
        values[name] = str(values[name]) if values[name] else None
    values["photos"] = [str(further) for further in settings.photos]
    return {"photo": str(photo), "output": str(output), "work_dir": str(folder), "settings": values}
