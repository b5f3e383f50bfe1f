from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.motion.readers.frame_rate import rate_from_seconds
from lhm_avatars.engine.motion.readers.numbers import read_numbers

FORMATS = ["%.6f", "%.9f", "%.12f", "%.15f", "%g", "%d", "%.3e", "%.17g", "%+.5f", "%.0f", "%012.4f"]


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("scale", [1e-3, 180.0, 1e7])
def test_gives_what_float_gives(style: str, scale: float):
    values = np.random.default_rng(0).normal(0, scale, 999)
    words = [style % value for value in values]
    got = read_numbers(" \t\r\n".join(words).encode())
    assert got.tobytes() == np.array([float(word) for word in words]).tobytes()


def test_gives_what_float_gives_for_odd_spellings():
    words = ["-.5", "5.", "+3", "00012", "-0", "0", "99999999.99999999", "12345678.123", "1e-3", "9" * 30]
    for chosen in (words[:8], words):
        assert read_numbers(" ".join(chosen).encode()).tolist() == [float(word) for word in chosen]
    assert len(read_numbers(b" \n")) == 0


@pytest.mark.parametrize("text", ["1.2.3", "1-2", "-", ".", "--1", "1,5", "x", "+-1", "1 2 3- 4"])
def test_refuses_what_is_no_number(text: str):
    with pytest.raises(ValueError, match="could not convert"):
        read_numbers(text.encode())


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("0.0333333", 30), ("0.0333", 30), ("0.0083333", 120), ("0.01", 100), ("0.0416667", 24), ("0.04", 25),
        ("0.03336667", 30 / 1.001), ("0.04170833", 24 / 1.001), ("0.016683", 60 / 1.001), ("1", 1),
        ("0.096", 1 / 0.096),
    ],
)  # fmt: skip
def test_finds_the_rate_that_was_rounded(written: str, rate: float):
    assert rate_from_seconds(float(written)) == pytest.approx(rate, rel=1e-12)
