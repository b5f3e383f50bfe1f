"""LHM at full size with random weights: seconds per stage, memory, arithmetic, and bfloat16 against float32.

Run from the repository root: ``python -m bench.lhm_speed [--models mini 500m 1b] [--device cuda]``. Without a
GPU only MINI runs and the other rows say that they were not measured. Checkpoints are written once into
``--folder`` (2 to 7 GB each, of which dead buffers take no room on most disks) and mapped from there. Sapiens
is a transformer of the same sizes, because its file cannot be made here; ``--without-sapiens`` leaves it out.
"""

from __future__ import annotations

import argparse
import importlib
import re
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if __name__ == "__main__":
    importlib.import_module("bench.parity").load_package()

from lhm_avatars.bench.random_lhm import MODELS, SapiensStandIn, write_model
from lhm_avatars.engine.hardware import inspect_hardware
from lhm_avatars.engine.network.checkpoint import open_checkpoint
from lhm_avatars.engine.network.config import VitConfig
from lhm_avatars.engine.network.cost import SAPIENS_DEPTH, SAPIENS_WIDTH, cost, figures
from lhm_avatars.engine.network.dense_points import read_points
from lhm_avatars.engine.network.device import best_dtype, choose_device, device_name, matrix_rate
from lhm_avatars.engine.network.plan import Plan, release
from lhm_avatars.engine.network.run import Network
from lhm_avatars.engine.network.sapiens import SapiensEncoder
from lhm_avatars.engine.network.vit import VisionTransformer
from lhm_avatars.engine.preflight import judge

if TYPE_CHECKING:
    from typing import Self

    from lhm_avatars.engine.network.config import LhmConfig
    from lhm_avatars.engine.network.gaussian_head import GaussianAttributes
    from lhm_avatars.engine.network.run import Answer
    from torch import Tensor

SAPIENS_HEADS, SAPIENS_PATCH = 24, 16
DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
HEAD_SIDE, SEED = 448, 0
# Seconds and gigabytes: of a card as the H100 with everything resident, and of two CPU cores.
AIMS = {
    ("500m", "cuda"): "1 s, 6 GB",
    ("1b", "cuda"): "2 s, 8 GB",
    ("mini", "cpu"): "60 s, 6 GB",
    ("500m", "cpu"): "300 s, 6 GB",
}


def say(text: str = "") -> None:
    """One line to the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class SapiensSized(torch.nn.Module):
    """A vision transformer with Sapiens-1B's sizes and answer."""

    def __init__(self, resolution: int) -> None:
        super().__init__()
        self.model = VisionTransformer(
            VitConfig(
                width=SAPIENS_WIDTH, depth=SAPIENS_DEPTH, heads=SAPIENS_HEADS, patch=SAPIENS_PATCH,
                registers=0, trained_size=resolution, resolution=resolution, taps=(SAPIENS_DEPTH - 1,),
            )
        )  # fmt: skip

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """[1, 3, S, S] to one feature map."""
        (tokens,) = self.model.patch_tokens(image)
        side = image.shape[-1] // SAPIENS_PATCH
        return (tokens.mT.unflatten(2, (side, side)),)


def sapiens_sized(config: LhmConfig, plan: Plan) -> SapiensEncoder:
    """The stand-in with random weights, made where it runs."""
    with torch.device("meta"):
        module = SapiensSized(config.sapiens_resolution).to(plan.dtype)
    module = module.to_empty(device=plan.device).eval().requires_grad_(requires_grad=False)
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            parameter.uniform_(-0.03, 0.03)
        else:
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
    return SapiensEncoder(module, config.sapiens_resolution, plan.device, plan.dtype)


def no_sapiens(config: LhmConfig, plan: Plan) -> SapiensEncoder:
    """One linear map in its place."""
    torch.manual_seed(SEED)
    module = SapiensStandIn(config.context_width).to(plan.device, plan.dtype)
    return SapiensEncoder(module, config.sapiens_resolution, plan.device, plan.dtype)


@dataclass(frozen=True)
class Case:
    """One model on one device.

    Args:
        name: Key of ``MODELS``.
        config: Its sizes.
        folder: Where its files are kept.
        with_sapiens: Whether a transformer of Sapiens' size runs.
    """

    name: str
    config: LhmConfig
    folder: Path
    with_sapiens: bool

    def network(self, plan: Plan) -> Network:
        """The model, from its files; they are written if they are not there."""
        files = self.folder / self.name
        points = files / "dense_sample_points" / f"1_{self.config.points}.ply"
        if not (files / "model.safetensors").exists():
            say(f"writing random weights of {self.config.name} …")
            write_model(files, self.config, SEED)
        loader = sapiens_sized if self.with_sapiens else no_sapiens
        checkpoint = open_checkpoint(files / "model.safetensors")
        surface = read_points(points, self.config.points)
        return Network(checkpoint, self.config, surface, lambda plan: loader(self.config, plan), plan)

    def images(self) -> tuple[Tensor, Tensor]:
        """A body image of the model's size and a head image: noise costs as much as a person."""
        generator = torch.Generator().manual_seed(SEED)
        height, width = (int(self.config.image_size * factor / 14) * 14 for factor in (5 / 3, 1))
        body = torch.rand(1, 3, height, width, generator=generator)
        return body, torch.rand(1, 3, HEAD_SIDE, HEAD_SIDE, generator=generator)


def measure(case: Case, plan: Plan, repeats: int, rate: float) -> Answer:
    """Run a model, print what each stage costs, and give its answer back."""
    network, images = case.network(plan), case.images()
    flops = cost(case.config, plan.dtype).flops
    runs, memory = [], OwnMemory()
    for turn in range(repeats):
        began, busy = time.perf_counter(), time.process_time()
        with (memory := OwnMemory()):
            answer = network(*images)
        runs.append((time.perf_counter() - began, answer))
        # CPU seconds tell how much of the wall time went to other programs.
        say(f"  run {turn + 1}: {runs[-1][0]:.2f} s, {time.process_time() - busy:.0f} CPU s")
    seconds, answer = runs[-1]
    say(f"  {'stage':<12}{'seconds':>9}{'loading':>9}{'TFLOP':>8}{'of peak':>9}{'GPU GB':>8}")
    for index, stage in enumerate(answer.stages):
        working = statistics.median(run.stages[index].seconds - run.stages[index].loading for _, run in runs)
        counted = flops[stage.name] if case.with_sapiens or stage.name != "sapiens" else 0.0
        share = counted / working / rate
        peak = f"{stage.peak_bytes / 1e9:.2f}" if plan.device.type == "cuda" else "-"
        say(
            f"  {stage.name:<12}{working:>9.3f}{stage.loading:>9.3f}{counted / 1e12:>8.2f}"
            f"{share:>8.0%} {peak:>8}"
        )
    aim = AIMS.get((case.name, plan.device.type), "none")
    own = f"{memory.peak / 1e9:.2f} GB at most" if memory.peak else "memory not known"
    say(f"  last run {seconds:.2f} s, {own} besides the mapped files; aim {aim}")
    for note in answer.notes:
        say(f"  memory was short: {note}")
    return answer


class OwnMemory:
    """Most memory that the process holds for itself meanwhile, where the system tells (Linux).

    Pages of mapped weights are left out: the system takes them back when it needs room.
    """

    def __init__(self) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        status = Path("/proc/self/status")
        while status.exists() and not self._over.wait(0.05):
            found = re.search(r"^RssAnon:\s+(\d+) kB", status.read_text("ascii"), re.MULTILINE)
            self.peak = max(self.peak, int(found[1]) * 1024 if found else 0)


def report_difference(half: GaussianAttributes, exact: GaussianAttributes) -> None:
    """How far bfloat16 is from float32 on the same pictures."""
    say(f"  {'bfloat16 against float32':<26}{'mean':>10}{'99 %':>10}{'worst':>10}")
    for name, unit, factor in (
        ("mean_offsets", "mm", 1e3), ("scales", "mm", 1e3), ("opacities", "0..1", 1), ("colors", "0..1", 1),
    ):  # fmt: skip
        off = (getattr(half, name) - getattr(exact, name)).abs().flatten() * factor
        rank = off.kthvalue(max(1, int(0.99 * len(off)))).values
        say(f"  {f'{name} ({unit})':<26}{off.mean():>10.4f}{rank:>10.4f}{off.max():>10.4f}")


def main() -> None:
    """Measure what can be measured here, and name what cannot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", choices=DTYPES)
    parser.add_argument("--folder", type=Path, default=Path("build/lhm_speed"))
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--without-sapiens", action="store_true")
    parser.add_argument("--compare", action="store_true", help="the other precision, too")
    arguments = parser.parse_args()
    device = choose_device(arguments.device)
    on_gpu = device.type == "cuda"
    dtype = DTYPES[arguments.dtype] if arguments.dtype else best_dtype(device)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    hardware, rate = inspect_hardware(arguments.folder), matrix_rate(device, dtype)
    say(f"{device_name(device)}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    say(f"matrix peak in {dtype}: {rate / 1e12:.2f} TFLOP/s")
    chosen = arguments.models or (["mini", "500m", "1b"] if on_gpu else ["mini"])
    for name in chosen:
        # The tiny model's tokens are narrower than Sapiens makes them.
        with_sapiens = not arguments.without_sapiens and name != "tiny"
        case = Case(name, MODELS[name](), arguments.folder, with_sapiens)
        plan = Plan(device, dtype, resident=on_gpu)
        told = judge(
            figures(case.config), hardware, to_fetch=0, rate=rate, dtype_bytes=dtype.itemsize,
            device=device.type,
        )  # fmt: skip
        say(f"{case.config.name}: fits {told.fits}, expected {told.seconds:.1f} s {' '.join(told.problems)}")
        with torch.inference_mode():
            answer = measure(case, plan, arguments.repeats or (5 if on_gpu else 1), rate)
            release(device)
            if arguments.compare or on_gpu:
                other = next(each for each in DTYPES.values() if each != dtype)
                second = measure(case, Plan(device, other), 1, matrix_rate(device, other))
                pair = (answer, second) if dtype == torch.bfloat16 else (second, answer)
                report_difference(*(each.attributes for each in pair))
        release(device)
    if not on_gpu:
        say("GPU rows: not yet measured (torch sees no CUDA device here)")
    for name in MODELS:
        if name not in (*chosen, "tiny"):
            say(f"{MODELS[name]().name} on {device.type}: not yet measured")


if __name__ == "__main__":
    main()
