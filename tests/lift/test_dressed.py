"""The unseen side of people in known clothes: colour by construction, so that the back is known, too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from lhm_avatars.engine.avatar.body import bundled_body, joint_index
from lhm_avatars.engine.lift.labels import BOTTOM, HAIR, HAT, SHOES, SKIN, TOP
from lhm_avatars.engine.lift.parts import (
    HEAD,
    LEFT_ARM,
    LEFT_HAND,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_HAND,
    RIGHT_LEG,
    TRUNK,
)

from .person import BEHIND, make_person, observe
from .staged import staged

if TYPE_CHECKING:
    from lhm_avatars.engine.lift.fill.fill import Filled
    from lhm_avatars.engine.lift.parse.parse import Parsed
    from lhm_avatars.engine.lift.place.placed import Placed

    from .person import Array, Person

COUNT = 9000
FAIR, DARK = (0.85, 0.65, 0.52), (0.33, 0.22, 0.16)
BROWN, BLACK, STRAW = (0.25, 0.14, 0.08), (0.05, 0.04, 0.04), (0.80, 0.68, 0.40)
RED, WHITE, NAVY, OLIVE, GRAY = (
    (0.72, 0.12, 0.12),
    (0.9, 0.9, 0.88),
    (0.12, 0.15, 0.35),
    (0.35, 0.37, 0.2),
    (0.4,) * 3,
)


@dataclass(frozen=True)
class Outfit:
    """What someone wears, as colours of the resting body; lengths in metres.

    Args:
        skin: Colour.
        hair: None for a bald head.
        top: Colour.
        bottom: None for a dress, whose hem is then the top's.
        shoes: None for bare feet.
        sleeve: x where sleeves end.
        hem: Height over the knee where the bottom, or the dress, ends.
        stripe: Width of horizontal white stripes on the top, 0 for none.
        shirt: Colour of a strip in front where a coat is open.
        neckline: Depth of a V in front.
        lettering: Whether the chest has letters.
        hat: Colour.
        coat: Height over the knee where an open coat ends; None for a top that ends at the waist.
        long_hair: Whether hair hangs to the shoulder blades, before the shoulders, too.
    """

    skin: tuple[float, ...] = FAIR
    hair: tuple[float, ...] | None = BROWN
    top: tuple[float, ...] = RED
    bottom: tuple[float, ...] | None = NAVY
    shoes: tuple[float, ...] | None = GRAY
    sleeve: float = 0.42
    hem: float = -0.36
    stripe: float = 0.0
    shirt: tuple[float, ...] | None = None
    neckline: float = 0.0
    lettering: bool = False
    hat: tuple[float, ...] | None = None
    long_hair: bool = False
    coat: float | None = None

    def paint(self, person: Person, rest: Array, part: Any) -> Array:
        """The colour of each place. [..., 3]"""
        return self.drawn(person, rest, part)[0]

    def drawn(self, person: Person, rest: Array, part: Any) -> tuple[Array, Any]:
        """The colour and the label of each place. [..., 3], [...]"""
        joints = bundled_body().joints(person.params.betas)
        y_of = {
            name: joints[joint_index(name), 1]
            for name in ("left_eye", "left_hip", "left_knee", "left_ankle", "neck")
        }
        eye, hip, knee, ankle, neck = y_of.values()
        head_z = joints[joint_index("head"), 2]
        x, y, z = np.moveaxis(rest, -1, 0)
        label = np.full(y.shape, TOP)
        color = np.empty(rest.shape)
        color[:] = self.top

        def put(rows: Any, what: int, tint: tuple[float, ...]) -> None:
            label[rows], color[rows] = what, tint

        if self.stripe:
            put(np.mod(y, 2 * self.stripe) < self.stripe, TOP, WHITE)
        if self.lettering:
            put(
                (z > 0.04)
                & (np.abs(x) < 0.1)
                & (y < neck - 0.14)
                & (y > neck - 0.26)
                & (np.mod(x, 0.04) < 0.015),
                TOP,
                WHITE,
            )
        if self.shirt:
            put((z > 0.02) & (np.abs(x) < 0.05), TOP, self.shirt)
        leg = (part == LEFT_LEG) | (part == RIGHT_LEG)
        if self.bottom:
            put((y < hip + 0.06) & (leg | (part == TRUNK)), BOTTOM, self.bottom)
        put(leg & (y < knee + self.hem), SKIN, self.skin)
        if self.coat is not None:
            outside = (np.abs(x) > 0.11) | (z < 0)
            put((leg | (part == TRUNK)) & (y > knee + self.coat) & (y < hip + 0.06) & outside, TOP, self.top)
        if self.shoes:
            put(leg & (y < ankle + 0.01), SHOES, self.shoes)
        arm = (part == LEFT_ARM) | (part == RIGHT_ARM) | (part == LEFT_HAND) | (part == RIGHT_HAND)
        put(arm & (np.abs(x) > self.sleeve), SKIN, self.skin)
        put((part == LEFT_HAND) | (part == RIGHT_HAND), SKIN, self.skin)
        put(((part == TRUNK) & (y > neck - 0.01) & (np.abs(x) < 0.08)) | (part == HEAD), SKIN, self.skin)
        put(
            (part == TRUNK) & (z > 0.0) & (y > neck - self.neckline + 1.4 * np.abs(x)) & (np.abs(x) < 0.08),
            SKIN,
            self.skin,
        )
        if self.hair:
            behind = (z < head_z - 0.01) | (y > eye + 0.05)
            put((part == HEAD) & (y > eye - 0.08) & behind, HAIR, self.hair)
        if self.hair and self.long_hair:
            beside = (np.abs(x) > np.where((y > neck - 0.01) & (y < eye - 0.07), 0.03, 0.055)) | (z < head_z)
            put(
                ((part == HEAD) | (part == TRUNK)) & (y > neck - 0.16) & (np.abs(x) < 0.11) & beside,
                HAIR,
                self.hair,
            )
        if self.hat:
            put((part == HEAD) & (y > eye + 0.05), HAT, self.hat)
        return color, label


@dataclass(frozen=True)
class Dressed:
    """A filled person, and the truth.

    Args:
        person: The body.
        placed: The Gaussians.
        rest: Their places in the rest pose. [N, 3]
        parsed: The photo's labels.
        filled: Their colours.
        true_color: [N, 3]
        true_label: [N]
    """

    person: Person
    placed: Placed
    rest: Any
    parsed: Parsed
    filled: Filled
    true_color: Any
    true_label: Any

    def height(self, name: str) -> float:
        """Of a joint in the rest pose, metres."""
        return float(bundled_body().joints(self.person.params.betas)[joint_index(name), 1])

    def behind(self, *parts: int) -> Any:
        """Gaussians of these parts that face away from the camera. [N]"""
        away = (self.placed.normals * self.placed.means).sum(axis=1) / np.linalg.norm(
            self.placed.means, axis=1
        )
        return np.isin(self.placed.parts, parts) & (away > 0.5) & self.placed.on_body & ~self.placed.seen

    def right(self, rows: Any) -> float:
        """Share of rows whose label is the true one."""
        assert rows.sum() > 20
        return float((self.filled.labels == self.true_label)[rows].mean())

    def error(self, rows: Any) -> Array:
        """Largest difference of a channel, on the side that the photo does not show. [rows]"""
        assert rows.sum() > 20
        lit, color = self.true_color[rows], self.filled.colors[rows]  # the seam lies between lit and shaded
        return np.maximum(np.maximum(BEHIND * lit - color, color - lit), 0).max(axis=1)


@lru_cache(maxsize=4)
def worn(outfit: Outfit, *, gray: bool = False) -> Dressed:
    """Someone in an outfit, photographed, parsed and filled."""
    person = make_person()
    seen = observe(person, outfit.paint)
    if gray:
        seen = replace(seen, rgb=np.repeat(seen.rgb.mean(axis=-1, keepdims=True), 3, axis=-1))
    stages = staged(person, seen, COUNT)
    color, label = outfit.drawn(person, stages.rest, stages.placed.parts)
    return Dressed(person, stages.placed, stages.rest, stages.parsed, stages.filled, color, label)


def test_each_garment_goes_on_around_the_body():
    """Shorts, a T-shirt, shoes and skin: all borders are level, and lie where the front has them."""
    who = worn(Outfit(sleeve=0.33, hem=0.12))
    rows = who.behind(TRUNK, LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG)
    assert who.right(rows) > 0.93
    assert np.quantile(who.error(rows & (who.filled.labels == who.true_label)), 0.9) < 0.08


def test_the_photo_is_labelled():
    who = worn(Outfit(sleeve=0.33, hem=0.12))
    shown = who.placed.seen
    assert (who.parsed.at(who.placed.pixels) == who.true_label)[shown].mean() > 0.93
    top, bottom = (next(g for g in who.parsed.garments if g.label == label) for label in (TOP, BOTTOM))
    assert abs(top.hem - who.height("left_hip") - 0.06) < 0.03
    assert abs(bottom.hem - who.height("left_knee") - 0.12) < 0.03
    assert np.abs(np.array(bottom.color) - NAVY).max() < 0.05
    shoulder, wrist = (
        abs(bundled_body().joints(who.person.params.betas)[joint_index(n), 0])
        for n in ("left_shoulder", "left_wrist")
    )
    assert np.abs(np.array(top.sleeves) - (0.33 - shoulder) / (wrist - shoulder)).max() < 0.08


def test_a_dress_is_one_garment():
    who = worn(Outfit(bottom=None, hem=0.05))
    assert [garment.label for garment in who.parsed.garments] == [TOP, SHOES]
    assert who.right(who.behind(TRUNK, LEFT_LEG, RIGHT_LEG)) > 0.93


@pytest.mark.parametrize("skin", [FAIR, DARK])
def test_hair_goes_on_over_the_skull_to_the_nape(skin: tuple[float, ...]):
    who = worn(Outfit(skin=skin, hair=BLACK))
    head = who.behind(HEAD)
    skull = head & (who.rest[:, 1] > who.height("left_eye") - 0.05) & (who.rest[:, 2] < 0.1)  # no eyeballs
    assert (who.filled.labels[skull] == HAIR).mean() > 0.9
    assert np.median(who.error(skull)) < 0.06
    throat = who.behind(TRUNK) & (who.true_label == SKIN) & (who.rest[:, 1] < who.height("neck") + 0.03)
    assert np.median(np.abs(who.filled.colors[throat] - skin).max(axis=1)) < 0.12


def test_a_bald_head_stays_bald():
    who = worn(Outfit(hair=None))
    head = who.behind(HEAD)
    assert (who.filled.labels[head] == SKIN).all()
    assert np.quantile(who.error(head), 0.9) < 0.06


def test_long_hair_hangs_down_the_back():
    who = worn(Outfit(long_hair=True, hair=STRAW))
    x, y, _ = who.rest.T
    neck = who.height("neck")
    hanging = who.behind(TRUNK, HEAD) & (np.abs(x) < 0.08) & (y > neck - 0.12) & (y < neck + 0.12)
    assert (who.filled.labels[hanging] == HAIR).mean() > 0.8
    below = who.behind(TRUNK) & (y < neck - 0.22) & (y > neck - 0.35)
    assert (who.filled.labels[below] == TOP).all()


def test_a_hat_goes_on_above_the_hair():
    who = worn(Outfit(hat=STRAW, hair=BLACK, long_hair=True))
    y, eye = who.rest[:, 1], who.height("left_eye")
    head = who.behind(HEAD)
    high, low = head & (y > eye + 0.07), head & (y < eye + 0.02) & (y > eye - 0.05)
    for rows, tint in ((high, STRAW), (low, BLACK)):
        assert np.median(np.abs(who.filled.colors[rows] - tint).max(axis=1)) < 0.1


def test_below_a_cap_that_hides_all_hair_is_none_of_its_colour():
    who = worn(Outfit(hat=RED, hair=None, top=OLIVE))
    assert HAT in [garment.label for garment in who.parsed.garments]
    y, eye = who.rest[:, 1], who.height("left_eye")
    head = who.behind(HEAD) & (who.rest[:, 2] < 0.1)
    assert (who.filled.labels[head & (y > eye + 0.07)] == HAT).mean() > 0.95
    assert not (who.filled.labels[head & (y < eye)] == HAT).any()


def test_the_back_has_no_neckline():
    who = worn(Outfit(neckline=0.16))
    trunk = who.behind(TRUNK) & (who.rest[:, 1] < who.height("neck") - 0.04)
    assert (who.filled.labels[trunk] != SKIN).mean() > 0.98
    assert np.quantile(who.error(trunk), 0.9) < 0.08


def test_lettering_stays_in_front():
    who = worn(Outfit(lettering=True))
    back = who.behind(TRUNK) & (who.rest[:, 1] < who.height("neck") - 0.1)
    front = who.placed.seen & (who.placed.parts == TRUNK)
    assert np.abs(who.filled.colors - WHITE)[front].max(axis=1).min() < 0.15
    top = back & (who.true_label == TOP)
    top &= who.rest[:, 1] > who.rest[top, 1].min() + 0.02  # the waist is another matter
    assert who.error(top).max() < 0.1


def test_an_open_coat_is_closed_behind():
    who = worn(Outfit(top=OLIVE, shirt=WHITE))
    back = who.behind(TRUNK) & (who.true_label == TOP)
    assert (np.abs(who.filled.colors - WHITE)[who.placed.seen].max(axis=1) < 0.1).sum() > 50
    assert np.quantile(who.error(back), 0.95) < 0.08


def test_a_long_open_coat_hangs_behind_both_legs():
    who = worn(Outfit(top=OLIVE, shirt=WHITE, coat=0.1, bottom=BLACK))
    knee = who.height("left_knee")
    legs = who.behind(LEFT_LEG, RIGHT_LEG, TRUNK)
    above, below = (legs & rows for rows in (who.rest[:, 1] > knee + 0.13, who.rest[:, 1] < knee + 0.05))
    assert (who.filled.labels[above] == TOP).mean() > 0.95
    assert (who.filled.labels[below] != TOP).mean() > 0.95
    assert (
        np.quantile(
            np.abs(who.filled.colors[above & (who.placed.parts != TRUNK)] - BEHIND * np.array(OLIVE)).max(
                axis=1
            ),
            0.9,
        )
        < 0.08
    )


def test_stripes_go_on_in_step():
    who = worn(Outfit(stripe=0.04, top=NAVY))
    y = who.rest[:, 1]
    apart = np.abs(np.mod(y, 0.04) - 0.02) < 0.012  # away from the stripes' edges
    back = who.behind(TRUNK) & apart & (who.true_label == TOP) & (y < who.height("neck") - 0.05)
    near = [np.linalg.norm(who.filled.colors[back] - tint, axis=1) for tint in (WHITE, NAVY)]
    white = np.mod(y[back], 0.08) < 0.04
    assert ((near[0] < near[1]) == white).mean() > 0.85


def test_bare_feet_are_skin():
    who = worn(Outfit(shoes=None, hem=0.2))
    foot = who.behind(LEFT_LEG, RIGHT_LEG) & (who.rest[:, 1] < who.height("left_knee"))
    assert (who.filled.labels[foot] == SKIN).mean() > 0.98
    assert np.quantile(who.error(foot), 0.9) < 0.06


def test_a_photo_without_colours_is_parsed_by_place_and_lightness():
    who = worn(Outfit(top=WHITE), gray=True)
    shown = who.placed.seen
    assert (who.parsed.at(who.placed.pixels) == who.true_label)[shown].mean() > 0.8
    back = who.behind(TRUNK) & (who.true_label == TOP)
    assert np.median(np.abs(who.filled.colors[back] - BEHIND * np.mean(WHITE)).max(axis=1)) < 0.06
