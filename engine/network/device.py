"""Which device there is, and which models fit it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ..avatar.errors import AvatarError
from .cost import SAPIENS_BYTES, cost

if TYPE_CHECKING:
    from pathlib import Path

    from .config import LhmConfig

AUTOMATIC = "auto"
_TRIAL_SIDE = {"cuda": 8192, "mps": 2048, "cpu": 2048}
_TRIALS = 4
_SHARE = {"cuda": 0.45, "mps": 0.35, "cpu": 0.7}  # of the matrix peak that the transformer reaches
_GIGABYTE = 1e9


@dataclass(frozen=True)
class Machine:
    """What the network can run on.

    Args:
        device: Where it would run.
        name: For the user.
        dtype: Of the large weights there.
        device_bytes: Memory of the device that is free; that of the computer where it has none of its own.
        ram_bytes: Free memory of the computer; none where the system does not tell.
        disk_bytes: Free where models are kept.
    """

    device: torch.device
    name: str
    dtype: torch.dtype
    device_bytes: int | None
    ram_bytes: int | None
    disk_bytes: int


@dataclass(frozen=True)
class Preflight:
    """Whether a model can run, told before its download.

    Args:
        model: Its name.
        fits: Whether it can run at all.
        problems: Sentences for the user; empty where nothing is short.
        download_bytes: Checkpoint and Sapiens.
        needed_bytes: Memory of the device.
        seconds: About how long one photo takes; none where the device was not measured.
    """

    model: str
    fits: bool
    problems: tuple[str, ...]
    download_bytes: int
    needed_bytes: int
    seconds: float | None


def choose_device(wish: str = AUTOMATIC) -> torch.device:
    """The device to use. AMD's GPUs answer to the name cuda, too.

    Args:
        wish: ``auto``, ``cuda``, ``mps`` or ``cpu``.

    Raises:
        AvatarError: If the device that was asked for is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wish == AUTOMATIC:
        return torch.device(next(kind for kind, found in there.items() if found))
    if wish not in there:
        raise ValueError(f"device must be {AUTOMATIC}, {', '.join(there)}, got {wish!r}")
    if not there[wish]:
        raise AvatarError(
            f"The engine finds no {wish.upper()} device. Update the graphics driver, or choose another "
            "device in the preferences."
        )
    return torch.device(wish)


def best_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it, which is twice as fast; elsewhere it is slower than float32.

    Asked of the hardware and not measured: equal photos shall give equal avatars, however busy the machine.
    """
    if device.type == "cuda":
        computes = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        # torch has no public question for it.
        computes = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        computes = False
    return torch.bfloat16 if computes else torch.float32


def inspect_machine(folder: Path, wish: str = AUTOMATIC) -> Machine:
    """Look at device, memory and disk.

    Args:
        folder: Where models are kept; it must exist.
        wish: As for ``choose_device``.
    """
    device = choose_device(wish)
    ram = free_ram()
    if device.type == "cuda":
        name, free = torch.cuda.get_device_name(device), torch.cuda.mem_get_info(device)[0]
    else:
        name, free = ("Apple GPU" if device.type == "mps" else f"CPU, {os.cpu_count()} cores"), ram
    return Machine(device, name, best_dtype(device), free, ram, shutil.disk_usage(folder).free)


def free_ram() -> int | None:
    """Bytes that programs could still take, where the system tells."""
    if sys.platform == "linux":
        with open("/proc/meminfo", encoding="ascii") as lines:  # noqa: PTH123, a file of the kernel
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    return None


def preflight(
    config: LhmConfig, machine: Machine, *, on_disk: bool = False, rate: float | None = None
) -> Preflight:
    """Whether a model fits a machine, and how long it would take.

    Args:
        config: The model.
        machine: From ``inspect_machine``.
        on_disk: Whether it is downloaded already.
        rate: Matrix arithmetic per second, from ``matrix_rate``.
    """
    needs = cost(config, machine.dtype)
    download = needs.download_bytes + SAPIENS_BYTES
    problems = []
    if not on_disk and download > machine.disk_bytes:
        problems.append(_short("disk", download, machine.disk_bytes))
    if machine.device_bytes is not None and needs.device_bytes > machine.device_bytes:
        where = "memory" if machine.device.type == "cpu" else f"memory of the {machine.name}"
        problems.append(_short(where, needs.device_bytes, machine.device_bytes))
    # Sapiens is read as a whole, in float32, before it goes to the device.
    if machine.device.type == "cuda" and machine.ram_bytes is not None and machine.ram_bytes < SAPIENS_BYTES:
        problems.append(_short("memory", SAPIENS_BYTES, machine.ram_bytes))
    seconds = None if rate is None else needs.total_flops / (rate * _SHARE[machine.device.type])
    return Preflight(config.name, not problems, tuple(problems), download, needs.device_bytes, seconds)


def _short(what: str, needed: int, free: int) -> str:
    return f"It needs {needed / _GIGABYTE:.1f} GB of {what}, {free / _GIGABYTE:.1f} GB are free."


def matrix_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Multiply and add operations per second of one large matrix product; takes a fraction of a second."""
    side = _TRIAL_SIDE[device.type]
    a = torch.randn(side, side, device=device, dtype=dtype)
    best = 0.0
    for _ in range(_TRIALS):
        synchronize(device)
        began = time.perf_counter()
        torch.mm(a, a)
        synchronize(device)
        best = max(best, 2 * side**3 / (time.perf_counter() - began))
    return best


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
