"""The catalogue is whole: every model can be got, shown and explained."""

from __future__ import annotations

import re

import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.weights.catalogue import LICENCES, Asset, asset, catalogue, licences_of, with_needs

MODELS = ("lhm-mini", "lhm-500m", "lhm-500m-hf", "lhm-1b", "lhm-1b-hf")


@pytest.mark.parametrize("item", catalogue(), ids=lambda item: item.name)
def test_every_asset_can_be_got_and_explained(item: Asset) -> None:
    assert re.fullmatch(r"[a-z0-9-]+", item.name)  # it names a folder, on every system
    assert item.licences
    assert {licence.url[:8] for licence in licences_of(item.name)} == {"https://"}
    assert item.page.startswith("https://")
    assert all(needed.name != item.name for needed in with_needs(item.name)[1:])
    assert item.revision is None or re.fullmatch("[0-9a-f]{40}", item.revision)
    for file in item.files:
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(r"[\w.]+", file.name)  # no folders in it
    assert item.main.required


def test_names_are_given_once() -> None:
    names = [item.name for item in catalogue()]
    assert len(set(names)) == len(names)
    assert [item.name for item in catalogue() if item.name.startswith("lhm-")] == list(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_needs_sapiens_and_its_points(name: str) -> None:
    count = 20_000 if name == "lhm-mini" else 40_000
    _, sapiens, points = with_needs(name)
    assert (sapiens.name, points.main.vertices) == ("sapiens-1b", count)
    assert {licence.name for licence in licences_of(name)} == {"lhm", "smplx"}
    assert not any(licence.commercial for licence in licences_of(name))


@pytest.mark.parametrize(
    ("name", "tensors", "keys"),
    [("lhm-mini", 2_775_609_272, 529), ("lhm-500m", 3_829_922_360, 721), ("lhm-1b", 6_852_299_320, 1361)],
)
def test_sizes_leave_room_for_a_header(name: str, tensors: int, keys: int) -> None:
    # Bytes of all tensors and number of keys, as specified; a header takes about 115 a key.
    header = asset(name).main.expected_bytes - tensors
    assert 100 * keys < header < 130 * keys


def test_only_the_user_brings_smplx() -> None:
    assert asset("smplx").repository is None
    assert not asset("smplx").in_prior_archive


def test_sizes_fit_exactly_or_nearly() -> None:
    mini, large, sapiens = (asset(name).main for name in ("lhm-mini", "lhm-500m", "sapiens-1b"))
    assert mini.fits(mini.expected_bytes)
    assert not mini.fits(mini.expected_bytes + 1)
    assert large.fits(large.expected_bytes + 32)
    assert not large.fits(mini.expected_bytes)
    assert sapiens.fits(1)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(AvatarError, match=r"no model named 'lhm'\. Choose one of: lhm-mini"):
        asset("lhm")


def test_what_each_licence_allows_is_said() -> None:
    for licence in LICENCES.values():
        assert licence.allows.endswith(".")
        assert licence.commercial == ("on-commercial" not in licence.allows)
