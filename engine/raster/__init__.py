"""The CPU rasterizer of 3D Gaussians: images, gradients, and which Gaussian shows what.

Names are fetched when first used: importing them imports numba, and ``cache.use_cache_folder`` must come
before that. ``autograd`` needs torch and is imported by its own name.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import forward, rasterize
    from .cache import use_cache_folder, warm_up
    from .passes import backward, contributions, splat_back
    from .values import Context, Contributions, Gradients, Image, RasterSettings

_HOMES = {
    "api": ("forward", "rasterize"),
    "cache": ("use_cache_folder", "warm_up"),
    "passes": ("backward", "contributions", "splat_back"),
    "values": ("Context", "Contributions", "Gradients", "Image", "RasterSettings"),
}

__all__ = [
    "Context",
    "Contributions",
    "Gradients",
    "Image",
    "RasterSettings",
    "backward",
    "contributions",
    "forward",
    "rasterize",
    "splat_back",
    "use_cache_folder",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{home}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
