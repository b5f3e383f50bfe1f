"""Frame rates from times that were rounded when they were written."""

from __future__ import annotations

_NTSC = tuple(rate / 1.001 for rate in (24, 30, 48, 60, 120))
_ROUNDING = 1.1e-3  # "0.0333" is a thousandth away from 30 frames per second


def rate_from_seconds(seconds: float) -> float:
    """Frames per second for the time of one frame; a usual rate if one is as near as rounding explains."""
    rate = 1.0 / seconds
    usual = min((*_NTSC, float(max(1, round(rate)))), key=lambda candidate: abs(candidate - rate))
    return usual if abs(usual - rate) <= _ROUNDING * rate else rate
