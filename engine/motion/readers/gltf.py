"""glTF and VRMA: nodes that move, on a skin, a humanoid, or on their own."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.errors import AvatarError
from ..face.face_take import FaceTake
from ..take import DEFAULT_FPS, Take
from ..upright import BODY_FROM_UP, choose_up
from .gltf_document import Document, read_document
from .gltf_nodes import Placing, in_world, joint_names, node_parents, resting, top_down
from .gltf_sampling import frame_times, sampled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...avatar.arrays import Float as Array
    from .options import Options

_MOVES = {"translation": "place", "rotation": "turn", "scale": "scale"}
_VRMA = "VRMC_vrm_animation"
_DAMAGED = (
    KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, MemoryError, RecursionError,
    struct.error,
)  # fmt: skip


def is_gltf(tree: object) -> bool:
    """Whether a JSON tree is glTF's."""
    return isinstance(tree, dict) and "asset" in tree and "nodes" in tree


def read_gltf(path: Path, options: Options) -> Take | FaceTake:
    """Read one animation of a glTF or VRMA file; its times are seconds, ``fps`` only says how often to look.

    Raises:
        AvatarError: If it is damaged, or holds no animation, or not the one asked for.
    """
    try:
        document = read_document(path)
        return _take(document, path.stem or path.name, options)
    except _DAMAGED as error:
        raise AvatarError(f"{path.name} is damaged ({error}). Export it again.") from error


def _take(document: Document, name: str, options: Options) -> Take | FaceTake:
    animation, notes = _animation(document, options)
    channels = [channel for channel in animation["channels"] if "node" in channel["target"]]
    samplers, parents = animation["samplers"], node_parents(document)
    animated = {channel["target"]["node"] for channel in channels if channel["target"]["path"] in _MOVES}
    names = joint_names(document, animated, parents)
    if not names and not any(channel["target"]["path"] == "weights" for channel in channels):
        raise AvatarError(f"{document.where} moves no joints. Export it with its skeleton's animation.")
    keys = [document.accessor(samplers[channel["sampler"]]["input"])[:, 0] for channel in channels]
    times, fps = frame_times(keys, options.fps)
    if fps is None:
        notes.append(f"The file does not state its frame rate; {DEFAULT_FPS:g} was taken.")
    curves, title = _curves(document, channels, samplers, times), str(animation.get("name") or name)
    source = "VRMA" if _VRMA in document.json.get("extensions", {}) else "glTF"
    if not names:
        return FaceTake(curves, fps, title, source, notes=tuple(notes))
    nodes = [node for node in top_down(parents) if node in names]
    rest = {node: resting(document, node) for node in _with_ancestors(nodes, parents)}
    moving = dict(rest)
    for channel in channels:
        node, what = channel["target"]["node"], _MOVES.get(channel["target"]["path"])
        if what and node in moving:
            values = sampled(document, samplers[channel["sampler"]], times, turns=what == "turn")
            moving[node] = replace(moving[node], **{what: values})
    up = choose_up(options.up, np.zeros((0, 3)), "y", stated=True).axis
    rotations, positions = _stacked(moving, nodes, parents, len(times), BODY_FROM_UP[up])
    rest_rotations, rest_positions = _stacked(rest, nodes, parents, 1, BODY_FROM_UP[up])
    return Take(
        names=tuple(names[node] for node in nodes),
        parents=tuple(_joint_parent(node, nodes, parents) for node in nodes),
        rotations=rotations,
        positions=positions,
        rest_rotations=rest_rotations[0],
        rest_positions=rest_positions[0],
        fps=fps,
        name=title,
        source=source,
        unit_m=1.0,
        up=up,
        curves=curves,
        notes=tuple(notes),
    )


def _animation(document: Document, options: Options) -> tuple[dict[str, Any], list[str]]:
    """The animation asked for, else the longest."""
    animations = [entry for entry in document.listed("animations") if entry.get("channels")]
    if not animations:
        raise AvatarError(f"{document.where} holds no animation. Choose a file with one, or export it along.")
    if options.person is not None:
        if not 0 <= options.person < len(animations):
            raise AvatarError(
                f"{document.where} holds {len(animations)} animations. Choose one of 0 to "
                f"{len(animations) - 1}."
            )
        return animations[options.person], []
    index = max(range(len(animations)), key=lambda k: _seconds(document, animations[k]))
    if len(animations) == 1:
        return animations[0], []
    listed = ", ".join(f"{k}: {entry.get('name', 'unnamed')}" for k, entry in enumerate(animations))
    return animations[index], [
        f"The file holds {len(animations)} animations ({listed}); number {index} is the "
        "longest and was taken."
    ]


def _seconds(document: Document, animation: dict[str, Any]) -> float:
    ends = [document.accessor(sampler["input"])[:, 0] for sampler in animation["samplers"]]
    return max((float(times[-1]) for times in ends if len(times)), default=0.0)


def _with_ancestors(nodes: Sequence[int], parents: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for node in nodes:
        while node >= 0 and node not in found:
            found.add(node)
            node = parents[node]
    return found


def _joint_parent(node: int, nodes: Sequence[int], parents: Sequence[int]) -> int:
    """The nearest ancestor that is a joint; what lies between is in the world's numbers already."""
    ancestor = parents[node]
    while ancestor >= 0 and ancestor not in nodes:
        ancestor = parents[ancestor]
    return nodes.index(ancestor) if ancestor >= 0 else -1


def _stacked(
    placings: dict[int, Placing], nodes: Sequence[int], parents: Sequence[int], frames: int, basis: Array
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    turns, places = in_world(placings, parents, frames)
    rotations = basis @ np.stack([turns[node] for node in nodes], axis=1)
    positions = np.stack([places[node] for node in nodes], axis=1) @ basis.T
    return np.asarray(rotations, np.float64), np.asarray(positions, np.float64)


def _curves(
    document: Document, channels: Sequence[dict[str, Any]], samplers: Sequence[dict[str, Any]], times: Array
) -> dict[str, NDArray[np.float64]]:
    """Weights of face shapes: VRMA puts them in the x of a node, glTF in a mesh's morph targets."""
    curves: dict[str, NDArray[np.float64]] = {}
    expressions = _expression_nodes(document.json)
    for channel in channels:
        node, path = channel["target"]["node"], channel["target"]["path"]
        if path == "translation" and node in expressions:
            values = sampled(document, samplers[channel["sampler"]], times)
            curves[expressions[node]] = np.asarray(values[:, 0], np.float64)
        elif path == "weights":
            values = sampled(document, samplers[channel["sampler"]], times)
            for name, column in zip(_target_names(document, node, values.shape[1]), values.T, strict=True):
                curves.setdefault(name, np.asarray(column, np.float64))
    return curves


def _expression_nodes(tree: dict[str, Any]) -> dict[int, str]:
    groups = tree.get("extensions", {}).get(_VRMA, {}).get("expressions", {})
    return {
        int(entry["node"]): str(name)
        for group in ("preset", "custom")
        for name, entry in groups.get(group, {}).items()
    }


def _target_names(document: Document, node: int, count: int) -> list[str]:
    mesh = document.listed("meshes")[document.listed("nodes")[node]["mesh"]]
    names = [str(name) for name in mesh.get("extras", {}).get("targetNames", [])]
    return [names[k] if k < len(names) else f"shape {k}" for k in range(count)]
