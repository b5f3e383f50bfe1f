"""Put an avatar into a photo or clip.

from bl_ext.user_default.lhm_avatars.rendering.plate.plate import Choices, put_in_plate
put_in_plate(bpy.context, bpy.data.objects["Ada"], Path("street.jpg"), Choices())
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from ...engine.avatar.errors import AvatarError
from ...rigging.avatar_objects import cloud_of
from ..relight.relit import cast_shadow, measure, reason_against, shadow_of
from ..render_settings import suit_cycles
from .compositor import composite, may_composite
from .photo_view import PhotoView, aim_camera, photo_view
from .plate_file import Plate, discard, keep_in_file, load_plate
from .stage import add_ground, add_light, plate_camera, show_behind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import bpy

EEVEE_SHADOW = "EEVEE shows no shadow on the plate: render with Cycles or LHM Preview for one."
OWN_COMPOSITING = (
    "The scene has compositing nodes of yours, which were left: lay the render over the plate there."
)
TURNED = (
    "The photo's file is stored turned, and Blender shows it so. Save an upright copy of it, and choose that."
)


@dataclass(frozen=True)
class Choices:
    """How an avatar is put into a plate.

    Args:
        from_photo: Put a camera where the avatar's photo was taken from; else the scene's stays.
        ground: Catch the avatar's shadow on the ground.
        light: Add a sun, and a sky of the plate's mean colour.
        composite: Lay renders over the plate.
        hold_out: Objects that stand for something in the plate that hides the avatar.
    """

    from_photo: bool = True
    ground: bool = True
    light: bool = True
    composite: bool = True
    hold_out: Sequence[bpy.types.Object] = ()


def put_in_plate(
    context: bpy.types.Context, armature: bpy.types.Object, path: Path, choices: Choices
) -> list[str]:
    """Set a scene up so that renders show the avatar in the plate.

    Args:
        context: Has the scene.
        armature: Of the avatar.
        path: Of an image or a movie.
        choices: What to do.

    Returns:
        What the user should know, sentences.

    Raises:
        AvatarError: If the plate cannot be read, the camera is not known, or the scene is linked. Nothing
            was changed then.
    """
    scene, cloud = context.scene, cloud_of(armature)
    if scene.library is not None:
        raise AvatarError("The scene is linked from another file. Put the avatar in its plate there.")
    if cloud is None:
        raise AvatarError(
            f"The splats of {armature.name!r} were deleted. Undo that, or import the avatar again."
        )
    if not choices.from_photo and (scene.camera is None or scene.camera.type != "CAMERA"):
        raise AvatarError("The scene has no camera to keep. Add one, or take the camera from the photo.")
    metadata = json.loads(armature.get("lhm_metadata", "{}"))
    view = photo_view(armature, metadata) if choices.from_photo else None
    plate = load_plate(path)
    if view is not None and _is_turned(plate, view, metadata):
        discard(plate)
        raise AvatarError(TURNED)
    said = _set_up(context, armature, cloud, plate, view, metadata, choices)
    return [sentence for sentence in said if sentence]


def _set_up(
    context: bpy.types.Context,
    armature: bpy.types.Object,
    cloud: bpy.types.Object,
    plate: Plate,
    view: PhotoView | None,
    metadata: dict[str, Any],
    choices: Choices,
) -> Iterator[str]:
    scene = context.scene
    context.view_layer.update()
    yield keep_in_file(plate)
    _frame(scene, plate)
    if view is not None:
        scene.camera = plate_camera(scene)
        aim_camera(scene.camera, armature, view.seen_at(plate.width, plate.height))
        yield _difference(plate, view, metadata)
    show_behind(scene.camera, plate)
    suit_cycles(scene)
    yield from _light(scene, armature, cloud, plate, choices)
    for other in choices.hold_out:
        other.is_holdout = True
    if choices.composite and may_composite(scene):
        composite(scene, plate)
    elif choices.composite:
        yield OWN_COMPOSITING


def _light(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    cloud: bpy.types.Object,
    plate: Plate,
    choices: Choices,
) -> Iterator[str]:
    against = reason_against(armature, cloud)
    if not against:
        measure(armature, cloud)
    if choices.ground:
        add_ground(scene, armature)
        if not against:
            cast_shadow(armature, cloud)
        elif shadow_of(armature) is None:
            yield f"The shadow is that of splats which face the camera: {against}"
        if "EEVEE" in scene.render.engine:
            yield EEVEE_SHADOW
    if choices.light:
        add_light(scene, armature, cloud, plate)


def _frame(scene: bpy.types.Scene, plate: Plate) -> None:
    """Size, film, colours and time of the plate."""
    render = scene.render
    render.resolution_x, render.resolution_y = plate.width, plate.height
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.film_transparent = True
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    if plate.clip is not None:
        rate = plate.clip.fps
        if rate > 0:
            render.fps = max(1, ceil(rate - 1e-3))
            render.fps_base = render.fps / rate
        plate.clip.frame_start = 1
        scene.frame_start, scene.frame_end = 1, max(1, plate.clip.frame_duration)


def _difference(plate: Plate, view: PhotoView, metadata: dict[str, Any]) -> str:
    if plate.image is not None and plate.digest == metadata.get("photo_sha256"):
        return ""
    if (plate.width, plate.height) == (view.width, view.height):
        return (
            "The plate is another picture than the avatar's photo, of its size: the photo's camera was taken."
        )
    return (
        "The plate is not the avatar's photo: the camera has the photo's angle of view in the height, and "
        "the person is framed as there. Move the avatar or the camera until its feet stand on the ground."
    )


def _is_turned(plate: Plate, view: PhotoView, metadata: dict[str, Any]) -> bool:
    """Whether a telephone only marked the photo as turned: we turn it, Blender does not."""
    same = plate.digest and plate.digest == metadata.get("photo_sha256")
    return bool(same) and (plate.width, plate.height) != (view.width, view.height)
