"""Times of the engine process: spawn to handshake, round trip, and arrays by file.

Run from the repository root: ``python bench/engine_process.py [PYTHON_OF_THE_ENGINE]``. Medians; needs numpy.
"""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
GAUSSIANS, CHANNELS = 160_000, 59  # the largest avatar, degree 3: 37.8 MB


def load_engine() -> None:
    """Import the package ``engine`` without the extension around it."""
    folder = ROOT / "engine"
    spec = importlib.util.spec_from_file_location(
        "engine", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["engine"] = importlib.util.module_from_spec(spec)


def median_ms(repeats: int, job: Callable[[], object]) -> float:
    """Median time of a job in milliseconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        job()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def say(name: str, value: float, unit: str) -> None:
    """One row of the table."""
    sys.stdout.write(f"{name:<44}{value:>10.2f} {unit}\n")


def bench_process(python: Path, folder: Path) -> None:
    """Spawn, close, round trip."""
    client_module = importlib.import_module("engine.client")

    def start() -> object:
        return client_module.EngineClient.start(python, log_file=folder / "engine.log")

    clients = []
    say("spawn to handshake", median_ms(20, lambda: clients.append(start())), "ms")
    say("close", median_ms(19, lambda: clients.pop().close()), "ms")
    client = clients.pop()
    say("round trip", median_ms(500, lambda: client.wait(client.request("ping"))), "ms")
    payload = {"text": "x" * 100_000}
    large = median_ms(50, lambda: client.wait(client.request("ping", payload)))
    say("round trip, 100 kB each way", large, "ms")
    imports = median_ms(1, lambda: client.wait(client.request("versions", {"modules": ["numpy"]})))
    say("first import of numpy in the child", imports, "ms")
    client.close()


def bench_arrays(folder: Path) -> None:
    """Write and read the arrays of a large avatar."""
    safetensors = importlib.import_module("engine.formats.safetensors")
    array = np.random.default_rng(0).standard_normal((GAUSSIANS, CHANNELS), np.float32)
    megabytes = array.nbytes / 1e6
    npy, tensors = folder / "array.npy", folder / "array.safetensors"
    for name, write, read in (
        (".npy", lambda: np.save(npy, array), lambda: np.load(npy)),
        (
            ".safetensors",
            lambda: safetensors.write_safetensors(tensors, {"array": array}, {}),
            lambda: safetensors.read_safetensors(tensors),
        ),
    ):
        say(f"{megabytes:.1f} MB as {name}: write", median_ms(7, write), "ms")
        say(f"{megabytes:.1f} MB as {name}: read", median_ms(7, read), "ms")


def main() -> None:
    """Print the table."""
    load_engine()
    python = Path(sys.argv[1] if len(sys.argv) > 1 else sys.executable)
    with tempfile.TemporaryDirectory(prefix="lhm-bench-") as folder:
        bench_process(python, Path(folder))
        bench_arrays(Path(folder))


if __name__ == "__main__":
    main()
