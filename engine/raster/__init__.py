"""The rasterizer of 3D Gaussians: images, gradients, and which Gaussian shows what.

It runs on the CPU; ``rasterize(backend="auto")`` draws with gsplat where a graphics card and gsplat are.

Names are fetched when first used: importing them imports numba, and ``cache.use_cache_folder`` must come
before that. ``autograd`` and ``gsplat_backend`` need torch and are imported by their own names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import forward, rasterize
    from .backends import Backend, choose_backend
    from .cache import use_cache_folder, warm_up
    from .passes import backward, contributions, splat_back
    from .values import Context, Contributions, Gradients, Image, RasterSettings

_HOMES = {
    "api": ("forward", "rasterize"),
    "backends": ("Backend", "choose_backend"),
    "cache": ("use_cache_folder", "warm_up"),
    "passes": ("backward", "contributions", "splat_back"),
    "values": ("Context", "Contributions", "Gradients", "Image", "RasterSettings"),
}

__all__ = [
    "Backend",
    "Context",
    "Contributions",
    "Gradients",
    "Image",
    "RasterSettings",
    "backward",
    "choose_backend",
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
