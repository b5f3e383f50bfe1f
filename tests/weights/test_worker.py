"""The engine process downloads, is cancelled, is killed, and a new one goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.client import EngineClient
from lhm_avatars.engine.protocol import Cancelled, Progress

from .conftest import WEIGHTS

if TYPE_CHECKING:
    from .hub_server import HubServer

METHODS = Path(__file__).with_name("tiny_methods.py")


def engine(folder: Path) -> EngineClient:
    arguments = ("--methods", str(METHODS))
    environment = {"HF_HOME": os.environ["HF_HOME"]}
    return EngineClient.start(
        Path(sys.executable), log_file=folder / "engine.log", arguments=arguments, extra_env=environment
    )


def wanted(models: Path, hub: HubServer, **changes: Any) -> dict[str, Any]:
    return {
        "asset": "tiny",
        "root": str(models),
        "online": True,
        "endpoint": hub.endpoint,
        "token": None,
    } | changes


def until_bytes_flow(client: EngineClient, request: int, fraction: float) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for event in client.poll():
            assert isinstance(event, Progress), event
            if event.request_id == request and event.fraction > fraction:
                return
        time.sleep(0.01)
    pytest.fail("no bytes came")


def test_a_killed_engine_is_followed_by_one_that_goes_on(
    models: Path, hub: HubServer, tmp_path: Path
) -> None:
    hub.faults.trickle = 0.15
    with engine(tmp_path) as client:
        until_bytes_flow(client, client.request("weights_download", wanted(models, hub)), 0.3)
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
    (part,) = models.rglob("*.part")
    have = part.stat().st_size
    assert 0.3 * len(WEIGHTS) < have < len(WEIGHTS)
    hub.faults.trickle = 0.0
    hub.seen.clear()
    with engine(tmp_path) as client:
        record = client.wait(client.request("weights_download", wanted(models, hub)), timeout=30)
        assert [one.range for one in hub.byte_requests()] == [f"bytes={have}-"]
        assert (models / "tiny" / record["files"]["model.safetensors"]["path"]).read_bytes() == WEIGHTS
        shown = client.wait(client.request("weights_status", {"root": str(models)}), timeout=10)
        assert [one["state"] for one in shown["assets"]] == ["ready"]
        freed = client.wait(
            client.request("weights_delete", {"root": str(models), "asset": "tiny"}), timeout=10
        )
        assert freed["freed"] > len(WEIGHTS)


def test_a_cancel_and_a_refusal_come_back_as_such(models: Path, hub: HubServer, tmp_path: Path) -> None:
    hub.faults.trickle = 0.1
    with engine(tmp_path) as client:
        request = client.request("weights_download", wanted(models, hub))
        until_bytes_flow(client, request, 0.1)
        client.cancel(request)
        with pytest.raises(Cancelled):
            client.wait(request, timeout=10)
        with pytest.raises(AvatarError, match="may not go online"):
            client.wait(client.request("weights_download", wanted(models, hub, online=False)), timeout=10)
        (tmp_path / "tiny.safetensors").write_bytes(WEIGHTS)
        use = {"asset": "tiny", "root": str(models), "path": str(tmp_path / "tiny.safetensors")}
        records = client.wait(client.request("weights_use", use), timeout=10)
        assert records["tiny"]["source"] == "file"
        with pytest.raises(AvatarError, match="is no archive"):
            client.wait(client.request("weights_use", use | {"asset": None}), timeout=10)
