"""The names of the body's landmarks."""

from __future__ import annotations

import numpy as np

LANDMARK_NAMES: tuple[str, ...] = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index",
    "left_thumb", "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle", "left_heel", "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip
"""mediapipe's 33 landmarks, in its order."""

MIRRORED = np.array(
    [
        LANDMARK_NAMES.index(
            name.replace("left", "right") if "left" in name else name.replace("right", "left")
        )
        for name in LANDMARK_NAMES
    ]
)
"""The landmark on the other side; those of the middle map to themselves. [33]"""


def landmark(name: str) -> int:
    """Position of a landmark.

    Raises:
        ValueError: If there is no such landmark.
    """
    if name not in LANDMARK_NAMES:
        raise ValueError(f"no landmark named {name!r}; landmarks are {', '.join(LANDMARK_NAMES)}")
    return LANDMARK_NAMES.index(name)
