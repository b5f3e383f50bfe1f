"""Shadows against the Gaussian that casts them, and against what stands in between."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.preview.frame import draw_scene
from lhm_avatars.engine.preview.lamps import rays_of
from lhm_avatars.engine.preview.values import CATCHER, Lamp, Scene
from preview.scenes import camera, joined, no_splats, parallel, splats, square, sun

LOOK = parallel(81, span=2.0)  # from above; the splats are seen, too, unless hidden from the camera


def unseen(cloud):
    return type(cloud)(**vars(cloud) | {"camera": np.zeros(len(cloud.means), bool)})


def catch(*casters, cloud, lamps, floor_z=0.0, ambient=(0.0, 0.0, 0.0)) -> np.ndarray:
    """How dark the shadow on a floor is. [H, W]"""
    scene = Scene(unseen(cloud), joined(square(floor_z, size=9, kind=CATCHER), *casters), lamps, ambient)
    image = draw_scene(scene, LOOK, ("Combined",))["Combined"]
    assert not image[..., :3].any()
    return image[..., 3]


def gaussian(sigma: float, opacity: float) -> np.ndarray:
    y, x = (np.mgrid[:81, :81] + 0.5 - 40.5) * 2.0 / 81
    return opacity * np.exp(-(x**2 + y**2) / (2 * sigma**2))


def test_the_shadow_of_a_gaussian_is_the_gaussian() -> None:
    found = catch(cloud=splats([[0, 0, 1]], scale=0.2, opacity=0.8), lamps=(sun(),))
    expected = gaussian(0.2, 0.8)
    np.testing.assert_allclose(found, np.where(expected < 1 / 255, 0, expected), atol=1e-2)


def test_a_lamp_makes_it_larger() -> None:
    lamp = Lamp(
        "POINT", np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 2.0], [0, 0, 0, 1]]), np.full(3, 100.0)
    )
    found = catch(cloud=splats([[0, 0, 1]], scale=0.1, opacity=0.8), lamps=(lamp,))
    np.testing.assert_allclose(found, gaussian(0.2, 0.8), atol=3e-2)  # twice as far from the lamp


def test_light_from_all_around_thins_it() -> None:
    found = catch(
        cloud=splats([[0, 0, 1]], scale=0.2, opacity=0.8), lamps=(sun(np.pi),), ambient=(1.0, 1.0, 1.0)
    )
    np.testing.assert_allclose(found[40, 40], 0.8 / 2, atol=1e-2)


@pytest.mark.parametrize(
    ("cloud_z", "wall_z", "shadow", "darkness"),
    [
        (1.0, 0.5, True, 1.0),  # the wall keeps the avatar's shadow for itself and casts its own
        (1.0, 0.5, False, 0.9),  # one that light goes through lets it through
        (1.0, 2.0, False, 0.9),
        (1.0, 2.0, True, 1.0),
        (-1.0, None, True, 0.0),  # below the floor
    ],
)
def test_what_stands_between(cloud_z: float, wall_z: float | None, shadow: bool, darkness: float) -> None:
    walls = () if wall_z is None else (square(wall_z, size=0.7, shadow=shadow, camera=False),)
    found = catch(*walls, cloud=splats([[0, 0, cloud_z]], scale=0.1, opacity=0.9), lamps=(sun(),))
    assert found[40, 40] == pytest.approx(darkness, abs=0.01)
    assert found[5, 5] < 1e-6


def test_the_edge_of_a_mesh_shadow_lies_where_the_sun_puts_it() -> None:
    wall = square(1.0, size=0.3, camera=False)
    found = catch(wall, cloud=no_splats(), lamps=(sun(np.pi, (1, 0, 2)),))
    column = lambda x: (x + 1) / 2 * 81  # noqa: E731
    first, end = column(-0.5 - 0.3), column(-0.5 + 0.3)  # one metre up is half a metre aside
    dark = found[40] > 0.5
    assert abs(np.flatnonzero(dark)[0] - first) < 1
    assert abs(np.flatnonzero(dark)[-1] + 1 - end) < 1
    assert found[40, int(first) + 3 : int(end) - 3].min() == pytest.approx(1)


def test_a_lit_surface_does_not_shade_itself() -> None:
    scene = Scene(no_splats(), square(size=3), (sun(np.pi, (2, 1, 1)),))
    image = draw_scene(scene, camera(64), ("Combined",))["Combined"]
    inside = image[8:56, 8:56, 0]
    np.testing.assert_allclose(inside, 1 / np.sqrt(6), rtol=1e-4)


def test_a_light_that_casts_none_casts_none() -> None:
    cloud = splats([[0, 0, 1]], scale=0.2)
    assert not catch(cloud=cloud, lamps=(sun(shadow=False),)).any()
    hidden = type(cloud)(**vars(cloud) | {"shadow": np.zeros(1, bool)})
    assert not catch(cloud=hidden, lamps=(sun(),)).any()


def test_a_large_light_is_many_points_and_softens() -> None:
    sharp = catch(cloud=splats([[0, 0, 1]], scale=0.02), lamps=(sun(),))
    soft = catch(cloud=splats([[0, 0, 1]], scale=0.02), lamps=(sun(angle=0.4),))
    assert soft.max() < 0.6 * sharp.max()
    assert soft.sum() == pytest.approx(sharp.sum(), rel=0.1)  # no light is lost


def test_the_points_of_a_light_add_up() -> None:
    matrix = np.eye(4)
    matrix[2, 3] = 2
    for kind in ("SUN", "POINT", "SPOT", "AREA"):
        size = (0.5, 0.5) if kind == "SUN" else (2.0, 1.0)
        large = rays_of(Lamp(kind, matrix, np.ones(3), size, spot=(1.0, 0.1)), np.zeros(3))
        small = rays_of(Lamp(kind, matrix, np.ones(3), (0, 0), spot=(1.0, 0.1)), np.zeros(3))
        assert len(large) > len(small) == 1
        np.testing.assert_allclose(sum(ray.power for ray in large), small[0].power)
        middle = np.mean([ray.place for ray in large], axis=0)
        assert (
            np.abs(middle / np.linalg.norm(middle) - small[0].place / np.linalg.norm(small[0].place)).max()
            < 0.1
        )
