"""What Blender's own `extension validate` lets pass in the manifest."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Blender 4.5's documentation of the manifest, and its list of tags for add-ons.
KEYS = {
    *("schema_version", "id", "name", "tagline", "version", "type", "maintainer", "license"),
    *("blender_version_min", "blender_version_max", "website", "copyright", "permissions", "tags"),
    *("platforms", "wheels", "build"),
}
PLATFORMS = {"windows-x64", "windows-arm64", "linux-x64", "macos-x64", "macos-arm64"}
TAGS = {
    *("3D View", "Add Curve", "Add Mesh", "Animation", "Bake", "Camera", "Compositing", "Development"),
    *("Game Engine", "Geometry Nodes", "Grease Pencil", "Import-Export", "Lighting", "Material", "Mesh"),
    *("Modeling", "Node", "Object", "Paint", "Physics", "Pipeline", "Render", "Rigging", "Scene", "Sculpt"),
    *("Sequencer", "System", "Text Editor", "Tracking", "User Interface", "UV"),
}
# A list of ours replaces the one that Blender's builder excludes by itself.
BUILDER_DEFAULTS = {"__pycache__/", ".*", "/*.zip"}


def problems(manifest: dict[str, Any]) -> list[str]:
    """Say what is wrong with a manifest that `extension validate` accepts."""
    found = [f"unknown key {key!r}" for key in manifest if key not in KEYS]
    if manifest["schema_version"] != "1.0.0":
        found.append(f"schema_version must be 1.0.0, got {manifest['schema_version']}")
    found += [f"license {name!r} lacks SPDX:" for name in manifest["license"] if not name.startswith("SPDX:")]
    found += [f"unknown platform {name!r}" for name in manifest.get("platforms", []) if name not in PLATFORMS]
    found += [f"unknown tag {name!r}" for name in manifest.get("tags", []) if name not in TAGS]
    if _version(manifest["blender_version_min"]) < (4, 2, 0):
        found.append("blender_version_min must be 4.2.0 or newer")
    missing = BUILDER_DEFAULTS - set(manifest.get("build", {}).get("paths_exclude_pattern", BUILDER_DEFAULTS))
    found += [f"the builder's own {pattern!r} is lost" for pattern in sorted(missing)]
    return found


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


@pytest.fixture(scope="module")
def manifest(root: Path) -> dict[str, Any]:
    """The extension's manifest."""
    return tomllib.loads((root / "blender_manifest.toml").read_text(encoding="utf-8"))


def test_the_manifest_has_no_problem(manifest: dict[str, Any]) -> None:
    assert problems(manifest) == []


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("license", ["GPL-3.0-or-later"], "license 'GPL-3.0-or-later' lacks SPDX:"),
        ("platforms", ["linux-x86_64"], "unknown platform 'linux-x86_64'"),
        ("schema_version", "1.1.0", "schema_version must be 1.0.0, got 1.1.0"),
        ("blender_version_min", "4.1.0", "blender_version_min must be 4.2.0 or newer"),
        ("homepage", "x", "unknown key 'homepage'"),
        ("tags", ["Splats"], "unknown tag 'Splats'"),
        ("build", {"paths_exclude_pattern": [".*", "/*.zip"]}, "the builder's own '__pycache__/' is lost"),
    ],
)  # fmt: skip
def test_each_problem_is_seen(manifest: dict[str, Any], key: str, value: Any, problem: str) -> None:
    assert problems({**manifest, key: value}) == [problem]


def test_decisions(manifest: dict[str, Any]) -> None:
    assert manifest["blender_version_min"] == "4.5.0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert set(manifest["permissions"]) == {"files", "network"}
    assert "wheels" not in manifest  # the engine has an environment of its own


def test_one_version_everywhere(root: Path, manifest: dict[str, Any]) -> None:
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", changelog, re.MULTILINE)
    assert newest, "CHANGELOG.md must have a heading such as '## [0.1.0] - 2026-11-21'"
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert manifest["version"] == newest[1] == project["version"]
