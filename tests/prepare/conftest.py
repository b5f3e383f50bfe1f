"""Pictures whose truth is known: parts of the half-body example put on other backgrounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.prepare.person import prepare
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.prepare.person import PreparedPhoto
    from numpy.typing import NDArray

# Drawn around the person in the example. In a composite it is the truth, whatever it leaves out.
OUTLINE = np.array(
    [
        *[
            (258, 20),
            (237, 15),
            (208, 19),
            (156, 57),
            (153, 68),
            (156, 101),
            (172, 125),
            (182, 133),
            (183, 147),
        ],
        *[
            (157, 150),
            (140, 158),
            (123, 178),
            (120, 193),
            (104, 212),
            (96, 221),
            (63, 248),
            (45, 278),
            (26, 342),
        ],
        *[
            (25, 375),
            (19, 389),
            (17, 414),
            (24, 430),
            (26, 484),
            (41, 511),
            (280, 511),
            (275, 492),
            (278, 449),
        ],
        *[(294, 406), (304, 394), (318, 386), (321, 371), (329, 362), (356, 349), (358, 330), (351, 294)],
        *[(338, 261), (308, 236), (284, 197), (255, 173), (266, 137), (275, 134), (290, 117), (301, 88)],
        *[(296, 59), (287, 41)],
    ]
)


@dataclass(frozen=True)
class Cutout:
    """The example's person: colours [512, 512, 3] and mask [512, 512]."""

    rgb: NDArray[np.uint8]
    mask: NDArray[np.float32]


@pytest.fixture(scope="session")
def example(root: Path) -> Path:
    return root / "assets" / "example_half_body.jpg"


@pytest.fixture(scope="session")
def prepared(example: Path) -> PreparedPhoto:
    return prepare(example)


@pytest.fixture(scope="session")
def cutout(example: Path) -> Cutout:
    rgb = np.array(Image.open(example))
    mask = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(mask, [OUTLINE], 255, lineType=cv2.LINE_AA)
    return Cutout(rgb, mask.astype(np.float32) / 255)


def wall(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """A smooth greenish wall with faint grain. [H, W, 3]"""
    rng = np.random.default_rng(seed)
    shade = np.linspace(0.75, 0.95, width)[None, :, None] * np.array([150.0, 175.0, 160.0])
    return (np.broadcast_to(shade, (height, width, 3)) + rng.normal(0, 2, (height, width, 3))).astype(
        np.float32
    )


def put(canvas: NDArray[np.float32], cutout: Cutout, left: int, top: int, size: int) -> NDArray[np.float32]:
    """Draw the person with the 512 pixels of the example made `size`; returns their mask. [H, W]"""
    move = np.array([[size / 512, 0, left], [0, size / 512, top]], np.float64)
    shape = (canvas.shape[1], canvas.shape[0])
    mask = cv2.warpAffine(cutout.mask, move, shape, flags=cv2.INTER_AREA)
    rgb = cv2.warpAffine(
        cutout.rgb.astype(np.float32), move, shape, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    canvas += mask[..., None] * (rgb - canvas)
    return mask


def save(path: Path, pixels: NDArray[np.float32], **options: object) -> Path:
    Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8)).save(path, **options)
    return path


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(((a > 0.5) & (b > 0.5)).sum() / ((a > 0.5) | (b > 0.5)).sum())
