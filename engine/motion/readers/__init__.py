"""Readers of motion files. numpy and the standard library only: Blender's own process reads them."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any

from ...avatar.body import bundled_body
from ...avatar.errors import AvatarError
from ..face.face_take import FaceTake
from ..smplx_take import Recording, recording
from ..take import Take
from .arrays import read_npy, read_npz
from .bvh import read_bvh
from .folders import read_folder, read_json
from .gltf import is_gltf, read_gltf
from .live_link import is_live_link, read_live_link
from .options import Options
from .people import chosen_frames
from .pickles import DAMAGED, load_pickle
from .torch_file import read_torch_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...avatar.body import Body

__all__ = ["FaceTake", "Recording", "Take", "read_motion"]

_HEAD = 4096
_BVH = re.compile(rb"(\xef\xbb\xbf)?(\s|(#|//)[^\n]*\n)*HIERARCHY\s", re.IGNORECASE)
_PICKLE = re.compile(rb"\x80[\x02-\x05]|\(dp?\d*\n|\}q|c[\w.]+\n")
_ELSEWHERE = {
    b"Kaydara FBX": "an FBX file; import it into Blender (File > Import > FBX), then retarget its armature",
    b"; FBX": "an FBX file in text form; save it as binary FBX and import it into Blender",
    b"BLENDER": "a .blend file; append its armature (File > Append), then retarget it",
    b"\x89HDF": "an HDF5 file; save its poses as .npz",
    b"<?xml": "an XML file; if it is Collada, import it into Blender and retarget its armature",
}


def read_motion(
    path: Path,
    *,
    up: str = "auto",
    fps: float | None = None,
    person: int | None = None,
    body: Body | None = None,
    progress: Callable[[float], None] | None = None,
) -> Take | Recording | FaceTake:
    """Read a motion of any known format, found by the content and never by the name.

    Args:
        path: A BVH, glTF, VRMA, npz, npy, JSON, pkl or pt file, a CSV of a face, or a folder with a file per
            frame.
        up: The axis that points up in the file, "y", "z" or "-y"; "auto" judges it.
        fps: Frames per second, if the file is wrong about it or does not say.
        person: Which person of several (in glTF: which animation), from 0; the longest by default.
        body: An SMPL-X body tells the rest joints of a file's shape; our own stands in for its mean.
        progress: Called with the fraction done; what it raises ends the reading.

    Returns:
        A ``Take`` to be retargeted, a ``Recording`` whose joints are ours already, or a ``FaceTake``.

    Raises:
        AvatarError: If the file is damaged, empty, or no motion. The sentence says what to do.
    """
    if fps is not None and not 0 < fps < float("inf"):
        raise AvatarError(f"{fps:g} frames per second cannot be played. Give a number above zero.")
    options = Options(body or bundled_body(), up, fps, person, progress)
    try:
        if path.is_dir():
            return recording(read_folder(path, options), options, path.name)
        with path.open("rb") as file:
            head = file.read(_HEAD)
        return _read_file(path, head, options)
    except OSError as error:
        raise AvatarError(f"{path.name} cannot be read ({error.strerror}). Choose another file.") from error


def _read_file(path: Path, head: bytes, options: Options) -> Take | Recording | FaceTake:
    if not head.strip():
        raise AvatarError(f"{path.name} is empty. Choose another file.")
    if _BVH.match(head):
        return read_bvh(path, options)
    if head.startswith(b"glTF"):
        return read_gltf(path, options)
    if is_live_link(head):
        return read_live_link(path, options)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in (b"{", b"[") and not _PICKLE.match(head):
        tree = read_json(path)
        if is_gltf(tree):
            return read_gltf(path, options)
    else:
        tree = _arrays(path, head)
    return recording(chosen_frames(tree, options, path.name), options, path.stem or path.name)


def _arrays(path: Path, head: bytes) -> Any:
    """What a file of arrays holds."""
    if head.startswith(b"PK"):
        return read_torch_file(path) if _is_torch(path) else read_npz(path)
    if head.startswith(b"\x93NUMPY"):
        return read_npy(path)
    if _PICKLE.match(head):
        with path.open("rb") as file:
            return load_pickle(file, path.name)
    for magic, what in _ELSEWHERE.items():
        if head.startswith(magic):
            raise AvatarError(f"{path.name} is {what}.")
    raise AvatarError(
        f"{path.name} is no motion file that can be read here. Choose BVH, glTF, VRMA, npz, JSON, pkl or pt, "
        "a CSV of Live Link Face, or a folder of LHM frames."
    )


def _is_torch(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except DAMAGED as error:
        raise AvatarError(f"{path.name} is damaged ({error}). Get it again.") from error
