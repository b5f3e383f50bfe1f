"""Our posing on the tiny body of a golden file, and the .ply that the official code made of one view."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import torch
from lhm_avatars.engine.avatar.body import joint_index
from lhm_avatars.engine.avatar.sh import sh_from_rgb
from lhm_avatars.engine.network.body_data import BodyData
from lhm_avatars.engine.network.checkpoint import fill
from lhm_avatars.engine.network.config import LhmConfig
from lhm_avatars.engine.network.gaussian_head import GaussianHead
from lhm_avatars.engine.network.neutral_pose import neutral_pose
from lhm_avatars.engine.network.posing import posed

if TYPE_CHECKING:
    from pathlib import Path

    from lhm_avatars.engine.network.gaussian_head import GaussianAttributes
    from torch import Tensor

    from .golden import Answers, Golden

_JOINTS = ("root_pose", "body_pose", "jaw_pose", "leye_pose", "reye_pose", "lhand_pose", "rhand_pose")
_ARMS_DOWN = torch.pi / 6
_FAINTEST = 1e-3  # opacity in a .ply


def run_body(golden: Golden) -> Answers:
    """Decode, go to the neutral pose, pose every view."""
    settings = golden.settings
    config = LhmConfig(
        name="golden", layers=0, points=settings["N"], image_size=0, vertices=settings["V"],
        shape_count=settings["shape_dim"], expression_count=settings["expr_dim"],
    )  # fmt: skip
    body, head = BodyData(config), GaussianHead(settings["query_dim"], settings["n_neurons"])
    fill(body, golden.weight, "body.")
    fill(head, golden.weight, "gaussian_head.")
    neutral = neutral_pose(body, golden.given("dense_pts"))
    found = head(golden.given("tokens")[0], body.is_upper_body)
    pose, transl = pose_of(golden)
    betas = golden.given("smplx.betas").expand(len(pose), -1)
    views = posed(body, neutral, found, betas, pose, transl, golden.given("smplx.expr")[0])
    a_pose = torch.zeros_like(pose[:1])
    a_pose[0, joint_index("left_shoulder"), 2] = -_ARMS_DOWN
    a_pose[0, joint_index("right_shoulder"), 2] = _ARMS_DOWN
    down = posed(body, neutral, found, betas[:1], a_pose, torch.zeros(1, 3))
    on_body = torch.arange(config.points) < config.body_points
    return {
        "out.query_points": neutral.query_points,
        "out.transform_mat_neutral_pose": neutral.zero_from_neutral,
        "out.is_body_flag": on_body.long(),
        "out.gs.offset_xyz": found.mean_offsets,
        "out.gs.opacity": found.opacities[..., None],
        "out.gs.rotation": found.quats,
        "out.gs.scaling": found.scales,
        "out.gs.shs": found.colors[..., None, :],
        "out.mid.joints_zero_pose": body.joints(betas[:1]),
        "out.mid.posed_joints": views.joints,
        "out.mid.joint_transforms_view": views.posed_from_zero,
        "out.mid.neutral_to_posed_matrix": views.posed_from_neutral,
        "out.views.xyz": views.means,
        "out.views.rotation": views.quats,
        "out.cano_apose.xyz": down.means[0],
        "out.cano_apose.rotation": down.quats[0],
        "mid.nearest_vertex": torch.cdist(golden.given("dense_pts"), body.template).argmin(dim=1),
        **ply_errors(golden, found, views.means, views.quats),
    }


def pose_of(golden: Golden) -> tuple[Tensor, Tensor]:
    """Pose [views, 55, 3] and translation [views, 3] of all views."""
    parts = [golden.given(f"smplx.{name}")[0] for name in _JOINTS]
    pose = torch.cat([part if part.ndim == 3 else part[:, None] for part in parts], dim=1)
    return pose, golden.given("smplx.trans")[0]


def ply_errors(golden: Golden, found: GaussianAttributes, means: Tensor, quats: Tensor) -> dict[str, Tensor]:
    """How far the .ply beside the file is from what we would write there; empty where there is none."""
    match = re.match(r"(\S+\.ply) is out\.views\[(\d+)\]", golden.settings.get("ply", ""))
    if match is None:
        return {}
    theirs, view = read_ply(golden.path.with_name(match[1])), int(match[2])
    opacities = found.opacities.clamp(_FAINTEST, 1 - _FAINTEST)
    ours = {
        "x y z": means[view],
        "nx ny nz": torch.zeros_like(means[view]),
        "f_dc_0 f_dc_1 f_dc_2": torch.from_numpy(sh_from_rgb(found.colors.numpy())),
        "opacity": torch.logit(opacities)[:, None],
        "scale_0 scale_1 scale_2": found.scales.log(),
        "rot_0 rot_1 rot_2 rot_3": quats[view],
    }
    return {
        f"{match[1]}: {names}": (torch.stack([theirs[name] for name in names.split()], dim=1) - own)
        .abs()
        .max()
        for names, own in ours.items()
    }


def read_ply(path: Path) -> dict[str, Tensor]:
    """Columns of a little-endian .ply of floats."""
    header, data = path.read_bytes().split(b"end_header\n", 1)
    names = re.findall(rb"property float (\w+)", header)
    rows = np.frombuffer(data, "<f4").reshape(-1, len(names))
    return {name.decode(): torch.from_numpy(rows[:, i].copy()) for i, name in enumerate(names)}
