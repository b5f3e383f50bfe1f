"""The kernel cache, in real child processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lhm_avatars.engine.raster import use_cache_folder
from lhm_avatars.engine.raster.order import near_to_far

ROOT = Path(__file__).resolve().parents[2]

# Sorts three depths and tells how often the kernel came from the cache.
CHILD = """
import importlib, sys, types
from pathlib import Path
root, name, folder = sys.argv[1:]
package = types.ModuleType(name)
package.__path__ = [root]
sys.modules[name] = package
raster = importlib.import_module(name + ".engine.raster")
assert "numba" not in sys.modules
raster.use_cache_folder(Path(folder))
import numpy as np
near_to_far = importlib.import_module(name + ".engine.raster.order").near_to_far
assert near_to_far(np.array([3.0, 1.0, 2.0]).view(np.uint64)).tolist() == [1, 2, 0]
sys.stdout.write(str(sum(near_to_far.stats.cache_hits.values())))
"""


def cache_hits(name: str, folder: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(ROOT), name, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_second_start_loads_what_the_first_compiled_in_the_folder_given(tmp_path: Path) -> None:
    assert cache_hits("some_name", tmp_path / "new") == 0
    assert list((tmp_path / "new").rglob("*.nbc"))
    assert cache_hits("some_name", tmp_path / "new") == 1


def test_a_package_of_another_name_does_not_trip_over_the_cache(tmp_path: Path) -> None:
    assert cache_hits("some_name", tmp_path) == 0
    assert cache_hits("other_name", tmp_path) == 0


def test_the_folder_cannot_be_changed_once_kernels_are_there(tmp_path: Path) -> None:
    assert near_to_far is not None
    with pytest.raises(RuntimeError, match="must be called before the kernels are imported"):
        use_cache_folder(tmp_path)
