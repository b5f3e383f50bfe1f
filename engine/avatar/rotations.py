"""Rotations: axis-angle vectors, matrices and quaternions (w, x, y, z).

Every function takes any leading shape and keeps the precision of its input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .arrays import Float

_TINY = 1e-12


def quat_from_rotvec(rotvec: Float) -> Float:
    """Axis-angle vectors (radians) to unit quaternions.

    Args:
        rotvec: Axis times angle. [..., 3]

    Returns:
        w, x, y, z. [..., 4]
    """
    rotvec = np.asarray(rotvec)
    half = 0.5 * np.linalg.norm(rotvec, axis=-1, keepdims=True)
    # numpy's sinc is sin(pi x) / (pi x): exact at zero, no division.
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * rotvec], axis=-1)


def rotvec_from_quat(quat: Float) -> Float:
    """Quaternions of any length to axis-angle vectors of angle 0..pi.

    Args:
        quat: w, x, y, z. [..., 4]

    Returns:
        Axis times angle, radians. [..., 3]
    """
    quat = np.asarray(quat)
    quat = np.where(quat[..., :1] < 0, -quat, quat)
    length = np.linalg.norm(quat[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(length, quat[..., :1])
    scale = np.where(
        length > _TINY, angle / np.maximum(length, _TINY), 2.0 / np.maximum(quat[..., :1], _TINY)
    )
    return scale * quat[..., 1:]


def matrix_from_quat(quat: Float) -> Float:
    """Quaternions of any length to rotation matrices.

    Args:
        quat: w, x, y, z. [..., 4]

    Returns:
        [..., 3, 3]
    """
    quat = np.asarray(quat)
    w, x, y, z = np.moveaxis(quat / np.linalg.norm(quat, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrix_from_rotvec(rotvec: Float) -> Float:
    """Axis-angle vectors to rotation matrices (Rodrigues).

    Args:
        rotvec: Axis times angle, radians. [..., 3]

    Returns:
        [..., 3, 3]
    """
    return matrix_from_quat(quat_from_rotvec(rotvec))


def quat_from_matrix(matrix: Float) -> Float:
    """Rotation matrices to unit quaternions with w >= 0.

    Args:
        matrix: Proper rotations. [..., 3, 3]

    Returns:
        w, x, y, z. [..., 4]

    Source: Shepperd 1978: of the four equivalent formulas, take the one with the largest pivot.
    """
    m = np.asarray(matrix)
    trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
    # Row k is four times component k times the quaternion itself.
    candidates = np.empty((*m.shape[:-2], 4, 4), m.dtype)
    skew = [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]]
    candidates[..., 0, 0] = 1 + trace
    for i in range(3):
        candidates[..., 0, i + 1] = candidates[..., i + 1, 0] = skew[i]
        candidates[..., i + 1, i + 1] = 1 + 2 * m[..., i, i] - trace
        for j in range(i + 1, 3):
            candidates[..., i + 1, j + 1] = candidates[..., j + 1, i + 1] = m[..., i, j] + m[..., j, i]
    pivot = np.argmax(np.diagonal(candidates, axis1=-2, axis2=-1), axis=-1)
    quat = np.take_along_axis(candidates, pivot[..., None, None], axis=-2)[..., 0, :]
    quat = quat / np.linalg.norm(quat, axis=-1, keepdims=True)
    return np.where(quat[..., :1] < 0, -quat, quat)


def rotvec_from_matrix(matrix: Float) -> Float:
    """Rotation matrices to axis-angle vectors (radians).

    Args:
        matrix: Proper rotations. [..., 3, 3]

    Returns:
        [..., 3]
    """
    return rotvec_from_quat(quat_from_matrix(matrix))


def quat_multiply(a: Float, b: Float) -> Float:
    """Quaternion product: the rotation ``b`` followed by ``a``.

    Args:
        a: w, x, y, z. [..., 4]
        b: w, x, y, z. [..., 4]

    Returns:
        [..., 4]
    """
    aw, ax, ay, az = np.moveaxis(np.asarray(a), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b), -1, 0)
    product = [
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    ]
    return np.stack(product, axis=-1)


def quat_conjugate(quat: Float) -> Float:
    """The inverse of unit quaternions.

    Args:
        quat: w, x, y, z. [..., 4]

    Returns:
        [..., 4]
    """
    return np.asarray(quat) * np.array([1, -1, -1, -1], np.asarray(quat).dtype)


def continuous(quats: Float) -> Float:
    """Choose the sign of each quaternion so that it is near the one before; q and -q are the same turn.

    Without this, interpolation between two keys may take the long way round.

    Args:
        quats: w, x, y, z. [F, ..., 4]

    Returns:
        [F, ..., 4]
    """
    flips = np.where((quats[1:] * quats[:-1]).sum(axis=-1, keepdims=True) < 0, -1.0, 1.0)
    signs = np.concatenate([np.ones_like(quats[:1, ..., :1]), np.cumprod(flips, axis=0)])
    return quats * signs


def polar_rotation(matrix: Float) -> Float:
    """The rotation nearest to each matrix (the orthogonal polar factor, never a reflection).

    Args:
        matrix: Any matrices. [..., 3, 3]

    Returns:
        Proper rotations. [..., 3, 3]

    Source: Higham 1986, by the singular value decomposition.
    """
    u, _, vt = np.linalg.svd(matrix)
    flip = np.ones((*matrix.shape[:-2], 3), matrix.dtype)
    flip[..., 2] = np.sign(np.linalg.det(u @ vt))
    return (u * flip[..., None, :]) @ vt


def slerp(a: Float, b: Float, share: Float) -> Float:
    """The turn between two, the short way.

    Args:
        a: Unit quaternions. [..., 4]
        b: The same. [..., 4]
        share: 0 gives a, 1 gives b. [...]

    Returns:
        [..., 4]

    Source: Shoemake 1985, Animating Rotation with Quaternion Curves.
    """
    cosine = (a * b).sum(axis=-1)
    b = np.where(cosine[..., None] < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0, 1))
    sine = np.sin(angle)
    near = sine < 1e-6
    safe = np.where(near, 1.0, sine)
    first = np.where(near, 1 - share, np.sin((1 - share) * angle) / safe)
    second = np.where(near, share, np.sin(share * angle) / safe)
    mixed = first[..., None] * a + second[..., None] * b
    return mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)


def turn_between(a: Float, b: Float) -> Float:
    """The smallest turn from one direction to another; of opposite ones, about any axis across.

    Args:
        a: Vectors of any length but zero. [..., 3]
        b: The same. [..., 3]

    Returns:
        [..., 3, 3]
    """
    axis = np.cross(a, b)
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    cosine = (a * b).sum(axis=-1, keepdims=True)
    square = np.cross(a, np.eye(3)[np.abs(a).argmin(axis=-1)])
    square /= np.linalg.norm(square, axis=-1, keepdims=True) + _TINY
    across = sine > _TINY * np.abs(cosine)
    return matrix_from_rotvec(
        np.arctan2(sine, cosine) * np.where(across, axis / np.maximum(sine, _TINY), square)
    )
