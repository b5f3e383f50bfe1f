"""The static figures against the count of engine/network/cost.py; what fits which computer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lhm_avatars.engine.hardware import Gpu, Hardware
from lhm_avatars.engine.preflight import FIGURES, SAPIENS_BYTES, preflight
from lhm_avatars.engine.weights.catalogue import catalogue

CARD = Gpu("H100", int(80e9), int(79e9), "580.1", "cuda", (9, 0))
SERVER = Hardware(CARD, int(64e9), int(60e9), int(100e9), 16, "Linux", "x86_64")
LAPTOP = replace(SERVER, gpu=None, ram_bytes=int(16e9), ram_free=int(12e9))


def test_the_figures_are_the_ones_that_are_counted() -> None:
    pytest.importorskip("torch")
    from lhm_avatars.engine.network import cost
    from lhm_avatars.engine.network.config import RELEASED

    assert {build().name.lower(): cost.figures(build()) for build in RELEASED} == FIGURES


def test_every_model_of_the_catalogue_has_figures() -> None:
    assert {asset.name for asset in catalogue() if asset.name.startswith("lhm-")} == set(FIGURES)


def test_sapiens_is_as_large_as_its_file() -> None:
    (asset,) = (asset for asset in catalogue() if asset.name == "sapiens-1b")
    assert asset.expected_bytes == pytest.approx(SAPIENS_BYTES, rel=0.01)


@pytest.mark.parametrize("name", FIGURES)
def test_every_model_fits_a_data_centre(name: str) -> None:
    told = preflight(name, SERVER, to_fetch=int(12e9))
    assert (told.fits, told.problems) == (True, ())
    assert told.needed_bytes == FIGURES[name].bfloat16_bytes


def test_a_card_that_is_too_small_is_named() -> None:
    small = replace(SERVER, gpu=replace(CARD, name="GTX 1050", free_bytes=int(2e9), capability=(6, 1)))
    told = preflight("lhm-500m", small, to_fetch=0)
    assert not told.fits
    assert told.problems == ("It needs 5.7 GB of memory of the GTX 1050, 2.0 GB are free.",)


def test_disk_counts_for_what_is_still_to_fetch_only() -> None:
    full = replace(SERVER, disk_free=int(5e9))
    told = preflight("lhm-500m", full, to_fetch=8_500_000_000)
    assert told.problems == ("It needs 8.5 GB of disk, 5.0 GB are free.",)
    assert preflight("lhm-500m", full, to_fetch=0).fits
    assert preflight("lhm-500m", full, to_fetch=int(5e9)).fits


def test_memory_for_reading_sapiens_counts_beside_the_cards() -> None:
    told = preflight("lhm-mini", replace(SERVER, ram_free=int(3e9)), to_fetch=0)
    assert told.problems == ("It needs 4.7 GB of memory, 3.0 GB are free.",)
    assert preflight("lhm-mini", replace(SERVER, ram_free=None), to_fetch=0).fits


def test_without_a_card_the_computers_memory_counts_once() -> None:
    assert preflight("lhm-1b", LAPTOP, to_fetch=0).fits
    told = preflight("lhm-1b", replace(LAPTOP, ram_free=int(6e9)), to_fetch=0)
    assert told.problems == ("It needs 8.0 GB of memory, 6.0 GB are free.",)
    # In bfloat16 the network needs less, but Sapiens is still read in float32.
    tight = replace(LAPTOP, ram_free=int(4.5e9))
    assert preflight("lhm-1b", tight, to_fetch=0, dtype_bytes=2).problems == (
        "It needs 4.7 GB of memory, 4.5 GB are free.",
    )


def test_an_apple_chips_memory_is_the_computers() -> None:
    mac = replace(LAPTOP, gpu=Gpu("Apple M2", int(16e9), int(5e9), "15.1", "mps"), ram_free=int(5e9))
    told = preflight("lhm-mini", mac, to_fetch=0)
    assert told.problems == ("It needs 5.7 GB of memory, 5.0 GB are free.",)


def test_the_processor_can_be_asked_for_beside_a_card() -> None:
    cramped = replace(SERVER, gpu=replace(CARD, free_bytes=0))
    assert not preflight("lhm-mini", cramped, to_fetch=0).fits
    told = preflight("lhm-mini", cramped, to_fetch=0, device="cpu")
    assert (told.fits, told.needed_bytes) == (True, FIGURES["lhm-mini"].float32_bytes)


@pytest.mark.parametrize(
    ("gpu", "half"),
    [
        (replace(CARD, capability=None), True),
        (replace(CARD, capability=(7, 5)), False),
        (Gpu("Radeon", int(16e9), int(15e9), "", "rocm"), True),
        (Gpu("Apple M2", int(16e9), int(15e9), "", "mps"), False),
    ],
)
def test_the_weights_are_in_what_the_card_computes_in(gpu: Gpu, *, half: bool) -> None:
    figures = FIGURES["lhm-1b"]
    expected = figures.bfloat16_bytes if half else figures.float32_bytes
    assert preflight("lhm-1b", replace(SERVER, gpu=gpu), to_fetch=0).needed_bytes == expected


def test_time_follows_the_measured_rate() -> None:
    assert preflight("lhm-mini", SERVER, to_fetch=0).seconds is None
    fast, slow = (preflight("lhm-1b", SERVER, to_fetch=0, rate=rate).seconds for rate in (600e12, 300e12))
    assert slow == pytest.approx(2 * fast)
    assert 0.3 < fast < 2
    # A processor has less to lose on the way: it comes closer to the rate of one large product.
    on_cpu = preflight("lhm-1b", SERVER, to_fetch=0, rate=300e12, device="cpu").seconds
    assert on_cpu < slow


def test_what_the_engine_measured_counts_before_what_the_driver_says() -> None:
    figures = FIGURES["lhm-mini"]
    blind = {"device": "cpu", "dtype": "float32", "rate": 0.2e12}  # torch does not see the card
    told = preflight("lhm-mini", SERVER, to_fetch=0, measured=blind)
    assert told == preflight("lhm-mini", SERVER, to_fetch=0, rate=0.2e12, dtype_bytes=4, device="cpu")
    assert told.needed_bytes == figures.float32_bytes
    amd = replace(SERVER, gpu=Gpu("Radeon", int(16e9), int(2e9), "", "rocm"))
    told = preflight("lhm-mini", amd, to_fetch=0, measured={**blind, "device": "cuda", "dtype": "bfloat16"})
    assert told.problems == ("It needs 3.1 GB of memory of the Radeon, 2.0 GB are free.",)
    assert told.seconds == pytest.approx(figures.flops / (0.2e12 * 0.45))


@pytest.mark.parametrize("name", ["lift", "lhm-own"])
def test_an_engine_without_figures_is_only_short_of_disk(name: str) -> None:
    tiny = replace(LAPTOP, ram_free=0, disk_free=int(1e9))
    assert preflight(name, tiny, to_fetch=0).fits
    assert preflight(name, tiny, to_fetch=int(2e9)).problems == ("It needs 2.0 GB of disk, 1.0 GB are free.",)
