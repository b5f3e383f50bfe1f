"""Expressions and mouth shapes that other systems name, as ARKit weights of our own choosing.

VRM leaves to each avatar what "happy" looks like, so any such table is a taste; this one is ours.
"""

from __future__ import annotations

from .names import ARKIT_NAMES, plain, spellings

# A name without a side stands for both.
_VRM: dict[str, dict[str, float]] = {
    "neutral": {},
    "aa": {"jawOpen": 0.7, "mouthUpperUp": 0.15, "mouthLowerDown": 0.2},
    "ih": {"jawOpen": 0.25, "mouthStretch": 0.35, "mouthSmile": 0.2},
    "ou": {"jawOpen": 0.2, "mouthPucker": 0.7, "mouthFunnel": 0.25},
    "ee": {"jawOpen": 0.2, "mouthStretch": 0.5, "mouthSmile": 0.3, "mouthLowerDown": 0.2},
    "oh": {"jawOpen": 0.45, "mouthFunnel": 0.6, "mouthPucker": 0.25},
    "blink": {"eyeBlink": 1.0},
    "blinkLeft": {"eyeBlinkLeft": 1.0},
    "blinkRight": {"eyeBlinkRight": 1.0},
    "happy": {"mouthSmile": 0.8, "cheekSquint": 0.5, "eyeSquint": 0.3, "browInnerUp": 0.1},
    "angry": {"browDown": 0.9, "noseSneer": 0.3, "mouthFrown": 0.3, "mouthPress": 0.35, "eyeSquint": 0.3},
    "sad": {"browInnerUp": 0.8, "mouthFrown": 0.6, "mouthShrugLower": 0.3, "eyeSquint": 0.1},
    "relaxed": {"mouthSmile": 0.35, "eyeBlink": 0.25, "eyeSquint": 0.15},
    "surprised": {"browInnerUp": 0.7, "browOuterUp": 0.7, "eyeWide": 0.8, "jawOpen": 0.35},
    "lookUp": {"eyeLookUp": 1.0},
    "lookDown": {"eyeLookDown": 1.0},
    "lookLeft": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    "lookRight": {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
}  # fmt: skip
_VISEMES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"mouthPress": 0.5, "mouthRollLower": 0.2, "mouthRollUpper": 0.2},
    "FF": {"jawOpen": 0.08, "mouthRollLower": 0.5, "mouthUpperUp": 0.25},
    "TH": {"jawOpen": 0.15, "tongueOut": 0.3},
    "DD": {"jawOpen": 0.15, "mouthStretch": 0.2, "mouthLowerDown": 0.2},
    "kk": {"jawOpen": 0.2, "mouthStretch": 0.15},
    "CH": {"jawOpen": 0.1, "mouthFunnel": 0.6, "mouthPucker": 0.2},
    "SS": {"jawOpen": 0.05, "mouthStretch": 0.4, "mouthLowerDown": 0.3},
    "nn": {"jawOpen": 0.1, "mouthStretch": 0.15},
    "RR": {"jawOpen": 0.15, "mouthFunnel": 0.4},
    "aa": _VRM["aa"], "E": _VRM["ee"], "I": _VRM["ih"], "O": _VRM["oh"], "U": _VRM["ou"],
}  # fmt: skip
# VRM 0 and VRoid call the same things otherwise.
_OTHERS = {
    "joy": "happy", "sorrow": "sad", "fun": "relaxed", "blink_l": "blinkLeft", "blink_r": "blinkRight",
    "a": "aa", "i": "ih", "u": "ou", "e": "ee", "o": "oh",
    "Fcl_MTH_A": "aa", "Fcl_MTH_I": "ih", "Fcl_MTH_U": "ou", "Fcl_MTH_E": "ee", "Fcl_MTH_O": "oh",
    "Fcl_EYE_Close": "blink", "Fcl_EYE_Close_L": "blinkLeft", "Fcl_EYE_Close_R": "blinkRight",
    "Fcl_ALL_Neutral": "neutral", "Fcl_ALL_Joy": "happy", "Fcl_ALL_Angry": "angry", "Fcl_ALL_Sorrow": "sad",
    "Fcl_ALL_Fun": "relaxed", "Fcl_ALL_Surprised": "surprised",
}  # fmt: skip
_VROID = "fcl"


def preset_weights(name: str) -> dict[str, float] | None:
    """The ARKit weights of a named expression or mouth shape; ``None`` if the name is none of them.

    Args:
        name: Of VRM 1 or 0, VRoid, or a viseme (``viseme_aa``).
    """
    # Of the spellings, those that lost a prefix are left out: the o of "head_o" is no vowel.
    for key in spellings(name)[:2]:
        key = key[key.index(_VROID) :] if _VROID in key else key
        if key in _TABLE:
            return _TABLE[key]
    return None


def _both_sides(weights: dict[str, float]) -> dict[str, float]:
    return {
        full: weight
        for name, weight in weights.items()
        for full in (name, f"{name}Left", f"{name}Right")
        if full in ARKIT_NAMES
    }


def _table() -> dict[str, dict[str, float]]:
    table = {plain(name): _both_sides(weights) for name, weights in _VRM.items()}
    table |= {f"viseme{plain(name)}": _both_sides(weights) for name, weights in _VISEMES.items()}
    return table | {plain(name): table[plain(same)] for name, same in _OTHERS.items()}


_TABLE = _table()
PRESET_NAMES = tuple(_TABLE)
"""All that is known, in small letters without separators."""
