"""More of an avatar in the scene, for crowds: each with a pose of its own, all with the same Gaussians.

    from bl_ext.user_default.lhm_avatars.rigging.duplicate import Place, duplicate_avatars
    duplicate_avatars(bpy.context, bpy.data.objects["Ada"], [Place((2, 0, 0)), Place((4, 0, 0), turn=0.5)])

Blender's own Shift D on an armature leaves the splats behind, and with all objects selected it leaves the
hidden bone frames behind, which then pose both avatars alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import ceil, sqrt, tau
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Matrix

from ..engine.avatar.errors import AvatarError
from .avatar_objects import AVATAR_KEY, AvatarObjects, cloud_of
from .bone_frames import hide_collection
from .contexts import all_or_nothing, select_only, to_object_mode
from .nodes import modifier_input, set_modifier_input
from .skinning_nodes import face_mesh_of, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Objects = Mapping[bpy.types.Object, bpy.types.Object]

INCOMPLETE = (
    "This avatar lost its splats or the bone frames that they follow, so it cannot be duplicated. Import it "
    "again from its file."
)
_JITTER = 0.3  # of the spacing; scattered neighbours stay at least 0.4 of it apart


class Arrangement(Enum):
    """How several stand: in rows, or strewn and turned at random."""

    CURSOR = "rows"
    SCATTER = "scattered"


@dataclass(frozen=True)
class Place:
    """Where a duplicate stands.

    Args:
        location: Of its armature, world, metres. [3]
        turn: About the vertical, from the original's direction, radians.
    """

    location: tuple[float, float, float]
    turn: float = 0.0


def places(
    arrangement: Arrangement, count: int, spacing: float, start: Sequence[float], seed: int = 0
) -> list[Place]:
    """Places on level ground.

    Args:
        arrangement: Rows begin at the start and go along +X and +Y; what is scattered lies around it.
        count: Of them.
        spacing: Between neighbours, metres.
        start: World. [3]
        seed: Of the scattering.
    """
    side = ceil(sqrt(count))
    cells = np.array([(k % side, k // side) for k in range(count)], np.float64).reshape(-1, 2)
    turns = np.zeros(count)
    if arrangement is Arrangement.SCATTER:
        rng = np.random.default_rng(seed)
        cells += rng.uniform(-_JITTER, _JITTER, cells.shape) - (side - 1) / 2
        turns = rng.uniform(0, tau, count)
    flat = np.array(start[:2]) + spacing * cells
    return [
        Place((float(x), float(y), float(start[2])), float(turn))
        for (x, y), turn in zip(flat, turns, strict=True)
    ]


def duplicate_avatars(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    where: Iterable[Place],
    *,
    own_motion: bool = True,
) -> list[AvatarObjects]:
    """Add duplicates of an avatar; select them. Splats, bones and nodes are shared, poses and faces are not.

    If anything fails, nothing is left behind.

    Args:
        context: Object Mode is entered if need be.
        armature: Of the avatar; it may be linked from another file.
        where: A duplicate at each.
        own_motion: Copy the Action, so that each can be changed alone; else all play the same one.

    Raises:
        AvatarError: If the avatar has lost a part.
    """
    original = _parts(armature)
    with all_or_nothing(context):
        to_object_mode(context)
        made = [_duplicate(context, original, place, own_motion=own_motion) for place in where]
        if made:
            select_only(context, made[0].armature)
            for one in made:
                one.armature.select_set(True)
    return made


def _parts(armature: bpy.types.Object) -> dict[str, bpy.types.Object]:
    """The objects of an avatar by `AVATAR_KEY`, in the order in which one refers to the other."""
    cloud = cloud_of(armature)
    frames = frames_of(cloud) if cloud is not None else None
    if cloud is None or frames is None:
        raise AvatarError(INCOMPLETE)
    parts = {"armature": armature, "frames": frames, "face": face_mesh_of(cloud), "cloud": cloud}
    parts["shadow"] = next((child for child in armature.children if child.get(AVATAR_KEY) == "shadow"), None)
    return {kind: part for kind, part in parts.items() if part is not None}


def _duplicate(
    context: bpy.types.Context, original: Mapping[str, bpy.types.Object], place: Place, *, own_motion: bool
) -> AvatarObjects:
    copies = {kind: part.copy() for kind, part in original.items()}
    armature = copies["armature"]
    collection, hidden = _collections(context, armature.name)
    words = {"frames": "Bone Frames", "face": "Face", "cloud": "Gaussians", "shadow": "Shadow"}
    for kind, copy in copies.items():
        (hidden if kind in ("frames", "face") else collection).objects.link(copy)
        copy[AVATAR_KEY] = kind
        if kind in words:
            copy.name = f"{armature.name} {words[kind]}"
    if "face" in copies:  # sliders drive the mesh's shape keys, so a face of one's own is a mesh of one's own
        copies["face"].data = copies["face"].data.copy()
    _refer_to_copies({original[kind]: copy for kind, copy in copies.items()})
    if own_motion:
        _own_action(armature)
    stand = Matrix.Translation(place.location) @ Matrix.Rotation(place.turn, 4, "Z")
    _, rotation, scale = original["armature"].matrix_world.decompose()
    armature.matrix_world = stand @ Matrix.LocRotScale(None, rotation, scale)
    hide_collection(context.scene, hidden)
    return AvatarObjects(armature, copies["cloud"], copies["frames"], collection, copies.get("face"))


def _collections(context: bpy.types.Context, name: str) -> tuple[bpy.types.Collection, bpy.types.Collection]:
    """One for the avatar, and the hidden one in it, as `add_avatar` makes them."""
    collection = bpy.data.collections.new(name)
    context.scene.collection.children.link(collection)
    hidden = bpy.data.collections.new(f"{name} Rig")
    collection.children.link(hidden)
    return collection, hidden


def _refer_to_copies(copies: Objects) -> None:
    """Have the copies refer to each other where the originals did."""
    for copy in copies.values():
        if copy.parent in copies:
            inverse = copy.matrix_parent_inverse.copy()
            copy.parent = copies[copy.parent]
            copy.matrix_parent_inverse = inverse
        for modifier in copy.modifiers:
            _point_to_copies(modifier, copies)
            _feed_copies(modifier, copies)
        bones = copy.pose.bones if copy.pose is not None else ()
        for constraint in (c for owner in (copy, *bones) for c in owner.constraints):
            _point_to_copies(constraint, copies)
            for target in getattr(constraint, "targets", ()):
                _point_to_copies(target, copies)
        for target in _driver_targets(copy):
            if target.id in copies:
                target.id = copies[target.id]


def _point_to_copies(block: Any, copies: Objects) -> None:
    for prop in block.bl_rna.properties:
        if prop.type == "POINTER" and not prop.is_readonly and getattr(block, prop.identifier) in copies:
            setattr(block, prop.identifier, copies[getattr(block, prop.identifier)])


def _feed_copies(modifier: Any, copies: Objects) -> None:
    """Inputs of nodes that are objects."""
    if modifier.type != "NODES" or modifier.node_group is None:
        return
    for item in modifier.node_group.interface.items_tree:
        if item.item_type == "SOCKET" and item.socket_type == "NodeSocketObject" and item.in_out == "INPUT":
            value = modifier_input(modifier, item.name)
            if value in copies:
                set_modifier_input(modifier, item.name, copies[value])


def _driver_targets(copy: bpy.types.Object) -> Iterator[bpy.types.DriverTarget]:
    """Of an object and of the shape keys of its mesh; other data are shared, and drive nothing of ours."""
    keys = copy.data.shape_keys if copy.type == "MESH" else None
    for owner in (copy, keys):
        animation = None if owner is None else owner.animation_data
        for curve in () if animation is None else animation.drivers:
            for variable in curve.driver.variables:
                yield from variable.targets


def _own_action(armature: bpy.types.Object) -> None:
    """A copy of the Action that it plays; strips of NLA tracks stay shared, as Blender has it."""
    animation = armature.animation_data
    if animation is None or animation.action is None:
        return
    slot = animation.action_slot
    animation.action = animation.action.copy()
    if slot is not None:
        animation.action_slot = animation.action.slots[slot.identifier]
