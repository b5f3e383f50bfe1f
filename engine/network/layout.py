"""What a released file holds: every key with shape and type, and which of them nothing reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from .key_names import official_key
from .model import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .config import LhmConfig

_BODY = "renderer.smplx_model."
_POSE_FEATURES = 486  # nine numbers for each joint but the pelvis
_FACE_CONTOUR = (79, 17)


class Slot(NamedTuple):
    """Shape and type of one tensor of a file."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def live_layout(config: LhmConfig) -> dict[str, Slot]:
    """What the network reads, by official key."""
    state = blueprint(config).state_dict()
    return {official_key(key): Slot(tuple(tensor.shape), tensor.dtype) for key, tensor in state.items()}


def dead_layout(config: LhmConfig) -> dict[str, Slot]:
    """What lies in the released files and changes no number; a gigabyte, mostly the voxel grid.

    The official code asks the grid for skinning weights and then takes those of the nearest vertex. Pose
    directions, landmarks and the other masks are carried along with the body model.
    """
    points, vertices = config.points, config.vertices
    floats: dict[str, tuple[int, ...]] = {
        "pose_dirs": (_POSE_FEATURES, 3 * points),
        "voxel_ws": (55, *config.voxels),
        "voxel_bbox": (3, 2),
        "smplx_layer.posedirs": (_POSE_FEATURES, 3 * vertices),
        "smplx_layer.lbs_weights": (vertices, 55),
        "smplx_layer.expr_dirs": (vertices, 3, config.expression_count),
        "smplx_layer.left_hand_mean": (45,),
        "smplx_layer.right_hand_mean": (45,),
        "smplx_layer.pose_mean": (165,),
        "smplx_layer.lmk_bary_coords": (51, 3),
        "smplx_layer.dynamic_lmk_bary_coords": (*_FACE_CONTOUR, 3),
    }
    integers: dict[str, tuple[int, ...]] = {
        "smplx_layer.faces_tensor": (config.faces, 3),
        "smplx_layer.lmk_faces_idx": (51,),
        "smplx_layer.dynamic_lmk_faces_idx": _FACE_CONTOUR,
        "smplx_layer.neck_kin_chain": (5,),
        "smplx_layer.vertex_joint_selector.extra_joints_idxs": (21,),
    }
    masks = ("is_rhand", "is_lhand", "is_face", "is_face_expr", "is_lower_body", "is_cavity")
    return {
        **{_BODY + key: Slot(shape, torch.float32) for key, shape in floats.items()},
        **{_BODY + key: Slot(shape, torch.int64) for key, shape in integers.items()},
        **{_BODY + key: Slot((points,), torch.bool) for key in masks},
    }


def released_layout(config: LhmConfig) -> dict[str, Slot]:
    """Everything in a released file, by official key."""
    return live_layout(config) | dead_layout(config)


def byte_count(layout: Mapping[str, Slot]) -> int:
    """Bytes of all tensors."""
    return sum(torch.Size(slot.shape).numel() * slot.dtype.itemsize for slot in layout.values())
