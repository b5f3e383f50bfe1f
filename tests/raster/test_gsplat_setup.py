"""Looking for gsplat, as a user runs it: in environments whose torch and gsplat are written by the test."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "engine" / "raster" / "gsplat_setup.py"
NOTHING_IMPORTED = 'raise AssertionError("gsplat was imported")\n'
TORCH = """
from types import SimpleNamespace
__version__ = "{torch}"
version = SimpleNamespace(cuda={cuda!r})
cuda = SimpleNamespace(is_available=lambda: {card})
"""
# What gsplat does when it is first used, as far as it shows: it compiles into torch's folder.
COMPILES = """
import os
from pathlib import Path
folder = Path(os.environ["TORCH_EXTENSIONS_DIR"], "gsplat_cuda")
folder.mkdir()
(folder / "gsplat_cuda.so").write_bytes(b"machine code")
_C = object()
"""


@dataclass(frozen=True)
class Environment:
    python: Path
    packages: Path

    def torch(self, version: str = "2.4.1+cu124", cuda: str | None = "12.4", card: bool = True) -> None:
        text = TORCH.format(torch=version, cuda=cuda, card=card)
        (self.packages / "torch.py").write_text(text, encoding="utf-8")

    def gsplat(self, version: str = "1.5.3", backend: str | None = None) -> Path:
        """Install one that must not be imported, or one with this text as what compiles."""
        folder = self.packages / "gsplat"
        (folder / "cuda").mkdir(parents=True)
        (folder / "__init__.py").write_text(NOTHING_IMPORTED if backend is None else "", encoding="utf-8")
        (folder / "cuda" / "__init__.py").touch()
        (folder / "cuda" / "_backend.py").write_text(backend or NOTHING_IMPORTED, encoding="utf-8")
        info = self.packages / f"gsplat-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gsplat\nVersion: {version}\n")
        return folder

    def run(self, *options: str) -> tuple[int, str]:
        kept = {name: value for name, value in os.environ.items() if name != "TORCH_EXTENSIONS_DIR"}
        command = [self.python, "-I", SCRIPT, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=kept)
        assert "Traceback" not in done.stderr or options, done.stderr
        return done.returncode, done.stdout.strip()

    def compiled(self) -> list[Path]:
        return sorted(self.python.parent.parent.rglob("gsplat_cuda.so"))


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    venv.create(tmp_path / "env", symlinks=os.name != "nt")
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return Environment(python, Path(done.stdout.strip()))


def test_no_torch(environment: Environment) -> None:
    environment.gsplat()
    assert environment.run() == (1, "gsplat is not used: torch is not installed in this environment.")


def test_no_gsplat(environment: Environment) -> None:
    environment.torch()
    assert environment.run() == (1, "gsplat is not used: gsplat is not installed in this environment.")


@pytest.mark.parametrize(("cuda", "card"), [(None, False), ("12.4", False), (None, True)])
def test_no_graphics_card(environment: Environment, cuda: str | None, card: bool) -> None:
    environment.torch(cuda=cuda, card=card)  # the last is ROCm, which calls its cards CUDA
    (environment.gsplat() / "csrc.so").write_bytes(b"machine code")
    code, text = environment.run()
    assert (code, text) == (1, "gsplat is not used: PyTorch 2.4.1+cu124 sees no graphics card with CUDA.")


def test_no_compiled_code_and_nothing_is_compiled_unasked(environment: Environment) -> None:
    environment.torch()
    (environment.gsplat(backend=COMPILES) / "csrc.so").touch()  # an empty file is no compiled code
    code, text = environment.run()
    assert (code, text) == (1, "gsplat is not used: gsplat 1.5.3 is installed without compiled CUDA code.")
    assert not environment.compiled()


@pytest.mark.parametrize(
    "name", ["csrc.so", "csrc.cpython-310-x86_64-linux-gnu.so", "csrc.cp310-win_amd64.pyd"]
)
def test_a_wheel_with_compiled_code(environment: Environment, name: str) -> None:
    environment.torch()
    (environment.gsplat("1.5.3+pt24cu124") / name).write_bytes(b"machine code")
    assert environment.run() == (0, "gsplat can be used: gsplat 1.5.3, compiled in its package.")


@pytest.mark.parametrize(
    ("torch", "cuda", "tag", "fits"),
    [
        ("2.4.1+cu124", "12.4", "pt24cu124", True),
        ("2.10.0+cu128", "12.8", "pt210cu128", True),
        ("2.10.0a0+git1", "12.8", "pt210cu128", True),
        ("2.4.1+cu121", "12.1", "pt24cu124", False),
        ("2.1.2+cu128", "12.8", "pt210cu128", False),
        ("2.13.0+cu130", "13.0", "pt210cu130", False),
        ("2.13.0+cu130", "13.0", "ours1", True),  # no tag of the official wheels
    ],
)
def test_a_wheel_for_another_torch(
    environment: Environment, torch: str, cuda: str, tag: str, fits: bool
) -> None:
    environment.torch(torch, cuda)
    (environment.gsplat(f"1.6.0+{tag}") / "csrc.so").write_bytes(b"machine code")
    code, text = environment.run()
    assert code == (0 if fits else 1)
    if not fits:
        major, minor = torch.split(".")[:2]
        assert text.startswith(f"gsplat is not used: gsplat 1.6.0+{tag} does not fit: it was compiled for")
        assert text.endswith(f"here is PyTorch {major}.{minor} with CUDA {cuda}.")


def test_compiling_when_asked_is_remembered(environment: Environment) -> None:
    environment.torch()
    environment.gsplat(backend=COMPILES)
    answer = (0, "gsplat can be used: gsplat 1.5.3, compiled on this computer.")
    assert environment.run("--compile") == answer
    assert len(environment.compiled()) == 1
    assert environment.run() == answer
    assert environment.run("--compile") == answer  # COMPILES would fail on its second run


def test_another_torch_does_not_take_what_was_compiled_for_the_first(environment: Environment) -> None:
    environment.torch()
    environment.gsplat(backend=COMPILES)
    assert environment.run("--compile")[0] == 0
    environment.torch("2.13.0+cu130", "13.0")
    code, text = environment.run()
    assert (code, text) == (1, "gsplat is not used: gsplat 1.5.3 is installed without compiled CUDA code.")


def test_a_broken_off_compilation_does_not_count(environment: Environment) -> None:
    environment.torch()
    environment.gsplat(backend=COMPILES)
    environment.run("--compile")
    (library,) = environment.compiled()
    library.write_bytes(b"machine co")
    code, text = environment.run()
    assert (code, text) == (1, "gsplat is not used: compiling gsplat 1.5.3 did not come to its end.")


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        ("_C = None", "failed with exit code 1"),  # what gsplat does without nvcc
        ("import sys\nsys.exit(3)", "failed with exit code 3"),
        ("_C = object()", "failed with exit code 0"),  # compiled somewhere else
    ],
)
def test_a_failed_compilation_is_told(environment: Environment, backend: str, reason: str) -> None:
    environment.torch()
    environment.gsplat(backend=backend)
    code, text = environment.run("--compile")
    assert (code, text) == (1, f"gsplat is not used: compiling gsplat {reason}.")


def test_nothing_is_compiled_where_it_cannot_help(environment: Environment) -> None:
    environment.torch(card=False)
    environment.gsplat(backend="import sys\nsys.exit(3)")
    code, text = environment.run("--compile")
    assert (code, text) == (1, "gsplat is not used: PyTorch 2.4.1+cu124 sees no graphics card with CUDA.")


def test_the_script_imports_nothing_of_the_extension() -> None:
    code = f"import runpy; runpy.run_path({str(SCRIPT)!r})"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
