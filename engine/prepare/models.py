"""mediapipe's models, loaded from its wheel, as plain functions of arrays.

mediapipe's legacy `solutions` are used because they find their model files inside the wheel: nothing is ever
downloaded. Only model complexity 1 of the pose is in the wheel.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import NDArray

_POSE_CONFIDENCE = 0.3
_FACE_CONFIDENCE = 0.5


@dataclass(frozen=True)
class Pose:
    """What the pose model says about the person it found.

    Args:
        points: Pixels of the picture given; points outside it are guesses. [33, 2]
        visibility: 0..1, low for guesses. [33]
        world: Metres about the middle of the hips; OpenCV axes (x right, y down, z away). [33, 3]
        mask: How likely each pixel is this person, 0..1. [H, W]
    """

    points: NDArray[np.float64]
    visibility: NDArray[np.float64]
    world: NDArray[np.float64]
    mask: NDArray[np.float32]


@dataclass(frozen=True)
class FoundHand:
    """What the hand model says about one hand.

    Args:
        side: "left" or "right" of its owner.
        score: How sure the model is of the side, 0.5..1.
        points: Pixels of the picture given; depth against the wrist in the same scale, smaller is nearer.
            [21, 3]
        world: Metres about the middle of the hand; OpenCV axes. [21, 3]
    """

    side: str
    score: float
    points: NDArray[np.float64]
    world: NDArray[np.float64]


class Models:
    """mediapipe's graphs, each started when first used; a context manager that ends them."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._graphs: dict[str, Any] = {}

    def __enter__(self) -> Models:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._graphs.clear()
        self._stack.close()

    def pose(self, rgb: NDArray[np.uint8]) -> Pose | None:
        """Find the most prominent person.

        Args:
            rgb: [H, W, 3]
        """
        result = self._run("pose", rgb)
        if result.pose_landmarks is None or result.segmentation_mask is None:
            return None
        height, width = rgb.shape[:2]
        marks = result.pose_landmarks.landmark
        world = result.pose_world_landmarks.landmark
        return Pose(
            points=np.array([(m.x * width, m.y * height) for m in marks]),
            visibility=np.array([m.visibility for m in marks]),
            world=np.array([(m.x, m.y, m.z) for m in world]),
            mask=np.array(result.segmentation_mask, np.float32),
        )

    def people_mask(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """How likely each pixel belongs to any person, or to what they hold, 0..1. [H, W]"""
        return np.array(self._run("selfie", rgb).segmentation_mask, np.float32)

    def faces(self, rgb: NDArray[np.uint8], *, near: bool = False) -> NDArray[np.float64]:
        """Boxes of faces: left, top, right, bottom in pixels. [N, 4]

        Args:
            rgb: [H, W, 3]
            near: Whether to ask the model for faces that fill much of the picture instead.
        """
        height, width = rgb.shape[:2]
        boxes = []
        for found in self._run("near faces" if near else "faces", rgb).detections or ():
            box = found.location_data.relative_bounding_box
            boxes.append((box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height))
        return np.array(boxes, np.float64).reshape(-1, 4) * (width, height, width, height)

    def face_mesh(self, rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Points on the face: x and y in pixels, depth in the same scale, smaller is nearer. [478, 3]"""
        height, width = rgb.shape[:2]
        found = self._run("mesh", rgb).multi_face_landmarks
        if not found:
            return None
        # Depth is in the scale of the width.
        return np.array([(m.x * width, m.y * height, m.z * width) for m in found[0].landmark])

    def hands(self, rgb: NDArray[np.uint8]) -> list[FoundHand]:
        """Up to two hands in a picture of little else. [H, W, 3]"""
        height, width = rgb.shape[:2]
        result = self._run("hands", rgb)
        lists: tuple[Any, Any, Any] = (
            result.multi_hand_landmarks or (),
            result.multi_hand_world_landmarks or (),
            result.multi_handedness or (),
        )
        found = []
        for marks, world, sides in zip(*lists, strict=True):
            side = sides.classification[0]
            found.append(
                FoundHand(
                    # The model's names are those of a mirror image.
                    side="right" if side.label == "Left" else "left",
                    score=float(side.score),
                    points=np.array([(m.x * width, m.y * height, m.z * width) for m in marks.landmark]),
                    world=np.array([(m.x, m.y, m.z) for m in world.landmark]),
                )
            )
        return found

    def _run(self, name: str, rgb: NDArray[np.uint8]) -> Any:
        if name not in self._graphs:
            self._graphs[name] = self._stack.enter_context(_graph(name))
        return self._graphs[name].process(np.ascontiguousarray(rgb))


def _graph(name: str) -> Any:
    # Read when the library is loaded; it reports each model it opens as a warning.
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mediapipe.python.solutions import face_detection, face_mesh, hands, pose, selfie_segmentation

    if name == "pose":
        return pose.Pose(
            static_image_mode=True,
            model_complexity=1,
            enable_segmentation=True,
            smooth_segmentation=False,
            min_detection_confidence=_POSE_CONFIDENCE,
        )
    if name == "selfie":
        return selfie_segmentation.SelfieSegmentation(model_selection=0)
    if name in ("faces", "near faces"):
        return face_detection.FaceDetection(
            model_selection=1 if name == "faces" else 0, min_detection_confidence=_FACE_CONFIDENCE
        )
    if name == "hands":
        return hands.Hands(
            static_image_mode=True, max_num_hands=2, model_complexity=1, min_detection_confidence=0.3
        )
    return face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=0.3
    )
