"""Which Gaussians can be drawn, and from near to far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .jit import F, exact_kernel, kernel

if TYPE_CHECKING:
    from .values import Array, Flags, Indices, Keys

# Of a depth's 64 bits the upper 44 are sorted, four digits of 11 bits: 32 bits of mantissa, under a nanometre
# at three metres. float32 would leave neighbours tied or swapped, and each such pair is seen in the image.
_DIGIT_BITS, _DIGITS, _IGNORED_BITS = 11, 4, 20
_BUCKETS = 1 << _DIGIT_BITS
_LARGEST = F(1e9)  # metres; beyond it products leave float32, and no person is that large
_SHORTEST_SQUARE = F(1e-20)  # a quaternion shorter than 1e-10 has no direction


@exact_kernel
def usable(means: Array, quats: Array, scales: Array, opacities: Array, colors: Array) -> Flags:
    """Rows whose every number is finite and whose quaternion has a length.

    Comparisons are written so that a nan fails them.

    Args:
        means: [N, 3]
        quats: [N, 4]
        scales: [N, 3]
        opacities: [N]
        colors: [N, 3]

    Returns:
        [N] bool
    """
    count = means.shape[0]
    keep = np.empty(count, np.bool_)
    for i in range(count):
        good = abs(opacities[i]) <= _LARGEST
        for c in range(3):
            good &= abs(means[i, c]) <= _LARGEST
            good &= abs(scales[i, c]) <= _LARGEST
            good &= abs(colors[i, c]) <= _LARGEST
        square = F(0)
        for c in range(4):
            good &= abs(quats[i, c]) <= _LARGEST
            square += quats[i, c] * quats[i, c]
        keep[i] = good & (square > _SHORTEST_SQUARE)
    return keep


@kernel
def near_to_far(keys: Keys) -> Indices:
    """Stable radix sort of the drawn Gaussians by depth.

    Stable, because Gaussians of equal depth must blend in the same order every time. Positive floats sort
    like their bit patterns read as integers.

    Args:
        keys: Depths seen as integers; 0 marks Gaussians that are not drawn. [N] uint64

    Returns:
        Indices of the drawn Gaussians, nearest first. [M] int32
    """
    count = keys.shape[0]
    histogram = np.zeros((_DIGITS, _BUCKETS), np.int32)
    drawn = 0
    source = np.empty(count, np.int32)
    for i in range(count):
        key = keys[i]
        if key == 0:
            continue
        source[drawn] = i
        drawn += 1
        for digit in range(_DIGITS):
            histogram[
                digit, (key >> np.uint64(_IGNORED_BITS + digit * _DIGIT_BITS)) & np.uint64(_BUCKETS - 1)
            ] += 1
    source = source[:drawn]
    target = np.empty(drawn, np.int32)
    for digit in range(_DIGITS):
        total = 0
        for bucket in range(_BUCKETS):
            size = histogram[digit, bucket]
            histogram[digit, bucket] = total
            total += size
        shift = np.uint64(_IGNORED_BITS + digit * _DIGIT_BITS)
        for k in range(drawn):
            i = source[k]
            bucket = (keys[i] >> shift) & np.uint64(_BUCKETS - 1)
            target[histogram[digit, bucket]] = i
            histogram[digit, bucket] += 1
        source, target = target, source
    return source
