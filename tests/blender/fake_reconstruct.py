"""What the fake engine can do; the name of the photo decides how it goes."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import time
from pathlib import Path

from lhm_avatars_engine.avatar.errors import AvatarError
from lhm_avatars_engine.weights.catalogue import asset
from lhm_avatars_engine.weights.methods import weights_use
from lhm_avatars_engine.weights.records import Record, StoredFile, folder_of, write_record
from lhm_avatars_engine.weights.store import public

WARNING = "Only the upper body is in the photo. The legs were guessed."
SMALL = "The head has only 40 pixels in the photo; the face will be blurred."
NOBODY = "No person was found in this photo. Choose one that shows the whole body."


def reconstruct(params, progress):
    for step in range(3):
        progress("fit", step / 4, f"Step {step}")
        (Path(params["work_dir"]) / f"leftover{step}.npy").write_bytes(b"x" * 1000)
    asked = Path(os.environ["LHM_TEST_AVATAR"]).with_name("asked.json")
    asked.write_text(json.dumps(params["settings"]))
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


def check_photo(params, progress):
    progress("prepare", 0.5, "Finding the person")
    if Path(params["photo"]).stem == "nobody":
        raise AvatarError(NOBODY)
    shutil.copyfile(Path(os.environ["LHM_TEST_AVATAR"]).with_name("picture.png"), params["picture"])
    warnings = [SMALL] if Path(params["photo"]).stem == "half" else []
    seen = f"Asked for {params['engine']}, {params['preparation']}, {params['head_box']}"
    return {"picture": params["picture"], "report": {"sentences": [seen], "warnings": warnings}}


def weights_download(params, progress):
    """Fetch 8 bytes; a mirror called slow never ends, and one called broken has nothing."""
    progress("fetch", 0.25, f"Downloading {params['asset']}: 1 MB of 4 MB")
    if params["endpoint"] == "broken":
        raise AvatarError("The server does not answer. Try again later.")
    folder = folder_of(params["asset"], Path(params["root"]))
    folder.mkdir(parents=True, exist_ok=True)
    main = asset(params["asset"]).main.name
    (folder / f"{main}.abc.part").write_bytes(b"half")
    while params["endpoint"] == "slow":
        progress("fetch", 0.5, f"Downloading {params['asset']}: 2 MB of 4 MB")
        time.sleep(0.01)
    (folder / f"{main}.abc.part").replace(folder / main)
    record = Record("download", {main: StoredFile(main, 4, "0" * 64, "server")}, "commit", params["token"])
    write_record(params["asset"], Path(params["root"]), record)
    return public(record)


def rasterizer(params, progress):
    return {"name": "cpu", "reason": "gsplat is not installed", "max_alpha": 0.99}


METHODS = {
    "rasterizer": rasterizer,
    "reconstruct": reconstruct,
    "check_photo": check_photo,
    "weights_download": weights_download,
    "weights_use": weights_use,
}
