"""What is to be said of one person of the yardstick."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

VERSION = 3
"""Part of every recipe's digest: raise it when the same recipe comes to look different."""


@dataclass(frozen=True)
class Cloth:
    """A fabric. Colours are display-space hex.

    Args:
        color: Of the ground.
        pattern: plain, stripes, bars, checks, dots, denim, knit, leather, stitch (a diagonal weave).
        second: Of the pattern.
        size: From one repeat to the next, metres.
        text: Printed on the chest.
        ink: Colour of the print.
        waves: Scale of the folds.
    """

    color: str
    pattern: str = "plain"
    second: str = "#ffffff"
    size: float = 0.04
    text: str = ""
    ink: str = "#ffffff"
    waves: float = 1.0


@dataclass(frozen=True)
class Wear:
    """One garment; lengths are shares, so that a cut fits any body.

    Args:
        kind: Named cut, see ``cuts.CUTS``.
        cloth: What it is made of.
        hem: 0 at the hip joint, 1 at the ankle, -1 at the shoulder; the cut's own by default.
        sleeve: 0 none, 1 to the wrist; the cut's own by default.
        loose: Times the cut's looseness.
        flare: Metres outwards per metre down; the cut's own by default.
    """

    kind: str
    cloth: Cloth
    hem: float | None = None
    sleeve: float | None = None
    loose: float = 1.0
    flare: float | None = None


@dataclass(frozen=True)
class Hair:
    """Hair on the head.

    Args:
        style: bald, short, buzz, medium, long, bun, ponytail, afro.
        melanin: 0 white, 1 black.
        red: Redness of the pigment, 0..1.
    """

    style: str
    melanin: float = 0.85
    red: float = 0.5


@dataclass(frozen=True)
class Recipe:
    """One person.

    Args:
        name: Folder.
        split: "tuning" or "reported".
        description: One line.
        betas: Shape.
        tone: Named complexion.
        hair: On the head.
        stance: Named pose of the photo.
        yaw: Of the body against the camera, degrees; positive turns to the person's left.
        wears: From inside to outside.
        shoes: trainers, white, boots, barefoot.
        hat: None, cap, brimmed, beanie.
        hat_color: Display-space hex.
        held: None, ball, bag, book, cane.
        fov: Of the camera, vertical, degrees.
        camera: Height of the camera over the floor, metres.
        ground: Background: plain, textured, outdoor, room.
        beard: How much of it shows, 0..1.
    """

    name: str
    split: str
    description: str
    betas: tuple[float, ...]
    tone: str
    hair: Hair
    stance: str
    yaw: float
    wears: tuple[Wear, ...]
    shoes: str = "trainers"
    hat: str | None = None
    hat_color: str = "#222831"
    held: str | None = None
    fov: float = 36.0
    camera: float = 1.2
    ground: str = "plain"
    beard: float = 0.0

    @property
    def seed(self) -> int:
        """Of everything random about this person."""
        return 4000 + int(self.name[1:])

    @property
    def tags(self) -> list[str]:
        """Words to sort people by."""
        words = [wear.kind for wear in self.wears] + [f"{self.hair.style} hair", self.tone, self.shoes]
        words += [wear.cloth.pattern for wear in self.wears if wear.cloth.pattern != "plain"]
        words += ["lettering"] * any(wear.cloth.text for wear in self.wears)
        words += [f"{self.hat} hat"] if self.hat else []
        words += [f"holds {self.held}"] if self.held else []
        return [*dict.fromkeys([*words, self.stance])]

    def digest(self) -> str:
        """Changes whenever the person does."""
        text = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
