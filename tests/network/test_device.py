"""Costs against the description of the official code and torch's own counter; which device there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.network.config import lhm_1b, lhm_500m, lhm_mini, lhm_tiny
from lhm_avatars.engine.network.cost import cost, encoder_flops, stage_flops, transformer_flops
from lhm_avatars.engine.network.device import best_dtype, choose_device, device_name, matrix_rate
from lhm_avatars.engine.network.global_embedding import Modulation
from lhm_avatars.engine.network.transformer import BodyHeadTransformer
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@pytest.mark.parametrize(("config", "tera"), [(lhm_mini(), 6.6), (lhm_500m(), 49), (lhm_1b(), 148)])
def test_arithmetic_is_what_the_description_counts(config, tera) -> None:
    # It counts full layers; ours leaves out what the last one throws away.
    assert 0.8 * tera < transformer_flops(config) / 1e12 < 1.02 * tera


def test_arithmetic_of_the_transformer_is_what_torch_counts() -> None:
    config = replace(lhm_tiny(), layers=3)
    transformer = BodyHeadTransformer(config)
    tokens = config.body_tokens + config.head_tokens
    points, context = (
        torch.zeros(1, config.points, config.width),
        torch.zeros(1, tokens, config.context_width),
    )
    vector = torch.zeros(1, config.width)
    # The counter does not know the CPU's fused attention, but the products that it is made of.
    plain = sdpa_kernel(SDPBackend.MATH)
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), plain:
        transformer(points, context, Modulation(vector, vector))
    # The modulation heads are left out of the estimate.
    assert counter.get_total_flops() == pytest.approx(transformer_flops(config), rel=0.01)


def test_sapiens_costs_what_its_paper_says() -> None:
    # Table 1 of the paper: Sapiens-1B, 1024 x 768 pixels, 4.647 tera multiply-adds.
    assert encoder_flops(64 * 48, 1536, 40) / 2 == pytest.approx(4.647e12, rel=0.15)


def test_the_aims_for_memory_are_within_the_estimate() -> None:
    assert cost(lhm_500m(), torch.bfloat16).resident_bytes < 6 * 2**30
    assert cost(lhm_1b(), torch.bfloat16).resident_bytes < 8 * 2**30


def test_this_machine_is_measured() -> None:
    device = torch.device("cpu")
    assert device_name(device).startswith("CPU, ")
    assert matrix_rate(device, best_dtype(device)) > 1e9


def test_where_torch_cannot_say_whether_the_cpu_has_bfloat16_it_is_not_used(monkeypatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    assert best_dtype(torch.device("cpu")) == torch.bfloat16
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name)
    assert best_dtype(torch.device("cpu")) == torch.float32


def test_a_device_that_is_not_there_is_named(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(AvatarError, match="finds no CUDA device"):
        choose_device("cuda")
    with pytest.raises(ValueError, match="device must be auto"):
        choose_device("tpu")


def test_head_and_decoder_are_small_beside_the_rest() -> None:
    flops = stage_flops(lhm_500m())
    assert flops["gaussians"] < 0.01 * flops["transformer"]
    assert flops["head"] < flops["sapiens"] < flops["transformer"]


@pytest.mark.parametrize(("amx", "avx"), [(False, False), (True, False), (False, True)])
def test_half_precision_is_taken_where_the_cpu_computes_in_it(monkeypatch, amx, avx) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx)
    assert best_dtype(torch.device("cpu")) == (torch.bfloat16 if amx or avx else torch.float32)
    assert best_dtype(torch.device("mps")) == torch.float32
