"""What a picture is made from. World axes are Blender's, metres; light is scene-linear."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # Kernels take what they are given, so the two differ in what is meant, not in what is allowed.
    Array = NDArray[np.floating[Any]]
    Doubles = NDArray[np.floating[Any]]
    Ints = NDArray[np.int32]
    Flags = NDArray[np.bool_]

# What a triangle does with light.
MATTE, EMITTING, CATCHER, HOLDOUT = range(4)

SQUEEZE = 1e-5
"""Depth of a camera with parallel rays, whose z is 1 + SQUEEZE times metres: a perspective one from afar."""


@dataclass(frozen=True)
class Camera:
    """A pinhole.

    Args:
        viewmat: OpenCV camera from world. Rounded to float32, so that the depth of meshes and of splats is
            one and the same number. [4, 4]
        K: Intrinsics, pixels, centres at +0.5. [3, 3]
        width: Pixels.
        height: Pixels.
        near: What is nearer is not seen, metres.
        far: Nor is what is farther.
        squeeze: `SQUEEZE` for parallel rays, else 0.
    """

    viewmat: Doubles
    K: Doubles
    width: int
    height: int
    near: float = 0.01
    far: float = 1e10
    squeeze: float = 0.0
    _rounded: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Squeezed, a digit of float32 is millimetres; what rounding takes from all depths alike is known.
        rounded = float(np.float32(self.viewmat[2][3])) - float(self.viewmat[2][3])
        object.__setattr__(self, "_rounded", rounded if self.squeeze else 0.0)
        for name in ("viewmat", "K"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float32).astype(np.float64))

    def z(self, depth: float) -> float:
        """Metres along the axis to the rasterizer's z."""
        return 1 + self._rounded + depth * self.squeeze if self.squeeze else depth

    def depth(self, z: Any) -> Any:
        """And back."""
        return (z - 1 - self._rounded) / self.squeeze if self.squeeze else z

    def to_view(self, points: Doubles) -> Doubles:
        """World to camera, last axis. [..., 3]"""
        return points @ self.viewmat[:3, :3].T + self.viewmat[:3, 3]

    def eye(self) -> Doubles:
        """The centre as x, y, z, 1, or for parallel rays where they come from: x, y, z, 0. [4]"""
        axis = self.viewmat[2, :3]
        if self.squeeze:
            return np.append(-axis / np.linalg.norm(axis), 0.0)
        return np.append(-self.viewmat[:3, :3].T @ self.viewmat[:3, 3], 1.0)


@dataclass(frozen=True)
class Splats:
    """N Gaussians.

    Args:
        means: [N, 3]
        quats: w, x, y, z. [N, 4]
        scales: [N, 3]
        opacities: [N]
        colors: Display space. [N, 3]
        holdout: 1 where it cuts a hole. [N]
        owner: Which avatar. [N]
        seen: What its photos say, see ``avatar.avatar``. [N]
        camera: Whether the camera sees it. [N]
        shadow: Whether it casts shadows. [N]
    """

    means: Array
    quats: Array
    scales: Array
    opacities: Array
    colors: Array
    holdout: Array
    owner: Ints
    seen: Ints
    camera: Flags
    shadow: Flags

    def take(self, chosen: Flags) -> Splats:
        """Those that a mask names."""
        return Splats(**{item.name: getattr(self, item.name)[chosen] for item in fields(Splats)})


@dataclass(frozen=True)
class Meshes:
    """T triangles.

    Args:
        corners: [T, 3, 3]
        normals: At the corners, any side. [T, 3, 3]
        colors: Reflected share, or light given off. [T, 3]
        kinds: MATTE, EMITTING, CATCHER or HOLDOUT. [T]
        index: Pass index of the object. [T]
        camera: Whether the camera sees it. [T]
        shadow: Whether it casts shadows. [T]
    """

    corners: Array
    normals: Array
    colors: Array
    kinds: NDArray[np.uint8]
    index: Ints
    camera: Flags
    shadow: Flags

    @property
    def count(self) -> int:
        """Number of triangles."""
        return len(self.corners)

    def take(self, chosen: Flags) -> Meshes:
        """Those that a mask names."""
        return Meshes(**{item.name: getattr(self, item.name)[chosen] for item in fields(Meshes)})


@dataclass(frozen=True)
class Lamp:
    """A light of the scene, in Blender's words.

    Args:
        kind: "SUN", "POINT", "SPOT" or "AREA".
        matrix: World from lamp; it shines along -Z. [4, 4]
        color: Colour times strength: W/m² for a sun, else W. [3]
        size: Of an area along x and y, metres; diameter of a point or spot; a sun's angle, radians. [2]
        round: Whether an area is an ellipse.
        spot: Cone's whole angle, radians, and how soft its edge is, 0..1. [2]
        shadow: Whether it casts shadows.
    """

    kind: str
    matrix: Doubles
    color: Doubles
    size: tuple[float, float] = (0.0, 0.0)
    round: bool = False
    spot: tuple[float, float] = (0.0, 0.0)
    shadow: bool = True


@dataclass(frozen=True)
class Scene:
    """All of it.

    Args:
        splats: Of all avatars.
        meshes: Everything else.
        lamps: Lights.
        ambient: Even light from all around. [3]
    """

    splats: Splats
    meshes: Meshes
    lamps: tuple[Lamp, ...] = ()
    ambient: tuple[float, float, float] = (0.0, 0.0, 0.0)


def cropped(camera: Camera, left: int, top: int, width: int, height: int) -> Camera:
    """A part of the picture, pixels from the upper left corner."""
    K = camera.K.copy()
    K[:2, 2] -= left, top
    return replace(camera, K=K, width=width, height=height)
