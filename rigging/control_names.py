"""What the control rig consists of: names of limbs, bones and sliders."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians

HIPS, CHEST, HEAD = "hips_control", "chest_control", "head_control"
CONTROLS, MECHANISM = "Controls", "Mechanism"
"""Collections of the bones that are for the hand, and of those that work behind them."""

SIDES = ("left", "right")
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
FIST, IK = "fist", "ik"
UPPER_LENGTH, LOWER_LENGTH = "upper_length", "lower_length"
JAW_OPEN, EYES_SIDE, EYES_UP = "jaw_open", "eyes_side", "eyes_up"
JAW_LIMIT, EYE_SIDE_LIMIT, EYE_UP_LIMIT = 0.35, radians(25), radians(20)
"""Radians at the ends of the sliders."""


@dataclass(frozen=True)
class Limb:
    """An arm or a leg.

    Args:
        side: "left" or "right".
        part: "arm" or "leg".
        joints: Root, middle and end.
        parent: The joint that it hangs on.
        end: Control bone of hand or foot.
        pole: Control bone that the elbow or knee points to.
        bends: Side to which the middle bends, body axes.
        pole_distance: From the middle joint, metres.
    """

    side: str
    part: str
    joints: tuple[str, str, str]
    parent: str
    end: str
    pole: str
    bends: tuple[float, float, float]
    pole_distance: float

    @property
    def name(self) -> str:
        """As ``left_arm``."""
        return f"{self.side}_{self.part}"

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.side} {self.part}".title()

    @property
    def aim(self) -> str:
        """Mechanism: looks from the root to the end, its third axis to the pole."""
        return f"{self.name}_aim"

    @property
    def bones(self) -> tuple[str, str]:
        """Mechanism: upper and lower bone as IK bends them."""
        return f"{self.name}_upper", f"{self.name}_lower"

    @property
    def twists(self) -> tuple[str, str]:
        """Mechanism: along upper and lower bone; they hold the twist about it that matching found."""
        return f"{self.joints[0]}_twist", f"{self.joints[1]}_twist"

    @property
    def turns(self) -> tuple[str, str]:
        """Mechanism: what root and middle joint copy."""
        return f"{self.joints[0]}_ik", f"{self.joints[1]}_ik"

    @property
    def keyed(self) -> tuple[str, ...]:
        """The bones that together say how the limb is held."""
        return (self.end, self.pole, *self.twists)


def _limb(side: str, part: str) -> Limb:
    if part == "arm":
        joints, parent, end, middle = ("shoulder", "elbow", "wrist"), f"{side}_collar", "hand", "elbow"
        bends, distance = (0.0, 0.0, -1.0), 0.35
    else:
        joints, parent, end, middle = ("hip", "knee", "ankle"), "pelvis", "foot", "knee"
        bends, distance = (0.0, 0.0, 1.0), 0.45
    return Limb(
        side=side,
        part=part,
        joints=(f"{side}_{joints[0]}", f"{side}_{joints[1]}", f"{side}_{joints[2]}"),
        parent=parent,
        end=f"{side}_{end}_ik",
        pole=f"{side}_{middle}_pole",
        bends=bends,
        pole_distance=distance,
    )


LIMBS = {limb.name: limb for limb in (_limb(side, part) for part in ("arm", "leg") for side in SIDES)}
CONTROL_BONES = (
    *(HIPS, CHEST, HEAD),
    *(
        name
        for limb in LIMBS.values()
        for name in (limb.end, limb.pole, limb.aim, *limb.bones, *limb.twists, *limb.turns)
    ),
)
"""All bones of the control rig, parents first."""

LAYERED = {HIPS: ("pelvis",), CHEST: ("spine1", "spine2", "spine3"), HEAD: ("neck", "head")}
"""Joints that share the turn of a control, which comes on top of their own."""


@dataclass(frozen=True)
class Slider:
    """A custom property of a control bone, for people and keys.

    Args:
        bone: That has it.
        key: Its name in the data.
        label: For people.
        help: What it does; no period.
        lowest: -1 or 0; the highest is 1.
    """

    bone: str
    key: str
    label: str
    help: str
    lowest: float = 0.0

    @property
    def path(self) -> str:
        """From the bone, as F-Curves and panels spell it."""
        return f'["{self.key}"]'


def hand(side: str) -> str:
    """The control bone of a hand; it has the fingers' sliders."""
    return LIMBS[f"{side}_arm"].end


SWITCHES = {
    limb.name: Slider(limb.end, IK, limb.label, "0: the bones' own turns count; 1: hand and foot controls do")
    for limb in LIMBS.values()
}
CURLS = {
    side: (
        Slider(hand(side), FIST, "Fist", "Curls all fingers of this hand"),
        *(Slider(hand(side), finger, finger.title(), "Curls this finger") for finger in FINGERS),
    )
    for side in SIDES
}
FACE = (
    Slider(HEAD, JAW_OPEN, "Jaw Open", "Opens the mouth"),
    Slider(HEAD, EYES_SIDE, "Eyes Left", "Turns both eyes to the person's left; below 0, right", -1.0),
    Slider(HEAD, EYES_UP, "Eyes Up", "Turns both eyes up; below 0, down", -1.0),
)
SLIDERS = (*SWITCHES.values(), *(slider for side in SIDES for slider in CURLS[side]), *FACE)
