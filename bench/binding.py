"""Figures of the joint weights beside the body: time to build and to read the field, and what tears a skirt.

Run with the engine's Python, from anywhere: ``python bench/binding.py [--picture FILE.png]``. The picture
shows each skirt by the nearest surface, by the field, and as loose cloth, legs 45° out and in a long stride.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from raster import load_package, say

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS = 160_000
REPEATS = 5
HEMS = {"SHORT": 0.3, "KNEE": 0.55, "NARROW": 0.55, "LONG": 1.1}
FIELD = 620.0  # pixels: focal length of the picture
SIDE = (520, 400)  # of each of its views, rows and columns


def best(job: Callable[[], object]) -> tuple[float, float]:
    """Shortest wall time and CPU time of several runs, seconds."""
    walls, cpus = [], []
    for _ in range(REPEATS):
        began, cpu = time.perf_counter(), time.process_time()
        job()
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def poses() -> dict[str, Any]:
    """Each leg 45° out, the widest step of the built-in walk, and a longer one. [55, 3] each"""
    from lhm_avatars.engine.avatar.body import JOINT_COUNT, bundled_body, joint_index
    from lhm_avatars.engine.motion.builtin.walk import walk

    out, stride = np.zeros((JOINT_COUNT, 3)), np.zeros((JOINT_COUNT, 3))
    for side, sign in (("left", 1), ("right", -1)):
        out[joint_index(f"{side}_hip"), 2] = sign * np.pi / 4
        stride[joint_index(f"{side}_hip"), 0] = -0.1 - sign * 0.6
    stride[joint_index("left_knee"), 0], stride[joint_index("right_knee"), 0] = 0.3, 0.6
    hips = [joint_index("left_hip"), joint_index("right_hip")]
    steps = walk(bundled_body().joints(np.zeros(10))).pose
    widest = steps[np.argmax(np.ptp(steps[:, hips, 0], axis=1))]
    return {"45° out": out, "walk": widest.astype(np.float64), "long stride": stride}


def report_times(surface: Any) -> Any:
    """Building for three grids, reading for four distances."""
    from lhm_avatars.engine.binding.field import weight_field

    weight_field(surface).weights(surface.points)  # compiles
    say("build, seconds wall / CPU")
    for resolution in (64, 128, 192):
        wall, cpu = best(lambda n=resolution: weight_field(surface, resolution=n))
        say(f"  {resolution:4d} steps  {wall:6.2f} /{cpu:6.2f}")
    field = weight_field(surface)
    rng = np.random.default_rng(0)
    corners = surface.points[surface.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).astype(np.float64)
    area = np.linalg.norm(cross, axis=1)
    face = rng.choice(len(area), POINTS, p=area / area.sum())
    places = np.einsum("nk,nkc->nc", rng.dirichlet([1, 1, 1], POINTS), corners[face])
    normals = cross[face] / area[face, None]
    say(f"read {POINTS // 1000}k points, seconds wall / CPU")
    for off in (0.0, 0.005, 0.02, 0.05):
        wall, cpu = best(lambda d=off: field.weights(places + d * normals))
        say(f"  {1000 * off:4.0f} mm off  {wall:6.3f} /{cpu:6.3f}")
    return field


def hung(name: str, field: Any, joints: Any) -> tuple[Any, dict[str, Any]]:
    """A skirt's points, and its weights three ways."""
    from lhm_avatars.bench import skirts
    from lhm_avatars.engine.binding.field import surface_weights
    from lhm_avatars.engine.binding.find_loose import SKIRT, LooseRegion
    from lhm_avatars.engine.binding.loose import loose_weights
    from lhm_avatars.engine.binding.looseness import looseness

    points = getattr(skirts, name).points()
    weights, distance = field.weights_and_distance(points)
    amount = looseness(points, distance, joints, LooseRegion(SKIRT, -0.11, HEMS[name], 1.0, 0.0, 0.0))
    ways = {
        "nearest": surface_weights(field.grid.surface, points),
        "diffused": weights,
        "loose": loose_weights(points, weights, amount, joints),
    }
    return points, ways


def report_tears(field: Any, joints: Any) -> None:
    """Stretch of neighbours less than 15 mm apart: of one pair in a hundred, and of the worst."""
    from lhm_avatars.engine.avatar.binding import strongest
    from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_means
    from lhm_avatars.engine.binding.tear import stretches

    say("stretch of neighbours, 99th percentile / worst")
    say(" " * 24 + "".join(f"{way:>16}" for way in ("nearest", "diffused", "loose")))
    for name in HEMS:
        points, ways = hung(name, field, joints)
        for pose_name, pose in poses().items():
            cells = []
            for weights in ways.values():
                binding = strongest(weights)
                moved = forward_kinematics(joints, pose)
                posed = skin_means(points, moved, binding.joint_indices, binding.joint_weights)
                stretched = stretches(points, posed)
                cells.append(f"{np.percentile(stretched, 99):8.2f} /{stretched.max():6.1f}")
            say(f"  {name:8}{pose_name:14}" + "".join(cells))


def picture(path: Path, field: Any, joints: Any) -> None:
    """Draw the skirts on the body."""
    from PIL import Image

    rows = []
    for name in ("KNEE", "LONG"):
        points, ways = hung(name, field, joints)
        chequers = np.floor(points[:, 1] / 0.05) + np.floor(
            np.arctan2(points[:, 2] - 0.02, points[:, 0]) / 0.26
        )
        cloth = np.where((chequers % 2 == 0)[:, None], [0.75, 0.2, 0.25], [0.9, 0.45, 0.3])
        views = [
            view(points, weights, cloth, field, joints, pose, azimuth)
            for pose, azimuth in ((poses()["45° out"], 0.0), (poses()["long stride"], 1.2))
            for weights in ways.values()
        ]
        rows.append(np.hstack(views))
    Image.fromarray((np.vstack(rows) * 255).astype(np.uint8)).save(path)


def view(
    points: Any, weights: Any, cloth: Any, field: Any, joints: Any, pose: Any, azimuth: float
) -> np.ndarray:
    """The posed body with a skirt, on light grey. [H, W, 3]"""
    from lhm_avatars.engine.avatar.axes import OPENCV_FROM_BODY
    from lhm_avatars.engine.avatar.binding import strongest
    from lhm_avatars.engine.avatar.gaussians import Gaussians
    from lhm_avatars.engine.avatar.skinning import forward_kinematics, skin_gaussians
    from lhm_avatars.engine.raster import rasterize

    skin = field.grid.surface.points
    means, skin_color = np.concatenate([skin, points]), np.tile([0.75, 0.6, 0.5], (len(skin), 1))
    scales = np.repeat([0.009, 0.0045], [len(skin), len(points)])[:, None] * np.ones(3)
    gaussians = Gaussians.from_colors(
        means,
        np.tile([1.0, 0, 0, 0], (len(means), 1)),
        scales,
        np.full(len(means), 0.95),
        np.concatenate([skin_color, cloth]),
    )
    binding = strongest(np.concatenate([field.weights(skin), weights]))
    posed = skin_gaussians(gaussians, binding, forward_kinematics(joints, pose))
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    viewmat = np.eye(4)
    viewmat[:3, :3] = OPENCV_FROM_BODY @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])
    viewmat[:3, 3] = [0, -0.45, 2.9]
    K = np.array([[FIELD, 0, SIDE[1] / 2], [0, FIELD, SIDE[0] / 2], [0, 0, 1]])
    image = rasterize(
        posed.means, posed.quats, posed.scales, posed.opacities, posed.colors(), viewmat, K, SIDE[1], SIDE[0]
    )
    return np.clip(image.color + (1 - image.alpha[..., None]) * 0.92, 0, 1)


def main() -> None:
    """Print every figure; with ``--picture`` draw, too."""
    load_package()
    from lhm_avatars.engine.avatar.body import bundled_body
    from lhm_avatars.engine.binding.surface import body_surface

    body = bundled_body()
    joints = body.joints(np.zeros(10)).astype(np.float64)
    field = report_times(body_surface(body, body.shaped(np.zeros(10))))
    report_tears(field, joints)
    if "--picture" in sys.argv:
        picture(Path(sys.argv[sys.argv.index("--picture") + 1]), field, joints)


if __name__ == "__main__":
    main()
