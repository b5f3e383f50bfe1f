"""What an avatar in the scene keeps so that its body shape can be changed: attributes and custom properties.

The rest position of a Gaussian is ``shape_base + sum of betas[k] * shape_k``, minus the floor's height. Both
are kept from betas of zero, so that a shape is always computed afresh: a slider dragged for an hour adds up
no rounding.

==================== ============================ =======================================================
where                name                         meaning
==================== ============================ =======================================================
cloud, attribute     ``shape_base``               FLOAT_VECTOR, position with betas zero, body axes
cloud, attribute     ``shape_0``, ``shape_1``, …  FLOAT_VECTOR, metres per unit of beta, body axes
armature, property   ``lhm_joint_base``           rest joints with betas zero, 55 * 3 numbers
armature, property   ``lhm_joint_shape``          joint, axis, beta: 55 * 3 * S numbers
armature, property   ``lhm_betas``                the betas it has now, S numbers
armature, property   ``lhm_photo_betas``          the betas that fit the photo, S numbers
armature, property   ``lhm_height``               from the soles to the top of the head, metres, to be shown
==================== ============================ =======================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..engine.avatar.body import JOINT_COUNT
from ..engine.avatar.errors import AvatarError
from ..engine.avatar.shape import ShapeSpace, padded_betas
from .pointcloud import read_attribute, write_attribute
from .poses import BETAS_KEY

if TYPE_CHECKING:
    import bpy
    from numpy.typing import NDArray

    from ..engine.avatar.arrays import Float
    from ..engine.avatar.avatar import Avatar

BASE, DIRECTION = "shape_base", "shape_"
JOINT_BASE_KEY = "lhm_joint_base"
JOINT_SHAPE_KEY = "lhm_joint_shape"
PHOTO_BETAS_KEY = "lhm_photo_betas"
HEIGHT_KEY = "lhm_height"
PHOTO_BETAS = "photo_betas"
"""In an avatar's metadata: the betas that fit the photo, where its betas are others by now."""

SOLE_QUANTILE = 0.001
"""As Avatar.ground_height: a few stray Gaussians do not lift the person, nor make it taller."""

_AXES = 3 * JOINT_COUNT


@dataclass(frozen=True)
class Shaped:
    """A rest shape, as betas give it. Float64, metres, the avatar's own body axes.

    Args:
        means: [N, 3]
        joints: [55, 3]
    """

    means: NDArray[np.float64]
    joints: NDArray[np.float64]


def store_shape(armature: bpy.types.Object, cloud: bpy.types.PointCloud, avatar: Avatar) -> None:
    """Keep the shape space with the objects of an avatar; nothing if it has none.

    Args:
        armature: Of the avatar.
        cloud: Its Gaussians, in the avatar's order.
        avatar: As it is built; any height of the floor.
    """
    shape, betas = avatar.shape, avatar.params.betas
    if shape is None:
        return
    means = avatar.gaussians.means - shape.mean_dirs.astype(np.float64) @ betas
    write_attribute(cloud, BASE, "FLOAT_VECTOR", means)
    for k in range(shape.count):
        write_attribute(cloud, f"{DIRECTION}{k}", "FLOAT_VECTOR", shape.mean_dirs[:, :, k])
    joints = avatar.joints - shape.joint_dirs.astype(np.float64) @ betas
    armature[JOINT_BASE_KEY] = joints.ravel().tolist()
    armature[JOINT_SHAPE_KEY] = shape.joint_dirs.ravel().tolist()
    armature[BETAS_KEY] = betas.tolist()
    photo = np.asarray(avatar.metadata.get(PHOTO_BETAS, betas), np.float32)
    armature[PHOTO_BETAS_KEY] = padded_betas(photo, shape.count).tolist()
    armature[HEIGHT_KEY] = rest_height(avatar.gaussians.means)


def rest_height(means: Float) -> float:
    """How tall a person is, from the soles to the top of the head, metres.

    Args:
        means: At rest, body axes. [N, 3]
    """
    soles, top = np.quantile(means[:, 1], (SOLE_QUANTILE, 1 - SOLE_QUANTILE))
    return float(top - soles)


def has_shape(armature: bpy.types.Object) -> bool:
    """Whether an avatar came with a shape space."""
    return JOINT_SHAPE_KEY in armature


def beta_count(armature: bpy.types.Object) -> int:
    """How many betas an avatar has that can be changed; 0 without a shape space."""
    return len(_stored(armature, JOINT_SHAPE_KEY)) // _AXES


def present_betas(armature: bpy.types.Object) -> NDArray[np.float32]:
    """The betas an avatar has now. [S]

    Raises:
        AvatarError: If they are lost.
    """
    return _betas(armature, BETAS_KEY)


def photo_betas(armature: bpy.types.Object) -> NDArray[np.float32]:
    """The betas that fit the photo. [S]

    Raises:
        AvatarError: If they are lost.
    """
    return _betas(armature, PHOTO_BETAS_KEY)


def shaped(armature: bpy.types.Object, cloud: bpy.types.PointCloud, betas: Float) -> Shaped:
    """The rest shape that betas give.

    Args:
        armature: Of an avatar with a shape space.
        cloud: Its Gaussians.
        betas: [S]

    Raises:
        AvatarError: If an attribute or a property is lost.
    """
    means = _attribute(armature, cloud, BASE).astype(np.float64)
    for k, beta in enumerate(betas):
        means += float(beta) * _attribute(armature, cloud, f"{DIRECTION}{k}")
    joints = _numbers(armature, JOINT_BASE_KEY, _AXES).reshape(JOINT_COUNT, 3)
    return Shaped(means, joints + _joint_dirs(armature) @ np.asarray(betas, np.float64))


def read_shape(armature: bpy.types.Object, cloud: bpy.types.PointCloud) -> ShapeSpace | None:
    """The shape space as a value; None where the avatar came without one.

    Raises:
        AvatarError: If a part of it is lost.
    """
    if not has_shape(armature):
        return None
    count = len(present_betas(armature))
    dirs = [_attribute(armature, cloud, f"{DIRECTION}{k}") for k in range(count)]
    _attribute(armature, cloud, BASE)
    return ShapeSpace(np.stack(dirs, axis=2), _joint_dirs(armature))


def _joint_dirs(armature: bpy.types.Object) -> NDArray[np.float64]:
    """[55, 3, S]"""
    count = beta_count(armature)
    return _numbers(armature, JOINT_SHAPE_KEY, _AXES * count).reshape(JOINT_COUNT, 3, count)


def _betas(armature: bpy.types.Object, key: str) -> NDArray[np.float32]:
    return _numbers(armature, key, beta_count(armature)).astype(np.float32)


def _stored(armature: bpy.types.Object, key: str) -> NDArray[np.float64]:
    """The numbers of a custom property; none where it is no array."""
    value = armature.get(key)
    return np.array(value.to_list() if hasattr(value, "to_list") else (), np.float64)


def _numbers(armature: bpy.types.Object, key: str, count: int) -> NDArray[np.float64]:
    values = _stored(armature, key)
    if len(values) != count or not count:
        raise AvatarError(
            f"{armature.name!r} has lost its custom property {key} ({count} numbers), without which its "
            "shape cannot be changed. Undo what removed it, or import the avatar again from its file."
        )
    return values


def _attribute(armature: bpy.types.Object, cloud: bpy.types.PointCloud, name: str) -> Float:
    found = cloud.attributes.get(name)
    if found is None or (found.data_type, found.domain) != ("FLOAT_VECTOR", "POINT"):
        raise AvatarError(
            f"The splats of {armature.name!r} have lost the attribute {name}, without which the shape cannot "
            "be changed. Undo what removed it, or import the avatar again from its file."
        )
    return read_attribute(cloud, name)
