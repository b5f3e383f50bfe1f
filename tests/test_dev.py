"""dev.py: what it installs, what it finds, what it says when something is missing."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture(scope="module")
def dev(root: Path) -> ModuleType:
    """dev.py as a module."""
    spec = importlib.util.spec_from_file_location("lhm_dev", root / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lhm_dev"] = module
    spec.loader.exec_module(module)
    return module


def fake_python(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_every_version_is_exact(root: Path) -> None:
    groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    loose = [
        r for items in groups.values() for r in items if isinstance(r, str) and not re.search(r"==\d", r)
    ]
    assert loose == []


def test_included_groups_are_resolved(dev: ModuleType) -> None:
    packages = dict(item.split("==") for item in dev.pinned("bpy-5.0"))
    assert packages["bpy"] == "5.0.1"
    assert {"numpy", "pytest", "requests"} <= set(packages)


@pytest.mark.skipif(os.name == "nt", reason="the fake interpreters are shell scripts")
def test_a_shim_that_fails_is_passed_over(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_python(tmp_path / "shims" / "python3.99", "echo 'not installed' >&2; exit 127")
    fake_python(tmp_path / "wrong" / "python3.99", "echo 3.8")
    right = fake_python(tmp_path / "right" / "python3.99", "echo 3.99")
    path = os.pathsep.join(str(tmp_path / name) for name in ("shims", "wrong", "right"))
    monkeypatch.setenv("PATH", path)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert dev.find_python("3.99") == right
    assert dev.find_python("3.98") is None


def test_a_benchmark_has_options_of_its_own(dev: ModuleType) -> None:
    options = dev.parse(["bench", "quality", "--only", "p00", "p01", "--quick"])
    assert (options.names, options.passed_on) == (["quality"], ["--only", "p00", "p01", "--quick"])
    assert dev.parse(["bench", "raster", "lift"]).names == ["raster", "lift"]
    with pytest.raises(SystemExit):
        dev.parse(["bench", "raster", "lift", "--count"])


def test_the_running_python_is_found(dev: ModuleType) -> None:
    found = dev.find_python(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert found is not None


def test_without_the_python_it_says_which_one(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "find_python", lambda _version: None)
    with pytest.raises(dev.SetupError, match=r"bpy-5\.2 needs Python 3\.13, and none was found"):
        dev.ensure("bpy-5.2")


def test_an_environment_counts_only_when_complete(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "BUILD", tmp_path)
    monkeypatch.setattr(dev, "find_python", lambda _version: Path(sys.executable))
    monkeypatch.setattr(dev, "_make_venv", lambda _name, _base, folder: folder.mkdir())
    installs: list[list[str]] = []

    def break_off(_name: str, _python: Path, requirements: list[str]) -> None:
        installs.append(requirements)
        raise KeyboardInterrupt

    monkeypatch.setattr(dev, "install", break_off)
    with pytest.raises(KeyboardInterrupt):
        dev.ensure("dev")
    assert not (tmp_path / "env" / "dev").exists()

    monkeypatch.setattr(dev, "install", lambda _name, _python, requirements: installs.append(requirements))
    python = dev.ensure("dev")
    assert python == dev.python_in(tmp_path / "env" / "dev")
    assert [item.name for item in (tmp_path / "env").iterdir()] == ["dev"]
    dev.ensure("dev")
    assert len(installs) == 2  # the third time nothing is installed
    monkeypatch.setattr(dev, "pinned", lambda _group: ["ruff==99.0"])
    dev.ensure("dev")
    assert installs[2] == ["ruff==99.0"]  # another version: installed anew


def test_a_failed_installation_ends_with_its_last_lines(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "BUILD", tmp_path)
    script = "print('ERROR: no matching distribution'); raise SystemExit(3)"
    with pytest.raises(dev.SetupError, match=r"(?s)setting up thing failed.*thing\.log.*no matching distrib"):
        dev.stream("thing", [sys.executable, "-c", script])
    assert "no matching distribution" in (tmp_path / "log" / "thing.log").read_text(encoding="utf-8")


def test_progress_is_shown_while_something_installs(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "BUILD", tmp_path)
    monkeypatch.setattr(dev, "SILENCE_S", 0.2)
    script = "\n".join(
        [
            "import time",
            "print('Collecting bpy')",
            "print('Downloading https://host/a/bpy-4.5.whl (372 MB)', flush=True)",
            "time.sleep(0.15); print('Progress 93 of 372', flush=True)",
            "time.sleep(0.5)",
        ]
    )
    dev.stream("bpy", [sys.executable, "-c", script])
    shown = capsys.readouterr().out
    assert "Downloading bpy-4.5.whl (372 MB)\n" in shown
    assert "Downloading bpy-4.5.whl (372 MB): 25%" in shown
    assert "still at it" in shown
    assert "Collecting" not in shown


@pytest.mark.parametrize(
    ("tool", "root_user", "told"),
    [
        ("apt-get", False, "sudo apt-get install -y --no-install-recommends libxi6 libegl1"),
        ("apt-get", True, "    apt-get update && apt-get install -y --no-install-recommends libxi6 libegl1"),
        ("dnf", False, "sudo dnf install -y libXi libglvnd-egl"),
        (None, False, "Install them with your package manager."),
    ],
)
def test_missing_system_libraries_are_named_with_the_command(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tool: str | None, root_user: bool, told: str
) -> None:
    monkeypatch.setattr(dev.sys, "platform", "linux")
    monkeypatch.setattr(dev, "_loads", lambda name: name not in ("libXi.so.6", "libEGL.so.1"))
    monkeypatch.setattr(dev.shutil, "which", lambda name: name if name == tool else None)
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0 if root_user else 1000, raising=False)
    with pytest.raises(dev.SetupError) as raised:
        dev.check_libraries()
    assert "missing: libXi.so.6, libEGL.so.1." in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves libraries to the system")
def test_a_library_that_does_not_exist_is_seen(dev: ModuleType) -> None:
    assert dev._loads("libc.so.6")
    assert not dev._loads("libnobody-has-this.so.1")


@pytest.mark.skipif(sys.platform != "linux", reason="ldd")
def test_the_list_of_system_libraries_is_complete(dev: ModuleType) -> None:
    bpy = importlib.util.find_spec("bpy")
    if bpy is None or bpy.origin is None:
        pytest.skip("no bpy here to look at")
    assert dev.missing_libraries() == []
    told = subprocess.run(["ldd", bpy.origin], capture_output=True, text=True, check=True).stdout
    graphics = set(re.findall(r"^\s*(lib(?:X|GL|EGL|SM|ICE|xkb)\S*) => /", told, re.MULTILINE))
    come_with_the_others = {"libXau.so.6", "libXdmcp.so.6", "libGLX.so.0", "libGLdispatch.so.0"}
    assert graphics
    assert graphics - come_with_the_others <= set(dev.LIBRARIES)


def test_one_photo_takes_the_folder_several_take_one_each(dev: ModuleType) -> None:
    out = Path("out")
    assert dev.demo_folders([Path("a/x.jpg")], out) == [out]
    photos = [Path("a/x.jpg"), Path("b/x.png"), Path("a/y.jpg")]
    assert dev.demo_folders(photos, out) == [out / "x-1", out / "x-2", out / "y"]


def test_wrong_names_are_refused(dev: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev.main(["demo", "/no/such/photo.jpg"]) == 2
    assert "no such photo: " in capsys.readouterr().out
    assert dev.main(["bench", "nothing"]) == 2
    assert "no benchmark nothing" in capsys.readouterr().out
    assert dev.main(["setup", "nothing"]) == 2
    assert "no environment nothing" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        dev.main(["lint", "--fast"])


def test_what_test_does_not_know_goes_to_pytest(dev: ModuleType) -> None:
    options = dev.parse(["test", "-x", "--only", "4.5", "-k", "axes", "tests/avatar"])
    assert options.only == ["4.5"]
    assert options.pytest_args == ["-x", "-k", "axes", "tests/avatar"]


def test_blender_tests_run_only_in_blender(dev: ModuleType, root: Path) -> None:
    everywhere = ["engine", "4.5", "5.0", "5.2"]
    assert dev.where_to_test([]) == everywhere
    assert dev.where_to_test([root / "tests" / "blender" / "test_package.py"]) == ["4.5", "5.0", "5.2"]
    assert dev.where_to_test([root / "tests" / "blender", root / "tests" / "test_dev.py"]) == everywhere


REPORT = '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>'


def test_runs_are_summed_up(dev: ModuleType, tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    totals = dev.Totals()
    totals.add(report, 1, chosen=False)
    totals.add(report, 1, chosen=False)
    assert (totals.passed, totals.failed, totals.skipped) == (6, 4, 4)


def test_a_run_that_crashed_is_a_failure(dev: ModuleType, tmp_path: Path) -> None:
    totals = dev.Totals()
    totals.add(tmp_path / "none.xml", -11, chosen=False)
    totals.add(tmp_path / "none.xml", 5, chosen=False)  # no test found where there must be some
    assert totals.failed == 2
    totals.add(tmp_path / "none.xml", 5, chosen=True)
    assert totals.failed == 2


def test_link_refuses_to_replace_something_else(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLENDER_USER_RESOURCES", str(tmp_path))
    link = tmp_path / "extensions" / "user_default" / "lhm_avatars"
    link.mkdir(parents=True)
    assert dev.main(["link"]) == 2
    assert "Move it away" in capsys.readouterr().out
    link.rmdir()
    assert dev.main(["link"]) == 0
    assert link.resolve() == dev.ROOT
    assert dev.main(["link"]) == 0  # once more changes nothing


def test_link_finds_the_blenders_that_can_run_it(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BLENDER_USER_RESOURCES")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(dev.platform, "system", lambda: "Linux")
    assert dev.main(["link"]) == 2
    assert "Start Blender once" in capsys.readouterr().out
    for version in ("3.6", "4.2", "4.5", "5.2", "10.0"):
        (tmp_path / "blender" / version).mkdir(parents=True)
    assert {folder.name for folder in dev.blender_folders(None)} == {"4.5", "5.2", "10.0"}
    assert [folder.name for folder in dev.blender_folders("4.2")] == ["4.2"]
