"""Hair of all lengths: guide strands that fall along head and shoulders, and the hairs between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..example.hair import on_scalp, scatter
from ..example.noise import SEED, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.avatar.arrays import Float
    from ..example.shapes import Mask, Shape, Surface

_DOWN = np.array([0.0, -1.0, 0.0])
_GUIDES = 1100
_COUNTS = {
    "buzz": 26000,
    "short": 22000,
    "medium": 24000,
    "long": 30000,
    "bun": 18000,
    "ponytail": 18000,
    "afro": 30000,
}


@dataclass(frozen=True)
class Head:
    """Where hair grows, arms half lowered.

    Args:
        skin: The fine skin.
        joint: The head's joint. [3]
        size: Against the head that the hairline was drawn for.
        body: What hair falls over.
        clothes: What it also falls over, single layers.
        rim: Height of a hat's edge against the joint, in head sizes; infinity without a hat.
        seed: Of this head.
    """

    skin: Shape
    joint: Float
    size: float
    body: Surface
    clothes: Sequence[Surface]
    rim: float
    seed: int

    def local(self, points: Float) -> Float:
        """Points in head sizes against the head's joint. [..., 3]"""
        return (points - self.joint) / self.size

    def world(self, points: Float) -> Float:
        """The way back. [..., 3]"""
        return points * self.size + self.joint

    def outside(self, points: Float, gap: Float | float) -> Float:
        """Push points out of the body, and out of clothes where they are close. [N, 3]"""
        points = self.body.outside(points, gap)
        for surface in self.clothes:
            spots, _, _, _ = surface.nearest(points)
            near = np.linalg.norm(spots - points, axis=1, keepdims=True) < 0.02
            points = np.where(near, surface.outside(points, gap), points)
        return points


def strands(head: Head, style: str) -> Float:
    """Hair of a style. [S, P, 3]

    Raises:
        ValueError: If there is no such style.
    """
    rng = np.random.default_rng([SEED, 50, head.seed])

    def wanted(points: Float) -> Mask:
        local = head.local(points)
        return on_scalp(local) & (local[:, 1] < head.rim)

    roots, normals = scatter(head.skin, wanted, _COUNTS[style], rng)
    makers: dict[str, Callable[[Head, Float, Float, np.random.Generator], Float]] = {
        "buzz": _buzz, "short": _short, "medium": _medium, "long": _long,
        "bun": _bun, "ponytail": _ponytail, "afro": _afro,
    }  # fmt: skip
    if style not in makers:
        raise ValueError(f"no hair style {style!r}; styles are {', '.join(makers)}")
    return makers[style](head, roots, normals, rng)


def _unit(ways: Float) -> Float:
    return ways / (np.linalg.norm(ways, axis=-1, keepdims=True) + 1e-9)


def _buzz(head: Head, roots: Float, normals: Float, rng: np.random.Generator) -> Float:
    t = np.linspace(0, 1, 3)[None, :, None]
    way = _unit(normals + 0.5 * _DOWN + 0.4 * rng.normal(size=roots.shape))
    return roots[:, None] + t * way[:, None] * rng.uniform(0.003, 0.007, (len(roots), 1, 1))


def _short(head: Head, roots: Float, normals: Float, rng: np.random.Generator) -> Float:
    local = head.local(roots)
    x, y, z = local.T
    top = np.clip((y - 0.085) / 0.035, 0, 1)[:, None]
    clump = np.stack(
        [noise(np.round(roots / 0.007) * 0.007, 0.02, 20 + k + head.seed) for k in range(3)], axis=1
    )
    sweep = np.array([0.7 if head.seed % 2 else -0.7, 0.5, -0.5]) + 0.45 * clump
    down = np.stack([0.25 * np.sign(x), -np.ones_like(x), -0.35 * np.ones_like(x)], axis=1) + 0.3 * clump
    comb = top * sweep + (1 - top) * down + 0.16 * rng.normal(size=roots.shape)
    comb -= (comb * normals).sum(axis=1, keepdims=True) * normals
    length = (0.016 + 0.024 * top[:, 0] + 0.018 * top[:, 0] * np.clip(z / 0.06, 0, 1)) * rng.uniform(
        0.75, 1.1, len(x)
    )
    t = np.linspace(0, 1, 6)[None, :, None]
    lift = (0.30 + 0.50 * top) * normals
    way = lift[:, None] * (t - 0.38 * t**2) + comb[:, None] * (0.25 * t + 0.5 * t**2)
    points = roots[:, None] + way * length[:, None, None]
    height = ((points - roots[:, None]) * normals[:, None]).sum(axis=-1, keepdims=True)
    return points + np.maximum(0.002 * t - height, 0) * normals[:, None]


def _medium(head: Head, roots: Float, normals: Float, rng: np.random.Generator) -> Float:
    return _falling(head, roots, normals, rng, (0.17, 0.20), 14)


def _long(head: Head, roots: Float, normals: Float, rng: np.random.Generator) -> Float:
    return _falling(head, roots, normals, rng, (0.36, 0.44), 22)


def _falling(
    head: Head,
    roots: Float,
    normals: Float,
    rng: np.random.Generator,
    length: tuple[float, float],
    steps: int,
) -> Float:
    """Parted hair that falls to the sides and back."""
    pick = rng.choice(len(roots), min(_GUIDES, len(roots)), replace=False)
    start, up = roots[pick], normals[pick]
    side = np.sign(head.local(start)[:, 0] - 0.012 * (1 if head.seed % 2 else -1))[:, None]
    ends = np.clip(head.local(start)[:, 1:2] / 0.1, 0, 1)
    reach = rng.uniform(*length, (len(pick), 1)) * (0.72 + 0.28 * ends)
    wave = rng.uniform(0, 6.3, (len(pick), 1))
    parted = side * np.clip(1 + head.local(start)[:, 2:] / 0.05, 0.05, 1)  # the parting ends at the crown
    way = _unit(0.45 * up + parted * [0.8, 0.0, 0.0] + [0, -0.1, -0.55])
    points = [start]
    gap = 0.004 + 0.014 * rng.uniform(0, 1, len(pick)) ** 1.5
    for k in range(steps):
        t = (k + 1) / steps
        local = head.local(points[-1])
        face = np.clip((local[:, 2:] - 0.015) / 0.03, 0, 1) * np.clip((0.115 - local[:, 1:2]) / 0.03, 0, 1)
        face = face * (local[:, 1:2] > -0.16)
        away = face * (side * [0.55, 0, 0] + [0, 0, -0.8])
        drift = _unit(_DOWN + 1.6 * away + 0.10 * np.sin(9 * t + wave) * [1.0, 0, 0.6])
        way = _unit((1 - 0.42) * way + 0.42 * drift)
        following = head.outside(points[-1] + way * reach / steps, gap * min(1.0, 3 * t))
        points.append(following)
    return _between(np.stack(points, axis=1), roots, start, rng, 0.0045)


def _between(guides: Float, roots: Float, start: Float, rng: np.random.Generator, spread: float) -> Float:
    """Hairs beside their nearest guide, closer to it towards the tip. [S, P, 3]"""
    nearest = np.empty(len(roots), int)
    for first in range(0, len(roots), 2000):
        away = roots[first : first + 2000, None] - start[None]
        nearest[first : first + 2000] = (away**2).sum(axis=-1).argmin(axis=1)
    t = np.linspace(0, 1, guides.shape[1])[None, :, None]
    own = (roots - start[nearest])[:, None] * (1 - 0.55 * t)
    jitter = spread * rng.normal(size=(len(roots), 1, 3)) * t
    curl = (
        0.0016
        * np.sin(22 * t + rng.uniform(0, 6.3, (len(roots), 1, 1)))
        * rng.normal(size=(len(roots), 1, 3))
        * t
    )
    result = guides[nearest] + own + jitter + curl
    cut = rng.uniform(0.86, 1.0, (len(roots), 1, 1)) * t * (guides.shape[1] - 1)
    low = np.floor(cut).astype(int)[..., 0]
    high, share = np.minimum(low + 1, guides.shape[1] - 1), (cut - low[..., None])
    row = np.arange(len(roots))[:, None]
    return result[row, low] * (1 - share) + result[row, high] * share


def _combed(
    head: Head, roots: Float, normals: Float, rng: np.random.Generator, knot: Float, steps: int
) -> Float:
    """Along the skull to a knot. [S, P, 3]"""
    pick = rng.choice(len(roots), min(_GUIDES, len(roots)), replace=False)
    start = roots[pick]
    points, goal = [start], knot + 0.010 * rng.normal(size=start.shape)
    gap = 0.003 + 0.006 * rng.uniform(0, 1, len(pick))
    middle = head.world(np.array([0.0, 0.055, -0.02]))
    for k in range(steps):
        # Around the skull, not through it: turn the spot about the head's middle towards the knot.
        here, there = points[-1] - middle, goal - middle
        far = np.linalg.norm(here, axis=1, keepdims=True)
        share = 1 / (steps - k)
        way = _unit(_unit(here) + share * (_unit(there) - _unit(here)) * 1.02)
        length = far + share * (np.linalg.norm(there, axis=1, keepdims=True) - far)
        points.append(head.outside(middle + way * length, gap * min(1.0, 3 * (k + 1) / steps)))
    return _between(np.stack(points, axis=1), roots, start, rng, 0.001)


def _bun(head: Head, roots: Float, normals: Float, rng: np.random.Generator) -> Float:
    knot = head.world(np.array([0.0, 0.125, -0.105]))
    combed = _combed(head, roots, normals, rng, knot, 11)
    count, radius = 7000, 0.040 * head.size
    axis = _unit(np.array([0.0, 0.5, -0.8]))
    one = _unit(np.cross(axis, [1.0, 0, 0]))
    two = np.cross(axis, one)
    turn = rng.uniform(0, 6.28, (count, 1)) + np.linspace(0, 2.4, 12)[None]
    ring = rng.uniform(0, 6.28, (count, 1)) + 0.6 * np.linspace(0, 1, 12)[None]
    thick = 0.62 * radius * rng.uniform(0.75, 1.0, (count, 1))
    out = 0.62 * radius + thick * np.cos(ring)
    ways = np.cos(turn)[..., None] * one + np.sin(turn)[..., None] * two
    coil = knot + 0.012 * axis + out[..., None] * ways + (thick * np.sin(ring))[..., None] * axis
    return np.concatenate([combed, coil])


def _ponytail(head: Head, roots: Float, normals: Float, rng: np.random.Generator) -> Float:
    knot = head.world(np.array([0.0, 0.095, -0.128]))
    combed = _combed(head, roots, normals, rng, knot, 11)
    count, steps = 6000, 12
    t = np.linspace(0, 1, steps)
    line = knot + np.stack([0 * t, 0.02 * np.sin(3 * t) - 0.30 * t**1.25, -0.075 * np.sin(2.2 * t)], axis=1)
    line = head.outside(line, 0.025)
    wide = 0.007 + 0.024 * np.sin(np.pi * np.clip(t, 0, 1) ** 0.7) * (1 - 0.5 * t)
    own = rng.normal(size=(count, 1, 3)) * 0.55
    swing = 0.004 * np.sin(8 * t + rng.uniform(0, 6.3, (count, 1)))[..., None]
    tail = line[None] + own * wide[None, :, None] + swing * [1.0, 0, 1.0]
    return np.concatenate([combed, tail])


def _afro(head: Head, roots: Float, normals: Float, rng: np.random.Generator) -> Float:
    local = head.local(roots)
    middle = head.world(np.array([0.0, 0.07, -0.025]))
    way = _unit(0.75 * _unit(roots - middle) + 0.25 * normals)
    length = (0.055 + 0.03 * np.clip(local[:, 1] / 0.12, 0, 1)) * rng.uniform(0.7, 1.04, len(roots))
    steps = 12
    t = np.linspace(0, 1, steps)[None, :, None]
    one = _unit(np.cross(way, rng.normal(size=way.shape)))
    two = np.cross(way, one)
    phase = rng.uniform(0, 6.28, (len(roots), 1, 1)) + 15 * t
    curl = 0.0045 * np.minimum(4 * t, 1)
    drift = 0.012 * rng.normal(size=(len(roots), 1, 3)) * t
    coil = np.cos(phase) * one[:, None] + np.sin(phase) * two[:, None]
    return roots[:, None] + t * length[:, None, None] * way[:, None] + curl * coil + drift


def weights_along(points: Float, head: Head, joints: tuple[int, int, int]) -> Float:
    """Hair follows the head; what hangs below the chin follows neck and chest more and more. [N, 55]

    Args:
        points: Arms half lowered. [N, 3]
        head: Whose.
        joints: Head, neck and the upper spine.
    """
    y = head.local(points)[:, 1]
    low = np.clip((-0.03 - y) / 0.16, 0, 1)
    weights = np.zeros((len(points), 55))
    weights[:, joints[0]] = 1 - 0.9 * low
    weights[:, joints[1]] = 0.9 * low * (1 - low)
    weights[:, joints[2]] = 0.9 * low * low
    return weights
