"""What drivers' tools say, odd answers included; the tools are played by scripts."""

from __future__ import annotations

import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine import hardware
from lhm_avatars.engine.hardware import Gpu, inspect_hardware, memory

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="plays tools by shell scripts")
MEBIBYTE = 2**20


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No tools but the test's own, and no AMD card."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(hardware, "_NVIDIA_SMI", ())
    monkeypatch.setattr(hardware, "_AMD_DEVICE", tmp_path / "kfd")
    monkeypatch.setattr(hardware, "_AMD_CARDS", tmp_path / "drm")
    if shutil.which("nvidia-smi") or shutil.which("rocm-smi"):
        pytest.skip("this computer has the tools themselves in /usr/bin")


def tool(tmp_path: Path, name: str, body: str) -> Path:
    path = tmp_path / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def answers(tmp_path: Path, *lines: str) -> None:
    text = "".join(f"{line}\\n" for line in lines)
    tool(tmp_path, "nvidia-smi", f"printf '{text}'")


def test_an_nvidia_card_is_read(tmp_path: Path) -> None:
    answers(tmp_path, "NVIDIA GeForce RTX 3060, 12288, 11500, 550.54.15, 8.6")
    assert inspect_hardware(tmp_path).gpu == Gpu(
        "NVIDIA GeForce RTX 3060", 12288 * MEBIBYTE, 11500 * MEBIBYTE, "550.54.15", "cuda", (8, 6)
    )


def test_the_tool_is_asked_for_exactly_this(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", f'echo "$@" > {tmp_path}/asked; echo "A, 2, 1, 580.1, 9.0"')
    inspect_hardware(tmp_path)
    assert (tmp_path / "asked").read_text().split() == [
        "--query-gpu=name,memory.total,memory.free,driver_version,compute_cap",
        "--format=csv,noheader,nounits",
    ]


def test_of_several_cards_the_largest_counts(tmp_path: Path) -> None:
    answers(
        tmp_path, "Small, 4096, 4000, 580.95.05, 7.5", "Large, 24576, 20000, 580.95.05, 8.9",
        "Middle, 8192, 8000, 580.95.05, 8.6",
    )  # fmt: skip
    assert inspect_hardware(tmp_path).gpu.name == "Large"


def test_an_old_driver_does_not_know_the_generation(tmp_path: Path) -> None:
    body = (
        'case "$1" in *compute_cap*) echo "Field is not a valid field"; exit 2;; esac\n'
        "echo Tesla K80, 11441, 11000, 470.82.01"
    )
    tool(tmp_path, "nvidia-smi", body)
    gpu = inspect_hardware(tmp_path).gpu
    assert (gpu.name, gpu.driver, gpu.capability) == ("Tesla K80", "470.82.01", None)


def test_a_card_without_memory_of_its_own_has_the_computers(tmp_path: Path) -> None:
    answers(tmp_path, "NVIDIA GB10, [N/A], [N/A], 580.95.05, 12.1")
    found = inspect_hardware(tmp_path)
    assert found.gpu.total_bytes == found.ram_bytes
    assert found.gpu.free_bytes == pytest.approx(found.ram_free, rel=0.2)
    assert found.gpu.capability == (12, 1)


@pytest.mark.parametrize(
    "body",
    [
        "exit 9",
        "true",
        "echo No devices were found",
        "echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9",
        "echo 'Unable to determine the device handle, for GPU, 0000:01:00.0, GPU is lost'",
        "kill -9 $$",
        r"printf '\377\376\000'",
    ],
)
def test_a_tool_that_fails_is_no_card(tmp_path: Path, body: str) -> None:
    tool(tmp_path, "nvidia-smi", body)
    assert inspect_hardware(tmp_path).gpu is None


def test_a_tool_that_hangs_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_TOOL_SECONDS", 0.3)
    tool(tmp_path, "nvidia-smi", "exec sleep 30")
    began = time.monotonic()
    assert inspect_hardware(tmp_path).gpu is None
    assert time.monotonic() - began < 5


def test_a_tool_that_is_no_program_is_no_card(tmp_path: Path) -> None:
    tool(tmp_path, "nvidia-smi", "").write_bytes(b"\x7fELF nonsense")
    assert inspect_hardware(tmp_path).gpu is None


def test_the_usual_place_is_looked_at_beside_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(tmp_path, "Elsewhere, 2048, 1024, 580.1, 9.0")
    moved = (tmp_path / "bin" / "nvidia-smi").rename(tmp_path / "nvidia-smi")
    assert inspect_hardware(tmp_path).gpu is None
    monkeypatch.setattr(hardware, "_NVIDIA_SMI", (tmp_path / "nowhere", moved))
    assert inspect_hardware(tmp_path).gpu.name == "Elsewhere"


def amd_card(tmp_path: Path, name: str, total: int, used: int) -> None:
    device = tmp_path / "drm" / name / "device"
    device.mkdir(parents=True)
    (device / "mem_info_vram_total").write_text(f"{total}\n")
    (device / "mem_info_vram_used").write_text(f"{used}\n")
    (tmp_path / "kfd").touch()


def test_an_amd_card_is_read_from_the_kernel(tmp_path: Path) -> None:
    amd_card(tmp_path, "card0", 512 * MEBIBYTE, 500 * MEBIBYTE)  # the processor's own
    amd_card(tmp_path, "card1", 16368 * MEBIBYTE, 368 * MEBIBYTE)
    gpu = inspect_hardware(tmp_path).gpu
    assert gpu == Gpu("AMD GPU", 16368 * MEBIBYTE, 16000 * MEBIBYTE, "", "rocm")
    tool(tmp_path, "rocm-smi", "echo 'GPU[0]\t\t: Card Series: \t\tRadeon RX 7900 XTX'")
    assert inspect_hardware(tmp_path).gpu.name == "Radeon RX 7900 XTX"


def test_a_kernel_without_an_amd_card_has_none(tmp_path: Path) -> None:
    (tmp_path / "kfd").touch()
    assert inspect_hardware(tmp_path).gpu is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says")
def test_memory_disk_and_cores_are_this_computers(tmp_path: Path) -> None:
    found = inspect_hardware(tmp_path / "not" / "yet" / "there")
    assert found.ram_bytes == pytest.approx(
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), rel=1e-3
    )
    assert 0 < found.ram_free < found.ram_bytes
    assert found.disk_free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.05)
    assert found.cores == os.cpu_count()
    assert (found.system, found.machine) == (os.uname().sysname, os.uname().machine)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says")
def test_memory_that_is_not_told_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "meminfo"
    monkeypatch.setattr(hardware, "_MEMORY_FILE", file)
    assert memory() == (0, None)
    file.write_text("MemTotal:       16000 kB\nMemFree: 10 kB\n")
    assert memory() == (16000 * 1024, None)
    file.write_text("MemTotal:       16000 kB\nMemAvailable:    8000 kB\n")
    assert memory() == (16000 * 1024, 8000 * 1024)


def test_vm_stat_of_a_mac_is_understood() -> None:
    statistics = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                               10.\nPages active:                             99.\n"
        "Pages inactive:                           20.\nPages speculative:                         3.\n"
        "Pages wired down:                         50.\nPages purgeable:                           4.\n"
    )
    assert hardware._apple_free(statistics) == 37 * 16384
    assert hardware._apple_free("") is None


def test_an_apple_chip_shares_the_computers_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(hardware.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(hardware, "_ask", lambda command: "Apple M2\n" if "sysctl" in command[0] else None)
    found = inspect_hardware(tmp_path)
    assert (found.gpu.name, found.gpu.kind, found.gpu.total_bytes) == ("Apple M2", "mps", found.ram_bytes)
