"""Make assets/example_person.jpg: a photo-like picture of a person of our own, rendered with Cycles.

Usage, from the repository root, with bpy 4.5 and numpy (the environment dev.py makes for Blender 4.5):
    python tools/make_example.py [--out FILE]                  the picture that ships; a few minutes
    python tools/make_example.py --scale 0.3 --samples 16      a quick look
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "assets" / "example_person.jpg"
PACKAGE = "lhm_avatars"


def stage(name: str) -> ModuleType:
    """Import a module of tools/example; it is part of the package that the checkout is."""
    if PACKAGE not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            PACKAGE, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        if spec is None:
            raise FileNotFoundError(ROOT / "__init__.py")
        sys.modules[PACKAGE] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.tools.example.{name}")


def main() -> int:
    """Build, render, develop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=PICTURE, help="where to write the JPEG")
    parser.add_argument("--samples", type=int, default=40, help="per pixel")
    parser.add_argument("--scale", type=float, default=1.0, help="of the picture's size")
    parser.add_argument("--blend", type=Path, help="also save the scene")
    arguments = parser.parse_args()
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene, photo = stage("scene"), stage("photo")
    scene.build()
    if arguments.blend:
        bpy.ops.wm.save_as_mainfile(filepath=str(arguments.blend.resolve()))
    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "render.png"
        photo.render(png, arguments.samples, arguments.scale)
        photo.develop(png, arguments.out.resolve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
