"""Which builds of torch LHM's models can run on, and the environments for them.

One version of torch is published many times: for each maker of graphics cards and for none. What is known of
2.13.0, and from where (November 2026):

- Its stable builds are those for CUDA 12.6, CUDA 13.0 and ROCm 7.2, its experimental one is for CUDA 13.2.
  There is none for CUDA 12.8, which ended with 2.11. Source: pytorch's release matrix, pull request 187075.
- CUDA 12.6 has kernels from Maxwell to Hopper, CUDA 13.0 from Turing on. Source: the same file.
- The addresses and tags ``cpu``, ``cu126``, ``cu130``, ``rocm7.2`` were seen in other people's lock files
  and logs, on Linux, and all but the last on Windows. Installed by us was only ``cpu``, on Linux.
- CUDA 13 needs driver 580, CUDA 12 runs from 525 (Linux) or 528 (Windows) on. Source: NVIDIA's release
  notes on minor version compatibility, as others quote them; not opened by us.

How each is installed: everything but torch comes from the lock with hashes, whatever the build. torch itself
is in that lock where PyPI has the build: CUDA 13 for Linux, CPU for Windows, Metal for macOS. The others are
only in PyTorch's own index, whose hashes nobody has given us. There torch and torchvision are ``Pinned``: an
exact version with a tag that no other index has, without dependencies, and pip checks the hash that the
index states. What they depend on is in the locks: the CUDA 12.6 libraries for Linux are PyPI's, with hashes,
in ``requirements/cu126.txt``; the builds for Windows and for ROCm carry their libraries inside. Triton is
left out of the CPU's and ROCm's: only ``torch.compile`` needs it, which the engine does not use.

Without a network: fetch the packages on a computer with the same system and the same Python version, with the
commands that ``offline_commands`` gives, and install from that folder.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .avatar.errors import AvatarError
from .environment import Pinned, Requirements, status
from .own_environment import MODULES, check_own

if TYPE_CHECKING:
    from .hardware import GpuKind, Hardware

__all__ = [
    "INDEX", "INDEX_VARIABLE", "MODULES", "TORCH", "TORCHVISION", "TorchBuild", "advice", "builds",
    "check_own", "complaint", "installed", "lhm_python", "measured", "offered", "offline_commands",
    "requirements_of",
]  # fmt: skip

TORCH, TORCHVISION = "2.13.0", "0.28.0"
INDEX = "https://download.pytorch.org/whl"
INDEX_VARIABLE = "LHM_AVATARS_TORCH_INDEX"  # for mirrors

_FOLDER = Path(__file__).with_name("requirements")
_LOCK = _FOLDER / "lhm.txt"
_OURS = ("torch", "torchvision")
_NVIDIA = ("nvidia-*", "cuda-*")
_LINUX, _WINDOWS, _MAC = ("Linux", "x86_64"), ("Windows", "AMD64"), ("Darwin", "arm64")
_DRIVER_CUDA_13 = 580
_DRIVER_CUDA_12 = {"Linux": 525, "Windows": 528}
_TURING, _BLACKWELL = (7, 5), (10, 0)


@dataclass(frozen=True)
class TorchBuild:
    """An environment that can be installed.

    Attributes:
        name: As PyTorch tags it: cpu, cu126, cu130, rocm7.2; or mps.
        title: For the user.
        device: What it computes on.
        download_bytes: Of all packages together; an estimate.
        disk_bytes: When installed; an estimate.
        from_pypi: Whether torch, too, comes from the lock.
        without: Packages of the lock that this build does not need.
        more: Further locks.
    """

    name: str
    title: str
    device: GpuKind | None
    download_bytes: int
    disk_bytes: int
    from_pypi: bool = False
    without: tuple[str, ...] = ()
    more: tuple[Path, ...] = ()


# The sizes are estimates: sums of the packages that were seen, rounded up; ROCm's is the least certain.
_TABLE: dict[tuple[str, str], tuple[TorchBuild, ...]] = {
    _LINUX: (
        TorchBuild("cu130", "NVIDIA (CUDA 13.0)", "cuda", 3_300_000_000, 7_500_000_000, from_pypi=True),
        TorchBuild("cu126", "NVIDIA, older (CUDA 12.6)", "cuda", 3_900_000_000, 8_000_000_000,
                   without=_NVIDIA, more=(_FOLDER / "cu126.txt",)),
        TorchBuild("rocm7.2", "AMD (ROCm 7.2)", "rocm", 5_500_000_000, 18_000_000_000,
                   without=(*_NVIDIA, "triton")),
        TorchBuild("cpu", "Processor only", None, 500_000_000, 1_800_000_000,
                   without=(*_NVIDIA, "triton")),
    ),
    _WINDOWS: (
        TorchBuild("cu130", "NVIDIA (CUDA 13.0)", "cuda", 2_400_000_000, 5_500_000_000),
        TorchBuild("cu126", "NVIDIA, older (CUDA 12.6)", "cuda", 2_900_000_000, 6_500_000_000),
        TorchBuild("cpu", "Processor only", None, 450_000_000, 1_800_000_000, from_pypi=True),
    ),
    _MAC: (TorchBuild("mps", "Apple (Metal)", "mps", 400_000_000, 1_600_000_000, from_pypi=True),),
}  # fmt: skip


def builds(system: str | None = None, machine: str | None = None) -> tuple[TorchBuild, ...]:
    """All that exist for a system, this one if none is named; none for systems without torch or mediapipe."""
    return _TABLE.get((system or platform.system(), machine or platform.machine()), ())


def offered(hardware: Hardware) -> tuple[TorchBuild, ...]:
    """The builds that run on this computer, best first."""
    there = builds(hardware.system, hardware.machine)
    return tuple(build for build in there if build.device is None or _runs(build, hardware))


def advice(hardware: Hardware) -> str | None:
    """Why the graphics card cannot be used, for the user; None when it can or there is none."""
    gpu = hardware.gpu
    if not builds(hardware.system, hardware.machine):
        return (
            f"LHM needs torch {TORCH}, which there is not for this system ({hardware.system}, "
            f"{hardware.machine}). The built-in engine works without it."
        )
    if gpu is None or any(build.device for build in offered(hardware)):
        return None
    if gpu.kind == "cuda":
        needs_13 = gpu.capability is not None and gpu.capability >= _BLACKWELL
        needed = _DRIVER_CUDA_13 if needs_13 else _DRIVER_CUDA_12.get(hardware.system, _DRIVER_CUDA_13)
        return (
            f"The driver {gpu.driver} of the {gpu.name} is too old for torch, which needs {needed} or newer. "
            "Update the driver; until then LHM runs on the processor."
        )
    return f"There is no torch for the {gpu.name} on {hardware.system}; LHM runs on the processor."


def requirements_of(name: str, system: str | None = None, machine: str | None = None) -> Requirements:
    """What ``environment.build`` installs.

    Args:
        name: Of a build for the system.
        system: As platform.system() says; None for this one.
        machine: As platform.machine() says; None for this one.

    Raises:
        AvatarError: If there is no such build for the system.
    """
    build = next((build for build in builds(system, machine) if build.name == name), None)
    if build is None:
        names = ", ".join(build.name for build in builds(system, machine)) or "there is none"
        raise AvatarError(
            f"There is no build of torch named {name!r} for this system. Choose one of: {names}."
        )
    return Requirements(
        lock=_LOCK,
        free_bytes=build.disk_bytes + build.download_bytes,  # pip keeps what it fetched
        modules=MODULES,
        more=build.more,
        without=build.without if build.from_pypi else (*_OURS, *build.without),
        pinned=None if build.from_pypi else _pinned(name),
        measure=True,
    )


def installed(root: Path) -> TorchBuild | None:
    """The build that is installed in a folder; the best when there are several. Cheap, runs nothing."""
    return next((build for build in builds() if status(root, requirements_of(build.name)).ready), None)


def lhm_python(root: Path, own: Path | None = None) -> Path | None:
    """The Python that runs LHM: the user's own environment if one is set, else the installed one.

    Cheap, runs nothing: ``check_own`` says whether the user's is fit.
    """
    if own is not None:
        return Path(own).absolute() if Path(own).is_file() else None
    build = installed(root)
    return status(root, requirements_of(build.name)).python if build else None


def measured(root: Path) -> dict[str, Any] | None:
    """What ``measure`` said when the build was installed; None without a build, or when it could not."""
    answer = _measure(root)
    return answer if answer is not None and "failed" not in answer else None


def complaint(root: Path) -> str | None:
    """What is wrong with the installed build, for the user: torch does not see the card, or cannot use it."""
    build, answer = installed(root), _measure(root)
    if build is None or answer is None:
        return None
    if "failed" in answer:
        return f"torch does not compute on this computer ({answer['failed']}) Update the graphics driver."
    # AMD's cards answer to the name cuda.
    if build.device is not None and answer["device"] == "cpu":
        return (
            f"The installed engine is the one for {build.title}, but torch finds no such device and uses the "
            "processor. Update the graphics driver, then remove the engine and install it again."
        )
    return None


def offline_commands(name: str, requirements: Path) -> list[str]:
    """What to run on a computer with a network, to carry a folder of packages to one without.

    Args:
        name: Of the build.
        requirements: The list with hashes is written there.
    """
    wanted = requirements_of(name)
    requirements.write_text(wanted.hashed(), "utf-8")
    common = "pip download --no-deps --only-binary=:all: -d packages"
    commands = [f'{common} --require-hashes -r "{requirements.name}"']
    if wanted.pinned is not None:
        commands.append(f"{common} --index-url {wanted.pinned.index} {' '.join(wanted.pinned.packages)}")
    return commands


def _pinned(name: str) -> Pinned:
    index = os.environ.get(INDEX_VARIABLE) or INDEX
    versions = zip(_OURS, (TORCH, TORCHVISION), strict=True)
    return Pinned(f"{index}/{name}", tuple(f"{package}=={version}+{name}" for package, version in versions))


def _runs(build: TorchBuild, hardware: Hardware) -> bool:
    gpu = hardware.gpu
    if gpu is None or gpu.kind != build.device:
        return False
    if gpu.kind != "cuda":
        return True
    driver = int(gpu.driver.split(".")[0])
    if build.name == "cu130":
        return driver >= _DRIVER_CUDA_13 and (gpu.capability is None or gpu.capability >= _TURING)
    return driver >= _DRIVER_CUDA_12[hardware.system] and (
        gpu.capability is None or gpu.capability < _BLACKWELL
    )


def _measure(root: Path) -> dict[str, Any] | None:
    build = installed(root)
    return status(root, requirements_of(build.name)).measure if build else None
