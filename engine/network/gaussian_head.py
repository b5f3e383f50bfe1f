"""From a point's token to its Gaussian. The only place, with formats/ply, that knows raw values."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

FARTHEST = 1.0  # metres
UPPER_BODY_SCALE = 0.02  # metres
SCALE_SCHEDULE = (100, 0.01, 0.05, 3000)  # training step, metres, metres, training step
INFERENCE_STEP = 10_000_000
_OUTPUTS = {"colors": 3, "scales": 3, "mean_offsets": 3, "opacities": 1, "quats": 4}
_FIRST_LOG_SCALE, _FIRST_OPACITY = -5.0, 0.1


class GaussianAttributes(NamedTuple):
    """What the network says about each point, activated, in the neutral pose.

    Args:
        mean_offsets: From the query point, metres. [..., N, 3]
        quats: Unit w, x, y, z. [..., N, 4]
        scales: Standard deviations, metres. [..., N, 3]
        opacities: 0..1. [..., N]
        colors: Display-space RGB, 0..1. [..., N, 3]
    """

    mean_offsets: Tensor
    quats: Tensor
    scales: Tensor
    opacities: Tensor
    colors: Tensor


class GaussianHead(nn.Module):
    """An MLP, then one linear map per attribute.

    Args:
        width: D.
        hidden: Channels of the MLP.
        hidden_layers: Linear maps of the MLP before its last.
        farthest: Metres across which a mean may move: half of it to either side.
        upper_body_scale: Ceiling of the scales of torso and arms, metres.
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        hidden_layers: int = 2,
        farthest: float = FARTHEST,
        upper_body_scale: float = UPPER_BODY_SCALE,
    ) -> None:
        super().__init__()
        self.farthest, self.upper_body_scale = farthest, upper_body_scale
        widths = [width, *[hidden] * hidden_layers, width]
        maps = [nn.Linear(a, b) for a, b in pairwise(widths)]
        between = [module for each in maps[:-1] for module in (each, nn.SiLU())]
        self.trunk = nn.Sequential(*between, maps[-1])
        outputs = {name: nn.Linear(width, size) for name, size in _OUTPUTS.items()}
        _begin(outputs)
        self.outputs = nn.ModuleDict(outputs)

    def forward(
        self, tokens: Tensor, is_upper_body: Tensor | None = None, largest: float | None = None
    ) -> GaussianAttributes:
        """Decode tokens.

        Args:
            tokens: [..., N, D]
            is_upper_body: Points that are kept small, none by default. [N]
            largest: Ceiling of the scales, metres; that of inference by default.
        """
        features = self.trunk(tokens)
        raw = {name: output(features) for name, output in self.outputs.items()}
        scales = raw["scales"].exp().clamp(0, largest_scale() if largest is None else largest)
        if is_upper_body is not None:
            scales = torch.where(is_upper_body[:, None], scales.clamp(max=self.upper_body_scale), scales)
        return GaussianAttributes(
            mean_offsets=(raw["mean_offsets"].sigmoid() - 0.5) * self.farthest,
            quats=functional.normalize(raw["quats"], dim=-1),
            scales=scales,
            opacities=raw["opacities"].sigmoid()[..., 0],
            colors=raw["colors"].sigmoid(),
        )


def largest_scale(
    step: int = INFERENCE_STEP, schedule: tuple[float, float, float, float] = SCALE_SCHEDULE
) -> float:
    """Ceiling of the scales, metres, which training raised little by little.

    Args:
        step: Of training; inference stands far behind its end.
        schedule: First step, ceiling before it, ceiling at the end, last step.
    """
    first, low, high, last = schedule
    return low + (high - low) * min(max((step - first) / (last - first), 0.0), 1.0)


def _begin(outputs: dict[str, nn.Linear]) -> None:
    """Where training begins: small, faint, unturned, on the surface."""
    logit = math.log(_FIRST_OPACITY / (1 - _FIRST_OPACITY))
    firsts = {
        "scales": [_FIRST_LOG_SCALE] * 3,
        "opacities": [logit],
        "quats": [1.0, 0, 0, 0],
        "mean_offsets": [0.0] * 3,
    }
    with torch.no_grad():
        for name, first in firsts.items():
            outputs[name].bias.copy_(torch.tensor(first))
