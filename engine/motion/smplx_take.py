"""What SMPL-like files hold, and how it becomes a motion in body axes; their joints are ours already."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import JOINT_COUNT, joint_index
from ..avatar.errors import AvatarError
from ..avatar.rotations import matrix_from_rotvec, rotvec_from_matrix
from ..avatar.skinning import forward_kinematics, posed_joints
from .motion import Motion
from .proportions import body_leg_length
from .take import DEFAULT_FPS
from .upright import BODY_FROM_UP, choose_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..avatar.arrays import Float
    from ..avatar.body import Body
    from .readers.options import Options

FIRST_FINGER = 25
_SAMPLES = 64
_LARGEST = 1e6  # radians or metres; beyond, it is a damaged number


@dataclass(frozen=True)
class Recording:
    """A motion that needs no retargeting, and the person it was recorded of.

    The pelvis is at ``rest[0] + motion.transl``. For another person, whose legs are ``k`` times as long, the
    pelvis belongs ``k`` times as high above the floor; then subtract that person's own rest pelvis.

    Args:
        motion: Body axes, +y up, metres.
        rest: Rest joints that the translation refers to. [55, 3]
        rest_known: Whether ``rest`` is of the file's own shape. If not, it is that of the mean body: leg
            lengths are a guess, and the whole way is off by one constant vector, which putting it on the
            floor and choosing where it starts set right.
        betas: Shape coefficients of the file, none if it has none. [B]
        up: The axis that pointed up in the file: "y", "z" or "-y".
        guessed: What the file does not tell: "fps", "up".
    """

    motion: Motion
    rest: NDArray[np.float64]
    rest_known: bool
    betas: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    up: str = "y"
    guessed: tuple[str, ...] = ()

    @property
    def leg_length(self) -> float:
        """Thigh and shin of the recorded person, mean of both legs, metres."""
        return body_leg_length(self.rest)

    @property
    def pelvis_height(self) -> float:
        """How high the pelvis is above the ankles in the rest pose, metres."""
        ankles = [joint_index(f"{side}_ankle") for side in ("left", "right")]
        return float(self.rest[0, 1] - self.rest[ankles, 1].mean())


@dataclass(frozen=True)
class SmplFrames:
    """Parameters as a file gives them, in its own axes.

    Args:
        pose: Local rotations, axis-angle, absolute. [F, 55, 3]
        transl: Metres. [F, 3]
        source: Shown to the user.
        usual_up: The axis that points up in most such files.
        up_stated: Whether the format leaves no choice of it.
        fps: Frames per second, if stated.
        betas: [B]
        expression: Weights of face shapes. [F, E]
        expression_names: Of the face shapes; by default coefficients. [E]
        has_hands: Whether the file gives fingers.
        numbers: Of the frames, rising, if some may be missing. [F]
        notes: Sentences for the user.
    """

    pose: Float
    transl: Float
    source: str
    usual_up: str = "y"
    up_stated: bool = False
    fps: float | None = None
    betas: Float = field(default_factory=lambda: np.zeros(0))
    expression: Float = field(default_factory=lambda: np.zeros((0, 0)))
    expression_names: tuple[str, ...] = ()
    has_hands: bool = True
    numbers: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


def recording(frames: SmplFrames, options: Options, name: str) -> Recording:
    """Turn a file's parameters upright.

    Args:
        frames: In the file's axes.
        options: What the user said, and the body that gives the rest joints.
        name: Of the file, for the Action and for errors.

    Raises:
        AvatarError: If there is no frame, a number is not finite, or the frame rate cannot be.
    """
    _check(frames, options, name)
    rest, known = rest_joints(options.body, frames.betas)
    notes = list(frames.notes)
    up, note, up_guessed = choose_up(
        options.up, _head_directions(rest, frames.pose), frames.usual_up, stated=frames.up_stated
    )
    notes.extend([note] if note else [])
    fps = options.fps if options.fps is not None else frames.fps
    guessed = [name for name, is_so in (("fps", fps is None), ("up", up_guessed)) if is_so]
    if fps is None:
        fps = DEFAULT_FPS
        notes.append(f"The file does not state its frame rate; {fps:g} was taken.")
    if not frames.has_hands:
        frames = _with_relaxed_hands(frames, options.body)
        notes.append("The file holds no fingers; relaxed hands were taken.")
    pose, transl = _upright(frames, rest[0], BODY_FROM_UP[up])
    motion = Motion(
        pose.astype(np.float32),
        transl.astype(np.float32),
        float(fps),
        name,
        frames.expression.astype(np.float32),
        frames.source,
        tuple(notes),
        frames.expression_names,
    )
    return Recording(motion, rest, known, np.asarray(frames.betas, np.float64), up, tuple(guessed))


def _check(frames: SmplFrames, options: Options, name: str) -> None:
    if not len(frames.pose):
        raise AvatarError(f"{name} has no frames. Export the motion again.")
    for what, values in (("rotation", frames.pose), ("place", frames.transl), ("face", frames.expression)):
        bad = ~(np.abs(values.reshape(len(values), -1)) < _LARGEST).all(axis=1)
        if bad.any():
            raise AvatarError(
                f"{name}, frame {int(np.flatnonzero(bad)[0]) + 1}: a {what} is no usable number "
                f"({int(bad.sum())} frames are affected). Repair the file or estimate the motion again."
            )
    if not (np.abs(frames.betas) < _LARGEST).all():
        raise AvatarError(f"{name}: its body shape is no number. Repair the file.")
    for fps in (options.fps, frames.fps if options.fps is None else None):
        if fps is not None and not (np.isfinite(fps) and fps > 0):
            raise AvatarError(f"{name} states {fps:g} frames per second. Give the frame rate of the motion.")


def rest_joints(body: Body, betas: Float) -> tuple[NDArray[np.float64], bool]:
    """Rest joints of a shape if a body can tell them, else of its mean; and whether it can.

    Args:
        body: Our own body has coefficients of its own, so it cannot.
        betas: Of SMPL-X. [B]

    Returns:
        Metres [55, 3], and whether they are of this shape.
    """
    known = not body.is_bundled and len(betas) > 0
    used = np.asarray(betas)[: body.shapedirs.shape[2]] if known else np.zeros(0)
    return body.joints(used).astype(np.float64), known


def _head_directions(rest: Float, pose: Float) -> Float:
    """From the pelvis to the head in some frames, the file's axes. [n, 3]"""
    few = pose[np.unique(np.linspace(0, len(pose) - 1, _SAMPLES).astype(int))]
    joints = posed_joints(rest, forward_kinematics(rest, few))
    return joints[:, joint_index("head")] - joints[:, 0]


def _with_relaxed_hands(frames: SmplFrames, body: Body) -> SmplFrames:
    pose = frames.pose.copy()
    pose[:, FIRST_FINGER:] = body.hands_mean.reshape(JOINT_COUNT - FIRST_FINGER, 3)
    return replace(frames, pose=pose)


def _upright(frames: SmplFrames, pelvis: Float, basis: Float) -> tuple[Float, Float]:
    """Pose and translation in a turned world: the pelvis's way turns, not the translation alone."""
    pose, root = frames.pose.copy(), matrix_from_rotvec(frames.pose[:, 0])
    pose[:, 0] = rotvec_from_matrix(basis @ root)
    return pose, (pelvis + frames.transl) @ basis.T - pelvis
