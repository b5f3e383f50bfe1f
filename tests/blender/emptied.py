"""An avatar whose splats were all deleted, as Edit Mode can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    from bpy.types import Object


def empty(cloud: Object) -> None:
    """Take all points, and leave the attributes."""
    data = bpy.data.pointclouds.new("Empty")
    for attribute in cloud.data.attributes:
        if attribute.name not in data.attributes:
            data.attributes.new(attribute.name, attribute.data_type, attribute.domain)
    cloud.data = data
