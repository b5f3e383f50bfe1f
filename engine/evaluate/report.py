"""One HTML file with all figures and pictures in it; nothing else is loaded."""

from __future__ import annotations

import base64
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING

from .score import AVATAR
from .summary import AROUND, PHOTO_VIEW, POSES, aims, angle_rows, reasons, rows, value, worst
from .table import heading, measures, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .score import PersonScore
    from .summary import Row

_NOBODY: Mapping[str, str] = MappingProxyType({})
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0.6em 0 1.6em; }
td, th { padding: 2px 10px; border-bottom: 1px solid #ddd; text-align: right; }
td:first-child, th:first-child { text-align: left; }
.missed { color: #b00020; } .reached { color: #1b6e2d; }
.views td { padding: 1px; border: 0; text-align: center; } .views img { height: 200px; display: block; }
h2 { margin-top: 2em; border-top: 2px solid #ccc; padding-top: 0.6em; }
"""


def write_report(
    path: Path,
    scores: Sequence[PersonScore],
    *,
    title: str,
    drive: str,
    protocol: str,
    photos: int = 1,
    failed: Mapping[str, str] = _NOBODY,
) -> None:
    """Write the report.

    Args:
        path: The HTML file.
        scores: Of the people, with pictures.
        title: What was measured.
        drive: The headline.
        protocol: Its name.
        photos: How many photos of each person the engine was given.
        failed: Why there is no figure, by the name of the person.
    """
    parts = [
        f"<!doctype html><meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{len(scores)} people. Drive for the aims: {drive}. Protocol: {protocol}.</p>",
        *_aims(scores, drive, photos),
        *_figures("Means over people", rows(scores), protocol),
        *_figures(f"Around the person, {drive}", angle_rows(scores, drive), protocol),
        *_worst(scores, drive),
        *(
            f"<p class=missed>{escape(name)} is in no figure: {escape(why)}</p>"
            for name, why in failed.items()
        ),
        *(part for score in scores for part in _person(score, drive)),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(parts), encoding="utf-8")


def _aims(scores: Sequence[PersonScore], drive: str, photos: int) -> Iterable[str]:
    yield "<h2>Aims</h2><table><tr><th>what<th>figure<th>aim"
    for aim in aims(scores, drive, photos):
        kind = "reached" if aim.reached else "missed"
        yield f"<tr><td>{escape(aim.what)}<td class={kind}>{escape(aim.got)}<td>{escape(aim.wanted)}"
    yield "</table>"


def _figures(title: str, found: Sequence[Row], protocol: str) -> Iterable[str]:
    names = measures(found)
    head = "".join(f"<th>{escape(heading(protocol, name))}" for name in names)
    yield f"<h2>{escape(title)}</h2><table><tr><th>drive, method, views<th>people{head}"
    for row in found:
        cells = "".join(f"<td>{number(name, row.values.get(name))}" for name in names)
        yield f"<tr><td>{escape(f'{row.drive} · {row.method} · {row.section}')}<td>{row.people}{cells}"
    yield "</table>"


def _worst(scores: Sequence[PersonScore], drive: str) -> Iterable[str]:
    yield "<h2>The worst five, and why</h2><ol>"
    for score, figure, why in worst(scores, drive):
        name = escape(score.name)
        yield f"<li><a href='#{name}'>{name}</a>: {figure:.2f} dB all around; {escape('; '.join(why))}</li>"
    yield "</ol>"


def _person(score: PersonScore, drive: str) -> Iterable[str]:
    name = escape(score.name)
    yield f"<h2 id='{name}'>{name}</h2><p>{escape(_line(score, drive))}</p>"
    for sentence in (*score.warnings, *score.notes):
        yield f"<p>{escape(sentence)}</p>"
    pictures = score.pictures
    if pictures is None:
        return
    columns = [("photo", {"truth": pictures.photo}), *pictures.columns]
    if pictures.own:
        columns.insert(1, ("own pose", {AVATAR: pictures.own}))
    methods = dict.fromkeys(method for _, shown in columns for method in shown)
    yield "<table class=views><tr><td>" + "".join(f"<td>{escape(caption)}" for caption, _ in columns)
    for method in methods:
        cells = "".join(f"<td>{_image(shown.get(method, b''))}" for _, shown in columns)
        yield f"<tr><td>{escape(method)}{cells}"
    yield "</table>"


def _line(score: PersonScore, drive: str) -> str:
    parts = [score.split]
    for section in (PHOTO_VIEW, AROUND, POSES):
        figure = value([score], drive, AVATAR, section, "PSNR masked")
        if figure is not None:
            parts.append(f"{section} {figure:.2f} dB")
    if score.joints:
        parts.append(
            f"joints {score.joints['mean']:.0f} mm, {100 * score.joints['image']:.2f} % in the photo"
        )
    if score.costs.get("seconds"):
        parts.append(f"{score.costs['seconds']:.1f} s")
    return ", ".join([*parts, *reasons(score, drive)])


def _image(data: bytes) -> str:
    return f"<img src='data:image/jpeg;base64,{base64.b64encode(data).decode()}'>" if data else ""
