"""Whether a model fits this computer and how long a photo takes, told before anything is downloaded.

Standard library only, for Blender's process: the figures of the released models stand here as numbers, and a
test holds them against engine/network/cost.py, which counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .hardware import Hardware

Device = Literal["cuda", "rocm", "mps", "cpu"]

SAPIENS_BYTES = 4_677_000_000  # 1.17e9 weights in float32
_GIGABYTE = 1e9
_BFLOAT16_FROM = (8, 0)  # NVIDIA's first generation that computes in bfloat16
_BFLOAT16_BYTES = 2
# How much of the rate of one large matrix product the whole network reaches.
_SHARE = {"cuda": 0.45, "rocm": 0.45, "mps": 0.35, "cpu": 0.5}


@dataclass(frozen=True)
class Figures:
    """What one run of a model costs.

    Attributes:
        bfloat16_bytes: Most memory of the device at a time, parts loaded one after another.
        float32_bytes: The same, weights in float32.
        flops: A multiply-add counts twice.
    """

    bfloat16_bytes: int
    float32_bytes: int
    flops: float


@dataclass(frozen=True)
class Preflight:
    """What is known before a run.

    Attributes:
        fits: Whether it can run.
        problems: Sentences for the user; empty where nothing is short.
        needed_bytes: Memory of the device.
        seconds: About how long one photo takes; None where the device was not measured.
    """

    fits: bool
    problems: tuple[str, ...]
    needed_bytes: int
    seconds: float | None


# MINI and 500M need the same: Sapiens, which is read alone, is the largest part of both.
_MINI = Figures(3_139_826_592, 5_679_653_184, 20_227_193_405_440.0)
_500M = Figures(3_139_826_592, 5_679_653_184, 62_600_514_994_176.0)
_1B = Figures(4_293_859_840, 7_987_719_680, 161_094_695_223_296.0)
FIGURES = {"lhm-mini": _MINI, "lhm-500m": _500M, "lhm-500m-hf": _500M, "lhm-1b": _1B, "lhm-1b-hf": _1B}


def preflight(
    name: str,
    hardware: Hardware,
    *,
    to_fetch: int,
    rate: float | None = None,
    dtype_bytes: int | None = None,
    device: Device | None = None,
    measured: Mapping[str, Any] | None = None,
) -> Preflight:
    """Hold an engine against a computer.

    Args:
        name: Of the engine; one without figures (lift, a model of one's own) is only short of disk.
        hardware: From ``inspect_hardware``.
        to_fetch: Bytes still to download.
        rate: Matrix arithmetic per second, as the engine's ``measure`` found it.
        dtype_bytes: Of one weight on the device; None guesses from the card.
        device: Where it shall run; None is the card when there is one.
        measured: All three as the engine's ``measure`` answered; they count where the others are None.
    """
    if measured is not None:
        rate = rate or measured["rate"]
        dtype_bytes = dtype_bytes or (_BFLOAT16_BYTES if measured["dtype"] == "bfloat16" else 4)
        # A card that torch does not see is none; AMD's answers to the name cuda.
        device = device or ("cpu" if measured["device"] == "cpu" else None)
    return judge(
        FIGURES.get(name), hardware, to_fetch=to_fetch, rate=rate, dtype_bytes=dtype_bytes, device=device
    )


def judge(
    figures: Figures | None,
    hardware: Hardware,
    *,
    to_fetch: int,
    rate: float | None = None,
    dtype_bytes: int | None = None,
    device: Device | None = None,
) -> Preflight:
    """As ``preflight``, for any figures."""
    where = device or _device(hardware)
    problems = [_short("disk", to_fetch, hardware.disk_free)] if to_fetch > hardware.disk_free else []
    if figures is None:
        return Preflight(not problems, tuple(problems), 0, None)
    half = (dtype_bytes or _dtype_bytes(hardware, where)) == _BFLOAT16_BYTES
    needed = figures.bfloat16_bytes if half else figures.float32_bytes
    problems += _memory_problems(hardware, where, needed)
    seconds = figures.flops / (rate * _SHARE[where]) if rate else None
    return Preflight(not problems, tuple(problems), needed, seconds)


def _memory_problems(hardware: Hardware, device: Device, needed: int) -> list[str]:
    own = hardware.gpu if device in ("cuda", "rocm") else None
    problems = []
    if own is not None and needed > own.free_bytes:
        problems.append(_short(f"memory of the {own.name}", needed, own.free_bytes))
    # Sapiens is read as a whole, in float32, before its weights are converted and go to the device.
    ram = SAPIENS_BYTES if own is not None else max(needed, SAPIENS_BYTES)
    if hardware.ram_free is not None and ram > hardware.ram_free:
        problems.append(_short("memory", ram, hardware.ram_free))
    return problems


def _device(hardware: Hardware) -> Device:
    return hardware.gpu.kind if hardware.gpu else "cpu"


def _dtype_bytes(hardware: Hardware, device: Device) -> int:
    """As engine/network/device.py chooses, as far as it can be told without torch."""
    if device == "rocm":
        return _BFLOAT16_BYTES
    capability = hardware.gpu.capability if hardware.gpu else None
    if device == "cuda" and (capability is None or capability >= _BFLOAT16_FROM):
        return _BFLOAT16_BYTES
    return 2 * _BFLOAT16_BYTES


def _short(what: str, needed: int, free: int) -> str:
    return f"It needs {needed / _GIGABYTE:.1f} GB of {what}, {free / _GIGABYTE:.1f} GB are free."
