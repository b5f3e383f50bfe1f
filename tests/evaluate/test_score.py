"""The truth scores as the truth, what is worse scores less, and the figures reach the report."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.avatar import SEEN_PHOTO
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.evaluate.baselines import BASELINES, COPIED, FLAT, PROJECTED, baseline_colors
from lhm_avatars.engine.evaluate.drive import DRIVES, OWN, PHOTO_POSE, TRUE_BODY
from lhm_avatars.engine.evaluate.people import read_people, read_rgb
from lhm_avatars.engine.evaluate.photo_camera import photo_camera
from lhm_avatars.engine.evaluate.protocol import (
    OFFICIAL,
    PAPER,
    PSNR_MASKED,
    PSNR_WHOLE,
    read_truth,
)
from lhm_avatars.engine.evaluate.report import write_report
from lhm_avatars.engine.evaluate.score import AVATAR, IOU, ScoreSettings, person_score, score_person
from lhm_avatars.engine.evaluate.summary import (
    AROUND,
    NEAR,
    PHOTO_VIEW,
    POSES,
    aims,
    angle_rows,
    rows,
    value,
    worst,
)
from lhm_avatars.engine.evaluate.table import change_table, table
from lhm_avatars.engine.formats.avatar_file import save_avatar

from .people_folder import true_avatar

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.engine.evaluate.people import Person
    from lhm_avatars.engine.evaluate.score import PersonScore

QUICK = ScoreSettings(others=False, baselines=False, protocol=PAPER, with_flip=False)


@pytest.fixture(scope="module")
def perfect(avatar: Avatar, person: Person) -> PersonScore:
    return score_person(avatar, person, ScoreSettings(protocol=PAPER, with_pictures=True))


@pytest.fixture(scope="module")
def shifted(avatar: Avatar, person: Person) -> PersonScore:
    moved = replace(avatar.gaussians, means=avatar.gaussians.means + np.float32([0.03, 0, 0]))
    return score_person(replace(avatar, gaussians=moved), person, QUICK)


def test_the_truth_scores_as_the_truth(perfect: PersonScore) -> None:
    for drive in DRIVES:
        for section in (PHOTO_VIEW, NEAR, AROUND, POSES):
            assert value([perfect], drive, AVATAR, section, PSNR_MASKED) > 45  # 8 bits leave 59
    assert value([perfect], PHOTO_POSE, AVATAR, PHOTO_VIEW, PSNR_MASKED) > 45
    assert value([perfect], PHOTO_POSE, AVATAR, PHOTO_VIEW, IOU) > 0.999
    assert value([perfect], TRUE_BODY, AVATAR, AROUND, "FLIP masked") < 0.02
    assert value([perfect], TRUE_BODY, AVATAR, AROUND, "SSIM whole") > 0.999
    assert perfect.joints["worst"] < 0.01
    assert perfect.notes == ()


def test_a_shift_costs(perfect: PersonScore, shifted: PersonScore) -> None:
    for measure in (PSNR_MASKED, PSNR_WHOLE):
        good = value([perfect], TRUE_BODY, AVATAR, AROUND, measure)
        assert value([shifted], TRUE_BODY, AVATAR, AROUND, measure) < good - 15
    assert value([shifted], PHOTO_POSE, AVATAR, PHOTO_VIEW, IOU) < 0.9


def test_only_the_headline_has_baselines_and_flip(perfect: PersonScore) -> None:
    found = {(shot.drive, shot.method) for shot in perfect.shots}
    assert found == {
        *((drive, AVATAR) for drive in (*DRIVES, PHOTO_POSE)),
        *((TRUE_BODY, name) for name in BASELINES),
    }
    assert value([perfect], OWN, AVATAR, AROUND, "FLIP masked") is None


def test_baselines_are_what_they_say(avatar: Avatar, person: Person) -> None:
    photo = read_rgb(person.photo().shot)
    colors = baseline_colors(avatar, photo, photo_camera(avatar.metadata))
    assert np.ptp(colors[FLAT], axis=0).max() == 0
    seen = avatar.seen == SEEN_PHOTO
    np.testing.assert_array_equal(colors[PROJECTED][seen], colors[COPIED][seen])
    np.testing.assert_array_equal(colors[PROJECTED][~seen], colors[FLAT][~seen])
    # The back is half as bright as the chest; the copy makes it as bright.
    means = avatar.gaussians.means
    back = (means[:, 2] < -0.05) & (np.abs(means[:, 0]) < 0.05) & (means[:, 1] > 0.05) & (means[:, 1] < 0.2)
    assert back.sum() > 5
    np.testing.assert_allclose(np.median(colors[COPIED][back], axis=0), (0.8, 0.3, 0.2), atol=0.1)


def test_the_truth_beats_every_baseline(perfect: PersonScore) -> None:
    best = max(value([perfect], TRUE_BODY, name, AROUND, PSNR_MASKED) for name in BASELINES)
    assert best < 30
    reached = {aim.what: aim.reached for aim in aims([perfect], TRUE_BODY)}
    assert len(reached) == 8
    assert all(reached.values())


def test_an_avatar_without_camera_is_scored_without_its_own_pose(avatar: Avatar, person: Person) -> None:
    score = score_person(replace(avatar, metadata={"body": avatar.metadata["body"]}), person, QUICK)
    assert score.joints == {}
    assert "where its photo was taken from" in score.notes[0]
    assert {shot.drive for shot in score.shots} == {TRUE_BODY}


def test_a_photo_without_a_view_is_noted(avatar: Avatar, person: Person) -> None:
    lonely = replace(person, photos=(replace(person.photo(), frame=None),))
    score = score_person(avatar, lonely, QUICK)
    assert score.joints["worst"] < 0.01
    assert "No view has the camera of photo.jpg" in score.notes[0]
    assert {shot.drive for shot in score.shots} == {TRUE_BODY}


def test_an_avatar_without_shape_is_scored_otherwise(avatar: Avatar, person: Person) -> None:
    stiff = replace(avatar, shape=None)
    with pytest.raises(AvatarError, match="keeps no shape"):
        score_person(stiff, person, QUICK)
    score = score_person(stiff, person, replace(QUICK, drive=OWN, others=True))
    assert "cannot take the true body" in score.notes[0]
    assert {shot.drive for shot in score.shots} == {OWN, "scaled", PHOTO_POSE}


def test_the_protocols_differ_in_size_only(person: Person) -> None:
    shot = person.frames[0]
    paper, official = read_truth(shot, PAPER), read_truth(shot, OFFICIAL)
    assert paper.color.shape == (256, 256, 3)
    assert official.color.shape == (512, 512, 3)
    halved = replace(OFFICIAL, width=128)
    small = read_truth(shot, halved)
    blocks = paper.color.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(small.color, blocks, atol=1e-6)  # by area


def test_means_are_over_pictures_then_people(perfect: PersonScore, shifted: PersonScore) -> None:
    both = [perfect, shifted]
    views = [
        [s.values[PSNR_MASKED] for s in p.shots if (s.drive, s.method, s.kind) == (TRUE_BODY, AVATAR, "view")]
        for p in both
    ]
    assert [len(v) for v in views] == [4, 4]
    expected = (sum(views[0]) / 4 + sum(views[1]) / 4) / 2
    assert value(both, TRUE_BODY, AVATAR, AROUND, PSNR_MASKED) == pytest.approx(expected)
    near = next(r for r in rows(both) if (r.drive, r.method, r.section) == (TRUE_BODY, AVATAR, NEAR))
    assert near.values[PSNR_MASKED] == pytest.approx(np.mean([[v[1], v[3]] for v in views]))
    assert "FLIP masked" not in near.values  # one of them has none
    assert [r.section for r in angle_rows(both, TRUE_BODY)] == ["+0°", "+30°", "+180°", "-30°"]


def test_the_worst_come_first_with_reasons(perfect: PersonScore, shifted: PersonScore) -> None:
    (first, figure, why), (second, _, other) = worst(
        [perfect, replace(shifted, joints={"mean": 80.0, "sized": 70.0, "worst": 200.0, "image": 0.02})],
        TRUE_BODY,
    )
    assert first.joints["mean"] == 80.0
    assert figure == pytest.approx(value([shifted], TRUE_BODY, AVATAR, AROUND, PSNR_MASKED))
    assert why[0] == "pose 80 mm off"
    assert any("outline IoU" in reason for reason in why)
    assert second.name == "p00"
    assert other == ["made of dots"]


def test_scores_survive_json_and_compare(perfect: PersonScore, shifted: PersonScore) -> None:
    again = person_score(json.loads(json.dumps(shifted.as_json())))
    assert again == shifted
    lines = change_table([perfect], [again, replace(again, name="p09")], TRUE_BODY)
    gain = value([perfect], TRUE_BODY, AVATAR, AROUND, PSNR_MASKED) - value(
        [shifted], TRUE_BODY, AVATAR, AROUND, PSNR_MASKED
    )
    assert "1 people in both" in lines[0]
    assert lines[-1] == f"all around, each: p00 {gain:+.2f}"
    assert change_table([perfect], [replace(again, name="p09")], TRUE_BODY) == [
        "Nobody was measured in both runs."
    ]


def test_every_column_names_its_protocol(perfect: PersonScore) -> None:
    head = table([perfect], TRUE_BODY, "paper")[1]
    assert "paper PSNR masked" in head
    assert "paper FLIP whole" in head


def test_the_report_holds_everybody_and_every_picture(perfect: PersonScore, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    other = replace(perfect, name="p01", warnings=("A <strange> photo.",))
    failed = {"p02": "No person was found."}
    write_report(path, [perfect, other], title="A test", drive=TRUE_BODY, protocol="paper", failed=failed)
    text = path.read_text(encoding="utf-8")
    assert "<h2 id='p00'>" in text
    assert "<h2 id='p01'>" in text
    assert "A &lt;strange&gt; photo." in text
    assert "p02 is in no figure: No person was found." in text
    # The photo, the own pose, and per column the truth, the avatar and three baselines.
    columns = len(perfect.pictures.columns)
    assert columns == 5
    assert text.count("<img src='data:image/jpeg;base64,") == 2 * (2 + columns * 5)
    assert "http" not in text


def test_the_benchmark_runs(folder: Path, root: Path, tmp_path: Path) -> None:
    save_avatar(tmp_path / "p00.lhma", true_avatar("p00"))
    (tmp_path / "p01.lhma").write_bytes(b"")
    command = [
        sys.executable,
        root / "bench" / "quality.py",
        "--people",
        folder,
        "--quick",
        "--protocol",
        "paper",
    ]
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [*command, "--avatars", tmp_path, "--split", "all", "--json", figures],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "p01: not scored." in done.stdout
    written = json.loads(figures.read_text(encoding="utf-8"))
    assert [p["name"] for p in written["people"]] == ["p00"]
    assert written["failed"].keys() == {"p01"}
    again = subprocess.run(
        [*command, "--avatars", tmp_path, "--compare", figures], capture_output=True, text=True, check=False
    )
    assert "all around, each: p00 +0.00" in again.stdout
    absent = subprocess.run(
        [*command, "--avatars", tmp_path / "none"], capture_output=True, text=True, check=False
    )
    assert absent.returncode == 1
    assert "p00: no avatar. There is no" in absent.stdout
    assert "Nobody could be scored." in absent.stdout
    assert read_people(folder)[0].name == "p00"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--people", "nowhere"], "There are no people in nowhere"),
        (["--engine", "lhm-mini", "--photos", "two"], "LHM works from one photo"),
        (["--engine", "magic"], "There is no engine named 'magic'"),
    ],
)
def test_the_benchmark_says_what_is_missing(root: Path, arguments: list[str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, root / "bench" / "quality.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stdout
