"""Ready-made faces, in weights of ARKit's shapes, made by eye for this project."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Expression:
    """A face.

    Args:
        name: For scripts.
        label: For people.
        weights: Of shapes, 0 to 1, at full strength.
        jaw: How far the jaw is open, 0 to 1.
    """

    name: str
    label: str
    weights: dict[str, float] = field(default_factory=dict)
    jaw: float = 0.0

    def scaled(self, strength: float) -> dict[str, float]:
        """The weights at a strength from 0 to 1."""
        return {name: strength * weight for name, weight in self.weights.items()}


def _both(**weights: float) -> dict[str, float]:
    """The same on both sides."""
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


_FACES = (
    Expression("neutral", "Neutral"),
    Expression("smile", "Smile", _both(mouthSmile=0.6, cheekSquint=0.25, eyeSquint=0.15, mouthDimple=0.15)),
    Expression(
        "big_smile",
        "Big Smile",
        _both(mouthSmile=1.0, cheekSquint=0.5, eyeSquint=0.4, mouthUpperUp=0.3, mouthLowerDown=0.2)
        | {"browInnerUp": 0.1},
        jaw=0.2,
    ),
    Expression(
        "laugh",
        "Laugh",
        _both(mouthSmile=0.9, cheekSquint=0.6, eyeSquint=0.6, eyeBlink=0.35, mouthUpperUp=0.4)
        | _both(mouthLowerDown=0.15, noseSneer=0.2),
        jaw=0.5,
    ),
    Expression(
        "surprise",
        "Surprise",
        _both(eyeWide=0.9, browOuterUp=0.9) | {"browInnerUp": 0.9, "mouthFunnel": 0.3},
        jaw=0.6,
    ),
    Expression(
        "sad",
        "Sad",
        _both(mouthFrown=0.75, browDown=0.15, eyeSquint=0.2, mouthStretch=0.1, eyeLookDown=0.3)
        | {"browInnerUp": 0.9, "mouthShrugLower": 0.45},
    ),
    Expression(
        "angry",
        "Angry",
        _both(browDown=1.0, eyeSquint=0.45, noseSneer=0.5, mouthPress=0.5, mouthFrown=0.4, mouthStretch=0.2)
        | {"jawForward": 0.2},
    ),
    Expression(
        "disgust",
        "Disgust",
        _both(noseSneer=0.9, mouthUpperUp=0.6, browDown=0.5, eyeSquint=0.5, mouthFrown=0.3)
        | {"mouthShrugUpper": 0.2, "mouthShrugLower": 0.2},
    ),
    Expression(
        "fear",
        "Fear",
        _both(eyeWide=0.8, browOuterUp=0.3, mouthStretch=0.7, mouthFrown=0.2) | {"browInnerUp": 1.0},
        jaw=0.25,
    ),
    Expression("blink", "Blink", _both(eyeBlink=1.0)),
    Expression(
        "wink",
        "Wink",
        {"eyeBlinkLeft": 1.0, "eyeSquintLeft": 0.4, "cheekSquintLeft": 0.6, "browDownLeft": 0.3}
        | {"mouthSmileLeft": 0.6, "mouthSmileRight": 0.25},
    ),
    Expression("kiss", "Kiss", _both(eyeSquint=0.15) | {"mouthPucker": 1.0, "mouthFunnel": 0.15}),
    Expression("puffed", "Puffed Cheeks", _both(mouthPress=0.4) | {"cheekPuff": 1.0, "mouthPucker": 0.2}),
    Expression(
        "tongue",
        "Tongue Out",
        _both(mouthLowerDown=0.2, eyeSquint=0.2) | {"tongueOut": 1.0},
        jaw=0.5,
    ),
)
EXPRESSIONS = {face.name: face for face in _FACES}
