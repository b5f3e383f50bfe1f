"""What the engine process can do: each method takes (params, progress) and returns a JSON object.

Heavy packages are imported inside the methods, so that the process is there at once. Arrays travel as files.
"""

from __future__ import annotations

import importlib
import logging
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .lhm.check import check_photo
from .measure import measure
from .preview.methods import preview
from .thumbnail import thumbnail
from .weights.methods import weights_delete, weights_download, weights_status, weights_use

if TYPE_CHECKING:
    from collections.abc import Callable

    Params = dict[str, Any]
    ReportProgress = Callable[[str, float, str], None]

log = logging.getLogger(__name__)

# What the engine imports of other people's packages, as environment.py checks it after installing.
MODULES = ("numpy", "scipy", "numba", "cv2", "mediapipe", "PIL", "safetensors")


def ping(params: Params, progress: ReportProgress) -> Params:
    """Give the parameters back: to see that the engine listens, and how fast."""
    del progress
    return params


def versions(params: Params, progress: ReportProgress) -> Params:
    """Import the packages the engine needs, say which ones they are, and have the kernels compiled.

    Args:
        params: ``modules``: names to import instead of the usual ones; kernels are compiled with numba only.
        progress: Told before each import.

    Raises:
        ImportError: If one is missing or does not load.
    """
    names = params.get("modules", MODULES)
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        progress("imports", number / len(names), name)
        module = importlib.import_module(name)
        found[name] = str(getattr(module, "__version__", ""))
    if "numba" in names:
        from .preview.warm import warm_up_meshes
        from .raster import warm_up

        progress("imports", 1.0, "the rasterizer, which is compiled once")
        warm_up()
        warm_up_meshes()
    return {"python": platform.python_version(), "platform": platform.platform(), "modules": found}


def reconstruct(params: Params, progress: ReportProgress) -> Params:
    """Turn a photo into an avatar file.

    Args:
        params: ``photo``, ``output`` (the avatar file), ``work_dir``, ``settings``: those of
            ``ReconstructRequest`` by their names, paths as texts or null, betas and boxes as lists.
        progress: Told at each step.

    Returns:
        ``avatar``: the path written; ``report``: a JSON object.

    Raises:
        AvatarError: If the photo, the mask or the disk does not allow it.
    """
    from .formats.avatar_file import save_avatar
    from .pipeline import ReconstructRequest, reconstruct

    settings = _settings(params.get("settings", {}))
    request = ReconstructRequest(photo=Path(params["photo"]), work_dir=Path(params["work_dir"]), **settings)
    reconstruction = reconstruct(request, progress)
    save_avatar(Path(params["output"]), reconstruction.avatar)
    return {"avatar": params["output"], "report": reconstruction.report}


def _settings(values: Params) -> Params:
    """Settings as they were before they became JSON."""
    settings: Params = {k: tuple(value) if isinstance(value, list) else value for k, value in values.items()}
    for key in ("mask", "models", "model_folder"):
        if key in settings:
            settings[key] = Path(settings[key]) if settings[key] else None
    if "photos" in settings:
        settings["photos"] = tuple(Path(photo) for photo in settings["photos"])
    return settings


def rasterize(params: Params, progress: ReportProgress) -> Params:
    """Draw splats.

    Args:
        params: ``splats`` (a safetensors file: means [N, 3], quats [N, 4], scales [N, 3], opacities [N],
            colors [N, 3], all in one world), ``viewmat`` (OpenCV camera from world) [4, 4], ``K`` [3, 3] in
            pixels, ``width``, ``height``, ``eps2d``, ``output`` (a .npy file), and perhaps ``max_depth`` (a
            .npy file [H, W]: behind it nothing is drawn).
            gsplat draws where it can be used, see ``rasterizer``.
        progress: Not told: a picture is a matter of milliseconds.

    Returns:
        ``image``: the path written, float32 [H, W, 5]: premultiplied display-space RGB, alpha, depth sum.
    """
    import numpy as np

    from .array_file import write_npy
    from .formats.safetensors import read_safetensors
    from .raster import rasterize

    del progress
    arrays, _ = read_safetensors(Path(params["splats"]))
    image = rasterize(
        arrays["means"],
        arrays["quats"],
        arrays["scales"],
        arrays["opacities"],
        arrays["colors"],
        np.asarray(params["viewmat"], np.float32),
        np.asarray(params["K"], np.float32),
        params["width"],
        params["height"],
        eps2d=params.get("eps2d", 0.3),
        max_depth=np.load(params["max_depth"], allow_pickle=False) if params.get("max_depth") else None,
        backend="auto",
    )
    stacked = np.concatenate([image.color, image.alpha[..., None], image.depth[..., None]], axis=-1)
    write_npy(Path(params["output"]), stacked.astype(np.float32, copy=False))
    return {"image": params["output"]}


def rasterizer(params: Params, progress: ReportProgress) -> Params:
    """Say what draws here, and why: the processor or gsplat.

    Args:
        params: None.
        progress: Not told: it takes a second or two, most of it importing torch.

    Returns:
        ``name`` ("cpu" or "gsplat"), ``reason`` in words, ``max_alpha``.
    """
    from .raster import choose_backend

    del params, progress
    return dict(vars(choose_backend()))


METHODS = {
    "ping": ping,
    "versions": versions,
    "measure": measure,
    "check_photo": check_photo,
    "reconstruct": reconstruct,
    "rasterize": rasterize,
    "preview": preview,
    "rasterizer": rasterizer,
    "thumbnail": thumbnail,
    "weights_status": weights_status,
    "weights_download": weights_download,
    "weights_use": weights_use,
    "weights_delete": weights_delete,
}
