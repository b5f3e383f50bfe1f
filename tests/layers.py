"""Reads the imports of every module of the extension and says which of them point the wrong way.

One line of the table per area: what its modules may import of the extension itself, and which of the packages
that are kept apart. Numpy and the standard library are allowed everywhere but where the table says otherwise.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# What Blender's process may import of the engine: numpy and the standard library, nothing else below it.
_VALUES = ("engine.avatar", "engine.formats", "engine.motion")
_PROCESS = (
    *(
        "engine.request",
        "engine.client",
        "engine.connection",
        "engine.protocol",
        "engine.processes",
        "engine.log_files",
    ),
    *(
        "engine.environment",
        "engine.build_steps",
        "engine.exclusive",
        "engine.interpreters",
        "engine.packages",
    ),
    *("engine.hardware", "engine.preflight", "engine.torch_builds", "engine.own_environment"),
    "engine.pip_output",
    *(f"engine.weights.{name}" for name in ("catalogue", "licences", "store", "records", "disk")),
)
SHARED = (*_VALUES, *_PROCESS)
SETTINGS = ("preferences", "properties")
BLENDER = (
    "bpy",
    "bpy_extras",
    "bmesh",
    "mathutils",
    "gpu",
    "gpu_extras",
    "blf",
    "imbuf",
    "bl_ui",
    "addon_utils",
)
FOLDERS = ("commands", "engine", "rigging", "rendering", "operators", "panels", "assets")


@dataclass(frozen=True)
class Rule:
    """What the modules of one area may import.

    Attributes:
        area: Dotted beginning of the modules' names; the longest that fits a module counts.
        ours: Dotted beginnings of the extension's own modules that it may import, besides its own area.
        outside: Packages it may import besides the standard library; "*" is any but Blender's and torch.
    """

    area: str
    ours: tuple[str, ...]
    outside: tuple[str, ...]


_BPY = (*BLENDER, "numpy")
RULES = (
    Rule("engine.avatar", (), ("numpy",)),
    Rule("engine.formats", ("engine.avatar",), ("numpy",)),
    Rule("engine.motion", ("engine.avatar", "engine.formats"), ("numpy",)),
    Rule("engine.build_steps", SHARED, ()),
    Rule("engine.exclusive", SHARED, ()),
    *(Rule(name, SHARED, ()) for name in _PROCESS),
    Rule("engine.raster", ("engine.avatar",), ("*",)),
    Rule("engine.raster.autograd", ("engine.avatar", "engine.raster"), ("*", "torch")),
    Rule("engine.raster.gsplat_backend", ("engine.avatar", "engine.raster"), ("*", "torch")),
    Rule("engine.prepare", ("engine.avatar", "engine.formats", "engine.raster.jit"), ("*",)),
    Rule("engine.binding", ("engine.avatar", "engine.raster", "engine.request"), ("*",)),
    Rule(
        "engine.lift",
        (*_VALUES, "engine.binding", "engine.prepare", "engine.raster", "engine.request"),
        ("*",),
    ),
    Rule("engine.weights", (*SHARED, "engine.weights"), ("*",)),
    Rule("engine.network", ("engine",), ("*", "torch")),
    Rule("engine.lhm", ("engine",), ("*", "torch")),
    Rule("engine.measure", ("engine",), ("*", "torch")),
    Rule("engine.evaluate.perceptual", ("engine.avatar",), ("*", "torch")),
    Rule("engine", ("engine",), ("*",)),
    Rule("rigging", SHARED, _BPY),
    Rule("rendering", (*SHARED, *SETTINGS, "rigging"), _BPY),
    Rule("operators", (*SHARED, *SETTINGS, "rigging", "rendering"), _BPY),
    Rule("panels", (*SHARED, *SETTINGS, "rigging", "rendering", "operators"), _BPY),
    Rule("preferences", SHARED, _BPY),
    Rule("properties", (*SHARED, "preferences"), _BPY),
    Rule("commands", (*SHARED, *SETTINGS, "rigging", "rendering", "operators"), _BPY),
    Rule("registration", ("",), _BPY),
    Rule("", ("registration",), ()),
)


def violations(root: Path) -> list[str]:
    """Check every module of the extension.

    Args:
        root: The folder with the manifest.

    Returns:
        One sentence for each wrong import, naming the file and the module.
    """
    return [problem for path in extension_files(root) for problem in file_violations(root, path)]


def extension_files(root: Path) -> Iterator[Path]:
    """List the Python files that end up in the zip."""
    yield from sorted(p for p in root.glob("*.py") if p.name != "dev.py")
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*.py"))


def file_violations(root: Path, path: Path) -> Iterator[str]:
    """Check one file against the rule of its area, nested imports included."""
    module = module_name(root, path)
    rule = rule_for(module)
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    where = path.relative_to(root).as_posix()
    for line, target, ours in imports(tree, module, is_package=path.name == "__init__.py"):
        if ours and not _begins(target, (rule.area, *rule.ours) if rule.area else rule.ours):
            yield f"{where}:{line}: {module or '__init__'} must not import {target} of the extension"
        elif not ours and not _outside_allowed(target.split(".")[0], rule.outside):
            yield f"{where}:{line}: {module or '__init__'} must not import {target}"
    yield from (f"{where}:{line}: {module} prints; use logging" for line in prints(tree))


def module_name(root: Path, path: Path) -> str:
    """Turn engine/avatar/__init__.py into engine.avatar, and the root's own __init__.py into nothing."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rule_for(module: str) -> Rule:
    """Find the rule with the longest area that the module belongs to."""
    fitting = [r for r in RULES if r.area == module or (r.area and _begins(module, (r.area,)))]
    if not fitting:
        raise LookupError(f"no layer rule for {module!r}: add a line to RULES in tests/layers.py")
    return max(fitting, key=lambda rule: len(rule.area))


def imports(tree: ast.AST, module: str, *, is_package: bool) -> Iterator[tuple[int, str, bool]]:
    """Find each imported name, absolute or relative, wherever in the file it stands.

    Yields:
        The line, the dotted name, and whether it is a module of the extension (then seen from its root).
    """
    package = module.split(".") if module else []
    if not is_package:
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or "", False
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                name = ".".join([*base, alias.name])
                if name != "__package__":  # the extension's own name, which finds its preferences
                    yield node.lineno, name, True


def prints(tree: ast.AST) -> Iterable[int]:
    """Find the lines that call print."""
    return (
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    )


def _begins(name: str, beginnings: Iterable[str]) -> bool:
    return any(not b or name == b or name.startswith(f"{b}.") for b in beginnings)


def _outside_allowed(package: str, allowed: tuple[str, ...]) -> bool:
    if package in sys.stdlib_module_names or package in allowed:
        return True
    return "*" in allowed and package not in (*BLENDER, "torch")
