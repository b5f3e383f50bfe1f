"""The engine's own word on its device, from a process as Blender starts it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.client import EngineClient
from lhm_avatars.engine.hardware import memory

torch = pytest.importorskip("torch")


def test_the_processor_is_measured_in_the_engines_process(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with EngineClient.start(Path(sys.executable), log_file=log) as client:
        told = client.wait(client.request("measure", {"device": "cpu"}), timeout=120)
    assert (told["device"], told["torch"], told["memory"]) == ("cpu", torch.__version__, memory()[0])
    assert told["name"].startswith("CPU, ")
    assert told["dtype"] in ("float32", "bfloat16")
    assert 1e9 < told["rate"] < 1e15


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")
def test_a_device_that_is_not_there_is_the_users_to_know(tmp_path: Path) -> None:
    with EngineClient.start(Path(sys.executable), log_file=tmp_path / "log") as client:
        request = client.request("measure", {"device": "cuda"})
        with pytest.raises(AvatarError, match="The engine finds no CUDA device"):
            client.wait(request, timeout=120)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="has no CUDA device")
def test_a_cuda_device_is_measured_and_found_by_its_driver(tmp_path: Path) -> None:
    from lhm_avatars.engine.hardware import inspect_hardware

    with EngineClient.start(Path(sys.executable), log_file=tmp_path / "log") as client:
        told = client.wait(client.request("measure", {"device": "auto"}), timeout=120)
    assert told["device"] == "cuda"
    gpu = inspect_hardware(tmp_path).gpu
    assert gpu is not None
    assert told["name"] == gpu.name
    assert told["memory"] == pytest.approx(gpu.total_bytes, rel=0.03)
