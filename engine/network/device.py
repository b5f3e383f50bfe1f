"""Which device there is, and how fast; which models fit it says engine/preflight.py."""

from __future__ import annotations

import os
import time

import torch

from ..avatar.errors import AvatarError

AUTOMATIC = "auto"
_TRIAL_SIDE = {"cuda": 8192, "mps": 2048, "cpu": 2048}
_TRIALS = 4


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
        # torch has no public question for it, and older ones, as gsplat's wheels need them, none at all.
        questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        computes = any(getattr(torch.cpu, name, bool)() for name in questions)
    else:
        computes = False
    return torch.bfloat16 if computes else torch.float32


def device_name(device: torch.device) -> str:
    """For the user."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else f"CPU, {os.cpu_count()} cores"


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
