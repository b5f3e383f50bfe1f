"""How well the body fits people whose pose, shape and camera are known.

Run from the repository root: ``python bench/fit.py FOLDER [--split tuning|reported] [--file photo.jpg]``.
FOLDER is what ``tools/make_people.py`` wrote. Errors are of the 22 body joints: in the image as a part of its
height, in space with the roots laid on each other, then also with the best scale, then with the best turn.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from raster import load_package

ROOT = Path(__file__).resolve().parent.parent
BODY_JOINTS = 22
COLUMNS = (
    "2D %",
    "3D mm",
    "scaled",
    "turned",
    "head °",
    "root °",
    "height",
    "fov",
    "pitch",
    "err %",
    "IoU",
    "s",
)


def say(text: str) -> None:
    """One line of the table."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Truth:
    """A person as they were rendered, in the frame of the photo's camera.

    Args:
        joints: Metres. [22, 3]
        head: Rotation of the head. [3, 3]
        root: Rotation of the pelvis. [3, 3]
        height: Of the resting body, metres.
        fov: Vertical, degrees.
        pitch: How far the camera looks up, degrees.
        pixels: Joints in pixels of the photo. [22, 2]
    """

    joints: Any
    head: Any
    root: Any
    height: float
    fov: float
    pitch: float
    pixels: Any


def posed(params: Any) -> tuple[Any, Any]:
    """Joints and rotations of a posed bundled body. [55, 3], [55, 3, 3]"""
    from lhm_avatars.engine.avatar.body import bundled_body
    from lhm_avatars.engine.avatar.skinning import forward_kinematics, posed_joints

    rest = bundled_body().joints(params.betas)
    moved = forward_kinematics(rest, params.pose(), params.transl)
    return posed_joints(rest, moved), moved[:, :3, :3]


def truth_of(person: dict[str, Any], photo: dict[str, Any]) -> Truth:
    """What the fit should find."""
    from lhm_avatars.engine.avatar.axes import OPENCV_FROM_BODY
    from lhm_avatars.engine.avatar.body import BodyParams, bundled_body

    params = BodyParams.from_pose(
        np.array(photo["pose"]), betas=np.array(person["betas"]), transl=np.array(photo["transl"])
    )
    joints, turns = posed(params)
    viewmat, K = np.array(photo["viewmat"]), np.array(photo["K"])
    seen = joints[:BODY_JOINTS] @ viewmat[:3, :3].T + viewmat[:3, 3]
    pixels = seen @ K.T
    camera_from_world = OPENCV_FROM_BODY.T @ viewmat[:3, :3]
    return Truth(
        joints=seen @ OPENCV_FROM_BODY,
        head=camera_from_world @ turns[15],
        root=camera_from_world @ turns[0],
        height=float(np.ptp(bundled_body().shaped(params.betas)[:, 1])),
        fov=float(np.degrees(2 * np.arctan(photo["height"] / 2 / K[1, 1]))),
        pitch=degrees_up(camera_from_world[:, 1]),
        pixels=pixels[:, :2] / pixels[:, 2:],
    )


def degrees_up(up: Any) -> float:
    """How far a camera looks up in whose frame gravity pulls against a direction."""
    return float(np.degrees(np.arctan2(-up[2], up[1])))


def degrees_between(a: Any, b: Any) -> float:
    """Angle of the rotation from one to the other."""
    return float(np.degrees(np.arccos(np.clip((np.trace(a @ b.T) - 1) / 2, -1, 1))))


def space_errors(found: Any, true: Any) -> tuple[Any, float, float]:
    """Millimetres for each joint after laying roots together, the mean after scaling, and after turning."""
    from lhm_avatars.engine.avatar.rotations import polar_rotation

    a, b = found - found[0], true - true[0]
    scale = (a * b).sum() / (a * a).sum()
    plain = 1000 * np.linalg.norm(a - b, axis=1)
    scaled = 1000 * np.linalg.norm(scale * a - b, axis=1).mean()
    a, b = found - found.mean(0), true - true.mean(0)
    turn = polar_rotation(b.T @ a)
    a = a @ turn.T
    a *= (a * b).sum() / (a * a).sum()
    return plain, float(scaled), float(1000 * np.linalg.norm(a - b, axis=1).mean())


def prepared(path: Path, cache: Path | None) -> Any:
    """The prepared photo, from an earlier run if there was one."""
    from lhm_avatars.engine.prepare.person import prepare

    kept = None if cache is None else cache / f"{path.parent.name}-{path.stem}.pkl"
    if kept is not None and kept.exists():
        return pickle.loads(kept.read_bytes())  # noqa: S301 - written by this script
    result = prepare(path)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(result))
    return result


def measure(folder: Path, person: dict[str, Any], photo: dict[str, Any], cache: Path | None) -> Any:
    """One row of the table, and the error of each joint, mm."""
    from lhm_avatars.engine.avatar.body import bundled_body
    from lhm_avatars.engine.lift.fit.fit import fit_body
    from lhm_avatars.engine.lift.observation import observation

    ready = prepared(folder / photo["file"], cache)
    seen = observation(ready)
    began = time.perf_counter()
    fit = fit_body(bundled_body(), seen, lambda done: None)
    seconds = time.perf_counter() - began
    truth = truth_of(person, photo)
    joints, turns = posed(fit.params)
    camera = getattr(fit, "camera", seen.camera)
    crop = camera.project(joints[:BODY_JOINTS])
    scale = photo["height"] / ready.photo.height  # the working photo may be smaller than the file
    pixels = ready.crop.to_photo(crop) * scale
    plain, scaled, turned = space_errors(joints[:BODY_JOINTS], truth.joints)
    flat = np.linalg.norm(pixels - truth.pixels, axis=1) / photo["height"]
    height = float(np.ptp(bundled_body().shaped(fit.params.betas)[:, 1]))
    focal = camera.focal / ready.crop.scale
    fov = float(np.degrees(2 * np.arctan(ready.photo.height / 2 / focal)))
    row = (
        100 * flat.mean(), plain.mean(), scaled, turned, degrees_between(turns[15], truth.head),
        degrees_between(turns[0], truth.root), 100 * (height - truth.height), fov - truth.fov,
        degrees_up(getattr(fit, "up", (0, 1, 0))) - truth.pitch,
        100 * fit.landmark_error, fit.outline_iou, seconds,
    )  # fmt: skip
    return row, plain


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=("tuning", "reported"))
    parser.add_argument("--file", default="photo.jpg")
    parser.add_argument("--cache", type=Path, help="keep prepared photos there (pickles of this machine)")
    parser.add_argument("--only", nargs="*", default=(), help="names of people")
    parser.add_argument("--short", action="store_true", help="only the summary")
    arguments = parser.parse_args()
    load_package()
    from lhm_avatars.engine.avatar.body import JOINT_NAMES

    names = json.loads((arguments.folder / "people.json").read_text(encoding="utf-8"))["people"]
    rows, joint_errors = [], []
    say(f"{'':28}" + "".join(f"{name:>8}" for name in COLUMNS) + "  worst joint")
    for name in names:
        folder = arguments.folder / name
        if not (folder / "person.json").exists() or (arguments.only and name not in arguments.only):
            continue
        person = json.loads((folder / "person.json").read_text(encoding="utf-8"))
        photo = next((p for p in person["photos"] if p["file"] == arguments.file), None)
        if photo is None or (arguments.split and person["split"] != arguments.split):
            continue
        row, errors = measure(folder, person, photo, arguments.cache)
        rows.append(row)
        joint_errors.append(errors)
        if not arguments.short:
            worst = int(errors.argmax())
            text = "".join(f"{value:8.2f}" if abs(value) < 10 else f"{value:8.1f}" for value in row)
            label = f"{name} {' '.join(person['tags'])}"[:27]
            say(f"{label:28}{text}  {JOINT_NAMES[worst]} {errors[worst]:.0f}")
    table = np.array(rows)
    for title, value in (
        ("mean", table.mean(0)),
        ("median", np.median(table, 0)),
        ("mean |.|", abs(table).mean(0)),
    ):
        say(f"{title:28}" + "".join(f"{v:8.2f}" if abs(v) < 10 else f"{v:8.1f}" for v in value))
    by_joint = np.mean(joint_errors, axis=0)
    order = by_joint.argsort()[::-1]
    say("joints, mm: " + ", ".join(f"{JOINT_NAMES[j]} {by_joint[j]:.0f}" for j in order[:12]))


if __name__ == "__main__":
    main()
