"""LHM files with random weights in the official format: everything is testable without a download.

``python -m bench.random_lhm FOLDER --model tiny`` writes ``model.safetensors``, ``config.json``, the surface
points and a Sapiens stand-in as TorchScript. The body's buffers come from the extension's own body, so that
Gaussians lie on a person; the voxel grid and other dead buffers are zeros that take no room on most disks.
Equal seeds give equal files.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if __name__ == "__main__":  # from the repository root; tests have loaded the package already
    importlib.import_module("bench.parity").load_package()

from lhm_avatars.engine.avatar.binding import Binding, dense
from lhm_avatars.engine.avatar.body import JOINT_COUNT, JOINT_NAMES, JOINT_PARENTS, bundled_body
from lhm_avatars.engine.network import config as models
from lhm_avatars.engine.network.layout import released_layout

if TYPE_CHECKING:
    from collections.abc import Callable

    from lhm_avatars.engine.avatar.body import Body
    from lhm_avatars.engine.network.config import LhmConfig
    from lhm_avatars.engine.network.layout import Slot
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[np.floating]

MODELS = {
    "tiny": models.lhm_tiny,
    "mini": models.lhm_mini,
    "500m": models.lhm_500m,
    "1b": models.lhm_1b,
}
WEIGHTS, CONFIG = "model.safetensors", "config.json"
_NAMES = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}
_BODY = "renderer.smplx_model."
_HEAD_JOINTS = ("head", "jaw", "left_eye", "right_eye")
_UPPER_PARTS = (
    "pelvis",
    "spine",
    "collar",
    "shoulder",
    "elbow",
    "wrist",
    *("index", "middle", "pinky", "ring", "thumb"),
)
_BIASES = {  # of the Gaussian head, so that one sees a person
    "renderer.gs_net.out_layers.scaling.bias": -4.6,
    "renderer.gs_net.out_layers.opacity.bias": 2.0,
    "renderer.gs_net.out_layers.rotation.bias": (1.0, 0.0, 0.0, 0.0),
}
_QUIET = {"renderer.gs_net.out_layers.xyz.weight": 0.02}  # factor: means stay near the surface


class Files(NamedTuple):
    """What was written."""

    weights: Path
    points: Path
    sapiens: Path


def write_model(folder: Path, config: LhmConfig, seed: int = 0, body: Body | None = None) -> Files:
    """Write all files of a model.

    Args:
        folder: Made if missing.
        config: Sizes.
        seed: Of the weights.
        body: Any body in SMPL-X layout; the extension's own by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    points, buffers = body_buffers(config, body or bundled_body())
    layout = released_layout(config)

    def value(key: str) -> Tensor | None:
        if key in buffers:
            return torch.from_numpy(np.ascontiguousarray(buffers[key]))
        return None if key.startswith(_BODY) else random_weight(key, layout[key], seed)

    write_safetensors(folder / WEIGHTS, layout, value)
    (folder / CONFIG).write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    ply = folder / "dense_sample_points" / f"1_{config.points}.ply"
    ply.parent.mkdir(exist_ok=True)
    write_points(ply, points)
    sapiens = folder / "sapiens_random_torchscript.pt2"
    write_sapiens(sapiens, config, seed)
    return Files(folder / WEIGHTS, ply, sapiens)


def random_weight(key: str, slot: Slot, seed: int) -> Tensor:
    """A weight that keeps the size of what goes through it; norms and biases begin as in training."""
    if key == "pcl_embed.basis":
        octaves = math.pi * 2.0 ** torch.arange(slot.shape[1] // 3)
        return torch.block_diag(octaves, octaves, octaves)
    if key in _BIASES:
        return torch.as_tensor(_BIASES[key]).expand(slot.shape).clone()
    if len(slot.shape) == 1:
        return torch.zeros(slot.shape) if key.endswith("bias") else torch.ones(slot.shape)
    generator = torch.Generator().manual_seed(zlib.crc32(key.encode()) + seed)
    fan_in = torch.Size(slot.shape[1:]).numel() if key.endswith("weight") else 2500
    return torch.randn(slot.shape, generator=generator) * (_QUIET.get(key, 1.0) / math.sqrt(fan_in))


def write_safetensors(path: Path, layout: dict[str, Slot], value: Callable[[str], Tensor | None]) -> None:
    """Write tensor by tensor; what has no value is left out of the disk and reads as zeros."""
    header, offset = {}, 0
    for key, slot in layout.items():
        end = offset + torch.Size(slot.shape).numel() * slot.dtype.itemsize
        header[key] = {
            "dtype": _NAMES[slot.dtype],
            "shape": list(slot.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        start = file.tell()
        for key, slot in layout.items():
            tensor = value(key)
            if tensor is not None:
                file.seek(start + header[key]["data_offsets"][0])
                file.write(tensor.to(slot.dtype).contiguous().numpy().data)
        file.truncate(start + offset)


def body_buffers(config: LhmConfig, body: Body) -> tuple[Floats, dict[str, NDArray]]:
    """Surface points and what the checkpoint says about them and about the body.

    Args:
        config: Sizes.
        body: Any in SMPL-X layout; as many of its vertices as the model has are taken.

    Returns:
        Points [N, 3], and buffers by official key.
    """
    weights = dense(Binding(body.joint_indices, body.joint_weights), JOINT_COUNT)
    on_head = np.isin(weights.argmax(axis=1), [JOINT_NAMES.index(name) for name in _HEAD_JOINTS])
    points = np.concatenate(
        [
            sample_surface(body, ~on_head, config.body_points, seed=1),
            sample_surface(body, on_head, config.points - config.body_points, seed=2),
        ]
    )
    kept = np.linspace(0, body.vertex_count - 1, config.vertices).round().astype(int)
    template, shape_dirs = body.v_template[kept], _columns(body.shapedirs[kept], config.shape_count)
    vertex = nearest(points, template)
    rows = weights[kept][vertex]
    leading = rows.argmax(axis=1)
    upper = [any(part in name for part in _UPPER_PARTS) for name in JOINT_NAMES]
    joint_names = ("left_eye", "right_eye")
    expression = _columns(body.exprdirs[kept], config.expression_count)
    layer = f"{_BODY}smplx_layer."
    return points, {
        f"{_BODY}skinning_weight": rows,
        f"{_BODY}shape_dirs": shape_dirs[vertex],
        f"{_BODY}expr_dirs": expression[vertex],
        f"{_BODY}is_upper_body": np.array(upper)[leading],
        f"{_BODY}is_constrain_body": np.isin(leading, [JOINT_NAMES.index(name) for name in joint_names]),
        f"{layer}v_template": template,
        f"{layer}shapedirs": shape_dirs,
        f"{layer}J_regressor": thinned_regressor(body, kept, config.shape_count),
        f"{layer}lbs_weights": weights[kept],
        f"{layer}parents": np.array(JOINT_PARENTS, np.int64),
    }


def thinned_regressor(body: Body, kept: NDArray[np.integer], shapes: int) -> Floats:
    """A regressor on some of the vertices that gives the same joints for every shape.

    The smallest one that is exact for the template, each shape direction and a shift of everything.
    """
    directions = _columns(body.shapedirs, shapes).reshape(body.vertex_count, -1)
    features = np.concatenate(
        [body.v_template, directions, np.ones((body.vertex_count, 1))], axis=1, dtype=np.float64
    )
    wanted = body.joint_regressor @ features
    return np.linalg.lstsq(features[kept].T, wanted.T, rcond=None)[0].T.astype(np.float32)


def _columns(directions: Floats, count: int) -> NDArray[np.float32]:
    """The first directions, and zeros for what the body does not have."""
    columns = np.zeros((*directions.shape[:2], count), np.float32)
    shared = min(count, directions.shape[2])
    columns[..., :shared] = directions[..., :shared]
    return columns


def sample_surface(body: Body, chosen: NDArray[np.bool_], count: int, seed: int) -> Floats:
    """Points spread evenly over the faces that have only chosen vertices. [count, 3]"""
    rng = np.random.default_rng(seed)
    corners = body.v_template[body.faces[chosen[body.faces].all(axis=1)]].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normals, axis=1)
    face = rng.choice(len(corners), count, p=area / area.sum())
    u, v = rng.uniform(size=(2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    a, b, c = corners[face].transpose(1, 0, 2)
    return (a + u * (b - a) + v * (c - a)).astype(np.float32)


def nearest(points: Floats, vertices: Floats) -> NDArray[np.int64]:
    """Index of the nearest vertex. [N]"""
    pieces = torch.from_numpy(points).split(2048)
    return torch.cat(
        [torch.cdist(piece, torch.from_numpy(vertices)).argmin(dim=1) for piece in pieces]
    ).numpy()


def write_points(path: Path, points: Floats) -> None:
    """A binary .ply with nothing but x, y, z."""
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    lines += [f"property float {axis}" for axis in "xyz"]
    path.write_bytes("\n".join([*lines, "end_header\n"]).encode() + points.astype("<f4").tobytes())


class SapiensStandIn(torch.nn.Module):
    """Answers in Sapiens' shape: patches of 16 pixels through one linear map and a norm."""

    PATCH = 16

    def __init__(self, width: int) -> None:
        super().__init__()
        self.patches = torch.nn.Conv2d(3, width, self.PATCH, stride=self.PATCH)
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """[1, 3, S, S] to one feature map [1, width, S / 16, S / 16]."""
        return (self.norm(self.patches(image).permute(0, 2, 3, 1)).permute(0, 3, 1, 2),)


def write_sapiens(path: Path, config: LhmConfig, seed: int) -> None:
    """The stand-in as a TorchScript file."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        module = SapiensStandIn(config.context_width).eval()
    example = torch.zeros(1, 3, config.sapiens_resolution, config.sapiens_resolution)
    with torch.no_grad():
        torch.jit.trace(module, example, check_trace=False).save(str(path))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", choices=MODELS, default="tiny")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for path in write_model(arguments.folder, MODELS[arguments.model](), arguments.seed):
        sys.stdout.write(f"{path.stat().st_size / 1e6:10.1f} MB  {path}\n")


if __name__ == "__main__":
    main()
