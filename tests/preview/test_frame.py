"""Pictures against closed forms: light, edges, splats before and behind, passes."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO
from lhm_avatars.engine.preview.frame import FARTHEST, draw_scene, shortest_axes
from lhm_avatars.engine.preview.values import EMITTING, HOLDOUT, Scene
from lhm_avatars.engine.raster.reference import rasterize_reference
from preview.scenes import ball_mesh, camera, joined, meshes, no_splats, parallel, splats, square, sun

GREEN, BLUE = (0.1, 0.6, 0.2), (0.2, 0.3, 0.9)


def picture(scene: Scene, look=None, **keywords):
    return draw_scene(scene, look or camera(48), ("Combined",), **keywords)["Combined"]


def test_a_matte_floor_is_lit_by_the_cosine_and_from_all_around() -> None:
    scene = Scene(no_splats(), square(size=9, color=GREEN), (sun(2 * np.pi, (3, 0, 4)),), (0.1, 0.2, 0.3))
    expected = np.array(GREEN) * (2 * 0.8 + np.array([0.1, 0.2, 0.3]))
    image = picture(scene)
    np.testing.assert_allclose(image[..., :3], np.broadcast_to(expected, (48, 48, 3)), rtol=1e-5)
    np.testing.assert_allclose(image[..., 3], 1)


def test_both_sides_of_a_surface_are_lit_where_they_look() -> None:
    floor = square(size=9)
    turned = meshes(floor.corners[:, ::-1])
    for shown in (floor, turned):
        lit = picture(Scene(no_splats(), shown, (sun(np.pi, (0, 0, 1)),)))
        np.testing.assert_allclose(lit[..., :3], 1, rtol=1e-5)
        assert not picture(Scene(no_splats(), shown, (sun(np.pi, (0, 0, -1)),)))[..., :3].any()


def test_a_ball_shows_its_normals() -> None:
    corners = ball_mesh(1.0, rings=60)
    ball = meshes(corners)
    smooth = corners.astype(np.float32)  # of a unit ball they are its normals
    drawn = draw_scene(
        Scene(no_splats(), type(ball)(**vars(ball) | {"normals": smooth}), (sun(),)), parallel(64, span=2.5),
        ("Normal", "Depth"),
    )  # fmt: skip
    y, x = (np.mgrid[:64, :64] + 0.5 - 32) * 2.5 / 64
    inside = x**2 + y**2 < 0.8
    height = np.sqrt(1 - x**2 - y**2, where=inside, out=np.zeros_like(x))
    expected = np.stack([x, -y, height], axis=-1)
    np.testing.assert_allclose(drawn["Normal"][inside], expected[inside], atol=5e-3)
    np.testing.assert_allclose(drawn["Depth"][inside, 0], (5 - height)[inside], atol=4e-3)
    np.testing.assert_allclose(drawn["Combined"][inside, 0], height[inside], atol=5e-3)


def test_what_glows_needs_no_light_and_a_holdout_cuts_a_hole() -> None:
    scene = Scene(
        splats([[0, 0, -1]], scale=0.3),
        joined(square(1, size=0.2, kind=HOLDOUT), square(-2, size=9, color=BLUE, kind=EMITTING)),
    )
    image = picture(scene)
    np.testing.assert_allclose(image[2, 2], [*BLUE, 1], rtol=1e-6)
    assert not image[22:26, 22:26].any()
    opaque = picture(scene, background=(0.5, 0.6, 0.7))
    np.testing.assert_allclose(opaque[24, 24], [0.5, 0.6, 0.7, 1], rtol=1e-6)


def test_splats_lie_over_the_mesh_as_the_reference_says() -> None:
    rng = np.random.default_rng(0)
    cloud = splats(rng.uniform(-0.6, 0.6, (60, 3)), scale=0.08, opacity=0.7)
    cloud = type(cloud)(**vars(cloud) | {"colors": rng.uniform(0, 1, (60, 3)).astype(np.float32)})
    look = camera(48)
    wall = square(0.1, size=9, color=BLUE, kind=EMITTING)
    image = picture(Scene(cloud, wall), look)
    expected = rasterize_reference(
        cloud.means, cloud.quats, cloud.scales, cloud.opacities, cloud.colors, look.viewmat, look.K, 48, 48,
        max_depth=np.full((48, 48), 4.9),
    )  # fmt: skip
    straight = expected.color / np.maximum(expected.alpha, 1e-9)[..., None]
    light = np.where(straight <= 0.04045, straight / 12.92, ((straight + 0.055) / 1.055) ** 2.4)
    alpha = expected.alpha[..., None]
    np.testing.assert_allclose(image[..., :3], light * alpha + (1 - alpha) * BLUE, atol=2e-3)
    assert expected.alpha.max() > 0.2


@pytest.mark.parametrize("look", [camera(48), parallel(48)], ids=["perspective", "parallel"])
def test_an_edge_in_front_of_a_splat_is_even(look) -> None:
    # A large splat, white as the world behind it is black; in front of its middle the edge of a black square.
    cloud = splats([[0, 0, 0]], scale=0.5, opacity=0.9, color=(1, 1, 1))
    alone = picture(Scene(cloud, square(size=1e-9)), look)
    edge = 0.2
    front = square(1.0, size=2.0, x=2.0 + edge, color=(0, 0, 0))
    image = picture(Scene(cloud, front), look)
    column = look.K[0, 0] * edge / look.z(4.0) + look.K[0, 2]
    cut = int(column)
    inside = 2 * np.round(3 * (column - cut)) / 6  # samples of that pixel left of the edge
    np.testing.assert_allclose(image[:, :cut, 0], alone[:, :cut, 0], atol=1e-5)
    assert not image[:, cut + 1 :, 0].any()
    np.testing.assert_allclose(image[20:28, cut, 0], inside * alone[20:28, cut, 0], rtol=2e-2, atol=1e-3)


def test_a_splat_between_two_meshes_shows_at_the_edge_of_the_near_one_only_where_it_is_seen() -> None:
    # The edge of the near one is in the middle of the picture.
    near = square(1.0, size=2.0, x=2.0, color=(1, 1, 1), kind=EMITTING)
    far = square(-1.0, size=9, color=(1, 1, 1), kind=EMITTING)
    cloud = splats([[0, 0, 0]], scale=3.0, opacity=0.99, color=(0, 0, 0))
    image = picture(Scene(cloud, joined(near, far)), camera(49))  # the edge cuts the middle column
    left, middle, right = image[24, 20, 0], image[24, 24, 0], image[24, 28, 0]
    assert left == pytest.approx(0.01, abs=5e-3)
    assert right == pytest.approx(1)
    # Two of three columns of samples show the near square: those right of the edge, and the one on it.
    assert middle == pytest.approx((2 * right + left) / 3, abs=2e-3)


def test_an_empty_picture_is_the_background() -> None:
    empty = Scene(no_splats(), square(size=1e-9))
    assert not picture(empty).any()
    np.testing.assert_allclose(picture(empty, background=(1, 2, 3))[0, 0], [1, 2, 3, 1])


def test_passes_of_splats_and_meshes() -> None:
    cloud = splats([[-0.5, 0, 0], [0.5, 0, 0]], scale=0.1, opacity=0.9)
    cloud = type(cloud)(
        **vars(cloud)
        | {"owner": np.array([0, 1], np.int32), "seen": np.array([SEEN_PHOTO, SEEN_MIRRORED], np.int32)}
    )
    look = camera(64)
    drawn = draw_scene(
        Scene(cloud, square(-1, size=0.6, index=4)), look, ("Depth", "IndexOB", "Seen", "Mask0", "Mask1"),
        avatar_index=(11, 12),
    )  # fmt: skip
    x = round(0.5 * look.K[0, 0] / 5)
    left, right = (32, 32 - x), (32, 31 + x)
    for place, number, other in ((left, 0, 1), (right, 1, 0)):
        assert drawn[f"Mask{number}"][place] == pytest.approx(0.9, abs=0.04)
        assert drawn[f"Mask{other}"][place] == 0
        assert drawn["IndexOB"][place] == 11 + number
        assert drawn["Depth"][place] == pytest.approx(5, abs=1e-4)
        expected = [0.0, 0, 0]
        expected[number] = 0.9  # photo is red, mirrored green
        np.testing.assert_allclose(drawn["Seen"][place], expected, atol=0.04)
    assert drawn["IndexOB"][32, 32] == 4
    assert drawn["Depth"][32, 32] == pytest.approx(6)
    assert drawn["IndexOB"][0, 0] == 0
    assert drawn["Depth"][0, 0] == np.float32(FARTHEST)
    assert SEEN_FILLED not in cloud.seen


def test_splats_of_nobody_have_no_index() -> None:
    owners = np.arange(4, dtype=np.int32)
    cloud = splats([[x, 0, -1] for x in (-1.2, -0.4, 0.4, 1.2)], owner=owners, scale=0.1)
    look = camera(64)
    drawn = draw_scene(Scene(cloud, square(size=1e-9)), look, ("IndexOB",), avatar_index=(1, 2, 3))
    columns = [round(look.K[0, 0] * x / 6 + 32) for x in (-1.2, -0.4, 0.4, 1.2)]
    assert [drawn["IndexOB"][32, column, 0] for column in columns] == [1, 2, 3, 0]


def test_masks_of_more_than_three_avatars() -> None:
    xs = np.linspace(-0.9, 0.9, 5)
    cloud = splats(np.stack([xs, 0 * xs, 0 * xs], 1), scale=0.06, opacity=0.9)
    cloud = type(cloud)(**vars(cloud) | {"owner": np.arange(5, dtype=np.int32)})
    names = tuple(f"Mask{k}" for k in range(5))
    look = camera(64)
    drawn = draw_scene(Scene(cloud, square(size=1e-9)), look, (*names, "IndexOB"), avatar_index=range(1, 6))
    for k, name in enumerate(names):
        middle = int(xs[k] * look.K[0, 0] / 5 + 32)
        assert drawn[name][32, middle] > 0.7
        assert drawn["IndexOB"][32, middle] == k + 1
        assert sum(drawn[other][32, middle] for other in names) < 0.95


def test_flat_gaussians_face_the_camera() -> None:
    turn = np.sqrt(0.5)
    cloud = splats([[0, 0, 0]] * 2)
    flat = np.array([[0.1, 0.1, 0.01], [0.1, 0.01, 0.1]], np.float32)
    # The second is turned a quarter about x, which takes its short y axis to z.
    quats = np.array([[1, 0, 0, 0], [turn, turn, 0, 0]], np.float32)
    cloud = type(cloud)(**vars(cloud) | {"scales": flat, "quats": quats})
    for look, z in ((camera(), 1), (camera(z=-5), -1)):
        np.testing.assert_allclose(shortest_axes(cloud, look.eye()), [[0, 0, z]] * 2, atol=1e-6)
