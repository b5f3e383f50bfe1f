"""Whether the memory suffices, asked before anything is computed, and the plan that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..avatar.errors import AvatarError
from ..hardware import memory
from ..network.cost import cost
from ..network.device import best_dtype, choose_device, device_name
from ..network.plan import Plan

if TYPE_CHECKING:
    from .models import LhmModel

_GIGABYTE = 1e9


def fitting_plan(model: LhmModel, wish: str) -> tuple[Plan, tuple[str, ...]]:
    """The fastest plan for which there is memory.

    A device that runs out of memory all the same steps down by itself; the computer's own memory does not
    say so, it ends the program.

    Args:
        model: To run.
        wish: ``auto``, ``cuda``, ``mps`` or ``cpu``.

    Returns:
        The plan, and what it gives up for want of memory.

    Raises:
        AvatarError: If no plan fits, or the device is not there.
    """
    device = choose_device(wish)
    dtype, sapiens = best_dtype(device), model.sapiens.stat().st_size
    needs, free, ram = cost(model.config, dtype, sapiens), free_bytes(device), memory()[1]
    plan = Plan(device, dtype)
    if ram is not None and sapiens > ram:
        raise _too_large(model, sapiens, "memory", ram)
    if free is None or needs.device_bytes <= free:
        return plan, ()
    if needs.streamed_bytes > free:
        where = "memory" if device.type == "cpu" else f"memory of the {device_name(device)}"
        raise _too_large(model, needs.streamed_bytes, where, free)
    return Plan(device, dtype, stream_layers=True), ("the transformer's layers were loaded one by one",)


def free_bytes(device: torch.device) -> int | None:
    """Memory that the network could take; none where the system does not tell."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory()[1]


def _too_large(model: LhmModel, needed: int, where: str, free: int) -> AvatarError:
    return AvatarError(
        f"{model.config.name} needs {needed / _GIGABYTE:.1f} GB of {where}, {free / _GIGABYTE:.1f} GB are "
        "free. Close other programs, or choose a smaller model."
    )
