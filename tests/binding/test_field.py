"""The diffused weights: exact on the body, harmonic in the air, and never from one limb to another."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, MIRRORED_JOINTS, joint_index
from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_means
from lhm_avatars.engine.binding.field import surface_weights, weight_field
from lhm_avatars.engine.binding.surface import Surface, body_surface, point_surface

from .garments import legs_out

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.body import Body
    from lhm_avatars.engine.binding.field import WeightField

COUNT = 6000


def columns(*beginnings: str) -> list[int]:
    """Joints whose names begin so."""
    return [index for index, name in enumerate(JOINT_NAMES) if name.startswith(beginnings)]


LEFT_LEG, RIGHT_LEG = (
    columns(f"{side}_hip", f"{side}_knee", f"{side}_ankle", f"{side}_foot") for side in ("left", "right")
)
LEFT_HAND = columns("left_wrist", "left_index", "left_middle", "left_pinky", "left_ring", "left_thumb")


def samples(surface: Surface, faces: Any, rng: np.random.Generator) -> tuple[Any, Any, Any, Any]:
    """Places spread by area over faces: face, barycentric weights, place and normal."""
    corners = surface.points[faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    face = rng.choice(len(faces), COUNT, p=area / area.sum())
    u = rng.dirichlet([1, 1, 1], COUNT)
    normals = cross[face] / area[face, None]
    return faces[face], u, np.einsum("nk,nkc->nc", u, corners[face]), normals


@pytest.mark.parametrize("off", [0.0, 0.001, -0.001])
def test_on_the_body_they_are_the_barycentric_ones(surface, field, vertex_weights, off) -> None:
    skin = surface.faces[~surface.inlaid[surface.faces[:, 0]]]
    corners, u, places, normals = samples(surface, skin, np.random.default_rng(0))
    expected = np.einsum("nk,nkj->nj", u, vertex_weights[corners])
    error = np.abs(field.weights(places + off * normals) - expected).max(axis=1)
    # Fingers, lips and lids touch: a millimetre out of the one is in the other.
    assert (error > 0.02).mean() < (0.0005 if off == 0 else 0.006)
    assert np.median(error) < 1e-5


def test_the_eyes_are_found_under_their_lids(surface, field, vertex_weights) -> None:
    eyes = surface.faces[
        (vertex_weights[surface.faces][:, :, columns("left_eye", "right_eye")] > 0.9).any(2).all(1)
    ]
    corners, u, places, _ = samples(surface, eyes, np.random.default_rng(1))
    expected = np.einsum("nk,nkj->nj", u, vertex_weights[corners])
    error = np.abs(field.weights(places) - expected).max(axis=1)
    # The rest lies so deep in the head that the lids' inner side is as near.
    assert (error > 0.02).mean() < 0.05


def test_nearest_places_are_those_of_all_faces(surface, field) -> None:
    rng = np.random.default_rng(2)
    skin = surface.faces[~surface.inlaid[surface.faces[:, 0]]]
    _, _, places, normals = samples(surface, skin, rng)
    places = (places + rng.uniform(-0.015, 0.015, (COUNT, 1)) * normals)[:150]
    expected = [closest(place, surface.points[surface.faces].astype(np.float64)) for place in places]
    off = field.weights_and_distance(places)[1] - expected
    assert off.min() > -1e-6
    assert (off < 1e-5).mean() > 0.97
    assert off.max() < 0.003


def closest(place: Any, corners: Any) -> float:
    """Distance to the nearest of all triangles: on the plane if that lies inside, else on an edge."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-30
    height = ((place - a) * normal).sum(axis=1)
    foot = place - height[:, None] * normal
    inside = np.all(
        [(np.cross(q - p, foot - p) * normal).sum(axis=1) >= 0 for p, q in ((a, b), (b, c), (c, a))], axis=0
    )
    best = np.abs(height[inside]).min(initial=np.inf)
    for p, q in ((a, b), (b, c), (c, a)):
        t = ((place - p) * (q - p)).sum(axis=1) / np.maximum(((q - p) ** 2).sum(axis=1), 1e-30)
        best = min(best, np.linalg.norm(p + t.clip(0, 1)[:, None] * (q - p) - place, axis=1).min())
    return float(best)


def test_rows_sum_to_one_wherever_the_place(field) -> None:
    rng = np.random.default_rng(3)
    weights = field.weights(rng.uniform(-3, 3, (4000, 3)))
    assert weights.shape == (4000, JOINT_COUNT)
    assert np.abs(weights.sum(axis=1) - 1).max() < 1e-5
    assert weights.min() >= 0


def two_plates(below: str, above: str, gap: float = 0.2) -> Surface:
    """Dense square plates of points, one joint each, one above the other."""
    x, z = np.meshgrid(np.arange(-0.4, 0.4, 0.008), np.arange(-0.4, 0.4, 0.008))
    plate = np.stack([x.ravel(), np.zeros(x.size), z.ravel()], axis=1)
    both = np.concatenate([plate, plate + np.array([0, gap, 0])])
    indices = np.repeat([joint_index(below), joint_index(above)], len(plate))[:, None]
    return point_surface(both, indices, np.ones((len(indices), 1)))


def test_between_plates_of_the_trunk_they_are_harmonic() -> None:
    field = weight_field(two_plates("neck", "head"), resolution=64, iterations=600, margin=0.15)
    heights = np.array([0.05, 0.1, 0.15])
    got = field.weights(np.stack([np.zeros(3), heights, np.zeros(3)], axis=1))[:, joint_index("head")]
    # Laplace's equation between two plates: a straight line.
    np.testing.assert_allclose(got, heights / 0.2, atol=0.05)


def test_without_iterations_they_are_the_nearest_points() -> None:
    field = weight_field(two_plates("neck", "head"), resolution=64, iterations=0, margin=0.15)
    got = field.weights(np.array([[0, 0.05, 0], [0, 0.15, 0.0]]))[:, joint_index("head")]
    np.testing.assert_allclose(got, [0, 1], atol=1e-3)


def test_nothing_flows_between_limbs() -> None:
    field = weight_field(two_plates("left_hip", "right_hip"), resolution=64, iterations=600, margin=0.15)
    heights = np.linspace(0.01, 0.19, 37)
    got = field.weights(np.stack([np.zeros(37), heights, np.zeros(37)], axis=1))
    far = np.abs(heights - 0.1) > 0.01
    np.testing.assert_allclose(got[far, joint_index("right_hip")], heights[far] > 0.1, atol=0.01)


def test_between_the_legs_each_side_has_its_own(field, joints) -> None:
    knee, crotch = joints[joint_index("left_knee"), 1], joints[joint_index("left_hip"), 1] - 0.2
    rng = np.random.default_rng(4)
    places = np.stack(
        [
            rng.uniform(0.005, 0.12, 3000),
            rng.uniform(knee - 0.3, crotch, 3000),
            rng.uniform(-0.1, 0.15, 3000),
        ],
        axis=1,
    )
    weights = field.weights(places)
    assert weights[:, RIGHT_LEG].sum(axis=1).max() < 0.1
    assert weights[:, LEFT_LEG].sum(axis=1).min() > 0.8


def test_a_hand_beside_the_thigh_leaves_it_alone(body: Body, joints, vertex_weights) -> None:
    pose = legs_out(0, arms_down=88)
    pose[joint_index("left_elbow"), 1] = -0.25
    moved = forward_kinematics(joints, pose)
    vertices = skin_means(body.shaped(np.zeros(10)), moved, body.joint_indices, body.joint_weights)
    hand = vertices[vertex_weights[:, LEFT_HAND].sum(axis=1) > 0.99]
    thigh = np.flatnonzero(vertex_weights[:, LEFT_LEG].sum(axis=1) > 0.9)
    apart = np.linalg.norm(vertices[thigh][:, None] - hand[None, ::5], axis=2).min(axis=1)
    near = thigh[(apart > 0.008) & (apart < 0.06)]
    assert len(near) > 20
    outward = vertices[near] * [1, 0, 1] - moved[1, :3, :3] @ [joints[1, 0], 0, joints[1, 2]] * [1, 0, 1]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    weights = weight_field(body_surface(body, vertices)).weights(vertices[near] + 0.003 * outward)
    assert weights[:, LEFT_HAND].sum(axis=1).max() < 0.02


def test_a_mirrored_place_has_mirrored_weights(surface, field) -> None:
    skin = surface.faces[~surface.inlaid[surface.faces[:, 0]]]
    _, _, places, normals = samples(surface, skin, np.random.default_rng(5))
    places = places + 0.03 * normals
    mirrored = field.weights(places * [-1, 1, 1])[:, list(MIRRORED_JOINTS)]
    error = np.abs(mirrored - field.weights(places)).max(axis=1)
    assert np.percentile(error, 95) < 0.02


def test_beside_the_neck_they_change_smoothly(surface, field, joints) -> None:
    # From the jaw down to the shoulder, through the air where hair hangs.
    start, end = (
        joints[joint_index("head")] + [0.1, 0.02, 0],
        joints[joint_index("left_shoulder")] + [-0.05, 0.07, 0],
    )
    line = start + np.linspace(0, 1, 200)[:, None] * (end - start)
    head = columns("head", "jaw", "neck")
    diffused, nearest = (
        weights[:, head].sum(axis=1) for weights in (field.weights(line), surface_weights(surface, line))
    )
    assert np.abs(np.diff(diffused)).max() < 0.05
    assert np.abs(np.diff(nearest)).max() > 2 * np.abs(np.diff(diffused)).max()
    assert diffused[0] > 0.6
    assert diffused[-1] < 0.4


def test_wrong_input_is_named(surface: Surface, field: WeightField) -> None:
    with pytest.raises(ValueError, match=r"points must have shape \(any, 3\), got \(5,\)"):
        field.weights(np.zeros(5))
    with pytest.raises(ValueError, match="points must be finite"):
        field.weights(np.array([[0, np.nan, 0]]))
    with pytest.raises(ValueError, match="resolution must be 8 or more"):
        weight_field(surface, resolution=4)
    with pytest.raises(ValueError, match="margin above 0"):
        weight_field(surface, margin=0.0)
    with pytest.raises(ValueError, match="points must not be empty"):
        point_surface(np.zeros((0, 3)), np.zeros((0, 1)), np.zeros((0, 1)))
    with pytest.raises(ValueError, match="joint_weights must have shape"):
        point_surface(np.zeros((2, 3)), np.zeros((2, 1)), np.zeros((1, 1)))


WARM = """
import sys
sys.path.insert(0, sys.argv[1])
from raster import load_package
load_package()
from lhm_avatars.engine.binding.warm import warm_up
warm_up()
from lhm_avatars.engine.avatar.body import bundled_body
from lhm_avatars.engine.binding import diffuse, nearest
from lhm_avatars.engine.binding.field import weight_field
from lhm_avatars.engine.binding.surface import body_surface
kernels = [v for m in (diffuse, nearest) for v in vars(m).values() if hasattr(v, "nopython_signatures")]
warmed = [len(kernel.nopython_signatures) for kernel in kernels]
body = bundled_body()
weight_field(body_surface(body, body.v_template), resolution=32).weights(body.v_template)
assert warmed == [len(kernel.nopython_signatures) for kernel in kernels], warmed
sys.stdout.write(str(sum(warmed)))
"""


def test_warming_up_leaves_nothing_to_compile(root: Path) -> None:
    # In a fresh process: here, other tests have compiled them.
    done = subprocess.run([sys.executable, "-c", WARM, str(root / "bench")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 7
