"""From the example photo to an avatar, through a tiny model with random weights in the official format."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import PIL
import pytest
import torch
from lhm_avatars.engine import pipeline
from lhm_avatars.engine.avatar.avatar import SEEN_FILLED
from lhm_avatars.engine.avatar.errors import AvatarError
from lhm_avatars.engine.formats.avatar_file import load_avatar
from lhm_avatars.engine.lhm import reconstruct as lhm_reconstruct
from lhm_avatars.engine.lhm.reconstruct import ready
from lhm_avatars.engine.methods import METHODS
from lhm_avatars.engine.network.config import lhm_tiny
from lhm_avatars.engine.network.posing import posed
from lhm_avatars.engine.protocol import Cancelled
from lhm_avatars.engine.raster import rasterize
from lhm_avatars.engine.request import ENGINE_NAMES, ReconstructRequest
from lhm_avatars.engine.stages import Stages
from lhm_avatars.engine.weights.hashes import sha256_of

if TYPE_CHECKING:
    from lhm_avatars.bench.random_lhm import Files
    from lhm_avatars.engine.avatar.avatar import Avatar
    from lhm_avatars.engine.made import Made
    from lhm_avatars.engine.prepare.person import PreparedPhoto

COUNT = lhm_tiny().points
NETWORK_STAGES = ["sapiens", "head", "transformer", "gaussians"]


@pytest.fixture
def request_of(root: Path, tmp_path: Path, own_folder: Path) -> Any:
    def make(**settings: Any) -> ReconstructRequest:
        settings = {"engine": "lhm-own", "model_folder": own_folder, "device": "cpu"} | settings
        photo = settings.pop("photo", root / "assets" / "example_person.jpg")
        return ReconstructRequest(photo=photo, work_dir=tmp_path, **settings)

    return make


def quiet(stage: str, fraction: float, message: str) -> None:
    """Progress that nobody reads."""


def run(request: ReconstructRequest, prepared: PreparedPhoto, progress: Any = quiet) -> Made:
    """The engine's part, without preparing the photo anew."""
    runner = ready(request)
    return runner.make(prepared, Stages(runner.stages, progress))


@pytest.fixture(scope="module")
def plain(root: Path, own_folder: Path, prepared: PreparedPhoto) -> Made:
    """A run with nothing special about it."""
    photo = root / "assets" / "example_person.jpg"
    request = ReconstructRequest(photo, root, engine="lhm-own", model_folder=own_folder, device="cpu")
    return run(request, prepared)


def same_bits(a: Avatar, b: Avatar) -> bool:
    arrays = [
        [*asdict(each.gaussians).values(), *asdict(each.binding).values(), *asdict(each.params).values()]
        for each in (a, b)
    ]
    return all(x.tobytes() == y.tobytes() for x, y in zip(*arrays, strict=True))


@pytest.mark.parametrize("influences", [4, 8])
def test_a_photo_becomes_an_avatar_file(
    root: Path, tmp_path: Path, own_folder: Path, model_files: Files, influences: int
) -> None:
    photo = root / "assets" / "example_person.jpg"
    settings = {
        "engine": "lhm-own", "model_folder": str(own_folder), "models": None, "mask": None, "device": "cpu",
        "influences": influences, "shape": "fit", "preparation": "best", "head_box": None, "enlarge": True,
    }  # fmt: skip
    told: list[tuple[str, float, str]] = []
    answer = METHODS["reconstruct"](
        {
            "photo": str(photo),
            "output": str(tmp_path / "a.lhma"),
            "work_dir": str(tmp_path),
            "settings": settings,
        },
        lambda *step: told.append(step),
    )
    avatar = load_avatar(Path(answer["avatar"]))
    metadata, report = avatar.metadata, answer["report"]
    assert json.loads(json.dumps(report)) == report
    assert avatar.gaussians.count == COUNT
    assert avatar.binding.influences == influences
    assert (avatar.seen == SEEN_FILLED).all()
    assert avatar.shape is not None
    assert avatar.shape.count == len(avatar.params.betas) == 10
    np.testing.assert_allclose(np.linalg.norm(avatar.gaussians.quats, axis=1), 1, atol=1e-5)
    turned = avatar.posed(avatar.params)
    np.testing.assert_allclose(np.linalg.norm(turned.quats, axis=1), 1, atol=1e-5)
    # On the ground, at the origin.
    assert abs(np.quantile(turned.means[:, 1], 0.001)) < 1e-3
    assert np.abs(np.median(turned.means[:, [0, 2]], axis=0)).max() < 1e-3
    assert metadata["engine"] == "lhm-own"
    assert metadata["model"] == "LHM-TINY"
    assert metadata["weights_sha256"] == sha256_of(model_files.weights)
    assert metadata["photo_sha256"] == sha256_of(photo)
    assert metadata["non_commercial"] is True
    assert set(metadata["licences"]) == {"engine", "body", "weights"}
    assert metadata["settings"]["preparation"] == "best"
    assert not {"models", "model_folder", "photo", "work_dir"} & set(metadata["settings"])
    assert metadata["versions"]["torch"] == torch.__version__
    assert metadata["binding_error_mm"]["influences"] == influences
    assert metadata["shape"]["source"] == "fit"
    assert metadata["camera"]["height"] > metadata["camera"]["width"]
    assert report["binding_error_mm"]["worst"] < 20
    assert [stage["name"] for stage in report["network"]["stages"]] == NETWORK_STAGES
    assert report["network"]["device"].startswith("CPU")
    assert report["peak_memory_bytes"] > 1e8
    assert list(report["seconds"]) == ["prepare", "fit", "crop", *NETWORK_STAGES, "bind"]
    assert ("sapiens", "Reading the body") in {(stage, text) for stage, _, text in told}
    fractions = [fraction for _, fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert 0.5 < fractions[-1] <= 1


def test_in_the_photos_camera_it_covers_the_person(plain: Made, prepared: PreparedPhoto) -> None:
    camera, avatar = plain.avatar.metadata["camera"], plain.avatar
    splats = avatar.posed(avatar.params)
    view, K = (np.array(camera[name], np.float32) for name in ("viewmat", "K"))
    image = rasterize(
        splats.means, splats.quats, splats.scales, splats.opacities, splats.colors(), view, K,
        camera["width"], camera["height"],
    )  # fmt: skip
    person, drawn = prepared.alpha > 0.5, image.alpha > 0.3
    # Random weights leave holes in two thousand Gaussians; their body is the one that was fitted.
    assert (person & drawn).sum() / (person | drawn).sum() > 0.7
    assert (person & drawn).sum() / drawn.sum() > 0.85


@pytest.mark.parametrize("influences", [4, 8])
def test_posed_it_is_what_the_network_poses(
    request_of: Any, prepared: PreparedPhoto, monkeypatch: pytest.MonkeyPatch, influences: int
) -> None:
    given: list[Any] = []
    real = lhm_reconstruct.network_avatar

    def watch(*arguments: Any, **settings: Any) -> Avatar:
        given[:] = arguments
        return real(*arguments, **settings)

    monkeypatch.setattr(lhm_reconstruct, "network_avatar", watch)
    made = run(request_of(influences=influences), prepared)
    attributes, body, neutral, _ = given
    params = made.avatar.params
    tensors = (torch.from_numpy(each)[None] for each in (params.betas, params.pose(), params.transl))
    expected = posed(body, neutral, attributes, *tensors).means[0].numpy()
    off = 1000 * np.linalg.norm(made.avatar.posed(params).means - expected, axis=1)
    told = made.report["binding_error_mm"]
    assert off.max() < told["worst"] + 0.02  # the photo's pose is calmer than the trials
    assert off.mean() < told["mean"] + 0.005


def test_equal_requests_give_equal_bits(request_of: Any, prepared: PreparedPhoto, plain: Made) -> None:
    assert same_bits(run(request_of(), prepared).avatar, plain.avatar)


def test_both_preparations_make_an_avatar(request_of: Any, prepared: PreparedPhoto, plain: Made) -> None:
    best, official = plain.avatar, run(request_of(preparation="official"), prepared).avatar
    assert best.gaussians.count == official.gaussians.count == COUNT
    # Other pixels, but the same person: another colour here and there, no other place.
    assert not np.array_equal(best.gaussians.sh, official.gaussians.sh)
    assert np.abs(best.gaussians.means - official.gaussians.means).max() < 0.05


def test_shapes_as_asked(request_of: Any, prepared: PreparedPhoto, plain: Made) -> None:
    zero, given = (run(request_of(shape=shape), prepared) for shape in ("zero", (1.0, -0.5)))
    fit = plain
    assert not zero.avatar.params.betas.any()
    assert given.avatar.params.betas.tolist() == [1.0, -0.5, *[0.0] * 8]
    assert np.abs(fit.avatar.params.betas).max() > 0.1
    assert [made.report["shape"]["source"] for made in (zero, given, fit)] == ["zero", "given", "fit"]
    # The network does not know the betas: one avatar reshaped is the other.
    reshaped = zero.avatar.reshaped(np.array([1.0, -0.5]))
    np.testing.assert_allclose(reshaped.gaussians.means, given.avatar.gaussians.means, atol=1e-6)
    np.testing.assert_allclose(reshaped.joints, given.avatar.joints, atol=1e-6)


def test_a_released_model_is_used_from_its_folder(
    request_of: Any, prepared: PreparedPhoto, models_root: Path, plain: Made
) -> None:
    made = run(request_of(engine="lhm-mini", models=models_root, model_folder=None), prepared)
    assert same_bits(made.avatar, plain.avatar)
    assert made.licences["body"] == "SMPL-X, non-commercial"
    assert made.report["non_commercial"] is True


def test_a_run_that_was_short_of_memory_says_so_in_plain_words(
    request_of: Any, prepared: PreparedPhoto, monkeypatch: pytest.MonkeyPatch, plain: Made
) -> None:
    assert not [warning for warning in plain.warnings if "Memory" in warning]
    runner = ready(request_of())
    real, failures = runner.network._model.transformer.forward, []

    def short(*arguments: Any) -> Any:
        if not failures:
            failures.append(1)
            raise torch.OutOfMemoryError("out of memory")
        return real(*arguments)

    monkeypatch.setattr(runner.network._model.transformer, "forward", short)
    made = runner.make(prepared, Stages(runner.stages, quiet))
    step = "the transformer's layers were loaded one by one"
    assert f"Memory was short: {step}. It took longer, the avatar is the same." in made.warnings
    np.testing.assert_allclose(made.avatar.gaussians.means, plain.avatar.gaussians.means, atol=1e-6)


@pytest.mark.parametrize("where", ["fit", "crop", *NETWORK_STAGES, "bind"])
def test_it_may_be_cancelled_in_every_stage(request_of: Any, prepared: PreparedPhoto, where: str) -> None:
    def cancel(stage: str, _: float, __: str) -> None:
        if stage == where:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(request_of(), prepared, cancel)


def test_it_may_be_cancelled_between_layers(request_of: Any, prepared: PreparedPhoto) -> None:
    layers: list[float] = []

    def cancel(stage: str, fraction: float, _: str) -> None:
        if stage == "transformer":
            layers.append(fraction)
            if len(set(layers)) == 2:  # before the second of two
                raise Cancelled

    with pytest.raises(Cancelled):
        run(request_of(), prepared, cancel)


def test_all_engines_are_listed() -> None:
    assert tuple(pipeline.ENGINES) == ENGINE_NAMES
    assert ENGINE_NAMES == (
        "lift", "lhm-mini", "lhm-500m", "lhm-500m-hf", "lhm-1b", "lhm-1b-hf", "lhm-own",
    )  # fmt: skip


def test_an_engine_that_does_not_exist(request_of: Any) -> None:
    with pytest.raises(AvatarError, match=r"^There is no engine named 'lhm-2b'\. Choose lift, lhm-mini, "):
        request_of(engine="lhm-2b")


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"count": 1}, "count must lie between 5000 and 500000, got 1"),
        ({"influences": 3}, "influences must be 4 or 8, got 3"),
        ({"preparation": "good"}, "preparation must be best or official, got 'good'"),
        ({"device": "tpu"}, "device must be auto, cuda, mps or cpu, got 'tpu'"),
        ({"shape": "tall"}, "shape must be fit, zero or betas, got 'tall'"),
        ({"shape": (1.0, float("nan"))}, "shape must be fit, zero or betas, got"),
        ({"head_box": (1, 2, 3)}, "head_box must be left, top, right, bottom, got"),
        ({"head_box": (5, 2, 3, 9)}, "head_box must be left, top, right, bottom, got"),
    ],
)
def test_settings_out_of_range_are_named(request_of: Any, settings: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        request_of(**settings)


def test_what_is_missing_is_said_before_the_photo_is_read(request_of: Any, tmp_path: Path) -> None:
    """The photo is missing, too; the model's folder is what one hears of."""
    request = request_of(engine="lhm-1b", models=tmp_path, photo=tmp_path / "gone.jpg")
    with pytest.raises(AvatarError, match=r"^A licence is not accepted yet: LHM weights"):
        pipeline.reconstruct(request, quiet)


def test_versions_are_told_where_packages_have_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", unknown)
    found = pipeline.versions(("torch",))
    assert found["opencv-contrib-python-headless"] == cv2.__version__
    assert (found["pillow"], found["torch"]) == (PIL.__version__, torch.__version__)


def test_without_torch_it_is_said_where_to_get_it(request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(AvatarError, match=r"cannot run LHM's models\. Install the engine for LHM in"):
        pipeline.reconstruct(request_of(), quiet)


def test_weights_of_another_model_are_refused(request_of: Any, own_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in own_folder.iterdir():
        (other / path.name).symlink_to(path)
    (other / "config.json").unlink()
    config = json.loads((own_folder / "config.json").read_text()) | {"layers": 3}
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(AvatarError, match=r"does not hold the weights of LHM-TINY"):
        ready(request_of(model_folder=other))


def test_lift_runs_where_torch_cannot_be_imported(root: Path, tmp_path: Path) -> None:
    code = """
import importlib.util, sys
from pathlib import Path
sys.modules["torch"] = None
spec = importlib.util.spec_from_file_location("lhm_avatars", "ROOT/__init__.py", submodule_search_locations=["ROOT"])
sys.modules["lhm_avatars"] = importlib.util.module_from_spec(spec)
from lhm_avatars.engine.pipeline import ReconstructRequest, reconstruct
made = reconstruct(ReconstructRequest(Path("ROOT/assets/example_person.jpg"), Path("WORK"), count=5000), lambda *_: None)
assert made.avatar.shape is not None
assert made.report["engine"] == "lift" and "torch" not in made.report["versions"]
assert list(made.report["seconds"]) == [
        "prepare", "fit", "parse", "volume", "place", "fill", "refine", "bind",
    ]
"""  # noqa: E501
    code = code.replace("ROOT", root.as_posix()).replace("WORK", tmp_path.as_posix())
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, cwd=tmp_path)
