"""Golden files of the official code: what each asks, and how far our answers are from its own.

A golden file holds inputs ``in.*``, weights ``weight.*`` under their official names and results, all in one
safetensors file whose metadata has the settings as JSON under ``config``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    Answers = dict[str, Tensor]

_GIVEN = ("in.", "weight.")
_UNKNOWABLE = {
    "init.out_layers.shs.bias": "random in the official code",
    "voxel.flat_weights": "dead: nothing reads the voxel grid",
    "voxel.grid_points": "dead: nothing reads the voxel grid",
    "voxel.query_points": "an input",
    "voxel.query_weights": "dead: nothing reads the voxel grid",
    "voxel.template_verts": "dead: nothing reads the voxel grid",
}


@dataclass(frozen=True)
class Golden:
    """One file.

    Args:
        path: The file.
        settings: Its ``config``.
        tensors: All of it, by name.
    """

    path: Path
    settings: dict[str, Any]
    tensors: dict[str, Tensor]

    def weight(self, key: str) -> Tensor:
        """A weight by its official key."""
        return self.tensors[f"weight.{key}"]

    def given(self, name: str) -> Tensor:
        """An input."""
        return self.tensors[f"in.{name}"]

    def has(self, name: str) -> bool:
        """Whether there is such a tensor."""
        return name in self.tensors


@dataclass(frozen=True)
class Row:
    """How one tensor fared.

    Args:
        name: As in the file.
        error: Largest absolute difference; none if we computed nothing.
        note: Why there is none, or what else is to say.
    """

    name: str
    error: float | None
    note: str = ""

    def fails(self, tolerance: float) -> bool:
        """Whether the tensor is too far off, or was forgotten. Nan fails, too."""
        if self.error is None:
            return not self.note
        return not self.error <= tolerance


def read_golden(path: Path) -> Golden | None:
    """Read a file; none if it has no settings, and so is something else."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if "config" not in metadata:
            return None
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    return Golden(path, json.loads(metadata["config"]), tensors)


def compare(path: Path) -> list[Row]:
    """Answer a file's questions and compare.

    Args:
        path: A golden file.

    Returns:
        A row for every result in the file.
    """
    from . import golden_runs

    try:
        golden = read_golden(path)
        if golden is None:
            return [Row(path.name, None, "no golden file: its metadata has no config")]
        with torch.inference_mode():
            answers = runner(golden, golden_runs.RUNS)(golden)
    # A file that nobody can answer must not keep the others from being compared.
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        return [Row(f"{type(error).__name__}: {error}".splitlines()[0], float("inf"))]
    rows = []
    for name, expected in sorted(golden.tensors.items()):
        if name.startswith(_GIVEN):
            continue
        if name in answers:
            rows.append(Row(name, difference(answers[name], expected)))
        else:
            rows.append(Row(name, None, _UNKNOWABLE.get(name, "")))
    # What is in neither the file nor its inputs comes from beside it, as a .ply.
    rows += [Row(name, float(error)) for name, error in answers.items() if name not in golden.tensors]
    return rows


def runner(golden: Golden, runs: dict[str, Callable[[Golden], Answers]]) -> Callable[[Golden], Answers]:
    """Who answers this file: the first whose marks are all there.

    Raises:
        ValueError: If nobody does.
    """
    for marks, run in runs.items():
        if all(any(name.startswith(mark) for name in golden.tensors) for mark in marks.split()):
            return run
    raise ValueError(
        f"{golden.path.name} asks what nobody here answers: {', '.join(sorted(golden.tensors)[:5])}"
    )


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Largest absolute difference; infinite where shapes differ."""
    if ours.shape != theirs.shape:
        return float("inf")
    return float((ours.double() - theirs.double()).abs().max()) if ours.numel() else 0.0
