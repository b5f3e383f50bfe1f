"""Words for face shapes: what people read instead of ARKit's names, and which sides belong together.

Left and right are the person's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BONE = "head"
"""The pose bone that has the face's custom properties."""

BROWS, EYES, CHEEKS, MOUTH, TONGUE, OTHERS = GROUPS = (
    "Brows",
    "Eyes",
    "Cheeks and Nose",
    "Mouth",
    "Tongue",
    "Others",
)
COEFFICIENTS = "SMPL-X"
"""Group of the body model's own coefficients."""

_SIDES = {"Left": "Right", "Right": "Left"}
_COEFFICIENT = re.compile(r"Exp\d+")
_COEFFICIENT_LIMIT, _COEFFICIENT_SOFT = 5.0, 3.0


@dataclass(frozen=True)
class FaceWord:
    """How a shape is shown.

    Args:
        group: One of `GROUPS`, or `COEFFICIENTS`.
        label: A word or two; both sides have the same.
        help: What happens at 1; no period.
    """

    group: str
    label: str
    help: str


_PAIRS = {
    "browDown": (BROWS, "Brow Down", "Lowers and knits the brow"),
    "browOuterUp": (BROWS, "Outer Brow Up", "Lifts the outer end of the brow"),
    "eyeBlink": (EYES, "Blink", "Closes the eye"),
    "eyeSquint": (EYES, "Squint", "Narrows the eye, the cheek pushes up"),
    "eyeWide": (EYES, "Wide", "Opens the eye wide"),
    "eyeLookUp": (EYES, "Lids Look Up", "What the lids do when the eye looks up"),
    "eyeLookDown": (EYES, "Lids Look Down", "What the lids do when the eye looks down"),
    "eyeLookIn": (EYES, "Lids Look In", "What the lids do when the eye looks to the nose"),
    "eyeLookOut": (EYES, "Lids Look Out", "What the lids do when the eye looks away from the nose"),
    "cheekSquint": (CHEEKS, "Cheek Up", "Lifts the cheek below the eye"),
    "noseSneer": (CHEEKS, "Sneer", "Wrinkles the side of the nose"),
    "mouthSmile": (MOUTH, "Smile", "Draws the corner of the mouth up and out"),
    "mouthFrown": (MOUTH, "Frown", "Draws the corner of the mouth down"),
    "mouthDimple": (MOUTH, "Dimple", "Draws the corner of the mouth straight back"),
    "mouthStretch": (MOUTH, "Stretch", "Draws the corner of the mouth out and down"),
    "mouthPress": (MOUTH, "Press", "Presses the lips together"),
    "mouthLowerDown": (MOUTH, "Lower Lip Down", "Lowers the lower lip, teeth may show"),
    "mouthUpperUp": (MOUTH, "Upper Lip Up", "Lifts the upper lip, teeth may show"),
}
_SINGLE = {
    "browInnerUp": (BROWS, "Inner Brows Up", "Lifts the inner ends of both brows"),
    "cheekPuff": (CHEEKS, "Puff", "Blows up both cheeks"),
    "mouthLeft": (MOUTH, "Mouth to the Left", "Moves both lips to the person's left"),
    "mouthRight": (MOUTH, "Mouth to the Right", "Moves both lips to the person's right"),
    "mouthClose": (MOUTH, "Close Lips", "Closes the lips while the jaw is open"),
    "mouthFunnel": (MOUTH, "Funnel", "Makes the lips round and open, as in 'oh'"),
    "mouthPucker": (MOUTH, "Pucker", "Draws the lips together, as for a kiss"),
    "mouthRollLower": (MOUTH, "Roll Lower Lip In", "Rolls the lower lip over the teeth"),
    "mouthRollUpper": (MOUTH, "Roll Upper Lip In", "Rolls the upper lip over the teeth"),
    "mouthShrugLower": (MOUTH, "Lower Lip Out", "Pushes the lower lip and the chin up"),
    "mouthShrugUpper": (MOUTH, "Upper Lip Out", "Pushes the upper lip up and out"),
    "jawForward": (MOUTH, "Jaw Forward", "Pushes the lower jaw forward"),
    "tongueOut": (TONGUE, "Tongue Out", "Puts the tongue out"),
}
_WORDS = {name: FaceWord(*row) for name, row in _SINGLE.items()} | {
    f"{name}{side}": FaceWord(*row) for name, row in _PAIRS.items() for side in _SIDES
}
_ORDER = {name: place for place, name in enumerate((*_PAIRS, *_SINGLE))}


def word_of(name: str) -> FaceWord:
    """How a shape is shown, known by name or not."""
    if name in _WORDS:
        return _WORDS[name]
    if is_coefficient(name):
        return FaceWord(COEFFICIENTS, name, "Coefficient of the body model's expressions")
    return FaceWord(OTHERS, name, "A shape of this avatar's own")


def property_path(name: str) -> str:
    """Of a shape's slider, from the pose bone: names from files may hold quotes."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def is_coefficient(name: str) -> bool:
    """Whether a shape is one of the body model's, ``Exp000`` and so on: these go to both sides of zero."""
    return _COEFFICIENT.fullmatch(name) is not None


def limits(name: str) -> tuple[float, float, float, float]:
    """Lowest and highest value of a shape, and the ends of its slider."""
    if is_coefficient(name):
        return -_COEFFICIENT_LIMIT, _COEFFICIENT_LIMIT, -_COEFFICIENT_SOFT, _COEFFICIENT_SOFT
    return 0.0, 1.0, 0.0, 1.0


def side_of(name: str) -> str:
    """``Left`` or ``Right`` of a shape that has a double on the other side; empty for all others."""
    return name[-len(side) :] if (side := _ending(name)) and name not in _SINGLE else ""


def across(name: str) -> str:
    """The shape that does the same in a mirror; most in the middle are their own."""
    side = _ending(name)
    return name.removesuffix(side) + _SIDES[side] if side else name


def rows(names: tuple[str, ...]) -> dict[str, list[tuple[str, ...]]]:
    """Shapes by group, in the order of the panel: the sides of one word beside each other, right first.

    Right first, as when facing the avatar.

    Args:
        names: Of an avatar's shapes, in any order.
    """
    known = sorted(names, key=lambda name: (_ORDER.get(_base(name), len(_ORDER)), name))
    table: dict[str, list[tuple[str, ...]]] = {group: [] for group in (*GROUPS, COEFFICIENTS)}
    done = set()
    for name in known:
        if name not in done:
            other = across(name) if side_of(name) else name
            pair = (name,) if other not in names or other == name else tuple(sorted((name, other)))[::-1]
            done.update(pair)
            table[word_of(name).group].append(pair)
    return {group: found for group, found in table.items() if found}


def _base(name: str) -> str:
    return name.removesuffix(side_of(name))


def _ending(name: str) -> str:
    return next((side for side in _SIDES if name.endswith(side)), "")
