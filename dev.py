#!/usr/bin/env python3
"""Everything a developer runs: `python dev.py demo`, `python dev.py test`, and the verbs that `--help` lists.

Needs Python 3.11 with pip. Whatever else a verb needs it installs into build/, and skips what is up to date.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import queue
import re
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
ENGINE_ROOT = BUILD / "engine"
EXAMPLE_PHOTO = ROOT / "assets" / "example_person.jpg"
STAMP = "lhm-stamp.txt"
ABANDONED_S = 900.0  # Nobody builds one environment for so long.
_TESTS_AT_ONCE = 2  # each run keeps one core busy most of the time
CANNOT_RUN = 2  # exit code of a benchmark that needs what this machine has not, or an argument
SILENCE_S = 10.0  # After so long without a word, say that the work goes on.


class SetupError(Exception):
    """Something that the developer has to do; the text says what."""


def say(text: str = "") -> None:
    """Write a line to the terminal, at once and in order with the lines of the children."""
    print(text, flush=True)


# ---------------------------------------------------------------- Python interpreters


def find_python(version: str) -> Path | None:
    """Find a Python of this version that runs and can make environments.

    A file of the right name is not enough: pyenv's shims exist for versions that are switched off.
    """
    for candidate in _python_candidates(version):
        probe = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
        try:
            done = subprocess.run(
                [candidate, "-c", probe], capture_output=True, text=True, timeout=20, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


def _python_candidates(version: str) -> Iterator[Path]:
    yield Path(getattr(sys, "_base_executable", sys.executable))
    yield Path(sys.executable)
    names = (f"python{version}", f"python{version}.exe", "python3", "python.exe")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        yield from (path for name in names if (path := Path(folder) / name).is_file())
    home = Path.home()
    for pattern in (
        f".pyenv/versions/{version}*/bin/python",
        f".pyenv/pyenv-win/versions/{version}*/python.exe",
        f".local/share/uv/python/cpython-{version}*/bin/python{version}",
        f"AppData/Local/Programs/Python/Python{version.replace('.', '')}/python.exe",
    ):
        yield from sorted(home.glob(pattern))


# ---------------------------------------------------------------- environments


@dataclass(frozen=True)
class Environment:
    """A virtual environment below build/env, made from dependency groups in pyproject.toml.

    Attributes:
        name: Its folder, and the group of its packages.
        about: What it is and how large, for the progress lines.
        python: Version of the interpreter.
        alone: A group that is installed without its dependencies.
    """

    name: str
    about: str
    python: str = "3.11"
    alone: str | None = None

    @property
    def folder(self) -> Path:
        """Where it lies when complete."""
        return BUILD / "env" / self.name


ENVIRONMENTS = {
    e.name: e
    for e in (
        Environment("bpy-4.5", "Blender 4.5 LTS as a Python module, 1.0 GB"),
        Environment("bpy-5.0", "Blender 5.0 as a Python module, 1.0 GB"),
        Environment("bpy-5.2", "Blender 5.2 LTS as a Python module, 1.1 GB", python="3.13"),
        Environment("dev", "formatter, type checker and Blender's stubs, 0.3 GB"),
        Environment("engine-tests", "PyTorch for the engine's tests, 1 GB", alone="engine-tests-alone"),
    )
}  # fmt: skip


def python_in(folder: Path) -> Path:
    """Say where an environment keeps its interpreter."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def site_packages(python: Path) -> Path:
    """Ask an interpreter for the folder of its packages."""
    return Path(capture(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))


def pinned(group: str) -> list[str]:
    """Read the exact requirements of a dependency group, included groups resolved."""
    import tomllib

    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]

    def resolve(name: str) -> Iterator[str]:
        for item in groups[name]:
            if isinstance(item, str):
                yield item
            else:
                yield from resolve(item["include-group"])

    return sorted(resolve(group))


def ensure(name: str) -> Path:
    """Make an environment, unless it stands already and is up to date.

    It is built aside and renamed when complete, so a broken-off run leaves nothing that looks ready.

    Returns:
        The environment's Python.

    Raises:
        SetupError: There is no fitting Python, or pip failed.
    """
    env = ENVIRONMENTS[name]
    base = find_python(env.python)
    if base is None:
        raise SetupError(
            f"{name} needs Python {env.python}, and none was found. Install it and run this again."
        )
    stamp = _stamp(env, base)
    if _read(env.folder / STAMP) == stamp:
        return python_in(env.folder)

    if name.startswith("bpy"):
        check_libraries()
    started = time.monotonic()
    say(f"[{name}] setting up: {env.about}")
    aside = _fresh_folder(env.folder)
    try:
        _make_venv(name, base, aside)
        install(name, python_in(aside), pinned(name))
        if env.alone:
            install(name, python_in(aside), ["--no-deps", *pinned(env.alone)])
        (aside / STAMP).write_text(stamp, encoding="utf-8")
        shutil.rmtree(env.folder, ignore_errors=True)
        aside.rename(env.folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    say(f"[{name}] ready after {time.monotonic() - started:.0f} s")
    return python_in(env.folder)


def _fresh_folder(folder: Path) -> Path:
    """Name a folder beside another that nobody else writes to, and remove what old broken-off runs left.

    The name is new each time: the pip of a run that was killed may still be writing into its own.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for old in folder.parent.glob(f"{folder.name}.partial-*"):
        if time.time() - old.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(old, ignore_errors=True)
    return folder.with_name(f"{folder.name}.partial-{os.getpid()}")


def _stamp(env: Environment, base: Path) -> str:
    """Tell two environments apart: by interpreter and by every pinned package."""
    alone = pinned(env.alone) if env.alone else []
    text = json.dumps([str(base), env.python, pinned("pip"), pinned(env.name), alone])
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _make_venv(name: str, base: Path, folder: Path) -> None:
    """Make an environment with its own pip.

    Debian's Python lacks ensurepip, and an old pip breaks on Python 3.13; a pip that the running Python
    unpacks into the new environment works everywhere.
    """
    stream(name, [base, "-I", "-m", "venv", "--without-pip", folder])
    if importlib.util.find_spec("pip") is None:
        raise SetupError(
            f"{sys.executable} has no pip. Install it (Debian, Ubuntu: apt install python3-pip)."
        )
    target = site_packages(python_in(folder))
    stream(name, [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-warn-conflicts", f"--target={target}", *pinned("pip"),
    ])  # fmt: skip


def install(name: str, python: Path, requirements: Sequence[str]) -> None:
    """Install exact versions from wheels only, and show what happens."""
    stream(name, [
        python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar=raw",
        "--only-binary=:all:", *requirements,
    ])  # fmt: skip


def ensure_engine() -> Path:
    """Build the engine's environment with the extension's own code, as a user's Blender does.

    Returns:
        The engine's Python.
    """
    environment = _load_extension("engine.environment")
    ready = environment.engine_python(ENGINE_ROOT)
    if ready is not None:
        return ready
    started = time.monotonic()
    say("[engine] setting up: the packages that the extension installs for its engine")
    try:
        python = environment.build(
            ENGINE_ROOT, python=find_python("3.11"), progress=_engine_progress(started)
        )
    except environment.AvatarError as problem:
        raise SetupError(str(problem)) from problem
    say(f"[engine] ready after {time.monotonic() - started:.0f} s")
    return python


def _engine_progress(started: float) -> Callable[[str, float, str], None]:
    """Make a listener that writes a line for each new message, not for each percent."""
    told = ""

    def show(_stage: str, fraction: float, message: str) -> None:
        nonlocal told
        if message != told:
            told = message
            say(f"[engine] {time.monotonic() - started:4.0f} s  {fraction:4.0%}  {message}")

    return show


def _load_extension(module: str) -> Any:
    """Import one of the extension's modules that need nothing but the standard library."""
    name = extension_id()
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"cannot load {ROOT / '__init__.py'}")
        package = importlib.util.module_from_spec(spec)
        sys.modules[name] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"{name}.{module}")


def extension_id() -> str:
    """Read the extension's id, which is also its package name."""
    import tomllib

    return tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))["id"]


def ensure_engine_tests() -> Path:
    """Make the environment of the engine's tests: pytest and PyTorch before exactly the shipped packages."""
    engine = ensure_engine()
    python = ensure("engine-tests")
    link = site_packages(python) / "lhm-engine.pth"
    shipped = f"{site_packages(engine)}\n"
    if _read(link) != shipped:
        link.write_text(shipped, encoding="utf-8")
    return python


# ---------------------------------------------------------------- children


def child_environment(**extra: str | Path) -> dict[str, str]:
    """Environment variables for a child: settings of the Python around us stay out."""
    foreign = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "VIRTUAL_ENV", "PIP_TARGET")
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    kept |= {"PYTHONNOUSERSITE": "1", "PYTHONUTF8": "1", "LHM_AVATARS_ENGINE_ROOT": str(ENGINE_ROOT)}
    return kept | {name: str(value) for name, value in extra.items()}


def capture(*command: str | Path) -> str:
    """Run a short command and return what it prints."""
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def run(*command: str | Path, log: Path | None = None, **extra: str | Path) -> int:
    """Run a command and return its exit code; it writes on our terminal, or into a log."""
    sys.stdout.flush()
    environment = child_environment(**extra)
    if log is None:
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=False, stdout=file, stderr=subprocess.STDOUT
        ).returncode


def stream(name: str, command: Sequence[str | Path]) -> None:
    """Run one step of an installation, show the lines that tell something, keep all of them in a log.

    Raises:
        SetupError: The step failed; the text ends with its last lines.
    """
    log = BUILD / "log" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    lines: list[str] = []
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command, env=child_environment(), text=True, errors="replace", bufsize=1,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as child,
    ):  # fmt: skip
        file.write(f"$ {' '.join(map(str, command))}\n")
        shown = _Shown(name, started)
        try:
            for line in _lines(child):
                if line is not None and not line.startswith("Progress "):
                    file.write(line)
                    lines.append(line)
                shown.line(line)
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        last = "".join(lines[-15:])
        raise SetupError(f"setting up {name} failed (all of it is in {log}):\n{last}")


def _lines(child: subprocess.Popen[str]) -> Iterator[str | None]:
    """Yield the child's lines, and None whenever it has been silent for a while."""
    if child.stdout is None:
        raise ValueError("child must be started with stdout=PIPE, got None")
    waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    output = child.stdout

    def read() -> None:
        for line in output:
            waiting.put(line)
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = waiting.get(timeout=SILENCE_S)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


class _Shown:
    """Turns pip's lines into the few that a person wants to see."""

    TELLING = re.compile(r"\s*(Downloading|Using cached|Installing collected|ERROR|error)")
    METADATA = re.compile(r"\.metadata|\(\d+ bytes\)|\(\d+(\.\d+)? kB\)")

    def __init__(self, name: str, started: float) -> None:
        self.name = name
        self.started = started
        self.doing = "working"
        self.told = time.monotonic()

    def line(self, line: str | None) -> None:
        """Show one line, a share of a download, or after a silence that the work goes on."""
        progress = re.match(r"Progress (\d+) of (\d+)", line or "")
        if progress and time.monotonic() - self.told > SILENCE_S / 2:
            self._tell(f"{self.doing}: {int(progress[1]) / max(int(progress[2]), 1):.0%}")
        elif line is None:
            self._tell(f"{self.doing}: still at it")
        elif self.TELLING.match(line) and not self.METADATA.search(line):
            self.doing = _shortened(line)
            self._tell(self.doing)

    def _tell(self, text: str) -> None:
        self.told = time.monotonic()
        say(f"[{self.name}] {self.told - self.started:4.0f} s  {text}")


def _shortened(line: str) -> str:
    """Drop the address from pip's words: the file's name tells enough."""
    text = re.sub(r"(?<= )\S+/", "", line.strip())
    names = text.split(", ")
    return text if len(names) < 6 else f"{', '.join(names[:5])} and {len(names) - 5} more"


# ---------------------------------------------------------------- system libraries

# What Blender's module loads from the system on Linux: Debian's package, Fedora's package.
LIBRARIES = {
    "libX11.so.6": ("libx11-6", "libX11"),
    "libXext.so.6": ("libxext6", "libXext"),
    "libXfixes.so.3": ("libxfixes3", "libXfixes"),
    "libXi.so.6": ("libxi6", "libXi"),
    "libXrender.so.1": ("libxrender1", "libXrender"),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon"),
    "libSM.so.6": ("libsm6", "libSM"),
    "libICE.so.6": ("libice6", "libICE"),
    "libGL.so.1": ("libgl1", "libglvnd-glx"),
    "libEGL.so.1": ("libegl1", "libglvnd-egl"),
    # Drawing without a graphics card: without it EEVEE ends the whole process.
    "libEGL_mesa.so.0": ("libegl-mesa0", "mesa-libEGL"),
}


def missing_libraries() -> list[str]:
    """List the system libraries of Blender's module that this machine lacks (Linux only)."""
    return [name for name in LIBRARIES if not _loads(name)] if sys.platform == "linux" else []


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def install_command(missing: Sequence[str]) -> str:
    """Write the one command that installs the libraries, or nothing where we do not know the system."""
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    if shutil.which("apt-get"):
        names = " ".join(LIBRARIES[name][0] for name in missing)
        return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {names}"
    if shutil.which("dnf"):
        return f"{sudo}dnf install -y {' '.join(LIBRARIES[name][1] for name in missing)}"
    return ""


def check_libraries() -> None:
    """Stop before Blender's module is installed or imported if the system lacks what it loads.

    Raises:
        SetupError: Names the libraries and the command.
    """
    missing = missing_libraries()
    if not missing:
        return
    command = install_command(missing)
    how = f"Install them with:\n\n    {command}\n" if command else "Install them with your package manager."
    raise SetupError(f"Blender needs system libraries that are missing: {', '.join(missing)}.\n{how}")


# ---------------------------------------------------------------- verbs


def cmd_setup(options: argparse.Namespace) -> int:
    """Make the environments and do nothing else."""
    known = ["engine", *ENVIRONMENTS]
    if wrong := [name for name in options.names if name not in known]:
        raise SetupError(f"no environment {', '.join(wrong)}. There are: {', '.join(known)}.")
    for name in options.names or known:
        if name == "engine":
            ensure_engine()
        elif name == "engine-tests":
            ensure_engine_tests()
        elif name in options.names or find_python(ENVIRONMENTS[name].python):
            ensure(name)
    return 0


def cmd_libraries(_options: argparse.Namespace) -> int:
    """Print the command that installs the missing system libraries, if any are missing."""
    missing = missing_libraries()
    if not missing:
        return 0
    say(install_command(missing) or f"# missing: {', '.join(missing)}")
    return 1


def cmd_test(options: argparse.Namespace) -> int:
    """Run the tests in the engine's packages and in every Blender."""
    extra = options.pytest_args
    chosen = [path for a in extra if (path := Path(a.split("::")[0])).exists()]
    paths = [] if chosen else ["tests"]
    only = options.only or where_to_test(chosen)
    shutil.rmtree(BUILD / "reports", ignore_errors=True)
    link_checkout()
    engine_tests = ensure_engine_tests()  # Blender's tests talk to the engine, too.
    runs = []
    for name in only:
        env_name = "engine-tests" if name == "engine" else f"bpy-{name}"
        if find_python(ENVIRONMENTS[env_name].python) is None and not options.only:
            say(f"\n== {env_name}: left out, no working Python {ENVIRONMENTS[env_name].python} was found")
            continue
        runs.append((env_name, engine_tests if name == "engine" else ensure(env_name)))
        if name != "engine":
            check_libraries()
    totals = run_tests(runs, [*extra, *paths], engine_tests, chosen=bool(extra))
    say(f"\n{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return 1 if totals.failed or not totals.passed else 0


def run_tests(
    runs: Sequence[tuple[str, Path]], arguments: Sequence[str], engine_tests: Path, *, chosen: bool
) -> Totals:
    """Run pytest in each environment, as many at once as two cores keep busy; several write into logs first.

    Args:
        runs: Name and Python of each environment.
        arguments: Of pytest.
        engine_tests: Through its Python Blender's tests reach LHM, for it has torch.
        chosen: The developer chose tests.
    """
    totals = Totals()

    def one(env_name: str, python: Path) -> int:
        report = BUILD / "reports" / f"{env_name}.xml"
        log = BUILD / "log" / f"tests-{env_name}.log" if len(runs) > 1 else None
        return run(
            python, "-m", "pytest", f"--junitxml={report}", *arguments,
            log=log, LHM_TEST_LHM_PYTHON=engine_tests,
        )  # fmt: skip

    with ThreadPoolExecutor(_TESTS_AT_ONCE) as pool:
        for (env_name, _), code in zip(runs, pool.map(lambda job: one(*job), runs), strict=True):
            say(f"\n== {env_name}")
            if len(runs) > 1:
                say((BUILD / "log" / f"tests-{env_name}.log").read_text("utf-8", errors="replace"))
            totals.add(BUILD / "reports" / f"{env_name}.xml", code, chosen=chosen)
    return totals


def where_to_test(chosen: Sequence[Path]) -> list[str]:
    """Name the environments for the chosen files: the engine's has no Blender."""
    blender = ROOT / "tests" / "blender"
    if chosen and all(path.resolve().is_relative_to(blender) for path in chosen):
        return ["4.5", "5.0", "5.2"]
    return ["engine", "4.5", "5.0", "5.2"]


@dataclass
class Totals:
    """Counts over all runs of pytest."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, report: Path, code: int, *, chosen: bool) -> None:
        """Count one run.

        Args:
            report: pytest's JUnit file; a run that crashed wrote none.
            code: pytest's exit code.
            chosen: The developer chose tests, so there may be none here.
        """
        if code == 5 and chosen:  # pytest's "no tests collected"
            return
        failed = 0
        if report.is_file():
            # Our own pytest wrote the file a moment ago.
            for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314
                count = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
                failed += count["failures"] + count["errors"]
                self.skipped += count["skipped"]
                self.passed += count["tests"] - count["failures"] - count["errors"] - count["skipped"]
        if code and not failed:
            say(f"!! pytest ended with exit code {code} without a failed test: counted as one failure")
            failed = 1
        self.failed += failed


def cmd_lint(options: argparse.Namespace) -> int:
    """Check rules and formatting; --fix repairs what can be repaired."""
    ruff = [ensure("dev"), "-m", "ruff"]
    if options.fix:
        return run(*ruff, "check", "--fix", ".") or run(*ruff, "format", ".")
    return run(*ruff, "check", ".") or run(*ruff, "format", "--check", ".")


def cmd_types(_options: argparse.Namespace) -> int:
    """Check types with pyright against the engine's packages and Blender's stubs."""
    dev, tests = ensure("dev"), ensure_engine_tests()
    link_checkout()
    cache = BUILD / "env" / "pyright"
    # Named, or a pyrightconfig.json in any folder above would come first.
    project = f"--project={ROOT / 'pyproject.toml'}"
    return run(dev, "-m", "pyright", project, f"--pythonpath={tests}", PYRIGHT_PYTHON_CACHE_DIR=cache)


def link_checkout() -> Path:
    """Make build/types/<id> lead to the checkout, so that tools find it under the name the tests import."""
    link = BUILD / "types" / extension_id()
    link.parent.mkdir(parents=True, exist_ok=True)
    _link(link)
    return link.parent


def _link(link: Path) -> None:
    """Link to the checkout.

    Raises:
        SetupError: Something else is there.
    """
    if link.exists() and link.resolve() == ROOT:
        return
    if link.is_symlink():
        link.unlink()
    if link.exists():
        raise SetupError(f"{link} exists and is no link to this checkout. Move it away and run this again.")
    link.symlink_to(ROOT, target_is_directory=True)


def cmd_build(_options: argparse.Namespace) -> int:
    """Build the extension's zip with Blender's own tool, and validate it."""
    say(f"built {build_zip()}")
    return 0


def build_zip() -> Path:
    """Validate the manifest, build the zip, validate the zip.

    Raises:
        SetupError: Blender's tool refused; its words are in the text.
    """
    python = ensure("bpy-4.5")
    (tool,) = site_packages(python).glob("bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    target = BUILD / "dist"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    stream("build", [python, "-I", tool, "validate", ROOT])
    stream("build", [python, "-I", tool, "build", f"--source-dir={ROOT}", f"--output-dir={target}"])
    (built,) = target.glob("*.zip")
    stream("build", [python, "-I", tool, "validate", built])
    return built


def cmd_demo(options: argparse.Namespace) -> int:
    """Take photos through the extension as it is installed from its zip, in Blender 4.5."""
    photos = [Path(photo).resolve() for photo in options.photos] or [EXAMPLE_PHOTO]
    missing = [str(photo) for photo in photos if not photo.is_file()]
    if missing:
        raise SetupError(f"no such photo: {', '.join(missing)}")
    ensure_engine()
    python = ensure("bpy-4.5")
    check_libraries()
    extension, out = build_zip(), Path(options.out).resolve()
    failed = 0
    for photo, folder in zip(photos, demo_folders(photos, out), strict=True):
        say(f"\n== {photo.name} -> {folder}")
        script = [ROOT / "tools" / "demo.py", "--photo", photo, "--out", folder, "--zip", extension]
        failed += run(python, *script, BLENDER_USER_RESOURCES=BUILD / "user") != 0
    return 1 if failed else 0


def demo_folders(photos: Sequence[Path], out: Path) -> list[Path]:
    """One photo goes into the folder itself, several into one below it each, named as the photo."""
    if len(photos) == 1:
        return [out]
    stems = [photo.stem for photo in photos]
    return [
        out / (stem if stems.count(stem) == 1 else f"{stem}-{stems[: index + 1].count(stem)}")
        for index, stem in enumerate(stems)
    ]


def cmd_link(options: argparse.Namespace) -> int:
    """Show the checkout to an installed Blender as the extension user_default/<id>."""
    folders = list(blender_folders(options.version))
    if not folders:
        raise SetupError("no Blender configuration of 4.5 or newer was found. Start Blender once, or set "
                         "BLENDER_USER_RESOURCES to the folder it uses.")  # fmt: skip
    for folder in folders:
        link = folder / "extensions" / "user_default" / extension_id()
        link.parent.mkdir(parents=True, exist_ok=True)
        _link(link)
        say(f"{link} -> {ROOT}")
    say(f"Enable it in Blender: Edit > Preferences > Add-ons, or bl_ext.user_default.{extension_id()}")
    return 0


def blender_folders(version: str | None) -> Iterator[Path]:
    """Find the folders where installed Blenders keep their users' extensions."""
    if chosen := os.environ.get("BLENDER_USER_RESOURCES"):
        yield Path(chosen)
        return
    base = {
        "Darwin": Path.home() / "Library/Application Support/Blender",
        "Windows": Path(os.environ.get("APPDATA", "")) / "Blender Foundation/Blender",
    }.get(platform.system(), Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "blender")
    for folder in sorted(base.glob("[0-9]*.[0-9]*")):
        if folder.name == version or (not version and tuple(map(int, folder.name.split("."))) >= (4, 5)):
            yield folder


def cmd_bench(options: argparse.Namespace) -> int:
    """Run benchmarks, each where its imports ask for; one that is named takes options of its own."""
    scripts = {p.stem: p for p in sorted((ROOT / "bench").glob("*.py")) if "__main__" in _read(p)}
    unknown = [name for name in options.names if name not in scripts]
    if unknown:
        raise SetupError(f"no benchmark {', '.join(unknown)}. There are: {', '.join(scripts)}.")
    path, failed = link_checkout(), 0
    for name in options.names or scripts:
        in_blender = re.search(r"^\s*(import|from) bpy\b", _read(scripts[name]), re.MULTILINE)
        ensure_engine()
        say(f"\n== {name}")
        python = ensure("bpy-4.5") if in_blender else ensure_engine_tests()
        passed = options.passed_on
        code = run(python, scripts[name], *passed, PYTHONPATH=path, BLENDER_USER_RESOURCES=BUILD / "user")
        failed += code not in (0, CANNOT_RUN)
    return 1 if failed else 0


# ---------------------------------------------------------------- command line


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; what `test` does not know goes on to pytest."""
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        text = (command.__doc__ or "").splitlines()[0]
        added = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(command=command)
        return added

    demo = verb("demo", cmd_demo)
    demo.add_argument("photos", nargs="*", metavar="PHOTO", help="default: the bundled example")
    demo.add_argument("--out", default=str(BUILD / "demo"), metavar="DIR")
    test = verb("test", cmd_test)
    test.add_argument("--only", action="append", choices=("engine", "4.5", "5.0", "5.2"))
    test.epilog = "Everything else goes to pytest, for example -x or -k NAME."
    verb("lint", cmd_lint).add_argument("--fix", action="store_true")
    verb("types", cmd_types)
    verb("build", cmd_build)
    verb("link", cmd_link).add_argument("version", nargs="?", metavar="X.Y")
    verb("bench", cmd_bench).add_argument("names", nargs="*", metavar="NAME")
    verb("setup", cmd_setup).add_argument("names", nargs="*", metavar="NAME")
    verb("libraries", cmd_libraries)

    arguments, passed_on = _split_bench(arguments)
    options, rest = parser.parse_known_args(arguments)
    options.passed_on = passed_on
    if rest and options.verb != "test":
        parser.error(f"unknown: {' '.join(rest)}")
    options.pytest_args = rest
    return options


def _split_bench(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Tell what belongs to the script of `bench NAME --option …`: everything from the first option on."""
    if len(arguments) > 2 and arguments[0] == "bench" and arguments[2].startswith("-"):
        return arguments[:2], arguments[2:]
    return arguments, ()


def main(arguments: Sequence[str]) -> int:
    """Run one verb.

    Returns:
        The exit code.
    """
    if sys.version_info < (3, 11):
        say(f"dev.py needs Python 3.11 or newer, this is {platform.python_version()}.")
        return 2
    options = parse(arguments)
    try:
        return options.command(options)
    except SetupError as problem:
        say(f"\n{problem}")
        return 2
    except KeyboardInterrupt:
        say("\ninterrupted; run the same command again, what was finished is kept")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
