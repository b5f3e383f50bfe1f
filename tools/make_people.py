"""Make the people that reconstructions are measured on: photos, views all around, further poses, all known.

Usage, from the repository root, with bpy 4.5 and numpy (the environment dev.py makes for Blender 4.5):
    python tools/make_people.py --out FOLDER                    all of them; those that are there stay
    python tools/make_people.py --out FOLDER --people p00 p01   some of them
    python tools/make_people.py --out tests/data/people --subset   the small set that tests read
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "lhm_avatars"
SUBSET = ("p00", "p01")


def part(name: str) -> ModuleType:
    """Import a module of tools/people; it is part of the package that the checkout is."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            PACKAGE, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        if spec is None:
            raise FileNotFoundError(ROOT / "__init__.py")
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.tools.people.{name}")


@contextmanager
def quiet() -> Iterator[int]:
    """Keep Blender from writing to stdout; gives the file number to write to instead."""
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        try:
            yield kept
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def main() -> int:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for all people")
    parser.add_argument("--people", nargs="*", help="their names; all by default")
    parser.add_argument("--size", type=int, default=768, help="of the views, pixels")
    parser.add_argument("--samples", type=int, default=4, help="per pixel")
    parser.add_argument("--only", choices=["photo"], help="take only this")
    parser.add_argument("--subset", action="store_true", help="the small set that tests read")
    parser.add_argument("--again", action="store_true", help="also those that are there already")
    arguments = parser.parse_args()
    session, table = part("session"), part("table")
    names = list(SUBSET) if arguments.subset else arguments.people or [r.name for r in table.PEOPLE]
    shoot = session.Shoot(
        size=arguments.size,
        photo=arguments.size * 4 // 3,
        samples=arguments.samples,
        only_photo=bool(arguments.only),
    )
    if arguments.subset:
        shoot = session.Shoot(192, 480, 12, (0, 90, 180, 270), 1, 80)
    known = {recipe.name: recipe for recipe in table.PEOPLE}
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no people named {', '.join(unknown)}; there are {', '.join(known)}")
    with quiet() as out:
        for name in names:
            folder = arguments.out.resolve() / name
            if not arguments.again and not arguments.only and session.is_done(known[name], folder, shoot):
                os.write(out, f"{name} is there\n".encode())
                continue
            session.take_person(known[name], folder, shoot, lambda line: os.write(out, f"{line}\n".encode()))
            if not arguments.only:
                write_index(arguments.out.resolve(), list(known))
    return 0


def write_index(folder: Path, order: list[str]) -> None:
    """Write people.json over everybody who is there."""
    people = [name for name in order if (folder / name / "person.json").is_file()]
    digests = [
        json.loads((folder / name / "person.json").read_text(encoding="utf-8"))["digest"] for name in people
    ]
    digest = hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:16]
    (folder / "people.json").write_text(
        json.dumps({"version": 1, "people": people, "digest": digest}), encoding="utf-8"
    )


if __name__ == "__main__":
    sys.exit(main())
