"""The two named protocols: what is done to pictures before they are compared. Their figures never mix.

``official`` follows the metric scripts that were released with LHM: pictures on white are resized to a width
of 512 pixels by area, data range 1, *masked* counts only the pixels where the true mask is above one half,
*whole* all of them; the mean is taken over frames, then over people; LPIPS is the squeeze network's.

``paper`` follows the text, which names the metrics and neither a size nor a mask: pictures on white at the
size they were rendered in; LPIPS is VGG's, which training uses. Masked means the same.

Neither rounds the avatar's picture to 8 bits. Heights never differ here, so nothing is padded or stretched.
SSIM and FLIP, masked, are the means of their maps over the mask; the scripts have no such columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .metrics import flip, psnr, ssim
from .people import read_rgba

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .people import Shot

    Lpips = Callable[[NDArray[np.float32], NDArray[np.float32]], float]

PSNR_MASKED, PSNR_WHOLE = "PSNR masked", "PSNR whole"
SSIM_MASKED, SSIM_WHOLE = "SSIM masked", "SSIM whole"
FLIP_MASKED, FLIP_WHOLE = "FLIP masked", "FLIP whole"


@dataclass(frozen=True)
class Protocol:
    """How pictures are compared.

    Args:
        name: Stands in every column.
        width: Pixels that pictures are resized to, by area; as they are by default.
        network: Of LPIPS.
    """

    name: str
    width: int | None
    network: str

    def resized(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """A picture or mask at this protocol's size. [H, W] or [H, W, C]"""
        if self.width is None or picture.shape[1] == self.width:
            return picture
        import cv2

        height = max(1, round(picture.shape[0] * self.width / picture.shape[1]))
        smaller = cv2.resize(picture, (self.width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(smaller, np.float32)


OFFICIAL = Protocol("official", 512, "squeeze")
PAPER = Protocol("paper", None, "vgg")
PROTOCOLS = {protocol.name: protocol for protocol in (OFFICIAL, PAPER)}


@dataclass(frozen=True)
class Truth:
    """A true picture, ready to be compared with.

    Args:
        color: On white, at the protocol's size. [H, W, 3]
        mask: Where the person is. [H, W]
        alpha: At the size it was rendered in. [H, W]
    """

    color: NDArray[np.float32]
    mask: NDArray[np.bool_]
    alpha: NDArray[np.float32]


def read_truth(shot: Shot, protocol: Protocol) -> Truth:
    """Read a view or pose for a protocol.

    Raises:
        AvatarError: If the picture is broken.
    """
    rgba = read_rgba(shot)
    alpha = np.ascontiguousarray(rgba[..., 3])
    color = rgba[..., :3] * alpha[..., None] + (1 - alpha[..., None])
    return Truth(protocol.resized(color), protocol.resized(alpha) > 0.5, alpha)


def compare(
    truth: Truth,
    made: NDArray[np.float32],
    protocol: Protocol,
    *,
    with_flip: bool = True,
    lpips: Lpips | None = None,
) -> dict[str, float]:
    """Every measure of one picture.

    Args:
        truth: Of this protocol.
        made: On white, at the size the truth was rendered in. [H, W, 3]
        protocol: What is done to pictures first.
        with_flip: FLIP takes most of the time.
        lpips: The protocol's network, if the user has it.

    Returns:
        Values by the name of the measure.
    """
    made = np.clip(protocol.resized(made), 0, 1)
    similar, similar_masked = ssim(truth.color, made, truth.mask)
    values = {
        PSNR_MASKED: psnr(truth.color, made, truth.mask),
        PSNR_WHOLE: psnr(truth.color, made),
        SSIM_MASKED: similar_masked,
        SSIM_WHOLE: similar,
    }
    if with_flip:
        values[FLIP_WHOLE], values[FLIP_MASKED] = flip(truth.color, made, truth.mask)
    if lpips is not None:
        values[f"LPIPS-{protocol.network} whole"] = lpips(truth.color, made)
    return values
