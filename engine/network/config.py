"""Sizes of the released models, and of a tiny one for tests."""

from __future__ import annotations

from dataclasses import dataclass, field

BODY_SHARE = 0.75  # of the query points: body first, head last; in training and in the released points


@dataclass(frozen=True)
class VitConfig:
    """A DINOv2 vision transformer with registers.

    Args:
        width: Channels of a token.
        depth: Blocks.
        heads: Attention heads.
        patch: Pixels along a patch.
        registers: Extra tokens that belong to no patch.
        trained_size: Pixels along the square image that the stored position grid was made for.
        resolution: Pixels along the square image that it is given here.
        taps: Blocks whose outputs are fused, counted from 0.
        eps: Of every layer norm.
    """

    width: int = 1024
    depth: int = 24
    heads: int = 16
    patch: int = 14
    registers: int = 4
    trained_size: int = 518
    resolution: int = 448
    taps: tuple[int, ...] = (4, 11, 17, 23)
    eps: float = 1e-6


@dataclass(frozen=True)
class LhmConfig:
    """One LHM model.

    Args:
        name: As the user reads it.
        layers: Body-head layers of the transformer.
        points: Query points, and so Gaussians.
        image_size: Width in pixels that the body image is prepared for.
        width: Channels of a token in the transformer.
        heads: Attention heads.
        context_width: Channels of a body token, as Sapiens makes them.
        body_tokens: How many tokens Sapiens makes.
        sapiens_resolution: Pixels along the square image that Sapiens is given.
        global_hidden: Hidden channels of the global embedding.
        decoder_hidden: Hidden channels of the Gaussian head.
        frequencies: Of the point embedding, for each axis.
        vertices: Of the body model in the checkpoint.
        faces: Of the body model in the checkpoint.
        shape_count: Betas.
        expression_count: Expression coefficients.
        voxels: Cells of the voxel grid that lies in the checkpoint and that nothing reads: z, y, x.
        vit: The encoder of the head image.
    """

    name: str
    layers: int
    points: int
    image_size: int
    width: int = 1024
    heads: int = 16
    context_width: int = 1536
    body_tokens: int = 4096
    sapiens_resolution: int = 1024
    global_hidden: int = 768
    decoder_hidden: int = 512
    frequencies: int = 8
    vertices: int = 10475
    faces: int = 20908
    shape_count: int = 10
    expression_count: int = 100
    voxels: tuple[int, int, int] = (96, 192, 192)
    vit: VitConfig = field(default_factory=VitConfig)

    @property
    def body_points(self) -> int:
        """Query points on the body; the rest are on the head."""
        return int(self.points * BODY_SHARE)

    @property
    def head_tokens(self) -> int:
        """Tokens that the head image gives."""
        return (self.vit.resolution // self.vit.patch) ** 2


def lhm_mini() -> LhmConfig:
    """LHM-MINI: 2 layers, 20,000 Gaussians."""
    return LhmConfig(name="LHM-MINI", layers=2, points=20_000, image_size=512)


def lhm_500m() -> LhmConfig:
    """LHM-500M: 5 layers, 40,000 Gaussians."""
    return LhmConfig(name="LHM-500M", layers=5, points=40_000, image_size=1024)


def lhm_500m_hf() -> LhmConfig:
    """LHM-500M-HF: as 500M, trained on other crops (half figures, too)."""
    return LhmConfig(name="LHM-500M-HF", layers=5, points=40_000, image_size=1024)


def lhm_1b() -> LhmConfig:
    """LHM-1B: 15 layers, 40,000 Gaussians."""
    return LhmConfig(name="LHM-1B", layers=15, points=40_000, image_size=1024)


def lhm_1b_hf() -> LhmConfig:
    """LHM-1B-HF: as 1B, trained on other crops (half figures, too)."""
    return LhmConfig(name="LHM-1B-HF", layers=15, points=40_000, image_size=1024)


def lhm_tiny() -> LhmConfig:
    """For tests: every part is there, and a run takes a second on a CPU."""
    return LhmConfig(
        name="LHM-TINY",
        layers=2,
        points=2_000,
        image_size=112,
        width=64,
        heads=4,
        context_width=96,
        body_tokens=64,
        sapiens_resolution=128,
        global_hidden=48,
        decoder_hidden=32,
        vertices=1_024,
        faces=2_000,
        voxels=(6, 12, 12),
        vit=VitConfig(width=64, depth=8, heads=4, resolution=112, taps=(1, 3, 5, 7)),
    )


RELEASED = (lhm_mini, lhm_500m, lhm_500m_hf, lhm_1b, lhm_1b_hf)
"""Builders of the models that can be downloaded."""
