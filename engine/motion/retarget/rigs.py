"""Bone names of known rigs, read from ``assets/bone_maps.json``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...avatar.body import JOINT_NAMES

_FILE = Path(__file__).resolve().parents[3] / "assets" / "bone_maps.json"
_IGNORED = re.compile(r"[\s_.\-:|]")


@dataclass(frozen=True)
class Rig:
    """What a family of rigs calls its bones.

    Args:
        name: Short and unique, as in the file.
        label: What people call it.
        description: Where it is found.
        bones: Bone of each of our joints, by the joint's name.
        others: Bones that some of these rigs have in place of those.
        prefix: Stripped from the start of bone names.
        root: Bone that carries the way through the world, besides the pelvis.
    """

    name: str
    label: str
    description: str
    bones: dict[str, str]
    others: dict[str, str]
    prefix: re.Pattern[str] | None
    root: str | None

    def plain(self, bone: str) -> str:
        """A bone's name as it is compared: without prefix, namespace, separators and case."""
        if self.prefix is not None:
            bone = self.prefix.sub("", bone)
        return plain(bone)


@cache
def rigs() -> tuple[Rig, ...]:
    """All known rigs."""
    return tuple(_rig(name, entry) for name, entry in _data()["rigs"].items())


def rig_label(name: str) -> str:
    """What people call a rig.

    Args:
        name: Of a known rig, or of a table that somebody has made: that is its label already.
    """
    return next((rig.label for rig in rigs() if rig.name == name), name)


@cache
def required() -> tuple[str, ...]:
    """Joints without which a person cannot be made out, by name."""
    return tuple(_data()["detection"]["required"])


def plain(bone: str) -> str:
    """A bone's name without namespace, separators and case."""
    return _IGNORED.sub("", bone.rsplit(":", 1)[-1].rsplit("|", 1)[-1]).lower()


@cache
def _data() -> dict:
    return json.loads(_FILE.read_text(encoding="utf-8"))


def _rig(name: str, entry: dict) -> Rig:
    bones = {joint: bone for joint, bone in entry["map"].items() if joint in JOINT_NAMES and bone}
    prefix = entry.get("prefix_regex")
    return Rig(
        name=name,
        label=entry["label"],
        description=entry["description"].split(". ")[0],
        bones=bones,
        others=dict(entry.get("fallback") or entry.get("alt") or {}),
        prefix=re.compile(prefix, re.IGNORECASE) if prefix else None,
        root=entry.get("root"),
    )
