"""The operator 'Reconstruct from Image'; see ``photos`` for the ways to it."""

# No `from __future__ import annotations` here: Blender reads the annotations as properties.
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent
from bpy.props import EnumProperty, FloatVectorProperty, StringProperty

from ..engine.avatar.errors import AvatarError
from ..engine.protocol import Progress
from ..engine.request import DEFAULT_COUNT, LIFT, OWN_MODEL
from ..preferences import engines, models_root, preferences
from ..properties import (
    ENGINE_ITEMS,
    POSE_ITEMS,
    SETTING_NAMES,
    OperatorFields,
    SceneFields,
    job_state,
    settings,
)
from . import reconstruction
from .engine_state import NO_ENGINE, EngineState, state_of
from .jobs import ModalJob, idle
from .looks import refresh
from .preview import reveal_colors
from .reconstruction import (
    ENGINE_MISSING,
    LHM_ENGINE_MISSING,
    Made,
    Settings,
    keep_avatar,
    place,
    reconstruct_photo,
)

if TYPE_CHECKING:
    from .engine_job import EngineJob

NO_PHOTO = "No photo is chosen. Choose one in the sidebar (N) > LHM Avatars, then press Reconstruct."
HEAD_BOX = (
    "The head box is empty. Enter its left, top, right and bottom edge in pixels of the photo, or turn Set "
    "Head off."
)


@dataclass(frozen=True)
class Remembered:
    """The last avatar and what it was made of, so that Adjust Last Operation need not wait for the engine."""

    photo: Path
    settings: Settings
    made: Made


# The only state of this module. Cleared when a file is loaded and when the add-on goes.
_last: list[Remembered] = []


def last_made() -> Made | None:
    """The last avatar made in this session, with the engine's report."""
    return _last[0].made if _last else None


class LHM_OT_reconstruct(OperatorFields, ModalJob, bpy.types.Operator):
    """Turn a photo of a person into an avatar that can be posed, standing at the 3D cursor"""

    bl_idname = "lhm.reconstruct"
    bl_label = "Reconstruct from Image"
    bl_options = {"REGISTER", "UNDO"}
    title = "Reconstruct"

    if TYPE_CHECKING:
        pose: str
        location: tuple[float, float, float]
        avatar_file: str
    else:
        pose: EnumProperty(name="Pose", description="How the avatar stands at first", items=POSE_ITEMS)
        location: FloatVectorProperty(
            name="Location", description="Point on the ground. Not set: the 3D cursor", subtype="TRANSLATION",
            options={"SKIP_SAVE"},
        )  # fmt: skip
        avatar_file: StringProperty(
            name="Avatar File", description="Also write the avatar to this file (.lhma)", subtype="FILE_PATH",
            options={"SKIP_SAVE"},
        )  # fmt: skip

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """An engine is there and has nothing else to do."""
        return can_begin(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin and let the user go on working; ask for the photo when there is none."""
        self._take_from(context)
        if not self.photo:
            return bpy.ops.lhm.choose_photo("INVOKE_DEFAULT")
        self.location = self._location(context)  # the cursor may move while the engine works
        try:
            require_ready(context, self)
            job = reconstruction.start(self._photo(), self._settings(), engines(context))
        except AvatarError as error:
            return self._refuse(context, error)
        return self.begin(context, job)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Do it and wait: in background, from scripts, and again with another pose."""
        self._take_from(context)
        if not self.photo:
            return self._refuse(context, AvatarError(NO_PHOTO))
        photo, settings = self._photo(), self._settings()
        try:
            if (known := self._known(photo, settings)) is not None:
                place(context, known, name=photo.stem, location=self._location(context), pose=self.pose)
                return {"FINISHED"}
            require_ready(context, self)
            job_state(context).begin(self.title)
            made = reconstruct_photo(
                context,
                photo,
                settings,
                location=self._location(context),
                pose=self.pose,
                keep=self._keep(),
                on_progress=_show_in(context),
            ).made
        except AvatarError as error:
            return self._refuse(context, error)
        finally:
            if job_state(context).running:
                job_state(context).end("Stopped", failed=True)
        return self._made(context, made)

    def finish(self, context: bpy.types.Context, job: "EngineJob[Made]") -> set[str]:
        """Put the person where the cursor was when the button was pressed."""
        made = job.result()
        if self._keep() is not None:
            keep_avatar(job, self._keep())
        place(context, made, name=self._photo().stem, location=self.location, pose=self.pose)
        return self._made(context, made)

    def draw(self, context: bpy.types.Context) -> None:
        """Adjust Last Operation: only what does not take a minute."""
        self.layout.prop(self, "pose")
        self.layout.prop(self, "location")

    def _made(self, context: bpy.types.Context, made: Made) -> set[str]:
        reveal_colors(context)
        _last[:] = [Remembered(self._photo(), self._settings(), made)]
        for warning in made.warnings:
            self.report({"WARNING"}, warning)
        outcome = f"{self._photo().stem}: {made.avatar.gaussians.count:,} splats"
        if self.photos:
            outcome += f" from {1 + len(self.photos)} photos"
        job_state(context).end(outcome, warnings=made.warnings)
        self.report({"INFO"}, outcome)
        return {"FINISHED"}

    def _refuse(self, context: bpy.types.Context, error: AvatarError) -> set[str]:
        job_state(context).end(str(error), failed=True)
        self.report({"ERROR"}, str(error))
        return {"CANCELLED"}

    def _take_from(self, context: bpy.types.Context) -> None:
        """Use the sidebar's photo and settings, if no photo was given."""
        chosen = settings(context)
        if self.photo:
            return
        for name in SETTING_NAMES:
            if not self.properties.is_property_set(name):
                setattr(self, name, getattr(chosen, name))
        if self.engine == LIFT and not self.photos:  # the sidebar offers them for this engine only
            for further in chosen.photos:
                self.photos.add().name = further.name

    def _known(self, photo: Path, settings: Settings) -> Made | None:
        """The last avatar, if Blender repeats the operator with the same photo and settings."""
        repeated = self.options.is_repeat or self.options.is_repeat_last
        fits = repeated and _last and (_last[0].photo, _last[0].settings) == (photo, settings)
        return _last[0].made if fits else None

    def _location(self, context: bpy.types.Context) -> tuple[float, ...]:
        """Where the avatar shall stand."""
        given = self.properties.is_property_set("location")
        return tuple(self.location if given else context.scene.cursor.location)

    def _photo(self) -> Path:
        return Path(bpy.path.abspath(self.photo))

    def _keep(self) -> Path | None:
        return Path(bpy.path.abspath(self.avatar_file)) if self.avatar_file else None

    def _settings(self) -> Settings:
        return request_settings(self)


def request_settings(fields: SceneFields) -> Settings:
    """What the scene or an operator has set, as the engine wants it.

    Args:
        fields: Of the scene or of the operator.
    """
    settings = Settings(
        mask=_path(fields.mask),
        seed=fields.seed,
        count=fields.count,
        influences=int(fields.influences),
        engine=fields.engine,
        photos=tuple(Path(bpy.path.abspath(further.name)) for further in fields.photos),
    )
    # Equal settings give equal avatars: what the engine does not use is left as it is.
    if fields.engine == LIFT:
        loose = None if fields.loose_automatic else fields.loose_strength
        return replace(settings, held=fields.held, loose=loose)
    return replace(
        settings,
        count=DEFAULT_COUNT,
        preparation=fields.preparation,
        binding=fields.binding,
        shape=tuple(fields.betas) if fields.shape == "betas" else fields.shape,
        models=models_root(),
        model_folder=_path(fields.model_folder) if fields.engine == OWN_MODEL else None,
        device=preferences().device,
        head_box=tuple(fields.head_box) if fields.use_head_box else None,
        enlarge=fields.enlarge,
    )


def require_ready(context: bpy.types.Context, fields: SceneFields) -> None:
    """Stop where the engine lacks something, or the head box is none.

    Raises:
        AvatarError: Saying what, and where to get it.
    """
    refresh()
    state = state_of(context, fields.engine, fields.model_folder)
    if state.kind == NO_ENGINE:
        raise AvatarError(ENGINE_MISSING if fields.engine == LIFT else LHM_ENGINE_MISSING)
    if not state.ready:
        raise AvatarError(not_ready(fields.engine, state))
    left, top, right, bottom = fields.head_box
    if fields.engine != LIFT and fields.use_head_box and not (left < right and top < bottom):
        raise AvatarError(HEAD_BOX)


def not_ready(engine: str, state: EngineState) -> str:
    """What an engine lacks, as a greyed button and a script are told."""
    title = next(title for name, title, _ in ENGINE_ITEMS if name == engine)
    reasons = "".join(f" {note}" for note in state.notes)
    return f"{title}: {state.words}.{reasons} See the 3D Viewport: sidebar (N) > LHM Avatars > Setup."


def _path(text: str) -> Path | None:
    return Path(bpy.path.abspath(text)) if text else None


def can_begin(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """Whether a reconstruction can begin; where not, the greyed button says why.

    In the sidebar the scene's engine is meant. A script may name another one, so there only the lack of any
    engine stops it.
    """
    chosen = settings(context).engine
    if not idle(operator):
        return False
    if engines(context).basic() is None:
        operator.poll_message_set(ENGINE_MISSING)
    elif _in_sidebar(context) and not (state := state_of(context, chosen)).ready:
        operator.poll_message_set(not_ready(chosen, state))
    else:
        return True
    return False


def _in_sidebar(context: bpy.types.Context) -> bool:
    return context.region is not None and context.region.type == "UI"


def _show_in(context: bpy.types.Context) -> Callable[[Progress], None]:
    """A listener that keeps the job's state and Blender's cursor up to date."""
    manager, state = context.window_manager, job_state(context)

    def show(progress: Progress) -> None:
        state.message, state.fraction = progress.message, progress.fraction
        manager.progress_update(progress.fraction)

    return show


@persistent
def _forget(_file: str = "", _unused: object = None) -> None:
    _last.clear()


def attach(undo: ExitStack) -> None:
    """Forget the last avatar in time."""
    bpy.app.handlers.load_pre.append(_forget)
    undo.callback(bpy.app.handlers.load_pre.remove, _forget)
    undo.callback(_last.clear)


CLASSES = (LHM_OT_reconstruct,)
