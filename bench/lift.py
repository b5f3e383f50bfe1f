"""From photo to avatar with the built-in engine: seconds per stage, memory, and the fit's own measures.

Run from the repository root: ``python bench/lift.py [PHOTO…] [--count N]``. Each photo runs in a fresh engine
process (a real one, through the client), so that memory is the peak of a whole reconstruction; the first of
two runs of the first photo shows what compiling costs when the kernels were never compiled.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ("example_person.jpg", "example_half_body.jpg")


def load_engine() -> Any:
    """The package ``engine`` without the extension around it; its client."""
    folder = ROOT / "engine"
    spec = importlib.util.spec_from_file_location(
        "engine", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["engine"] = importlib.util.module_from_spec(spec)
    return importlib.import_module("engine.client")


def say(text: str) -> None:
    """One line of the table."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def reconstruct(client_module: Any, photo: Path, count: int, folder: Path, kernels: Path) -> dict[str, Any]:
    """One reconstruction in an engine process of its own."""
    client = client_module.EngineClient.start(
        Path(sys.executable), log_file=folder / "engine.log", extra_env={"NUMBA_CACHE_DIR": str(kernels)}
    )
    began = time.perf_counter()
    request = client.request(
        "reconstruct",
        {
            "photo": str(photo),
            "output": str(folder / f"{photo.stem}.lhma"),
            "work_dir": str(folder),
            "settings": {"count": count},
        },
    )
    report = client.wait(request)["report"]
    client.close()
    return report | {"wall": time.perf_counter() - began}


def show(name: str, report: dict[str, Any]) -> None:
    """One row per photo, one line of stages."""
    measures = report["measures"]
    say(
        f"{name:<34}{report['wall']:>7.1f} s{report['peak_memory_bytes'] / 2**30:>7.2f} GiB"
        f"{measures['gaussians']:>9.0f}{100 * measures['landmark_error']:>8.2f} %"
        f"{measures['outline_iou']:>8.3f}{measures['photo_psnr']:>8.1f} dB"
    )
    say("    " + "  ".join(f"{stage} {seconds:.2f}" for stage, seconds in report["seconds"].items()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=40_000)
    options = parser.parse_args()
    photos = options.photos or [ROOT / "assets" / name for name in EXAMPLES]
    client_module = load_engine()
    say(f"{'photo':<34}{'wall':>9}{'memory':>11}{'splats':>9}{'landmarks':>10}{'outline':>8}{'photo':>11}")
    with tempfile.TemporaryDirectory() as folder:
        kernels = Path(folder) / "kernels"
        first = reconstruct(client_module, photos[0], options.count, Path(folder), kernels)
        show(f"{photos[0].name} (compiling)", first)
        for photo in photos:
            show(photo.name, reconstruct(client_module, photo, options.count, Path(folder), kernels))


if __name__ == "__main__":
    main()
