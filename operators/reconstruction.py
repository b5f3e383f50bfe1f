"""From a photo to an avatar in the scene: what the operator, the command and scripts call.

from bl_ext.user_default.lhm_avatars.operators.reconstruction import reconstruct_photo
made = reconstruct_photo(bpy.context, Path("/path/to/photo.jpg"))
made.objects.armature.location.x += 1
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..engine.avatar.errors import AvatarError
from ..engine.client import EngineClient, value_of
from ..engine.environment import engine_python, engine_variables
from ..engine.formats.avatar_file import load_avatar
from ..engine.protocol import Progress
from ..preferences import engine_root
from ..properties import DEFAULT_COUNT
from ..rendering.display_nodes import display_group
from ..rendering.render_settings import suit_cycles
from ..rigging.avatar_objects import AvatarObjects, add_avatar
from ..rigging.contexts import all_or_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine.avatar.avatar import Avatar
    from ..engine.protocol import Failure, Result

log = logging.getLogger(__name__)

LOG_FILE = "engine.log"
ENGINE_MISSING = (
    "The engine is not installed. Install it in the 3D Viewport: sidebar (N) > LHM Avatars > Install Engine."
)
_AVATAR_FILE = "avatar.lhma"
_NAP_SECONDS = 0.05


@dataclass(frozen=True)
class Settings:
    """What decides the result, besides the photo.

    Args:
        mask: An image that is white where the person is; found automatically by default.
        seed: Equal seeds give equal avatars.
        count: About how many Gaussians.
        influences: Joints per Gaussian, 4 or 8.
    """

    mask: Path | None = None
    seed: int = 0
    count: int = DEFAULT_COUNT
    influences: int = 4


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


class PhotoJob:
    """An engine process at work on one photo; made by `start`.

    It is a process of its own, not the one that renders: a render need not wait for it, stopping it by force
    harms nothing else, and its memory is free again afterwards.
    """

    def __init__(self, client: EngineClient, request: int, folder: Path, undo: ExitStack) -> None:
        self.progress = Progress(request, "", 0.0, "Starting the engine")
        self._client, self._request, self._folder, self._undo = client, request, folder, undo
        self._answer: Result | Failure | None = None

    @property
    def pid(self) -> int | None:
        """The engine's process number; None when it is gone."""
        return self._client.pid

    def poll(self) -> bool:
        """Take what the engine sent; never waits.

        Returns:
            Whether the job is over; then ask for the `result`.
        """
        for event in self._client.poll():
            if isinstance(event, Progress):
                self.progress = event
            else:
                self._answer = event
        return self._answer is not None

    def result(self) -> Made:
        """The avatar, once `poll` said that the job is over.

        Raises:
            AvatarError: If the photo does not allow it, or the engine died.
            Cancelled: If the job was cancelled.
            EngineBug: If the engine failed in any other way.
        """
        if self._answer is None:
            raise ValueError("result() must be called after poll() returned True, the job still runs")
        value = value_of(self._answer)
        return Made(load_avatar(Path(value["avatar"])), value["report"])

    def keep(self, path: Path) -> None:
        """Copy the avatar file out of the job's folder.

        Raises:
            AvatarError: If it cannot be written.
        """
        try:
            shutil.copyfile(self._folder / _AVATAR_FILE, path)
        except OSError as error:
            raise AvatarError(
                f"The avatar file {path} cannot be written ({error.strerror}). Choose another folder."
            ) from error

    def cancel(self) -> None:
        """Ask for the end; `poll` tells when it has come."""
        self._client.cancel(self._request)

    def close(self) -> None:
        """End the process and delete what it left on disk; harmless a second time."""
        self._undo.close()


def start(photo: Path, settings: Settings, root: Path) -> PhotoJob:
    """Have an engine begin with a photo.

    Args:
        photo: An image file.
        settings: What decides the result.
        root: Where the engine is installed.

    Raises:
        AvatarError: If there is no engine, or it cannot start.
    """
    python = engine_python(root)
    if python is None:
        raise AvatarError(ENGINE_MISSING)
    with ExitStack() as undo:
        folder = _work_folder()
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        client = EngineClient.start(python, log_file=root / LOG_FILE, extra_env=engine_variables(root))
        undo.callback(client.close)
        request = client.request("reconstruct", _params(photo, settings, folder))
        return PhotoJob(client, request, folder, undo.pop_all())


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
    job = start(photo, settings or Settings(), engine_root(context))
    try:
        while not job.poll():
            if on_progress is not None:
                on_progress(job.progress)
            time.sleep(_NAP_SECONDS)
        made = job.result()
        if keep is not None:
            job.keep(keep)
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
        objects = add_avatar(
            context, made.avatar, name=name, location=location, pose=pose, display=display_group()
        )
    suit_cycles(context.scene)
    return Reconstructed(objects, made)


def _params(photo: Path, settings: Settings, folder: Path) -> dict[str, Any]:
    values = asdict(settings) | {"mask": str(settings.mask) if settings.mask else None}
    return {
        "photo": str(photo),
        "output": str(folder / _AVATAR_FILE),
        "work_dir": str(folder),
        "settings": values,
    }


def _work_folder() -> Path:
    """A new folder for the job, where the user wants temporary files."""
    try:
        return Path(tempfile.mkdtemp(prefix="lhm-avatars-", dir=bpy.app.tempdir or None))
    except OSError as error:
        raise AvatarError(
            f"The folder for temporary files cannot be written ({error.strerror}). Free some space, or "
            "choose another one in Preferences > File Paths > Temporary Files."
        ) from error
