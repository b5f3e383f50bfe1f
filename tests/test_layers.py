"""The import directions hold, and the checker that says so sees what it must see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from layers import extension_files, violations

if TYPE_CHECKING:
    from pathlib import Path


def test_imports_point_the_right_way(root: Path) -> None:
    problems = violations(root)
    assert not problems, "\n".join(problems)


def test_the_checker_reads_the_whole_extension(root: Path) -> None:
    files = {path.relative_to(root).as_posix() for path in extension_files(root)}
    assert {"__init__.py", "registration.py", "engine/avatar/gaussians.py"} <= files
    assert not any(name.startswith(("tests/", "build/", "tools/", "dev.py")) for name in files)


@pytest.mark.parametrize(
    ("file", "code", "complaint"),
    [
        ("engine/avatar/body.py", "import torch", "engine/avatar/body.py:1: engine.avatar.body must not"),
        ("engine/lift/view.py", "def f():\n    import bpy", "view.py:2: engine.lift.view must not"),
        ("engine/worker.py", "from mathutils import Vector", "must not import mathutils"),
        ("engine/raster/kernels.py", "import torch.nn as nn", "must not import torch.nn"),
        ("engine/client.py", "import numba", "engine.client must not import numba"),
        ("engine/environment.py", "import numpy", "engine.environment must not import numpy"),
        ("engine/formats/avatar_file.py", "from ..raster import rasterize", "must not import engine.raster"),
        ("engine/client.py", "from .pipeline import reconstruct", "must not import engine.pipeline"),
        ("engine/avatar/__init__.py", "from .. import worker", "must not import engine.worker"),
        ("engine/lift/view.py", "from ...rigging import armature", "must not import rigging.armature"),
        ("rigging/armature.py", "from ..operators.pose import x", "must not import operators.pose"),
        ("rigging/armature.py", "from ..engine.pipeline import x", "must not import engine.pipeline"),
        ("rendering/splats.py", "from .. import panels", "must not import panels"),
        ("operators/pose.py", "def f():\n    from ..engine import lift", "pose.py:2: operators.pose"),
        ("operators/pose.py", "from ..panels.main import P", "must not import panels.main"),
        ("panels/main.py", "import torch", "must not import torch"),
        ("panels/main.py", "import requests", "must not import requests"),
        ("__init__.py", "import bpy", "__init__ must not import bpy"),
        ("engine/lift/view.py", "def f():\n    print(1)", "engine/lift/view.py:2: engine.lift.view prints"),
    ],
)  # fmt: skip
def test_a_planted_violation_is_found(tmp_path: Path, file: str, code: str, complaint: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    (problem,) = violations(tmp_path)
    assert complaint in problem


@pytest.mark.parametrize(
    ("file", "code"),
    [
        ("engine/raster/autograd.py", "import torch\nfrom .api import forward\nfrom ..avatar import sh"),
        ("engine/lift/view.py", "import numba, scipy.sparse, cv2\nfrom ..raster import rasterize"),
        ("engine/client.py", "import subprocess\nfrom .protocol import X\nfrom .avatar.errors import Y"),
        ("operators/reconstruct.py", "import bpy\nfrom ..engine.client import X\nfrom .. import __package__"),
        ("panels/main.py", "import bpy\nfrom ..operators.reconstruct import LHM_OT_reconstruct"),
        ("registration.py", "import bpy\nfrom .panels import main\nfrom . import preferences"),
        ("__init__.py", "def register():\n    from . import registration"),
    ],
)  # fmt: skip
def test_an_allowed_import_is_left_alone(tmp_path: Path, file: str, code: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    assert violations(tmp_path) == []


def test_a_new_area_needs_a_rule(tmp_path: Path) -> None:
    (tmp_path / "surprise.py").write_text("", encoding="utf-8")
    with pytest.raises(LookupError, match="no layer rule for 'surprise'"):
        violations(tmp_path)
