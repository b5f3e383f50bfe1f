"""Which builds are offered, what they consist of, and one of them installed from an index on this computer.

torch is played by a module of a few lines that multiplies nothing, quickly.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine import own_environment, torch_builds
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.environment import build, remove, status
from lhm_avatars.engine.hardware import Gpu, Hardware
from lhm_avatars.engine.torch_builds import (
    advice,
    builds,
    check_own,
    complaint,
    installed,
    lhm_python,
    measured,
    offered,
    offline_commands,
    requirements_of,
)

from .test_environment import PYTHON, ask
from .tiny_wheels import Wheel, make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

LINUX, WINDOWS, MAC = ("Linux", "x86_64"), ("Windows", "AMD64"), ("Darwin", "arm64")
TORCH = """
import time
__version__ = '2.13.0+cpu'
float32, bfloat16 = 'torch.float32', 'torch.bfloat16'
class device:
    def __init__(self, kind): self.type = kind
class cuda:
    is_available = staticmethod(lambda: False)
class backends:
    mps = cuda
class cpu:
    _is_avx512_bf16_supported = _is_amx_tile_supported = staticmethod(lambda: False)
def randn(*sides, **settings): return None
def mm(a, b): time.sleep(0.001)
"""


def computer(system: tuple[str, str], gpu: Gpu | None = None) -> Hardware:
    return Hardware(gpu, int(32e9), int(20e9), int(100e9), 8, *system)


def nvidia(driver: str, capability: tuple[int, int] | None = (8, 6)) -> Gpu:
    return Gpu("RTX", int(12e9), int(11e9), driver, "cuda", capability)


AMD = Gpu("Radeon", int(16e9), int(15e9), "", "rocm")
APPLE = Gpu("Apple M2", int(16e9), int(8e9), "15.1", "mps")


# What is offered.


@pytest.mark.parametrize(
    ("system", "gpu", "names"),
    [
        (LINUX, None, ["cpu"]),
        (LINUX, nvidia("580.95.05"), ["cu130", "cu126", "cpu"]),
        (LINUX, nvidia("550.54.15"), ["cu126", "cpu"]),
        (LINUX, nvidia("470.82.01"), ["cpu"]),
        (LINUX, nvidia("580.95.05", (6, 1)), ["cu126", "cpu"]),  # Pascal: CUDA 13 has no kernels for it
        (LINUX, nvidia("580.95.05", (12, 0)), ["cu130", "cpu"]),  # Blackwell: CUDA 12.6 has none for it
        (LINUX, nvidia("570.00", (12, 0)), ["cpu"]),
        (LINUX, nvidia("580.95.05", None), ["cu130", "cu126", "cpu"]),
        (LINUX, AMD, ["rocm7.2", "cpu"]),
        (WINDOWS, nvidia("591.86"), ["cu130", "cu126", "cpu"]),
        (WINDOWS, nvidia("527.41"), ["cpu"]),
        (WINDOWS, None, ["cpu"]),
        (MAC, APPLE, ["mps"]),
        (("Darwin", "x86_64"), None, []),
        (("Linux", "aarch64"), nvidia("580.95.05"), []),
    ],
)  # fmt: skip
def test_the_builds_that_run_are_offered_best_first(
    system: tuple[str, str], gpu: Gpu | None, names: list[str]
) -> None:
    assert [build.name for build in offered(computer(system, gpu))] == names


@pytest.mark.parametrize(
    ("system", "gpu", "sentence"),
    [
        (LINUX, nvidia("470.82.01"), "The driver 470.82.01 of the RTX is too old for torch, which needs 525"),
        (WINDOWS, nvidia("472.12"), "The driver 472.12 of the RTX is too old for torch, which needs 528"),
        (LINUX, nvidia("570", (12, 0)), "The driver 570 of the RTX is too old for torch, which needs 580"),
        (WINDOWS, AMD, "There is no torch for the Radeon on Windows; LHM runs on the processor."),
        (("Darwin", "x86_64"), None, "LHM needs torch 2.13.0, which there is not for this system (Darwin,"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_used_is_explained(
    system: tuple[str, str], gpu: Gpu | None, sentence: str
) -> None:
    assert advice(computer(system, gpu)).startswith(sentence)


@pytest.mark.parametrize("system", [LINUX, WINDOWS])
def test_there_is_no_advice_where_all_is_well(system: tuple[str, str]) -> None:
    assert advice(computer(system)) is None
    assert advice(computer(system, nvidia("580.95.05"))) is None


# What they consist of.


def entries(name: str, system: tuple[str, str]) -> dict[str, str]:
    """The entries of a build's list that pip would take on a system (markers read as uv writes them)."""
    found = {}
    for line in requirements_of(name, *system).hashed().replace("\\\n", "").splitlines():
        if line[:1].isalnum():
            assert "--hash=sha256:" in line
            condition = line.split(" --hash")[0].partition(" ; ")[2]
            if system == LINUX or "linux" not in condition:
                found[line.split("==")[0]] = line
    return found


@pytest.mark.parametrize(
    ("system", "name"),
    [(system, build.name) for system in (LINUX, WINDOWS, MAC) for build in builds(*system)],
)
def test_every_build_brings_torch_once_and_all_the_rest_with_hashes(
    system: tuple[str, str], name: str
) -> None:
    wanted, found = requirements_of(name, *system), entries(name, system)
    pinned = wanted.pinned.packages if wanted.pinned else ()
    assert ("torch" in found) != bool(pinned)
    assert ("torchvision" in found) != bool(pinned)
    assert pinned in ((), (f"torch==2.13.0+{name}", f"torchvision==0.28.0+{name}"))
    # What torch 2.13's package asks for, as its own metadata says, and what the engine imports.
    assert {"filelock", "typing-extensions", "setuptools", "sympy", "networkx", "jinja2", "fsspec"} <= set(
        found
    )
    assert {"numpy", "mediapipe", "numba", "safetensors", "huggingface-hub", "spandrel", "einops"} <= set(
        found
    )
    assert wanted.measure
    assert wanted.free_bytes > 1_500_000_000


@pytest.mark.parametrize(
    ("system", "name", "major"),
    [(LINUX, "cu130", 13), (LINUX, "cu126", 12), (LINUX, "rocm7.2", None), (LINUX, "cpu", None),
     (WINDOWS, "cu130", None), (WINDOWS, "cu126", None), (WINDOWS, "cpu", None), (MAC, "mps", None)],
)  # fmt: skip
def test_nvidias_libraries_are_the_ones_of_the_build(
    system: tuple[str, str], name: str, major: int | None
) -> None:
    found = {package for package in entries(name, system) if package.startswith("nvidia-cu")}
    if major is None:
        assert not found  # inside torch's package, or none at all
        return
    assert f"nvidia-cudnn-cu{major}" in found
    assert not [package for package in found if package.endswith(f"-cu{25 - major}")]
    runtime = "nvidia-cuda-runtime-cu12" if major == 12 else "nvidia-cuda-runtime"
    assert f"{runtime}=={major}." in entries(name, system)[runtime]


def test_a_build_that_there_is_not_is_named() -> None:
    with pytest.raises(
        AvatarError, match=r"no build of torch named 'cu128' for this system\. Choose one of: cu130"
    ):
        requirements_of("cu128", *LINUX)
    with pytest.raises(AvatarError, match=r"no build of torch named 'cpu' .*: there is none\."):
        requirements_of("cpu", "Plan9", "mips")


def test_a_mirror_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert requirements_of("cpu", *LINUX).pinned.index == "https://download.pytorch.org/whl/cpu"
    own = requirements_of("cpu", *LINUX).identity()
    monkeypatch.setenv("LHM_AVATARS_TORCH_INDEX", "https://mirror/whl")
    assert requirements_of("cpu", *LINUX).pinned.index == "https://mirror/whl/cpu"
    assert requirements_of("cpu", *LINUX).identity() == own  # no reason to install it again


def test_every_build_is_another_environment() -> None:
    identities = [requirements_of(build.name, *LINUX).identity() for build in builds(*LINUX)]
    assert len(set(identities)) == len(identities) == 4


# Installed.


@contextmanager
def index(folder: Path, *wheels: Wheel, forged: bool = False) -> Iterator[str]:
    """Serve packages as PEP 503 says.

    Yields:
        The address.
    """
    for wheel in wheels:
        place = folder / "cpu" / wheel.name
        place.mkdir(parents=True)
        (place / wheel.path.name).write_bytes(wheel.path.read_bytes())
        sha256 = "0" * 64 if forged else wheel.sha256()
        name = wheel.path.name.replace("+", "%2B")
        (place / "index.html").write_text(
            f'<!DOCTYPE html><a href="{name}#sha256={sha256}">{wheel.path.name}</a>'
        )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The build "cpu" of Linux, of three tiny packages, two of them on an index."""
    monkeypatch.setattr(SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    ours = make_wheel(tmp_path / "packages", "lhm_tiny")
    torch = make_wheel(tmp_path / "torch", "torch", TORCH, "2.13.0+cpu")
    vision = make_wheel(tmp_path / "torch", "torchvision", version="0.28.0+cpu")
    lock = tmp_path / "lock.txt"
    nvidia_line = f"nvidia-cudnn-cu13==9 ; sys_platform == 'linux' \\\n    --hash=sha256:{'0' * 64}\n"
    torch_line = f"torch==2.13.0 \\\n    --hash=sha256:{'1' * 64} \\\n    --hash=sha256:{'2' * 64}\n"
    lock.write_text(f"# a remark\n{ours.requirement()}{nvidia_line}{torch_line}")
    cpu = next(build for build in builds(*LINUX) if build.name == "cpu")
    monkeypatch.setattr(torch_builds, "_LOCK", lock)
    monkeypatch.setattr(torch_builds, "MODULES", ("lhm_tiny", "torch"))
    here = {(torch_builds.platform.system(), torch_builds.platform.machine()): (replace(cpu, disk_bytes=0),)}
    monkeypatch.setattr(torch_builds, "_TABLE", here)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # nobody listens
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "packages"))
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.delenv("PIP_NO_INDEX", raising=False)
    return SimpleNamespace(root=tmp_path / "root", torch=torch, vision=vision, folder=tmp_path)


def test_torch_comes_from_its_index_and_the_rest_from_the_lock(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[tuple[str, float, str]] = []
    with index(small.folder / "index", small.torch, small.vision) as address:
        monkeypatch.setenv("LHM_AVATARS_TORCH_INDEX", address)
        # What the user's own index has is of no use without hashes: the lock is found in the folder.
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/nothing")
        wanted = requirements_of("cpu")
        python = build(
            small.root, python=PYTHON, requirements=wanted, progress=lambda *report: reports.append(report)
        )
    assert ask(python, "import lhm_tiny, torch, torchvision; print(torch.__version__)") == "2.13.0+cpu"
    assert not list(python.parent.parent.rglob("nvidia*"))
    log = (small.root / "install.log").read_text()
    assert log.count("--require-hashes") == 1
    assert f"--index-url {address}/cpu torch==2.13.0+cpu torchvision==0.28.0+cpu" in log
    fractions = [fraction for _, fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert "Fetching torch (1 of 2)" in [message for _, _, message in reports]

    assert lhm_python(small.root) == python
    assert installed(small.root).name == "cpu"
    assert status(small.root, wanted).packages == {"lhm_tiny": "1.0", "torch": "2.13.0+cpu"}
    told = measured(small.root)
    assert told == json.loads((python.parent.parent / "ready.json").read_text())["measure"]
    assert {key: told[key] for key in ("device", "dtype", "torch")} == {
        "device": "cpu", "dtype": "float32", "torch": "2.13.0+cpu",
    }  # fmt: skip
    # 2 * 2048^3 operations in a millisecond and what the clock adds to it.
    assert 0.2 * 2 * 2048**3 / 0.001 < told["rate"] <= 2 * 2048**3 / 0.001
    assert complaint(small.root) is None


def test_a_folder_of_packages_serves_for_torch_as_well(small: SimpleNamespace) -> None:
    wheels = small.folder / "all"
    wheels.mkdir()
    for place in ("packages", "torch"):
        for path in (small.folder / place).glob("*.whl"):
            (wheels / path.name).write_bytes(path.read_bytes())
    wanted = requirements_of("cpu")
    python = build(small.root, python=PYTHON, wheel_dir=wheels, online=False, requirements=wanted)
    assert ask(python, "import torch, torchvision; print(torch.__version__)") == "2.13.0+cpu"


def test_a_package_that_is_not_what_the_index_states_is_refused(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with index(small.folder / "index", small.torch, small.vision, forged=True) as address:
        monkeypatch.setenv("LHM_AVATARS_TORCH_INDEX", address)
        with pytest.raises(AvatarError, match="A package is not the one that this version"):
            build(small.root, python=PYTHON, requirements=requirements_of("cpu"))
    assert installed(small.root) is None
    assert lhm_python(small.root) is None


def test_an_index_without_the_build_is_explained(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_wheel(small.folder / "other", "torch", version="2.13.0")
    with index(small.folder / "index", other) as address:
        monkeypatch.setenv("LHM_AVATARS_TORCH_INDEX", address)
        with pytest.raises(AvatarError, match=r"A package is missing: torch==2\.13\.0\+cpu"):
            build(small.root, python=PYTHON, requirements=requirements_of("cpu"))


def finished(root: Path, answer: object) -> None:
    """A folder that looks like the installed build."""
    wanted = requirements_of("cpu")
    folder = root / torch_builds_folder(wanted)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    ready = {"packages": {}, "bytes": 1, "measure": answer}
    (folder / "ready.json").write_text(json.dumps(ready))


def torch_builds_folder(wanted: object) -> str:
    from lhm_avatars.engine import environment

    return environment._folder_name(wanted, "3.11")


posix = pytest.mark.skipif(sys.platform == "win32", reason="lays out an environment by hand")


@posix
def test_a_device_that_does_not_compute_is_told_and_not_measured(small: SimpleNamespace) -> None:
    finished(small.root, {"failed": "The engine failed: RuntimeError: no kernel image."})
    assert installed(small.root).name == "cpu"
    assert measured(small.root) is None
    assert complaint(small.root).startswith(
        "torch does not compute on this computer (The engine failed: RuntimeError: no kernel image.) Update"
    )


@posix
def test_a_card_that_torch_does_not_find_is_told(
    small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(small.root, {"device": "cpu", "rate": 1.0})
    ((system, (cpu,)),) = torch_builds._TABLE.items()
    card = replace(cpu, device="cuda", title="NVIDIA (CUDA 13.0)")
    monkeypatch.setattr(torch_builds, "_TABLE", {system: (card,)})
    assert complaint(small.root).startswith(
        "The installed engine is the one for NVIDIA (CUDA 13.0), but torch finds no such device"
    )
    assert measured(small.root) == {"device": "cpu", "rate": 1.0}


@posix
def test_one_environment_is_removed_and_the_other_stays(small: SimpleNamespace, tmp_path: Path) -> None:
    finished(small.root, None)
    other = small.root / "engine-py311-0123456789"
    other.mkdir()
    remove(small.root, requirements_of("cpu"))
    assert installed(small.root) is None
    assert measured(small.root) is None
    assert complaint(small.root) is None
    assert other.is_dir()


def test_the_commands_for_a_computer_without_a_network_are_given(small: SimpleNamespace) -> None:
    listed = small.folder / "requirements.txt"
    first, second = offline_commands("cpu", listed)
    assert listed.read_text() == requirements_of("cpu").hashed()
    common = "pip download --no-deps --only-binary=:all: -d packages"
    assert first == f'{common} --require-hashes -r "requirements.txt"'
    tail = "--index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu torchvision==0.28.0+cpu"
    assert second == f"{common} {tail}"
    # The first one does what it says.
    command = [sys.executable, "-m", *first.replace('"', "").split()]
    subprocess.run(command, cwd=small.folder, check=True, capture_output=True)
    assert [path.name for path in (small.folder / "packages").glob("lhm*")] == [
        "lhm_tiny-1.0-py3-none-any.whl"
    ]


# The user's own environment.


@pytest.fixture(autouse=True)
def forgotten() -> None:
    own_environment._versions.cache_clear()


def test_the_users_own_environment_is_taken_without_running_it(tmp_path: Path) -> None:
    python = tmp_path / "python"
    assert lhm_python(tmp_path, python) is None
    python.write_text("runs not")
    assert lhm_python(tmp_path, python) == python


def test_what_the_users_environment_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_environment, "MODULES", ("json", "lhm_absent", "csv", "lhm_gone"))
    with pytest.raises(AvatarError) as caught:
        check_own(Path(sys.executable))
    assert "cannot import what LHM needs: lhm_absent, lhm_gone (ModuleNotFoundError: No module" in str(
        caught.value
    )


def test_the_users_environment_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(own_environment, "MODULES", ("json", "csv"))
    versions = check_own(Path(sys.executable))
    assert versions == {"json": "2.0.9", "csv": "1.0"}
    versions["json"] = "changed by the caller"
    monkeypatch.setattr(own_environment, "ask", lambda *_, **__: pytest.fail("asked again"))
    assert check_own(Path(sys.executable)) == {"json": "2.0.9", "csv": "1.0"}


def test_a_path_without_a_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match=r"There is no Python at .*nowhere\. Set the path"):
        check_own(tmp_path / "nowhere")


@posix
@pytest.mark.parametrize("body", ["exit 0", "echo hello", "exit 3"])
def test_a_program_that_is_no_python_is_named(tmp_path: Path, body: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)
    with pytest.raises(AvatarError, match=r"python does not run as a Python\. Set the path"):
        check_own(python)


@posix
def test_an_old_python_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho \'{"python": [3, 8], "versions": {}, "missing": {}}\'\n')
    python.chmod(0o755)
    with pytest.raises(AvatarError, match=r"python is Python 3\.8, but LHM needs 3\.10 or newer"):
        check_own(python)
