"""The engine's own methods with a small model in the catalogue, for a real engine process.

Loaded by ``worker.py --methods``; the package under test is called ``lhm_avatars_engine`` there.
"""

from __future__ import annotations

from lhm_avatars_engine.methods import METHODS
from lhm_avatars_engine.weights import catalogue
from lhm_avatars_engine.weights.catalogue import Asset, ModelFile

__all__ = ["METHODS"]

catalogue._ASSETS = (
    Asset(
        "tiny",
        "Tiny",
        "For tests",
        ("lhm", "smplx"),
        (ModelFile("model.safetensors"), ModelFile("config.json", required=False)),
        repository="somebody/tiny",
        page="https://example.org/tiny",
    ),
)
