"""The Gaussians' arrays, and the harmonics of their colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.avatar.sh import SH_C0, rgb_from_sh, sh_from_rgb

COUNT = 5


def arrays(**changed: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    quats = rng.normal(size=(COUNT, 4))
    values = {
        "means": rng.normal(size=(COUNT, 3)), "quats": quats / np.linalg.norm(quats, axis=1, keepdims=True),
        "scales": rng.uniform(size=(COUNT, 3)), "opacities": rng.uniform(size=COUNT),
        "sh": rng.normal(size=(COUNT, 4, 3)),
    }  # fmt: skip
    return values | changed


def test_arrays_become_contiguous_float32():
    gaussians = Gaussians(**arrays(scales=np.asfortranarray(np.ones((COUNT, 3)))))
    for name, value in arrays(scales=np.ones((COUNT, 3))).items():
        kept = getattr(gaussians, name)
        assert kept.dtype == np.float32
        assert kept.flags.c_contiguous
        np.testing.assert_array_equal(kept, value.astype(np.float32))
    assert gaussians.count == COUNT


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("means", (COUNT, 2), r"\(any, 3\)"),
        ("quats", (COUNT, 3), r"\(5, 4\)"),
        ("scales", (COUNT,), r"\(5, 3\)"),
        ("opacities", (COUNT, 1), r"\(5,\)"),
        ("sh", (COUNT, 3), r"\(5, any, 3\)"),
    ],
)
def test_a_wrong_shape_is_named(name: str, shape: tuple[int, ...], expected: str):
    got = str(shape).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=f"{name} must have shape {expected}, got {got}"):
        Gaussians(**arrays(**{name: np.zeros(shape)}))


def test_colors_come_back():
    colors = np.random.default_rng(1).uniform(size=(COUNT, 3))
    values = arrays()
    del values["sh"]
    gaussians = Gaussians.from_colors(**values, colors=colors)
    assert gaussians.sh.shape == (COUNT, 1, 3)
    np.testing.assert_allclose(gaussians.colors(), colors, atol=1e-6)


def test_only_the_constant_term_is_a_color():
    sh = np.zeros((COUNT, 4, 3))
    sh[:, 1:] = 1.0
    np.testing.assert_allclose(Gaussians(**arrays(sh=sh)).colors(), 0.5)


def test_the_constant_harmonic_is_the_one_of_the_sphere():
    """Y00 is the constant whose square integrates to one over the sphere: one over the root of 4 pi."""
    assert pytest.approx(1 / np.sqrt(4 * np.pi), abs=1e-16) == SH_C0
    assert sh_from_rgb(np.array(0.5)) == 0
    np.testing.assert_allclose(sh_from_rgb(np.array([0.5 + SH_C0, 0.5 - SH_C0])), [1, -1], atol=1e-15)
    np.testing.assert_allclose(
        rgb_from_sh(sh_from_rgb(np.linspace(0, 2, 9))), np.linspace(0, 2, 9), atol=1e-15
    )


def test_a_color_is_never_negative():
    assert rgb_from_sh(np.array(-10.0)) == 0


def test_rows_are_taken_by_index_and_mask():
    gaussians = Gaussians(**arrays())
    for index, rows in ((np.array([3, 0]), [3, 0]), (np.arange(COUNT) > 2, [3, 4])):
        taken = gaussians.take(index)
        assert taken.count == 2
        for name in arrays():
            np.testing.assert_array_equal(getattr(taken, name), getattr(gaussians, name)[rows])
