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
        version: Of the package.
    """

    name: str
    path: Path
    version: str = "1.0"

    def requirement(self) -> str:
        """Its line in a lock file."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256()}\n"

    def sha256(self) -> str:
        """Of the file, in hexadecimal digits."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def make_wheel(folder: Path, name: str, code: str = "__version__ = '1.0'\n", version: str = "1.0") -> Wheel:
    """Write a wheel with one module.

    Source: PEP 427.
    """
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(zipfile.ZipInfo(inner, EPOCH), text)
    return Wheel(name, path, version)


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
