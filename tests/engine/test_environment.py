"""Real virtual environments, made from small packages in a folder: whole, interrupted, broken, refused."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine import environment
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.environment import Requirements, build, engine_python, engine_root, remove, status
from lhm_avatars.engine.exclusive import exclusive
from lhm_avatars.engine.interpreters import PythonChoice
from lhm_avatars.engine.protocol import Cancelled

from .tiny_wheels import Wheel, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

# Any version makes a virtual environment; only mediapipe wants certain ones. Lending a pip is quicker than
# unpacking one, by seconds in each test; one environment is made the other way.
HAS_ENSUREPIP = importlib.util.find_spec("ensurepip") is not None
HAS_PIP = importlib.util.find_spec("pip") is not None
LENDING = PythonChoice(Path(sys.executable), sys.version_info[:3], "system", brings_pip=False)
BRINGING = PythonChoice(Path(sys.executable), sys.version_info[:3], "system", brings_pip=True)
PYTHON = LENDING if HAS_PIP else BRINGING


def lock_for(folder: Path, *wheels: Wheel, modules: tuple[str, ...] | None = None) -> Requirements:
    path = folder / "lock.txt"
    path.write_text("".join(wheel.requirement() for wheel in wheels))
    return Requirements(path, 1_000_000, modules or tuple(wheel.name for wheel in wheels))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "lhm_tiny")
    make_wheel(folder, "lhm_other")
    return folder


@pytest.fixture(scope="module")
def tiny(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Requirements:
    found = (Wheel(name, wheels / f"{name}-1.0-py3-none-any.whl") for name in ("lhm_tiny", "lhm_other"))
    return lock_for(tmp_path_factory.mktemp("lock"), *found)


@pytest.fixture(scope="module")
def built(wheels: Path, tiny: Requirements, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One environment, made once, with everything in the way that a surrounding Python may put there."""
    root = tmp_path_factory.mktemp("engine root")
    reports: list[tuple[str, float, str]] = []
    before = _files(Path(sys.prefix))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(root / "astray"))
        patch.setenv("PIP_TARGET", str(root / "astray"))
        patch.setenv("VIRTUAL_ENV", sys.prefix)
        python = build(
            root, python=BRINGING if HAS_ENSUREPIP else PYTHON, wheel_dir=wheels, online=False,
            requirements=tiny, progress=lambda *report: reports.append(report),
        )  # fmt: skip
    added = {path for path in _files(Path(sys.prefix)) - before if "__pycache__" not in path}
    return SimpleNamespace(root=root, python=python, reports=reports, added=added)


def _files(folder: Path) -> set[str]:
    return {os.path.join(place, name) for place, _, names in os.walk(folder) for name in names}  # noqa: PTH118


def ask(python: Path, code: str) -> str:
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def cancel_when(condition: Callable[[str, float, str], bool]) -> dict[str, Callable[..., object]]:
    """Arguments of ``build`` that cancel at the first progress report that fits."""
    seen: list[bool] = []
    return {
        "progress": lambda *report: seen.append(True) if condition(*report) else None,
        "cancelled": lambda: bool(seen),
    }


# What a complete one is.


def test_an_environment_is_built_and_its_python_runs_from_its_place(
    built: SimpleNamespace, tiny: Requirements
) -> None:
    assert built.python == engine_python(built.root, tiny)
    assert ask(built.python, "import lhm_tiny, lhm_other; print(lhm_tiny.__version__)") == "1.0"
    assert Path(ask(built.python, "import sys; print(sys.prefix)")) == built.python.parent.parent
    assert built.python.is_relative_to(built.root)
    assert not list(built.root.glob("*.tmp"))


@pytest.mark.skipif(not HAS_ENSUREPIP, reason="this Python makes environments without pip")
def test_pip_still_runs_as_a_module_after_the_rename(built: SimpleNamespace) -> None:
    done = subprocess.run(
        [built.python, "-I", "-m", "pip", "list"], capture_output=True, text=True, check=True
    )
    assert "lhm_tiny" in done.stdout.replace("-", "_")


def test_nothing_went_into_the_surrounding_python(built: SimpleNamespace) -> None:
    assert built.added == set()
    assert not (built.root / "astray").exists()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("lhm_tiny")


def test_the_status_says_what_is_there(built: SimpleNamespace, tiny: Requirements) -> None:
    there = status(built.root, tiny)
    assert there.ready
    assert there.packages == {"lhm_tiny": "1.0", "lhm_other": "1.0"}
    folder = built.python.parent.parent
    on_disk = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    assert there.bytes == pytest.approx(on_disk, rel=0.01)
    ready = json.loads((folder / "ready.json").read_text())
    assert ready["python"] == ".".join(map(str, sys.version_info[:3]))


def test_progress_goes_forward_through_the_stages(built: SimpleNamespace) -> None:
    stages = [stage for stage, _, _ in built.reports]
    assert list(dict.fromkeys(stages)) == ["environment", "packages", "check"]
    fractions = [fraction for _, fraction, _ in built.reports]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert "Fetching lhm_tiny (1 of 2)" in [message for _, _, message in built.reports]


def test_the_log_is_complete(built: SimpleNamespace) -> None:
    log = (built.root / "install.log").read_text()
    assert "-m venv" in log
    assert "--require-hashes" in log
    assert "Successfully installed" in log


def test_building_again_does_nothing(built: SimpleNamespace, tiny: Requirements) -> None:
    log = (built.root / "install.log").read_text()
    assert build(built.root, online=False, requirements=tiny) == built.python
    assert (built.root / "install.log").read_text() == log


def test_another_lock_is_another_environment(
    built: SimpleNamespace, tmp_path: Path, tiny: Requirements
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"{tiny.lock.read_text()}# newer\n")
    assert not status(built.root, Requirements(lock, 0)).ready


def test_environments_for_different_packages_lie_side_by_side(
    tmp_path: Path, built: SimpleNamespace, wheels: Path, tiny: Requirements
) -> None:
    shutil.copytree(built.python.parent.parent, tmp_path / built.python.parent.parent.name, symlinks=True)
    fewer = replace(tiny, without=("lhm-other", "lhm_other"), modules=("lhm_tiny",))
    python = build(tmp_path, python=PYTHON, wheel_dir=wheels, requirements=fewer)
    assert ask(python, "import importlib.util as u; print(u.find_spec('lhm_other'))") == "None"
    assert engine_python(tmp_path, tiny) not in (None, python)
    unfinished = python.parent.parent.with_suffix(".tmp")
    unfinished.mkdir()
    remove(tmp_path, fewer)
    assert not unfinished.exists()
    assert engine_python(tmp_path, fewer) is None
    assert engine_python(tmp_path, tiny) is not None


def test_what_identifies_the_built_in_engine_is_its_list_alone() -> None:
    # Version 0.1 installed it under this key; another would make its users download everything again.
    assert environment.BASE.identity() == environment.BASE.lock.read_bytes()


def test_a_list_that_changes_while_blender_runs_is_read_again(tmp_path: Path, tiny: Requirements) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(tiny.lock.read_text())
    wanted = Requirements(lock, 0)
    before = environment._folder_name(wanted, "3.11")
    lock.write_text(f"{tiny.lock.read_text()}# newer\n")
    os.utime(lock, ns=(1, 1))
    assert environment._folder_name(wanted, "3.11") != before


def test_the_folder_can_be_set_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LHM_AVATARS_ENGINE_ROOT", raising=False)
    assert engine_root(tmp_path) == tmp_path
    monkeypatch.setenv("LHM_AVATARS_ENGINE_ROOT", str(tmp_path / "farm"))
    assert engine_root(tmp_path) == tmp_path / "farm"


def test_the_shipped_lock_has_hashes_and_no_address() -> None:
    text = environment.BASE.lock.read_text()
    logical = [line for line in text.replace("\\\n", "").splitlines() if line and line[0] not in "# "]
    assert len(logical) >= 20
    assert all("==" in line and "--hash=sha256:" in line for line in logical)
    assert "://" not in text
    names = {line.split("==")[0] for line in logical}
    assert {"numpy", "mediapipe", "numba", "scipy", "pillow", "safetensors"} <= names
    assert not {"torch", "jax", "jaxlib", "opencv-contrib-python", "sounddevice"} & names


@pytest.mark.skipif(not HAS_PIP, reason="this Python has no pip to lend")
def test_a_python_without_ensurepip_serves_with_its_own_pip(
    tmp_path: Path, wheels: Path, tiny: Requirements
) -> None:
    python = build(tmp_path, python=LENDING, wheel_dir=wheels, online=False, requirements=tiny)
    assert ask(python, "import lhm_tiny; print(lhm_tiny.__file__)").startswith(str(tmp_path))
    assert ask(python, "import importlib.util as u; print(u.find_spec('pip'))") == "None"


@pytest.mark.skipif(sys.platform == "win32", reason="asks for symbolic links")
def test_an_environment_whose_python_is_gone_is_made_anew(
    tmp_path: Path, wheels: Path, built: SimpleNamespace, tiny: Requirements
) -> None:
    copy = tmp_path / built.python.parent.parent.name
    shutil.copytree(built.python.parent.parent, copy, symlinks=True)
    python = copy / "bin" / "python"
    assert engine_python(tmp_path, tiny) == python
    python.unlink()
    python.symlink_to(tmp_path / "an uninstalled Blender" / "python")
    assert engine_python(tmp_path, tiny) is None
    assert build(tmp_path, python=PYTHON, wheel_dir=wheels, requirements=tiny) == python
    assert ask(python, "import lhm_tiny; print(1)") == "1"


# Interrupted.


def test_a_cancel_while_the_environment_is_made_starts_over(
    tmp_path: Path, wheels: Path, tiny: Requirements
) -> None:
    with pytest.raises(Cancelled):
        build(
            tmp_path, python=PYTHON, wheel_dir=wheels, requirements=tiny,
            **cancel_when(lambda stage, *_: stage == "environment"),
        )  # fmt: skip
    assert not status(tmp_path, tiny).ready
    python = build(tmp_path, python=PYTHON, wheel_dir=wheels, requirements=tiny)
    assert ask(python, "import lhm_tiny; print(1)") == "1"
    assert (tmp_path / "install.log").read_text().count("-m venv") == 2


def test_a_cancelled_installation_goes_on_where_it_stopped(
    tmp_path: Path, wheels: Path, tiny: Requirements
) -> None:
    arguments = {"python": PYTHON, "wheel_dir": wheels, "requirements": tiny}
    with pytest.raises(Cancelled):
        build(tmp_path, **arguments, **cancel_when(lambda stage, *_: stage == "packages"))
    assert status(tmp_path, tiny).unfinished
    with pytest.raises(Cancelled):
        build(tmp_path, **arguments, **cancel_when(lambda stage, *_: stage == "check"))
    assert not status(tmp_path, tiny).ready
    # As after a power cut: one package half there, one whole.
    (partial,) = tmp_path.glob("*.tmp")
    (module,) = partial.rglob("lhm_tiny.py")
    module.unlink()
    python = build(tmp_path, **arguments)
    assert ask(python, "import lhm_tiny, lhm_other; print(1)") == "1"
    log = (tmp_path / "install.log").read_text()
    assert log.count("-m venv") == 1
    last = log.rsplit("-m pip", 1)[1]
    assert "Requirement already satisfied: lhm" in last.replace("-", "_")
    assert "Processing" in last
    assert not status(tmp_path, tiny).unfinished


# Refused.


def refusal(root: Path, **arguments: object) -> str:
    with pytest.raises(AvatarError) as caught:
        build(root, **{"python": PYTHON, **arguments})
    return str(caught.value)


def test_offline_without_a_folder_of_packages_is_explained(tmp_path: Path, tiny: Requirements) -> None:
    sentence = refusal(tmp_path, online=False, requirements=tiny)
    assert sentence.startswith("The engine's packages must be downloaded, but Blender may not go online.")


def test_a_folder_without_packages_is_named(tmp_path: Path, tiny: Requirements) -> None:
    sentence = refusal(tmp_path, wheel_dir=tmp_path, requirements=tiny)
    assert sentence.startswith(f"There are no packages (.whl files) in {tmp_path}.")


def test_too_little_space_is_said_before_the_start(tmp_path: Path, wheels: Path, tiny: Requirements) -> None:
    huge = Requirements(tiny.lock, 10**18)
    sentence = refusal(tmp_path, wheel_dir=wheels, requirements=huge)
    assert sentence.startswith(f"The engine needs 1000000000.0 GB in {tmp_path}, but only ")
    assert not list(tmp_path.glob("engine-*"))


def test_what_an_interrupted_installation_holds_needs_no_space_again(
    tmp_path: Path, wheels: Path, tiny: Requirements, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = replace(tiny, free_bytes=5_000_000_000)
    arguments = {"python": PYTHON, "wheel_dir": wheels, "requirements": large}
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: SimpleNamespace(free=6_000_000_000))
    with pytest.raises(Cancelled):
        build(tmp_path, **arguments, **cancel_when(lambda stage, *_: stage == "packages"))
    (partial,) = tmp_path.glob("*.tmp")
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: SimpleNamespace(free=4_000_000_000))
    assert "The engine needs 5.0 GB in" in refusal(tmp_path, **arguments)
    with (partial / "torch").open("wb") as file:
        file.truncate(1_100_000_000)  # takes no room on most disks
    assert build(tmp_path, **arguments).exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, wheels: Path, tiny: Requirements) -> None:
    (tmp_path / "file").touch()
    sentence = refusal(tmp_path / "file" / "engine", wheel_dir=wheels, requirements=tiny)
    assert sentence.startswith(
        f"The engine cannot be installed in {tmp_path / 'file' / 'engine'} (Not a directory)"
    )


def test_two_installations_at_once_are_refused(tmp_path: Path, wheels: Path, tiny: Requirements) -> None:
    with exclusive(tmp_path / "install.lock"):
        sentence = refusal(tmp_path, wheel_dir=wheels, requirements=tiny)
    assert sentence.startswith("Another Blender is installing or removing the engine")


@pytest.mark.skipif(sys.platform == "win32", reason="pretends an interpreter by a shell script")
def test_a_python_that_makes_no_environment_is_named(
    tmp_path: Path, wheels: Path, tiny: Requirements
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    choice = PythonChoice(python, (3, 12, 0), "user")
    sentence = refusal(tmp_path / "root", python=choice, wheel_dir=wheels, requirements=tiny)
    assert sentence.startswith(f"{python} could not make a Python environment in ")


def test_packages_that_are_not_the_tested_ones_are_refused(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "wheels", "lhm_tiny")
    requirements = lock_for(tmp_path, wheel)
    make_wheel(tmp_path / "wheels", "lhm_tiny", "__version__ = 'forged'\n")
    sentence = refusal(tmp_path / "root", wheel_dir=tmp_path / "wheels", requirements=requirements)
    assert sentence.startswith("A package is not the one that this version of the add-on was tested with")
    assert not status(tmp_path / "root", requirements).ready
    make_wheel(tmp_path / "wheels", "lhm_tiny")  # copied again, as the sentence says
    build(tmp_path / "root", python=PYTHON, wheel_dir=tmp_path / "wheels", requirements=requirements)
    assert status(tmp_path / "root", requirements).ready


def test_a_missing_package_is_named(tmp_path: Path, wheels: Path) -> None:
    requirements = lock_for(tmp_path, make_wheel(tmp_path / "elsewhere", "lhm_gone"))
    sentence = refusal(tmp_path / "root", wheel_dir=wheels, requirements=requirements)
    assert sentence.startswith("A package is missing: lhm_gone==1.0. If you install from a folder, put it")


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')",
         "The engine needs the system library libGL.so.1, which this computer lacks."),
        ("import lhm_missing",
         "The engine's packages are there but do not load (The engine failed: ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_packages_that_do_not_load_are_explained(tmp_path: Path, code: str, sentence: str) -> None:
    requirements = lock_for(tmp_path, make_wheel(tmp_path / "wheels", "lhm_tiny", code))
    said = refusal(tmp_path / "root", wheel_dir=tmp_path / "wheels", requirements=requirements)
    assert said.startswith(sentence)
    assert not status(tmp_path / "root", requirements).ready


def test_an_index_that_does_not_answer_is_explained(
    tmp_path: Path, tiny: Requirements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nobody listens
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    sentence = refusal(tmp_path, online=True, requirements=tiny)
    assert sentence.startswith("The package index could not be reached. Check the connection and the proxy")


@pytest.mark.skipif(sys.platform == "win32", reason="asks for symbolic links")
def test_an_environment_that_does_not_run_from_its_place_is_refused(
    tmp_path: Path, wheels: Path, tiny: Requirements, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "runs_from", lambda folder: False)
    sentence = refusal(tmp_path, wheel_dir=wheels, requirements=tiny)
    assert sentence.startswith(f"The engine's Python does not run from {tmp_path}")
    assert not status(tmp_path, tiny).ready


# Removed.


def test_removing_takes_the_environments_and_nothing_else(
    tmp_path: Path, built: SimpleNamespace, tiny: Requirements
) -> None:
    folder = built.python.parent.parent
    shutil.copytree(folder, tmp_path / folder.name, symlinks=True)
    (tmp_path / f"{folder.name}.tmp").mkdir()
    (tmp_path / "engine-notes").mkdir()
    (tmp_path / "photo.png").touch()
    assert status(tmp_path, tiny).ready
    remove(tmp_path)
    assert not status(tmp_path, tiny).ready
    assert {path.name for path in tmp_path.iterdir()} == {"engine-notes", "photo.png", "install.lock"}


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove(tmp_path / "nowhere")


def test_what_cannot_be_removed_is_named(tmp_path: Path) -> None:
    (tmp_path / "install.lock").mkdir()
    with pytest.raises(AvatarError, match=r"The engine in .* could not be removed .* Close every Blender"):
        remove(tmp_path)
