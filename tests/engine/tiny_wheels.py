"""Makes small packages, and lock files that ask for them, for tests that must not open the network."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # one content, one hash


@dataclass(frozen=True)
class Wheel:
    """A package file.

    Attributes:
        name: Of the package and of its only module.
        path: The file.
    """

    name: str
    path: Path

    def requirement(self) -> str:
        """Its line in a lock file."""
        return f"{self.name}==1.0 --hash=sha256:{hashlib.sha256(self.path.read_bytes()).hexdigest()}\n"


def make_wheel(folder: Path, name: str, code: str = "__version__ = '1.0'\n") -> Wheel:
    """Write a wheel with one module.

    Source: PEP 427.
    """
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(zipfile.ZipInfo(inner, EPOCH), text)
    return Wheel(name, path)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
