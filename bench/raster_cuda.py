"""gsplat on a graphics card beside our CPU rasterizer: agreement of image and gradients, frame times.

Run with a Python that has numba, torch with CUDA and gsplat with compiled code (docs/gsplat.md):

    python bench/raster_cuda.py [--compile] [--quick]

``--compile`` has gsplat's CUDA code compiled if that is all that is missing. Both ceilings of alpha are
compared: the one that this gsplat was compiled with must agree, and the other shows what it changes.

Exit codes: 0 all agrees, 1 something does not, 2 it cannot run here (the last line says why).
"""

from __future__ import annotations

import importlib.util
import platform
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.raster import Backend
    from torch import Tensor

AGREES, DIFFERS, NOT_POSSIBLE = 0, 1, 2
REPEATS = 30
CASES = ((40_000, 512), (40_000, 1024), (160_000, 512), (160_000, 1024))  # Gaussians, pixels a side
QUICK_CASES = CASES[:1]
MIN_DECIBELS = 90.0
MAX_GRADIENT_ERROR = 1e-3  # relative L2; the float32 sums of a graphics card come in any order


def obstacle(*, ask: bool) -> str | None:
    """What keeps the comparison from running here, or nothing."""
    for name in ("numba", "torch"):
        if importlib.util.find_spec(name) is None:
            return f"this Python has no {name}"
    from lhm_avatars.engine.raster import choose_backend

    chosen = choose_backend(ask=ask)
    return None if chosen.name == "gsplat" else chosen.reason


def hardware() -> str:
    """Graphics card, processor and versions, for the record."""
    import torch

    card = torch.cuda.get_device_properties(0)
    software = f"torch {torch.__version__}, CUDA {torch.version.cuda}, Python {platform.python_version()}"
    return f"{card.name}, {card.total_memory / 2**30:.0f} GiB; {platform.machine()}; {software}"


def on_card(scene: Any) -> tuple[list[Tensor], list[Tensor]]:
    """A scene's Gaussians, to be differentiated, and its matrices, on the graphics card."""
    import torch
    from lhm_avatars.engine.raster.gsplat_backend import DEVICE

    tensors = [torch.tensor(array, device=DEVICE, requires_grad=True) for array in scene.gaussians()]
    return tensors, [torch.tensor(matrix, device=DEVICE) for matrix in (scene.viewmat, scene.K)]


def agreement(scene: Any, backend: Backend) -> bool:
    """Print how far image and gradients of one scene are apart; whether they agree."""
    import torch
    from lhm_avatars.bench.raster_scene import psnr
    from lhm_avatars.engine.raster import backward, forward, rasterize
    from lhm_avatars.engine.raster.autograd import rasterize_tensors
    from lhm_avatars.engine.raster.backends import CEILINGS

    theirs = rasterize(*scene.inputs(), backend="gsplat")
    agrees = True
    for clamp in CEILINGS:
        image, context = forward(*scene.inputs(), max_alpha=clamp)
        decibels = psnr(theirs.color, image.color.astype(np.float64))
        own = clamp == backend.max_alpha
        agrees &= not own or decibels > MIN_DECIBELS
        worst = np.abs(theirs.color - image.color).max()
        name = f"ceiling {clamp}, its own" if own else f"ceiling {clamp}"
        say(f"  {name}: {decibels:.1f} dB, largest difference {worst:.1e}")
        if not own:
            continue
        tensors, camera = on_card(scene)
        planes = rasterize_tensors(*tensors, *camera, scene.width, scene.height)
        v = np.random.default_rng(0).normal(size=(scene.height, scene.width, 5)).astype(np.float32)
        upstream = [np.ascontiguousarray(v[..., k]) for k in (np.s_[:3], 3, 4)]
        torch.autograd.backward(planes, [torch.from_numpy(plane).to(tensors[0].device) for plane in upstream])
        for (name, gradient), tensor in zip(vars(backward(context, *upstream)).items(), tensors, strict=True):
            expected = tensor.grad.cpu().numpy()  # pyright: ignore[reportOptionalMemberAccess] - just made
            share = np.linalg.norm(gradient - expected) / np.linalg.norm(expected)
            agrees &= bool(share < MAX_GRADIENT_ERROR)
            say(f"    gradient by {name}: relative L2 {share:.1e}")
    return agrees


def speed(scene: Any) -> None:
    """Print the median frame time on the card, forward and with backward, and of whole pictures."""
    import torch
    from lhm_avatars.engine.raster import rasterize
    from lhm_avatars.engine.raster.autograd import rasterize_tensors

    tensors, camera = on_card(scene)

    def draw() -> Any:
        return rasterize_tensors(*tensors, *camera, scene.width, scene.height)

    def learn() -> None:
        planes = draw()
        torch.autograd.backward(planes, [torch.ones_like(plane) for plane in planes])

    def draw_only() -> None:
        with torch.no_grad():
            draw()

    jobs: dict[str, Callable[[], Any]] = {
        "drawing": draw_only,
        "with gradients": learn,
        "numpy to numpy": partial(rasterize, *scene.inputs(), backend="gsplat"),
        "ours on the processor": partial(rasterize, *scene.inputs()),
    }
    say("  ms: " + ", ".join(f"{name} {median_ms(job):.2f}" for name, job in jobs.items()))


def median_ms(job: Callable[[], Any]) -> float:
    """Median of several runs after a first one, milliseconds of wall time, the card's work included."""
    import torch

    times = []
    for _ in range(REPEATS + 1):
        torch.cuda.synchronize()
        began = time.perf_counter()
        job()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:])) * 1e3


def say(text: str) -> None:
    """One line to the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def load_package() -> None:
    """Import the checkout under the extension's name, unless that is done."""
    if "lhm_avatars" not in sys.modules:
        from raster import load_package

        load_package()


def main() -> int:
    """Compare and measure every case."""
    load_package()
    problem = obstacle(ask="--compile" in sys.argv[1:])
    if problem is not None:
        say(f"cannot run here: {problem}")
        return NOT_POSSIBLE
    from lhm_avatars.bench.raster_scene import body_scene
    from lhm_avatars.engine.raster import choose_backend

    backend = choose_backend("gsplat")
    say(f"{hardware()}; {backend.reason}")
    agrees = True
    cases = QUICK_CASES if "--quick" in sys.argv[1:] else CASES
    for count, side in cases:
        say(f"{count // 1000}k at {side}²")
        scene = body_scene(count, side)
        agrees &= agreement(scene, backend)
        speed(scene)
    say("all agrees" if agrees else "something does not agree")
    return AGREES if agrees else DIFFERS


if __name__ == "__main__":
    sys.exit(main())
