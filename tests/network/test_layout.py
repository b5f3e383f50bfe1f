"""Keys, shapes and types of the released models, against lists made with the official classes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lhm_avatars.engine.network.config import lhm_1b, lhm_1b_hf, lhm_500m, lhm_500m_hf, lhm_mini
from lhm_avatars.engine.network.layout import byte_count, dead_layout, live_layout, released_layout
from lhm_avatars.engine.network.model import blueprint

GOLDENS = Path(__file__).parent.parent / "goldens" / "lhm"
# Released keys, parameters and bytes after the header, as the description of the official code counts them.
RELEASED = {
    lhm_mini: ("mini", 529, 442_314_510, 2_775_609_272),
    lhm_500m: ("500m", 721, 668_992_782, 3_829_922_360),
    lhm_500m_hf: ("500m", 721, 668_992_782, 3_829_922_360),
    lhm_1b: ("1b", 1361, 1_424_587_022, 6_852_299_320),
    lhm_1b_hf: ("1b", 1361, 1_424_587_022, 6_852_299_320),
}


@pytest.mark.parametrize("builder", RELEASED, ids=lambda builder: builder.__name__)
def test_keys_shapes_and_types_are_those_of_the_release(builder) -> None:
    listed = json.loads((GOLDENS / f"lhm-statedict-{RELEASED[builder][0]}.json").read_text())
    expected = {
        each["key"]: (tuple(each["shape"]), f"torch.{each['dtype']}") for each in listed if each["released"]
    }
    found = {key: (slot.shape, str(slot.dtype)) for key, slot in released_layout(builder()).items()}
    assert found == expected
    assert len(found) == RELEASED[builder][1]


@pytest.mark.parametrize("builder", RELEASED, ids=lambda builder: builder.__name__)
def test_the_blueprint_has_all_parameters_and_no_memory(builder) -> None:
    model = blueprint(builder())
    tensors = [*model.parameters(), *model.buffers()]
    assert all(tensor.is_meta for tensor in tensors)
    assert sum(each.numel() for each in model.parameters()) == RELEASED[builder][2]
    assert byte_count(released_layout(builder())) == RELEASED[builder][3]


@pytest.mark.parametrize("builder", [lhm_mini, lhm_500m, lhm_1b])
def test_a_gigabyte_is_dead_and_nothing_is_both(builder) -> None:
    config = builder()
    dead, live = dead_layout(config), live_layout(config)
    assert not dead.keys() & live.keys()
    assert byte_count(dead) > 0.9e9
    # Everything that the network reads but the body's rows and joints is a parameter, besides one basis.
    buffers = {key for key in live if key.startswith("renderer.smplx_model.")}
    assert len(buffers) == 9
