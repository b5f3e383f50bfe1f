"""The figures as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .drive import PHOTO_POSE
from .protocol import FLIP_MASKED, FLIP_WHOLE, PSNR_MASKED, PSNR_WHOLE, SSIM_MASKED, SSIM_WHOLE
from .score import AVATAR, IOU
from .summary import AROUND, aims, angle_rows, common, joint_means, rows, value, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .score import PersonScore
    from .summary import Row

MEASURES = (PSNR_MASKED, PSNR_WHOLE, SSIM_MASKED, SSIM_WHOLE, FLIP_MASKED, FLIP_WHOLE, IOU)
_PLACES = {PSNR_MASKED: 2, PSNR_WHOLE: 2}
_NAME = 42  # characters


def measures(found: Sequence[Row]) -> list[str]:
    """The measures that some row has, the known ones first."""
    names = dict.fromkeys(name for row in found for name in row.values)
    return [*(name for name in MEASURES if name in names), *(name for name in names if name not in MEASURES)]


def heading(protocol: str, measure: str) -> str:
    """A column's name: no figure stands without its protocol, but IoU, which has none."""
    return measure if measure == IOU else f"{protocol} {measure}"


def number(measure: str, figure: float | None, sign: str = "") -> str:
    """A figure with as many places as its measure deserves, a dash if there is none."""
    return "–" if figure is None else f"{figure:{sign}.{_PLACES.get(measure, 3)}f}"


def table(scores: Sequence[PersonScore], drive: str, protocol: str, photos: int = 1) -> list[str]:
    """Everything that is printed.

    Args:
        scores: Of the people.
        drive: The headline.
        protocol: Its name.
        photos: How many photos of each person the engine was given.
    """
    found, names = rows(scores), measures(rows(scores))
    lines = [f"{len(scores)} people; means over people. Drive for the aims: {drive}."]
    lines += _rows("drive · method · views", found, names, protocol)
    lines += ["", *_rows(f"{drive} · avatar · angle", angle_rows(scores, drive), names, protocol)]
    joints = joint_means(scores)
    if joints:
        lines += [
            "",
            f"Body joints, pelvis aligned: {joints['mean']:.0f} mm, worst joint {joints['worst']:.0f} mm; "
            f"with size aligned, too: {joints['sized']:.0f} mm",
            f"Body joints in the photo: {100 * joints['image']:.2f} % of its height",
        ]
    lines += ["", "Aims:"]
    for aim in aims(scores, drive, photos):
        lines.append(
            f"  {'reached' if aim.reached else 'MISSED':<9}{aim.what:<48}{aim.got:>10}   {aim.wanted}"
        )
    lines += ["", "Worst five, all around:"]
    for score, figure, why in worst(scores, drive):
        lines.append(f"  {score.name:<8}{figure:6.2f} dB  {'; '.join(why)}")
    return lines + _notes(scores)


def people_table(scores: Sequence[PersonScore], drive: str) -> list[str]:
    """One line per person."""
    lines = [f"{'person':<10}{'photo':>8}{'±30°':>8}{'around':>8}{'poses':>8}{'IoU own':>9}{'joints':>10}"]
    for score in scores:
        cells = [
            _cell(score, drive, section) for section in ("photo's view", "within ±30°", AROUND, "new poses")
        ]
        iou = number(IOU, value([score], PHOTO_POSE, AVATAR, "photo's view", IOU))
        joints = f"{score.joints['mean']:.0f} mm" if score.joints else "–"
        lines.append(f"{score.name:<10}" + "".join(f"{c:>8}" for c in cells) + f"{iou:>9}{joints:>10}")
    return lines


def change_table(new: Sequence[PersonScore], old: Sequence[PersonScore], drive: str) -> list[str]:
    """What changed since another run, on the people of both."""
    after, before = common(new, old)
    if not after:
        return ["Nobody was measured in both runs."]
    earlier = {(row.drive, row.method, row.section): row.values for row in rows(before)}
    lines = [f"Changes since the other run, {len(after)} people in both:"]
    names = measures(rows(after))
    lines.append(" " * _NAME + "".join(f"{name:>16}" for name in names))
    for row in rows(after):
        past = earlier.get((row.drive, row.method, row.section), {})
        changes = {n: row.values[n] - past[n] for n in names if n in row.values and n in past}
        cells = "".join(f"{number(n, changes.get(n), '+'):>16}" for n in names)
        lines.append(f"{_name(row):<{_NAME}}{cells}")
    joints, past_joints = joint_means(after), joint_means(before)
    if joints and past_joints:
        lines.append(
            f"joints {joints['mean'] - past_joints['mean']:+.1f} mm, "
            f"in the photo {100 * (joints['image'] - past_joints['image']):+.2f} %"
        )
    return lines + _movers(after, before, drive)


def _movers(after: Sequence[PersonScore], before: Sequence[PersonScore], drive: str) -> list[str]:
    """Who gained and lost most all around."""
    changes: list[tuple[float, str]] = []
    for new, old in zip(after, before, strict=True):
        pair = [value([score], drive, AVATAR, AROUND, PSNR_MASKED) for score in (new, old)]
        if pair[0] is not None and pair[1] is not None:
            changes.append((pair[0] - pair[1], new.name))
    changes.sort()
    return ["all around, each: " + ", ".join(f"{name} {change:+.2f}" for change, name in changes)]


def _cell(score: PersonScore, drive: str, section: str) -> str:
    return number(PSNR_MASKED, value([score], drive, AVATAR, section, PSNR_MASKED))


def _rows(title: str, found: Sequence[Row], names: Sequence[str], protocol: str) -> list[str]:
    columns = [heading(protocol, name) for name in names]
    lines = [f"{title:<{_NAME}}" + "".join(f"{name:>{len(name) + 2}}" for name in columns)]
    for row in found:
        cells = zip(names, columns, strict=True)
        figures = "".join(f"{number(n, row.values.get(n)):>{len(column) + 2}}" for n, column in cells)
        lines.append(f"{_name(row):<{_NAME}}{figures}")
    return lines


def _name(row: Row) -> str:
    method = row.method if row.method != AVATAR or row.drive == PHOTO_POSE else f"{row.drive} · {AVATAR}"
    shown = row.drive if row.drive == PHOTO_POSE else method
    return f"{shown} · {row.section}"


def _notes(scores: Sequence[PersonScore]) -> list[str]:
    notes: dict[str, list[str]] = {}
    for score in scores:
        for note in score.notes:
            notes.setdefault(note, []).append(score.name)
    return ["", *(f"Note ({', '.join(who)}): {note}" for note, who in notes.items())] if notes else []
