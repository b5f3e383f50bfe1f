"""Blender's own splats, with a stand-in: a Blender that says it has them, as 5.3 is believed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
import numpy as np
import pytest
from blender.test_panels import drawn
from blender.test_user_errors import refused
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.operators.reconstruction import Made, place
from lhm_avatars.panels.display import LHM_PT_display
from lhm_avatars.rendering import capabilities, display_modes, native_splats
from lhm_avatars.rendering.capabilities import NATIVE, eevee, native_names
from lhm_avatars.rendering.native_splats import NO_NATIVE, show_native, shows_native
from lhm_avatars.rigging.pointcloud import read_gaussians

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.rigging.avatar_objects import AvatarObjects

pytestmark = pytest.mark.usefixtures("empty_scene")
HAS_FLOAT4 = "FLOAT4" in bpy.types.Attribute.bl_rna.properties["data_type"].enum_items
KIND = "stand_in_type"  # of the cloud; the running Blender has no property of that sense


@pytest.fixture(params=["with FLOAT4", "without"])
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> capabilities.NativeNames:
    """The running Blender says that it draws splats, and notes on the cloud which it should draw."""
    if request.param == "with FLOAT4" and not HAS_FLOAT4:
        pytest.skip("this Blender has no attributes of four numbers")
    if request.param == "without":
        kinds = [kind for kind in capabilities._attribute_types() if kind != "FLOAT4"]
        monkeypatch.setattr(capabilities, "_attribute_types", lambda: kinds)
    monkeypatch.setattr(capabilities, "_cloud_types", lambda: ["POINTS", "GAUSSIAN_SPLAT"])
    monkeypatch.setattr(native_splats, "is_native", lambda cloud: cloud.get(KIND) == "GAUSSIAN_SPLAT")

    def set_native(cloud: bpy.types.PointCloud, wanted: bool) -> None:
        cloud[KIND] = "GAUSSIAN_SPLAT" if wanted else "POINTS"

    monkeypatch.setattr(native_splats, "set_native", set_native)
    names = native_names()
    assert names is not None
    assert names.base_type == ("FLOAT4" if request.param == "with FLOAT4" else "FLOAT_COLOR")
    return names


def numbers(cloud: bpy.types.Object, name: str, field: str, width: int) -> np.ndarray:
    attribute = cloud.data.attributes[name]
    assert attribute.domain == "POINT"
    flat = np.empty(len(attribute.data) * width, np.float32)
    attribute.data.foreach_get(field, flat)
    return flat.reshape(-1, width)


def add(avatar: Avatar) -> AvatarObjects:
    return place(bpy.context, Made(avatar), name="Ada").objects


def test_this_blender_has_none_or_says_so_itself() -> None:
    kind = bpy.types.PointCloud.bl_rna.properties.get("type")
    assert (native_names() is not None) == (kind is not None and "GAUSSIAN_SPLAT" in kind.enum_items)
    engines = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items
    assert eevee() in engines


def test_a_new_avatar_is_blenders_to_draw(
    make_avatar: Callable[..., Avatar], native: capabilities.NativeNames
) -> None:
    avatar = make_avatar(50, degree=3)
    made = add(avatar)
    assert shows_native(made.cloud)
    assert [modifier.name for modifier in made.cloud.modifiers] == ["LHM Skinning"]
    given = avatar.gaussians
    base = numbers(made.cloud, native.base, native.base_field, 4)
    np.testing.assert_allclose(base[:, :3], given.sh[:, 0], atol=2e-6)  # coefficients, not colours
    np.testing.assert_array_equal(base[:, 3], given.opacities)
    np.testing.assert_array_equal(numbers(made.cloud, "scale", "vector", 3), given.scales)
    np.testing.assert_array_equal(numbers(made.cloud, "rotation", "value", 4), given.quats)
    if native.harmonic is None:
        assert "sh_0" not in made.cloud.data.attributes
    else:
        for k in range(15):
            ours = numbers(made.cloud, native.harmonic.format(k), "vector", 3)
            np.testing.assert_array_equal(ours, given.sh[:, k + 1])
        assert native.harmonic.format(15) not in made.cloud.data.attributes
    assert read_gaussians(made.cloud.data).sh.shape == (50, 16, 3)  # ours are there, too


def test_the_skinning_nodes_pose_it(
    make_avatar: Callable[..., Avatar], native: capabilities.NativeNames
) -> None:
    made = add(make_avatar(50))
    rest = numbers(made.cloud, "rotation", "value", 4)
    evaluated = made.cloud.evaluated_get(bpy.context.evaluated_depsgraph_get())
    assert evaluated.data.attributes[native.base].data
    posed = read_gaussians(evaluated.data)
    assert np.abs(posed.quats - rest).max() > 0.01
    assert np.abs(posed.means - read_gaussians(made.cloud.data).means).max() > 0.01


def test_to_the_nodes_and_back(make_avatar: Callable[..., Avatar], native: capabilities.NativeNames) -> None:
    made = add(make_avatar(30, degree=1))
    before = set(made.cloud.data.attributes.keys())
    assert "lhm.native_splats" in drawn(LHM_PT_display).pressed
    assert bpy.ops.lhm.native_splats() == {"FINISHED"}
    assert not shows_native(made.cloud)
    assert [modifier.name for modifier in made.cloud.modifiers] == ["LHM Skinning", "LHM Display"]
    written = before - set(made.cloud.data.attributes.keys())
    harmonics = {native.harmonic.format(k) for k in range(3)} if native.harmonic else set()
    assert written == {native.base, "rotation", *harmonics}
    assert bpy.ops.lhm.native_splats() == {"FINISHED"}
    assert shows_native(made.cloud)
    assert set(made.cloud.data.attributes.keys()) == before
    assert len(made.cloud.modifiers) == 1


def test_where_blender_cannot_the_nodes_show_it(
    make_avatar: Callable[..., Avatar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capabilities, "_cloud_types", list)
    made = add(make_avatar(20))
    assert made.cloud.modifiers[-1].name == "LHM Display"
    assert not shows_native(made.cloud)
    with refused(NO_NATIVE.rstrip(".")):
        bpy.ops.lhm.native_splats()
    with pytest.raises(AvatarError, match="does not draw Gaussian splats itself"):
        show_native(made.cloud)
    display_modes.hide_nodes(made.cloud)  # as a file from 5.3 is, opened here
    assert bpy.ops.lhm.native_splats() == {"FINISHED"}
    assert made.cloud.modifiers[-1].name == "LHM Display"


def test_the_table_is_complete() -> None:
    """A row that could never be chosen would be dead weight; names must not be ours."""
    assert [row.base for row in NATIVE] == ["radiance:base", "color"]
    assert len({row.base_type for row in NATIVE}) == len(NATIVE)
    ours = {"gs_color", "opacity", "sh_0", "sh_1", "rest_rotation"}
    for row in NATIVE:
        assert row.base not in ours
        assert row.harmonic is None or row.harmonic.format(1) not in ours
