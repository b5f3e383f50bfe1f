"""Borders: between two sides of a picture, moved to where the colours part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...avatar.arrays import Float

_LIKE = 4.0  # L*a*b* distance of neighbours whose link has fallen to 0.6
_WEAKEST = 1e-3  # link across the strongest edge
_FIXED = 1e3
_ACROSS = (
    ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
)
"""Each pixel and the next one, along rows and along columns."""


def torn(own: NDArray[np.bool_], inside: NDArray[np.bool_], rest: Float, apart: float) -> NDArray[np.bool_]:
    """Pixels at the border of a side whose neighbour beyond it lies far away at rest.

    Args:
        own: The side. [H, W]
        inside: Pixels of the person. [H, W]
        rest: Metres. [H, W, 3]
        apart: Metres.
    """
    found = np.zeros(own.shape, bool)
    for first, second in _ACROSS:
        gap = np.linalg.norm(rest[first] - rest[second], axis=-1)
        here = (own[first] != own[second]) & inside[first] & inside[second] & (gap > apart)
        found[first] |= here
        found[second] |= here
    return found


def distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Pixels to the nearest pixel of the mask, which must have some. [H, W]"""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), np.float32)


def nearest(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Row and column of the mask's nearest pixel; it must have some. [2, H, W]"""
    _, found = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    names = np.asarray(found, np.int64)
    where = np.zeros((int(names.max()) + 1, 2), np.int64)
    where[names[mask]] = np.argwhere(mask)
    return np.moveaxis(where[names], -1, 0)


def settled(wanted: Float, pull: Float, near: NDArray[np.bool_], colors: Float) -> NDArray[np.float64]:
    """How much of each pixel is one side: as neighbours of like colour are, and as it is pulled.

    Args:
        wanted: 0 or 1. [H, W]
        pull: Towards that, against links of 1 between like colours. [H, W]
        near: Pixels in question; the others stay as wanted. [H, W]
        colors: L*a*b*. [H, W, 3]

    Source: Grady 2005, multilabel random walker segmentation using prior models.
    """
    solved = cv2.dilate(near.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    pull = np.where(near, pull, _FIXED)[solved]
    number = np.full(near.shape, -1)
    count = int(solved.sum())
    number[solved] = np.arange(count)
    links = sparse.csr_matrix((count, count))
    for first, second in _ACROSS:
        a, b = number[first], number[second]
        linked = (a >= 0) & (b >= 0)
        step = ((colors[first] - colors[second])[linked] ** 2).sum(axis=-1)
        link = np.exp(-step / (2 * _LIKE**2)) + _WEAKEST
        links = links + sparse.coo_matrix((link, (a[linked], b[linked])), shape=(count, count))
    links = links + links.T
    system = sparse.diags(np.asarray(links.sum(axis=1)).ravel() + pull) - links
    share = wanted.astype(np.float64)
    share[solved] = splu(sparse.csc_matrix(system)).solve(pull * wanted[solved])
    return share
