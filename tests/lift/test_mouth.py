"""The inside of the mouth: what is taken for it, and that only it is darkened."""

from __future__ import annotations

import numpy as np
from lhm_avatars.engine.avatar.avatar import SEEN_FILLED, SEEN_PHOTO
from lhm_avatars.engine.avatar.binding import Binding
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.avatar.gaussians import Gaussians
from lhm_avatars.engine.binding.face import on_face
from lhm_avatars.engine.lift.mouth import dark_inside, inside_mouth


def test_it_is_behind_the_lips() -> None:
    body = bundled_body()
    inside = inside_mouth(body)
    places = body.v_template[inside]
    assert 300 < inside.sum() < 900
    assert np.abs(places[:, 0]).max() < 0.035
    assert places[:, 1].max() < body.joints(np.zeros(0))[joint_index("left_eye"), 1] - 0.03
    # The tongue moves when it is put out, and is inside; the tip of the nose and the chin are not.
    tongue = np.linalg.norm(body.face_dirs[:, :, body.face_names.index("tongueOut")], axis=1) > 0.015
    assert inside[body.face_vertices[tongue]].mean() > 0.9
    assert not inside[9120]
    skin = body.v_template[(body.joint_indices[:, 0] == joint_index("jaw"))]
    chin = skin[np.abs(skin[:, 0]) < 0.005][:, 2].max()
    assert places[:, 2].max() < chin + 0.01


def test_what_the_photo_shows_keeps_its_colour() -> None:
    body = bundled_body()
    count = body.vertex_count
    colors = np.full((count, 3), 0.6)
    gaussians = Gaussians.from_colors(
        body.v_template,
        np.tile([1.0, 0, 0, 0], (count, 1)),
        np.full((count, 3), 0.003),
        np.ones(count),
        colors,
    )
    found = on_face(body, body.v_template, gaussians.means, Binding(body.joint_indices, body.joint_weights))
    inside = inside_mouth(body)
    seen = np.full(count, SEEN_FILLED, np.uint8)
    seen[np.flatnonzero(inside)[::2]] = SEEN_PHOTO
    after = dark_inside(body, found, gaussians, seen).colors()
    made_up = inside & (seen == SEEN_FILLED)
    np.testing.assert_allclose(after[made_up], np.tile([0.18, 0.084, 0.084], (made_up.sum(), 1)), atol=1e-6)
    np.testing.assert_allclose(after[~made_up], colors[~made_up], atol=1e-6)
