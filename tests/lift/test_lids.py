"""Closing lids, on places whose way is known, and on the body's own face."""

from __future__ import annotations

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.lids import Lids, find_lids


def slit() -> Lids:
    """An eye four centimetres wide and one open, whose upper edge comes straight down."""
    x = np.array([-0.022, -0.02, 0.02, 0.022])
    closing = np.array([[0.0, 0, 0], [0, -0.0105, 0], [0, -0.0105, 0], [0, 0, 0]])
    return Lids(x, np.full(4, 0.004), np.full(4, -0.006), closing)


@pytest.mark.parametrize(
    ("place", "moved"),
    [
        ((0.0, 0.004, 0.017), (0, -0.0105, 0)),  # the edge
        ((0.01, 0.012, 0.017), (0, -0.00525, 0)),  # half as far as the brow
        ((0.0, 0.021, 0.02), (0, 0, 0)),  # the brow
        ((0.0, 0.001, 0.017), (0, -0.0055, -0.005)),  # the pupil: behind the edge, 1.5 mm above the lower one
        ((0.01, -0.0055, 0.016), (0, 0, -0.005)),  # what is low already stays as low
        ((0.0, -0.007, 0.016), (0, 0, 0)),  # the lower lid
        ((0.0, 0.004, 0.001), (0, 0, 0)),  # inside the head
        ((0.023, 0.004, 0.017), (0, 0, 0)),  # the temple
    ],
)
def test_where_places_go(place: tuple[float, ...], moved: tuple[float, ...]):
    np.testing.assert_allclose(slit().closed(np.array([place]))[0], moved, atol=1e-12)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_bodys_lids_frame_its_eyeball(side: str):
    body = bundled_body()
    lids = find_lids(body, side)
    assert (np.diff(lids.x) > 0).all()
    middle = np.abs(lids.x) < 0.006
    opening = (lids.upper - lids.lower)[middle]
    assert 0.004 < opening.min() <= opening.max() < 0.010  # an eye is about a centimetre open
    assert (lids.upper >= lids.lower).all()
    # Closed, the upper edge lies on the lower one.
    np.testing.assert_allclose((lids.upper + lids.closing[:, 1] - lids.lower)[middle], 0, atol=1.5e-3)
    # The front of the eyeball is between the edges, and nothing of it shows once they are closed.
    eye = body.joints(np.zeros(0))[joint_index(f"{side}_eye")]
    ball = body.v_template[body.joint_indices[:, 0] == joint_index(f"{side}_eye")] - eye
    front = ball[np.linalg.norm(ball[:, :2], axis=1) < 0.003]
    front = front[front[:, 2] > 0.012]
    assert len(front)
    shut = front + lids.closed(front)
    edge = np.interp(front[:, 0], lids.x, lids.lower)
    assert (shut[:, 1] <= edge + 0.002).all()
    assert (shut[:, 2] < front[:, 2] - 0.004).all()


def test_left_and_right_lids_mirror_each_other():
    left, right = (find_lids(bundled_body(), side) for side in ("left", "right"))
    x = np.linspace(-0.015, 0.015, 13)
    for name in ("upper", "lower"):
        one = np.interp(x, left.x, getattr(left, name))
        other = np.interp(-x, right.x, getattr(right, name))
        np.testing.assert_allclose(one, other, atol=1e-3)


@pytest.mark.parametrize(
    ("place", "share", "is_open"),
    [
        ((0.0, 0.0, 0.017), 1.0, True),  # the pupil
        ((0.009, 0.0, 0.015), 0.5, True),  # half-way to the corner
        ((-0.0129, 0.0, 0.01), 0.0, True),  # the corner
        ((0.0, 0.003, 0.017), 0.5, True),  # a millimetre below the upper lid
        ((0.0, -0.0055, 0.017), 5 / 32, True),  # half a millimetre above the lower one
        ((0.0, 0.0041, 0.017), 0.0, False),  # the upper lid
        ((0.0, -0.0061, 0.017), 0.0, False),  # the lower one
        ((0.0, 0.0, -0.01), 1.0, False),  # the back of the eyeball
    ],
)
def test_what_turns_with_the_eye(place: tuple[float, ...], share: float, is_open: bool):
    turns, open_to_view = slit().turning(np.array([place]))
    np.testing.assert_allclose(turns, [share], atol=1e-3)
    assert open_to_view.tolist() == [is_open]
