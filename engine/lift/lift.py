"""The stages in order; read this first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.avatar import SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO, Avatar
from .faced import faced
from .fit.fit import fit_together
from .outcome import all_warnings, camera_metadata, grounded, numbered
from .several.combine import combine
from .several.register import registered
from .shape_space import shape_space
from .view import view

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..avatar.body import Body
    from .choices import Choices
    from .observation import Observation

_FRONT_SHARE = 0.6  # of a view's Gaussians show the photo; the others are guessed and mostly give way


@dataclass(frozen=True)
class Lifted:
    """An avatar without its origin's metadata, and what was measured on the way.

    Args:
        avatar: Metadata holds the camera and the settings only.
        measures: Numbers for the report.
        warnings: Sentences for the artist.
    """

    avatar: Avatar
    measures: dict[str, float]
    warnings: list[str]


def lift(
    body: Body,
    photos: Sequence[Observation],
    choices: Choices,
    report: Callable[[str, float], None],
) -> Lifted:
    """Make an avatar from prepared photos of one person.

    Args:
        body: The body to dress.
        photos: One, or several from different sides; the avatar takes the first one's pose and light.
        choices: What the artist has decided.
        report: Told the stage and the fraction of it done.

    Returns:
        The avatar; its photo pose stands on the ground at the origin.
    """
    rng = np.random.default_rng(choices.seed)
    fits = fit_together(body, photos, lambda done: report("fit", done))
    each = replace(choices, count=round(choices.count / (1.0 + _FRONT_SHARE * (len(photos) - 1))))
    views = []
    for number, (fit, seen) in enumerate(zip(fits, photos, strict=True)):
        told = _one_of(len(photos), number, report)
        views.append(view(body, fit, seen, choices=each, rng=rng, report=told))
    report("bind", 0.0)
    views = registered(body, views)
    first, whole = views[0], combine(views)
    pelvis = body.joints(first.fit.params.betas)[0].astype(np.float64)
    params, moved = grounded(first.fit.params, pelvis, first.posed.means, first.fit.up)
    able = faced(body, first.skin, whole.resting, whole.binding, whole.seen)
    avatar = Avatar(
        gaussians=able.gaussians,
        binding=able.binding,
        params=params,
        joints=body.joints(params.betas).astype(np.float32),
        seen=whole.seen,
        metadata={
            "camera": camera_metadata(first.fit.camera, moved),
            "body": body.info.get("name", "SMPL-X"),
        },
        shape=shape_space(body, params.betas, whole.resting.means),
        face=able.face,
    )
    shares = {"seen": SEEN_PHOTO, "mirrored": SEEN_MIRRORED, "guessed": SEEN_FILLED}
    measures = first.measures | {
        "gaussians": float(avatar.gaussians.count),
        **{f"{name}_share": float((avatar.seen == mark).mean()) for name, mark in shares.items()},
    }
    return Lifted(avatar, measures, numbered(all_warnings(fits)))


def _one_of(count: int, number: int, report: Callable[[str, float], None]) -> Callable[[str, float], None]:
    """Progress of one photo's stages; the bar never goes back when the next photo begins them anew."""
    return lambda stage, done: report(stage, (number + done) / count)
