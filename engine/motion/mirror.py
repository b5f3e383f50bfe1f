"""The mirror image of a pose: what the left side did, the right side does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import MIRRORED_JOINTS

if TYPE_CHECKING:
    from ..avatar.arrays import Float

ACROSS = np.array([-1.0, 1.0, 1.0])
"""Mirrors a place at the body's middle plane. [3]"""

TURNED = np.array([1.0, -1.0, -1.0])
"""Mirrors an axis-angle vector there: turns about x stay, those about y and z are reversed. [3]"""


def mirrored(pose: Float, transl: Float) -> tuple[Float, Float]:
    """Mirror a pose at the plane between left and right.

    Args:
        pose: Local rotations, axis-angle, radians. [..., 55, 3]
        transl: Of the pelvis, metres, body axes. [..., 3]

    Returns:
        Pose and translation of the mirror image; of a body that is symmetric at rest, it is exact.
    """
    return np.asarray(pose)[..., list(MIRRORED_JOINTS), :] * TURNED, np.asarray(transl) * ACROSS
