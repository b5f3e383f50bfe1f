"""Far to near: the order in which splats are blended, and how often it can be afforded."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.avatar.arrays import Float, Int
    from .pack import Cloud

_LEVELS = 65535  # of a 16-bit key: 0.03 mm in the depth of a person
BUDGET_S = 0.008
"""Seconds that ordering may take without being put off."""

_SHARE = 3.0  # an order that is over the budget is kept for so many times what it took


def view_depths(clouds: Sequence[Cloud], shown: Sequence[bool], world_row: Float) -> Float:
    """Depth of every splat along the view; infinite for those of clouds that are not shown. [N]

    Args:
        clouds: As they are packed.
        shown: One for each cloud.
        world_row: What gives a world point's depth: three factors and a term. [4]
    """
    parts = []
    for cloud, visible in zip(clouds, shown, strict=True):
        if visible:
            row = (world_row @ np.asarray(cloud.world_from_local, np.float64)).astype(np.float32)
            parts.append(cloud.means @ row[:3] + row[3])
        else:
            parts.append(np.full(cloud.count, np.inf, np.float32))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def far_to_near(depths: Float) -> Int:
    """Numbers of the splats, farthest first, equals in their own order from the last; infinite ones left out.

    A stable sort of 16-bit keys is numpy's radix sort: ten times as fast as sorting floats.

    Args:
        depths: Along the view, any unit. [N]

    Returns:
        [M] int64
    """
    finite = np.isfinite(depths)
    chosen = None if finite.all() else np.flatnonzero(finite)
    depths = depths if chosen is None else depths[chosen]
    if not len(depths):
        return np.zeros(0, np.int64)
    nearest, farthest = float(depths.min()), float(depths.max())
    scale = np.float32(_LEVELS / max(farthest - nearest, 1e-12))
    keys = ((depths - np.float32(nearest)) * scale).astype(np.uint16)
    # From near to far, then turned round: of equal splats the first is the nearest, as in the rasterizer.
    order = np.argsort(keys, kind="stable")[::-1]
    return order if chosen is None else chosen[order]


@dataclass
class Pace:
    """Whether one view may be ordered again now.

    Ordering within the budget always may. What takes longer happens while the view moves only from time to
    time, so that most of the time is left for drawing.

    Args:
        clock: Seconds, ever growing.
    """

    clock: Callable[[], float] = time.perf_counter
    _cost: float = field(default=0.0, init=False)
    _done: float = field(default=-np.inf, init=False)

    def due_in(self) -> float:
        """Seconds until it may; 0 or less: now."""
        if self._cost <= BUDGET_S:
            return 0.0
        return self._done + _SHARE * self._cost - self.clock()

    def note(self, began: float) -> None:
        """Ordering, which began then, is done.

        Args:
            began: By the same clock.
        """
        self._done = self.clock()
        self._cost = self._done - began
