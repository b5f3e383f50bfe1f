"""The scene's lights in the words of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import bpy

    from ...engine.avatar.arrays import Float

# Where there are no lights: like Blender's studio light, fixed to the camera. Directions towards them in the
# camera's axes, and how bright each makes a white wall.
_STUDIO = (((-0.45, 0.6, 0.66), 0.75), ((0.8, 0.1, 0.6), 0.2))
_STUDIO_AMBIENT = (0.15, 0.15, 0.15)


def collect_lamps(depsgraph: bpy.types.Depsgraph) -> list[dict[str, Any]]:
    """All lights that shine; the fields are those of the engine's ``preview.values.Lamp``."""
    return [
        _lamp(instance.object.data, np.array(instance.matrix_world))
        for instance in depsgraph.object_instances
        if instance.show_self and instance.object.type == "LIGHT"
    ]


def studio(world_from_camera: Float) -> tuple[list[dict[str, Any]], tuple[float, float, float]]:
    """Lights, and light from all around, for a scene that has none.

    Args:
        world_from_camera: Blender's camera axes. [4, 4]
    """
    lamps = []
    for direction, brightness in _STUDIO:
        towards = world_from_camera[:3, :3] @ np.array(direction)
        matrix = np.eye(4)
        matrix[:3, :3] = _axes(towards / np.linalg.norm(towards))
        lamps.append(
            {"kind": "SUN", "matrix": matrix.tolist(), "color": [np.pi * brightness] * 3, "shadow": False}
        )
    return lamps, _STUDIO_AMBIENT


def _axes(z: Float) -> Float:
    """Some axes of which the third is given. [3, 3]"""
    x = np.cross(np.eye(3)[np.argmin(np.abs(z))], z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _lamp(light: bpy.types.Light, matrix: Float) -> dict[str, Any]:
    color = np.array(light.color) * light.energy * 2.0 ** getattr(light, "exposure", 0.0)
    if getattr(light, "use_temperature", False):  # Blender 4.5
        color *= np.array(light.temperature_color)
    return {
        "kind": light.type,
        "matrix": matrix.tolist(),
        "color": color.tolist(),
        "shadow": light.use_shadow,
        **dict(_form(light, np.linalg.norm(matrix[:3, :2], axis=0).tolist())),
    }


def _form(light: bpy.types.Light, scale: list[float]) -> Iterator[tuple[str, Any]]:
    """Size, shape and cone."""
    if light.type == "SUN":
        yield "size", (light.angle, light.angle)
    elif light.type == "AREA":
        even = light.shape in ("SQUARE", "DISK")
        yield "size", (light.size * scale[0], (light.size if even else light.size_y) * scale[1])
        yield "round", light.shape in ("DISK", "ELLIPSE")
    else:
        yield "size", (2 * light.shadow_soft_size,) * 2
    if light.type == "SPOT":
        yield "spot", (light.spot_size, light.spot_blend)
