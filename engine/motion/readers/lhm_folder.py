"""LHM's frames: one JSON file each, in the camera's frame, with the face in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FACES = "flame_params"
# FLAME's pose is neck and jaw; its eyes are left and right. SMPL-X has FLAME's head, so they fit as they are.
_JAW = slice(3, 6)
_EYES = {"leye_pose": slice(0, 3), "reye_pose": slice(3, 6)}


def is_lhm(content: object) -> bool:
    """Whether this is a frame of LHM."""
    return isinstance(content, dict) and "root_pose" in content


def with_face(frame: dict[str, Any], path: Path, read_json: Callable[[Path], Any]) -> dict[str, Any]:
    """A frame with the face of its sibling in ``flame_params``, where it has none itself.

    Args:
        frame: What the file holds.
        path: The file, in ``smplx_params``.
        read_json: Reads the sibling.

    Raises:
        AvatarError: If the sibling is damaged.
    """
    sibling = path.parent.parent / _FACES / path.name
    if not sibling.is_file():
        return frame
    face = read_json(sibling)
    if not isinstance(face, dict):
        raise AvatarError(f"{_FACES}/{path.name} is no face. Remove the folder, or get it again.")
    parts = {"expr": (face.get("expcode"), slice(None)), "jaw_pose": (face.get("posecode"), _JAW)}
    parts |= {name: (face.get("eyecode"), part) for name, part in _EYES.items()}
    for name, (values, part) in parts.items():
        if values is None or np.any(frame.get(name, 0)):
            continue
        try:
            frame[name] = np.asarray(values, np.float64).reshape(-1)[part]
        except (ValueError, TypeError):
            raise AvatarError(
                f"{_FACES}/{path.name} holds no numbers. Remove the folder, or get it again."
            ) from None
    return frame
