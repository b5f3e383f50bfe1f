"""Small models, a server on loopback, and no way out to any other."""

from __future__ import annotations

import os
import random
import socket
import tempfile
from typing import TYPE_CHECKING

import pytest
from lhm_avatars.engine.weights import catalogue
from lhm_avatars.engine.weights.catalogue import Asset, ModelFile
from lhm_avatars.engine.weights.hub import Server
from lhm_avatars.engine.weights.licences import accept

from .hub_server import HubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Before huggingface_hub is imported, which reads them once: nobody's tokens, nobody's cache.
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="lhm-avatars-hub-")
for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_TOKEN_PATH"):
    os.environ.pop(name, None)

REPOSITORY = "somebody/tiny"


def weights(size: int = 300_000, seed: int = 1) -> bytes:
    """A safetensors file of one array of random bytes."""
    data = random.Random(seed).randbytes(size)
    header = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    return len(header).to_bytes(8, "little") + header + data


WEIGHTS = weights()
CONFIG = b'{"layers": 2}'
TINY = Asset(
    "tiny", "Tiny", "For tests", ("lhm", "smplx"),
    (ModelFile("model.safetensors", about=len(WEIGHTS)), ModelFile("config.json", required=False)),
    repository=REPOSITORY, page="https://example.org/tiny", needs=("points",),
)  # fmt: skip
POINTS = Asset(
    "points", "Points", "For tests", ("smplx",), (ModelFile("1_20.ply", vertices=20),),
    page="https://example.org/points", in_prior_archive=True,
)  # fmt: skip
TORCH = Asset(
    "torch", "Torch", "For tests", ("sapiens",), (ModelFile("body.pt2"),), page="https://example.org/torch",
    in_prior_archive=True,
)  # fmt: skip


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test opens the network; one that tries fails, even where the library swallows the error."""
    elsewhere: list[object] = []
    look_up = socket.getaddrinfo

    def guarded(host: str | bytes | None, *args: object, **options: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in ("127.0.0.1", "localhost", "::1"):
            elsewhere.append(name)
            raise socket.gaierror(f"no test looks up {name}")
        return look_up(host, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", guarded)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield
    assert not elsewhere


@pytest.fixture
def assets(monkeypatch: pytest.MonkeyPatch) -> tuple[Asset, ...]:
    """The catalogue of these tests, SMPL-X as it is."""
    smplx = catalogue.asset("smplx")
    monkeypatch.setattr(catalogue, "_ASSETS", (TINY, POINTS, TORCH, smplx))
    return catalogue.catalogue()


@pytest.fixture
def models(tmp_path: Path, assets: tuple[Asset, ...]) -> Path:
    """A folder of models with every licence ticked."""
    folder = tmp_path / "models"
    for licence in ("lhm", "smplx", "sapiens"):
        accept(licence, folder)
    return folder


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer({REPOSITORY: {"model.safetensors": WEIGHTS, "config.json": CONFIG}}) as server:
        yield server


@pytest.fixture
def server(hub: HubServer) -> Server:
    """The loopback server, without patience."""
    return Server(endpoint=hub.endpoint, timeout=0.5, tries=3, pause=0.02)
