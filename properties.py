"""What the user edits and the .blend saves, and what the panel shows of a running job."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from typing import TYPE_CHECKING

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from .engine.request import (
    DEFAULT_COUNT,
    DIFFUSED,
    DROP,
    FEWEST,
    KEEP,
    LIFT,
    MOST,
    OWN_MODEL,
    RELEASED_MODELS,
    SURFACE,
)
from .engine.weights.catalogue import asset

CANCELLED = "Cancelled"
"""How a job ended that the user stopped."""

BETAS = 10  # as many directions of body shape as LHM knows

_FOR_LHM = "Needs the engine for LHM, accepted licences and a download of"
NON_COMMERCIAL = "For non-commercial use only"
ENGINE_ITEMS = (
    (LIFT, "Built-in (lift)", "Needs no model, no licence and no graphics card; results are yours"),
    *(
        (
            name,
            asset(name).title,
            f"{asset(name).purpose}. {_FOR_LHM} {asset(name).expected_bytes / 1e9:.1f} GB. {NON_COMMERCIAL}",
        )
        for name in RELEASED_MODELS
    ),
    (
        OWN_MODEL,
        "Own LHM Model",
        "A model of your own in LHM's format, in a folder. Needs the engine for LHM. LHM's terms hold for "
        f"what was made from its weights or SMPL-X: {NON_COMMERCIAL.lower()}",
    ),
)
PREPARATION_ITEMS = (
    ("best", "Best", "All of the photo's detail, soft edges, wide photos padded"),
    ("official", "Official", "Exactly as LHM's own program prepares a photo, to compare with it"),
)
SHAPE_ITEMS = (
    ("fit", "From Photo", "Fit the body's shape to the photo"),
    ("zero", "Average", "The average body"),
    ("betas", "Sliders", "Set the body's shape with the sliders below"),
)
POSE_ITEMS = (
    ("photo", "Photo Pose", "Stand as the person does in the photo"),
    ("rest", "T-Pose", "Stand upright with the arms out"),
)
INFLUENCE_ITEMS = (
    ("4", "4", "Four bones move each splat: fast, right nearly everywhere"),
    ("8", "8", "Eight bones move each splat: smoother shoulders and hips, slower"),
)
HELD_ITEMS = (
    (KEEP, "Keep with the Hand", "A ball, bag or cup stays in the avatar and follows the hand stiffly"),
    (DROP, "Leave Out", "A ball, bag or cup is left out of the avatar"),
)
BINDING_ITEMS = (
    (SURFACE, "Body Surface", "Each splat follows the nearest place of the body, as in LHM's own program"),
    (DIFFUSED, "Diffused", "Weights spread through the air around the body: skirts and coats tear less"),
)
LATEST_SEED = 2**31 - 1

QUALITY_COUNTS = {"quick": 20_000, "standard": DEFAULT_COUNT, "high": 80_000, "very-high": 160_000}
"""Splats of each quality level."""

CUSTOM = "custom"
QUALITY_ITEMS = (
    (
        "quick",
        "Quick, 20k Splats",
        "20,000 splats: for a first look. Soonest done, smallest file, fastest to pose",
    ),
    ("standard", "Standard, 40k Splats", "40,000 splats: enough for a person as tall as the picture"),
    (
        "high",
        "High, 80k Splats",
        "80,000 splats: for closer views. The file, posing and rendering cost about twice what Standard does",
    ),
    (
        "very-high",
        "Very High, 160k Splats",
        "160,000 splats: for large photos and close-ups. The file, posing and rendering cost about four "
        "times what Standard does",
    ),
    (
        CUSTOM,
        "Custom Number of Splats",
        "Set the number of splats below. More show finer detail and are slower",
    ),
)

SETTING_NAMES = (
    *("photo", "mask", "engine", "count", "seed", "influences"),
    *("held", "loose_automatic", "loose_strength"),
    *("model_folder", "preparation", "binding", "shape", "betas", "use_head_box", "head_box", "enlarge"),
)
"""What a reconstruction is made from: the scene keeps it, the operator takes it, besides ``photos``."""


class LHM_Photo(bpy.types.PropertyGroup):
    """A further photo of the same person; ``name``, which every group of properties has, is its path."""


if TYPE_CHECKING:

    class SceneFields:
        """The properties of `SETTING_NAMES`."""

        photo: str
        mask: str
        engine: str
        count: int
        seed: int
        influences: str
        held: str
        loose_automatic: bool
        loose_strength: float
        photos: bpy.types.bpy_prop_collection_idprop[LHM_Photo]
        model_folder: str
        preparation: str
        binding: str
        shape: str
        betas: tuple[float, ...]
        use_head_box: bool
        head_box: tuple[int, int, int, int]
        enlarge: bool

    OperatorFields = SceneFields
else:

    def _fields(options: set[str]) -> type:
        """The properties of `SETTING_NAMES`, to inherit from: the scene's and the operator's are one text."""
        path_options = options | {"PATH_SUPPORTS_BLEND_RELATIVE"}

        class Fields:
            photo: StringProperty(
                name="Photo",
                description="A photo of one person, best seen whole and from the front",
                subtype="FILE_PATH", options=path_options,
            )  # fmt: skip
            mask: StringProperty(
                name="Mask",
                description="An image of the photo's size, white where the person is. Empty: found "
                "automatically",
                subtype="FILE_PATH", options=path_options,
            )  # fmt: skip
            engine: EnumProperty(
                name="Engine", description="What makes the avatar", items=ENGINE_ITEMS, options=options
            )
            count: IntProperty(
                name="Splats",
                description="About how many splats the avatar has. More show finer detail and are slower",
                default=DEFAULT_COUNT, min=FEWEST, max=MOST, soft_max=160_000, step=1000, options=options,
            )  # fmt: skip
            seed: IntProperty(
                name="Seed",
                description="The same photo, settings and seed give the same avatar",
                default=0, min=0, max=LATEST_SEED, options=options,
            )  # fmt: skip
            influences: EnumProperty(
                name="Bones per Splat", description="How many bones may move one splat",
                items=INFLUENCE_ITEMS, options=options,
            )  # fmt: skip
            held: EnumProperty(
                name="Held Object", description="What becomes of a thing in the hand",
                items=HELD_ITEMS, options=options,
            )  # fmt: skip
            loose_automatic: BoolProperty(
                name="Automatic",
                description="Find skirts, dresses and coats in the photo, and choose how freely they hang",
                default=True, options=options,
            )  # fmt: skip
            loose_strength: FloatProperty(
                name="Strength",
                description="How freely clothes hang about the legs: 0 follows each leg as trousers do, 1 is "
                "for wide skirts and long coats",
                default=0.5, min=0.0, max=1.0, subtype="FACTOR", options=options,
            )  # fmt: skip
            photos: CollectionProperty(
                type=LHM_Photo,
                name="More Photos",
                description="Further photos of the same person in the same clothes, from the back and sides",
                options=options,
            )
            model_folder: StringProperty(
                name="Model Folder",
                description="Holds model.safetensors, config.json and dense_sample_points of your own "
                "LHM model",
                subtype="DIR_PATH", options=path_options,
            )  # fmt: skip
            preparation: EnumProperty(
                name="Preparation", description="How the photo is made ready for LHM",
                items=PREPARATION_ITEMS, options=options,
            )  # fmt: skip
            binding: EnumProperty(
                name="Binding", description="How splats are tied to the bones", items=BINDING_ITEMS,
                options=options,
            )  # fmt: skip
            shape: EnumProperty(
                name="Body Shape", description="Where the body's shape comes from", items=SHAPE_ITEMS,
                options=options,
            )  # fmt: skip
            betas: FloatVectorProperty(
                name="Shape", description="SMPL-X shape: the first is stature, the second is weight",
                size=BETAS, soft_min=-3.0, soft_max=3.0, min=-10.0, max=10.0, options=options,
            )  # fmt: skip
            use_head_box: BoolProperty(
                name="Set Head",
                description="Say where the head is, when it is not found or the wrong one is",
                options=options,
            )
            head_box: IntVectorProperty(
                name="Head Box",
                description="Left, top, right and bottom edge of the head, pixels of the photo from its top "
                "left corner",
                size=4, min=0, options=options,
            )  # fmt: skip
            enlarge: BoolProperty(
                name="Enlarge Face",
                description="Enlarge a small face with the face models that are set up, before LHM reads it",
                default=True, options=options,
            )  # fmt: skip

        return Fields

    SceneFields, OperatorFields = _fields(set()), _fields({"SKIP_SAVE"})


def _quality(chosen: "LHM_SceneSettings") -> int:
    """The level that the count means, as its place in the list; files from before the levels have one."""
    if not chosen.custom_count:
        for place, (level, *_) in enumerate(QUALITY_ITEMS):
            if QUALITY_COUNTS.get(level) == chosen.count:
                return place
    return len(QUALITY_ITEMS) - 1


def _set_quality(chosen: "LHM_SceneSettings", place: int) -> None:
    level = QUALITY_ITEMS[place][0]
    chosen.custom_count = level == CUSTOM
    if level != CUSTOM:
        chosen.count = QUALITY_COUNTS[level]


class LHM_SceneSettings(SceneFields, bpy.types.PropertyGroup):
    """What the next reconstruction starts from."""

    if TYPE_CHECKING:
        quality: str
        custom_count: bool
    else:
        quality: EnumProperty(
            name="Quality",
            description="How many splats the avatar has",
            items=QUALITY_ITEMS, get=_quality, set=_set_quality, options=set(),
        )  # fmt: skip
        custom_count: BoolProperty(options={"HIDDEN"})


class LHM_JobState(bpy.types.PropertyGroup):
    """The running job and how the last one ended; lives with the window, not with the file."""

    if TYPE_CHECKING:
        running: bool
        title: str
        message: str
        fraction: float
        time_left: str
        outcome: str
        failed: bool
        warnings: str
    else:
        running: BoolProperty(options={"SKIP_SAVE", "HIDDEN"})
        title: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
        message: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
        fraction: FloatProperty(min=0.0, max=1.0, options={"SKIP_SAVE", "HIDDEN"})
        time_left: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
        outcome: StringProperty(options={"SKIP_SAVE", "HIDDEN"})
        failed: BoolProperty(options={"SKIP_SAVE", "HIDDEN"})
        warnings: StringProperty(options={"SKIP_SAVE", "HIDDEN"})

    def begin(self, title: str) -> None:
        """Show a new job and forget the last one."""
        self.running, self.title, self.failed = True, title, False
        self.message = self.time_left = self.outcome = self.warnings = ""
        self.fraction = 0.0

    def end(self, outcome: str, *, failed: bool = False, warnings: tuple[str, ...] = ()) -> None:
        """Show how the job ended.

        Args:
            outcome: One sentence.
            failed: Whether it is the reason of a failure.
            warnings: Sentences that the user should know with the result.
        """
        self.running, self.outcome, self.failed = False, outcome, failed
        self.warnings = "\n".join(warnings)
        self.message = self.time_left = ""


def settings(context: bpy.types.Context) -> LHM_SceneSettings:
    """The scene's settings."""
    return context.scene.lhm_avatars  # type: ignore[attr-defined]


def job_state(context: bpy.types.Context) -> LHM_JobState:
    """What is shown of the running job."""
    return context.window_manager.lhm_job  # type: ignore[attr-defined]


def attach(undo: ExitStack) -> None:
    """Give scenes their settings and the window manager its job."""
    bpy.types.Scene.lhm_avatars = PointerProperty(type=LHM_SceneSettings)  # type: ignore[attr-defined]
    undo.callback(delattr, bpy.types.Scene, "lhm_avatars")
    bpy.types.WindowManager.lhm_job = PointerProperty(type=LHM_JobState, options={"SKIP_SAVE"})  # type: ignore[attr-defined]
    undo.callback(delattr, bpy.types.WindowManager, "lhm_job")


CLASSES = (LHM_Photo, LHM_SceneSettings, LHM_JobState)
