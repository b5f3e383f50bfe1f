"""Released files: looked at before anything is read, and read by mapping, never as a whole."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open

from ..avatar.errors import AvatarError
from .key_names import official_key
from .layout import Slot, dead_layout, live_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from .config import LhmConfig

_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
_NAMED = 3  # keys in a sentence
_TORCH_SUFFIXES = (".bin", ".pt", ".pth")
# torch raises RuntimeError for a damaged archive, and pickle's own error for more than tensors.
_UNREADABLE = (SafetensorError, UnpicklingError, RuntimeError, OSError, ValueError, EOFError)


class Checkpoint:
    """A file of weights whose bytes stay on the disk until somebody asks.

    Args:
        path: For messages.
        layout: Shape and type of every tensor, by official key.
        read: One tensor, mapped into memory rather than copied.
    """

    def __init__(self, path: Path, layout: Mapping[str, Slot], read: Callable[[str], Tensor]) -> None:
        self.path, self.layout, self.read = path, layout, read


def open_checkpoint(path: Path) -> Checkpoint:
    """Look into a ``.safetensors`` file, or a torch file of nothing but tensors.

    Raises:
        AvatarError: If the file is missing, cut short or something else.
    """
    if not path.is_file():
        raise AvatarError(f"The model file {path.name} is missing. Download it again in the Setup panel.")
    try:
        return _open_torch(path) if path.suffix in _TORCH_SUFFIXES else _open_safetensors(path)
    except _UNREADABLE as error:
        raise AvatarError(
            f"The model file {path.name} is damaged or holds something else than weights. "
            "Download it again in the Setup panel."
        ) from error


def _open_safetensors(path: Path) -> Checkpoint:
    file = safe_open(path, framework="pt", device="cpu")
    layout = {}
    for key in file.keys():  # noqa: SIM118, it is no dictionary
        part = file.get_slice(key)
        layout[key] = Slot(tuple(part.get_shape()), _dtype(part.get_dtype()))
    return Checkpoint(path, layout, file.get_tensor)


def _dtype(name: str) -> torch.dtype:
    if name not in _DTYPES:
        raise ValueError(f"numbers of type {name}")
    return _DTYPES[name]


def _open_torch(path: Path) -> Checkpoint:
    """Tensors only: a pickle that holds anything else is refused before it can run."""
    content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    if not isinstance(content, dict) or not all(isinstance(each, torch.Tensor) for each in content.values()):
        raise ValueError("the file holds more than tensors")
    layout = {key: Slot(tuple(tensor.shape), tensor.dtype) for key, tensor in content.items()}
    return Checkpoint(path, layout, content.__getitem__)


def require_model(checkpoint: Checkpoint, config: LhmConfig) -> None:
    """Compare a file with what the model wants, key by key, before a byte of it is read.

    Buffers that nothing reads may be there or not.

    Raises:
        AvatarError: Naming what is missing, what is not wanted, and what has another shape or type.
    """
    wanted, dead, found = live_layout(config), dead_layout(config), checkpoint.layout
    missing = [key for key in wanted if key not in found]
    extra = [key for key in found if key not in wanted and key not in dead]
    misshaped = [
        f"{key} ({list(found[key].shape)} instead of {list(slot.shape)})"
        for key, slot in wanted.items()
        if key in found and found[key].shape != slot.shape
    ]
    mistyped = [
        f"{key} ({_name(found[key].dtype)} instead of {_name(slot.dtype)})"
        for key, slot in wanted.items()
        if key in found and not _convertible(found[key].dtype, slot.dtype)
    ]
    problems = [
        f"{len(keys)} {what}: {_some(keys)}"
        for what, keys in (
            ("missing", missing),
            ("not part of it", extra),
            ("of another shape", misshaped),
            ("of another type", mistyped),
        )
        if keys
    ]
    if problems:
        raise AvatarError(
            f"The file {checkpoint.path.name} does not hold the weights of {config.name}. "
            f"Choose the file of that model. Weights {'; '.join(problems)}."
        )


def _some(keys: list[str]) -> str:
    more = len(keys) - _NAMED
    return ", ".join(keys[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _convertible(found: torch.dtype, wanted: torch.dtype) -> bool:
    """Weights may be stored in another precision; masks and indices may not."""
    return found == wanted or (found.is_floating_point and wanted.is_floating_point)


def fill(
    module: nn.Module,
    read: Callable[[str], Tensor],
    prefix: str = "",
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> None:
    """Give a module without memory its weights, tensor by tensor, straight to where they are needed.

    On the CPU in the file's own precision nothing is copied: the weights are the mapped file.

    Args:
        module: On the meta device, or any.
        read: A tensor by its official key.
        prefix: Our name of the module inside the network, ending in a dot.
        device: Where the weights go.
        dtype: Of the weights that are floating-point numbers.
    """
    state = {}
    for key in module.state_dict():
        tensor = read(official_key(prefix + key))
        state[key] = tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)
    module.load_state_dict(state, strict=True, assign=True)
    module.requires_grad_(requires_grad=False)
