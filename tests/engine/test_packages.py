"""What the user is told when pip fails, and that a cancelled pip is gone; pip is played by a script."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.packages import Job, Pinned, damaged, install, install_pinned, lock_text, run
from lhm_avatars.engine.protocol import Cancelled


class Recorder:
    """Remembers the progress."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, float, str]] = []

    def __call__(self, stage: str, fraction: float, message: str) -> None:
        self.reports.append((stage, fraction, message))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "install.log", Recorder(), lambda: False)


def fake_pip(tmp_path: Path, output: str, code: int) -> list[str]:
    script = tmp_path / "pip.py"
    script.write_text(f"import sys\nsys.stdout.write({output!r})\nsys.exit({code})\n")
    return [sys.executable, str(script)]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.txt"
    path.write_text("numpy==1.26.4 --hash=sha256:0\nscipy==1.0\nscipy==1.1 ; python_version > '3'\nsix==1\n")
    return path


# The texts are pip's own, of 23.2 and 26.3.
@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
         "A package is not the one that this version of the add-on was tested with"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
         "The disk is full. Free some space and install again"),
        ("ERROR: Could not install packages due to an OSError: [Errno 2] No such file or directory: 'x.h'\n"
         "HINT: This error might have occurred since this system does not have Windows Long Path support "
         "enabled.",
         "A path is too long for Windows. Choose a shorter folder for the engine in the preferences, such as "
         "C:\\lhm, and"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'",
         "A file could not be written. Choose a folder"),
        ("WARNING: Retrying ... NewConnectionError('<...>: Failed to establish a new connection')\n"
         "ERROR: No matching distribution found for numpy==1.26.4",
         "The package index could not be reached. Check the connection"),
        ('WARNING: Retrying ... ReadTimeoutError("HTTPSConnectionPool: Read timed out.")',
         "The package index could not be reached. Check the connection"),
        ("WARNING: ... ProxyError('Cannot connect to proxy.')",
         "The package index could not be reached. Check the connection"),
        ("error: incomplete-download\n\n× Download failed because not enough bytes were received (2 kB/6 kB)",
         "The download of a package was cut. Install again"),
        ("ERROR: Wheel 'einops' located at /tmp/pip-unpack-8/einops-0.8.2-py3-none-any.whl is invalid.",
         "The download of a package was cut. Install again"),
        ("ERROR: Could not find a version that satisfies the requirement numpy==1.26.4 (from ...)\n"
         "ERROR: No matching distribution found for numpy==1.26.4",
         "A package is missing: numpy==1.26.4. If you install from a folder"),
        ("Segmentation fault",
         "The engine's packages could not be installed. The end of the log says why"),
    ],
)  # fmt: skip
def test_pips_complaints_become_sentences(
    tmp_path: Path, job: Job, lock: Path, output: str, sentence: str
) -> None:
    with pytest.raises(AvatarError) as caught:
        install(fake_pip(tmp_path, output, 1), lock, tmp_path, job, None)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(str(job.log_file))
    assert output in job.log_file.read_text()


def test_an_older_failure_in_the_log_is_not_told_again(tmp_path: Path, job: Job, lock: Path) -> None:
    job.log_file.write_text("No space left on device\n")
    with pytest.raises(AvatarError, match="The end of the log says why"):
        install(fake_pip(tmp_path, "odd", 1), lock, tmp_path, job, None)


def test_pips_lines_become_progress(tmp_path: Path, job: Job, lock: Path) -> None:
    output = (
        "Ignoring scipy: markers 'x' don't match your environment\n"
        "Requirement already satisfied: numpy==1.26.4 in /x (1.26.4)\n"
        "Collecting scipy==1.1 (from -r lock.txt)\n  Downloading scipy-1.1-cp311.whl (37.0 MB)\n"
        "Processing /wheels/six-1-py3-none-any.whl\nInstalling collected packages: six, scipy\n"
    )
    install(fake_pip(tmp_path, output, 0), lock, tmp_path, job, None)
    fetched = [report for report in job.progress.reports if report[2].startswith("Fetching")]
    assert [report[2] for report in fetched] == [
        "Fetching numpy (1 of 3)", "Fetching scipy (2 of 3)", "Fetching six (3 of 3)",
    ]  # fmt: skip
    assert [report[1] for report in fetched] == pytest.approx([0.7 / 3, 1.4 / 3, 0.7])


def test_packages_can_be_left_out_of_a_lock_and_another_added(tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text(
        "# made by a tool\nnumpy==1 \\\n    --hash=sha256:a\nnvidia-cublas==13 ; sys_platform == 'linux' \\\n"
        "    --hash=sha256:b \\\n    --hash=sha256:c\ntorch==2 \\\n    --hash=sha256:d\n"
        "torchvision==3 \\\n    --hash=sha256:e\n"
    )
    second.write_text("nvidia-cublas-cu12==12 \\\n    --hash=sha256:f\n")
    assert lock_text(first) == first.read_text()
    assert lock_text(first, [second], ["nvidia-*", "torch"]) == (
        "# made by a tool\nnumpy==1 \\\n    --hash=sha256:a\n"
        "torchvision==3 \\\n    --hash=sha256:e\nnvidia-cublas-cu12==12 \\\n    --hash=sha256:f\n"
    )


@pytest.mark.parametrize("offline", [False, True])
def test_packages_of_an_index_are_asked_of_it_or_of_the_folder(
    tmp_path: Path, job: Job, *, offline: bool
) -> None:
    pinned = Pinned("https://index/cpu", ("torch==2.13.0+cpu", "torchvision==0.28.0+cpu"))
    pip = [*fake_pip(tmp_path, "Collecting torch==2.13.0+cpu\n", 0)]
    install_pinned(pip, pinned, tmp_path, job, tmp_path if offline else None)
    (command,) = (line for line in job.log_file.read_text().splitlines() if line.startswith("$ "))
    words = command.split()
    assert words[-2:] == list(pinned.packages)
    assert {"--no-deps", "--only-binary=:all:"} <= set(words)
    assert ("--index-url https://index/cpu" in command) != offline
    assert (f"--no-index --find-links {tmp_path}" in command) == offline
    assert job.progress.reports == [("packages", pytest.approx(0.35), "Fetching torch (1 of 2)")]


def test_damaged_packages_are_found(tmp_path: Path) -> None:
    for name in ("whole", "short", "gone", "unlisted", "recompiled"):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (tmp_path / f"{name}.py").write_text("12345")
        (info / "RECORD").write_text(f"{name}.py,sha256=x,5\n{name}-1.0.dist-info/RECORD,,\n")
    (tmp_path / "short.py").write_text("123")
    (tmp_path / "gone.py").unlink()
    (tmp_path / "unlisted-1.0.dist-info" / "RECORD").unlink()
    (tmp_path / "recompiled-1.0.dist-info" / "RECORD").write_text("recompiled.pyc,sha256=x,7\n")
    assert [path.name.split("-")[0] for path in damaged(tmp_path)] == ["gone", "short", "unlisted"]


def test_files_missing_after_a_successful_pip_are_noticed(tmp_path: Path, job: Job, lock: Path) -> None:
    script = tmp_path / "pip.py"
    script.write_text(f"from pathlib import Path\nPath({str(tmp_path / 'x-1.0.dist-info')!r}).mkdir()\n")
    with pytest.raises(AvatarError, match=r"Some files of x-1\.0 are missing after the installation"):
        install([sys.executable, str(script)], lock, tmp_path, job, None)


@pytest.mark.skipif(sys.platform == "win32", reason="asks for POSIX process groups")
def test_a_cancel_ends_the_program_and_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = tmp_path / "busy.sh"
    script.write_text(f"#!/bin/sh\nsleep 60 &\necho $$ $! > {pids}\necho ready\nwait\n")
    script.chmod(0o755)
    lines: list[str] = []
    began = time.monotonic()
    with pytest.raises(Cancelled, match="what was done is kept"):
        run([str(script)], Job(tmp_path / "log", Recorder(), lambda: bool(lines)), lines.append)
    assert lines == ["ready\n"]
    assert time.monotonic() - began < 5
    for pid in pids.read_text().split():
        stat = Path(f"/proc/{pid}/stat")
        end = time.monotonic() + 2
        while stat.exists() and ") Z " not in stat.read_text():
            assert time.monotonic() < end, f"process {pid} lives"
            time.sleep(0.01)


def test_a_program_that_is_not_there_is_named(tmp_path: Path, job: Job) -> None:
    with pytest.raises(AvatarError, match=r"nothing could not be run \(No such file"):
        run([str(tmp_path / "nothing")], job)


def test_settings_that_would_lead_pip_astray_are_kept_away(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_TARGET", "PIP_USER", "PIP_PREFIX", "PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "the user's own")
    monkeypatch.setenv("HTTPS_PROXY", "the user's own")
    run([sys.executable, "-c", "import os; print(sorted(os.environ))"], job)
    text = job.log_file.read_text()
    assert "'PIP_INDEX_URL'" in text
    assert "'HTTPS_PROXY'" in text
    assert "'PIP_RESUME_RETRIES'" in text
    assert not any(f"'{name}'" in text for name in ("PIP_TARGET", "PIP_USER", "PYTHONPATH", "VIRTUAL_ENV"))
    assert os.environ["PIP_TARGET"] == str(tmp_path)
