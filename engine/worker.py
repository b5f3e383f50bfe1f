"""The engine process's program: ``python -I -X utf8 -u worker.py [--methods FILE]``.

Run as a script by the client. With ``-I`` nothing of ours is on ``sys.path``, so the script loads the package
``engine`` by its place, under the alias ``lhm_avatars_engine``, without the extension around it (which is
Blender's). ``--methods FILE`` serves the ``METHODS`` table of another Python file; tests use it.

Only modules that Python has loaded anyway may be imported above ``claim_channel``: whatever a library prints
must find descriptor 1 already turned away from the pipe.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # what typing calls so, without its 10 ms
if TYPE_CHECKING:
    from types import ModuleType

ALIAS = "lhm_avatars_engine"


def claim_channel() -> tuple[int, int]:
    """Keep the pipe to Blender for ourselves.

    ``print``, ``os.system`` and writes of C libraries to descriptor 1 land in the log; reading descriptor 0
    finds the end of the file at once.

    Returns:
        Descriptors of the requests and of the answers.
    """
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return requests, answers


def load_file(name: str, path: str, folder: str | None = None) -> ModuleType:
    """Import one file under a name of our choice; ``folder`` makes it a package."""
    import importlib.util

    places = None if folder is None else [folder]
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=places)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python module: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main(arguments: list[str]) -> None:
    """Serve requests until Blender closes the pipe."""
    requests, answers = claim_channel()
    import faulthandler
    import importlib

    faulthandler.enable()  # a crash in C leaves its Python stack in the log
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (pathlib costs 5 ms here)
    load_file(ALIAS, os.path.join(here, "__init__.py"), here)  # noqa: PTH118
    serving = importlib.import_module(f"{ALIAS}.serving")
    if arguments[:1] == ["--methods"]:
        table = load_file(f"{ALIAS}_methods", arguments[1])
    else:
        table = importlib.import_module(f"{ALIAS}.methods")
    serving.serve(requests, answers, table.METHODS)


if __name__ == "__main__":
    main(sys.argv[1:])
