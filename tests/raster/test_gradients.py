"""Gradients against float64 autograd of a second implementation, and against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lhm_avatars.bench.raster_scene import Scene, body_scene
from lhm_avatars.bench.raster_torch import rasterize_torch
from lhm_avatars.engine.raster import backward, forward
from lhm_avatars.engine.raster.autograd import rasterize_tensors

NAMES = ("means", "quats", "scales", "opacities", "colors")


def upstream(scene: Scene) -> list[np.ndarray]:
    random = np.random.default_rng(7)
    shape = (scene.height, scene.width)
    return [random.normal(size=(*shape, 3)), random.normal(size=shape), random.normal(size=shape)]


def autograd_gradients(scene: Scene, v: list[np.ndarray], **settings: float) -> dict[str, np.ndarray]:
    inputs = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in scene.gaussians()]
    camera = [torch.tensor(array, dtype=torch.float64) for array in (scene.viewmat, scene.K)]
    planes = rasterize_torch(*inputs, *camera, scene.width, scene.height, **settings)
    pairs = zip(planes, v, strict=True)
    torch.stack([(plane * torch.from_numpy(by_plane)).sum() for plane, by_plane in pairs]).sum().backward()
    return {name: tensor.grad.numpy() for name, tensor in zip(NAMES, inputs, strict=True)}


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


SCENES = {
    "body": (body_scene(3000, 160).swollen(3), {}),
    "odd sides": (body_scene(3000, 150, 101).swollen(3), {}),
    "clamp": (body_scene(3000, 160).swollen(3), {"max_alpha": 0.999}),
    "antialiased": (body_scene(3000, 160), {"antialiased": True}),
    "one pixel": (body_scene(3000, 1).swollen(20), {}),
}


@pytest.mark.parametrize("case", SCENES)
def test_all_five_gradients_agree_with_float64_autograd(case: str) -> None:
    scene, settings = SCENES[case]
    v = upstream(scene)
    _, context = forward(*scene.inputs(), **settings)
    found = backward(context, *v)
    for name, expected in autograd_gradients(scene, v, **settings).items():
        assert np.linalg.norm(expected) > 0
        assert relative(getattr(found, name), expected) <= 1e-5, name


def test_gradients_hold_where_the_slope_is_clamped() -> None:
    scene = body_scene(2000, 160, 100).swollen(4)
    viewmat = scene.viewmat.copy()
    viewmat[2, 3] = 0.3
    close = replace(scene, viewmat=viewmat)
    v = upstream(close)
    _, context = forward(*close.inputs())
    t = (close.means @ viewmat[:3, :3].T + viewmat[:3, 3])[context.order]
    margin = (0.5 + 0.15) * close.width / close.K[0, 0]
    assert (np.abs(t[:, 0] / t[:, 2]) > margin).sum() > 5
    found = backward(context, *v)
    for name, expected in autograd_gradients(close, v).items():
        assert relative(getattr(found, name), expected) <= 1e-5, name


def test_unit_gaussian_has_the_closed_form_gradient() -> None:
    """On the axis, loss = sum of red: by colour the sum of alpha, by opacity that over the opacity."""
    K = np.array([[100.0, 0, 16.5], [0, 100, 16.5], [0, 0, 1]])
    _, context = forward(
        [[0, 0, 2]], [[1, 0, 0, 0]], [[0.04] * 3], [0.5], [[0.8, 0, 0]], np.eye(4), K, 33, 33
    )
    v_color = np.zeros((33, 33, 3))
    v_color[..., 0] = 1
    steps = np.arange(33) - 16
    alpha = 0.5 * np.exp(-0.5 * (steps[:, None] ** 2 + steps**2) / 4.3)
    alpha[alpha < 1 / 255] = 0
    found = backward(context, v_color)
    np.testing.assert_allclose(found.colors, [[alpha.sum(), 0, 0]], rtol=1e-5)
    np.testing.assert_allclose(found.opacities, [0.8 * alpha.sum() / 0.5], rtol=1e-5)
    np.testing.assert_allclose(found.means[0, :2], 0, atol=1e-4)  # it stands in the middle
    np.testing.assert_allclose(found.quats, 0, atol=1e-4)  # it is a ball


def test_torch_function_carries_the_same_image_and_gradients() -> None:
    scene = body_scene(2000, 100, 60)
    image, context = forward(*scene.inputs())
    v = [plane.astype(np.float32) for plane in upstream(scene)]
    expected = backward(context, *v)
    tensors = [torch.tensor(array, requires_grad=True) for array in scene.gaussians()]
    camera = torch.from_numpy(scene.viewmat), torch.from_numpy(scene.K)
    color, alpha, depth = rasterize_tensors(*tensors, *camera, scene.width, scene.height)
    np.testing.assert_array_equal(color.detach(), image.color)
    np.testing.assert_array_equal(alpha.detach(), image.alpha)
    np.testing.assert_array_equal(depth.detach(), image.depth)
    torch.autograd.backward([color, alpha, depth], [torch.from_numpy(plane) for plane in v])
    for name, tensor in zip(NAMES, tensors, strict=True):
        np.testing.assert_array_equal(tensor.grad, getattr(expected, name))


def test_torch_function_fits_colors() -> None:
    """A loss that touches one output only, through an optimizer: nothing is lost on the way."""
    scene = body_scene(500, 64).swollen(3)
    colors = torch.zeros(500, 3, requires_grad=True)
    fixed = [torch.from_numpy(array) for array in (*scene.gaussians()[:4], scene.viewmat, scene.K)]
    target, _, _ = rasterize_tensors(*fixed[:4], torch.from_numpy(scene.colors), *fixed[4:], 64, 64)
    optimizer, losses = torch.optim.Adam([colors], lr=0.05), []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (rasterize_tensors(*fixed[:4], colors, *fixed[4:], 64, 64)[0] - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 100


def test_torch_function_refuses_float64() -> None:
    scene = body_scene(5, 16)
    tensors = [torch.from_numpy(array) for array in (*scene.gaussians(), scene.viewmat, scene.K)]
    with pytest.raises(ValueError, match=r"scales must be float32 on the CPU, got torch\.float64 on cpu"):
        rasterize_tensors(*tensors[:2], tensors[2].double(), *tensors[3:], 16, 16)
