"""Names of face shapes: ARKit's 52, found again however a program spells them."""

from __future__ import annotations

import re

ARKIT_NAMES: tuple[str, ...] = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight",
    "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper",
    "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""Of the face tracker of Apple's ARKit, in the order of the alphabet."""

JAW_NAMES = ("jawOpen", "jawLeft", "jawRight")
"""What the jaw's joint does; never a face shape."""
LOOK_NAMES = tuple(name for name in ARKIT_NAMES if name.startswith("eyeLook"))
"""What the eyes' joints do; lids may follow as face shapes."""

_SIDES = {"Left": ("left", "l"), "Right": ("right", "r")}
_NOT_PAIRS = ("jaw", "mouth")  # of jawLeft and mouthLeft: they move to a side, they are not on one
_OFTEN_SPLIT = ("browInnerUp", "cheekPuff")  # some rigs have a left and a right half
_COEFFICIENT = re.compile(r"(?:^|[^a-z])exp_?(\d{3})$", re.IGNORECASE)
_PARTS = re.compile(r"[.:|/]+")
_PREFIXES = re.compile(
    r"(?:(?:arkit|blendshapes?|bs|shapes?|faces?|head|mesh|morph(?:targets?)?|targets?|expressions?|ctrl)\d*)+"
)


def coefficient_name(index: int) -> str:
    """Name of an expression coefficient of an SMPL-X body: ``Exp000`` ...

    Args:
        index: From 0.
    """
    return f"Exp{index:03d}"


def coefficient_index(name: str) -> int | None:
    """Number of a coefficient by its name, ``None`` for other names."""
    match = _COEFFICIENT.search(name)
    return int(match[1]) if match else None


def plain(name: str) -> str:
    """Letters and digits of a name, small."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def spellings(name: str) -> list[str]:
    """What a name may be looked up by: whole, its last part, and both without what programs put before.

    Args:
        name: As a file has it: ``blendShape1.mouthSmile_L``.
    """
    # Blender adds .001 to names that are taken; a side may be a part of its own: mouthSmile.L
    parts = [part for part in _PARTS.split(name) if plain(part) and not part.isdigit()]
    if len(parts) > 1 and plain(parts[-1]) in ("l", "r", "left", "right"):
        parts[-2:] = [parts[-2] + parts[-1]]
    found = [plain("".join(parts)), plain(parts[-1]) if parts else ""]
    return [*found, *(_PREFIXES.sub("", key, count=1) for key in found if _PREFIXES.match(key))]


def arkit_weights(name: str) -> dict[str, float] | None:
    """The ARKit shapes that a name means, with their shares; ``None`` if it is none of them.

    Args:
        name: In any spelling. Without a side it means both: ``eyeBlink``.
    """
    return next((_TABLE[key] for key in spellings(name) if key in _TABLE), None)


def _table() -> dict[str, dict[str, float]]:
    table = {plain(name): {name: 1.0} for name in ARKIT_NAMES}
    for name in ARKIT_NAMES:
        for side, words in _SIDES.items():
            if name.endswith(side):
                _add_sided(table, name, plain(name.removesuffix(side)), words)
    for name in _OFTEN_SPLIT:
        for word in ("left", "l", "right", "r"):
            table[plain(name) + word] = {name: 0.5}
    return table


def _add_sided(table: dict[str, dict[str, float]], name: str, base: str, words: tuple[str, ...]) -> None:
    for word in words:
        table.setdefault(base + word, {name: 1.0})
        if base not in _NOT_PAIRS:
            table.setdefault(word + base, {name: 1.0})
    if base not in _NOT_PAIRS:
        table.setdefault(base, {})[name] = 1.0


_TABLE = _table()
