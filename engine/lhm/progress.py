"""What the artist reads while an LHM model works, and about how long each stage takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..network.cost import stage_flops
from ..network.layout import live_layout

if TYPE_CHECKING:
    from ..network.plan import Plan
    from .models import LhmModel

# Multiply-adds count twice. On the CPU as measured on two cores (docs/performance.md); elsewhere what a
# usual card reaches. Only the shares of the bar follow from it.
_FLOPS_PER_SECOND = {"cpu": 2.4e11, "mps": 3e12, "cuda": 8e13}
_READ_BYTES_PER_SECOND = 1e9
_PARTS = {"head": "encoder.", "transformer": "transformer."}  # of the checkpoint, by stage
_TEXTS = {
    "sapiens": "Reading the body",
    "head": "Reading the head",
    "transformer": "Working out the person",
    "gaussians": "Making the Gaussians",
}


def stage_table(model: LhmModel, plan: Plan) -> dict[str, tuple[float, str]]:
    """All stages in order: about how many seconds each takes, and what the artist reads.

    Args:
        model: To run.
        plan: Where.
    """
    read = {"sapiens": model.sapiens.stat().st_size}
    layout = live_layout(model.config).items()
    for stage, prefix in _PARTS.items():
        slots = [slot for key, slot in layout if prefix in key]
        read[stage] = sum(torch.Size(slot.shape).numel() * slot.dtype.itemsize for slot in slots)
    network = {
        stage: flops / _FLOPS_PER_SECOND[plan.device.type] + read.get(stage, 0) / _READ_BYTES_PER_SECOND
        for stage, flops in stage_flops(model.config).items()
    }
    return {
        "prepare": (3.5, "Finding the person"),
        "fit": (0.7, "Fitting the body"),
        "crop": (0.5, "Cutting out the body and the head"),
        **{stage: (network[stage], text) for stage, text in _TEXTS.items()},
        "bind": (2.5, "Binding to the skeleton"),
    }
