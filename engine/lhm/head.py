"""Where the person's head is: hair, ears and chin, as the detector that LHM was trained with boxes it.

That detector (VGGHeads) learnt from boxes that people drew around heads. We take it that such a box holds the
whole head with its hair; no sizes are published. mediapipe gives the face, so the head is worked out: an
ellipsoid of average proportions stands where the face mesh says, turned as it is turned, and its box ends
above where the matte shows the end of the hair or hat.

Source: Kupyn et al. 2024 (VGGHeads); for the proportions mediapipe's canonical face (17.7 cm from forehead to
chin point, 15.3 wide) and adult means (chin to top of the head 22.8 cm, length 19.9, breadth with ears 18.5,
width over the cheekbones 14.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..prepare.boxes import clipped, limited, resized
from ..prepare.landmarks import landmark
from ..prepare.models import Models
from ..prepare.reach import pixels_per_metre

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..prepare.boxes import Box
    from ..prepare.person import PreparedPhoto

    Edges = tuple[float, float, float, float]

FACE_MESH, FACE_DETECTION, LANDMARKS = "the face", "a face detector", "the body's landmarks"

_FOREHEAD, _CHIN, _RIGHT_CHEEK, _LEFT_CHEEK = 10, 152, 234, 454  # points of mediapipe's face mesh
# In lengths from forehead to chin point, 16.3 cm on average. The skull reaches 1.4 above the chin; hair adds.
_HALF_WIDTH, _HALF_HEIGHT, _HALF_LENGTH = 0.56, 0.72, 0.62
_UP, _BACK = 0.22, 0.55  # from the middle of forehead and chin to the middle of the head
_HAIR = 0.35  # how far a hairdo or hat may rise above that
# mediapipe's face box reaches from the brows to the chin and from cheek to cheek.
_OF_FACE_BOX = (0.2, 0.6, 0.2, 0.08)  # added at the left, top, right, bottom, in its sides
_HEAD_WIDTH, _HEAD_HEIGHT = 0.185, 0.25  # metres, with hair
_SEEN = 0.5
_ANYTHING = 0.1  # of a row of the matte: less is a stray hair


@dataclass(frozen=True)
class Head:
    """A head in a photo.

    Args:
        box: Left, top, right, bottom, pixels; it may pass the photo's borders.
        source: What it was worked out from, in words.
    """

    box: Edges
    source: str


def find_head(prepared: PreparedPhoto) -> Head | None:
    """The head of the person who was cut out.

    Args:
        prepared: The person's landmarks and, most of the time, face mesh are in it.

    Returns:
        In pixels of the working photo; None if neither a face nor a head is seen.
    """
    keypoints = prepared.keypoints
    if keypoints.face is not None:
        crop, face = prepared.crop, keypoints.face.points
        mesh = np.concatenate([crop.to_photo(face[:, :2]), face[:, 2:] / crop.scale], axis=1)
        return Head(_by_matte(head_of_mesh(mesh), float(mesh[:, 1].min()), prepared.matte.alpha), FACE_MESH)
    unit = pixels_per_metre(keypoints) / prepared.crop.scale
    middle = _middle(prepared)
    face = _detected_face(prepared, middle, unit)
    if face is not None:
        return Head(_by_matte(head_of_face(face), float(face[1]), prepared.matte.alpha), FACE_DETECTION)
    if middle is None:
        return None
    x, y = middle
    half_width, half_height = _HEAD_WIDTH * unit / 2, _HEAD_HEIGHT * unit / 2
    return Head((x - half_width, y - half_height, x + half_width, y + half_height), LANDMARKS)


def head_of_mesh(mesh: NDArray[np.float64]) -> Edges:
    """The box of the head behind a face.

    Args:
        mesh: mediapipe's face points in pixels; depth in the same scale, smaller is nearer. [478, 3]
    """
    up = mesh[_FOREHEAD] - mesh[_CHIN]
    length = float(np.linalg.norm(up))
    up = up / length
    across = mesh[_LEFT_CHEEK] - mesh[_RIGHT_CHEEK]
    across = across - (across @ up) * up
    across /= max(float(np.linalg.norm(across)), 1e-9)
    back = np.cross(across, up)
    # The cheek points lie behind the others, whichever way the product turned out.
    cheeks = (mesh[_RIGHT_CHEEK] + mesh[_LEFT_CHEEK] - mesh[_FOREHEAD] - mesh[_CHIN]) / 2
    back *= np.copysign(1.0, back @ cheeks)
    middle = (mesh[_FOREHEAD] + mesh[_CHIN]) / 2 + length * (_UP * up + _BACK * back)
    axes = length * np.stack([_HALF_WIDTH * across, _HALF_HEIGHT * up, _HALF_LENGTH * back])
    half = np.linalg.norm(axes, axis=0)  # of an ellipsoid's box
    # In a head that is bent the chin passes the ellipsoid.
    (left, top), (right, bottom) = (
        np.minimum(middle - half, mesh.min(axis=0))[:2],
        np.maximum(middle + half, mesh.max(axis=0))[:2],
    )
    return float(left), float(top), float(right), float(bottom)


def head_of_face(face: NDArray[np.float64]) -> Edges:
    """The box of the head around mediapipe's box of a face (left, top, right, bottom)."""
    left, top, right, bottom = face.tolist()
    width, height = right - left, bottom - top
    more = _OF_FACE_BOX
    return left - more[0] * width, top - more[1] * height, right + more[2] * width, bottom + more[3] * height


def _by_matte(box: Edges, face_top: float, alpha: NDArray[np.float32]) -> Edges:
    """The box with its top where the matte ends above the face: hair and hats count, a wall does not."""
    left, top, right, bottom = box
    limit = top - _HAIR * (bottom - top) / (2 * _HALF_HEIGHT)
    if face_top <= 1 or left >= alpha.shape[1] or right <= 0:
        return box
    view = clipped((left, limit, right, face_top), (alpha.shape[1], alpha.shape[0]))
    front = (alpha[view.slices] > _SEEN).mean(axis=1) > _ANYTHING
    if not front[-1]:
        return box
    empty = np.flatnonzero(~front)
    if not len(empty) and view.top == 0:
        return left, min(top, 0.0), right, bottom  # the photo's border cuts the head
    return left, float(view.top + (empty[-1] + 1 if len(empty) else 0)), right, bottom


def _middle(prepared: PreparedPhoto) -> NDArray[np.float64] | None:
    """The middle of the head in the working photo, from the body's landmarks, if they are seen. [2]"""
    keypoints = prepared.keypoints
    ears = [landmark("left_ear"), landmark("right_ear")]
    if not (keypoints.inside[ears].any() and keypoints.visibility[ears].max() > _SEEN):
        return None
    return prepared.crop.to_photo(keypoints.points[ears].mean(axis=0))


def _detected_face(
    prepared: PreparedPhoto, middle: NDArray[np.float64] | None, unit: float
) -> NDArray[np.float64] | None:
    """The person's face for mediapipe's detectors of near and far faces; the largest of several. [4]"""
    rgb, alpha = prepared.photo.rgb, prepared.matte.alpha
    size = (prepared.photo.width, prepared.photo.height)
    reach = 0.5 * unit
    window = prepared.crop.box
    if middle is not None:
        window = clipped((*(middle - reach), *(middle + reach)), size)
    view, scale = _view(rgb[window.slices], window)
    with Models() as models:
        boxes = np.concatenate([models.faces(view), models.faces(view, near=True)])
    faces = [face * scale + np.array([window.left, window.top] * 2) for face in boxes]
    mine = [face for face in faces if _covered(face, alpha) > _SEEN]
    return max(mine, key=lambda face: float(face[2] - face[0]), default=None)


def _view(crop: NDArray[np.uint8], window: Box) -> tuple[NDArray[np.uint8], float]:
    """The window at a size the detectors like, and its pixels per pixel of that."""
    longer = max(crop.shape[:2])
    scale = 256 / longer if longer < 256 else 1.0  # small faces are missed
    view = resized(crop, round(window.width * scale), round(window.height * scale)) if scale > 1 else crop
    view = limited(view, 1280)
    return view, window.width / view.shape[1]


def _covered(face: NDArray[np.float64], alpha: NDArray[np.float32]) -> float:
    """Share of a face box that the matte covers."""
    view = clipped(tuple(face.tolist()), (alpha.shape[1], alpha.shape[0]))
    return float(alpha[view.slices].mean())
