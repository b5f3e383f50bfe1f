"""Which bone is which: the known rig whose names fit best, else the words in the names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...avatar.body import JOINT_NAMES
from ...avatar.errors import AvatarError
from .rigs import Rig, required, rig_label, rigs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BY_WORDS = "Words in the Names"
"""Stands for the rig where no known one fits and the words in the names were read."""
OWN_TABLE = "Own Table"
"""Stands for the rig where somebody chose the bones."""
_ENOUGH = 0.8  # of the required joints
_NEEDED = ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle")
_TRUNK = ("spine1", "spine2", "spine3")
_ARMS = ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist")


@dataclass(frozen=True)
class BoneMap:
    """Which of a skeleton's bones drives which of our joints.

    Args:
        rig: Name of the rig it was taken from; :data:`BY_WORDS` if the names were read word by word.
        bones: Bone of each of our joints, by the joint's name.
        missing: Required joints without a bone.
    """

    rig: str
    bones: dict[str, str]
    missing: tuple[str, ...]

    @property
    def label(self) -> str:
        """The rig as people call it."""
        return rig_label(self.rig)


def detect(names: Sequence[str]) -> BoneMap:
    """The best map for a skeleton.

    Args:
        names: Of all its bones.

    Raises:
        AvatarError: If no person can be made out.
    """
    best = candidates(names)[0]
    check_map(best.bones, names)
    return best


def candidates(names: Sequence[str]) -> list[BoneMap]:
    """A map for each known rig and for the words in the names, the best first.

    Args:
        names: Of all bones.
    """
    found = [_matched(rig, names) for rig in rigs()]
    found.append(_map(BY_WORDS, _by_words(names)))
    # Of equals the known rig comes before the words, and the rig that names more of the bones before others.
    return sorted(found, key=lambda m: (len(m.missing), -len(m.bones), m.rig == BY_WORDS))


def check_map(bones: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a map with which nothing can be carried over.

    Args:
        bones: Bone of each joint.
        names: Of all bones.

    Raises:
        AvatarError: If a bone is not there, or a joint that is needed has none.
    """
    for joint, bone in bones.items():
        if bone not in names:
            raise AvatarError(f"The skeleton has no bone {bone!r} for {joint}. Choose another bone.")
    missing = [joint for joint in (*_NEEDED, *_ARMS) if joint not in bones]
    if not any(joint in bones for joint in _TRUNK):
        missing.append("spine")
    if "neck" not in bones and "head" not in bones:
        missing.append("head")
    if missing:
        raise AvatarError(
            f"The skeleton's bones were not recognised: none was found for {', '.join(missing)}. "
            "Choose them in the bone table."
        )


def _matched(rig: Rig, names: Sequence[str]) -> BoneMap:
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(rig.plain(name), name)
    bones: dict[str, str] = {}
    for known in (rig.bones, rig.others):
        for joint, bone in known.items():
            found = by_name.get(rig.plain(bone))
            if found is not None and joint not in bones and found not in bones.values():
                bones[joint] = found
    return _map(rig.name, bones)


def _map(rig: str, bones: dict[str, str]) -> BoneMap:
    ordered = {joint: bones[joint] for joint in JOINT_NAMES if joint in bones}
    return BoneMap(rig, ordered, tuple(joint for joint in required() if joint not in bones))


# Words for each part of a side, the more exact first.
_WORDS: tuple[tuple[str, str], ...] = (
    ("collar", r"clavicle|collar"),
    ("wrist", r"wrist|hand(?!.*(thumb|index|middle|ring|pinky|little|finger))"),
    ("elbow", r"fore ?arm|lower ?arm|arm ?lower|elbow"),
    ("shoulder", r"upper ?arm|arm ?upper|^arm$"),
    ("foot", r"toe|ball"),
    ("ankle", r"foot|ankle"),
    ("knee", r"shin|calf|knee|lower ?leg|leg ?lower|low ?leg"),
    ("hip", r"thigh|up ?leg|upper ?leg|leg ?upper|hip|femur"),
    ("_shoulder", r"^shoulder$"),
    ("_leg", r"^leg$"),
)
# What a word stands for depends on whether the next part has a name of its own: (joint there, if so, if not).
_DOUBTFUL = {"_shoulder": ("shoulder", "collar", "shoulder"), "_leg": ("hip", "knee", "hip")}
_LEFT, _RIGHT = re.compile(r"\b(left|l)\b"), re.compile(r"\b(right|r)\b")
_SKIPPED = re.compile(r"\b(twist|roll|ik|pole|target|end|site|nub|helper|metacarpal|aux|ctrl)\b")
_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|[\s_.\-:|]+")
_MIDDLE = (
    ("pelvis", r"\b(pelvis|hips?|root hips?)\b"),
    ("neck", r"\bneck\b"),
    ("head", r"\bhead\b"),
)
_SPINE = re.compile(r"\b(spine|chest|torso|abdomen|waist|upper chest|lower back)\b")


def _by_words(names: Sequence[str]) -> dict[str, str]:
    """Read sides and parts of the body out of the names; the first of a kind counts."""
    bones: dict[str, str] = {}
    spine: list[str] = []
    for name in names:
        words = " ".join(word for word in _SPLIT.split(name.rsplit(":", 1)[-1]) if word).lower()
        if _SKIPPED.search(words):
            continue
        side = "left_" if _LEFT.search(words) else "right_" if _RIGHT.search(words) else ""
        if not side:
            if _SPINE.search(words):
                spine.append(name)
                continue
            part = next((joint for joint, pattern in _MIDDLE if re.search(pattern, words)), None)
        else:
            bare = " ".join(_LEFT.sub("", _RIGHT.sub("", words)).split())
            part = next((side + joint for joint, pattern in _WORDS if re.search(pattern, bare)), None)
        if part is not None:
            bones.setdefault(part, name)
    for side in ("left_", "right_"):
        for word, (there, if_so, if_not) in _DOUBTFUL.items():
            if (bone := bones.pop(side + word, None)) is not None:
                bones.setdefault(side + (if_so if side + there in bones else if_not), bone)
    return bones | _spread(spine)


def _spread(spine: Sequence[str]) -> dict[str, str]:
    """Three joints along a spine of any number of bones."""
    if not spine:
        return {}
    if len(spine) == 1:
        return {"spine3": spine[0]}
    if len(spine) == 2:
        return {"spine1": spine[0], "spine3": spine[1]}
    return {"spine1": spine[0], "spine2": spine[(len(spine) - 1) // 2], "spine3": spine[-1]}
