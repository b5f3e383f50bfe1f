"""The engine process's method that shows, before a run, what the engine will be given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from ..prepare.person import PreparedPhoto
    from .photo import NetworkPhoto

    Params = dict[str, Any]
    ReportProgress = Callable[[str, float, str], None]

_SIDE = 640
_LABELS = ("Photo", "Person", "Head")
_PREPARED = 0.8  # of the time goes into finding the person


def check_photo(params: Params, progress: ReportProgress) -> Params:
    """Prepare a photo and draw it with person's box and head's square, the model's input, and the head.

    Args:
        params: ``photo``, ``picture`` (a .png file to write); and, all optional: ``mask``, ``engine``
            ("lift"), ``preparation`` ("best"), ``head_box`` (pixels of the upright photo), ``side`` (the
            picture's, 640), ``models`` (their folder), ``model_folder`` (of the engine "lhm-own"),
            ``enlarge`` (true), ``labels`` (three texts, or false for none).
        progress: Told at each step.

    Returns:
        ``picture``: the path written; ``report``: that of the preparation with ``sentences``, ``warnings``
        and, for LHM, ``network``.

    Raises:
        AvatarError: If the photo, the mask or the head box cannot be used, or the picture cannot be written.
    """
    from ..prepare.person import prepare
    from ..request import LIFT

    mask = Path(params["mask"]) if params.get("mask") else None

    def tell(done: float, message: str) -> None:
        progress("prepare", _PREPARED * done, message)

    prepared = prepare(Path(params["photo"]), mask, tell)
    progress("crop", _PREPARED, "Cropping")
    engine = params.get("engine") or LIFT
    report = dict(prepared.report)
    if engine == LIFT:
        shown, warnings = _for_lift(prepared, params.get("head_box")), list(prepared.warnings)
    else:
        shown = _for_lhm(prepared, engine, params)
        report["network"] = shown.report
        warnings = [*prepared.warnings, *shown.warnings]
    report["warnings"] = warnings
    report["sentences"] = [*prepared.report["sentences"], *shown.report.get("sentences", ())]
    _draw(prepared, shown, params)
    progress("crop", 1.0, "Cropping")
    return {"picture": params["picture"], "report": report}


def _for_lhm(prepared: PreparedPhoto, engine: str, params: Params) -> NetworkPhoto:
    """The pictures as the model will get them."""
    from ..avatar.errors import AvatarError
    from ..request import BEST, OWN_MODEL
    from .extras import extras
    from .models import BUILDERS, CONFIG
    from .own_config import read_config
    from .photo import network_photo

    models, folder = (Path(params[name]) if params.get(name) else None for name in ("models", "model_folder"))
    if engine == OWN_MODEL and folder is None:
        raise AvatarError("No folder of your own model is set. Choose it beside the engine's name.")
    config = read_config(folder / CONFIG) if folder and engine == OWN_MODEL else BUILDERS[engine]()
    preparation = params.get("preparation") or BEST
    extra = extras(models, preparation, enlarge=params.get("enlarge", True))
    return network_photo(
        prepared,
        config.image_size,
        config.vit.resolution,
        mode=preparation,
        head_box=params.get("head_box"),
        detector=extra.detector,
        enlarger=extra.enlarger,
        notes=extra.notes,
    )


def _for_lift(prepared: PreparedPhoto, head_box: Any) -> NetworkPhoto:
    """The cut-out on white and the head: what the built-in engine looks at."""
    from dataclasses import replace

    from .photo import network_photo

    view = network_photo(prepared, _SIDE, _SIDE, head_box=head_box)
    alpha = prepared.alpha[..., None]
    body: NDArray[np.float32] = prepared.rgb * alpha + (1 - alpha)
    return replace(view, body=body, mask=prepared.alpha, warnings=(), report={})


def _draw(prepared: PreparedPhoto, shown: NetworkPhoto, params: Params) -> None:
    from ..avatar.errors import AvatarError
    from .picture import check_picture

    photo = prepared.photo
    scale = photo.width / photo.original_size[0]
    left, top, right, bottom = (edge * scale for edge in shown.box)
    square = tuple(edge * scale for edge in shown.head_square) if shown.head_square else None
    labels = params.get("labels", _LABELS)
    sheet = check_picture(
        photo.rgb,
        shown.body,
        shown.head,
        box=(left, top, right, bottom),
        square=square,  # type: ignore[arg-type]
        side=int(params.get("side") or _SIDE),
        labels=tuple(labels) if labels else None,
    )
    try:
        sheet.save(params["picture"], "PNG")
    except OSError as error:
        raise AvatarError(
            f"The picture cannot be written to {params['picture']} ({error.strerror or error}). Free some "
            "disk space, or choose another temporary folder in Blender's preferences."
        ) from error
