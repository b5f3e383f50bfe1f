"""One engine process for many photos: it makes avatars, draws them and makes photos small."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.client import EngineClient
from ..engine.environment import engine_variables
from ..engine.formats.safetensors import write_safetensors
from ..operators.engine_job import LOG_FILE, work_folder
from ..operators.reconstruction import engine_for, request_params
from ..rendering.display_nodes import DILATION
from .portraits import GREY, HEIGHT, WIDTH, portrait_camera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from ..engine.avatar.avatar import Avatar
    from ..engine.protocol import Progress
    from ..operators.reconstruction import Settings
    from ..preferences import Engines

    Picture = NDArray[np.uint8]


class Workshop:
    """An engine that is asked again and again, and started anew after it died; made by `open_workshop`."""

    def __init__(self, client: EngineClient, folder: Path) -> None:
        self._client, self._folder = client, folder

    def reconstruct(
        self, photo: Path, settings: Settings, on_progress: Callable[[Progress], None]
    ) -> tuple[Path, dict[str, Any]]:
        """Make an avatar.

        Args:
            photo: An image file.
            settings: What decides the result.
            on_progress: Told now and then.

        Returns:
            The avatar's file, there until the next question, and the report.

        Raises:
            AvatarError: If it cannot be done.
            EngineBug: If the engine failed in any other way.
        """
        folder = self._emptied()
        answer = self._ask(
            "reconstruct", request_params(photo, settings, folder / "avatar.lhma", folder), on_progress
        )
        return Path(answer["avatar"]), answer["report"]

    def portraits(self, avatar: Avatar, azimuths: Sequence[float]) -> list[Picture]:
        """Draw an avatar in its photo's pose on grey; display-space RGB. [HEIGHT, WIDTH, 3] each

        Args:
            avatar: The person.
            azimuths: Where the camera stands, degrees to the person's left from straight in front.
        """
        folder, posed = self._emptied(), avatar.posed(avatar.params)
        splats, image = folder / "splats.safetensors", folder / "image.npy"
        arrays = {name: getattr(posed, name) for name in ("means", "quats", "scales", "opacities")}
        write_safetensors(splats, arrays | {"colors": posed.colors().astype(np.float32)}, {})
        return [self._portrait(posed.means, azimuth, splats, image) for azimuth in azimuths]

    def thumbnail(self, photo: Path) -> Picture:
        """A photo, upright, so small that it fits into a portrait. [h, w, 3]"""
        image = self._emptied() / "image.npy"
        params = {"photo": str(photo), "width": WIDTH, "height": HEIGHT, "output": str(image)}
        self._ask("thumbnail", params)
        return np.load(image, allow_pickle=False)

    def _portrait(self, means: NDArray[np.float32], azimuth: float, splats: Path, image: Path) -> Picture:
        viewmat, K = portrait_camera(means, azimuth)
        self._ask(
            "rasterize",
            {
                "splats": str(splats), "viewmat": viewmat.tolist(), "K": K.tolist(),
                "width": WIDTH, "height": HEIGHT, "eps2d": DILATION, "output": str(image),
            },
        )  # fmt: skip
        drawn = np.load(image, allow_pickle=False)
        return np.round(255 * np.clip(drawn[..., :3] + (1 - drawn[..., 3:4]) * GREY, 0, 1)).astype(np.uint8)

    def _ask(
        self, method: str, params: dict[str, Any], on_progress: Callable[[Progress], None] | None = None
    ) -> dict[str, Any]:
        if not self._client.alive:
            self._client.restart()
        return self._client.wait(self._client.request(method, params), on_progress)

    def _emptied(self) -> Path:
        """The folder for the next question's files, without those of the last one."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        return self._folder


@contextmanager
def open_workshop(settings: Settings, engines: Engines) -> Iterator[Workshop]:
    """Have an engine process as long as it is needed; it and its files are gone afterwards.

    Args:
        settings: Name the engine.
        engines: Which there are.

    Raises:
        AvatarError: If it is not installed or cannot start.
    """
    python = engine_for(settings, engines)
    folder = work_folder()
    try:
        with EngineClient.start(
            python, log_file=engines.root / LOG_FILE, extra_env=engine_variables(engines.root)
        ) as client:
            yield Workshop(client, folder / "job")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
