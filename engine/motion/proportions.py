"""Proportions: how long legs are, by which ways are scaled from one skeleton to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..avatar.body import JOINT_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..avatar.arrays import Float


def leg_length(places: Mapping[str, Float]) -> float:
    """Thigh and shin, the mean of both sides.

    Args:
        places: Joint positions by our joints' names, any unit. [3] each
    """
    return float(
        np.mean(
            [
                np.linalg.norm(places[f"{side}_knee"] - places[f"{side}_hip"])
                + np.linalg.norm(places[f"{side}_ankle"] - places[f"{side}_knee"])
                for side in ("left", "right")
            ]
        )
    )


def body_leg_length(joints: Float) -> float:
    """The same of a body's rest joints. [55, 3]"""
    return leg_length(dict(zip(JOINT_NAMES, joints, strict=True)))
