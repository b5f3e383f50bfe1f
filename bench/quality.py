"""How good the avatars are: every person of the yardstick reconstructed from one photo and scored.

Run from the repository root: ``python dev.py bench quality [--people FOLDER] [--split tuning|reported|all]``;
``--help`` lists the rest. Each reconstruction runs in an engine process of its own, so that its memory is its
own; avatars are kept below the work folder as long as photo, settings and the engine's code stay the same.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CANNOT_RUN = 2
_LIFT_CODE = ("lift", "prepare", "raster", "avatar", "binding", "pipeline.py", "request.py")
_SECOND = "back.jpg"


def load_engine() -> None:
    """The package ``engine`` without the extension around it."""
    folder = ROOT / "engine"
    spec = importlib.util.spec_from_file_location(
        "engine", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    sys.modules["engine"] = importlib.util.module_from_spec(spec)


def part(name: str) -> Any:
    """A module of the engine."""
    return importlib.import_module(f"engine.{name}")


def say(text: str = "") -> None:
    """One line of the output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dev.py bench quality", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--people", type=Path, default=ROOT / "build" / "people", metavar="FOLDER")
    add("--split", choices=("tuning", "reported", "all"), default="tuning")
    add("--only", nargs="+", default=[], metavar="NAME", help="these people only")
    add("--engine", default="lift")
    add("--avatars", type=Path, metavar="FOLDER", help="score FOLDER/NAME.lhma instead of making avatars")
    add("--photos", choices=("one", "two"), default="one", help="two: the back is given, too")
    add("--count", type=int, default=40_000, help="Gaussians")
    add("--set", nargs="+", default=[], metavar="KEY=JSON", help="further settings of the request")
    add("--drive", choices=("true body", "own", "scaled"), default="true body", help="the headline")
    add("--protocol", choices=("official", "paper"), default="official")
    add("--quick", action="store_true", help="the headline's PSNR and SSIM only, without baselines")
    add("--lpips-backbone", type=Path, metavar="FILE", help="torchvision's weights of the protocol's network")
    add("--report", type=Path, metavar="FILE.html")
    add("--json", type=Path, metavar="FILE", help="write all figures")
    add("--compare", type=Path, metavar="OLD.json", help="show what changed since")
    add("--work", type=Path, default=ROOT / "build" / "quality", metavar="FOLDER")
    add("--jobs", type=int, default=1, help="engine processes at a time")
    return parser.parse_args()


# ---------------------------------------------------------------- avatars


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """The request's settings, as the engine's protocol wants them."""
    settings: dict[str, Any] = {"engine": options.engine, "count": options.count}
    for item in options.set:
        key, _, value = item.partition("=")
        settings[key] = json.loads(value)
    return settings


def photos_of(options: argparse.Namespace, person: Any) -> list[Path]:
    """The files that the engine is given."""
    files = ["photo.jpg"] if options.photos == "one" else ["photo.jpg", _SECOND]
    return [person.photo(file).shot.path for file in files]


def check_request(options: argparse.Namespace) -> None:
    """See whether the engine takes what is asked for, before anybody waits for it."""
    if not options.avatars:
        second = (Path(_SECOND),) if options.photos == "two" else ()
        part("request").ReconstructRequest(
            photo=Path("photo.jpg"),
            work_dir=options.work,
            engine=options.engine,
            count=options.count,
            photos=second,
        )


def code_digest(engine: str) -> str:
    """What of the code shapes an avatar: of lift its own folders, of other engines all."""
    digest = hashlib.sha256()
    names = _LIFT_CODE if engine == "lift" else (".",)
    roots = [ROOT / "engine" / name for name in names]
    files = [f for root in roots for f in ([root] if root.is_file() else sorted(root.rglob("*.py")))]
    for file in [*files, ROOT / "assets" / "body.npz"]:
        if "evaluate" not in file.parts:
            digest.update(file.read_bytes())
    return digest.hexdigest()


def cache_path(options: argparse.Namespace, person: Any) -> Path:
    """Where a person's avatar is kept."""
    digest = hashlib.sha256(json.dumps([settings_of(options), code_digest(options.engine)]).encode())
    for photo in photos_of(options, person):
        digest.update(photo.read_bytes())
    return options.work / "avatars" / f"{person.name}-{digest.hexdigest()[:16]}.lhma"


def make_avatar(options: argparse.Namespace, person: Any) -> tuple[Path | None, dict[str, Any], str]:
    """A person's avatar, made or taken from before.

    Returns:
        The file, what it cost, and the reason if there is no file.
    """
    error = part("avatar.errors").AvatarError
    if options.avatars:
        path = options.avatars / f"{person.name}.lhma"
        return (path, {}, "") if path.is_file() else (None, {}, f"There is no {path}.")
    path = cache_path(options, person)
    costs = path.with_suffix(".json")
    if path.is_file() and costs.is_file():
        return path, json.loads(costs.read_text(encoding="utf-8")) | {"cached": True}, ""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        spent = reconstruct(options, person, path)
    except error as problem:
        return None, {}, str(problem)
    except part("protocol").EngineBug as bug:
        log = options.work / f"{person.name}.log"
        log.write_text(str(bug), encoding="utf-8")
        return None, {}, f"{str(bug).splitlines()[0]} The rest is in {log}."
    costs.write_text(json.dumps(spent), encoding="utf-8")
    return path, spent, ""


def reconstruct(options: argparse.Namespace, person: Any, output: Path) -> dict[str, float]:
    """One reconstruction in an engine process of its own.

    Returns:
        Seconds from the request to the avatar's file, the start of the process included, and its peak memory.
    """
    photos = photos_of(options, person)
    settings = settings_of(options)
    if len(photos) > 1:
        settings["photos"] = [str(photo) for photo in photos[1:]]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        client = part("client").EngineClient.start(Path(sys.executable), log_file=Path(folder) / "engine.log")
        try:
            partial = Path(folder) / "avatar.lhma"
            request = client.request(
                "reconstruct",
                {"photo": str(photos[0]), "output": str(partial), "work_dir": folder, "settings": settings},
            )
            report = client.wait(request)["report"]
            seconds = time.perf_counter() - began
            output.write_bytes(partial.read_bytes())
        finally:
            client.close()
    return {"seconds": seconds, "peak_memory_bytes": report["peak_memory_bytes"] or 0}


def compile_kernels() -> None:
    """Have the kernels compiled, as installing the engine does, so that no person's time holds it."""
    with tempfile.TemporaryDirectory() as folder:
        client = part("client").EngineClient.start(Path(sys.executable), log_file=Path(folder) / "engine.log")
        try:
            client.wait(client.request("versions", {}))
        finally:
            client.close()


# ---------------------------------------------------------------- scores


def score_settings(options: argparse.Namespace) -> Any:
    """What is measured."""
    protocol = part("evaluate.protocol").PROTOCOLS[options.protocol]
    lpips = None
    if options.lpips_backbone:
        lpips = part("evaluate.perceptual").load_lpips(protocol.network, options.lpips_backbone)
    full = not options.quick
    has_flip = importlib.util.find_spec("flip_evaluator") is not None
    if full and not has_flip:
        say("FLIP is left out: the package flip-evaluator is not there, or not made for this machine.")
    return part("evaluate.score").ScoreSettings(
        drive=options.drive, others=full, baselines=full, protocol=protocol, with_flip=full and has_flip,
        lpips=lpips, with_pictures=options.report is not None,
    )  # fmt: skip


def avatars(
    options: argparse.Namespace, people: list[Any]
) -> Iterator[tuple[Path | None, dict[str, Any], str]]:
    """Everybody's avatar in order; with one job nothing else runs meanwhile, so that times are right."""
    if options.jobs == 1:
        yield from (make_avatar(options, person) for person in people)
        return
    with ThreadPoolExecutor(options.jobs) as pool:
        yield from pool.map(lambda person: make_avatar(options, person), people)


def score_all(options: argparse.Namespace, people: list[Any]) -> tuple[list[Any], dict[str, str]]:
    """Make and score everybody; failures by name."""
    settings = score_settings(options)
    load_avatar = part("formats.avatar_file").load_avatar
    if not options.avatars:
        compile_kernels()
    scores: list[Any] = []
    failed: dict[str, str] = {}
    for person, (path, costs, reason) in zip(people, avatars(options, people), strict=True):
        if path is None:
            failed[person.name] = reason
            say(f"{person.name}: no avatar. {reason}")
            continue
        began = time.perf_counter()
        try:
            score = part("evaluate.score").score_person(load_avatar(path), person, settings)
        except part("avatar.errors").AvatarError as problem:
            failed[person.name] = str(problem)
            say(f"{person.name}: not scored. {problem}")
            continue
        scores.append(replace(score, costs=costs))
        kept = costs.get("cached") or options.avatars
        taken = "kept from before" if kept else f"{costs['seconds']:.1f} s"
        say(f"{person.name}: avatar {taken}, scored in {time.perf_counter() - began:.1f} s")
    return scores, failed


def show(options: argparse.Namespace, scores: list[Any], failed: dict[str, str]) -> None:
    """Print and write what was asked for."""
    table, photos = part("evaluate.table"), 2 if options.photos == "two" else 1
    title = f"{options.avatars or options.engine}, {options.split} half, {options.photos} photo(s)"
    say()
    for line in [*table.people_table(scores, options.drive), ""]:
        say(line)
    say(title)
    for line in table.table(scores, options.drive, options.protocol, photos):
        say(line)
    times = [score.costs["seconds"] for score in scores if "seconds" in score.costs]
    if times:
        peak = max(score.costs["peak_memory_bytes"] for score in scores) / 1e9
        say(f"\nAn avatar took {median(times):.1f} s (median), {max(times):.1f} s at most.")
        say(f"Peak memory of an engine: {peak:.2f} GB.")
    if not options.lpips_backbone:
        say("LPIPS is left out: its network's weights were not given (--lpips-backbone).")
    for name, reason in failed.items():
        say(f"In no figure: {name}: {reason}")
    if options.compare:
        old = json.loads(options.compare.read_text(encoding="utf-8"))
        if (old["protocol"], old["people_digest"]) != (options.protocol, people_digest(options)):
            say("\nThe other run had another protocol or other people: its figures do not compare.")
        else:
            earlier = [part("evaluate.score").person_score(values) for values in old["people"]]
            for line in ["", *table.change_table(scores, earlier, options.drive)]:
                say(line)
    if options.json:
        write_json(options, scores, failed)
    if options.report:
        part("evaluate.report").write_report(
            options.report, scores, title=f"Quality: {title}", drive=options.drive, protocol=options.protocol,
            photos=photos, failed=failed,
        )  # fmt: skip
        say(f"Report: {options.report}")


def people_digest(options: argparse.Namespace) -> str:
    """Which set of people was measured."""
    return part("evaluate.people").digest(options.people)


def write_json(options: argparse.Namespace, scores: list[Any], failed: dict[str, str]) -> None:
    """All figures, for a later comparison."""
    values = {
        "engine": options.engine,
        "settings": settings_of(options),
        "photos": options.photos,
        "split": options.split,
        "drive": options.drive,
        "protocol": options.protocol,
        "people_digest": people_digest(options),
        "failed": failed,
        "rows": [vars(row) for row in part("evaluate.summary").rows(scores)],
        "people": [score.as_json() for score in scores],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(values), encoding="utf-8")
    say(f"Figures: {options.json}")


def main() -> int:
    """Print the table.

    Returns:
        The exit code: 2 if nothing could be measured.
    """
    options = read_options()
    load_engine()
    try:
        check_request(options)
        people = part("evaluate.people").read_people(options.people, options.split, options.only)
        scores, failed = score_all(options, list(people))
    except part("avatar.errors").AvatarError as problem:
        say(str(problem))
        return CANNOT_RUN
    if not scores:
        say("Nobody could be scored.")
        return 1
    show(options, scores, failed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
