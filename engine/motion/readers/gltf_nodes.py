"""The nodes of a glTF file: which of them are joints, and where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.errors import AvatarError
from ...avatar.rotations import matrix_from_quat, polar_rotation, quat_from_matrix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...avatar.arrays import Float as Array
    from .gltf_document import Document


@dataclass(frozen=True)
class Placing:
    """A node against its parent, over time or at rest.

    Args:
        place: [F, 3]
        turn: w, x, y, z. [F, 4]
        scale: [F, 3]
    """

    place: Array
    turn: Array
    scale: Array


def node_parents(document: Document) -> list[int]:
    """Parent of each node, -1 for those at the top.

    Raises:
        AvatarError: If a node has two parents, or is its own ancestor.
    """
    nodes = document.listed("nodes")
    parents = [-1] * len(nodes)
    for index, node in enumerate(nodes):
        for child in node.get("children", []):
            if not 0 <= child < len(nodes) or parents[child] >= 0:
                raise AvatarError(
                    f"{document.where}: node {child} is missing or has two parents. Export it again."
                )
            parents[child] = index
    if len(top_down(parents)) < len(nodes):
        raise AvatarError(f"{document.where}: its nodes form a circle. Export it again.")
    return parents


def top_down(parents: Sequence[int]) -> list[int]:
    """Nodes with parents before children; those in a circle are left out."""
    children: dict[int, list[int]] = {}
    for index, parent in enumerate(parents):
        children.setdefault(parent, []).append(index)
    order: list[int] = []
    waiting = list(reversed(children.get(-1, [])))
    while waiting:
        order.append(waiting.pop())
        waiting.extend(reversed(children.get(order[-1], [])))
    return order


def joint_names(document: Document, animated: set[int], parents: Sequence[int]) -> dict[int, str]:
    """The nodes that make the skeleton, and what they are called.

    A humanoid of VRM says itself; else it is the skin most of which moves; else all that moves, and what
    hangs on it.
    """
    humanoid = _humanoid(document.json)
    if humanoid:
        return humanoid
    nodes = document.listed("nodes")
    skins = [skin["joints"] for skin in document.listed("skins")]
    chosen: set[int] = set()
    if skins:
        chosen = set(max(skins, key=lambda joints: len(animated.intersection(joints))))
    if not chosen & animated:
        chosen = set()
        for node in top_down(parents):
            if node in animated or parents[node] in chosen:
                chosen.add(node)
    return {node: str(nodes[node].get("name", f"node {node}")) for node in chosen}


def _humanoid(tree: Mapping[str, Any]) -> dict[int, str]:
    extensions = tree.get("extensions", {})
    for name in ("VRMC_vrm_animation", "VRMC_vrm"):
        bones = extensions.get(name, {}).get("humanoid", {}).get("humanBones", {})
        if bones:
            return {int(entry["node"]): str(bone) for bone, entry in bones.items()}
    bones = extensions.get("VRM", {}).get("humanoid", {}).get("humanBones", [])
    return {int(entry["node"]): str(entry["bone"]) for entry in bones}


def resting(document: Document, node: int) -> Placing:
    """A node as the file places it. [1, …]"""
    entry = document.listed("nodes")[node]
    if "matrix" in entry:
        matrix = np.array(entry["matrix"], np.float64).reshape(4, 4).T
        turn = polar_rotation(matrix[:3, :3])
        place, scale = matrix[:3, 3], np.diag(turn.T @ matrix[:3, :3])
        quat = quat_from_matrix(turn)
    else:
        place = np.array(entry.get("translation", (0, 0, 0)), np.float64)
        x, y, z, w = entry.get("rotation", (0, 0, 0, 1))
        quat, scale = np.array([w, x, y, z], np.float64), np.array(entry.get("scale", (1, 1, 1)), np.float64)
    if place.shape != (3,) or scale.shape != (3,) or not np.isfinite([*place, *quat, *scale]).all():
        raise ValueError(f"node {node} is misplaced")
    if not quat.any():
        raise ValueError(f"node {node} has a rotation of length zero")
    return Placing(place[None], quat[None], scale[None])


def in_world(
    placings: Mapping[int, Placing], parents: Sequence[int], frames: int
) -> tuple[dict[int, Array], dict[int, Array]]:
    """Rotations [F, 3, 3] and positions [F, 3] of nodes, whose ancestors are all among them.

    Scales move what hangs on a node, and leave rotations as they are.
    """
    turns: dict[int, Array] = {}
    places: dict[int, Array] = {}
    stretched: dict[int, Array] = {}
    for node in top_down(parents):
        if node not in placings:
            continue
        placing, parent = placings[node], parents[node]
        local = matrix_from_quat(placing.turn)
        full = local * placing.scale[:, None, :]
        if parent < 0:
            turns[node], places[node], stretched[node] = local, placing.place, full
        else:
            turns[node] = turns[parent] @ local
            places[node] = places[parent] + (stretched[parent] @ placing.place[:, :, None])[..., 0]
            stretched[node] = stretched[parent] @ full
    shape = (frames, 3)
    return (
        {node: np.broadcast_to(turn, (*shape, 3)) for node, turn in turns.items()},
        {node: np.broadcast_to(place, shape) for node, place in places.items()},
    )
