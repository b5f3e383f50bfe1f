"""Where the compiled kernels are kept, and how to have them ready.

Compiling takes seconds, loading a fraction of one. numba would write beside the source, which may be
read-only, so the caller names a folder before the kernels are imported.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_KERNELS = (_HERE, _HERE.parent / "preview")
"""Folders whose sources are compiled; the second one's kernels contain some of the first's."""

_VARIABLE = "NUMBA_CACHE_DIR"  # numba's own, so that a parent process can name the folder, too


def use_cache_folder(folder: Path) -> None:
    """Keep compiled kernels below a folder, in this process and in its children.

    Args:
        folder: Writable; made when the first kernel is compiled.

    Raises:
        RuntimeError: If the kernels have been imported already.
    """
    if f"{__package__}.jit" in sys.modules:
        raise RuntimeError(
            "use_cache_folder must be called before the kernels are imported, they are already"
        )
    os.environ[_VARIABLE] = str(folder)


def kernel_folder() -> Path:
    """The folder for this state of the sources, under the name they are imported by.

    numba asks only whether the file of a kernel is as old as what it has kept of it. But kernels are compiled
    into each other across files, and what it has kept can be loaded only by a package of the same name.
    """
    digest = hashlib.sha256(str(__package__).encode())
    for folder in _KERNELS:
        for file in sorted(folder.glob("*.py")):
            digest.update(file.read_bytes())
    base = Path(os.environ.get(_VARIABLE) or _HERE / "__pycache__")
    return base / f"kernels-{digest.hexdigest()[:12]}"


def warm_up() -> None:
    """Compile, or load, every kernel: call it while nobody waits."""
    # Imported here because the folder must be named before the kernels are imported.
    import numpy as np

    from .api import forward
    from .passes import backward, contributions

    K = np.array([[16.0, 0, 8], [0, 16, 8], [0, 0, 1]])
    one = np.ones((1, 3))
    image, context = forward([[0, 0, 1]], [[1, 0, 0, 0]], one / 10, [0.5], one, np.eye(4), K, 16, 16)
    backward(context, image.color, image.alpha, image.depth)
    contributions(context)
