"""Every golden tensor of the official code, and the bench that compares them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from lhm_avatars.bench import parity
from lhm_avatars.bench.golden import compare
from safetensors import safe_open
from safetensors.torch import load_file, save_file

GOLDENS = Path(__file__).parent.parent / "goldens" / "lhm"
FILES = sorted(GOLDENS.glob("*.safetensors"))
TOLERANCE = 2e-5  # absolute, float32 on a CPU


def settings_of(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_tensor_is_the_official_one(path: Path) -> None:
    rows = compare(path)
    assert [row for row in rows if row.fails(TOLERANCE)] == []
    assert any(row.error is not None for row in rows)


def test_all_kinds_of_files_are_there() -> None:
    assert {path.name.split("_")[0] for path in FILES} == {"a", "b", "b2", "c", "c2", "d", "e", "f", "g", "h"}


def test_the_bench_reads_settings_and_not_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    below = tmp_path / "elsewhere"
    below.mkdir()
    shutil.copy(GOLDENS / "b_block_mid.safetensors", below / "x.safetensors")
    assert parity.report(tmp_path, TOLERANCE) == 0
    assert "elsewhere/x.safetensors" in capsys.readouterr().out.replace("\\", "/")


def test_the_bench_fails_on_one_wrong_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = GOLDENS / "f_motion_embed_and_modulation.safetensors"
    tensors = load_file(source)
    tensors["out.temb"][0, 3] += 1e-3
    save_file(tensors, tmp_path / "f.safetensors", settings_of(source))
    assert parity.report(tmp_path, TOLERANCE) == parity.BAD
    assert "1.00e-03  FAILED" in capsys.readouterr().out
    assert parity.report(tmp_path, 1e-2) == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_the_bench_fails_on_numbers_that_are_none(tmp_path: Path, value: float) -> None:
    source = GOLDENS / "f_motion_embed_and_modulation.safetensors"
    tensors = load_file(source)
    tensors["out.temb"][0, 3] = value
    save_file(tensors, tmp_path / "f.safetensors", settings_of(source))
    assert parity.report(tmp_path, TOLERANCE) == parity.BAD


def test_the_bench_fails_on_a_result_that_nobody_computes(tmp_path: Path) -> None:
    source = GOLDENS / "c_fusion_head.safetensors"
    save_file(
        load_file(source) | {"out.new": torch.zeros(1)}, tmp_path / "c.safetensors", settings_of(source)
    )
    assert parity.report(tmp_path, TOLERANCE) == parity.BAD


def test_the_bench_fails_on_a_kind_that_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file({"out.x": torch.zeros(1)}, tmp_path / "z.safetensors", {"config": json.dumps({})})
    assert parity.report(tmp_path, TOLERANCE) == parity.BAD
    assert "asks what nobody here answers" in capsys.readouterr().out


def test_the_bench_says_that_there_is_nothing(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "weights.safetensors")
    assert parity.report(tmp_path, TOLERANCE) == parity.NOTHING
