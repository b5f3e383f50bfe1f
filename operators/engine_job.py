"""An engine process at work on one or several requests, one after another, for one button."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import bpy

from ..engine.avatar.errors import AvatarError
from ..engine.client import EngineClient, value_of
from ..engine.environment import engine_variables
from ..engine.protocol import Failure, Progress, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .jobs import Job

Outcome = TypeVar("Outcome")

LOG_FILE = "engine.log"
_NAP_SECONDS = 0.05


@dataclass(frozen=True)
class Step:
    """One request to the engine.

    Attributes:
        method: Of the engine's table.
        params: As the method wants them.
        share: How much of the whole job it is, in any unit.
    """

    method: str
    params: dict[str, Any]
    share: float = 1.0


class EngineJob(Generic[Outcome]):
    """A process of its own, not the one that renders; made by `start_engine`.

    A render need not wait for it, stopping it by force harms nothing else, and its memory is free again
    afterwards. Where annotations are evaluated, ``"EngineJob[...]"`` must be quoted: ``typing`` keeps what is
    subscripted until the end, and Blender as a Python module then never ends.

    Attributes:
        progress: What it does now, over all steps.
        folder: For its files; deleted with it.
    """

    def __init__(
        self,
        client: EngineClient,
        steps: Sequence[Step],
        read: Callable[[list[dict[str, Any]]], Outcome],
        folder: Path,
        undo: ExitStack,
    ) -> None:
        self.progress = Progress(0, "", 0.0, "Starting the engine")
        self.folder = folder
        self._client, self._steps, self._read, self._undo = client, tuple(steps), read, undo
        self._answers: list[Result | Failure] = []
        self._request = self._next()

    @property
    def pid(self) -> int | None:
        """The engine's process number; None when it is gone."""
        return self._client.pid

    def poll(self) -> bool:
        """Take what the engine sent; never waits.

        Returns:
            Whether the job is over; then ask for the `result`.
        """
        for event in self._client.poll():
            if isinstance(event, Progress):
                self.progress = self._overall(event)
            elif not self._over():
                self._answers.append(event)
                if not self._over():
                    self._go_on()
        return self._over()

    def result(self) -> Outcome:
        """What came out, once `poll` said that the job is over.

        Raises:
            AvatarError: If it cannot be done, or the engine died.
            Cancelled: If the job was cancelled.
            EngineBug: If the engine failed in any other way.
        """
        if not self._over():
            raise ValueError("result() must be called after poll() returned True, the job still runs")
        return self._read([value_of(answer) for answer in self._answers])

    def cancel(self) -> None:
        """Ask for the end; `poll` tells when it has come."""
        self._client.cancel(self._request)

    def close(self) -> None:
        """End the process and delete what it left on disk; harmless a second time."""
        self._undo.close()

    def _next(self) -> int:
        step = self._steps[len(self._answers)]
        return self._client.request(step.method, step.params)

    def _go_on(self) -> None:
        try:
            self._request = self._next()
        except AvatarError as error:  # the engine died between two steps; poll() must not fail
            self._answers.append(Failure(self._request, "user", str(error)))

    def _over(self) -> bool:
        failed = bool(self._answers) and not isinstance(self._answers[-1], Result)
        return failed or len(self._answers) == len(self._steps)

    def _overall(self, event: Progress) -> Progress:
        shares = [step.share for step in self._steps]
        done = len(self._answers)
        before, now = sum(shares[:done]), shares[done] if done < len(shares) else 0.0
        fraction = (before + now * event.fraction) / (sum(shares) or 1.0)
        return Progress(event.request_id, event.stage, min(fraction, 1.0), event.message)


def start_engine(
    python: Path,
    root: Path,
    steps: Callable[[Path], Sequence[Step]],
    read: Callable[[list[dict[str, Any]]], Outcome],
) -> EngineJob[Outcome]:
    """Have an engine begin.

    Args:
        python: The interpreter of the engine's environment.
        root: Where engines are installed; the log goes there.
        steps: Makes the requests, given a new folder for the job's files.
        read: Makes the outcome of the answers, one a step.

    Raises:
        AvatarError: If the engine cannot start.
    """
    with ExitStack() as undo:
        folder = work_folder()
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        client = EngineClient.start(python, log_file=root / LOG_FILE, extra_env=engine_variables(root))
        undo.callback(client.close)
        return EngineJob(client, steps(folder), read, folder, undo.pop_all())


def wait(job: Job, on_progress: Callable[[Progress], None] | None = None) -> Any:
    """Wait until a job is over.

    Args:
        job: As `start_engine` gives it; close it afterwards.
        on_progress: Told now and then.

    Raises:
        AvatarError: As ``job.result()``.
    """
    while not job.poll():
        if on_progress is not None:
            on_progress(job.progress)
        time.sleep(_NAP_SECONDS)
    return job.result()


def work_folder() -> Path:
    """A new folder for a job, where the user wants temporary files.

    Raises:
        AvatarError: If it cannot be made.
    """
    try:
        return Path(tempfile.mkdtemp(prefix="lhm-avatars-", dir=bpy.app.tempdir or None))
    except OSError as error:
        raise AvatarError(
            f"The folder for temporary files cannot be written ({error.strerror}). Free some space, or "
            "choose another one in Preferences > File Paths > Temporary Files."
        ) from error
