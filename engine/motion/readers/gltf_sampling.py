"""Keyframes of glTF at even times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.rotations import slerp
from .frame_rate import rate_from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ...avatar.arrays import Float as Array
    from .gltf_document import Document

_SLOWEST, _FASTEST = 12.0, 240.0
_USUAL = 30.0
_MOST_FRAMES = 2_000_000


def frame_times(keys: Iterable[Array], fps: float | None) -> tuple[Array, float | None]:
    """Even times that meet the keys, and their rate if there is more than one.

    Args:
        keys: Times of each channel, seconds.
        fps: The rate to take; by default that of the channel with most keys. A few hand-set keys have none,
            and 30 is taken.

    Raises:
        ValueError: If the keys last too long.
    """
    every = [times for times in keys if len(times)]
    first, last = min(times[0] for times in every), max(times[-1] for times in every)
    steps = np.diff(max(every, key=len))
    step = float(np.median(steps)) if len(steps) else 0.0
    rate = fps or (rate_from_seconds(step) if step > 0 else _USUAL)
    if fps is None and not _SLOWEST <= rate <= _FASTEST:
        rate = _USUAL
    count = round((last - first) * rate) + 1
    if count > _MOST_FRAMES:
        raise ValueError(f"{count} frames")
    return first + np.arange(count) / rate, rate if count > 1 else fps


def sampled(document: Document, sampler: dict[str, Any], times: Array, *, turns: bool = False) -> Array:
    """A channel's values at given times; before its first and after its last key it stands still.

    Args:
        document: Holds the arrays.
        sampler: ``input``, ``output`` and ``interpolation``.
        times: Seconds. [F]
        turns: Whether the values are quaternions (x, y, z, w in the file).

    Returns:
        [F, width], quaternions as w, x, y, z.
    """
    keys = document.accessor(sampler["input"])[:, 0]
    values = document.accessor(sampler["output"])
    mode = sampler.get("interpolation", "LINEAR")
    parts = 3 if mode == "CUBICSPLINE" else 1
    if not len(keys) or values.size % (len(keys) * parts) or (np.diff(keys) < 0).any():
        raise ValueError(f"{len(keys)} keys with {len(values)} values")
    values = values.reshape(len(keys), parts, -1)
    if turns:
        values = values[..., [3, 0, 1, 2]]
    if len(keys) == 1:
        result = np.repeat(values[:, parts // 2], len(times), axis=0)
        return _unit(result) if turns else result
    at = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 2)
    seconds = (keys[at + 1] - keys[at])[:, None]
    t = np.clip((times - keys[at])[:, None] / np.where(seconds > 0, seconds, 1.0), 0.0, 1.0)
    if mode == "CUBICSPLINE":
        result = _spline(values, at, t, seconds)
        return _unit(result) if turns else result
    start, end = values[at, 0], values[at + 1, 0]
    if mode == "STEP":
        result = np.where(t < 1, start, end)
        return _unit(result) if turns else result
    return slerp(_unit(start), _unit(end), t[..., 0]) if turns else start * (1 - t) + end * t


def _spline(values: Array, at: NDArray[np.intp], t: Array, seconds: Array) -> Array:
    """Cubic Hermite pieces; values are (tangent in, value, tangent out)."""
    return (
        (2 * t**3 - 3 * t**2 + 1) * values[at, 1]
        + seconds * (t**3 - 2 * t**2 + t) * values[at, 2]
        + (3 * t**2 - 2 * t**3) * values[at + 1, 1]
        + seconds * (t**3 - t**2) * values[at + 1, 0]
    )


def _unit(quats: Array) -> Array:
    length = np.linalg.norm(quats, axis=-1, keepdims=True)
    if (length == 0).any():
        raise ValueError("a rotation of length zero")
    return quats / length
