"""Writes BVH text, as plainly as the format is described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_AXIS = {"x": "X", "y": "Y", "z": "Z"}


@dataclass(frozen=True)
class Joint:
    """A joint to write; ``order`` such as "zxy", ``moves`` for three position channels."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    order: str = "zxy"
    moves: bool = False


def hierarchy(joints: Sequence[Joint], indent: str = "\t", end: float = 1) -> str:
    """The first block."""
    lines = ["HIERARCHY"]

    def write(index: int, depth: int) -> None:
        joint, pad = joints[index], indent * depth
        lines.append(f"{pad}{'ROOT' if joint.parent < 0 else 'JOINT'} {joint.name}")
        lines.append(pad + "{")
        lines.append(f"{pad}{indent}OFFSET {' '.join(map(str, joint.offset))}")
        names = [f"{a}position" for a in "XYZ"] * joint.moves + [f"{_AXIS[a]}rotation" for a in joint.order]
        lines.append(f"{pad}{indent}CHANNELS {len(names)} {' '.join(names)}")
        children = [k for k, other in enumerate(joints) if other.parent == index]
        for child in children:
            write(child, depth + 1)
        if not children:
            lines.extend(f"{pad}{indent}{text}" for text in ("End Site", "{", f"OFFSET 0 {end} 0", "}"))
        lines.append(pad + "}")

    for index, joint in enumerate(joints):
        if joint.parent < 0:
            write(index, 0)
    return "\n".join(lines) + "\n"


def motion(rows: Sequence[Sequence[float]], frame_time: str = "0.033333") -> str:
    """The second block."""
    text = "\n".join(" ".join(f"{value:.9g}" for value in row) for row in rows)
    return f"MOTION\nFrames: {len(rows)}\nFrame Time: {frame_time}\n{text}\n"
