"""Small heads made larger by a network (Real-ESRGAN and its kin), through ``spandrel``; bicubic otherwise.

The official preparation enlarges every head fourfold with such a network, so a small head that is only
stretched looks softer than what LHM was trained with. Face restorers (GFPGAN) are not used: they want faces
turned and cropped in a way of their own, and ``spandrel`` runs them on nothing else.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..avatar.errors import AvatarError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from spandrel import ImageModelDescriptor  # pyright: ignore[reportMissingImports]

WORTHWHILE = 0.75
"""A head with more than this share of the pixels wanted is only stretched: nobody sees the difference."""

_UPSCALER = "SR"  # spandrel's word for networks that enlarge any picture


@dataclass(frozen=True)
class Enlarger:
    """A network that enlarges pictures.

    Args:
        name: Of the file, for the report.
        factor: By how much each side grows.
        run: From 0..1 [h, w, 3] to 0..1 [factor h, factor w, 3].
    """

    name: str
    factor: int
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]]


def load_enlarger(path: Path | None, device: str = "cpu") -> tuple[Enlarger | None, str]:
    """Read an enlarging network.

    Args:
        path: A ``.pth`` file such as ``RealESRGAN_x4plus.pth``; None if there is none.
        device: Where torch computes.

    Returns:
        The enlarger, and an empty text; or None, and a sentence for the report that says why.

    Raises:
        AvatarError: If the file is damaged or holds another kind of network.
    """
    if path is None:
        return None, "No network for enlarging heads is installed; small heads are stretched (bicubic)."
    try:
        import spandrel  # pyright: ignore[reportMissingImports]
        import torch
    except (ImportError, RuntimeError) as error:
        # RuntimeError: a torchvision made for another torch ("operator torchvision::nms does not exist").
        return None, (
            f"Heads cannot be enlarged by a network here ({str(error).strip()}); small heads are stretched "
            "(bicubic)."
        )
    try:
        # Not spandrel's own reader: torch's refuses everything but tensors.
        state = torch.load(path, map_location="cpu", weights_only=True)
        model = spandrel.ModelLoader().load_from_state_dict(spandrel.canonicalize_state_dict(state))
    except (
        spandrel.UnsupportedModelError,
        pickle.UnpicklingError,
        RuntimeError,
        OSError,
        EOFError,
        AttributeError,  # no table of tensors
        TypeError,
        ValueError,
    ) as error:
        raise AvatarError(
            f"{path.name} cannot be used to enlarge heads: it is damaged or another kind of file. Get it "
            "again, or switch 'enlarge small heads' off."
        ) from error
    if not isinstance(model, spandrel.ImageModelDescriptor) or not _enlarges(model):
        raise AvatarError(
            f"{path.name} is no network that enlarges pictures. Use RealESRGAN_x4plus.pth, or switch "
            "'enlarge small heads' off."
        )
    model.to(torch.device(device)).eval()

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None]
        try:
            with torch.inference_mode():
                large = model(tensor.to(device))[0].clamp(0, 1)
        except RuntimeError as error:  # no memory left, or an operation that the device does not have
            raise AvatarError(
                f"{path.name} could not enlarge the head ({str(error).splitlines()[0]}). Switch Enlarge Face "
                "off in the settings, or choose the processor as device."
            ) from error
        return np.ascontiguousarray(large.float().cpu().numpy().transpose(1, 2, 0))

    return Enlarger(path.name, int(model.scale), run), ""


def _enlarges(model: ImageModelDescriptor) -> bool:
    colors = (model.input_channels, model.output_channels) == (3, 3)
    return model.purpose == _UPSCALER and model.scale > 1 and colors
