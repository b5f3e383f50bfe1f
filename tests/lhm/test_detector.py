"""LHM's head detector: a TorchScript module that answers as the real one is documented to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.lhm.detector import letterbox, load_detector

if TYPE_CHECKING:
    from pathlib import Path


class Answering(torch.nn.Module):
    """Boxes, scores and head shapes, whatever the picture; the scores grow with its first pixel."""

    def __init__(self, boxes: list[list[float]], scores: list[float]) -> None:
        super().__init__()
        self.register_buffer("boxes", torch.tensor(boxes)[None])
        self.register_buffer("scores", torch.tensor(scores)[None, :, None])

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        assert image.shape == (1, 3, 640, 640)
        gray = (image[0, :, 0, 0] - 127 / 255).abs().max() + (image.max() > 1).float()
        return self.boxes, self.scores - gray, torch.zeros(1, self.boxes.shape[1], 413)


class Unlike(torch.nn.Module):
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return image[:, :, 0, :4], image[:, :, 0, :1]


def saved(module: torch.nn.Module, path: Path) -> Path:
    torch.jit.script(module).save(str(path))
    return path


def test_boxes_come_back_in_pixels_of_the_photo_the_largest_first(tmp_path: Path) -> None:
    # 320 x 160 pixels: doubled, with 160 gray rows above and below.
    boxes = [
        [20.0, 180.0, 60.0, 220.0],
        [200.0, 200.0, 300.0, 300.0],
        [205.0, 200.0, 305.0, 300.0],  # the same head, less certain
        [0.0, 0.0, 640.0, 640.0],  # the whole picture
        [400.0, 200.0, 640.0, 400.0],  # not certain enough
    ]
    path = saved(Answering(boxes, [0.7, 0.9, 0.8, 0.95, 0.45]), tmp_path / "heads.trcd")
    found = load_detector(path)(np.full((160, 320, 3), 200, np.uint8))
    assert found == [pytest.approx((100, 20, 150, 70)), pytest.approx((10, 10, 30, 30))]


def test_boxes_end_at_the_models_picture(tmp_path: Path) -> None:
    path = saved(Answering([[-40.0, 200.0, 60.0, 300.0]], [0.9]), tmp_path / "heads.trcd")
    assert load_detector(path)(np.zeros((160, 320, 3), np.uint8)) == [pytest.approx((0, 20, 30, 70))]


def test_no_head_is_an_empty_list(tmp_path: Path) -> None:
    path = saved(Answering([[20.0, 180.0, 60.0, 220.0]], [0.1]), tmp_path / "heads.trcd")
    assert load_detector(path)(np.zeros((160, 320, 3), np.uint8)) == []


def test_the_photo_stands_in_the_middle_of_gray() -> None:
    square, scale, corner = letterbox(np.full((400, 100, 3), 9, np.uint8))
    assert scale == 1.6
    assert corner.tolist() == [240, 0]
    assert (square[:, 240:400] == 9).all()
    assert (square[:, :240] == 127).all()
    assert (square[:, 400:] == 127).all()


def test_another_kind_of_answer_is_refused(tmp_path: Path) -> None:
    detect = load_detector(saved(Unlike(), tmp_path / "other.trcd"))
    with pytest.raises(AvatarError, match=r"other\.trcd does not answer like the head detector"):
        detect(np.zeros((160, 320, 3), np.uint8))


@pytest.mark.parametrize("content", [None, b"", b"no zip file at all"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "heads.trcd"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AvatarError, match=r"head detector heads\.trcd cannot be read"):
        load_detector(path)
