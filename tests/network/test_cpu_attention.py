"""Attention by products against float64, and that it is taken where it should be and nowhere else."""

from __future__ import annotations

import pytest
import torch
from lhm_avatars.engine.network import cpu_attention
from lhm_avatars.engine.network.cpu_attention import AttentionByProducts, attention_for, blocked_attention
from lhm_avatars.engine.network.plan import Plan
from torch.nn import functional

BF16, CPU = torch.bfloat16, torch.device("cpu")
TOLERANCE = 0.01  # relative; bfloat16 keeps 8 bits, rounding alone is 0.002


def tokens(count: int, *, heads: int = 3, width: int = 64, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    normed = functional.rms_norm(torch.randn(2, heads, count, width, generator=generator), (width,))
    return normed.to(BF16)


def exact(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    query, key, value = (each.double() for each in (query, key, value))
    return torch.softmax(query @ key.mT / query.shape[-1] ** 0.5, dim=-1) @ value


def relative(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found.double() - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("width", [64, 48])
@pytest.mark.parametrize(("queries", "keys"), [(1300, 1300), (700, 1999), (1, 512)])
def test_it_is_softmax_attention(queries: int, keys: int, width: int) -> None:
    query, key, value = (tokens(n, width=width, seed=s) for s, n in enumerate((queries, keys, keys)))
    wanted = exact(query, key, value)
    assert relative(blocked_attention(query, key, value), wanted) < TOLERANCE


def test_large_scores_are_not_blurred() -> None:
    # Every query has one key that is nearly itself: scores up to 20, of which bfloat16 alone loses 0.06.
    key = tokens(1024)
    query, value = key * 2.5, tokens(1024, seed=3)
    wanted = exact(query, key, value)
    plainly = torch.softmax(query @ key.mT / 8, dim=-1) @ value  # every step rounded
    assert relative(blocked_attention(query, key, value), wanted) < TOLERANCE
    assert relative(plainly, wanted) > relative(blocked_attention(query, key, value), wanted)


class Attention(torch.nn.Module):
    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(query, key, value)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many keys each call had that went our way."""
    found: list[int] = []

    def noting(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        found.append(key.shape[2])
        return blocked_attention(query, key, value)

    monkeypatch.setattr(cpu_attention, "blocked_attention", noting)
    return found


@pytest.mark.parametrize("how", ["eager", "traced", "scripted"])
def test_torchscript_files_use_it_too(how: str, calls: list[int]) -> None:
    module: torch.nn.Module = Attention()
    inputs = tuple(tokens(600, seed=seed) for seed in range(3))
    if how == "traced":
        module = torch.jit.trace(module, inputs)
    elif how == "scripted":
        module = torch.jit.script(module)
    with torch.inference_mode(), AttentionByProducts(), torch.autocast("cpu", BF16):
        found = module(*inputs)
    assert calls == [600]
    assert relative(found, exact(*inputs)) < TOLERANCE


@pytest.mark.parametrize("case", ["float32", "few keys", "mask", "causal", "scale"])
def test_other_attention_stays_as_it_is(case: str, calls: list[int]) -> None:
    count = 100 if case == "few keys" else 600
    inputs = [tokens(count, seed=seed) for seed in range(3)]
    if case == "float32":
        inputs = [each.float() for each in inputs]
    options = {
        "mask": {"attn_mask": torch.ones(count, count, dtype=torch.bool).tril()},
        "causal": {"is_causal": True},
        "scale": {"scale": 0.5},
    }.get(case, {})
    wanted = functional.scaled_dot_product_attention(*inputs, **options)
    with torch.inference_mode(), AttentionByProducts():
        found = functional.scaled_dot_product_attention(*inputs, **options)
    assert not calls
    torch.testing.assert_close(found, wanted, rtol=0, atol=0)


def test_only_a_cpu_in_bfloat16_wants_it() -> None:
    assert isinstance(attention_for(Plan(CPU, BF16)), AttentionByProducts)
    assert not isinstance(attention_for(Plan(CPU, torch.float32)), AttentionByProducts)
    assert not isinstance(attention_for(Plan(torch.device("cuda"), BF16)), AttentionByProducts)
