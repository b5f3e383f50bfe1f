"""The body: joint table, parameters, and the SMPL-X body file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import float_array
from .binding import strongest
from .body_file import read_body_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Float, Int

_FINGERS = ("index", "middle", "pinky", "ring", "thumb")

JOINT_NAMES: tuple[str, ...] = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle",
    "right_ankle", "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head",
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
    "jaw", "left_eye", "right_eye",
    *(f"{side}_{finger}{k}" for side in ("left", "right") for finger in _FINGERS for k in (1, 2, 3)),
)  # fmt: skip
"""SMPL-X joint order. Mind the fingers: index, middle, pinky, ring, thumb."""


def _finger_parents(wrist: int, first: int) -> list[int]:
    return [wrist if k % 3 == 0 else first + k - 1 for k in range(15)]


JOINT_PARENTS: tuple[int, ...] = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15,
    *_finger_parents(20, 25), *_finger_parents(21, 40),
)  # fmt: skip
"""Parent of each joint; -1 for the pelvis. A parent always comes before its children."""

JOINT_COUNT = len(JOINT_NAMES)
BODY_JOINT_COUNT = 21
HAND_JOINT_COUNT = 15
MIRRORED_JOINTS: tuple[int, ...] = tuple(
    JOINT_NAMES.index(
        name.replace("left", "right") if name.startswith("left") else name.replace("right", "left")
    )
    for name in JOINT_NAMES
)
"""The joint on the other side of the body; joints of the middle map to themselves."""


def joint_index(name: str) -> int:
    """Position of a joint in ``JOINT_NAMES``.

    Raises:
        ValueError: If there is no such joint.
    """
    if name not in JOINT_NAMES:
        raise ValueError(f"no joint named {name!r}; joints are {', '.join(JOINT_NAMES)}")
    return JOINT_NAMES.index(name)


@dataclass(frozen=True)
class BodyParams:
    """Shape and pose of one person; rotations are axis-angle vectors in radians, local to the parent joint.

    Given in any precision, kept in float32.

    Args:
        betas: Shape coefficients. [B]
        expression: Expression coefficients. [E]
        global_orient: Rotation of the pelvis in the body frame. [3]
        body_pose: Joints 1..21. [21, 3]
        jaw_pose: [3]
        left_eye_pose: [3]
        right_eye_pose: [3]
        left_hand_pose: [15, 3]
        right_hand_pose: [15, 3]
        transl: Added to every joint, metres, body axes. [3]

    Raises:
        ValueError: If a shape is wrong.

    Source: Pavlakos et al. 2019, SMPL-X, section 3.1.
    """

    betas: Float
    expression: Float
    global_orient: Float
    body_pose: Float
    jaw_pose: Float
    left_eye_pose: Float
    right_eye_pose: Float
    left_hand_pose: Float
    right_hand_pose: Float
    transl: Float

    def __post_init__(self) -> None:
        shapes: dict[str, tuple[int | None, ...]] = {
            "betas": (None,), "expression": (None,), "global_orient": (3,),
            "body_pose": (BODY_JOINT_COUNT, 3), "jaw_pose": (3,),
            "left_eye_pose": (3,), "right_eye_pose": (3,),
            "left_hand_pose": (HAND_JOINT_COUNT, 3), "right_hand_pose": (HAND_JOINT_COUNT, 3), "transl": (3,),
        }  # fmt: skip
        for name, shape in shapes.items():
            object.__setattr__(self, name, float_array(name, getattr(self, name), shape))

    @classmethod
    def from_pose(
        cls,
        pose: Float,
        *,
        betas: Float | None = None,
        expression: Float | None = None,
        transl: Float | None = None,
    ) -> BodyParams:
        """Parameters from one rotation per joint.

        Args:
            pose: Axis-angle per joint, in joint order, radians. [55, 3]
            betas: Shape coefficients, none by default. [B]
            expression: Expression coefficients, none by default. [E]
            transl: Metres, zero by default. [3]
        """
        pose = float_array("pose", pose, (JOINT_COUNT, 3))
        return cls(
            betas=np.zeros(0, np.float32) if betas is None else betas,
            expression=np.zeros(0, np.float32) if expression is None else expression,
            global_orient=pose[0],
            body_pose=pose[1:22],
            jaw_pose=pose[22],
            left_eye_pose=pose[23],
            right_eye_pose=pose[24],
            left_hand_pose=pose[25:40],
            right_hand_pose=pose[40:55],
            transl=np.zeros(3, np.float32) if transl is None else transl,
        )

    @classmethod
    def zero(cls, n_betas: int = 10, n_expression: int = 10) -> BodyParams:
        """The mean person in the zero pose (arms out, palms down)."""
        return cls.from_pose(
            np.zeros((JOINT_COUNT, 3), np.float32), betas=np.zeros(n_betas), expression=np.zeros(n_expression)
        )

    def pose(self) -> Float:
        """One axis-angle vector per joint, in joint order. [55, 3]"""
        return np.concatenate(
            [
                self.global_orient[None],
                self.body_pose,
                self.jaw_pose[None],
                self.left_eye_pose[None],
                self.right_eye_pose[None],
                self.left_hand_pose,
                self.right_hand_pose,
            ]
        )


@dataclass(frozen=True)
class Body:
    """A body model read from a file in SMPL-X layout. Body axes, metres.

    Args:
        v_template: Mean shape, zero pose. [V, 3]
        faces: Triangles. [F, 3]
        joint_regressor: Joints from vertices. [55, V]
        shapedirs: Metres per unit of beta. [V, 3, S]
        exprdirs: Metres per unit of expression. [V, 3, E]
        joint_indices: Joints each vertex follows, strongest first. [V, K]
        joint_weights: Rows sum to one. [V, K]
        hands_mean: Relaxed left and right hand, axis-angle. [2, 45]
        info: What the file says about itself; ``name`` is shown to the user.
        face_names: ARKit's facial actions, if the file has them; foreign SMPL-X files do not. [A]
        face_vertices: What they move, ascending; eyeballs are not among it, their joints turn them. [M]
        face_dirs: Metres at full strength, zero pose. [M, 3, A]
    """

    v_template: NDArray[np.float32]
    faces: NDArray[np.int32]
    joint_regressor: NDArray[np.float32]
    shapedirs: NDArray[np.float32]
    exprdirs: NDArray[np.float32]
    joint_indices: Int
    joint_weights: Float
    hands_mean: NDArray[np.float32]
    info: dict[str, Any] = field(default_factory=dict)
    face_names: tuple[str, ...] = ()
    face_vertices: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    face_dirs: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3, 0), np.float32))

    @property
    def vertex_count(self) -> int:
        """Number of vertices."""
        return len(self.v_template)

    @property
    def is_bundled(self) -> bool:
        """Whether this is our own body rather than SMPL-X."""
        return bool(self.info)

    def shaped(self, betas: Float, expression: Float | None = None) -> Float:
        """Vertices in the zero pose.

        Args:
            betas: At most S coefficients. [<=S]
            expression: At most E coefficients. [<=E]

        Returns:
            Metres. [V, 3]

        Raises:
            ValueError: If there are more coefficients than the file has.

        Source: Loper et al. 2015, eq. 8.
        """
        vertices = self.v_template + _blend("betas", self.shapedirs, betas)
        return vertices if expression is None else vertices + _blend("expression", self.exprdirs, expression)

    def joints(self, betas: Float) -> Float:
        """Rest joints; they follow betas only, so that an expression never moves a bone.

        Args:
            betas: At most S coefficients. [<=S]

        Returns:
            Metres. [55, 3]
        """
        template, directions = self._joint_basis
        return template + _blend("betas", directions, betas)

    @cached_property
    def _joint_basis(self) -> tuple[Float, Float]:
        return self.joint_regressor @ self.v_template, np.einsum(
            "jv,vcs->jcs", self.joint_regressor, self.shapedirs
        )


def _blend(name: str, directions: Float, coefficients: Float) -> Float:
    coefficients = np.asarray(coefficients)
    if coefficients.ndim != 1 or len(coefficients) > directions.shape[-1]:
        raise ValueError(
            f"{name} must have shape (at most {directions.shape[-1]},), got {coefficients.shape}"
        )
    return directions[..., : len(coefficients)] @ coefficients


_MAX_INFLUENCES = 8
_WIDE_SHAPE = 300  # SMPL-X v1.1: 300 shape directions, then 100 of expression; v1.0: ten and ten


def load_body(path: Path) -> Body:
    """Read a body file in SMPL-X ``.npz`` layout; pickled members are never touched.

    Raises:
        AvatarError: If the file is missing, is no ``.npz``, or lacks a member or has it in a wrong shape.
    """
    members, info = read_body_file(Path(path), JOINT_PARENTS)
    directions = members["shapedirs"].astype(np.float32)
    count = directions.shape[2]
    shape_count = _WIDE_SHAPE if count >= _WIDE_SHAPE + 100 else count // 2
    binding = strongest(members["weights"], _MAX_INFLUENCES)
    used = max(1, int((binding.joint_weights > 0).sum(axis=1).max()))
    hands = [members.get(f"hands_mean{side}", np.zeros(45)) for side in "lr"]
    return Body(
        v_template=members["v_template"].astype(np.float32),
        faces=members["f"].astype(np.int32),
        joint_regressor=members["J_regressor"].astype(np.float32),
        shapedirs=np.ascontiguousarray(directions[..., :shape_count]),
        exprdirs=np.ascontiguousarray(directions[..., shape_count:]),
        joint_indices=np.ascontiguousarray(binding.joint_indices[:, :used]),
        joint_weights=np.ascontiguousarray(binding.joint_weights[:, :used]),
        hands_mean=np.asarray(hands, np.float32),
        info=info,
        **_face_of(members),
    )


def _face_of(members: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The facial actions; only our own file has them."""
    if "face_dirs" not in members:
        return {}
    dirs = members["face_dirs"].transpose(2, 1, 0) * np.float32(members["face_step"])
    return {
        "face_names": tuple(str(name) for name in members["face_names"]),
        "face_vertices": members["face_vertices"].astype(np.int32),
        "face_dirs": np.ascontiguousarray(dirs, np.float32),
    }


@cache
def bundled_body() -> Body:
    """Our own body, CC0 data in SMPL-X layout (not SMPL-X)."""
    return load_body(Path(__file__).parents[2] / "assets" / "body.npz")
