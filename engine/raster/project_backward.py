"""The gradient of projection: from ellipses on the image back to Gaussians in the world.

Letters as in ``ewa``; ``v_x`` is the derivative of the loss by x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import prange

from .ewa import along_axes, cross_square, dot, rotation, slope, to_camera, unit_quat, view_rows
from .jit import HALF, MIN_BLUR_RATIO, TWO, ZERO, kernel, parallel_kernel
from .project import CONIC_XX, CONIC_XY, CONIC_YY, DEPTH, MEAN_X, MEAN_Y, OPACITY

if TYPE_CHECKING:
    from .values import Array, Five, Four, Indices, Rows, Scalar, Triple


@kernel
def _covariance_gradient(splats: Array, k: int, totals: Array, i: int) -> Triple:
    """Gradient by the covariance's entries xx, xy, yy from that by the conic, its inverse."""
    xx, xy, yy = splats[k, CONIC_XX], splats[k, CONIC_XY], splats[k, CONIC_YY]
    v_xx, v_xy, v_yy = totals[i, CONIC_XX], totals[i, CONIC_XY] * HALF, totals[i, CONIC_YY]
    top_x, top_y = xx * v_xx + xy * v_xy, xx * v_xy + xy * v_yy
    low_x, low_y = xy * v_xx + yy * v_xy, xy * v_xy + yy * v_yy
    return -(top_x * xx + top_y * xy), -TWO * (top_x * xy + top_y * yy), -(low_x * xy + low_y * yy)


@kernel
def _blur_gradient(p: Triple, q: Triple, eps2d: Scalar) -> Triple:
    """Derivative of the logarithm of ``blur_factor`` by xx, xy, yy; zero where its floor holds."""
    xx, xy, yy = dot(p, p), dot(p, q), dot(q, q)
    sharp = cross_square(p, q)
    det = sharp + eps2d * (xx + yy + eps2d)
    if sharp <= MIN_BLUR_RATIO * det:
        return ZERO, ZERO, ZERO
    return (
        HALF * (yy / sharp - (yy + eps2d) / det),
        xy / det - xy / sharp,
        HALF * (xx / sharp - (xx + eps2d) / det),
    )


@kernel
def _combine(u: Scalar, a: Triple, v: Scalar, b: Triple) -> Triple:
    """Two triples, weighted: u a + v b."""
    return u * a[0] + v * b[0], u * a[1] + v * b[1], u * a[2] + v * b[2]


@kernel
def _product(a: Triple, b: Triple) -> Triple:
    """Componentwise product of two triples."""
    return a[0] * b[0], a[1] * b[1], a[2] * b[2]


@kernel
def _rows_dot(rot: Rows, a: Triple) -> Triple:
    """Matrix, given by its rows, times a triple."""
    return dot(rot[0], a), dot(rot[1], a), dot(rot[2], a)


@kernel
def _store_quat(v_quats: Array, i: int, quat: Five, m: Rows) -> None:
    """Gradient by the quaternion as given, from that by its rotation matrix (rows ``m``).

    The last step removes the part along the quaternion: its length does not matter.
    """
    w, x, y, z, inverse_norm = quat
    v_w = TWO * (x * (m[2][1] - m[1][2]) + y * (m[0][2] - m[2][0]) + z * (m[1][0] - m[0][1]))
    v_x = TWO * (
        y * (m[0][1] + m[1][0])
        + z * (m[0][2] + m[2][0])
        + w * (m[2][1] - m[1][2])
        - TWO * x * (m[1][1] + m[2][2])
    )
    v_y = TWO * (
        x * (m[0][1] + m[1][0])
        + z * (m[1][2] + m[2][1])
        + w * (m[0][2] - m[2][0])
        - TWO * y * (m[0][0] + m[2][2])
    )
    v_z = TWO * (
        x * (m[0][2] + m[2][0])
        + y * (m[1][2] + m[2][1])
        + w * (m[1][0] - m[0][1])
        - TWO * z * (m[0][0] + m[1][1])
    )
    along = v_w * w + v_x * x + v_y * y + v_z * z
    v_quats[i, 0] = (v_w - along * w) * inverse_norm
    v_quats[i, 1] = (v_x - along * x) * inverse_norm
    v_quats[i, 2] = (v_y - along * y) * inverse_norm
    v_quats[i, 3] = (v_z - along * z) * inverse_norm


@kernel
def _camera_gradient(t: Triple, j: Four, v_j: Four, totals: Array, i: int, camera: Array) -> Triple:
    """Gradient by the mean in camera axes.

    Args:
        t: Mean in camera axes.
        j: (j0, j2, k1, k2) from ``slope``.
        v_j: Gradient by them.
        totals: Gradients by screen mean and depth. [N, 10]
        i: Row of ``totals``.
        camera: From ``pack_camera``.
    """
    tx, ty, tz = t
    j0, j2, k1, k2 = j
    v_j0, v_j2, v_k1, v_k2 = v_j
    v_mx, v_my = totals[i, MEAN_X], totals[i, MEAN_Y]
    v_tx, v_ty = v_mx * j0, v_my * k1
    v_tz = totals[i, DEPTH] - (v_tx * tx + v_ty * ty + v_j0 * j0 + v_k1 * k1) / tz
    # j2 = -fx ux / z^2, with ux = tx inside the margin and proportional to z outside of it.
    if camera[4] * tz <= tx <= camera[5] * tz:
        v_tx -= v_j2 * j0 / tz
        v_tz -= TWO * v_j2 * j2 / tz
    else:
        v_tz -= v_j2 * j2 / tz
    if camera[6] * tz <= ty <= camera[7] * tz:
        v_ty -= v_k2 * k1 / tz
        v_tz -= TWO * v_k2 * k2 / tz
    else:
        v_tz -= v_k2 * k2 / tz
    return v_tx, v_ty, v_tz


@parallel_kernel
def project_backward(
    order: Indices,
    splats: Array,
    means: Array,
    quats: Array,
    scales: Array,
    opacities: Array,
    viewmat: Array,
    camera: Array,
    eps2d: Scalar,
    antialiased: bool,
    totals: Array,
    v_means: Array,
    v_quats: Array,
    v_scales: Array,
    v_opacities: Array,
) -> None:
    """Carry the gradients of the drawn Gaussians' splat rows to means, quats, scales and opacities.

    Args:
        order: Drawn Gaussians. [M]
        splats: Their rows. [M, 11]
        means: As in ``project``, like the next six. [N, 3]
        quats: [N, 4]
        scales: [N, 3]
        opacities: [N]
        viewmat: [4, 4]
        camera: [10]
        eps2d: Pixels squared.
        antialiased: As in the forward pass.
        totals: Gradient by each Gaussian's splat row. [N, 10]
        v_means: Filled for drawn Gaussians. [N, 3]
        v_quats: Likewise. [N, 4]
        v_scales: Likewise. [N, 3]
        v_opacities: Likewise. [N]
    """
    for k in prange(order.shape[0]):
        i = order[k]
        t = to_camera(means, i, viewmat)
        quat = unit_quat(quats, i)
        rot = rotation(quat[0], quat[1], quat[2], quat[3])
        s = (scales[i, 0], scales[i, 1], scales[i, 2])
        j = slope(t[0], t[1], t[2], camera)
        a, b = view_rows(j[0], j[1], j[2], j[3], viewmat)
        p, q = along_axes(a, rot, s), along_axes(b, rot, s)

        v_xx, v_xy, v_yy = _covariance_gradient(splats, k, totals, i)
        v_opacity = totals[i, OPACITY]
        v_opacities[i] = v_opacity
        if antialiased:
            v_log = v_opacity * splats[k, OPACITY]
            by_xx, by_xy, by_yy = _blur_gradient(p, q, eps2d)
            v_xx += v_log * by_xx
            v_xy += v_log * by_xy
            v_yy += v_log * by_yy
            v_opacities[i] = v_log / opacities[i]

        v_p, v_q = _combine(TWO * v_xx, p, v_xy, q), _combine(TWO * v_yy, q, v_xy, p)
        v_m = (  # rows of the gradient by M
            _combine(a[0], v_p, b[0], v_q),
            _combine(a[1], v_p, b[1], v_q),
            _combine(a[2], v_p, b[2], v_q),
        )
        for axis in range(3):
            v_scales[i, axis] = (
                rot[0][axis] * v_m[0][axis] + rot[1][axis] * v_m[1][axis] + rot[2][axis] * v_m[2][axis]
            )
        _store_quat(v_quats, i, quat, (_product(v_m[0], s), _product(v_m[1], s), _product(v_m[2], s)))

        v_a, v_b = _rows_dot(rot, _product(v_p, s)), _rows_dot(rot, _product(v_q, s))
        v_j = (
            viewmat[0, 0] * v_a[0] + viewmat[0, 1] * v_a[1] + viewmat[0, 2] * v_a[2],
            viewmat[2, 0] * v_a[0] + viewmat[2, 1] * v_a[1] + viewmat[2, 2] * v_a[2],
            viewmat[1, 0] * v_b[0] + viewmat[1, 1] * v_b[1] + viewmat[1, 2] * v_b[2],
            viewmat[2, 0] * v_b[0] + viewmat[2, 1] * v_b[1] + viewmat[2, 2] * v_b[2],
        )
        v_t = _camera_gradient(t, j, v_j, totals, i, camera)
        for axis in range(3):
            v_means[i, axis] = (
                viewmat[0, axis] * v_t[0] + viewmat[1, axis] * v_t[1] + viewmat[2, axis] * v_t[2]
            )
