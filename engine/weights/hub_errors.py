"""Sentences for what goes wrong between here and the hub, and which of it is worth another try."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from types import ModuleType

    from .catalogue import Asset
    from .hub import Server

_KEPT = "What is there is kept: start again and the download goes on from it."
_OR_FILES = "or use files you have"
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429
_SERVER_TROUBLE = 500
_BUSY = (408, 429)


def expected() -> tuple[type[Exception], ...]:
    """What a download may raise and ``explain`` has a sentence for."""
    http, errors = _http(), importlib.import_module("huggingface_hub.errors")
    return (errors.HfHubHTTPError, errors.OfflineModeIsEnabled, http.HTTPError, http.InvalidURL)


def transient(error: Exception) -> bool:
    """Whether the same request may work in a moment: cuts, silence, a server that is busy or in trouble."""
    http = _http()
    if isinstance(error, http.TransportError):
        return not isinstance(error, (http.ProxyError, http.UnsupportedProtocol))
    code = _status_code(error)
    return code is not None and (code >= _SERVER_TROUBLE or code in _BUSY)


def explain(error: Exception, item: Asset, server: Server) -> AvatarError:
    """The sentence for an exception of ``expected()``."""
    http, errors = _http(), importlib.import_module("huggingface_hub.errors")
    host = server.address()
    if isinstance(error, errors.OfflineModeIsEnabled):
        return AvatarError(f"HF_HUB_OFFLINE is set, so nothing is downloaded. Unset it, {_OR_FILES}.")
    if (code := _status_code(error)) is not None:
        return AvatarError(_status_sentence(code, error, item, host))
    if isinstance(error, http.ProxyError):
        return AvatarError(f"The proxy does not let us through to {host}. Check its settings, {_OR_FILES}.")
    if isinstance(error, http.ConnectError):
        return AvatarError(
            f"{host} cannot be reached. Check the connection and the proxy, choose a mirror in the "
            f"preferences, {_OR_FILES}. {_KEPT}"
        )
    if isinstance(error, http.TimeoutException):
        return AvatarError(
            f"{host} stays silent for more than {server.timeout:.0f} seconds. Try again later, or choose a "
            f"mirror in the preferences. {_KEPT}"
        )
    return AvatarError(f"The connection to {host} was cut again and again. {_KEPT}")


def _status_sentence(code: int, error: Exception, item: Asset, host: str) -> str:
    errors = importlib.import_module("huggingface_hub.errors")
    if isinstance(error, errors.GatedRepoError):
        return (
            f"{item.title} is given out only to accounts that agreed to its terms. Open {item.page}, log in, "
            "accept the terms, make an access token and enter it in the preferences."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"{host} no longer has the version of {item.title} that this add-on was made for. Update the "
            f"add-on, choose another mirror, {_OR_FILES}."
        )
    if code == _UNAUTHORIZED:
        return (
            f"{host} does not know this access token, or wants one for {item.title}. Make a new one on your "
            "account's page and enter it in the preferences."
        )
    if code == _FORBIDDEN:
        return (
            f"{host} does not give {item.title} to this account. Open {item.page}, accept the terms there, "
            "and check that the access token may read it."
        )
    if code == _NOT_FOUND:
        return f"{host} has no {item.title}. Update the add-on, choose another mirror, {_OR_FILES}."
    if code == _TOO_MANY:
        return f"{host} asks us to wait: too many requests. Try again in some minutes. {_KEPT}"
    if code >= _SERVER_TROUBLE:
        return f"{host} is in trouble (error {code}). Try again later, or choose a mirror. {_KEPT}"
    return (
        f"{host} refused {item.title} (error {code}). Update the add-on, choose another mirror, {_OR_FILES}."
    )


def _http() -> ModuleType:
    """The HTTP library under the hub's."""
    return importlib.import_module("httpx2")


def _status_code(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)
