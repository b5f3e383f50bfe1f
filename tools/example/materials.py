"""What things are made of: shader graphs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from collections.abc import Sequence

    Socket = bpy.types.NodeSocket


class Graph:
    """A new material and a short way to add nodes to it.

    Args:
        name: Of the material.
        shader: Kind of its surface.
    """

    def __init__(self, name: str, shader: str = "ShaderNodeBsdfPrincipled") -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.surface = self.tree.nodes.new(shader)
        output = self.tree.nodes.new("ShaderNodeOutputMaterial")
        self.tree.links.new(self.surface.outputs[0], output.inputs["Surface"])

    def add(self, kind: str, out: int | str = 0, /, **inputs: Any) -> Socket:
        """A node's output; names with a leading underscore are the node's properties, others its inputs."""
        node = self.tree.nodes.new(kind)
        for name, value in inputs.items():
            if name.startswith("_"):
                setattr(node, name[1:], value)
        for name, value in inputs.items():
            if not name.startswith("_"):
                self.put(node.inputs[int(name[1:]) if name[1:].isdigit() else name.replace("_", " ")], value)
        return node.outputs[out]

    def put(self, socket: Socket, value: Any) -> None:
        """Link an output to an input, or set the input's number."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def set(self, **inputs: Any) -> Graph:
        """Inputs of the surface shader."""
        for name, value in inputs.items():
            self.put(self.surface.inputs[name.replace("_", " ")], value)
        return self

    def attribute(self, name: str, out: str = "Fac") -> Socket:
        """An attribute of the vertices."""
        return self.add("ShaderNodeAttribute", out, _attribute_name=name)

    def math(self, operation: str, *values: Any) -> Socket:
        """One operation on numbers."""
        return self.add("ShaderNodeMath", _operation=operation, **{f"i{k}": v for k, v in enumerate(values)})

    def mix(self, much: Any, a: Any, b: Any) -> Socket:
        """From colour a to colour b."""
        return self.add("ShaderNodeMixRGB", Fac=much, Color1=a, Color2=b)

    def ramp(self, value: Socket, low: float, high: float, to: tuple[float, float] = (0.0, 1.0)) -> Socket:
        """Map a range of numbers to another, clamped."""
        return self.add("ShaderNodeMapRange", i0=value, i1=low, i2=high, i3=to[0], i4=to[1])

    def line(self, value: Socket, at: float, half: float) -> Socket:
        """1 where a number is near another."""
        return self.math("LESS_THAN", self.math("ABSOLUTE", self.math("SUBTRACT", value, at)), half)

    def noise(self, scale: float, detail: float = 3.0, vector: Socket | None = None) -> Socket:
        """Noise about 0.5 in object space."""
        where = vector or self.add("ShaderNodeTexCoord", "Object")
        return self.add("ShaderNodeTexNoise", Vector=where, Scale=scale, Detail=detail)

    def bump(self, height: Socket, strength: float, distance: float) -> Socket:
        """A normal from a height."""
        return self.add("ShaderNodeBump", Height=height, Strength=strength, Distance=distance)


def color(rgb: Sequence[float]) -> tuple[float, float, float, float]:
    """Linear RGB as a socket wants it."""
    return (rgb[0], rgb[1], rgb[2], 1.0)


def skin_material() -> bpy.types.Material:
    """Skin, coloured by its vertices."""
    graph = Graph("skin")
    height = graph.math("ADD", graph.noise(900.0), graph.math("MULTIPLY", graph.noise(220.0), 0.6))
    gloss = graph.ramp(graph.noise(35.0), 0.35, 0.65, (0.42, 0.56))
    graph.set(Base_Color=graph.attribute("tone", "Vector"), Roughness=gloss, Subsurface_Weight=0.22)
    graph.set(Subsurface_Radius=(1.0, 0.35, 0.2), Subsurface_Scale=0.006, Specular_IOR_Level=0.38)
    return graph.set(Normal=graph.bump(height, 0.22, 0.0012)).material


def eye_material() -> bpy.types.Material:
    """Wet and smooth, coloured by its vertices."""
    graph = Graph("eye")
    return graph.set(
        Base_Color=graph.attribute("tone", "Vector"), Roughness=0.06, Specular_IOR_Level=0.6
    ).material


def hair_material(name: str, melanin: float) -> bpy.types.Material:
    """Brown hair."""
    graph = Graph(name, "ShaderNodeBsdfHairPrincipled")
    graph.surface.parametrization = "MELANIN"
    return graph.set(Melanin=melanin, Melanin_Redness=0.55, Roughness=0.38, Random_Color=0.35).material


def shirt_material(spacing: float, shoulder: float) -> bpy.types.Material:
    """Cotton jersey with stripes that follow the cut, a ribbed collar and stitched hems.

    Args:
        spacing: From stripe to stripe, metres.
        shoulder: Where the sleeves are sewn on, metres from the middle.
    """
    graph = Graph("shirt")
    across, up, hem, collar = (graph.attribute(name) for name in ("across", "up", "hem", "collar"))
    sleeve = graph.math("GREATER_THAN", across, shoulder)
    along = graph.add("ShaderNodeMix", 0, i0=sleeve, i2=up, i3=across)
    edge = graph.math("MULTIPLY", graph.math("SUBTRACT", graph.noise(260.0), 0.5), 0.0014)
    phase = graph.math("FRACT", graph.math("DIVIDE", graph.math("ADD", along, edge), spacing))
    stripe = graph.math(
        "MULTIPLY", graph.math("GREATER_THAN", phase, 0.62), graph.math("GREATER_THAN", collar, 0.017)
    )
    stripe = graph.math("MULTIPLY", stripe, graph.math("GREATER_THAN", hem, 0.020))
    fade = graph.ramp(graph.noise(14.0), 0.3, 0.7)
    white = graph.mix(fade, color((0.60, 0.58, 0.54)), color((0.68, 0.66, 0.62)))
    navy = graph.mix(graph.noise(420.0), color((0.018, 0.026, 0.055)), color((0.035, 0.048, 0.09)))
    seams = graph.math("MAXIMUM", graph.line(hem, 0.019, 0.0009), graph.line(collar, 0.016, 0.0009))
    seams = graph.math("MAXIMUM", seams, graph.line(across, shoulder, 0.0012))
    cloth = graph.mix(
        graph.math("MULTIPLY", seams, 0.4), graph.mix(stripe, white, navy), color((0.08, 0.08, 0.08))
    )
    weave = graph.add("ShaderNodeTexVoronoi", Vector=graph.add("ShaderNodeTexCoord", "Object"), Scale=900.0)
    height = graph.math(
        "ADD", graph.math("MULTIPLY", weave, 0.4), graph.math("SUBTRACT", graph.noise(60.0), seams)
    )
    graph.set(Base_Color=cloth, Roughness=0.9, Sheen_Weight=0.2, Sheen_Roughness=0.5, Specular_IOR_Level=0.15)
    return graph.set(Normal=graph.bump(height, 0.25, 0.002)).material


def denim_material() -> bpy.types.Material:
    """Blue denim: twill, worn thighs and knees, a stitched hem."""
    graph = Graph("denim")
    where = graph.add("ShaderNodeTexCoord", "Object")
    twill = graph.add(
        "ShaderNodeTexWave", Vector=where, Scale=240.0, Distortion=1.5, _bands_direction="DIAGONAL"
    )
    threads = graph.math(
        "ADD", graph.math("MULTIPLY", twill, 0.45), graph.math("MULTIPLY", graph.noise(520.0), 0.55)
    )
    stretched = graph.add("ShaderNodeMapping", Vector=where, Scale=(60.0, 60.0, 7.0))
    slubs = graph.noise(4.0, 4.0, stretched)
    worn = graph.math("MULTIPLY", graph.attribute("worn"), graph.ramp(graph.noise(9.0), 0.25, 0.75))
    light = graph.math(
        "ADD",
        graph.math("MULTIPLY", worn, 0.85),
        graph.math("MULTIPLY", graph.math("SUBTRACT", slubs, 0.5), 0.5),
    )
    cloth = graph.mix(light, color((0.026, 0.048, 0.105)), color((0.13, 0.19, 0.29)))
    cloth = graph.mix(graph.math("MULTIPLY", threads, 0.35), cloth, color((0.006, 0.011, 0.025)))
    stitch = graph.line(graph.attribute("hem"), 0.013, 0.0009)
    seam = graph.math("LESS_THAN", graph.attribute("seam"), 0.0022)
    cloth = graph.mix(graph.math("MULTIPLY", stitch, 0.7), cloth, color((0.30, 0.16, 0.05)))
    cloth = graph.mix(graph.math("MULTIPLY", seam, 0.55), cloth, color((0.008, 0.013, 0.03)))
    height = graph.math("SUBTRACT", graph.math("ADD", threads, graph.math("MULTIPLY", slubs, 0.8)), seam)
    graph.set(Base_Color=cloth, Roughness=0.88, Specular_IOR_Level=0.2, Sheen_Weight=0.1)
    return graph.set(Normal=graph.bump(height, 0.35, 0.002)).material


def plain_material(name: str, rgb: Sequence[float], roughness: float, grain: float) -> bpy.types.Material:
    """One colour with a grain.

    Args:
        name: Of the material.
        rgb: Linear.
        roughness: 0..1.
        grain: Size of the grain, as a frequency per metre.
    """
    graph = Graph(name)
    much = graph.ramp(graph.noise(grain * 0.2), 0.3, 0.7, (0.0, 1.0))
    base = graph.mix(much, color([0.94 * c for c in rgb]), color(rgb))
    return graph.set(
        Base_Color=base, Roughness=roughness, Normal=graph.bump(graph.noise(grain), 0.12, 0.001)
    ).material


def wood_material() -> bpy.types.Material:
    """Oak boards."""
    graph = Graph("floor")
    where = graph.add("ShaderNodeTexCoord", "Object")
    boards = graph.tree.nodes.new("ShaderNodeTexBrick")
    boards.offset, boards.squash = 0.37, 1.0
    for name, value in {
        "Vector": where, "Scale": 1.0, "Brick Width": 1.4, "Row Height": 0.145, "Mortar Size": 0.0013,
        "Color1": color((0.0, 0.0, 0.0)), "Color2": color((1.0, 1.0, 1.0)),
        "Mortar": color((0.5, 0.5, 0.5)), "Bias": 0.0,
    }.items():  # fmt: skip
        graph.put(boards.inputs[name], value)
    shifted = graph.add(
        "ShaderNodeVectorMath", i0=where, i1=boards.outputs["Color"], _operation="MULTIPLY_ADD", i2=where
    )
    grain = graph.noise(3.0, 6.0, graph.add("ShaderNodeMapping", Vector=shifted, Scale=(1.2, 22.0, 1.0)))
    tone = graph.math(
        "ADD", graph.math("MULTIPLY", boards.outputs["Color"], 0.45), graph.math("MULTIPLY", grain, 0.7)
    )
    wood = graph.mix(tone, color((0.15, 0.078, 0.036)), color((0.36, 0.215, 0.115)))
    gap = boards.outputs["Fac"]
    wood = graph.mix(graph.math("MULTIPLY", gap, 0.8), wood, color((0.03, 0.018, 0.01)))
    height = graph.math("SUBTRACT", graph.math("MULTIPLY", grain, 0.25), gap)
    graph.set(Base_Color=wood, Roughness=graph.ramp(grain, 0.3, 0.7, (0.34, 0.5)))
    return graph.set(Normal=graph.bump(height, 0.25, 0.002)).material
