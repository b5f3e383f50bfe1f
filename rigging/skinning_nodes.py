"""The Geometry Nodes group that poses the Gaussians: linear blend skinning of position and rotation.

It reads the bone frames (`bone_frames.py`) and the cloud's ``bone_index_k`` and ``bone_weight_k``, so a saved
file plays without the add-on. Everything happens in the armature's space, i.e. in body axes and metres.

Avatars with a face run a second group, which first moves the rest positions by what the helper of
`face_mesh.py` shows; the others pay nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.avatar.body import JOINT_COUNT
from .bone_frames import MIDDLE
from .nodes import Nodes, generated_group, input_names, modifier_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    import bpy

    Socket = bpy.types.NodeSocket

VERSION = 1
GROUP_NAME = "LHM Skinning K"
INFLUENCES = (4, 8)
FACE_INDEX = "face_index"
"""Attribute: the vertex of the face's helper that moves a point; out of range for those that none moves."""
POLAR_STEPS = (3, 3, 3, 1, 1)
"""For each step towards the nearest rotation, how many columns are measured."""

_WITH_FACE = " Face"
_VECTOR = {"data_type": "FLOAT_VECTOR", "domain": "POINT"}


def skinning_group(influences: int, *, with_face: bool = False) -> bpy.types.NodeTree:
    """The group for a number of joints per Gaussian; made when the file has none that is up to date.

    Args:
        influences: 4 or 8.
        with_face: Whether it has an input for the face's helper.

    Raises:
        ValueError: For another number.
    """
    if influences not in INFLUENCES:
        raise ValueError(f"influences must be one of {INFLUENCES}, got {influences}")
    name = f"{GROUP_NAME}{influences}{_WITH_FACE if with_face else ''}"
    return generated_group(name, VERSION, lambda nodes: _build(nodes, influences, with_face=with_face))


def frames_of(cloud: bpy.types.Object) -> bpy.types.Object | None:
    """The bone frames that a cloud follows; None without a skinning modifier, or when they were deleted."""
    return _helper(cloud, "Bones")


def face_mesh_of(cloud: bpy.types.Object) -> bpy.types.Object | None:
    """The helper that a cloud's face follows; None without a face, or when it was deleted."""
    return _helper(cloud, "Face")


def _helper(cloud: bpy.types.Object, name: str) -> bpy.types.Object | None:
    for modifier in cloud.modifiers:
        tree = modifier.node_group if modifier.type == "NODES" else None
        if tree is not None and tree.name.startswith(GROUP_NAME):
            return modifier_input(modifier, name) if name in input_names(tree) else None
    return None


def _build(nodes: Nodes, influences: int, *, with_face: bool) -> None:
    geometry = nodes.input("Geometry", "NodeSocketGeometry")
    bones = nodes.input("Bones", "NodeSocketObject")
    position = nodes.add("GeometryNodeInputPosition").outputs[0]
    *columns, middle = _blended(nodes, bones, position, influences)
    rest = position
    if with_face:
        rest = nodes.vector("ADD", position, _face_move(nodes, position))
    posed = _posed(nodes, columns, middle, rest)
    turn = _nearest_rotation(nodes, columns)
    rotation = nodes.add(
        "FunctionNodeRotateRotation",
        nodes.attribute("rest_rotation", "QUATERNION"), turn,
        rotation_space="GLOBAL",
    )  # fmt: skip
    stored = nodes.store(geometry, "rotation", "QUATERNION", rotation)
    # Last, because the other fields read the rest position.
    moved = nodes.add("GeometryNodeSetPosition", stored, None, posed)
    nodes.output("Geometry", "NodeSocketGeometry", moved)


def _face_move(nodes: Nodes, position: Socket) -> Socket:
    """How far the face moves each point; none where ``face_index`` is -1 or the helper is gone."""
    face = _shape(nodes, nodes.input("Face", "NodeSocketObject"))
    vertex = nodes.attribute(FACE_INDEX, "INT")
    return nodes.add("GeometryNodeSampleIndex", face, position, vertex, **_VECTOR).outputs[0]


def _shape(nodes: Nodes, helper: Socket) -> Socket:
    """A helper's geometry as it is evaluated."""
    # ORIGINAL: the helper in its own space, which is the armature's, wherever the armature stands.
    info = nodes.add("GeometryNodeObjectInfo", helper, transform_space="ORIGINAL")
    return next(socket for socket in info.outputs if socket.type == "GEOMETRY")


def _frame_fields(nodes: Nodes, position: Socket) -> list[Socket]:
    """Each joint's rotation columns and moved middle, as fields on the first 55 vertices of the helper."""
    index = nodes.add("GeometryNodeInputIndex").outputs[0]
    middle, *tips = (
        nodes.add(
            "GeometryNodeFieldAtIndex",
            position, nodes.math("ADD", index, float(corner * JOINT_COUNT)),
            **_VECTOR,
        ).outputs[0]
        for corner in range(4)
    )  # fmt: skip
    return [*(nodes.vector("SUBTRACT", tip, middle) for tip in tips), middle]


def _blended(nodes: Nodes, bones: Socket, position: Socket, influences: int) -> list[Socket]:
    """The weighted mean of the joints' transforms: three columns and the moved middle.

    Vectors and scalar attributes on purpose: sampling 4x4 matrices is more than twice as slow.
    """
    helper = _shape(nodes, bones)
    fields = _frame_fields(nodes, position)
    sums: list[Socket] = []
    for k in range(influences):
        joint = nodes.attribute(f"bone_index_{k}", "INT")
        weight = nodes.spread(nodes.attribute(f"bone_weight_{k}", "FLOAT"))
        samples = [nodes.add("GeometryNodeSampleIndex", helper, field, joint, **_VECTOR) for field in fields]
        if not sums:
            sums = [nodes.vector("MULTIPLY", sample, weight) for sample in samples]
        else:
            pairs = zip(samples, sums, strict=True)
            sums = [nodes.vector("MULTIPLY_ADD", sample, weight, total) for sample, total in pairs]
    return sums


def _posed(nodes: Nodes, columns: Sequence[Socket], middle: Socket, rest: Socket) -> Socket:
    # The large term last: float32 then rounds the small ones finely.
    x, y, z = nodes.add("ShaderNodeSeparateXYZ", nodes.vector("SUBTRACT", rest, MIDDLE)).outputs
    turned = nodes.vector("SCALE", columns[0], x)
    turned = nodes.vector("MULTIPLY_ADD", columns[1], y, turned)
    turned = nodes.vector("MULTIPLY_ADD", columns[2], z, turned)
    return nodes.vector("ADD", turned, middle)


def _nearest_rotation(nodes: Nodes, columns: Sequence[Socket]) -> bpy.types.Node:
    """The rotation nearest to the matrix A of the blended columns: its proper polar factor.

    Newton's iteration A <- (g A + A^-T / g) / 2 with g^2 = |A^-1| / |A|, written with cofactors
    C = det(A) A^-T and freed from the common factor, which a rotation does not need: A <- A + C |A| / |C|.
    Nothing is divided by the determinant, so a matrix flattened or turned inside out by a strong twist ends
    in the nearest rotation, too. In the last steps the columns are nearly of one length, and one of them is
    enough to estimate |A| / |C|.

    Source: Higham 1986, Computing the polar decomposition, section 3; with cofactors our own.
    """
    for measured in POLAR_STEPS:
        a, b, c = columns
        cofactors = [nodes.vector("CROSS_PRODUCT", *pair) for pair in ((b, c), (c, a), (a, b))]
        ratio = nodes.spread(_size_ratio(nodes, columns[:measured], cofactors[:measured]))
        pairs = zip(columns, cofactors, strict=True)
        columns = [nodes.vector("MULTIPLY_ADD", cofactor, ratio, column) for column, cofactor in pairs]
    return nodes.add("FunctionNodeAxesToRotation", *columns[:2], primary_axis="X", secondary_axis="Y")


def _size_ratio(nodes: Nodes, columns: Sequence[Socket], cofactors: Sequence[Socket]) -> Socket:
    """Quotient of two Frobenius norms."""
    squares = []
    for first, *rest in (columns, cofactors):
        total = nodes.vector("MULTIPLY", first, first)
        for vector in rest:
            total = nodes.vector("MULTIPLY_ADD", vector, vector, total)
        squares.append(nodes.vector("DOT_PRODUCT", total, (1.0, 1.0, 1.0)))
    return nodes.math("SQRT", nodes.math("DIVIDE", *squares))
