"""Our projection, image and harmonics against gsplat's own, as far as it has them without a graphics card.

gsplat's functions in plain torch are called; there is no compiled code. Only our float32's rounding may
differ.
"""

from __future__ import annotations

import inspect
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from lhm_avatars.bench.raster_scene import Scene, body_scene, psnr
from lhm_avatars.bench.raster_torch import composite_torch
from lhm_avatars.engine.avatar.sh import colors_from_sh
from lhm_avatars.engine.raster import RasterSettings, rasterize
from lhm_avatars.engine.raster.gsplat_backend import draw_tensors
from lhm_avatars.engine.raster.project import CONIC_XX, CONIC_YY, EXTENT_X, EXTENT_Y, pack_camera, project

gsplat = pytest.importorskip("gsplat", reason="gsplat is not installed")
# Importing these starts no compiler, not even where there is one; gsplat.cuda._backend would.
theirs = pytest.importorskip("gsplat.cuda._torch_impl")

REACH = math.sqrt(2 * math.log(255))  # standard deviations at which opacity 1 falls to 1 / 255


def scattered(count: int = 20_000) -> Scene:
    """Gaussians of all shapes around a camera: behind it, across its near plane, beside the picture."""
    random = np.random.default_rng(11)
    turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
    viewmat = np.eye(4)
    viewmat[:3, :3] = turn * np.sign(np.linalg.det(turn))
    viewmat[:3, 3] = [0.2, -0.1, 0.5]
    seen = np.stack([*random.uniform(-4, 4, (2, count)), random.uniform(-1, 6, count)], axis=1)
    seen[: count // 4] *= 0.02  # a quarter of them within 12 cm
    arrays = (
        (seen - viewmat[:3, 3]) @ viewmat[:3, :3],
        random.normal(size=(count, 4)) * random.uniform(0.1, 5, (count, 1)),
        np.exp(random.uniform(np.log(1e-4), np.log(0.3), (count, 3))),
        np.ones(count),
        random.uniform(size=(count, 3)),
        viewmat,
        np.array([[140.0, 0, 78], [0, 150, 51], [0, 0, 1]]),
    )
    return Scene(*(np.ascontiguousarray(array, np.float32) for array in arrays), 150, 101)


def their_projection(scene: Scene, settings: RasterSettings, dtype: torch.dtype) -> dict[str, np.ndarray]:
    means, quats, scales, viewmat, K = (
        torch.tensor(array, dtype=dtype)
        for array in (scene.means, scene.quats, scene.scales, scene.viewmat, scene.K)
    )
    covars, _ = theirs._quat_scale_to_covar_preci(quats, scales, compute_covar=True, compute_preci=False)
    found = theirs._fully_fused_projection(
        means, covars, viewmat[None], K[None], scene.width, scene.height,
        eps2d=settings.eps2d, near_plane=settings.near, far_plane=settings.far,
    )  # fmt: skip
    names = ("radii", "means2d", "depths", "conics")
    return {name: values[0].numpy() for name, values in zip(names, found, strict=False)}


def our_projection(scene: Scene, settings: RasterSettings) -> tuple[np.ndarray, np.ndarray]:
    """Rows of every Gaussian, and which of them are drawn."""
    rows, depths = np.zeros((len(scene.means), 11), np.float32), np.empty(len(scene.means))
    camera, keep = pack_camera(scene.K, scene.width, scene.height), np.ones(len(scene.means), bool)
    project(
        *scene.gaussians()[:4], keep, scene.viewmat, camera,
        *np.float32([settings.eps2d, settings.near, settings.far]), False, rows, depths,
    )  # fmt: skip
    return rows, depths > 0


SCENES = {"scattered": scattered(), "body": body_scene(20_000, 320, 211)}
LIMITS = {
    "usual": RasterSettings(),
    "others": RasterSettings(eps2d=0.7, near=0.4, far=3.5),
}


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("name", SCENES)
def test_projection(name: str, limits: str) -> None:
    scene, settings = replace(SCENES[name], opacities=np.ones(20_000, np.float32)), LIMITS[limits]
    expected, (rows, drawn) = (
        their_projection(scene, settings, torch.float64),
        our_projection(scene, settings),
    )
    visible = (expected["radii"] > 0).all(axis=1)
    assert drawn.sum() > 400
    # They round the box up to whole pixels before they ask whether it meets the picture, we do not.
    assert not (drawn & ~visible).any()
    mean, radius = expected["means2d"], expected["radii"] - 1.01
    size = np.array([scene.width, scene.height])
    inside = ((mean + radius > 0) & (mean - radius < size)).all(axis=1)
    assert not (visible & inside & ~drawn).any()
    # Near the camera, float32 positions are off by 1e-7 m, and f / z times that on the image.
    blur = 3e-6 * np.abs(mean[drawn]).max(axis=1) + 2e-7 * scene.K[0, 0] / expected["depths"][drawn]
    assert (np.abs(rows[drawn, :2] - mean[drawn]).max(axis=1) <= blur + 1e-5).all()
    conics = expected["conics"][drawn]
    error = np.abs(rows[drawn, CONIC_XX : CONIC_YY + 1] - conics).max(axis=1)
    assert (error <= 5e-5 * np.abs(conics).max(axis=1)).all()
    assert np.median(error / np.abs(conics).max(axis=1)) < 1e-6


def test_the_boxes_hold_what_is_seen_and_not_more_than_theirs() -> None:
    scene, settings = SCENES["scattered"], RasterSettings()
    expected, (rows, drawn) = (
        their_projection(scene, settings, torch.float64),
        our_projection(scene, settings),
    )
    extents = rows[drawn][:, [EXTENT_X, EXTENT_Y]]
    covars = np.linalg.inv(expected["conics"][drawn][:, [0, 1, 1, 2]].reshape(-1, 2, 2))
    needed = REACH * np.sqrt(np.diagonal(covars, axis1=1, axis2=2))
    assert (extents >= needed * (1 - 1e-3)).all()
    assert (extents <= expected["radii"][drawn] + 0.01 + 1e-3 * needed).all()


def their_image(scene: Scene, max_alpha: float) -> dict[str, np.ndarray]:
    """Their projection, our compositor in plain torch."""
    found = {
        name: torch.from_numpy(values)
        for name, values in their_projection(scene, RasterSettings(), torch.float32).items()
    }
    # Depths in float32 tie; the order that counts is that of the exact depths.
    exact = torch.from_numpy(scene.means.astype(np.float64) @ scene.viewmat[2, :3] + scene.viewmat[2, 3])
    visible = torch.nonzero((found["radii"] > 0).all(dim=1))[:, 0]
    order = visible[torch.sort(exact[visible], stable=True).indices]
    planes = composite_torch(
        found["means2d"][order],
        found["conics"][order][:, [0, 1, 1, 2]].reshape(-1, 2, 2),
        found["depths"][order],
        torch.from_numpy(scene.opacities)[order],
        torch.from_numpy(scene.colors)[order],
        scene.width,
        scene.height,
        max_alpha,
    )
    names = ("color", "alpha", "depth")
    return {name: plane.double().numpy() for name, plane in zip(names, planes, strict=True)}


@pytest.mark.parametrize("max_alpha", [0.99, 0.999])
def test_image_from_their_projection(max_alpha: float) -> None:
    scene = body_scene(40_000, 512)
    scene = replace(scene, opacities=np.minimum(1.3 * scene.opacities, 1).astype(np.float32))  # most at 1
    expected = their_image(scene, max_alpha)
    ours, other = (
        vars(rasterize(*scene.inputs(), max_alpha=clamp)) for clamp in (max_alpha, 1.989 - max_alpha)
    )
    decibels = {name: psnr(ours[name], plane) for name, plane in expected.items()}
    worst = np.abs(ours["color"] - expected["color"]).max()
    assert min(decibels.values()) > 95, decibels
    # Where only one side finds a Gaussian just above a threshold, a pixel differs by as much.
    assert worst < 1 / 255
    assert psnr(other["color"], expected["color"]) < 70  # so the ceiling is seen by this test


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_spherical_harmonics(degree: int) -> None:
    random = np.random.default_rng(degree)
    sh = random.normal(size=(5000, (degree + 1) ** 2, 3)).astype(np.float32)
    towards = random.normal(size=(5000, 3)).astype(np.float32)
    values = theirs._spherical_harmonics(degree, torch.from_numpy(towards), torch.from_numpy(sh)).numpy()
    np.testing.assert_allclose(colors_from_sh(sh, towards), np.maximum(values + 0.5, 0), atol=2e-6)
    exact = theirs._spherical_harmonics(
        degree, *(torch.tensor(a, dtype=torch.float64) for a in (towards, sh))
    )
    found = colors_from_sh(sh.astype(np.float64), towards.astype(np.float64))
    np.testing.assert_allclose(found, np.maximum(exact.numpy() + 0.5, 0), atol=1e-13)


def test_our_call_fits_their_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    signature, taken = inspect.signature(gsplat.rasterization), {}

    def record(*positional: object, **named: object) -> tuple[torch.Tensor, torch.Tensor, dict]:
        taken.update(signature.bind(*positional, **named).arguments)
        return torch.zeros(1, 16, 16, 4), torch.zeros(1, 16, 16, 1), {}

    monkeypatch.setattr(gsplat, "rasterization", record)
    scene = body_scene(7, 16)
    tensors = [torch.from_numpy(array) for array in (*scene.gaussians(), scene.viewmat, scene.K)]
    draw_tensors(tensors[:5], *tensors[5:], 16, 16, RasterSettings(eps2d=0.5))
    assert taken["eps2d"] == 0.5
    # What we leave out must mean what we think it means.
    defaults = {name: signature.parameters[name].default for name in ("covars", "distributed", "with_ut")}
    assert defaults == {"covars": None, "distributed": False, "with_ut": False}


def test_importing_their_torch_functions_compiles_nothing() -> None:
    code = """
import sys
import gsplat.cuda._torch_impl
sys.exit("gsplat.cuda._backend" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
