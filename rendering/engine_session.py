"""The engine process that draws for us: started when first needed, used again, replaced when it died."""

from __future__ import annotations

import atexit
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..engine.avatar.errors import AvatarError
from ..engine.client import EngineClient
from ..engine.environment import engine_variables
from ..preferences import engines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG_FILE = "preview.log"
_NAP_SECONDS = 0.05  # between two looks whether the user wants no more


class EngineSession:
    """One process for jobs that are asked for one after the other, from whatever thread.

    Blender renders in a thread of its own, so a lock makes the next job wait for the present one.
    """

    def __init__(self) -> None:
        self._client: EngineClient | None = None
        self._python: Path | None = None
        self._lock = Lock()

    def call(
        self, method: str, params: dict[str, Any], cancelled: Callable[[], bool] = lambda: False
    ) -> dict[str, Any]:
        """Have the engine do a job and wait for the answer.

        Args:
            method: One of the worker's.
            params: Of the method.
            cancelled: Asked some times a second.

        Raises:
            AvatarError: If the engine is not installed, cannot start, stopped, or gave a reason.
            Cancelled: If ``cancelled`` said so.
            EngineBug: If the engine failed in any other way.
        """
        with self._lock:
            client = self._running()
            request = client.request(method, params)
            asked = False
            while True:
                asked = self._cancel_if(cancelled, client, request, asked)
                try:
                    return client.wait(request, timeout=_NAP_SECONDS)
                except TimeoutError:
                    continue

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._client.pid if self._client is not None else None

    def close(self) -> None:
        """End the process, if there is one; the next job starts another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @staticmethod
    def _cancel_if(cancelled: Callable[[], bool], client: EngineClient, request: int, asked: bool) -> bool:
        if not asked and cancelled():
            client.cancel(request)
            return True
        return asked

    def _running(self) -> EngineClient:
        there = engines()
        python = there.drawing()
        if python is None:
            raise AvatarError(
                "The engine is not installed. Install it in Edit > Preferences > Add-ons > LHM Avatars, then "
                "try again."
            )
        if self._client is None or not self._client.alive or python != self._python:
            self.close()
            self._client = EngineClient.start(
                python, log_file=there.root / LOG_FILE, extra_env=engine_variables(there.root)
            )
            self._python = python
        return self._client


shared = EngineSession()
"""The session of the whole Blender; closed when the add-on is disabled and when Blender ends."""

atexit.register(shared.close)
