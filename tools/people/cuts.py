"""Named cuts of garments, as numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """How a garment is cut and how it hangs; shares as in ``recipe.Wear``, lengths in metres.

    Args:
        top: Where it begins: "neck", "strap" (sleeveless, wide neck) or "waist".
        hem: 0 at the hip joint, 1 at the ankle, negative towards the shoulder.
        sleeve: Share of the arm.
        legs: Whether it has two legs.
        body: Looseness on chest and at the hem.
        arm: Looseness of sleeves at shoulder and end, or of trousers at thigh and hem.
        flare: Outwards per metre down; negative falls inwards.
        fold: Depth of the folds.
        thick: Of the cloth.
        open: Half width of the gap in front at neck and hem; 0 for closed.
        collar: None, "rib", "stand", "fold", "hood".
        waist: How far above the hip joint a garment of the waist begins.
        nipped: Looseness at the waist; negative for none: the cloth falls from the chest.
        cone: Whether folds run along the slope of a wide skirt.
    """

    top: str = "neck"
    hem: float = 0.06
    sleeve: float = 0.0
    legs: bool = False
    body: tuple[float, float] = (0.008, 0.022)
    arm: tuple[float, float] = (0.006, 0.018)
    flare: float = -0.25
    fold: float = 0.006
    thick: float = 0.0025
    open: tuple[float, float] = (0.0, 0.0)
    collar: str | None = "rib"
    waist: float = 0.09
    nipped: float = -1.0
    cone: bool = False


CUTS: dict[str, Cut] = {
    "t-shirt": Cut(sleeve=0.33),
    "long sleeve": Cut(sleeve=0.94, arm=(0.006, 0.011), hem=0.05),
    "shirt": Cut(sleeve=0.95, arm=(0.008, 0.016), hem=0.09, collar="fold", fold=0.007),
    "tank top": Cut(top="strap", hem=0.05, body=(0.006, 0.014), collar=None),
    "hoodie": Cut(
        sleeve=0.96, arm=(0.014, 0.022), body=(0.018, 0.030), hem=0.08, fold=0.010, thick=0.005,
        collar="hood",
    ),
    "sweater": Cut(
        sleeve=0.95, arm=(0.012, 0.018), body=(0.015, 0.024), hem=0.07, fold=0.008, thick=0.005
    ),
    "jacket": Cut(
        sleeve=0.97, arm=(0.017, 0.022), body=(0.022, 0.034), hem=0.10, fold=0.008, thick=0.005,
        open=(0.035, 0.075), collar="stand",
    ),
    "coat": Cut(
        sleeve=0.99, arm=(0.018, 0.024), body=(0.024, 0.040), hem=0.52, flare=0.07, fold=0.010, thick=0.006,
        open=(0.030, 0.10), collar="fold",
    ),
    "closed coat": Cut(
        sleeve=0.99, arm=(0.018, 0.024), body=(0.022, 0.038), hem=0.45, flare=0.10, fold=0.010, thick=0.006,
        open=(0.0, 0.05), collar="fold", nipped=0.02,
    ),
    "dress": Cut(sleeve=0.26, body=(0.006, 0.02), hem=0.50, flare=0.26, fold=0.016, nipped=0.008),
    "sleeveless dress": Cut(
        top="strap", body=(0.005, 0.02), hem=0.46, flare=0.30, fold=0.018, nipped=0.006, collar=None
    ),
    "skirt": Cut(top="waist", hem=0.45, body=(0.006, 0.02), flare=0.32, fold=0.018, collar=None, cone=True),
    "straight skirt": Cut(top="waist", hem=0.50, body=(0.006, 0.010), flare=0.0, fold=0.004, collar=None),
    "trousers": Cut(top="waist", legs=True, hem=0.985, arm=(0.010, 0.020), fold=0.007, collar=None),
    "wide trousers": Cut(top="waist", legs=True, hem=0.99, arm=(0.020, 0.036), fold=0.009, collar=None),
    "tight trousers": Cut(top="waist", legs=True, hem=0.97, arm=(0.004, 0.004), fold=0.003, collar=None),
    "shorts": Cut(top="waist", legs=True, hem=0.42, arm=(0.012, 0.028), fold=0.007, collar=None),
}  # fmt: skip
