"""The engine process's methods for model files; each takes (params, progress) and returns a JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Params = dict[str, Any]
    ReportProgress = Callable[[str, float, str], None]


def weights_status(params: Params, progress: ReportProgress) -> Params:
    """Look what is there.

    Args:
        params: ``root``: the folder of the models.
        progress: Not told: a matter of milliseconds.

    Returns:
        ``store.Status`` as an object.
    """
    from .store import public, status

    del progress
    return public(status(Path(params["root"])))


def weights_download(params: Params, progress: ReportProgress) -> Params:
    """Get an asset from the hub.

    Args:
        params: ``asset``, ``root``, ``online`` (whether the network may be used), ``endpoint`` (a mirror's
            address) and ``token``, both may be null.
        progress: Told with each block of bytes.

    Returns:
        ``records.Record`` as an object.

    Raises:
        AvatarError: If it cannot be done; the sentence says what to do.
    """
    from .download import download
    from .hub import Server
    from .store import public

    server = Server(endpoint=params.get("endpoint") or None, token=params.get("token") or None)
    root = Path(params["root"])
    return public(download(params["asset"], root, online=params["online"], server=server, progress=progress))


def weights_use(params: Params, progress: ReportProgress) -> Params:
    """Use files that the user has.

    Args:
        params: ``asset`` (null: all that LHM's archive of prior models holds), ``root``, ``path``.
        progress: Told while unpacking and checking.

    Returns:
        ``records.Record`` as an object by asset name.

    Raises:
        AvatarError: If they cannot be used; the sentence says why.
    """
    from .bring import use_archive, use_file
    from .store import public

    name, root, path = params["asset"], Path(params["root"]), Path(params["path"])
    if name is None:
        records = use_archive(root, path, progress=progress)
    else:
        records = {name: use_file(name, root, path, progress=progress)}
    return {one: public(record) for one, record in records.items()}


def weights_delete(params: Params, progress: ReportProgress) -> Params:
    """Remove an asset's files; those that the user brought are only forgotten.

    Args:
        params: ``asset``, ``root``.
        progress: Not told.

    Returns:
        ``freed``: bytes.

    Raises:
        AvatarError: If a file is in use.
    """
    from .store import delete

    del progress
    return {"freed": delete(params["asset"], Path(params["root"]))}
