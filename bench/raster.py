"""Figures of the CPU rasterizer: speed, ratio to plain torch, start-up, agreement with float64.

Run with the engine's Python, from anywhere: ``python bench/raster.py [--quick]``. Needs numba; for the
ratio to plain torch also torch. CPU time is that of the one thread that works, so other programs disturb
it little; every figure is the best of several runs.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch, too, shall work on one thread

import numba
import numpy as np
from numba.core import config

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "lhm_avatars"
CASES = ((40_000, 512), (40_000, 1024), (160_000, 512), (160_000, 1024))
REPEATS, TORCH_REPEATS = 12, 3

# Draws one small image in a fresh process and says what each step took, in seconds.
START = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
marks = []
def mark(): marks.append((time.perf_counter(), time.process_time()))
mark()
import numpy; mark()
import numba; mark()
from raster import load_package
load_package()
from lhm_avatars.engine import raster
raster.use_cache_folder(Path(sys.argv[2]))
import numpy as np
K = np.array([[16.0, 0, 8], [0, 16, 8], [0, 0, 1]])
one = np.ones((1, 3))
raster.rasterize([[0, 0, 1]], [[1, 0, 0, 0]], one / 10, [0.5], one, np.eye(4), K, 16, 16); mark()
raster.warm_up(); mark()
sys.stdout.write(json.dumps(np.diff(marks, axis=0).T.tolist()))
"""


def load_package() -> None:
    """Import the checkout under the extension's name."""
    path = ROOT / "__init__.py"
    spec = importlib.util.spec_from_file_location(PACKAGE, path, submodule_search_locations=[str(ROOT)])
    if spec is None:
        raise ImportError(f"no Python module: {path}")
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)


def say(text: str = "") -> None:
    """One line to the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def best_ms(job: Callable[[], object], clock: Callable[[], float], repeats: int) -> float:
    """Shortest of several runs, milliseconds."""
    times = []
    for _ in range(repeats):
        began = clock()
        job()
        times.append(clock() - began)
    return min(times) * 1e3


def measure(threads: int, clock: Callable[[], float]) -> list[tuple[float, float, float]]:
    """Forward, backward and contributions of every case, milliseconds."""
    from lhm_avatars.bench.raster_scene import body_scene
    from lhm_avatars.engine.raster import backward, contributions, forward

    numba.set_num_threads(threads)
    rows = []
    for count, side in CASES:
        scene = body_scene(count, side)
        image, context = forward(*scene.inputs())
        jobs = (
            partial(forward, *scene.inputs()),
            partial(backward, context, image.color, image.alpha, image.depth),
            partial(contributions, context),
        )
        forward_ms, backward_ms, collect_ms = (best_ms(job, clock, REPEATS) for job in jobs)
        rows.append((forward_ms, backward_ms, collect_ms))
    return rows


def report_speed() -> None:
    """One-thread CPU time, then wall time with one thread and with two."""
    say("milliseconds: forward / backward / contributions")
    modes: list[tuple[str, int, Callable[[], float]]] = [
        ("CPU, 1 thread", 1, time.thread_time),
        ("wall, 1 thread", 1, time.perf_counter),
    ]
    if config.NUMBA_NUM_THREADS > 1:
        modes.append(("wall, 2 threads", 2, time.perf_counter))
    say(" " * 16 + "".join(f"{f'{count // 1000}k at {side}²':>24}" for count, side in CASES))
    for name, threads, clock in modes:
        cells = ("{:.1f} / {:.1f} / {:.1f}".format(*row) for row in measure(threads, clock))
        say(f"{name:16}" + "".join(f"{cell:>24}" for cell in cells))
    numba.set_num_threads(1)


def report_torch() -> None:
    """The same scene through plain torch, in the same process and on one thread."""
    try:
        import torch
    except ImportError:
        say("plain torch: not measured, this Python has no torch")
        return
    from lhm_avatars.bench.raster_scene import body_scene
    from lhm_avatars.bench.raster_torch import rasterize_torch
    from lhm_avatars.engine.raster import backward, forward

    torch.set_num_threads(1)
    scene = body_scene(*CASES[0])
    tensors = [torch.tensor(array, requires_grad=True) for array in scene.gaussians()]
    camera = [torch.from_numpy(scene.viewmat), torch.from_numpy(scene.K), scene.width, scene.height]
    planes = rasterize_torch(*tensors, *camera)
    v = [torch.ones_like(plane) for plane in planes]
    their_forward = best_ms(lambda: rasterize_torch(*tensors, *camera), time.process_time, TORCH_REPEATS)
    their_backward = best_ms(
        lambda: torch.autograd.backward(planes, v, retain_graph=True), time.process_time, TORCH_REPEATS
    )
    _, context = forward(*scene.inputs())
    arrays = [array.numpy() for array in v]
    our_forward = best_ms(lambda: forward(*scene.inputs()), time.process_time, REPEATS)
    our_backward = best_ms(lambda: backward(context, *arrays), time.process_time, REPEATS)
    ratio = (their_forward + their_backward) / (our_forward + our_backward)
    say(
        f"plain torch, 40k at 512², 1 thread: {their_forward:.0f} / {their_backward:.0f} ms CPU, "
        f"ours {our_forward:.1f} / {our_backward:.1f}: {their_forward / our_forward:.0f} times, "
        f"{their_backward / our_backward:.0f} times, together {ratio:.0f} times faster"
    )


def report_start() -> None:
    """First start compiles, later ones load: in fresh processes, with a new cache folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first start", "second start", "third start"):
            command = [sys.executable, "-c", START, str(ROOT / "bench"), folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            for clock, seconds in zip(("wall", "CPU"), json.loads(done.stdout), strict=True):
                numpy_s, numba_s, image_s, rest_s = seconds
                say(
                    f"{name}, {clock}: import numpy {numpy_s:.2f} s, numba {numba_s:.2f} s; "
                    f"first image {image_s:.2f} s; all other kernels {rest_s:.2f} s"
                )


def report_agreement() -> None:
    """Against the float64 reference: PSNR and largest difference of the colours."""
    from lhm_avatars.bench.raster_scene import body_scene, psnr
    from lhm_avatars.engine.raster import RasterSettings, rasterize
    from lhm_avatars.engine.raster.reference import rasterize_reference

    for count, side in (CASES[0], CASES[2]):
        for settings in (RasterSettings(), RasterSettings(antialiased=True)):
            scene = body_scene(count, side)
            image = rasterize(*scene.inputs(), **vars(settings)).color
            reference = rasterize_reference(*scene.inputs(), settings).color
            say(
                f"{count // 1000}k at {side}²{', antialiased' if settings.antialiased else ''}: "
                f"{psnr(image, reference):.0f} dB against float64, largest difference "
                f"{np.abs(image - reference).max():.1e}"
            )


def main() -> None:
    """Print every figure; ``--quick`` leaves out the start-up, which compiles anew."""
    load_package()
    numba.set_num_threads(1)
    report_agreement()
    report_torch()
    report_speed()
    if "--quick" not in sys.argv:
        report_start()


if __name__ == "__main__":
    main()
