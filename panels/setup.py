"""What engines and models need, in the sidebar and on the extension's page in the preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..engine import torch_builds
from ..engine.request import RELEASED_MODELS
from ..engine.weights.catalogue import LICENCES, PRIOR_ARCHIVE, licences_of
from ..operators.engine_state import time_words
from ..operators.install import OFFLINE, build_words
from ..operators.looks import (
    basic_status,
    engine_complaint,
    fit,
    known_hardware,
    lhm_status,
    licence_dates,
    model_status,
    offered_builds,
)
from ..operators.models import ARCHIVE, shown
from ..operators.words import size_words
from ..preferences import TOKEN_NOTE, engines, models_root, page, preferences
from .draw import draw_words
from .sidebar import Sidebar

if TYPE_CHECKING:
    from contextlib import ExitStack

    from ..engine.weights.catalogue import Asset
    from ..engine.weights.store import AssetStatus

GOOD_TO_KNOW = ("Runs on your computer. Your photo is not uploaded", "Use photos of people who agreed")
_STATES = {"ready": "Ready", "partial": "Download not finished", "lost": "A file is gone or has changed",
           "absent": "Not there"}  # fmt: skip


class LHM_PT_setup(Sidebar, bpy.types.Panel):
    """Engines, models, licences."""

    bl_label = "Setup"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """What to know, and the report."""
        draw_words(self.layout.column(align=True), context, GOOD_TO_KNOW)
        row = self.layout.row(align=True)
        row.operator("lhm.check_setup", icon="TEXT")
        row.operator("lhm.open_log")
        row.operator("lhm.look_again", text="", icon="FILE_REFRESH")


class LHM_PT_setup_engines(Sidebar, bpy.types.Panel):
    """The environments that engines run in."""

    bl_label = "Engines"
    bl_parent_id = "LHM_PT_setup"

    def draw(self, context: bpy.types.Context) -> None:
        """As on the page of the preferences."""
        draw_engines(self.layout, context)


class LHM_PT_setup_models(Sidebar, bpy.types.Panel):
    """The files of LHM's models."""

    bl_label = "Models"
    bl_parent_id = "LHM_PT_setup"

    def draw(self, context: bpy.types.Context) -> None:
        """As on the page of the preferences."""
        draw_models(self.layout, context)


def draw_page(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The same on the extension's page in the preferences."""
    for title, draw in (("Engines", draw_engines), ("Models", draw_models)):
        box = layout.box()
        box.label(text=title)
        draw(box, context)
    row = layout.row(align=True)
    row.operator("lhm.check_setup", icon="TEXT")
    row.operator("lhm.open_log")
    row.operator("lhm.look_again", text="", icon="FILE_REFRESH")


def draw_engines(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The built-in engine, the one for LHM, the device."""
    _built_in(layout.box().column(align=True), context)
    _for_lhm(layout.box().column(align=True), context)
    column = layout.column(align=True)
    draw_words(column, context, (f"Folder: {engines(context).root}",))
    if not bpy.app.online_access:
        draw_words(column, context, (OFFLINE,), icon="INTERNET_OFFLINE")
    _settings(layout, context, "lhm_python", "device")


def _built_in(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    found = basic_status(context)
    if found.ready:
        words, icon = f"Built-in: installed, {size_words(found.bytes)}", "CHECKMARK"
    elif found.unfinished:
        words, icon = "Built-in: installation not finished", "ERROR"
    else:
        words, icon = "Built-in: not installed", "ERROR"
    draw_words(column, context, (words,), icon=icon)
    column.operator("lhm.remove_engine" if found.ready else "lhm.install_engine")


def _for_lhm(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    own, found, hardware = engines(context).own, lhm_status(context), known_hardware()
    if hardware is not None and (advice := torch_builds.advice(hardware)):
        draw_words(column, context, (advice,), icon="ERROR")
    if own is not None:
        there = own.is_file()
        words = f"For LHM: your own environment{'' if there else ' is not there'}"
        draw_words(column, context, (words,), icon="CHECKMARK" if there else "ERROR")
        return
    if found is not None:
        build, status = found
        words = f"For LHM: installed, {build.title}, {size_words(status.bytes)}"
        draw_words(column, context, (words,), icon="CHECKMARK")
        if complaint := engine_complaint(context):
            draw_words(column, context, (complaint,), icon="ERROR")
        column.operator("lhm.remove_lhm")
        return
    draw_words(column, context, ("For LHM: not installed",), icon="ERROR")
    for build in offered_builds():
        draw_words(column, context, (build_words(build),))
        column.operator(
            "lhm.install_lhm", text=f"Install {build.title}\N{HORIZONTAL ELLIPSIS}"
        ).build = build.name


def draw_models(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The folder, the licences, then model by model."""
    there = model_status(context)
    words = (f"Folder: {models_root(context)}",
             f"Used {size_words(there.used)}, free {size_words(there.free)}")  # fmt: skip
    draw_words(layout.column(align=True), context, words)
    _licences(layout.box().column(align=True), context)
    for item in shown():
        _model(layout.box().column(align=True), context, item, there.of(item.name))
    button = layout.operator("lhm.use_model_files", text=f"Use {PRIOR_ARCHIVE}\N{HORIZONTAL ELLIPSIS}")
    button.model = ARCHIVE
    _settings(layout, context, "models_folder", "mirror", "token")
    if preferences(context).token:
        draw_words(layout.column(align=True), context, (TOKEN_NOTE,), icon="INFO")


def _settings(layout: bpy.types.UILayout, context: bpy.types.Context, *names: str) -> None:
    """Settings, each below its name: a sidebar is too narrow for both beside each other."""
    chosen = preferences(context)
    for name in names:
        column = layout.column(align=True)
        column.label(text=f"{chosen.bl_rna.properties[name].name}:")
        column.prop(chosen, name, text="")


def _licences(column: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """One tick each."""
    asked = dict.fromkeys(licence.name for item in shown() for licence in licences_of(item.name))
    dates = licence_dates(context)
    for name in asked:
        row = column.row(align=True)
        licence, date = LICENCES[name], dates[name]
        row.label(text=licence.title, icon="CHECKBOX_HLT" if date else "CHECKBOX_DEHLT")
        operator = "lhm.withdraw_licence" if date else "lhm.accept_licence"
        row.operator(operator, text="Withdraw" if date else "Accept\N{HORIZONTAL ELLIPSIS}").licence = name


def _model(column: bpy.types.UILayout, context: bpy.types.Context, item: Asset, status: AssetStatus) -> None:
    ready = status.state == "ready"
    size = size_words(status.bytes if ready else item.expected_bytes)
    heading = f"{item.title}: {_STATES[status.state]}, {size}" if item.expected_bytes else item.title
    draw_words(column, context, (heading,), icon="CHECKMARK" if ready else "FILE")
    draw_words(column, context, _facts(context, item, status))
    row = column.row(align=True)
    if not ready and item.repository is not None:
        row.operator("lhm.download_model", text="Download").model = item.name
    if not ready:
        row.operator("lhm.use_model_files", text="Use Files\N{HORIZONTAL ELLIPSIS}").model = item.name
    if status.state != "absent":
        row.operator("lhm.delete_model", text="Delete\N{HORIZONTAL ELLIPSIS}").model = item.name
    if item.page:
        row.operator("wm.url_open", text="", icon="URL").url = item.page


def _facts(context: bpy.types.Context, item: Asset, status: AssetStatus) -> tuple[str, ...]:
    """What it is for, what it asks for, and how it would run here."""
    facts = [item.purpose]
    if status.licences_missing:
        facts.append(
            "Licence not accepted yet: " + ", ".join(LICENCES[name].title for name in status.licences_missing)
        )
    if item.name in RELEASED_MODELS and (fitting := fit(context, item.name)) is not None:
        facts += fitting.problems or [time_words(fitting.seconds) or "Fits this computer"]
    return tuple(facts)


def attach(undo: ExitStack) -> None:
    """Show the same on the extension's page in the preferences."""
    page.append(draw_page)
    undo.callback(page.remove, draw_page)


CLASSES = (LHM_PT_setup, LHM_PT_setup_engines, LHM_PT_setup_models)
