"""Drivers that Blender works out by itself: plain arithmetic, so no script has to be allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import bpy


@dataclass(frozen=True)
class Value:
    """A custom property of a bone."""

    bone: str
    key: str


@dataclass(frozen=True)
class LocalPart:
    """One channel of a bone, such as ``ROT_X`` (a part of its quaternion) or ``LOC_Y``, as it is set."""

    bone: str
    channel: str


@dataclass(frozen=True)
class Distance:
    """Between the heads of two bones, in the world."""

    bone: str
    other: str


@dataclass(frozen=True)
class Scale:
    """Of the armature in the world."""


Source = Value | LocalPart | Distance | Scale


def drive(
    armature: bpy.types.Object,
    owner: bpy.types.bpy_struct,
    path: str,
    expression: str,
    sources: Mapping[str, Source],
    *,
    index: int = -1,
) -> None:
    """Let an expression of bones set a property.

    Args:
        armature: Has the bones.
        owner: A pose bone or constraint of it.
        path: The property, from its owner.
        expression: Of the variables' names.
        sources: What the variables are.
        index: Of an array.
    """
    driver = owner.driver_add(path, index).driver
    for name, source in sources.items():
        variable = driver.variables.new()
        variable.name = name
        _fill(variable, armature, source)
    driver.expression = expression


def _fill(variable: bpy.types.DriverVariable, armature: bpy.types.Object, source: Source) -> None:
    if isinstance(source, Value):
        variable.type = "SINGLE_PROP"
        variable.targets[0].id = armature
        variable.targets[0].data_path = f'pose.bones["{source.bone}"]["{source.key}"]'
    elif isinstance(source, Distance):
        variable.type = "LOC_DIFF"
        for target, bone in zip(variable.targets, (source.bone, source.other), strict=True):
            target.id, target.bone_target = armature, bone
    else:
        variable.type = "TRANSFORMS"
        target = variable.targets[0]
        target.id = armature
        if isinstance(source, Scale):
            target.transform_type, target.transform_space = "SCALE_AVG", "WORLD_SPACE"
        else:
            target.bone_target, target.transform_type = source.bone, source.channel
            # The quaternion, so that any turn but none shows; as it is set, so that none is exactly zero.
            target.rotation_mode, target.transform_space = "QUATERNION", "TRANSFORM_SPACE"
