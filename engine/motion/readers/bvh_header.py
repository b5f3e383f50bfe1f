"""The HIERARCHY block of a BVH file: joints, their offsets and what each column of numbers is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Iterator

_AXES = {"x": 0, "y": 1, "z": 2}
_CHANNEL = re.compile(r"([xyz])(position|rotation)", re.IGNORECASE)
_BRACES = re.compile(r"([{}])")
_MOST_JOINTS = 5_000
LARGEST = 1e12
"""No number of a file is beyond it, unless the file is damaged."""


@dataclass(frozen=True)
class Channel:
    """What one column of the motion block moves.

    Args:
        axis: 0, 1 or 2.
        turns: Whether it is an angle, in degrees; else a place along the axis.
        column: Its place in a frame's numbers.
    """

    axis: int
    turns: bool
    column: int


@dataclass
class Joint:
    """A joint, or the end of a limb, as the file gives it."""

    name: str
    parent: int
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    channels: list[Channel] = field(default_factory=list)


class HeaderLines:
    """The lines of the header, each brace on its own.

    Args:
        lines: Text lines with their numbers in the file, up to the word MOTION.
        where: Name of the file, for errors.
    """

    def __init__(self, lines: Iterator[tuple[int, str]], where: str) -> None:
        self.where = where
        self.number = 0
        self._lines = self._split(lines)

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def error(self, joint: str, problem: str) -> AvatarError:
        """A sentence that names the place."""
        at = f", joint {joint}" if joint else ""
        return AvatarError(f"{self.where}, line {self.number}{at}: {problem} Export the BVH file again.")

    def _split(self, lines: Iterator[tuple[int, str]]) -> Iterator[str]:
        for self.number, line in lines:
            for piece in _BRACES.split(line):
                if piece.strip():
                    yield piece.strip()


def read_joints(lines: HeaderLines) -> tuple[list[Joint], int]:
    """Joints with parents before children, ends of limbs among them, and the number of columns.

    Raises:
        AvatarError: If a line makes no sense; it names line and joint.
    """
    joints: list[Joint] = []
    seen: dict[str, int] = {}
    open_joints: list[int] = []  # those whose brace is open
    pending, columns = -1, 0  # a joint whose brace is still to come
    for line in lines:
        word, _, rest = line.partition(" " if " " in line.split("\t")[0] else "\t")
        word, rest = word.upper(), rest.strip()
        name = joints[open_joints[-1]].name if open_joints else ""
        if line == "{":
            if pending < 0:
                raise lines.error(name, "a brace opens before a joint is named.")
            open_joints.append(pending)
            pending = -1
        elif line == "}":
            if not open_joints:
                raise lines.error(name, "a brace closes that was never opened.")
            open_joints.pop()
        elif pending >= 0:
            raise lines.error(joints[pending].name, "its opening brace is missing.")
        elif word in ("ROOT", "JOINT", "END"):
            if (word == "ROOT") != (not open_joints):
                raise lines.error(name, f"{word} does not belong here.")
            own = f"{name} end" if word == "END" else rest or f"joint {len(joints)}"
            joints.append(_new_joint(own, open_joints[-1] if open_joints else -1, seen))
            pending = len(joints) - 1
            if len(joints) > _MOST_JOINTS:
                raise lines.error(name, f"more than {_MOST_JOINTS} joints are no skeleton.")
        elif not open_joints:
            raise lines.error("", f"{line[:40]!r} was not expected.")
        elif word == "OFFSET":
            joints[open_joints[-1]].offset = _offset(lines, name, rest)
        elif word == "CHANNELS":
            joints[open_joints[-1]].channels = _channels(lines, name, rest, columns)
            columns += len(joints[open_joints[-1]].channels)
        else:
            raise lines.error(name, f"{line[:40]!r} was not expected.")
    if open_joints or pending >= 0:
        raise lines.error(
            joints[pending].name, "the file ends, or its motion begins, before its brace closes."
        )
    if not joints:
        raise AvatarError(f"{lines.where} has no skeleton: no ROOT was found. Export the BVH file again.")
    return joints, columns


def _new_joint(name: str, parent: int, seen: dict[str, int]) -> Joint:
    """A joint under a name of its own."""
    seen[name] = seen.get(name, 0) + 1
    return Joint(name if seen[name] == 1 else f"{name} ({seen[name]})", parent)


def _offset(lines: HeaderLines, name: str, rest: str) -> tuple[float, float, float]:
    try:
        x, y, z = (float(word) for word in rest.split())
    except ValueError:
        raise lines.error(name, f"OFFSET needs three numbers, got {rest[:40]!r}.") from None
    if not all(abs(number) < LARGEST for number in (x, y, z)):
        raise lines.error(name, f"OFFSET needs usable numbers, got {rest[:40]!r}.")
    return x, y, z


def _channels(lines: HeaderLines, name: str, rest: str, column: int) -> list[Channel]:
    count, *words = rest.split() or [""]
    if not count.isdigit() or int(count) != len(words):
        raise lines.error(name, f"CHANNELS states {count[:20] or 'nothing'} and lists {len(words)}.")
    channels = []
    for word in words:
        match = _CHANNEL.fullmatch(word)
        if match is None:
            raise lines.error(name, f"{word[:40]!r} is no channel.")
        axis, kind = match.groups()
        channels.append(Channel(_AXES[axis.lower()], kind.lower() == "rotation", column + len(channels)))
    return channels
