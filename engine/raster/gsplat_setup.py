"""Is there a gsplat that can draw on this computer's graphics card? Found without starting a compiler.

gsplat compiles its CUDA code when it is first used and finds none, which takes minutes and fails in strange
ways. So nothing here imports it: the compiled file is looked for. Compiling is for those who ask:

    python -I gsplat_setup.py             # says what there is; exit code 0 if gsplat can be used
    python -I gsplat_setup.py --compile   # compiles, then says it

This file imports nothing of the extension, so that any environment's Python can run it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPILED_NAME = "gsplat_cuda"  # of the module that gsplat has torch compile
PACKED_NAME = "csrc"  # of the module inside a wheel that was compiled before: gsplat.csrc
STAMP = "complete.json"
_SUFFIXES = (".so", ".pyd")
_WHEEL_TAG = re.compile(r"pt(\d)(\d+)cu(\d+)")  # pt24cu124: PyTorch 2.4, CUDA 12.4
_COMPILE = """
import sys
from gsplat.cuda._backend import _C
if _C is None:
    sys.exit("gsplat found no CUDA compiler. Install the CUDA toolkit, so that nvcc is on the PATH.")
"""


@dataclass(frozen=True)
class Found:
    """What there is of gsplat.

    Args:
        binary: Its compiled CUDA code, or nothing when gsplat cannot be used.
        reason: In words: what is used, or what is missing.
        can_compile: Only the compiled code is missing.
    """

    binary: Path | None
    reason: str
    can_compile: bool = False


def find_gsplat() -> Found:
    """Look for gsplat, a graphics card and compiled code that fits; nothing but torch is imported.

    torch takes a second to import, so it comes after what can be told without it.
    """
    for name in ("torch", "gsplat"):
        if importlib.util.find_spec(name) is None:
            return Found(None, f"{name} is not installed in this environment")
    version, tag = installed_version()
    torch = importlib.import_module("torch")
    if torch.version.cuda is None or not torch.cuda.is_available():
        return Found(None, f"PyTorch {torch.__version__} sees no graphics card with CUDA")
    problem = tag_problem(tag, torch)
    if problem is not None:
        return Found(None, f"gsplat {version}+{tag} does not fit: {problem}")
    packed = _library(package_folder(), PACKED_NAME)
    if packed is not None:
        return Found(packed, f"gsplat {version}, compiled in its package")
    return _find_compiled(version, torch)


def _find_compiled(version: str, torch: Any) -> Found:
    """What ``compile_gsplat`` has made for this very setting, if it came to its end."""
    folder = build_folder(torch) / COMPILED_NAME
    binary = _library(folder, COMPILED_NAME)
    if binary is None:
        return Found(None, f"gsplat {version} is installed without compiled CUDA code", can_compile=True)
    stamp = folder / STAMP
    if not stamp.is_file() or stamp.read_text(encoding="utf-8").strip() != str(binary.stat().st_size):
        return Found(None, f"compiling gsplat {version} did not come to its end", can_compile=True)
    return Found(binary, f"gsplat {version}, compiled on this computer")


def installed_version() -> tuple[str, str]:
    """Version and tag of the build, for instance "1.5.3" and "pt24cu124"; the tag may be empty."""
    version, _, tag = importlib.metadata.version("gsplat").partition("+")
    return version, tag


def package_folder() -> Path:
    """Where gsplat is installed.

    Raises:
        ModuleNotFoundError: If it is not.
    """
    spec = importlib.util.find_spec("gsplat")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("gsplat is not installed")
    return Path(spec.origin).parent


def tag_problem(tag: str, torch: Any) -> str | None:
    """Why code compiled under this tag does not load into this torch, or nothing.

    A wheel for another torch would fail to load, and gsplat would go on to compile without a word.
    Source: issue 436 of gsplat.
    """
    parts = _WHEEL_TAG.fullmatch(tag)
    if parts is None:
        return None  # compiled by its owner: loading it will tell
    wanted = f"PyTorch {parts[1]}.{parts[2]} with CUDA {parts[3][:-1]}.{parts[3][-1]}"
    major, minor = re.split(r"[.+]", torch.__version__)[:2]
    has = f"PyTorch {major}.{minor} with CUDA {torch.version.cuda}"
    return None if wanted == has else f"it was compiled for {wanted}, here is {has}"


def build_folder(torch: Any) -> Path:
    """Where we have gsplat compiled: a folder of its own for each setting, inside the environment.

    torch's usual folder is shared by all programs and does not tell which torch a file was compiled for.
    """
    version = installed_version()[0]
    key = f"gsplat-{version}-torch-{torch.__version__}-cuda-{torch.version.cuda}"
    return Path(sys.prefix, "share", "lhm_avatars", key)


def _library(folder: Path, name: str) -> Path | None:
    """The compiled module of this name, with or without Python's tag between name and suffix."""
    if not folder.is_dir():
        return None
    for path in sorted(folder.iterdir()):
        if path.name.split(".")[0] == name and path.suffix in _SUFFIXES and path.stat().st_size > 0:
            return path
    return None


def compile_gsplat() -> Found:
    """Have gsplat compile its CUDA code with this computer's compilers, for some minutes.

    The compilers write to our standard output. Nothing is started unless only compiled code is missing.
    """
    found = find_gsplat()
    if not found.can_compile:
        return found
    folder = build_folder(importlib.import_module("torch"))
    folder.mkdir(parents=True, exist_ok=True)
    child = subprocess.run(
        [sys.executable, "-I", "-c", _COMPILE],
        env={**os.environ, "TORCH_EXTENSIONS_DIR": str(folder)},
        check=False,
    )
    binary = _library(folder / COMPILED_NAME, COMPILED_NAME)
    if child.returncode or binary is None:
        return Found(None, f"compiling gsplat failed with exit code {child.returncode}", can_compile=True)
    (folder / COMPILED_NAME / STAMP).write_text(json.dumps(binary.stat().st_size), encoding="utf-8")
    return find_gsplat()


def main() -> int:
    """Say whether gsplat would be used; compile it first if asked."""
    found = compile_gsplat() if "--compile" in sys.argv[1:] else find_gsplat()
    sys.stdout.write(f"{'gsplat can be used' if found.binary else 'gsplat is not used'}: {found.reason}.\n")
    return 0 if found.binary else 1


if __name__ == "__main__":
    sys.exit(main())
