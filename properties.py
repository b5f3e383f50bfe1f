"""What the user edits and the .blend saves, and what the panel shows of a running job."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from contextlib import ExitStack
from typing import TYPE_CHECKING

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

DEFAULT_COUNT = 40_000
CANCELLED = "Cancelled"
"""How a job ended that the user stopped."""

FEWEST, MOST = 5_000, 500_000  # Gaussians, as the engine allows

POSE_ITEMS = (
    ("photo", "Photo Pose", "Stand as the person does in the photo"),
    ("rest", "T-Pose", "Stand upright with the arms out"),
)
INFLUENCE_ITEMS = (
    ("4", "4", "Four bones move each splat: fast, right nearly everywhere"),
    ("8", "8", "Eight bones move each splat: smoother shoulders and hips, slower"),
)
LATEST_SEED = 2**31 - 1


class LHM_SceneSettings(bpy.types.PropertyGroup):
    """What the next reconstruction starts from."""

    if TYPE_CHECKING:
        photo: str
        mask: str
        count: int
        seed: int
        influences: str
    else:
        photo: StringProperty(
            name="Photo",
            description="A photo of one person, best seen whole and from the front",
            subtype="FILE_PATH",
        )
        mask: StringProperty(
            name="Mask",
            description="An image of the photo's size, white where the person is. Empty: found automatically",
            subtype="FILE_PATH",
        )
        count: IntProperty(
            name="Splats",
            description="About how many splats the avatar has. More show finer detail and are slower",
            default=DEFAULT_COUNT, min=FEWEST, max=MOST, soft_max=160_000, step=1000,
        )  # fmt: skip
        seed: IntProperty(
            name="Seed",
            description="The same photo, settings and seed give the same avatar",
            default=0, min=0, max=LATEST_SEED,
        )  # fmt: skip
        influences: EnumProperty(
            name="Bones per Splat",
            description="How many bones may move one splat",
            items=INFLUENCE_ITEMS,
        )


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


CLASSES = (LHM_SceneSettings, LHM_JobState)
