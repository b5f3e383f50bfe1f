"""How the kernels are compiled, and the constants they share.

Every constant is ``np.float32``: one Python float in a kernel promotes its inner loop to float64 and
halves the speed. The fast-math flags leave not-a-number and infinity undefined, so ``order.usable`` drops
such Gaussians before any kernel sees them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numba.core import config

from .cache import kernel_folder
from .values import TILE_SIDE

if TYPE_CHECKING:
    from .values import Scalar

# Read when a kernel is declared, so it must stand before the first.
config.CACHE_DIR = str(kernel_folder())  # type: ignore[attr-defined]

F = np.float32

TILE = TILE_SIDE  # 16 float32 lanes are what the compiler turns into vectors; 8 lanes run 3 times slower
LAST_LANE = F(TILE - 1)  # distance from a tile's first to its last pixel centre
ZERO, HALF, ONE, TWO = F(0), F(0.5), F(1), F(2)
MIN_ALPHA = F(1 / 255)  # weaker contributions are not drawn
MIN_TRANSMITTANCE = F(1e-4)  # a pixel is finished before it falls below this
MIN_BLUR_RATIO = F(2.5e-5)  # floor of the determinant ratio under the antialiasing square root
SLACK = F(1e-3)  # pixels, and exponent: rounding must not cut what the compositor would draw
CLAMP_MARGIN = 0.15  # of the image side: how far outside the view the projection's slope is still followed
STOP_CHECK = 32  # every so many Gaussians a tile asks whether all its pixels are finished

_FAST_MATH = {"nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}
_OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "boundscheck": False}

# numba's plainest thread pool (the one on macOS) aborts the process when two Python threads enter it at once.
one_at_a_time = threading.Lock()

kernel: Any = numba.njit(fastmath=_FAST_MATH, **_OPTIONS)
parallel_kernel: Any = numba.njit(fastmath=_FAST_MATH, parallel=True, **_OPTIONS)
# Written into the caller before compiling. The inner loops need it: only where the compiler sees a tile's
# array being made can it prove that the planes do not overlap; else it makes no vectors (12 times slower).
inlined: Any = numba.njit(inline="always", **_OPTIONS)
exact_kernel: Any = numba.njit(**_OPTIONS)  # for code that must still recognise nan and inf

_SIXTEENTH, _EXP_LIMIT = F(1 / 16), F(6)
_E0, _E1, _E2 = F(1), F(0.9999997), F(0.4999904)
_E3, _E4, _E5 = F(0.16655643), F(0.04108993), F(0.0069187)


@kernel
def exp_negative(s: Scalar) -> Scalar:
    """exp(-s) for s in 0..6, about 2e-6 relative; beyond 6 it stays at exp(-6), which no caller draws.

    A polynomial for exp(-s / 16), squared four times: a call of the C library would stop vectorisation.
    """
    u = -min(s, _EXP_LIMIT) * _SIXTEENTH
    v = _E0 + u * (_E1 + u * (_E2 + u * (_E3 + u * (_E4 + u * _E5))))
    v = v * v
    v = v * v
    v = v * v
    return v * v
