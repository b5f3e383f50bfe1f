"""What this computer has: graphics card, memory, disk. Standard library only; no driver is loaded.

The tools that drivers bring are asked, each with a time limit; a tool that is missing, hangs or answers
nonsense counts as no card. torch may still see things otherwise: the engine's ``measure`` has the last word.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .processes import ask

log = logging.getLogger(__name__)

GpuKind = Literal["cuda", "rocm", "mps"]

_TOOL_SECONDS = 5.0
_MEBIBYTE = 2**20
_QUERY = "name,memory.total,memory.free,driver_version"
# Beside the search path: where Windows drivers put it, and where Windows lends it to its Linux.
_NVIDIA_SMI = (
    Path(os.environ.get("PROGRAMFILES", "C:/Program Files")) / "NVIDIA Corporation/NVSMI/nvidia-smi.exe",
    Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32/nvidia-smi.exe",
    Path("/usr/lib/wsl/lib/nvidia-smi"),
)
_AMD_DEVICE = Path("/dev/kfd")
_AMD_CARDS = Path("/sys/class/drm")
_MEMORY_FILE = Path("/proc/meminfo")


@dataclass(frozen=True)
class Gpu:
    """A graphics card that torch may compute on.

    Attributes:
        name: As its driver says.
        total_bytes: Its memory; the computer's where the card has none of its own.
        free_bytes: What no program holds at the moment.
        driver: Version of the driver, empty when unknown.
        kind: "cuda" (NVIDIA), "rocm" (AMD) or "mps" (Apple).
        capability: NVIDIA's number of the generation, as (8, 6); None when unknown.
    """

    name: str
    total_bytes: int
    free_bytes: int
    driver: str
    kind: GpuKind = "cuda"
    capability: tuple[int, int] | None = None


@dataclass(frozen=True)
class Hardware:
    """A computer.

    Attributes:
        gpu: The card with the most memory; None without one.
        ram_bytes: Memory; 0 where the system does not tell.
        ram_free: Memory that programs could still take; None where the system does not tell.
        disk_free: Bytes free where models are kept.
        cores: Logical processors.
        system: "Linux", "Windows" or "Darwin".
        machine: "x86_64", "AMD64", "arm64", ...
    """

    gpu: Gpu | None
    ram_bytes: int
    ram_free: int | None
    disk_free: int
    cores: int
    system: str
    machine: str


def inspect_hardware(folder: Path) -> Hardware:
    """Look at this computer; takes up to a second, so keep the answer.

    Args:
        folder: Where models are or will be kept.
    """
    total, free = memory()
    return Hardware(
        gpu=_nvidia(total, free) or _amd() or _apple(total, free),
        ram_bytes=total,
        ram_free=free,
        disk_free=_disk_free(folder),
        cores=os.cpu_count() or 1,
        system=platform.system(),
        machine=platform.machine(),
    )


def memory() -> tuple[int, int | None]:
    """The computer's memory and what of it is free, in bytes; (0, None) where the system does not tell."""
    try:
        if sys.platform == "win32":
            return _windows_memory()
        if sys.platform == "darwin":
            return _apple_memory()
        return _linux_memory()
    except (OSError, ValueError) as error:
        log.warning("The memory of this computer could not be read: %s", error)
        return 0, None


def _linux_memory() -> tuple[int, int | None]:
    sizes = dict(re.findall(r"^(\w+):\s+(\d+) kB", _MEMORY_FILE.read_text("ascii"), re.MULTILINE))
    available = sizes.get("MemAvailable")
    return int(sizes.get("MemTotal", 0)) * 1024, None if available is None else int(available) * 1024


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows interface."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        *((f"unused_{index}", ctypes.c_uint64) for index in range(5)),
    )


def _windows_memory() -> tuple[int, int | None]:
    status = _MemoryStatus()
    status.length = ctypes.sizeof(status)
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
    if not kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
        raise OSError("GlobalMemoryStatusEx failed")
    return int(status.total), int(status.available)


def _apple_memory() -> tuple[int, int | None]:
    total = _ask(["/usr/sbin/sysctl", "-n", "hw.memsize"])
    return int(total or 0), _apple_free(_ask(["/usr/bin/vm_stat"]) or "")


def _apple_free(statistics: str) -> int | None:
    """What vm_stat counts as free or soon free: pages nobody holds, and file caches that nobody uses now."""
    size = re.search(r"page size of (\d+) bytes", statistics)
    pages = re.findall(r"^Pages (?:free|inactive|speculative|purgeable):\s+(\d+)", statistics, re.MULTILINE)
    return sum(map(int, pages)) * int(size[1]) if size and pages else None


def _nvidia(ram_bytes: int, ram_free: int | None) -> Gpu | None:
    found = shutil.which("nvidia-smi")
    tool = Path(found) if found else next((path for path in _NVIDIA_SMI if path.is_file()), None)
    if tool is None:
        return None
    options = ["--format=csv,noheader,nounits"]
    # Drivers before 2021 do not know compute_cap and then answer nothing at all.
    answer = _ask([str(tool), f"--query-gpu={_QUERY},compute_cap", *options]) or _ask(
        [str(tool), f"--query-gpu={_QUERY}", *options]
    )
    cards = [card for line in (answer or "").splitlines() if (card := _card(line, ram_bytes, ram_free))]
    return max(cards, key=lambda card: card.total_bytes, default=None)


def _card(line: str, ram_bytes: int, ram_free: int | None) -> Gpu | None:
    """One line of nvidia-smi; None for a line that is something else.

    Cards without memory of their own (GB10, Jetson) say [N/A]: they use the computer's.
    """
    fields = [field.strip() for field in line.split(",")]
    if len(fields) < 4 or not re.fullmatch(r"\d+(\.\d+)+", fields[3]):
        return None
    name, total, free, driver = fields[:4]
    capability = re.fullmatch(r"(\d+)\.(\d+)", fields[4]) if len(fields) > 4 else None
    return Gpu(
        name,
        int(total) * _MEBIBYTE if total.isdigit() else ram_bytes,
        int(free) * _MEBIBYTE if free.isdigit() else ram_free or ram_bytes,
        driver,
        capability=(int(capability[1]), int(capability[2])) if capability else None,
    )


def _amd() -> Gpu | None:
    """AMD's card as the kernel describes it; rocm-smi only knows a nicer name."""
    if not _AMD_DEVICE.exists():
        return None
    sizes = [(size, path.parent) for path in _AMD_CARDS.glob("card*/device/mem_info_vram_total")
             if (size := _number(path))]  # fmt: skip
    total, device = max(sizes, default=(0, None), key=lambda pair: pair[0])
    if device is None:
        return None
    used = _number(device / "mem_info_vram_used") or 0
    return Gpu(_amd_name(), total, total - used, "", "rocm")


def _amd_name() -> str:
    tool = shutil.which("rocm-smi")
    answer = _ask([tool, "--showproductname"]) if tool else None
    series = re.search(r"Card [Ss]eries:\s*(.+)", answer or "")
    return series[1].strip() if series else "AMD GPU"


def _apple(ram_bytes: int, ram_free: int | None) -> Gpu | None:
    if platform.system() != "Darwin" or platform.machine() != "arm64":
        return None
    name = (_ask(["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]) or "").strip() or "Apple GPU"
    return Gpu(name, ram_bytes, ram_free or ram_bytes, platform.mac_ver()[0], "mps")


def _disk_free(folder: Path) -> int:
    """Of the disk that the folder is or will be on."""
    folder = folder.absolute()
    there = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
    return shutil.disk_usage(there).free if there else 0


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None


def _ask(command: list[str]) -> str | None:
    """What a tool prints; None when it is missing, fails or takes too long."""
    try:
        done = ask(command, _TOOL_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        log.info("%s does not answer: %s", command[0], error)
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
