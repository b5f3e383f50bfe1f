"""The only place that swaps axes.

======== ==================== ======================= ====================
frame    x                    y                       z
======== ==================== ======================= ====================
body     the person's left    up                      forward (SMPL-X)
Blender  the person's left    backward                up
OpenCV   right in the image   down in the image       away from the camera
======== ==================== ======================= ====================

All metres, all right-handed. A Blender camera looks along its own -z with +y up.
"""

from __future__ import annotations

import numpy as np

BLENDER_FROM_BODY = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""A quarter turn about x: the person stands up on Blender's floor and faces the front view. [3, 3]"""

BODY_FROM_BLENDER = BLENDER_FROM_BODY.T

OPENCV_FROM_BODY = np.diag([1.0, -1.0, -1.0])
"""A level camera in front of the person: half a turn about x. [3, 3]"""

OPENCV_FROM_BLENDER_CAMERA = np.diag([1.0, -1.0, -1.0])
"""Blender's camera frame (y up, looking along -z) to OpenCV's. [3, 3]"""
