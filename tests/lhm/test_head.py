"""Where heads are: closed forms, and an outline drawn by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from lhm_avatars.engine.lhm.head import FACE_DETECTION, FACE_MESH, LANDMARKS, find_head, head_of_mesh
from lhm_avatars.engine.prepare.landmarks import landmark
from lhm_avatars.engine.prepare.person import prepare

from .photos import box_overlap

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.prepare.person import PreparedPhoto

# Hair, face and chin of the half-body example, drawn around by hand, in its 512 pixels.
DRAWN = (153.0, 15.0, 302.0, 178.0)


@pytest.fixture(scope="module")
def half_body(root: Path) -> PreparedPhoto:
    return prepare(root / "assets" / "example_half_body.jpg")


def without_face(prepared: PreparedPhoto) -> PreparedPhoto:
    return replace(prepared, keypoints=replace(prepared.keypoints, face=None))


def frontal() -> np.ndarray:
    """mediapipe's canonical face in centimetres: x to the right in the picture, y down, z away. [468, 3]"""
    mesh = np.zeros((468, 3))
    mesh[10], mesh[152] = (0, -8.26, -4.48), (0, 9.40, -4.26)
    mesh[234], mesh[454] = (-7.66, -0.67, 2.44), (7.66, -0.67, 2.44)
    return mesh


def turned(mesh: np.ndarray, axis: int, degrees: float) -> np.ndarray:
    rotvec = np.zeros(3)
    rotvec[axis] = np.radians(degrees)
    return mesh @ cv2.Rodrigues(rotvec)[0].T


def test_a_frontal_head_has_human_proportions() -> None:
    left, top, right, bottom = head_of_mesh(frontal())
    face = 17.66  # the canonical face is 15.3 wide, 14.0 on average: all sizes times 1.09
    assert bottom == pytest.approx(9.40, abs=0.05 * face)  # the chin
    assert bottom - top == pytest.approx(22.8 * 1.09, rel=0.05)
    assert right - left == pytest.approx(18.5 * 1.09, rel=0.05)
    assert left + right == pytest.approx(0, abs=1e-9)


def test_in_profile_it_is_as_wide_as_heads_are_long() -> None:
    left, top, right, bottom = head_of_mesh(turned(frontal(), 1, 90))
    assert right - left == pytest.approx(19.9 * 1.09, rel=0.05)
    assert bottom - top == pytest.approx(22.8 * 1.09, rel=0.05)
    # The face looks to one side: the rest of the head lies behind it.
    nose = turned(np.array([[0, 0, -7.0]]), 1, 90)[0, 0]
    assert abs((left + right) / 2 - nose) > 5


def test_a_head_that_lies_has_its_sides_swapped() -> None:
    upright, lying = (np.array(head_of_mesh(turned(frontal(), 2, angle))) for angle in (0, 90))
    assert (lying[2:] - lying[:2]) == pytest.approx((upright[2:] - upright[:2])[::-1], rel=0.02)


def test_the_head_is_found_as_it_was_drawn(half_body: PreparedPhoto) -> None:
    head = find_head(half_body)
    assert head.source == FACE_MESH
    assert box_overlap(head.box, DRAWN) > 0.75


def test_without_a_mesh_a_detector_looks(half_body: PreparedPhoto) -> None:
    head = find_head(without_face(half_body))
    assert head.source == FACE_DETECTION
    assert box_overlap(head.box, DRAWN) > 0.6


def test_without_a_face_the_body_says_where(half_body: PreparedPhoto) -> None:
    rgb = half_body.photo.rgb.copy()
    left, top, right, bottom = (int(edge) for edge in DRAWN)
    rgb[top:bottom, left:right] = 120
    head = find_head(replace(without_face(half_body), photo=replace(half_body.photo, rgb=rgb)))
    assert head.source == LANDMARKS
    assert box_overlap(head.box, DRAWN) > 0.4


def test_somebody_elses_face_does_not_count(half_body: PreparedPhoto) -> None:
    # The same photo, but the matte holds what is below the face.
    alpha = half_body.matte.alpha.copy()
    alpha[:180] = 0
    head = find_head(replace(without_face(half_body), matte=replace(half_body.matte, alpha=alpha)))
    assert head.source == LANDMARKS


def test_a_hidden_head_is_none(half_body: PreparedPhoto) -> None:
    bare = without_face(half_body)
    visibility = bare.keypoints.visibility.copy()
    visibility[: landmark("left_shoulder")] = 0
    alpha = np.zeros_like(bare.matte.alpha)
    hidden = replace(
        bare,
        keypoints=replace(bare.keypoints, visibility=visibility),
        matte=replace(bare.matte, alpha=alpha),
    )
    assert find_head(hidden) is None
