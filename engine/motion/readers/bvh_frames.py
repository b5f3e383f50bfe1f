"""Numbers of a BVH file's frames to rotations and positions in the world."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...avatar.arrays import Float
    from .bvh_header import Channel, Joint


def world_frames(
    joints: Sequence[Joint], numbers: Float, basis: Float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Forward kinematics over a block of frames.

    A joint is moved first and turned then, by its angles in the order of its channels, whichever they are
    and however many. Places given per frame stand in for the offset, axis by axis.

    Args:
        joints: Parents before children.
        numbers: Degrees and the file's unit of length. [F, C]
        basis: Applied to the whole world. [3, 3]

    Returns:
        ``world_from_joint`` [F, J, 3, 3] and positions [F, J, 3].
    """
    frames = len(numbers)
    rotations = np.empty((frames, len(joints), 3, 3))
    positions = np.empty((frames, len(joints), 3))
    numbers = np.ascontiguousarray(np.asarray(numbers).T)
    angles = np.radians(numbers)
    cosines, sines = np.cos(angles), np.sin(angles)
    root = np.broadcast_to(np.asarray(basis).T[:, :, None], (3, 3, frames))
    # The x, y and z axis of each joint in the world [3, 3, F]: frames last, so that nothing is gathered.
    axes: list[Float] = []
    places: list[Float] = []
    for joint, entry in enumerate(joints):
        turned = root if entry.parent < 0 else axes[entry.parent]
        place = np.zeros((3, frames)) if entry.parent < 0 else places[entry.parent]
        for axis, along in enumerate(_place(entry, numbers)):
            place = place + turned[axis] * along
        for channel in entry.channels:
            if channel.turns:
                turned = _turned(turned, channel, cosines, sines)
        axes.append(turned)
        places.append(place)
        rotations[:, joint] = turned.transpose(2, 1, 0)
        positions[:, joint] = place.T
    return rotations, positions


def _place(joint: Joint, numbers: Float) -> list[Float | float]:
    """Where a joint is in its parent's frame, axis by axis: one number, or one a frame. [F]"""
    place: list[Float | float] = list(joint.offset)
    for channel in joint.channels:
        if not channel.turns:
            place[channel.axis] = numbers[channel.column]
    return place


def _turned(turned: Float, channel: Channel, cosines: Float, sines: Float) -> NDArray[np.float64]:
    """Axes after a turn about one of them: it stays, the two others mix. [3, 3, F]"""
    c, s = cosines[channel.column], sines[channel.column]
    u, v = (channel.axis + 1) % 3, (channel.axis + 2) % 3
    result = np.empty(turned.shape)
    result[channel.axis] = turned[channel.axis]
    result[u] = c * turned[u] + s * turned[v]
    result[v] = c * turned[v] - s * turned[u]
    return result
