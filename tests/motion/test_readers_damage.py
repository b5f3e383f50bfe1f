"""Files with bytes changed, lost or added: they are read or refused, and never a reason to crash."""

from __future__ import annotations

import io
import json
import pickle
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.motion.readers import read_motion
from motion.writers import bvh
from motion.writers.gltf import Writer
from motion.writers.opcodes import mapping, tensor, torch_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POSES = np.random.default_rng(0).normal(0, 0.2, (3, 72))


def _bvh() -> bytes:
    joints = [bvh.Joint("Hips", -1, (0, 90, 0), moves=True), bvh.Joint("Head", 0, (0, 60, 0))]
    return (bvh.hierarchy(joints) + bvh.motion(np.ones((3, 9)))).encode()


def _glb() -> bytes:
    made = Writer([{"name": "Hips", "children": [1]}, {"name": "Head", "translation": [0, 1, 0]}])
    turns = made.accessor([[0, 0, 0, 1], [0, 0, 1, 0]])
    made.animation("Nod", [(0, "rotation", made.accessor([0.0, 1.0]), turns, "LINEAR")])
    return made.glb()


def _saved(save: Callable[..., None], *values: object, **members: object) -> bytes:
    data = io.BytesIO()
    save(data, *values, **members)
    return data.getvalue()


def _csv() -> bytes:
    names = ("JawOpen", "EyeBlinkLeft", "EyeBlinkRight", "CheekPuff", "TongueOut")
    lines = [",".join(("Timecode", "BlendShapeCount", *names))]
    lines += [f"10:00:00:{k:02d}.{k:03d},5" + ",0.25" * len(names) for k in range(4)]
    return "\n".join(lines).encode()


FILES = {
    "bvh": _bvh(),
    "csv": _csv(),
    "glb": _glb(),
    "json": json.dumps(
        [{"root_pose": [0, 0, 0], "body_pose": [[0, 0, 0]] * 21, "trans": [0, 0, 1]}] * 2
    ).encode(),
    "npz": _saved(np.savez, poses=POSES, trans=POSES[:, :3], fps=30.0),
    "npy": _saved(np.save, np.array({"poses": POSES}, dtype=object)),
    "torch": torch_file(mapping({"poses": tensor(0, POSES.astype("f4"))}), [POSES.astype("f4")]),
    **{f"pickle {k}": pickle.dumps({"poses": POSES, "frame_ids": np.arange(3)}, k) for k in (0, 2, 5)},
}


def _damaged(data: bytes, rng: random.Random) -> bytes:
    how = rng.randrange(4)
    if how == 0:
        return data[: rng.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at = rng.randrange(len(changed))
        if how == 1:
            changed[at] = rng.randrange(256)
        elif how == 2:
            del changed[at]
        else:
            changed[at:at] = bytes([rng.choice(b'0123456789-{}[],.eN"\x00\xff')])
    return bytes(changed)


@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_read_or_refused(tmp_path: Path, kind: str):
    path, rng = tmp_path / "take", random.Random(kind)
    path.write_bytes(FILES[kind])
    read_motion(path)
    said: list[str] = []
    for _ in range(120):
        path.write_bytes(_damaged(FILES[kind], rng))
        with np.errstate(all="ignore"):
            try:
                read_motion(path)
            except AvatarError as error:
                said.append(str(error))
    assert len(said) > 20
    assert all(sentence.startswith("take") and sentence.endswith(".") for sentence in said)
