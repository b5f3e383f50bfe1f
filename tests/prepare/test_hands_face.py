"""Hands and face: in the picture's pixels, on the side of their owner, or not there at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.prepare.boxes import Box
from lhm_avatars.engine.prepare.face_points import FACE_POINTS, LEFT_IRIS, RIGHT_IRIS, FacePoints
from lhm_avatars.engine.prepare.framing import Crop, cropped
from lhm_avatars.engine.prepare.hand_points import HAND_LANDMARK_NAMES, SIDES, HandPoints, find_hands
from lhm_avatars.engine.prepare.keypoints import Keypoints
from lhm_avatars.engine.prepare.landmarks import landmark
from lhm_avatars.engine.prepare.models import FoundHand
from lhm_avatars.engine.prepare.person import PreparedPhoto, prepare
from PIL import Image

from .conftest import save

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TIPS = [HAND_LANDMARK_NAMES.index(f"{name}_tip") for name in ("thumb", "index", "middle", "ring", "pinky")]
WIDTH = 384


@pytest.fixture(scope="module")
def whole(root: Path) -> PreparedPhoto:
    return prepare(root / "assets" / "example_person.jpg")


@pytest.fixture(scope="module")
def mirrored(root: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedPhoto:
    pixels = np.array(Image.open(root / "assets" / "example_person.jpg"))[:, ::-1]
    return prepare(save(tmp_path_factory.mktemp("mirror") / "a.png", pixels.astype(np.float32)))


@pytest.mark.parametrize("side", SIDES)
def test_hands_hang_on_the_wrists_of_their_side(whole: PreparedPhoto, side: str) -> None:
    hand = whole.keypoints.hands[SIDES.index(side)]
    assert hand is not None
    assert hand.points.shape == hand.world.shape == (21, 3)
    assert 0.5 < hand.confidence <= 1
    body = {name: whole.keypoints.points[landmark(f"{side}_{name}")] for name in ("wrist", "elbow")}
    forearm = np.linalg.norm(body["wrist"] - body["elbow"])
    assert np.linalg.norm(hand.points[0, :2] - body["wrist"]) < 0.3 * forearm
    # The arms hang: all tips lie below the wrist, on the person.
    assert (hand.points[TIPS, 1] > hand.points[0, 1]).all()
    columns, rows = hand.points[:, :2].astype(int).T
    assert (whole.alpha[rows, columns] > 0.5).mean() > 0.7
    # A hand from wrist to the middle finger's tip is 17 to 21 cm long; these fingers are bent.
    length = np.linalg.norm(hand.world[TIPS[2]] - hand.world[0])
    assert 0.1 < length < 0.22
    assert hand.world[TIPS[2], 1] < hand.world[0, 1]  # y is up


def test_a_mirror_image_swaps_the_hands(whole: PreparedPhoto, mirrored: PreparedPhoto) -> None:
    width = whole.photo.width
    for one, other in zip(whole.keypoints.hands, reversed(mirrored.keypoints.hands), strict=True):
        assert one is not None
        assert other is not None
        here = whole.crop.to_photo(one.points[:, :2])
        there = mirrored.crop.to_photo(other.points[:, :2]) * (-1, 1) + (width, 0)
        size = np.linalg.norm(here[TIPS[2]] - here[0])
        assert np.linalg.norm(here - there, axis=1).mean() < 0.15 * size


def test_hidden_hands_are_not_invented(prepared: PreparedPhoto) -> None:
    """The half-body example ends above the gloves."""
    assert prepared.keypoints.hands == (None, None)
    assert prepared.report["hands_found"] == []


def test_irises_lie_in_the_eyes_of_their_side(prepared: PreparedPhoto) -> None:
    face = prepared.keypoints.face
    assert face is not None
    assert face.points.shape == (FACE_POINTS, 3)
    assert face.confidence > 0.8
    # Read off the picture by eye, in its 512 pixels: the pupils.
    for iris, pupil in ((LEFT_IRIS, (246, 106)), (RIGHT_IRIS, (199, 101))):
        middle = prepared.crop.to_photo(face.points[iris, :2].mean(axis=0))
        assert np.linalg.norm(middle - pupil) < 6
    tip = 1  # of the nose; mediapipe's canonical face
    assert face.points[tip, 2] < face.points[:468, 2].mean()  # nearer


class _Seen:
    """Stands for the models: the same hands in every view, mirrored with it."""

    def __init__(self, *hands: FoundHand) -> None:
        self._hands = hands
        self.looks = 0

    def hands(self, view: NDArray[np.uint8]) -> list[FoundHand]:
        self.looks += 1
        if self.looks % 2:
            return list(self._hands)
        flip = np.array([-1.0, 1.0, 1.0])
        return [
            FoundHand(
                SIDES[1 - SIDES.index(h.side)],
                h.score,
                h.points * flip + (view.shape[1], 0, 0),
                h.world * flip,
            )
            for h in self._hands
        ]


WRISTS = {"left": (300.0, 40.0), "right": (60.0, 40.0)}


def arms(visibility: float = 1.0) -> Keypoints:
    """Somebody so near that every view is the whole picture: 3000 pixels a metre."""
    points = np.random.default_rng(0).uniform(20, WIDTH - 20, (33, 2))
    for side, place in WRISTS.items():
        points[landmark(f"{side}_wrist")] = place
    world = np.concatenate([points * (1, -1) / 3000, np.zeros((33, 1))], axis=1)
    return Keypoints(points, np.full(33, visibility), world, np.zeros(33), None, WIDTH, WIDTH)


def hand_at(side: str, place: tuple[float, float], score: float = 1.0) -> FoundHand:
    points = np.zeros((21, 3))
    points[:, :2] = place
    points[1:, 1] += 50
    return FoundHand(side, score, points, np.zeros((21, 3)))


def test_a_hand_of_the_wrong_side_or_far_from_the_wrist_is_not_taken() -> None:
    rgb = np.zeros((WIDTH, WIDTH, 3), np.uint8)
    left, right = find_hands(_Seen(hand_at("left", WRISTS["left"], 0.9)), rgb, arms())
    assert right is None
    assert left is not None
    # Four looks agree, at the very place of the pose's wrist: what is left is the model's own doubt.
    assert left.confidence == pytest.approx(0.9)
    np.testing.assert_allclose(left.points[1, :2], (300, 90))
    assert find_hands(_Seen(hand_at("right", WRISTS["left"])), rgb, arms()) == (None, None)
    assert find_hands(_Seen(hand_at("left", (300.0, 380.0))), rgb, arms()) == (None, None)


def test_where_the_wrist_is_not_seen_no_hand_is_looked_for() -> None:
    seen = _Seen(hand_at("left", WRISTS["left"]))
    assert find_hands(seen, np.zeros((WIDTH, WIDTH, 3), np.uint8), arms(0.1)) == (None, None)
    assert seen.looks == 0


def test_hands_and_face_move_with_the_crop() -> None:
    points = np.arange(63.0).reshape(21, 3)
    hand = HandPoints(points, points / 100, 0.7)
    keypoints = arms()
    keypoints = type(keypoints)(**{**vars(keypoints), "face": FacePoints(points, 0.5), "hands": (hand, None)})
    small = cropped(keypoints, Crop(Box(10, 20, 110, 220), 0.5), 50, 100)
    expected = (points - (10, 20, 0)) * 0.5
    assert small.hands[0] is not None
    assert small.hands[1] is None
    assert small.face is not None
    np.testing.assert_allclose(small.hands[0].points, expected)
    np.testing.assert_allclose(small.face.points, expected)
    np.testing.assert_array_equal(small.hands[0].world, hand.world)
    assert (small.hands[0].confidence, small.face.confidence) == (0.7, 0.5)
