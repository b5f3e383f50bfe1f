"""A whole run of the tiny model, and what it gives up when memory ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.network.checkpoint import fill, open_checkpoint
from lhm_avatars.engine.network.config import lhm_tiny
from lhm_avatars.engine.network.model import Lhm
from lhm_avatars.engine.network.plan import Plan, out_of_memory, with_less_memory
from lhm_avatars.engine.network.sapiens import load_sapiens

CONFIG = lhm_tiny()
ON_CPU = Plan(torch.device("cpu"), torch.float32)


def largest_difference(ours, theirs) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


def test_stages_give_what_the_whole_network_gives(make_network, files, images) -> None:
    network = make_network()
    answer = network(*images)
    whole = Lhm(CONFIG)
    fill(whole, open_checkpoint(files.weights).read)
    sapiens = load_sapiens(files.sapiens, CONFIG.sapiens_resolution, ON_CPU.device, ON_CPU.dtype)
    with torch.inference_mode():
        expected = whole(sapiens(images[0]), images[1], network.neutral.query_points)
    assert largest_difference(answer.attributes, [values[0] for values in expected]) < 1e-6
    assert [stage.name for stage in answer.stages] == ["sapiens", "head", "transformer", "gaussians"]
    assert answer.notes == ()


@pytest.mark.parametrize(
    "changes",
    [{"resident": True}, {"stream_layers": True}, {"rows": 97}],
    ids=lambda changes: next(iter(changes)),
)
def test_no_way_to_save_memory_changes_the_answer(make_network, images, changes) -> None:
    plain = make_network()(*images)
    saving = make_network(replace(ON_CPU, **changes))
    first, second = saving(*images), saving(*images)
    assert largest_difference(first.attributes, plain.attributes) < 1e-6
    assert largest_difference(second.attributes, plain.attributes) < 1e-6


def test_parts_stay_or_leave_as_the_plan_says(make_network, images) -> None:
    kept, emptied = make_network(replace(ON_CPU, resident=True)), make_network()
    for network, stays in ((kept, True), (emptied, False)):
        network(*images)
        parts = [part for name, part in network._model.named_children() if name != "body"]
        assert {parameter.is_meta for part in parts for parameter in part.parameters()} == {not stays}


def test_half_precision_stays_close(make_network, images) -> None:
    exact = make_network()(*images).attributes
    half = make_network(replace(ON_CPU, dtype=torch.bfloat16))(*images).attributes
    assert all(values.dtype == torch.float32 for values in half)
    assert 0 < largest_difference([half.colors], [exact.colors]) < 0.05
    assert largest_difference([half.mean_offsets], [exact.mean_offsets]) < 0.002  # metres


def test_progress_is_told_and_may_cancel(make_network, images) -> None:
    told = []
    make_network()(*images, lambda stage, done: told.append((stage, done)))
    assert told[0] == ("sapiens", 0.0)
    assert ("transformer", 0.5) in told
    assert told[-1] == ("gaussians", 1.0)

    def cancel(stage: str, _: float) -> None:
        if stage == "transformer":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        make_network()(*images, cancel)


def test_a_run_steps_down_and_says_so(make_network, images, monkeypatch) -> None:
    expected = make_network()(*images).attributes
    network = make_network(replace(ON_CPU, resident=True))
    real, failures = network._model.transformer.forward, []

    def short_of_memory(points, context, modulation, rows, layers):
        if len(failures) < 3:
            failures.append(rows)
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(points, context, modulation, rows, layers)

    monkeypatch.setattr(network._model.transformer, "forward", short_of_memory)
    answer = network(*images)
    assert answer.notes == (
        "the network's parts were loaded one after another",
        "the transformer's layers were loaded one by one",
        "tokens were worked on 8192 at a time",
    )
    assert largest_difference(answer.attributes, expected) < 1e-6
    # What worked is remembered for the next photo.
    assert network.plan.rows == 8192
    assert network(*images).notes == ()


def test_the_last_step_is_a_sentence_for_the_user() -> None:
    plans = []

    def never(plan: Plan) -> None:
        plans.append(plan)
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(AvatarError, match="LHM-1B needs more memory than CPU has free"):
        with_less_memory(ON_CPU, never, "LHM-1B")
    assert [plan.rows for plan in plans] == [None, None, 8192, 2048, 512]


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def broken(_: Plan) -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        with_less_memory(ON_CPU, broken, "LHM-1B")
    assert out_of_memory(MemoryError())
    assert out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other: 2.00 GB)"))
    assert not out_of_memory(ValueError("out of memory"))


def test_a_wrong_sapiens_file_is_refused(tmp_path, files) -> None:
    with pytest.raises(AvatarError, match="is missing"):
        load_sapiens(tmp_path / "none.pt2", 128, ON_CPU.device, ON_CPU.dtype)
    (tmp_path / "text.pt2").write_text("hello")
    with pytest.raises(AvatarError, match="no TorchScript file"):
        load_sapiens(tmp_path / "text.pt2", 128, ON_CPU.device, ON_CPU.dtype)
    torch.jit.trace(torch.nn.Flatten(), torch.zeros(1, 3, 128, 128)).save(str(tmp_path / "other.pt2"))
    other = load_sapiens(tmp_path / "other.pt2", 128, ON_CPU.device, ON_CPU.dtype)
    with pytest.raises(AvatarError, match="another network"):
        other(torch.zeros(1, 3, 10, 10))
