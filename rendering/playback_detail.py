"""Fewer Gaussians while an animation plays, where a scene has more than play at once.

The nodes cannot see that Blender plays, so handlers lower each avatar's *Viewport Share* for as long as it
does. Renders have no share, and a file that is saved meanwhile gets the user's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from .display_modes import display_setting, set_display
from .display_nodes import VIEWPORT_SHARE
from .viewport.points import clouds

if TYPE_CHECKING:
    from contextlib import ExitStack

PROPERTY = "lhm_lighter_playback"
MOST = 200_000
"""Gaussians of a scene that are shown whole while it plays: five avatars of the usual size."""

SMALLEST = 0.05
"""Share below which a person is no longer one."""

# The only state of this module: the users' shares while something plays, by the clouds' session numbers.
_kept: dict[int, float] = {}


def lighten(scene: bpy.types.Scene) -> None:
    """Show as large a part of all avatars as plays; nothing where that is all of them.

    Args:
        scene: That is about to play.
    """
    restore()
    shares = [(cloud, display_setting(cloud, VIEWPORT_SHARE)) for cloud in clouds(scene)]
    shown = [(cloud, share) for cloud, share in shares if share is not None]
    total = sum(share * len(cloud.data.points) for cloud, share in shown)
    if total <= MOST or not getattr(scene, PROPERTY):
        return
    for cloud, share in shown:
        _kept[cloud.session_uid] = share
        set_display(cloud, **{VIEWPORT_SHARE: max(share * MOST / total, min(share, SMALLEST))})


def restore() -> None:
    """Give every avatar the user's own share back."""
    for cloud in bpy.data.objects:
        if cloud.session_uid in _kept:
            set_display(cloud, **{VIEWPORT_SHARE: _kept[cloud.session_uid]})
    _kept.clear()


@persistent
def _plays(scene: bpy.types.Scene, *_: Any) -> None:
    lighten(scene)


@persistent
def _ends(*_: Any) -> None:
    restore()


@persistent
def _loaded(*_: Any) -> None:
    _kept.clear()


def attach(undo: ExitStack) -> None:
    """Give scenes the switch, and listen to playback."""
    setattr(
        bpy.types.Scene,
        PROPERTY,
        bpy.props.BoolProperty(
            name="Lighter Playback",
            description=f"While an animation plays, show fewer splats where there are more than {MOST:,}",
            default=True,
            options=set(),
        ),
    )
    undo.callback(delattr, bpy.types.Scene, PROPERTY)
    undo.callback(restore)
    lists = bpy.app.handlers
    for handlers, handler in (
        (lists.animation_playback_pre, _plays),
        (lists.animation_playback_post, _ends),
        (lists.save_pre, _ends),
        (lists.undo_pre, _ends),
        (lists.load_pre, _loaded),
    ):
        handlers.append(handler)
        undo.callback(handlers.remove, handler)


CLASSES = ()
