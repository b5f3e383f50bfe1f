"""How fast the engine's device is, asked once after an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def measure(params: dict[str, Any], progress: Callable[[str, float, str], None]) -> dict[str, Any]:
    """Say what torch computes on, and how fast.

    Args:
        params: ``device``: auto, cuda, mps or cpu.
        progress: Told once.

    Returns:
        ``device``, ``name``, ``dtype`` (of the large weights), ``rate`` (multiply and add operations per
        second of one large matrix product), ``torch`` (version), ``memory`` (bytes of the device; the
        computer's where it has none of its own).

    Raises:
        AvatarError: If the device that was asked for is not there.
    """
    import torch

    from .hardware import memory
    from .network.device import best_dtype, choose_device, device_name, matrix_rate

    device = choose_device(params.get("device", "auto"))
    name, dtype = device_name(device), best_dtype(device)
    progress("measure", 0.0, name)
    own_memory = device.type == "cuda"
    total = torch.cuda.get_device_properties(device).total_memory if own_memory else memory()[0]
    return {
        "device": device.type,
        "name": name,
        "dtype": str(dtype).removeprefix("torch."),
        "rate": matrix_rate(device, dtype),
        "torch": torch.__version__,
        "memory": total,
    }
