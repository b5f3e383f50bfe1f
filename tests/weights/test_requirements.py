"""The lock of the engine for LHM: complete, hashed, and the built-in engine's packages as they are."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

REQUIREMENTS = Path(__file__).parents[2] / "engine" / "requirements"


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by name; several where Python or system decides."""
    found: dict[str, set[str]] = {}
    text = (REQUIREMENTS / lock).read_text().replace("\\\n", "")
    for line in text.splitlines():
        if line and line[0] not in "# ":
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line
            name, version = re.split("==| ", line)[:2]
            found.setdefault(name, set()).add(version)
    return found


def test_the_lock_has_hashes_and_no_address() -> None:
    assert "://" not in (REQUIREMENTS / "lhm.txt").read_text()
    assert {"torch", "huggingface-hub", "safetensors", "spandrel"} <= pins("lhm.txt").keys()
    assert not {"hf-xet", "jax", "opencv-contrib-python", "smplx"} & pins("lhm.txt").keys()


def test_the_built_in_engine_is_the_same_in_both() -> None:
    both = pins("lhm.txt")
    assert {name: both[name] for name in pins("base.txt")} == pins("base.txt")


@pytest.mark.parametrize("name", ["huggingface-hub", "httpx2"])
def test_the_tests_run_with_what_is_locked(name: str) -> None:
    assert importlib.metadata.version(name) in pins("lhm.txt")[name]
