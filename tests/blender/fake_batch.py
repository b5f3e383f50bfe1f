"""The fake engine for whole folders: it notes its process, tells the avatar its photo, and draws dots."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from lhm_avatars_engine.avatar.errors import AvatarError
from lhm_avatars_engine.formats.avatar_file import load_avatar, save_avatar
from lhm_avatars_engine.formats.safetensors import read_safetensors
from lhm_avatars_engine.request import ReconstructRequest

spec = importlib.util.spec_from_file_location("fake", Path(__file__).with_name("fake_reconstruct.py"))
fake = importlib.util.module_from_spec(spec)
sys.modules["fake"] = fake
spec.loader.exec_module(fake)


def reconstruct(params, progress):
    photo = Path(params["photo"])
    with Path(os.environ["LHM_TEST_AVATAR"]).with_name("calls.txt").open("a") as file:
        file.write(f"{os.getpid()} {photo.name}\n")
    answer = fake.reconstruct(params, progress)
    avatar = load_avatar(Path(params["output"]))
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in params["settings"].items()}
    request = ReconstructRequest(photo, Path(params["work_dir"]), **values)
    facts = {
        "photo_sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
        "settings": json.loads(json.dumps(request.settings())),
        "licences": {"engine": "GPL-3.0-or-later", "body": "CC0-1.0", "weights": "none"},
        "warnings": answer["report"]["warnings"],
    }
    save_avatar(Path(params["output"]), replace(avatar, metadata=avatar.metadata | facts))
    return answer


def thumbnail(params, progress):
    if Path(params["photo"]).stem == "bug":
        raise AvatarError("bug.jpg is not an image that can be read here.")
    np.save(params["output"], np.full((params["height"] // 2, params["width"], 3), (250, 120, 10), np.uint8))
    return {"image": params["output"]}


def rasterize(params, progress):
    """The nearest Gaussian's centre in each pixel, opaque."""
    arrays, _ = read_safetensors(Path(params["splats"]))
    viewmat, K = np.array(params["viewmat"]), np.array(params["K"])
    seen = arrays["means"] @ viewmat[:3, :3].T + viewmat[:3, 3]
    pixels = np.floor((seen @ K.T)[:, :2] / seen[:, 2:]).astype(int)
    image = np.zeros((params["height"], params["width"], 5), np.float32)
    for index in np.argsort(-seen[:, 2]):
        x, y = pixels[index]
        image[y, x] = (*arrays["colors"][index], 1, seen[index, 2])
    np.save(params["output"], image)
    return {"image": params["output"]}


METHODS = fake.METHODS | {"reconstruct": reconstruct, "thumbnail": thumbnail, "rasterize": rasterize}
