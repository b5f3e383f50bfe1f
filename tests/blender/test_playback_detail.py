"""Fewer Gaussians while a crowded scene plays, and the user's own share in whatever stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import pytest
from lhm_avatars.rendering import playback_detail
from lhm_avatars.rendering.display_modes import display_setting, set_display, show
from lhm_avatars.rendering.display_nodes import VIEWPORT_SHARE
from lhm_avatars.rigging.avatar_objects import add_avatar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar

pytestmark = pytest.mark.usefixtures("empty_scene")


@pytest.fixture
def clouds(make_avatar: Callable[..., Avatar]) -> list[bpy.types.Object]:
    """Two people of 300 Gaussians, the second of whom the user shows half."""
    made = [add_avatar(bpy.context, make_avatar(300), name=name).cloud for name in ("Ada", "Bob")]
    for cloud in made:
        show(cloud)
    set_display(made[1], **{VIEWPORT_SHARE: 0.5})
    return made


def _shares(clouds: list[bpy.types.Object]) -> list[float]:
    return [display_setting(cloud, VIEWPORT_SHARE) for cloud in clouds]


def _play() -> None:
    for handler in bpy.app.handlers.animation_playback_pre:
        handler(bpy.context.scene, None)


def _stop() -> None:
    for handler in bpy.app.handlers.animation_playback_post:
        handler(bpy.context.scene, None)


def test_a_crowd_plays_with_fewer(clouds: list[bpy.types.Object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback_detail, "MOST", 225)  # half of the 300 + 150 that are shown
    _play()
    assert _shares(clouds) == pytest.approx([0.5, 0.25])
    _play()  # a second window: not a quarter
    assert _shares(clouds) == pytest.approx([0.5, 0.25])
    _stop()
    assert _shares(clouds) == [1.0, 0.5]


def test_nobody_shrinks_to_nothing(clouds: list[bpy.types.Object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback_detail, "MOST", 1)
    set_display(clouds[1], **{VIEWPORT_SHARE: 0.02})
    _play()
    assert _shares(clouds) == pytest.approx([playback_detail.SMALLEST, 0.02])


def test_few_people_and_those_who_want_all_keep_all(
    clouds: list[bpy.types.Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    _play()
    assert _shares(clouds) == [1.0, 0.5]
    monkeypatch.setattr(playback_detail, "MOST", 100)
    bpy.context.scene.lhm_lighter_playback = False
    _play()
    assert _shares(clouds) == [1.0, 0.5]


def test_a_file_saved_meanwhile_keeps_the_users_share(
    clouds: list[bpy.types.Object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(playback_detail, "MOST", 100)
    _play()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "playing.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "playing.blend"))
    _stop()  # nothing of the file before may be given back
    found = [o for o in bpy.data.objects if o.type == "POINTCLOUD"]
    assert sorted(_shares(found)) == [0.5, 1.0]
