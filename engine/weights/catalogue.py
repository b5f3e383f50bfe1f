"""The model files that an LHM avatar needs: where they are published, how large they are, what they allow.

Sizes, revisions and hashes that are missing here are asked of the server and kept beside the file;
``docs/models.md`` says where each that is here was seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..avatar.errors import AvatarError


@dataclass(frozen=True)
class Licence:
    """What the user agrees to, once, before the first file under it is fetched or used.

    Attributes:
        name: Key in ``LICENCES``.
        title: Whose terms.
        terms: The licence's own name.
        allows: Plain words, for the tick's label and tooltip.
        url: Where the text is.
        commercial: Whether results may be used commercially, as far as this licence goes.
    """

    name: str
    title: str
    terms: str
    allows: str
    url: str
    commercial: bool


@dataclass(frozen=True)
class ModelFile:
    """One file of an asset.

    Attributes:
        name: As published.
        bytes: Exact size; None when it was never seen.
        about: What to expect when the exact size is unknown.
        slack: How far from ``about`` the size may be; None for any.
        sha256: Of the content; None when it was never seen.
        required: Whether the engine needs it, or only keeps it for the record.
        vertices: For points: how many the file must hold.
    """

    name: str
    bytes: int | None = None
    about: int = 0
    slack: int | None = None
    sha256: str | None = None
    required: bool = True
    vertices: int | None = None

    @property
    def expected_bytes(self) -> int:
        """The size to show and to keep free."""
        return self.about if self.bytes is None else self.bytes

    def fits(self, size: int) -> bool:
        """Whether a file of this size can be it."""
        if self.bytes is not None:
            return size == self.bytes
        return self.slack is None or abs(size - self.about) <= self.slack


@dataclass(frozen=True)
class Asset:
    """Something to download or to bring along.

    Attributes:
        name: Key in the catalogue, and the folder's name.
        title: For the user.
        purpose: One line.
        licences: Keys in ``LICENCES``; all must be accepted.
        files: The main file first.
        repository: On the Hugging Face hub; None when the user must bring the files.
        revision: Commit to fetch; None where no one has told us one: then the newest, whose commit is kept.
        page: Where to read about it, and where to get it from when it has no repository.
        needs: Other assets that a model cannot do without.
        in_prior_archive: Whether LHM's own archive of prior models holds it and may give it.
    """

    name: str
    title: str
    purpose: str
    licences: tuple[str, ...]
    files: tuple[ModelFile, ...]
    repository: str | None = None
    revision: str | None = None
    page: str = ""
    needs: tuple[str, ...] = ()
    in_prior_archive: bool = False

    @property
    def main(self) -> ModelFile:
        """The file that matters."""
        return self.files[0]

    @property
    def expected_bytes(self) -> int:
        """The size to show before anything is fetched."""
        return sum(file.expected_bytes for file in self.files)


_CC_BY_NC = "https://creativecommons.org/licenses/by-nc/4.0/"
_NON_COMMERCIAL = "Non-commercial use with attribution. Avatars made with it are for non-commercial use."

LICENCES = {
    licence.name: licence
    for licence in (
        Licence("lhm", "LHM weights (Alibaba)", "CC BY-NC 4.0",
                f"Research only. {_NON_COMMERCIAL}", _CC_BY_NC, commercial=False),
        Licence("sapiens", "Sapiens (Meta)", "CC BY-NC 4.0", _NON_COMMERCIAL, _CC_BY_NC, commercial=False),
        Licence("smplx", "SMPL-X (Max Planck Society)", "SMPL-X model licence",
                "You hold a licence from the Max Planck Society: non-commercial research, education and "
                "artistic projects; the files may not be passed on, nor used for pornographic, military, "
                "surveillance or defamatory ends. LHM's weights contain SMPL-X data.",
                "https://smpl-x.is.tue.mpg.de/modellicense.html", commercial=False),
        Licence("vggheads", "VGGHeads", "CC BY-NC 4.0", _NON_COMMERCIAL, _CC_BY_NC, commercial=False),
        Licence("real-esrgan", "Real-ESRGAN", "BSD-3-Clause", "Any use, the notice kept.",
                "https://github.com/xinntao/Real-ESRGAN/blob/master/LICENSE", commercial=True),
    )
}  # fmt: skip


def _lhm(name: str, title: str, purpose: str, points: str, weights: ModelFile, revision: str | None) -> Asset:
    repository = f"3DAIGC/{title}"
    return Asset(
        name=name,
        title=title,
        purpose=purpose,
        licences=("lhm", "smplx"),
        files=(weights, ModelFile("config.json", required=False)),
        repository=repository,
        revision=revision,
        page=f"https://huggingface.co/{repository}",
        needs=("sapiens-1b", points),
    )


def _weights(size: int, *, seen: bool, sha256: str | None = None) -> ModelFile:
    """The weights of a model; a size that was not seen follows from the keys, but for a remark's length."""
    name, slack = "model.safetensors", 65_536
    if seen:
        return ModelFile(name, bytes=size, sha256=sha256)
    return ModelFile(name, about=size, slack=slack, sha256=sha256)


_POINTS_LICENCES = ("lhm", "smplx")
_LHM_PAGE = "https://github.com/aigc3d/LHM"
_SIZE_MINI, _SIZE_500M, _SIZE_1B = 2_775_668_536, 3_830_005_560, 6_852_462_632

_ASSETS = (
    _lhm("lhm-mini", "LHM-MINI", "Full and half body, 20,000 Gaussians; the smallest and fastest",
         "points-20k", _weights(_SIZE_MINI, seen=True), None),
    _lhm("lhm-500m", "LHM-500M", "Full body, 40,000 Gaussians",
         "points-40k", _weights(_SIZE_500M, seen=False,
                                sha256="cdd8f0e798bb4f23e47d9e103c0abbc189cff27dcb28c1015c9ab72f5e8f4286"),
         "7b9c7036404f9c21d8c4891ee4053e58c6ca2427"),
    _lhm("lhm-500m-hf", "LHM-500M-HF", "Full and half body, 40,000 Gaussians",
         "points-40k", _weights(_SIZE_500M, seen=False), "dd6392905187a91fd67b3f6962aa74481e943764"),
    _lhm("lhm-1b", "LHM-1B", "Full body, 40,000 Gaussians; the largest",
         "points-40k", _weights(_SIZE_1B, seen=False), "cd8a1cc900a557d83187cfc2e0a91cef3eba969d"),
    _lhm("lhm-1b-hf", "LHM-1B-HF", "Full and half body, 40,000 Gaussians; the largest",
         "points-40k", _weights(_SIZE_1B, seen=True,
                                sha256="59dc25167d1d72d57fb068445b96e2343ab550b649e9999765200502d03171b9"),
         "92372582f660066b9f1b9513860744357265b3d5"),
    Asset("sapiens-1b", "Sapiens-1B", "Reads the body in the photo; every LHM model needs it", ("sapiens",),
          (ModelFile("sapiens_1b_epoch_173_torchscript.pt2", about=4_680_000_000),),
          repository="facebook/sapiens-pretrain-1b-torchscript",
          revision="565756fa30d04c440e5ff15066afc2ea0e647d3d",
          page="https://huggingface.co/facebook/sapiens-pretrain-1b-torchscript", in_prior_archive=True),
    Asset("points-20k", "LHM points (20,000)", "Where LHM-MINI's Gaussians sit on the body", _POINTS_LICENCES,
          (ModelFile("1_20000.ply", vertices=20_000),), page=_LHM_PAGE, in_prior_archive=True),
    Asset("points-40k", "LHM points (40,000)", "Where the other models' Gaussians sit on the body",
          _POINTS_LICENCES, (ModelFile("1_40000.ply", vertices=40_000),), page=_LHM_PAGE,
          in_prior_archive=True),
    Asset("smplx", "SMPL-X body", "Your own SMPL-X file, in place of the built-in body", ("smplx",),
          (ModelFile("SMPLX_NEUTRAL.npz"),), page="https://smpl-x.is.tue.mpg.de"),
    Asset("head-detector", "VGGHeads", "LHM's own head detector; ours is built in", ("vggheads",),
          (ModelFile("vgg_heads_l.trcd"),), page="https://github.com/KupynOrest/head_detector",
          in_prior_archive=True),
    Asset("face-upscaler", "Real-ESRGAN x4plus", "Enlarges a small head before LHM reads it",
          ("real-esrgan",), (ModelFile("RealESRGAN_x4plus.pth", bytes=67_040_989,
                     sha256="4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1"),),
          page="https://github.com/xinntao/Real-ESRGAN/releases/tag/v0.1.0", in_prior_archive=True),
)  # fmt: skip

PRIOR_ARCHIVE = "LHM_prior_model.tar"


def catalogue() -> tuple[Asset, ...]:
    """Every asset, the models first."""
    return _ASSETS


def asset(name: str) -> Asset:
    """One asset.

    Raises:
        AvatarError: If there is none of that name, as in a file of a newer version.
    """
    for candidate in _ASSETS:
        if candidate.name == name:
            return candidate
    names = ", ".join(candidate.name for candidate in _ASSETS)
    raise AvatarError(f"There is no model named {name!r}. Choose one of: {names}.")


def licences_of(name: str) -> tuple[Licence, ...]:
    """What must be accepted for an asset alone, without what it needs."""
    return tuple(LICENCES[licence] for licence in asset(name).licences)


def with_needs(name: str) -> tuple[Asset, ...]:
    """An asset and everything it cannot do without, itself first."""
    first = asset(name)
    return (first, *(asset(needed) for needed in first.needs))
