"""What the fake engine can do; the name of the photo decides how it goes."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import time
from pathlib import Path

from lhm_avatars_engine.avatar.errors import AvatarError

WARNING = "Only the upper body is in the photo. The legs were guessed."
NOBODY = "No person was found in this photo. Choose one that shows the whole body."


def reconstruct(params, progress):
    for step in range(3):
        progress("fit", step / 4, f"Step {step}")
        (Path(params["work_dir"]) / f"leftover{step}.npy").write_bytes(b"x" * 1000)
    how = Path(params["photo"]).stem
    if how == "nobody":
        raise AvatarError(NOBODY)
    if how == "bug":
        return {"never": 1 / 0}
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "full":
        raise OSError(errno.ENOSPC, "No space left on device", params["output"])
    if how == "slow":
        for step in range(3000):
            progress("refine", 0.5 + step / 10_000, "Refining colours")
            time.sleep(0.01)
    if how == "broken":
        Path(params["output"]).write_bytes(b"this is no avatar")
    else:
        shutil.copyfile(os.environ["LHM_TEST_AVATAR"], params["output"])
    warnings = [WARNING] if how == "half" else []
    return {"avatar": params["output"], "report": {"warnings": warnings, "settings": params["settings"]}}


METHODS = {"reconstruct": reconstruct}
