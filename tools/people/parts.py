"""A person as parts that follow the bones: what every stage makes and the film moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...engine.avatar.body import JOINT_COUNT

if TYPE_CHECKING:
    import bpy

    from ...engine.avatar.arrays import Float


@dataclass(frozen=True)
class Part:
    """Something rigged, at rest in body axes, metres.

    Args:
        name: Of the Blender object.
        rest: Its points. [V, 3]
        weights: [V, 55], or [55] where all points move alike.
        polygons: Of a mesh; none for strands.
        strand: Points of each strand; 0 for a mesh.
        radius: Of strands, metres.
        thick: Of a mesh that is a single layer; 0 for solid things.
        values: Attributes for the material.
        material: What it is made of.
    """

    name: str
    rest: Float
    weights: Float
    material: bpy.types.Material
    polygons: list[tuple[int, ...]] = field(default_factory=list)
    strand: int = 0
    radius: float = 0.0
    thick: float = 0.0
    values: dict[str, Float] = field(default_factory=dict)

    def posed(self, posed_from_rest: Float) -> Float:
        """Its points in a pose. [V, 3]

        Args:
            posed_from_rest: [55, 4, 4]
        """
        flat = posed_from_rest[:, :3].reshape(JOINT_COUNT, 12)
        if self.weights.ndim == 1:
            one = (self.weights @ flat).reshape(3, 4)
            return self.rest @ one[:, :3].T + one[:, 3]
        blended = (self.weights @ flat).reshape(-1, 3, 4)
        return np.einsum("nab,nb->na", blended[:, :, :3], self.rest) + blended[:, :, 3]
