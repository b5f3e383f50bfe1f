"""The engine process' method for LHM Preview; numba and the rest are imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .values import Array, Camera, Lamp, Meshes, Scene, Splats

    Params = dict[str, Any]
    ReportProgress = Callable[[str, float, str], None]


def preview(params: Params, progress: ReportProgress) -> Params:
    """Draw splats and meshes.

    Args:
        params: ``scene`` (a safetensors file: the arrays of ``values.Splats`` and ``values.Meshes``, their
            names with ``splats.`` and ``meshes.`` in front), ``lamps`` (each the fields of ``values.Lamp``),
            ``ambient`` [3], ``camera`` (the fields of ``values.Camera``), ``passes``, ``background`` ([3] or
            null), ``avatar_index``, ``eps2d``, ``output`` (a .npy file).
        progress: Told between steps.

    Returns:
        ``image``: the path written, float32 [H, W, channels], top row first; ``channels``: first and end
        channel of each pass.
    """
    import numpy as np

    from ..array_file import write_npy
    from .frame import draw_scene

    background = params.get("background")
    drawn = draw_scene(
        _scene(params),
        _camera(params["camera"]),
        params["passes"],
        background=None if background is None else tuple(background),
        avatar_index=params.get("avatar_index", ()),
        eps2d=params.get("eps2d", 0.3),
        progress=progress,
    )
    ends = np.cumsum([values.shape[-1] for values in drawn.values()]).tolist()
    starts = [0, *ends[:-1]]
    image = np.concatenate(list(drawn.values()), axis=-1)
    write_npy(Path(params["output"]), image)
    return {
        "image": params["output"],
        "channels": dict(zip(drawn, zip(starts, ends, strict=True), strict=True)),
    }


def _scene(params: Params) -> Scene:
    from ..formats.safetensors import read_safetensors
    from .values import Scene

    arrays, _ = read_safetensors(Path(params["scene"]))
    return Scene(
        splats=_splats(_below("splats.", arrays)),
        meshes=_meshes(_below("meshes.", arrays)),
        lamps=tuple(_lamp(lamp) for lamp in params.get("lamps", ())),
        ambient=tuple(params.get("ambient", (0.0, 0.0, 0.0))),
    )


def _below(prefix: str, arrays: dict[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _splats(arrays: dict[str, Any]) -> Splats:
    from .values import Splats

    return Splats(**arrays | {name: arrays[name].astype(bool) for name in ("camera", "shadow")})


def _meshes(arrays: dict[str, Any]) -> Meshes:
    import numpy as np

    from .values import Meshes

    if not arrays:
        corners, none = np.zeros((0, 3, 3), np.float32), np.zeros(0, bool)
        return Meshes(
            corners, corners, corners[:, 0], np.zeros(0, np.uint8), np.zeros(0, np.int32), none, none
        )
    return Meshes(**arrays | {name: arrays[name].astype(bool) for name in ("camera", "shadow")})


def _lamp(fields: Params) -> Lamp:
    import numpy as np

    from .values import Lamp

    arrays: Params = {name: np.array(fields[name], np.float64) for name in ("matrix", "color")}
    return Lamp(**fields | arrays)


def _camera(fields: Params) -> Camera:
    from .values import Camera

    return Camera(**fields)
