"""The avatar among other things: light on it, its shadow, a photo or clip behind it."""

from __future__ import annotations

import bpy

from ..operators.avatars import active_armature, cloud_of
from ..rendering.relight.relit import is_lit, shadow_of
from .sidebar import Sidebar


class LHM_PT_scene(Sidebar, bpy.types.Panel):
    """How the avatar fits into the scene."""

    bl_label = "Scene"
    bl_parent_id = "LHM_PT_avatar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The two switches, and the plate."""
        armature = active_armature(context)
        if armature is None:
            return
        cloud, column = cloud_of(armature), self.layout.column(align=True)
        lit = cloud is not None and is_lit(cloud)
        column.operator("lhm.light_avatar", icon="LIGHT_SUN", depress=lit)
        column.operator("lhm.cast_shadow", icon="MOD_MASK", depress=shadow_of(armature) is not None)
        self.layout.operator("lhm.put_in_plate", icon="IMAGE_BACKGROUND")


CLASSES = (LHM_PT_scene,)
