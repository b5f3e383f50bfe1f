"""What a file of weights must hold, and what is read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.network.checkpoint import Checkpoint, fill, open_checkpoint, require_model
from lhm_avatars.engine.network.config import lhm_500m, lhm_tiny
from lhm_avatars.engine.network.layout import Slot, dead_layout, live_layout, released_layout
from lhm_avatars.engine.network.model import blueprint
from lhm_avatars.engine.network.run import Network

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.bench.random_lhm import Files

TINY = lhm_tiny()
A_WEIGHT = "transformer.layers.0.head_dit.attn.to_q.weight"


def file_of(path: Path, layout: dict[str, Slot]) -> Checkpoint:
    return Checkpoint(path, layout, lambda key: pytest.fail(f"{key} was read"))


def refusal(tmp_path: Path, layout: dict[str, Slot]) -> str:
    with pytest.raises(AvatarError) as caught:
        require_model(file_of(tmp_path / "model.safetensors", layout), TINY)
    return str(caught.value)


def test_the_written_file_is_the_model(files: Files) -> None:
    checkpoint = open_checkpoint(files.weights)
    require_model(checkpoint, TINY)
    assert checkpoint.layout == released_layout(TINY)


def test_dead_buffers_may_be_missing(tmp_path: Path) -> None:
    require_model(file_of(tmp_path / "model.safetensors", live_layout(TINY)), TINY)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    layout = released_layout(TINY)
    del layout[A_WEIGHT]
    assert f"1 missing: {A_WEIGHT}." in refusal(tmp_path, layout)


def test_an_extra_key_is_named(tmp_path: Path) -> None:
    layout = released_layout(TINY) | {"encoder.model.mask_token": Slot((1, 64), torch.float32)}
    assert "1 not part of it: encoder.model.mask_token." in refusal(tmp_path, layout)


def test_a_misshaped_key_is_named_with_both_shapes(tmp_path: Path) -> None:
    layout = released_layout(TINY) | {A_WEIGHT: Slot((64, 63), torch.float32)}
    assert f"1 of another shape: {A_WEIGHT} ([64, 63] instead of [64, 64])." in refusal(tmp_path, layout)


def test_a_mask_of_numbers_is_refused(tmp_path: Path) -> None:
    key = "renderer.smplx_model.is_upper_body"
    layout = released_layout(TINY) | {key: Slot((TINY.points,), torch.float32)}
    assert f"1 of another type: {key} (float32 instead of bool)." in refusal(tmp_path, layout)


def test_another_model_is_told_apart_in_one_short_sentence(files: Files) -> None:
    with pytest.raises(AvatarError, match="does not hold the weights of LHM-500M") as caught:
        require_model(open_checkpoint(files.weights), lhm_500m())
    assert len(str(caught.value)) < 1200
    assert str(caught.value).endswith(" more.")


def test_the_network_refuses_a_wrong_file_before_reading(tmp_path: Path) -> None:
    layout = released_layout(TINY)
    del layout[A_WEIGHT]
    with pytest.raises(AvatarError, match=r"1 missing"):
        Network(file_of(tmp_path / "x", layout), TINY, None, None, None)


def test_a_run_reads_every_live_key_once_and_no_dead_one(make_network, images) -> None:
    network = make_network()
    asked: list[str] = []
    read = network.checkpoint.read
    network.checkpoint.read = lambda key: asked.append(key) or read(key)
    network(*images)
    assert sorted(asked) == sorted(live_layout(TINY))
    assert not set(asked) & set(dead_layout(TINY))


def test_weights_on_the_cpu_are_the_mapped_file(files: Files) -> None:
    checkpoint = open_checkpoint(files.weights)
    model = blueprint(TINY)
    fill(model.gaussian_head, checkpoint.read, "gaussian_head.")
    again = checkpoint.read("renderer.mlp_net.layers.0.weight")
    assert torch.equal(model.gaussian_head.trunk[0].weight, again)
    assert all(tensor.is_meta for tensor in model.transformer.parameters())


def test_weights_may_be_stored_in_half_precision(files: Files, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    halved = {
        key: tensor.bfloat16() if tensor.is_floating_point() else tensor
        for key, tensor in load_file(files.weights).items()
    }
    save_file(halved, tmp_path / "half.safetensors")
    checkpoint = open_checkpoint(tmp_path / "half.safetensors")
    require_model(checkpoint, TINY)
    head = blueprint(TINY).gaussian_head
    fill(head, checkpoint.read, "gaussian_head.")
    assert head.trunk[0].weight.dtype == torch.float32


def test_a_torch_file_of_tensors_is_read(files: Files, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    live = {key: tensor for key, tensor in load_file(files.weights).items() if key in live_layout(TINY)}
    torch.save(live, tmp_path / "model.pth")
    checkpoint = open_checkpoint(tmp_path / "model.pth")
    require_model(checkpoint, TINY)
    assert torch.equal(checkpoint.read(A_WEIGHT), live[A_WEIGHT])


class Evil:
    def __reduce__(self):
        return pytest.fail, ("code in a weight file was run",)


@pytest.mark.parametrize("content", [{"x": Evil()}, {"x": 1}, [torch.zeros(1)]])
def test_a_torch_file_of_anything_else_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "model.pth")
    with pytest.raises(AvatarError, match="something else than weights"):
        open_checkpoint(tmp_path / "model.pth")


@pytest.mark.parametrize("name", ["model.safetensors", "model.pth"])
def test_damaged_and_missing_files_are_the_users_to_mend(tmp_path: Path, name: str) -> None:
    with pytest.raises(AvatarError, match=r"is missing\. Download"):
        open_checkpoint(tmp_path / name)
    (tmp_path / name).write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(AvatarError, match="damaged or holds something else"):
        open_checkpoint(tmp_path / name)


def test_a_file_that_was_cut_short_is_refused(files: Files, tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(files.weights.read_bytes()[:-1000])
    with pytest.raises(AvatarError, match="damaged"):
        open_checkpoint(tmp_path / "cut.safetensors")
