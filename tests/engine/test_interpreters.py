"""Which Python is chosen, with pretended interpreters on a search path of our own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lhm_avatars.engine import interpreters
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.interpreters import PythonChoice, UnfitError, find_python, probe

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pretends interpreters by shell scripts")

GOOD = {
    "version": [3, 12, 1], "implementation": "CPython", "large": True,
    "venv": "unknown", "ensurepip": "unknown", "pip": None,
}  # fmt: skip


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def pretend(path: Path, **answer: Any) -> Path:
    return script(path, f"echo '{json.dumps(GOOD | answer)}'")


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on the search path; no Python of this machine is seen."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr(interpreters, "_usual_places", lambda version: iter(()))
    return folder


def test_a_real_interpreter_says_what_it_is() -> None:
    path = Path(sys.executable)
    if sys.version_info[:2] > (3, 12):
        with pytest.raises(UnfitError, match=f"is version 3.{sys.version_info[1]}$"):
            probe(path, "system")
    else:
        assert probe(path, "system").version == sys.version_info[:3]


def test_the_running_python_comes_before_the_search_path(
    bin_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(bin_dir / "python3.12")
    monkeypatch.setattr(sys, "executable", str(pretend(tmp_path / "blender" / "python", version=[3, 11, 7])))
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    assert find_python() == PythonChoice(tmp_path / "blender" / "python", (3, 11, 7), "system")
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    assert find_python().path == bin_dir / "python3.12"


def test_the_users_choice_comes_first(bin_dir: Path, tmp_path: Path) -> None:
    pretend(bin_dir / "python3.12")
    mine = pretend(tmp_path / "mine", version=[3, 10, 2])
    assert find_python(mine) == PythonChoice(mine, (3, 10, 2), "user")
    assert find_python(mine).minor == "3.10"


def test_uvs_comes_before_the_systems(bin_dir: Path, tmp_path: Path) -> None:
    pretend(bin_dir / "python3.12")
    managed = pretend(tmp_path / "managed", version=[3, 11, 1])
    script(bin_dir / "uv", f'[ "$2" = find ] && echo {managed}')
    assert find_python() == PythonChoice(managed, (3, 11, 1), "uv")


def test_uv_without_a_python_is_passed_over(bin_dir: Path) -> None:
    script(bin_dir / "uv", "exit 2")
    pretend(bin_dir / "python3.12")
    assert find_python().source == "system"


def test_uv_downloads_only_when_allowed_and_nothing_else_is_there(bin_dir: Path, tmp_path: Path) -> None:
    managed, downloaded = tmp_path / "managed", tmp_path / "downloaded"
    pretend(managed)
    script(
        bin_dir / "uv",
        f'[ "$2" = install ] && echo yes > {downloaded}\n'
        f'[ "$2" = find ] && [ -e {downloaded} ] && echo {managed}',
    )
    with pytest.raises(AvatarError, match=r"No Python 3\.10, 3\.11 or 3\.12 was found"):
        find_python(online=False)
    assert not downloaded.exists()
    assert find_python(online=True) == PythonChoice(managed, (3, 12, 1), "uv")
    downloaded.unlink()
    pretend(bin_dir / "python3.11", version=[3, 11, 9])
    assert find_python(online=True).source == "system"
    assert not downloaded.exists()


def test_programs_with_the_right_name_that_do_not_run_are_passed_over(bin_dir: Path) -> None:
    script(bin_dir / "python3.12", "echo 'python3.12: command not found' >&2; exit 127")
    pretend(bin_dir / "python3.11", version=[3, 11, 4])
    assert find_python().path == bin_dir / "python3.11"


def test_nothing_found_names_what_was_tried(bin_dir: Path) -> None:
    script(bin_dir / "python3.12", "exit 127")
    pretend(bin_dir / "python3", version=[3, 13, 0])
    with pytest.raises(AvatarError) as caught:
        find_python()
    assert str(caught.value) == (
        "No Python 3.10, 3.11 or 3.12 was found for the engine. Install Python 3.12 (with venv), or set "
        f"the path of one in the preferences. Tried: {bin_dir}/python3.12 is no working Python; "
        f"{bin_dir}/python3 is version 3.13."
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path, r"cannot be run \(No such file or directory\)"),
        (lambda path: path.mkdir(), r"cannot be run \(Permission denied\)"),
        (lambda path: script(path, "echo hello"), "is no working Python"),
        (lambda path: pretend(path, version=[3, 9, 18]), "is version 3.9"),
        (lambda path: pretend(path, version=[3, 13, 0]), "is version 3.13"),
        (lambda path: pretend(path, implementation="PyPy"), "is no 64-bit CPython"),
        (lambda path: pretend(path, large=False), "is no 64-bit CPython"),
        (lambda path: pretend(path, venv=None), "has no module venv"),
        (
            lambda path: pretend(path, ensurepip=None),
            r"has no pip \(Debian, Ubuntu: apt install python3.12-venv",
        ),
        (lambda path: pretend(path, ensurepip=None, pip="22.2.2"), "has no pip"),
    ],
)
def test_a_users_choice_that_does_not_fit_is_explained(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / "python")
    with pytest.raises(
        AvatarError, match=rf"cannot be used: .*/python {reason}.*\. Set the path of a Python 3.10"
    ):
        find_python(tmp_path / "python")


def test_a_silent_program_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_PROBE_SECONDS", 0.2)
    with pytest.raises(AvatarError, match="python does not answer"):
        find_python(script(tmp_path / "python", "exec sleep 5"))


def test_a_python_without_ensurepip_lends_its_own_pip(tmp_path: Path) -> None:
    choice = find_python(pretend(tmp_path / "python", ensurepip=None, pip="23.0.1"))
    assert choice.brings_pip is False


def test_candidates_are_asked_without_the_surrounding_pythons_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    monkeypatch.setenv("HTTPS_PROXY", "kept")
    seen = tmp_path / "seen"
    python = script(tmp_path / "python", f"env > {seen}\necho '{json.dumps(GOOD)}'")
    find_python(python)
    names = {line.split("=")[0] for line in seen.read_text().splitlines()}
    assert "HTTPS_PROXY" in names
    assert {name for name in names if name.startswith("PYTHON")} == {"PYTHONNOUSERSITE", "PYTHONUTF8"}
    assert os.environ["PYTHONHOME"] == str(tmp_path / "nowhere")
