"""What is installed and what this computer has, in plain text, fit to be made public."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import tomllib

from ..engine import environment, torch_builds
from ..engine.avatar.errors import AvatarError
from ..engine.log_files import tail
from ..engine.protocol import EngineBug
from ..engine.request import ENGINE_NAMES
from ..engine.weights.catalogue import LICENCES, catalogue
from ..engine.weights.licences import accepted_on
from ..engine.weights.records import read_record
from ..engine.weights.store import status
from ..preferences import engines, models_root, preferences
from ..rendering.engine_session import shared
from .engine_state import state_of
from .install import logs
from .looks import known_hardware, refresh
from .models import UNUSED
from .words import size_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine.environment import EnvironmentStatus

_MANIFEST = Path(__file__).parents[1] / "blender_manifest.toml"
_LOG_LINES = 20
_LOGIN = re.compile(r"://[^/@\s]+@")  # name and password of a mirror
_SHORTEST_NAME = 3  # a user called "a" would leave no word whole


def setup_report(context: bpy.types.Context) -> str:
    """Everything that a question is answered with; no user name, no token, the home folder as ~.

    Args:
        context: For preferences and scene.
    """
    refresh()
    sections = (
        ("LHM Avatars", _versions()),
        ("Computer", _computer()),
        ("Engines", _engines(context)),
        ("Installed", _installed(context)),
        ("Models", _models(context)),
        ("Licences", _licences(context)),
        ("Logs", _logs(context)),
    )
    lines = [line for title, part in sections for line in (f"## {title}", *part, "")]
    return anonymous("\n".join(lines), preferences(context).token)


def anonymous(text: str, token: str = "") -> str:
    """A text without what is nobody's business.

    Args:
        text: Any.
        token: To be left out as well.
    """
    text = _LOGIN.sub("://", text)
    home = Path.home()
    for path in (str(home), home.as_posix(), str(home).replace("\\", "\\\\")):
        if len(path) > 1:
            text = text.replace(path, "~")
    name = home.name
    if len(name) >= _SHORTEST_NAME and name != "root":
        text = text.replace(name, "USER")
    return text.replace(token, "TOKEN") if token else text


def add_on_version() -> str:
    """As the manifest has it."""
    return tomllib.loads(_MANIFEST.read_text(encoding="utf-8"))["version"]


def _versions() -> Iterator[str]:
    build = bpy.app.build_hash.decode("ascii", "replace") if isinstance(bpy.app.build_hash, bytes) else ""
    yield f"Add-on {add_on_version()}, Blender {bpy.app.version_string} ({build})"
    yield f"{platform.platform()}, Python {platform.python_version()}"
    yield f"Online access: {'allowed' if bpy.app.online_access else 'not allowed'}"


def _computer() -> Iterator[str]:
    hardware = known_hardware()
    if hardware is None:
        yield "Not looked at"
        return
    free = "unknown" if hardware.ram_free is None else size_words(hardware.ram_free)
    yield f"{hardware.system} {hardware.machine}, {hardware.cores} processors"
    yield f"Memory {size_words(hardware.ram_bytes)}, free {free}; disk of the models, free "\
          f"{size_words(hardware.disk_free)}"  # fmt: skip
    gpu = hardware.gpu
    if gpu is None:
        yield "No graphics card that torch can use was found"
    else:
        yield f"{gpu.name} ({gpu.kind}), {size_words(gpu.total_bytes)}, free {size_words(gpu.free_bytes)}, " \
              f"driver {gpu.driver or 'unknown'}"  # fmt: skip
    if advice := torch_builds.advice(hardware):
        yield advice


def _engines(context: bpy.types.Context) -> Iterator[str]:
    yield f"Device: {preferences(context).device}"
    for engine in ENGINE_NAMES:
        state = state_of(context, engine)
        yield f"{engine}: {' '.join((state.words + '.', *state.notes))}"


def _installed(context: bpy.types.Context) -> Iterator[str]:
    there = engines(context)
    yield f"Folder {there.root}"
    yield f"Built-in: {_environment(environment.status(there.root))}"
    build = torch_builds.installed(there.root)
    if build is None:
        yield "For LHM: not installed"
    else:
        found = environment.status(there.root, torch_builds.requirements_of(build.name))
        yield f"For LHM ({build.name}): {_environment(found)}"
    if there.own is not None:
        yield f"Own environment: {there.own}; {_own(there.own)}"
    if complaint := torch_builds.complaint(there.root):
        yield complaint
    if there.drawing() is not None:
        yield f"Pictures are drawn by {_rasterizer()}"


def _rasterizer() -> str:
    """What draws in LHM Preview, and why; starts its process if it does not run yet."""
    try:
        answer = shared.call("rasterizer", {})
    except (AvatarError, EngineBug) as error:
        return f"nothing: {error}"
    return f"{answer['name']}: {answer['reason']}"


def _own(python: Path) -> str:
    """The versions in the user's own environment; takes seconds the first time."""
    try:
        return ", ".join(f"{name} {version}" for name, version in torch_builds.check_own(python).items())
    except AvatarError as error:
        return str(error)


def _environment(found: EnvironmentStatus) -> str:
    if not found.ready:
        return "installation not finished" if found.unfinished else "not installed"
    packages = ", ".join(f"{name} {version}" for name, version in sorted(found.packages.items()))
    measured = f"; measured: {found.measure}" if found.measure else ""
    return f"{size_words(found.bytes)}; {packages}{measured}"


def _models(context: bpy.types.Context) -> Iterator[str]:
    root = models_root(context)
    there = status(root)
    yield f"Folder {there.root}, used {size_words(there.used)}, free {size_words(there.free)}"
    if mirror := preferences(context).mirror or os.environ.get("HF_ENDPOINT"):
        yield f"Mirror {mirror}"
    for item in catalogue():
        if item.name in UNUSED:
            continue
        one, record = there.of(item.name), read_record(item.name, root)
        yield f"{item.name}: {one.state}{f' ({one.source}, {one.revision})' if one.source else ''}"
        for name, stored in (record.files if record else {}).items():
            yield f"  {name}: {stored.bytes} bytes, sha256 {stored.sha256} ({stored.checked})"


def _licences(context: bpy.types.Context) -> Iterator[str]:
    root = models_root(context)
    for licence in LICENCES.values():
        when = accepted_on(licence.name, root)
        yield f"{licence.name}: {f'accepted {when}' if when else 'not accepted'}"


def _logs(context: bpy.types.Context) -> Iterator[str]:
    there = logs(engines(context).root)
    if not there:
        yield "No log yet"
    for log in there:
        yield log.name
        yield from (f"  {line}" for line in tail(log).splitlines()[-_LOG_LINES:])
