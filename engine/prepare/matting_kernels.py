"""The matting Laplacian without its matrix: sums over windows of 3 × 3 pixels."""

from __future__ import annotations

import numpy as np

from ..raster.jit import exact_kernel

# Untyped arguments: numba takes the types of the arrays it is given. float64 throughout.


@exact_kernel
def statistics(image, middles, epsilon):
    """Mean colour and inverse covariance of windows.

    Args:
        image: [H, W, 3]
        middles: Row and column of each window's middle pixel. [K, 2]
        epsilon: Added to the variances.

    Returns:
        [K, 3] and, as xx, xy, xz, yy, yz, zz, [K, 6].
    """
    count = len(middles)
    mean = np.zeros((count, 3))
    inverse = np.zeros((count, 6))
    for k in range(count):
        y, x = middles[k]
        for i in range(y - 1, y + 2):
            for j in range(x - 1, x + 2):
                for c in range(3):
                    mean[k, c] += image[i, j, c] / 9
        xx = yy = zz = epsilon
        xy = xz = yz = 0.0
        for i in range(y - 1, y + 2):
            for j in range(x - 1, x + 2):
                r = image[i, j, 0] - mean[k, 0]
                g = image[i, j, 1] - mean[k, 1]
                b = image[i, j, 2] - mean[k, 2]
                xx += r * r / 9
                xy += r * g / 9
                xz += r * b / 9
                yy += g * g / 9
                yz += g * b / 9
                zz += b * b / 9
        a, d, e = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
        scale = 1 / (xx * a + xy * d + xz * e)
        inverse[k, 0], inverse[k, 1], inverse[k, 2] = a * scale, d * scale, e * scale
        inverse[k, 3] = (xx * zz - xz * xz) * scale
        inverse[k, 4] = (xy * xz - xx * yz) * scale
        inverse[k, 5] = (xx * yy - xy * xy) * scale
    return mean, inverse


@exact_kernel
def diagonal(image, middles, mean, inverse):
    """The Laplacian's diagonal. [H, W]"""
    out = np.zeros(image.shape[:2])
    for k in range(len(middles)):
        y, x = middles[k]
        n = inverse[k]
        for i in range(y - 1, y + 2):
            for j in range(x - 1, x + 2):
                r = image[i, j, 0] - mean[k, 0]
                g = image[i, j, 1] - mean[k, 1]
                b = image[i, j, 2] - mean[k, 2]
                away = n[0] * r * r + n[3] * g * g + n[5] * b * b
                away += 2 * (n[1] * r * g + n[2] * r * b + n[4] * g * b)
                out[i, j] += 1 - (1 + away) / 9
    return out


@exact_kernel
def add_product(image, middles, mean, inverse, alpha, out):
    """Add the Laplacian times alpha to `out`: what each window's best linear function of colour leaves over.

    Args:
        image: [H, W, 3]
        middles: [K, 2]
        mean: [K, 3]
        inverse: [K, 6]
        alpha: [H, W]
        out: Changed. [H, W]
    """
    for k in range(len(middles)):
        y, x = middles[k]
        m0, m1, m2 = mean[k]
        average = s0 = s1 = s2 = 0.0
        for i in range(y - 1, y + 2):
            for j in range(x - 1, x + 2):
                a = alpha[i, j] / 9
                average += a
                s0 += a * (image[i, j, 0] - m0)
                s1 += a * (image[i, j, 1] - m1)
                s2 += a * (image[i, j, 2] - m2)
        n = inverse[k]
        b0 = n[0] * s0 + n[1] * s1 + n[2] * s2
        b1 = n[1] * s0 + n[3] * s1 + n[4] * s2
        b2 = n[2] * s0 + n[4] * s1 + n[5] * s2
        level = average - b0 * m0 - b1 * m1 - b2 * m2
        for i in range(y - 1, y + 2):
            for j in range(x - 1, x + 2):
                line = level + b0 * image[i, j, 0] + b1 * image[i, j, 1] + b2 * image[i, j, 2]
                out[i, j] += alpha[i, j] - line
