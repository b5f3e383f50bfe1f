"""Loads the checkout as `lhm_avatars`, whatever its folder is called, and leaves the user's Blender alone."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent

# What the tests of a folder import. Where one is missing the folder is left out, and the first lines of the
# report say so: Blender's Python has no numba, the engine's has no bpy. All other folders run anywhere.
NEEDS = {
    "binding": ("numba", "scipy"),
    "blender": ("bpy",),
    "evaluate": ("cv2", "flip_evaluator", "numba", "skimage", "torch"),
    "lift": ("cv2", "numba", "scipy"),
    "prepare": ("cv2", "mediapipe"),
    "preview": ("numba",),
    "raster": ("numba", "torch"),
    "lhm": ("cv2", "mediapipe", "numba", "safetensors", "torch"),
    "network": ("cv2", "safetensors", "torch"),
    "weights": ("huggingface_hub", "scipy"),
}


# The exit code, once the session is over.
_outcome: list[int] = []


def _missing(folder: str) -> list[str]:
    return [name for name in NEEDS[folder] if importlib.util.find_spec(name) is None]


def _load_extension() -> None:
    """Import the checkout under the id in its manifest, the only name the tests use."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    name = manifest["id"]
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


# Before anything imports bpy: it reads and writes its configuration there, instead of in the user's.
_user_resources = Path(tempfile.mkdtemp(prefix="lhm-avatars-tests-"))
os.environ["BLENDER_USER_RESOURCES"] = str(_user_resources)
os.environ.setdefault("LHM_AVATARS_ENGINE_ROOT", str(ROOT / "build" / "engine"))
os.environ["LHM_AVATARS_MODELS_ROOT"] = str(_user_resources / "models")
os.environ["LHM_AVATARS_PRESETS_ROOT"] = str(_user_resources / "presets")
_load_extension()
collect_ignore = [folder for folder in NEEDS if _missing(folder)]


def pytest_report_header() -> list[str]:
    """Say at the top of the report which folders are left out, and why."""
    return [f"left out: tests/{folder} (no {', '.join(_missing(folder))})" for folder in collect_ignore]


def pytest_sessionfinish(exitstatus: int) -> None:
    """Remember how it went, for the end."""
    _outcome.append(int(exitstatus))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the temporary Blender configuration, and end even where Blender would not.

    Blender 4.5 as a Python module may wait at its end for a thread that nobody ends. All is reported by now,
    so what Python has to do at exit is done here, and Blender's part left out.
    """
    shutil.rmtree(_user_resources, ignore_errors=True)
    if "bpy" in sys.modules and _outcome:
        atexit._run_exitfuncs()
        config.get_terminal_writer().flush()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_outcome[-1])


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def lhm() -> Iterator[ModuleType]:
    """The extension, enabled in a Blender with factory settings."""
    import bpy

    package = sys.modules["lhm_avatars"]
    bpy.ops.wm.read_factory_settings(use_empty=True)  # It disables add-ons, so it must come first.
    bpy.context.preferences.addons.new().module = package.__name__
    package.register()
    yield package
    package.unregister()


@pytest.fixture
def empty_scene(lhm: ModuleType) -> None:
    """A new empty file, the extension still enabled."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
