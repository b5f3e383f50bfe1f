"""Methods for a real engine process in the tests: each shows one way for a job to go.

Loaded by ``worker.py --methods``; the package under test is called ``lhm_avatars_engine`` there.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
import time
from pathlib import Path

from lhm_avatars_engine.avatar.errors import AvatarError


def echo(params, progress):
    return params


def steps(params, progress):
    for step in range(params["count"]):
        progress(params["stage"], step / params["count"], f"step {step}")
    return {"steps": params["count"]}


def stages(params, progress):
    for number, stage in enumerate(params["stages"]):
        progress(stage, number, "")
    return {}


def user_error(params, progress):
    raise AvatarError("No person was found in this photo. Choose one that shows the whole body.")


def bug(params, progress):
    return {"never": 1 / 0}


def leave(params, progress):
    sys.exit(3)


def unsendable(params, progress):
    return {"path": Path("x")}


def out_of_memory(params, progress):
    raise MemoryError


def fill_disk(params, progress):
    with Path("/dev/full").open("wb") as file:
        file.write(b"x" * 100_000)
    return {}


def missing_file(params, progress):
    return {"text": Path("/does/not/exist").read_text()}


def noise(params, progress):
    print('{"jsonrpc": "2.0", "id": 1, "result": "a forgery"}')  # noqa: T201 (that is the noise)
    os.system("echo from a shell")  # noqa: S605
    os.write(1, b"raw bytes \xff\x00\n")
    ctypes.CDLL(None).puts(b"from C")
    logging.getLogger("somebody").warning("from a log")
    return {"stdin": sys.stdin.read(), "quiet": True}


def abort(params, progress):
    progress("before", 0.5, "")
    os.abort()


def last_words(params, progress):
    os.write(2, b"these are the last words\n")
    os._exit(7)


def broken_line(params, progress):
    for descriptor in range(3, 20):
        try:
            os.write(descriptor, b"this is no message\n")
        except OSError:
            continue
    time.sleep(60)
    return {}


def wait_politely(params, progress):
    while True:
        progress("waiting", 0.25, "")
        time.sleep(0.01)


def wait_silently(params, progress):
    progress("waiting", 0.25, "")
    time.sleep(60)
    return {}


def sleep_in_c(params, progress):
    """Sleeps with the interpreter's lock held: no other thread of this process can do anything."""
    progress("asleep", 0.5, "")
    ctypes.PyDLL(None).sleep(60)
    return {}


def threads(params, progress):
    return {"main": threading.current_thread() is threading.main_thread()}


def surroundings(params, progress):
    names = sorted(name for name in os.environ if name.startswith("PYTHON") or name == "VIRTUAL_ENV")
    heavy = sorted({"numpy", "bpy", "torch"} & set(sys.modules))
    return {"variables": names, "heavy": heavy, "path": sys.path, "extra": os.environ.get("LHM_TEST", "")}


METHODS = {
    function.__name__: function
    for function in (
        *(echo, steps, stages, user_error, bug, leave, unsendable, out_of_memory, fill_disk, missing_file),
        *(noise, abort, last_words, broken_line, wait_politely, wait_silently, sleep_in_c, threads),
        *(surroundings,),
    )
}
