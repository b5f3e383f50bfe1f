"""Fabrics as shader graphs in rest coordinates, so that patterns stick in every pose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..example.materials import Graph, color

if TYPE_CHECKING:
    import bpy

    from .recipe import Cloth

    Socket = bpy.types.NodeSocket


def linear(hex_: str) -> tuple[float, float, float, float]:
    """Display-space hex as a linear colour for a socket."""
    display = np.array([int(hex_[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return color(np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4).tolist())


class Weave:
    """Coordinates along and around a garment.

    Args:
        graph: Where the nodes go.
        shoulder: Where sleeves begin, metres from the middle.
        height: Of the shoulder, metres.
        leg: Distance of a leg's axis from the middle; 0 for garments of the trunk.
    """

    def __init__(self, graph: Graph, shoulder: float, height: float, leg: float) -> None:
        self.graph = graph
        self.rest = graph.attribute("rest", "Vector")
        split = graph.tree.nodes.new("ShaderNodeSeparateXYZ")
        graph.put(split.inputs[0], self.rest)
        x, y, z = split.outputs
        self.x, self.y, self.z = x, y, z
        side = graph.math("ABSOLUTE", x)
        high = graph.math("GREATER_THAN", y, height - 0.22)
        self.sleeve = graph.math("MULTIPLY", graph.math("GREATER_THAN", side, shoulder), high)
        if leg:
            self.along = y
            turn = graph.math("ARCTAN2", graph.math("SUBTRACT", side, leg), graph.math("ADD", z, 0.0))
            self.around = graph.math("MULTIPLY", turn, 0.085)
            self.circle = 2 * np.pi * 0.085
            return
        self.along = graph.add("ShaderNodeMix", 0, i0=self.sleeve, i2=y, i3=side)
        trunk = graph.math("MULTIPLY", graph.math("ARCTAN2", x, graph.math("ADD", z, -0.005)), 0.16)
        arm = graph.math("MULTIPLY", graph.math("ARCTAN2", graph.math("SUBTRACT", y, height), z), 0.16)
        self.around = graph.add("ShaderNodeMix", 0, i0=self.sleeve, i2=trunk, i3=arm)
        self.circle = 2 * np.pi * 0.16

    def even(self, size: float) -> float:
        """The size nearest to the wanted that closes around."""
        return self.circle / max(2, round(self.circle / size))

    def phase(self, value: Socket, size: float) -> Socket:
        """0..1 over one repeat."""
        return self.graph.math("FRACT", self.graph.math("ADD", self.graph.math("DIVIDE", value, size), 50.0))

    def bar(self, value: Socket, size: float, share: float) -> Socket:
        """1 on a share of each repeat."""
        return self.graph.math("LESS_THAN", self.phase(value, size), share)


def _pattern(weave: Weave, cloth: Cloth) -> Socket | float:
    """Where the second colour shows, 0..1."""
    graph, size = weave.graph, cloth.size
    around = weave.even(size)
    if cloth.pattern == "stripes":
        return weave.bar(weave.along, size, 0.42)
    if cloth.pattern == "bars":
        return weave.bar(weave.around, around, 0.25)
    if cloth.pattern == "checks":
        both = graph.math("ADD", weave.bar(weave.along, size, 0.5), weave.bar(weave.around, around, 0.5))
        thin = graph.math(
            "MAXIMUM", weave.bar(weave.along, size, 0.06), weave.bar(weave.around, around, 0.06)
        )
        return graph.math("MINIMUM", graph.math("ADD", graph.math("MULTIPLY", both, 0.5), thin), 1.0)
    if cloth.pattern == "dots":
        u = graph.math("SUBTRACT", weave.phase(weave.around, around), 0.5)
        v = graph.math("SUBTRACT", weave.phase(weave.along, size), 0.5)
        far = graph.math(
            "SQRT", graph.math("ADD", graph.math("MULTIPLY", u, u), graph.math("MULTIPLY", v, v))
        )
        return graph.math("LESS_THAN", far, 0.24)
    return 0.0


def cloth_material(
    name: str,
    cloth: Cloth,
    *,
    shoulder: float,
    height: float,
    leg: float,
    chest: float,
    image: bpy.types.Image | None,
) -> bpy.types.Material:
    """A fabric.

    Args:
        name: Of the material.
        cloth: What it looks like.
        shoulder: Where sleeves begin, metres from the middle.
        height: Of the shoulder at rest, metres.
        leg: Distance of a leg's axis from the middle; 0 for garments of the trunk.
        chest: Height of the middle of a print, metres.
        image: The print.
    """
    graph = Graph(name)
    weave = Weave(graph, shoulder, height, leg)
    fade = graph.noise(11.0, 4.0, weave.rest)
    ground = graph.mix(_pattern(weave, cloth), linear(cloth.color), linear(cloth.second))
    ground = graph.mix(graph.ramp(fade, 0.3, 0.7, (0.0, 0.16)), ground, color((0.0, 0.0, 0.0)))
    fine = graph.noise(420.0, 2.0, weave.rest)
    ground = graph.mix(graph.ramp(fine, 0.3, 0.7, (0.0, 0.18)), ground, color((0.0, 0.0, 0.0)))
    bump: Any = graph.math("ADD", graph.math("MULTIPLY", fine, 0.5), graph.noise(70.0, 3.0, weave.rest))
    rough, sheen = 0.9, 0.15
    if cloth.pattern == "denim":
        worn = graph.ramp(graph.noise(4.5, 3.0, weave.rest), 0.45, 0.72, (0.0, 0.6))
        ground = graph.mix(worn, ground, linear(cloth.second))
    elif cloth.pattern == "knit":
        rib = graph.math("SINE", graph.math("MULTIPLY", weave.around, 2 * np.pi / weave.even(0.012)))
        bump = graph.math("ADD", graph.math("MULTIPLY", rib, 1.4), bump)
        ground = graph.mix(graph.ramp(rib, -1.0, 0.2, (0.35, 0.0)), ground, color((0.0, 0.0, 0.0)))
    elif cloth.pattern == "leather":
        rough, sheen = 0.38, 0.0
    edges = [
        graph.line(graph.attribute("hem"), 0.022, 0.0013),
        graph.line(graph.attribute("end"), 0.018, 0.0013),
    ]
    edges += [graph.line(graph.attribute("neck"), 0.020, 0.0013)]
    if not leg:
        seam = graph.line(graph.math("ABSOLUTE", weave.x), shoulder, 0.0013)
        edges.append(graph.math("MULTIPLY", seam, graph.math("GREATER_THAN", weave.y, height - 0.22)))
    for edge in edges:
        ground = graph.mix(graph.math("MULTIPLY", edge, 0.45), ground, color((0.01, 0.01, 0.012)))
    if image is not None:
        ground = _printed(weave, ground, cloth, image, chest)
    graph.set(Base_Color=ground, Roughness=rough, Sheen_Weight=sheen, Specular_IOR_Level=0.2)
    return graph.set(Normal=graph.bump(bump, 0.35, 0.0022)).material


_PRINT = (0.25, 0.125)  # metres


def _printed(weave: Weave, ground: Socket, cloth: Cloth, image: bpy.types.Image, chest: float) -> Socket:
    graph = weave.graph
    u = graph.math("ADD", graph.math("DIVIDE", weave.x, _PRINT[0]), 0.5)
    v = graph.math("ADD", graph.math("DIVIDE", graph.math("SUBTRACT", weave.y, chest), _PRINT[1]), 0.5)
    where = graph.add("ShaderNodeCombineXYZ", X=u, Y=v)
    mark = graph.add("ShaderNodeTexImage", Vector=where, _image=image, _extension="CLIP")
    front = graph.math("MULTIPLY", graph.math("GREATER_THAN", weave.z, 0.02), mark)
    return graph.mix(front, ground, linear(cloth.ink))


def simple(name: str, hex_: str, roughness: float = 0.7, specular: float = 0.3) -> bpy.types.Material:
    """One colour with a faint grain."""
    graph = Graph(name)
    where = graph.attribute("rest", "Vector")
    base = graph.mix(
        graph.ramp(graph.noise(60.0, 3.0, where), 0.3, 0.7, (0.0, 0.18)), linear(hex_), color((0, 0, 0))
    )
    graph.set(Base_Color=base, Roughness=roughness, Specular_IOR_Level=specular)
    return graph.set(Normal=graph.bump(graph.noise(300.0, 3.0, where), 0.15, 0.001)).material


def ball_material(hex_: str, middle: tuple[float, float, float]) -> bpy.types.Material:
    """Rubber with dark seams, around a middle at rest."""
    graph = Graph("ball")
    split = graph.tree.nodes.new("ShaderNodeSeparateXYZ")
    away = graph.add(
        "ShaderNodeVectorMath", i0=graph.attribute("rest", "Vector"), i1=middle, _operation="SUBTRACT"
    )
    graph.put(split.inputs[0], away)
    x, y, z = split.outputs
    curve = graph.math("SUBTRACT", graph.math("ABSOLUTE", x), 0.055)
    seams = [graph.line(v, 0.0, 0.0022) for v in (y, z, curve)]
    base: Any = linear(hex_)
    for seam in seams:
        base = graph.mix(seam, base, color((0.01, 0.01, 0.01)))
    return graph.set(Base_Color=base, Roughness=0.6).material
