"""The projection of one Gaussian, in pieces that the forward and the backward kernel share.

Notation: V, v are rotation and translation of the view matrix; t = V mean + v; J the 2x3 slope of the
perspective projection at t with rows (j0, 0, j2) and (0, k1, k2); a and b the rows of J V; M the rotation
times diag(scales); P = M^T a and Q = M^T b. The projected covariance is [[P.P, P.Q], [P.Q, Q.Q]] + eps2d,
so a 3x3 covariance is never formed.

Source: Zwicker et al. 2001 (EWA splatting), section 6; Kerbl et al. 2023, section 4.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .jit import ONE, TWO, kernel

if TYPE_CHECKING:
    from .values import Array, Five, Four, Rows, Scalar, Triple


@kernel
def to_camera(means: Array, i: int, viewmat: Array) -> Triple:
    """Mean i in camera axes: (x, y, z)."""
    x, y, z = means[i, 0], means[i, 1], means[i, 2]
    return (
        viewmat[0, 0] * x + viewmat[0, 1] * y + viewmat[0, 2] * z + viewmat[0, 3],
        viewmat[1, 0] * x + viewmat[1, 1] * y + viewmat[1, 2] * z + viewmat[1, 3],
        viewmat[2, 0] * x + viewmat[2, 1] * y + viewmat[2, 2] * z + viewmat[2, 3],
    )


@kernel
def unit_quat(quats: Array, i: int) -> Five:
    """Quaternion i as (w, x, y, z, 1 / norm), the first four of unit length."""
    w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
    n = ONE / math.sqrt(w * w + x * x + y * y + z * z)
    return w * n, x * n, y * n, z * n, n


@kernel
def rotation(w: Scalar, x: Scalar, y: Scalar, z: Scalar) -> Rows:
    """Rows of a unit quaternion's matrix."""
    return (
        (ONE - TWO * (y * y + z * z), TWO * (x * y - w * z), TWO * (x * z + w * y)),
        (TWO * (x * y + w * z), ONE - TWO * (x * x + z * z), TWO * (y * z - w * x)),
        (TWO * (x * z - w * y), TWO * (y * z + w * x), ONE - TWO * (x * x + y * y)),
    )


@kernel
def slope(tx: Scalar, ty: Scalar, tz: Scalar, camera: Array) -> Four:
    """J's entries (j0, j2, k1, k2).

    Far outside the view the true slope grows without bound and smears Gaussians over the image, so it is
    taken at the nearest point inside a margin around the view.
    """
    iz = ONE / tz
    ux = min(max(tx * iz, camera[4]), camera[5]) * tz
    uy = min(max(ty * iz, camera[6]), camera[7]) * tz
    j0, k1 = camera[0] * iz, camera[1] * iz
    return j0, -j0 * ux * iz, k1, -k1 * uy * iz


@kernel
def view_rows(j0: Scalar, j2: Scalar, k1: Scalar, k2: Scalar, viewmat: Array) -> tuple[Triple, Triple]:
    """Rows a and b of J V."""
    a = (
        j0 * viewmat[0, 0] + j2 * viewmat[2, 0],
        j0 * viewmat[0, 1] + j2 * viewmat[2, 1],
        j0 * viewmat[0, 2] + j2 * viewmat[2, 2],
    )
    b = (
        k1 * viewmat[1, 0] + k2 * viewmat[2, 0],
        k1 * viewmat[1, 1] + k2 * viewmat[2, 1],
        k1 * viewmat[1, 2] + k2 * viewmat[2, 2],
    )
    return a, b


@kernel
def dot(a: Triple, b: Triple) -> Scalar:
    """Scalar product of two triples."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel
def along_axes(a: Triple, rot: Rows, s: Triple) -> Triple:
    """M^T a: a in the Gaussian's own axes, times its scales."""
    return (
        (a[0] * rot[0][0] + a[1] * rot[1][0] + a[2] * rot[2][0]) * s[0],
        (a[0] * rot[0][1] + a[1] * rot[1][1] + a[2] * rot[2][1]) * s[1],
        (a[0] * rot[0][2] + a[1] * rot[1][2] + a[2] * rot[2][2]) * s[2],
    )


@kernel
def cross_square(p: Triple, q: Triple) -> Scalar:
    """|P x Q|^2: the covariance's determinant without the cancellation of (P.P)(Q.Q) - (P.Q)^2."""
    x = p[1] * q[2] - p[2] * q[1]
    y = p[2] * q[0] - p[0] * q[2]
    z = p[0] * q[1] - p[1] * q[0]
    return x * x + y * y + z * z
