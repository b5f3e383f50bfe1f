"""Joint chains and rotations in torch, batched; the numpy twins are engine.avatar.skinning and rotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from ..avatar.body import JOINT_PARENTS

if TYPE_CHECKING:
    from torch import Tensor

_SMALLEST_PIVOT = 0.1


def matrix_from_rotvec(rotvec: Tensor) -> Tensor:
    """Axis-angle to rotation matrices.

    Args:
        rotvec: Radians. [..., 3]

    Returns:
        [..., 3, 3]
    """
    half = 0.5 * rotvec.norm(dim=-1, keepdim=True)
    # sin(a/2) / a; torch's sinc is sin(pi x) / (pi x).
    quat = torch.cat([half.cos(), 0.5 * torch.sinc(half / torch.pi) * rotvec], dim=-1)
    w, x, y, z = quat.unbind(-1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def chain(rotations: Tensor, joints: Tensor) -> tuple[Tensor, Tensor]:
    """Follow the tree from the pelvis.

    Args:
        rotations: Local rotation of each joint. [B, 55, 3, 3]
        joints: Where the joints rest, metres. [B, 55, 3]

    Returns:
        Posed joints [B, 55, 3], and ``posed_from_rest`` [B, 55, 4, 4].

    Source: Loper et al. 2015, eq. 3 and 4.
    """
    turns, heads = [rotations[:, 0]], [joints[:, 0]]
    for joint, parent in enumerate(JOINT_PARENTS[1:], start=1):
        bone = joints[:, joint] - joints[:, parent]
        turns.append(turns[parent] @ rotations[:, joint])
        heads.append(heads[parent] + (turns[parent] @ bone[..., None])[..., 0])
    turn, head = torch.stack(turns, dim=1), torch.stack(heads, dim=1)
    shift = head - (turn @ joints[..., None])[..., 0]
    return head, rigid(turn, shift)


def rigid(turn: Tensor, shift: Tensor) -> Tensor:
    """4x4 matrices from [..., 3, 3] and [..., 3]."""
    return functional.pad(torch.cat([turn, shift[..., None]], dim=-1), (0, 0, 0, 1)) + _corner(turn)


def _corner(like: Tensor) -> Tensor:
    corner = like.new_zeros(4, 4)
    corner[3, 3] = 1
    return corner


def blend(posed_from_rest: Tensor, joint_weights: Tensor) -> Tensor:
    """Weighted mean of the joints' transforms for each point.

    Args:
        posed_from_rest: [B, 55, 4, 4]
        joint_weights: One column per joint, rows sum to one. [N, 55]

    Returns:
        [B, N, 4, 4]
    """
    return (joint_weights @ posed_from_rest.flatten(2)).unflatten(2, (4, 4))


def apply(transforms: Tensor, points: Tensor) -> Tensor:
    """Move points, each by its own transform.

    Args:
        transforms: [..., N, 4, 4]
        points: [..., N, 3]

    Returns:
        [..., N, 3]
    """
    return (transforms[..., :3, :3] @ points[..., None])[..., 0] + transforms[..., :3, 3]


def quat_from_blended(matrix: Tensor) -> Tensor:
    """The quaternion that LHM takes from a blended matrix, which is no rotation.

    Args:
        matrix: [..., 3, 3]

    Returns:
        Unit w, x, y, z with w >= 0. It is not that of the nearest rotation, but networks and their weights
        were trained with it. [..., 4]

    Source: the four equivalent formulas of Shepperd 1978, with PyTorch3D's guard of the pivot.
    """
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrix.flatten(-2).unbind(-1)
    squares = torch.stack([m00 + m11 + m22, m00 - m11 - m22, m11 - m00 - m22, m22 - m00 - m11], dim=-1) + 1
    pivots = squares.clamp(min=0).sqrt()
    own = pivots**2
    wx, wy, wz = m21 - m12, m02 - m20, m10 - m01
    xy, xz, yz = m10 + m01, m02 + m20, m12 + m21
    rows = [
        *(own[..., 0], wx, wy, wz),
        *(wx, own[..., 1], xy, xz),
        *(wy, xy, own[..., 2], yz),
        *(wz, xz, yz, own[..., 3]),
    ]
    candidates = torch.stack(rows, dim=-1).unflatten(-1, (4, 4))
    candidates = candidates / (2 * pivots[..., None].clamp(min=_SMALLEST_PIVOT))
    chosen = pivots.argmax(dim=-1)[..., None, None].expand(*matrix.shape[:-2], 1, 4)
    quat = candidates.gather(-2, chosen)[..., 0, :]
    return functional.normalize(upward(quat), dim=-1)


def upward(quat: Tensor) -> Tensor:
    """The one of two equal quaternions whose w is not negative. [..., 4]"""
    return torch.where(quat[..., :1] < 0, -quat, quat)


def quat_multiply(a: Tensor, b: Tensor) -> Tensor:
    """The rotation ``b`` followed by ``a``; w, x, y, z. [..., 4]"""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    product = [
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    ]
    return torch.stack(product, dim=-1)
