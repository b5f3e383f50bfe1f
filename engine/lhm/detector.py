"""LHM's own head detector (VGGHeads, TorchScript), for whoever wants the official crop to the pixel.

Source: the input and the three outputs are those that its authors' repository documents
(github.com/KupynOrest/head_detector).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Edges = tuple[float, float, float, float]
    Detector = Callable[[NDArray[np.uint8]], list[Edges]]

SIDE = 640  # pixels
_FILL = 127
_CONFIDENCE = 0.5
_SAME = 0.5  # intersection over union
_CANDIDATES = 1000
_WHOLE = 0.98  # of the model's picture: a box this wide and high is a false alarm


def load_detector(path: Path) -> Detector:
    """Read the detector's file.

    Args:
        path: ``vgg_heads_l.trcd``.

    Returns:
        A function from a photo (RGB) [H, W, 3] to boxes of heads (left, top, right, bottom, pixels), the
        largest first. It raises AvatarError if the file answers otherwise than documented.

    Raises:
        AvatarError: If the file is no TorchScript module.
    """
    import torch

    try:
        module = torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, OSError, ValueError) as error:  # what torch says of a missing or damaged file
        raise AvatarError(
            f"The head detector {path.name} cannot be read. Get it again, or do without: ours is built in."
        ) from error

    def detect(rgb: NDArray[np.uint8]) -> list[Edges]:
        view, scale, corner = letterbox(rgb)
        with torch.inference_mode():
            answer = module(torch.from_numpy(view).permute(2, 0, 1)[None].float() / 255)
        boxes, scores = _boxes_and_scores(answer, path.name)
        kept = distinct(boxes[scores >= _CONFIDENCE], scores[scores >= _CONFIDENCE])
        kept = [box for box in kept if (box[2:] - box[:2]).min() < _WHOLE * SIDE]
        heads = [((box - np.tile(corner, 2)) / scale).tolist() for box in np.clip(kept, 0, SIDE)]
        return sorted((tuple(head) for head in heads), key=lambda head: -_area(head))

    return detect


def letterbox(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, NDArray[np.float64]]:
    """A photo in the middle of a gray square.

    Returns:
        The square [640, 640, 3], its pixels per pixel of the photo, and where in it the photo begins [2].
    """
    height, width = rgb.shape[:2]
    scale = SIDE / max(height, width)
    if height > width:
        size = (max(1, int(width * SIDE / height)), SIDE)
    else:
        size = (SIDE, max(1, int(height * SIDE / width)))
    view = cv2.resize(rgb, size, interpolation=cv2.INTER_LANCZOS4)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    square = np.full((SIDE, SIDE, 3), _FILL, np.uint8)
    square[top : top + size[1], left : left + size[0]] = view
    return square, scale, np.array([left, top], np.float64)


def distinct(boxes: NDArray[np.float64], scores: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Leave out boxes that overlap a more certain one by half (non-maximum suppression).

    Args:
        boxes: Left, top, right, bottom. [N, 4]
        scores: [N]
    """
    kept: list[NDArray[np.float64]] = []
    for index in np.argsort(-scores, kind="stable")[:_CANDIDATES]:
        if all(_overlap(boxes[index], other) <= _SAME for other in kept):
            kept.append(boxes[index])
    return kept


def _boxes_and_scores(answer: Any, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first photo's boxes [N, 4] and scores [N] in what the model returned.

    Raises:
        AvatarError: If it is not boxes [1, N, 4], scores [1, N, 1] and head shapes [1, N, ...].
    """
    shapes = (
        [tuple(getattr(item, "shape", ())) for item in answer] if isinstance(answer, (tuple, list)) else []
    )
    count = shapes[0][1] if shapes and len(shapes[0]) == 3 else -1
    fits = len(shapes) == 3 and shapes[0] == (1, count, 4) and shapes[1] in ((1, count, 1), (1, count))
    if not fits or shapes[2][:2] != (1, count):
        raise AvatarError(
            f"{name} does not answer like the head detector that LHM uses. Get vgg_heads_l.trcd from LHM's "
            "prior models, or do without: ours is built in."
        )
    boxes, scores = (item[0].float().numpy().astype(np.float64) for item in answer[:2])
    return boxes, scores.reshape(count)


def _overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over union."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / max(_area(a) + _area(b) - shared, 1e-9)


def _area(box: Any) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))
