"""The avatar: what crosses from the engine to Blender, and nothing else does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import float_array, require_shape
from .body import JOINT_COUNT
from .errors import AvatarError
from .shape import padded_betas
from .skinning import forward_kinematics, skin_gaussians

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from .arrays import Float
    from .binding import Binding
    from .body import BodyParams
    from .face import FaceSpace
    from .gaussians import Gaussians
    from .shape import ShapeSpace

SEEN_FILLED, SEEN_MIRRORED, SEEN_PHOTO = 0, 1, 2
"""How much the photo says about a Gaussian: nothing (filled in), its mirror image, or it is in the photo."""


@dataclass(frozen=True)
class Avatar:
    """A person as Gaussians that follow a skeleton. Body axes, metres.

    Args:
        gaussians: In the rest pose: the zero pose of this person's shape.
        binding: The joints each Gaussian follows.
        params: Shape, and the pose in the photo.
        joints: Rest joints. [55, 3]
        seen: ``SEEN_FILLED``, ``SEEN_MIRRORED`` or ``SEEN_PHOTO``. [N]
        metadata: JSON values only: engine, settings, photo_sha256, versions, licences, warnings.
        shape: How betas move Gaussians and joints, if that is known; ``params`` then has as many betas.
        face: What the face can do, if that is known.

    Raises:
        ValueError: If the parts do not fit together.
    """

    gaussians: Gaussians
    binding: Binding
    params: BodyParams
    joints: Float
    seen: NDArray[np.uint8]
    metadata: dict[str, Any] = field(default_factory=dict)
    shape: ShapeSpace | None = None
    face: FaceSpace | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "joints", float_array("joints", self.joints, (JOINT_COUNT, 3)))
        object.__setattr__(self, "seen", np.ascontiguousarray(self.seen, np.uint8))
        require_shape("seen", self.seen, (self.gaussians.count,))
        require_shape("joint_indices", self.binding.joint_indices, (self.gaussians.count, None))
        used = self.binding.joint_indices
        if used.size and not 0 <= used.min() <= used.max() < JOINT_COUNT:
            raise ValueError(
                f"joint_indices must be 0 to {JOINT_COUNT - 1}, got {used.min()} to {used.max()}"
            )
        if self.shape is not None:
            require_shape("shape_mean_dirs", self.shape.mean_dirs, (self.gaussians.count, 3, None))
            require_shape("betas", self.params.betas, (self.shape.count,))
        if self.face is not None and self.face.indices.size and self.face.indices[-1] >= self.gaussians.count:
            raise ValueError(
                f"the face must move Gaussians below {self.gaussians.count}, got {self.face.indices[-1]}"
            )

    def posed(self, params: BodyParams) -> Gaussians:
        """The Gaussians in a pose; betas and expression of ``params`` are ignored, the shape is baked in.

        Args:
            params: Pose and translation, body axes.
        """
        return skin_gaussians(
            self.gaussians, self.binding, forward_kinematics(self.joints, params.pose(), params.transl)
        )

    def reshaped(self, betas: Float) -> Avatar:
        """The same avatar with other betas; pose and translation of the pelvis stay as they are.

        Args:
            betas: At most as many as the shape has; the others are zero. [<=S]

        Raises:
            AvatarError: If the avatar does not know how betas move it.
            ValueError: If there are more betas than the shape has.
        """
        if self.shape is None:
            raise AvatarError(
                "This avatar keeps no shape that can be changed. Reconstruct it again from its photo."
            )
        if np.ndim(betas) != 1 or len(betas) > self.shape.count:
            raise ValueError(f"betas must have shape (at most {self.shape.count},), got {np.shape(betas)}")
        wanted = padded_betas(betas, self.shape.count)
        change = wanted.astype(np.float64) - self.params.betas
        return replace(
            self,
            gaussians=replace(self.gaussians, means=self.gaussians.means + self.shape.mean_dirs @ change),
            joints=self.joints + self.shape.joint_dirs @ change,
            params=replace(self.params, betas=wanted),
        )

    def with_face(self, weights: Mapping[str, float]) -> Avatar:
        """The same avatar making a face, at rest.

        Args:
            weights: Of its face shapes; those not named are zero.

        Raises:
            AvatarError: If the avatar has no face shapes.
            ValueError: If a name is unknown.
        """
        if self.face is None:
            raise AvatarError(
                "This avatar keeps no face that can be moved. Reconstruct it again from its photo."
            )
        means = self.gaussians.means.copy()
        means[self.face.indices] += self.face.moved(weights)
        return replace(self, gaussians=replace(self.gaussians, means=means))

    def ground_height(self) -> float:
        """Height of the soles in the rest pose, metres, body axes (y)."""
        return float(np.quantile(self.gaussians.means[:, 1], 0.001))
