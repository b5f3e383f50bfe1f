"""Where all our panels are."""

from __future__ import annotations

CATEGORY = "LHM Avatars"


class Sidebar:
    """What every panel of the tab inherits from."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = CATEGORY
