"""Which bone of the source drives which joint: found, shown in a table, corrected, kept as a preset."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
import json
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, PointerProperty, StringProperty

from ..engine.avatar.body import JOINT_NAMES
from ..engine.avatar.errors import AvatarError
from ..engine.motion.retarget.detect import candidates
from ..preferences import presets_root

SHOWN = 22  # joints of the body; fingers and face are in the table only where they are asked for
_NAME = re.compile(r"[^\w \-.]")
_ENDING = ".bones.json"


class LHM_BonePair(bpy.types.PropertyGroup):
    """One row of the table; ``name`` is our joint's."""

    if TYPE_CHECKING:
        bone: str
    else:
        bone: StringProperty(name="Bone", description="Of the source. Empty: follows its neighbours")


class LHM_BoneTable(bpy.types.PropertyGroup):
    """The table of the last source."""

    if TYPE_CHECKING:
        pairs: Any
        bones: Any
        source: str
        rig: str
        use: bool
        fingers: bool
    else:
        pairs: CollectionProperty(type=LHM_BonePair)
        bones: CollectionProperty(type=bpy.types.PropertyGroup)
        source: StringProperty(name="Source", description="What the table was made for")
        rig: StringProperty(name="Rig", description="The rig that was recognised")
        use: BoolProperty(
            name="Use This Table",
            description="Take the bones chosen here; otherwise they are found by their names",
        )
        fingers: BoolProperty(name="Fingers and Face", description="Show all 55 joints")


@dataclass(frozen=True)
class Table:
    """What the user has chosen.

    Args:
        bones: Bone of each joint; ``None`` to find them.
    """

    bones: dict[str, str] | None

    def fitting(self, names: Sequence[str]) -> dict[str, str] | None:
        """The chosen bones, if the table is for such a source; else ``None``.

        Args:
            names: Of the source's bones.
        """
        if self.bones is None or not set(self.bones.values()) <= set(names):
            return None
        return self.bones


def bone_table(context: bpy.types.Context) -> LHM_BoneTable:
    """The scene's table."""
    return context.scene.lhm_bones  # type: ignore[attr-defined]


def chosen_bones(context: bpy.types.Context) -> Table:
    """What the user has chosen, as a value that a thread may read."""
    table = bone_table(context)
    if not table.use:
        return Table(None)
    return Table({pair.name: pair.bone for pair in table.pairs if pair.bone})


def note_source(context: bpy.types.Context, name: str, bones: Sequence[str]) -> None:
    """Show the table of a source: what was found, for the user to correct.

    A table in use stays as the user has made it, as long as the source has its bones.

    Args:
        context: Has the scene.
        name: Of the source.
        bones: All of them.
    """
    table = bone_table(context)
    table.bones.clear()
    for bone in bones:
        table.bones.add().name = bone
    table.source = name
    if table.use and chosen_bones(context).fitting(bones) is not None:
        return
    best = candidates(bones)[0]
    fill(table, best.bones)
    table.rig, table.use = best.label, False


def fill(table: LHM_BoneTable, bones: dict[str, str]) -> None:
    """Set all rows."""
    table.pairs.clear()
    for joint in JOINT_NAMES:
        pair = table.pairs.add()
        pair.name, pair.bone = joint, bones.get(joint, "")


class LHM_OT_read_bones(bpy.types.Operator):
    """Show which bones of an armature drive which joints of the avatar, and let them be corrected"""

    bl_idname = "lhm.read_bones"
    bl_label = "Find Bones"
    bl_options = {"REGISTER", "UNDO"}

    if TYPE_CHECKING:
        source: str
    else:
        source: StringProperty(name="Armature", description="By default the other one selected")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fill the table."""
        chosen = bpy.data.objects.get(self.source) if self.source else None
        others = [o for o in context.selected_objects if o.type == "ARMATURE" and o != context.active_object]
        source = chosen or (others[0] if others else None)
        if source is None or source.type != "ARMATURE":
            self.report({"ERROR"}, "Select the armature that moves, then the avatar's armature last")
            return {"CANCELLED"}
        bone_table(context).use = False
        note_source(context, source.name, [bone.name for bone in source.data.bones])
        return {"FINISHED"}


class LHM_OT_save_bones(bpy.types.Operator):
    """Keep this table for other scenes"""

    bl_idname = "lhm.save_bones"
    bl_label = "Save Bone Table"
    bl_options = {"REGISTER"}

    if TYPE_CHECKING:
        name: str
    else:
        name: StringProperty(name="Name", description="Shown in the list of tables", default="My Rig")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for a name."""
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Write it into the extension's own folder."""
        bones = {pair.name: pair.bone for pair in bone_table(context).pairs if pair.bone}
        name = _NAME.sub("", self.name).strip(" .")
        if not bones or not name:
            self.report({"ERROR"}, "Give the table a name, and choose at least one bone")
            return {"CANCELLED"}
        folder = presets_root(context)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}{_ENDING}").write_text(json.dumps(bones, indent=1), encoding="utf-8")
        except OSError as error:
            self.report({"ERROR"}, f"{folder} cannot be written ({error.strerror})")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Saved as {name}")
        return {"FINISHED"}


class LHM_OT_load_bones(bpy.types.Operator):
    """Use a table that was saved"""

    bl_idname = "lhm.load_bones"
    bl_label = "Load Bone Table"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "name"

    if TYPE_CHECKING:
        name: str
    else:
        name: EnumProperty(
            name="Table", description="Saved before", items=lambda _self, context: _preset_items(context)
        )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is one."""
        if not presets(context):
            cls.poll_message_set("No bone table was saved yet")
            return False
        return True

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Show the list."""
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fill the table from the file."""
        try:
            bones = load_preset(presets_root(context) / f"{self.name}{_ENDING}")
        except AvatarError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        table = bone_table(context)
        fill(table, bones)
        table.rig, table.use = self.name, True
        return {"FINISHED"}


def presets(context: bpy.types.Context) -> list[str]:
    """Names of the saved tables."""
    folder = presets_root(context)
    return sorted(path.name.removesuffix(_ENDING) for path in folder.glob(f"*{_ENDING}"))


def load_preset(path: Path) -> dict[str, str]:
    """A saved table.

    Args:
        path: Of the file.

    Raises:
        AvatarError: If it cannot be read or holds no table.
    """
    try:
        bones = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AvatarError(f"The bone table {path.name} cannot be read. Save it again.") from error
    if not isinstance(bones, dict) or not set(bones) <= set(JOINT_NAMES):
        raise AvatarError(f"The bone table {path.name} is none. Save it again.")
    return {joint: str(bone) for joint, bone in bones.items()}


_items: list[tuple[str, str, str]] = []  # Blender does not keep the strings of a dynamic list alive


def _preset_items(context: bpy.types.Context) -> list[tuple[str, str, str]]:
    _items[:] = [(name, name, "") for name in presets(context)]
    return _items


def attach(undo: ExitStack) -> None:
    """Give scenes a table."""
    bpy.types.Scene.lhm_bones = PointerProperty(type=LHM_BoneTable)  # type: ignore[attr-defined]
    undo.callback(delattr, bpy.types.Scene, "lhm_bones")


CLASSES = (LHM_BonePair, LHM_BoneTable, LHM_OT_read_bones, LHM_OT_save_bones, LHM_OT_load_bones)
