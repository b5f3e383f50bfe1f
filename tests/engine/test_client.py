"""A real engine process with scripted jobs: it answers, dies loudly, cancels, and its noise does no harm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine import connection
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.client import EngineClient
from lhm_avatars.engine.protocol import Cancelled, EngineBug, Failure, Progress, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lhm_avatars.engine.protocol import Event

HERE = Path(__file__).resolve().parent
METHODS = ("--methods", str(HERE / "fake_methods.py"))
PYTHON = Path(sys.executable)
posix = pytest.mark.skipif(sys.platform == "win32", reason="asks for POSIX signals or devices")


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "engine.log"


@pytest.fixture
def client(log_file: Path) -> Iterator[EngineClient]:
    with EngineClient.start(PYTHON, log_file=log_file, arguments=METHODS, cancel_grace=0.3) as started:
        yield started


def poll_until(
    client: EngineClient, enough: Callable[[list[Event]], bool], seconds: float = 10
) -> list[Event]:
    """What a modal operator does: poll on each tick."""
    events: list[Event] = []
    end = time.monotonic() + seconds
    while not enough(events):
        assert time.monotonic() < end, f"only {events}"
        events += client.poll()
        time.sleep(0.005)
    return events


def answered(events: list[Event]) -> bool:
    return any(isinstance(event, (Result, Failure)) for event in events)


def only_failure(client: EngineClient) -> Failure:
    *_, last = poll_until(client, answered)
    assert isinstance(last, Failure)
    return last


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"  # dead, not yet collected


# It answers.


def test_a_request_is_answered(client: EngineClient) -> None:
    params = {"text": "für Ärmel – 袖", "numbers": [1, 2.5, None, True], "line": "a\nb"}
    assert client.wait(client.request("echo", params), timeout=10) == params


def test_it_introduces_itself(client: EngineClient) -> None:
    assert client.hello["python"] == ".".join(map(str, sys.version_info[:3]))
    assert Path(client.hello["engine"]) == HERE.parents[1] / "engine"


def test_the_real_methods_answer_too(log_file: Path) -> None:
    with EngineClient.start(PYTHON, log_file=log_file) as client:
        assert client.wait(client.request("ping", {"n": 1}), timeout=10) == {"n": 1}
        answer = client.wait(client.request("versions", {"modules": ["json"]}), timeout=10)
        assert answer["modules"] == {"json": "2.0.9"}
        with pytest.raises(EngineBug, match="No module named 'lhm_missing'"):
            client.wait(client.request("versions", {"modules": ["lhm_missing"]}), timeout=10)


def test_jobs_run_in_order_on_the_main_thread(client: EngineClient) -> None:
    first = client.request("threads")
    others = [client.request("echo", {"n": n}) for n in range(20)]
    events = poll_until(client, lambda found: len(found) == 21)
    assert [event.request_id for event in events] == [first, *others]
    assert events[0] == Result(first, {"main": True})


def test_a_large_message_passes_whole(client: EngineClient) -> None:
    params = {"text": "x" * 1_000_000}
    assert client.wait(client.request("echo", params), timeout=10) == params


def test_waiting_for_one_request_keeps_the_events_of_the_others(client: EngineClient) -> None:
    first, second = client.request("steps", {"count": 3, "stage": "a"}), client.request("echo", {"n": 2})
    third = client.request("echo", {"n": 3})
    assert client.wait(second, timeout=10) == {"n": 2}
    events = poll_until(client, lambda found: len(found) == 3)
    assert events == [
        Progress(first, "a", 0.0, "step 0"),
        Result(first, {"steps": 3}),
        Result(third, {"n": 3}),
    ]
    with pytest.raises(ValueError, match="answered before"):
        client.wait(second)


def test_progress_is_reported_at_most_twenty_times_a_second(client: EngineClient) -> None:
    seen: list[Progress] = []
    began = time.monotonic()
    client.wait(client.request("steps", {"count": 200_000, "stage": "fit"}), seen.append, timeout=30)
    seconds = time.monotonic() - began
    assert 1 <= len(seen) <= seconds / 0.05 + 1
    assert all(event.stage == "fit" for event in seen)
    assert [event.fraction for event in seen] == sorted(event.fraction for event in seen)


def test_a_new_stage_is_always_reported_and_fractions_stay_in_range(client: EngineClient) -> None:
    client.request("stages", {"stages": ["a", "b", "c"]})
    events = poll_until(client, answered)
    assert [(e.stage, e.fraction) for e in events if isinstance(e, Progress)] == [
        ("a", 0),
        ("b", 1),
        ("c", 1),
    ]


def test_waiting_can_time_out_and_the_job_goes_on(client: EngineClient) -> None:
    job = client.request("wait_politely")
    with pytest.raises(TimeoutError):
        client.wait(job, timeout=0.2)
    client.cancel(job)
    with pytest.raises(Cancelled):
        client.wait(job, timeout=10)


# It fails in words.


def test_a_user_error_is_a_sentence(client: EngineClient) -> None:
    with pytest.raises(AvatarError, match=r"^No person was found in this photo\. Choose one that"):
        client.wait(client.request("user_error"), timeout=10)
    assert client.wait(client.request("echo", {"still": "there"})) == {"still": "there"}


def test_a_bug_keeps_its_traceback(client: EngineClient, log_file: Path) -> None:
    client.request("bug")
    failure = only_failure(client)
    assert failure.kind == "bug"
    assert failure.message == "The engine failed: ZeroDivisionError: division by zero"
    assert 'fake_methods.py", line' in failure.details
    assert "in bug" in failure.details
    assert "ZeroDivisionError" in log_file.read_text()
    with pytest.raises(EngineBug, match=r"in bug(.|\n)*ZeroDivisionError"):
        client.wait(client.request("bug"))


@pytest.mark.parametrize(
    ("method", "kind", "message"),
    [
        ("out_of_memory", "user", "There was not enough memory. Close other programs"),
        pytest.param("fill_disk", "user", "The disk is full. Free some space and try again.", marks=posix),
        ("missing_file", "bug", "The engine failed: FileNotFoundError"),
        ("leave", "bug", "The engine failed: SystemExit: 3"),
        ("unsendable", "bug", "The engine's result cannot be sent: TypeError: Object of type"),
        ("no_such_method", "bug", "The engine has no method 'no_such_method'."),
    ],
)
def test_every_other_failure_is_an_answer_too(
    client: EngineClient, method: str, kind: str, message: str
) -> None:
    client.request(method)
    failure = only_failure(client)
    assert failure.kind == kind
    assert failure.message.startswith(message)
    assert client.wait(client.request("echo", {"n": 1}), timeout=10) == {"n": 1}


def test_the_engine_survives_a_line_that_is_no_request(client: EngineClient) -> None:
    stdin = client._connection._process.stdin
    stdin.write(b'garbage\n{"jsonrpc":"2.0","id":99}\n[1]\n')
    stdin.flush()
    assert client.wait(client.request("echo", {"n": 1}), timeout=10) == {"n": 1}


# Noise.


@posix
def test_noise_lands_in_the_log_and_harms_nothing(client: EngineClient, log_file: Path) -> None:
    assert client.wait(client.request("noise"), timeout=10) == {"stdin": "", "quiet": True}
    assert client.wait(client.request("echo", {"n": 2}), timeout=10) == {"n": 2}
    log = log_file.read_bytes()
    for text in (b"a forgery", b"from a shell", b"raw bytes \xff\x00", b"from a log"):
        assert text in log


def test_the_engine_sees_nothing_of_the_parents_python(
    log_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "start.py"))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    with EngineClient.start(
        PYTHON, log_file=log_file, arguments=METHODS, extra_env={"LHM_TEST": "passed on"}
    ) as client:
        around = client.wait(client.request("surroundings"), timeout=10)
    assert around["variables"] == ["PYTHONNOUSERSITE", "PYTHONUTF8"]
    assert around["heavy"] == []
    assert around["extra"] == "passed on"
    assert not {str(HERE.parents[1]), str(HERE.parents[1] / "engine"), str(tmp_path / "elsewhere")} & set(
        around["path"]
    )


# It dies.


@posix
def test_a_crash_is_an_answer(client: EngineClient, log_file: Path) -> None:
    job, queued = client.request("abort"), client.request("echo")
    events = poll_until(client, lambda found: len(found) == 3)
    assert isinstance(events[0], Progress)
    for event, request in zip(events[1:], (job, queued), strict=True):
        assert isinstance(event, Failure)
        assert event.request_id == request
        assert event.kind == "died"
        assert event.message.startswith("The engine stopped unexpectedly (signal 6, SIGABRT). Start the job")
        assert str(log_file) in event.message
        assert "in abort" in event.details  # the Python stack of the crash
    assert not client.alive
    with pytest.raises(AvatarError, match="The engine is not running"):
        client.request("echo")
    client.restart()
    assert client.wait(client.request("echo", {"n": 1}), timeout=10) == {"n": 1}


@posix
def test_being_killed_midway_is_an_answer(client: EngineClient) -> None:
    job = client.request("wait_politely")
    poll_until(client, bool)
    os.kill(client.pid, signal.SIGKILL)
    with pytest.raises(AvatarError, match=r"\(signal 9, SIGKILL\)\. It may have run out of memory"):
        client.wait(job, timeout=10)


def test_the_last_log_lines_come_with_the_death(client: EngineClient) -> None:
    client.request("last_words")
    failure = only_failure(client)
    assert "(exit code 7)" in failure.message
    assert failure.details == "these are the last words"


@posix
def test_a_broken_line_ends_the_engine_instead_of_waiting_for_ever(client: EngineClient) -> None:
    client.request("broken_line")
    failure = only_failure(client)
    assert failure.kind == "died"
    assert "no message: not JSON: b'this is no message" in failure.message
    assert not client.alive


def test_a_message_without_meaning_ends_the_engine(tmp_path: Path, log_file: Path) -> None:
    worker = tmp_path / "odd.py"
    worker.write_text(
        'import sys\nsay = lambda text: print(text, flush=True)\n'
        'say(\'{"jsonrpc":"2.0","method":"hello","params":{"protocol":1}}\')\n'
        'sys.stdin.readline()\nsay(\'{"jsonrpc":"2.0","id":1}\')\nsys.stdin.readline()\n'
    )  # fmt: skip
    with EngineClient.start(PYTHON, log_file=log_file, worker=worker) as client:
        client.request("echo")
        assert only_failure(client).kind == "died"


@posix
def test_the_engine_dies_with_its_parent(tmp_path: Path) -> None:
    root = HERE.parents[1]
    script = tmp_path / "parent.py"
    script.write_text(
        f"""
import importlib.util, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location(
    "engine", {str(root / "engine" / "__init__.py")!r}, submodule_search_locations=[{str(root / "engine")!r}])
sys.modules["engine"] = importlib.util.module_from_spec(spec)
from engine.client import EngineClient
log_file = Path({str(tmp_path / "log")!r})
client = EngineClient.start(Path(sys.executable), log_file=log_file, arguments={METHODS!r})
client.request("wait_silently")
while not client.poll():
    time.sleep(0.01)
print(client.pid, flush=True)
time.sleep(60)
"""
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        assert not is_gone(child)
        parent.kill()
    killed = time.monotonic()
    while not is_gone(child):
        assert time.monotonic() - killed < 2
        time.sleep(0.01)


# Cancel.


def test_a_cancelled_job_ends_and_the_engine_serves_on(client: EngineClient) -> None:
    job = client.request("wait_politely")
    poll_until(client, bool)
    pid = client.pid
    client.cancel(job)
    failure = next(e for e in poll_until(client, answered) if isinstance(e, Failure))
    assert (failure.request_id, failure.kind) == (job, "cancelled")
    assert client.wait(client.request("echo", {"n": 1}), timeout=10) == {"n": 1}
    assert client.pid == pid


def test_a_job_can_be_cancelled_before_it_began(client: EngineClient) -> None:
    first = client.request("wait_politely")
    second = client.request("steps", {"count": 3, "stage": "never"})
    client.cancel(second)
    client.cancel(first)
    events = poll_until(client, lambda found: sum(isinstance(e, Failure) for e in found) == 2)
    assert "never" not in [e.stage for e in events if isinstance(e, Progress)]


def test_a_job_can_be_cancelled_from_its_progress(client: EngineClient) -> None:
    job = client.request("wait_politely")
    with pytest.raises(Cancelled):
        client.wait(job, lambda event: client.cancel(event.request_id), timeout=10)


@posix
def test_a_job_that_does_not_notice_is_cancelled_by_force(client: EngineClient) -> None:
    job, queued = client.request("sleep_in_c"), client.request("echo")
    poll_until(client, bool)
    began = time.monotonic()
    client.cancel(job)
    events = poll_until(client, lambda found: len(found) == 2)
    assert time.monotonic() - began < 2
    assert [(e.request_id, e.kind) for e in events] == [(job, "cancelled"), (queued, "died")]
    assert events[0].message.startswith("Cancelled. The engine had to be stopped")
    assert events[1].message == "The engine was stopped to cancel another job. Start this one again."
    assert not client.alive
    client.restart()
    assert client.wait(client.request("echo", {"n": 1}), timeout=10) == {"n": 1}


@posix
def test_a_process_deaf_to_the_polite_end_is_killed(tmp_path: Path, log_file: Path) -> None:
    worker = tmp_path / "deaf.py"
    worker.write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        'print(\'{"jsonrpc":"2.0","method":"hello","params":{"protocol":1}}\', flush=True)\n'
        "time.sleep(60)\n"
    )
    client = EngineClient.start(PYTHON, log_file=log_file, worker=worker, cancel_grace=0.1)
    pid = client.pid
    client.cancel(client.request("anything"))
    assert only_failure(client).kind == "cancelled"
    assert is_gone(pid)
    client.restart()
    pid = client.pid
    client.close()
    assert is_gone(pid)


def test_closing_leaves_no_process_and_answers_what_was_open(client: EngineClient) -> None:
    job, pid = client.request("wait_silently"), client.pid
    poll_until(client, bool)
    began = time.monotonic()
    client.close()
    assert time.monotonic() - began < 0.5  # it ends itself; nobody has to force it
    client.close()
    assert is_gone(pid)
    assert client.pid is None
    assert client.poll() == [Failure(job, "cancelled", "Cancelled: the engine was closed.")]
    with pytest.raises(AvatarError, match="The engine is not running"):
        client.request("echo")


# It cannot start.


def test_an_engine_of_another_version_is_refused(tmp_path: Path, log_file: Path) -> None:
    worker = tmp_path / "old.py"
    worker.write_text(
        'import sys\nprint(\'{"jsonrpc":"2.0","method":"hello","params":{"protocol":0}}\', flush=True)\n'
        "sys.stdin.read()\n"
    )
    with pytest.raises(AvatarError, match="speaks protocol 0, the add-on 1: they are of different versions"):
        EngineClient.start(PYTHON, log_file=log_file, worker=worker)


def test_a_missing_python_is_named(tmp_path: Path, log_file: Path) -> None:
    with pytest.raises(AvatarError, match=r"could not be started: .*nowhere.* \(No such file or directory\)"):
        EngineClient.start(tmp_path / "nowhere" / "python", log_file=log_file)


@posix
@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("#!/bin/sh\nexit 3\n", r"does not run the engine \(exit code 3\)"),
        ("#!/bin/sh\necho I am a shell\n", r"does not run the engine \(it sent something that is no message"),
        ("not a program", r"could not be started: .*python \(Exec format error\)"),
    ],
)
def test_a_python_that_is_none_is_named(tmp_path: Path, log_file: Path, text: str, complaint: str) -> None:
    pretender = tmp_path / "python"
    pretender.write_text(text)
    pretender.chmod(0o755)
    with pytest.raises(AvatarError, match=complaint):
        EngineClient.start(pretender, log_file=log_file)


def test_a_silent_program_is_given_up(
    tmp_path: Path, log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 0.2)
    worker = tmp_path / "silent.py"
    worker.write_text("import sys\nsys.stdin.read()\n")
    with pytest.raises(AvatarError, match="did not answer within"):
        EngineClient.start(PYTHON, log_file=log_file, worker=worker)


def test_an_unwritable_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AvatarError, match=r"The log file .* cannot be written .* Free some space"):
        EngineClient.start(PYTHON, log_file=tmp_path / "file" / "engine.log")


@posix
def test_a_full_disk_under_the_log_stops_no_job() -> None:
    with EngineClient.start(PYTHON, log_file=Path("/dev/full"), arguments=METHODS) as client:
        client.request("bug")
        assert only_failure(client).message == "The engine failed: ZeroDivisionError: division by zero"
        assert client.wait(client.request("echo", {"n": 1}), timeout=10) == {"n": 1}


def test_a_large_log_is_put_aside(tmp_path: Path, log_file: Path) -> None:
    log_file.parent.mkdir()
    log_file.write_bytes(b"old line\n" * 300_000)
    with EngineClient.start(PYTHON, log_file=log_file, arguments=METHODS):
        assert log_file.stat().st_size < 1000
    assert log_file.with_name("engine.log.old").stat().st_size == 2_700_000
