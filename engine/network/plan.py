"""How a run uses memory, and what it gives up step by step when memory ends."""

from __future__ import annotations

import gc
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import torch

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable

    Result = TypeVar("Result")

log = logging.getLogger(__name__)

_FIRST_ROWS, _FEWEST_ROWS = 8192, 512
# torch's words where the CPU or Apple's GPU has no memory left: it has no error type for them.
_NO_MEMORY = ("DefaultCPUAllocator", "not enough memory", "MPS backend out of memory")


@dataclass(frozen=True)
class Plan:
    """How to run the network.

    Args:
        device: Where.
        dtype: Of the large weights and of what goes into them; tokens between them are float32.
        resident: Whether all parts stay on the device for the next photo.
        stream_layers: Whether the transformer's layers are loaded one by one.
        rows: Tokens at a time in attention and feed-forward; all by default.
    """

    device: torch.device
    dtype: torch.dtype
    resident: bool = False
    stream_layers: bool = False
    rows: int | None = None

    def lighter(self) -> tuple[Plan, str] | None:
        """The next plan that needs less memory and what to tell about it; none if this is the last."""
        if self.resident:
            return replace(self, resident=False), "the network's parts were loaded one after another"
        if not self.stream_layers:
            return replace(self, stream_layers=True), "the transformer's layers were loaded one by one"
        rows = _FIRST_ROWS if self.rows is None else self.rows // 4
        if rows < _FEWEST_ROWS:
            return None
        return replace(self, rows=rows), f"tokens were worked on {rows} at a time"


def out_of_memory(error: Exception) -> bool:
    """Whether a device or the computer has no memory left."""
    # torch.OutOfMemoryError is the same, but only from 2.5 on.
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def with_less_memory(plan: Plan, job: Callable[[Plan], Result], model: str) -> tuple[Result, Plan, list[str]]:
    """Do something, with less and less memory until it succeeds.

    Args:
        plan: To begin with.
        job: What to do; it may be called again.
        model: Its name, for the user.

    Returns:
        The job's answer, the plan that worked, and what had to be done.

    Raises:
        AvatarError: If the last plan needs too much, too.
    """
    steps: list[str] = []
    while True:
        try:
            return job(plan), plan, steps
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            step = plan.lighter()
            if step is None:
                raise AvatarError(
                    f"{model} needs more memory than {plan.device.type.upper()} has free. "
                    "Close other programs, or choose a smaller model."
                ) from error
        # Outside the handler, which holds on to the tensors of the failed attempt.
        plan, told = step
        steps.append(told)
        log.warning("out of memory: %s", told)
        release(plan.device)


def release(device: torch.device) -> None:
    """Give freed memory back to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
