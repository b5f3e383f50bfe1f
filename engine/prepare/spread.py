"""Colours of a region carried on over the rest of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def spread(rgb: NDArray[np.float32], region: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give every pixel the colour of the nearest pixel of a region.

    Args:
        rgb: [H, W, 3]
        region: 1 inside, 0 outside; somewhere inside. [H, W]
    """
    _, labels = cv2.distanceTransformWithLabels(1 - region, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rows, columns = np.nonzero(region)
    source = np.zeros((labels.max() + 1, 3), np.float32)
    source[labels[rows, columns]] = rgb[rows, columns]
    return source[labels.astype(np.int64)]
