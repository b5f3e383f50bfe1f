"""The zip holds what runs in Blender and nothing else, and installs into a fresh Blender."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from textwrap import dedent

import bpy
import pytest

ROOT_FILES = {
    *("__init__.py", "blender_manifest.toml", "CHANGELOG.md", "LICENSE", "NOTICE", "README.md"),
    *("preferences.py", "properties.py", "registration.py"),
}
FOLDERS = {
    "assets": {".npz", ".jpg", ".png", ".json"},
    "commands": {".py"},
    "engine": {".py", ".txt", ".in", ".json"},
    "farm": {".js"},
    "operators": {".py"},
    "panels": {".py"},
    "rendering": {".py"},
    "rigging": {".py"},
}


def expected_files(root: Path) -> set[str]:
    """What Blender or the engine needs of the checkout, listed by what is in, not by what is out."""
    files = {name for name in ROOT_FILES if (root / name).exists()}
    for folder, suffixes in FOLDERS.items():
        for path in (root / folder).rglob("*"):
            if path.is_file() and path.suffix in suffixes and not path.name.startswith("."):
                files.add(path.relative_to(root).as_posix())
    return files


@pytest.fixture(scope="module")
def extension_zip(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension as Blender's own builder packs it."""
    scripts = Path(bpy.utils.system_resource("SCRIPTS"))
    builder = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    target = tmp_path_factory.mktemp("zip")
    for arguments in (
        ["validate", str(root)],
        ["build", f"--source-dir={root}", f"--output-dir={target}"],
    ):
        done = subprocess.run([sys.executable, "-I", builder, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    (path,) = target.glob("*.zip")
    return path


def test_the_zip_holds_what_runs_and_nothing_else(root: Path, extension_zip: Path) -> None:
    with zipfile.ZipFile(extension_zip) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    assert sorted(names - expected_files(root)) == [], "not wanted in the zip"
    assert sorted(expected_files(root) - names) == [], "missing in the zip"


def test_the_zip_is_small_enough_to_download_in_passing(extension_zip: Path) -> None:
    assert extension_zip.stat().st_size < 8e6


def test_the_zip_installs_into_a_fresh_blender(extension_zip: Path, tmp_path: Path) -> None:
    script = dedent(
        """
        import sys
        from pathlib import Path
        import bpy

        bpy.ops.extensions.package_install_files(
            filepath=sys.argv[1], repo="user_default", enable_on_install=True
        )
        name = "bl_ext.user_default.lhm_avatars"
        addon = bpy.context.preferences.addons[name]
        assert addon.preferences.keep_log is False
        import importlib
        module = importlib.import_module(name + ".preferences")
        folder = module.engine_root()
        assert folder.is_relative_to(Path(sys.argv[2])), folder
        assert not folder.is_relative_to(Path(module.__file__).parent), folder
        assert "torch" not in sys.modules and "numba" not in sys.modules
        bpy.ops.preferences.addon_disable(module=name)
        assert name not in bpy.context.preferences.addons
        assert not module.LHM_AvatarsPreferences.is_registered
        print("installed")
        """
    )
    environment = {key: value for key, value in os.environ.items() if key != "LHM_AVATARS_ENGINE_ROOT"}
    environment["BLENDER_USER_RESOURCES"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", script, extension_zip, tmp_path],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "installed" in done.stdout
