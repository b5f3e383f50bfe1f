"""Our network beside the official one, tensor by tensor: ``python -m bench.parity DIR``.

Runs every golden file (``*.safetensors`` with a ``config`` in its metadata) in DIR and the folders below it.
What a file asks is read from its tensors, sizes and settings from its metadata; its name means nothing.
Prints the largest error of every tensor and ends with 1 if one is above the tolerance or was not computed,
with 2 if there is nothing to compare.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "lhm_avatars"
TOLERANCE = 2e-5
BAD, NOTHING = 1, 2  # exit codes


def load_package() -> None:
    """Import the checkout under the extension's name, unless somebody has."""
    if PACKAGE in sys.modules:
        return
    path = ROOT / "__init__.py"
    spec = importlib.util.spec_from_file_location(PACKAGE, path, submodule_search_locations=[str(ROOT)])
    if spec is None:
        raise ImportError(f"no Python module: {path}")
    sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)


def say(text: str = "") -> None:
    """One line to the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def report(folder: Path, tolerance: float) -> int:
    """Compare every file below a folder and print what came out.

    Returns:
        The exit code.
    """
    load_package()
    golden = importlib.import_module(f"{PACKAGE}.bench.golden")
    files = sorted(folder.rglob("*.safetensors"))
    bad, compared = 0, 0
    for path in files:
        say(str(path.relative_to(folder)))
        for row in golden.compare(path):
            failed = row.fails(tolerance)
            bad, compared = bad + failed, compared + (row.error is not None)
            verdict = "FAILED" if failed else "-" if row.error is None else "ok"
            size = "" if row.error is None else f"{row.error:.2e}"
            say(f"  {row.name:<48} {size:>9}  {verdict:<6}  {row.note}".rstrip())
    if not compared and not bad:
        say(f"There is no golden file in {folder}.")
        return NOTHING
    say(f"{len(files)} files, {compared} tensors, {bad} of them above {tolerance:g} or not computed")
    return BAD if bad else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="absolute (default %(default)g)")
    arguments = parser.parse_args()
    return report(arguments.folder, arguments.tolerance)


if __name__ == "__main__":
    sys.exit(main())
