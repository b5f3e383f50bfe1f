"""``setup``, ``install`` and ``download``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import bpy

from ..engine import environment, torch_builds
from ..engine.weights.catalogue import LICENCES
from ..engine.weights.licences import accept
from ..operators.install import InstallJob, install_arguments
from ..operators.looks import look_at_hardware
from ..operators.models import start_download
from ..operators.setup_report import setup_report
from ..preferences import engine_root, models_root
from .shared import done, say

if TYPE_CHECKING:
    import argparse


def setup(_options: argparse.Namespace) -> None:
    """Report on engines, models and this computer."""
    look_at_hardware(models_root())
    sys.stdout.write(f"{setup_report(bpy.context)}\n")


def install(options: argparse.Namespace) -> None:
    """Install the built-in engine, or one for LHM.

    Raises:
        AvatarError: If it cannot be done.
    """
    wanted = torch_builds.requirements_of(options.build) if options.build else environment.BASE
    arguments = install_arguments(bpy.context) | {"requirements": wanted}
    if options.wheels:
        arguments["wheel_dir"] = options.wheels.absolute()
    done(InstallJob(engine_root(), arguments))
    say("the engine is installed")


def download(options: argparse.Namespace) -> None:
    """Download a model and all that it needs.

    Raises:
        AvatarError: If a licence is not accepted, or it cannot be done.
    """
    for licence in options.accept_licences:
        accept(licence, models_root())
        say(f"accepted: {LICENCES[licence].title}, {LICENCES[licence].terms}, {LICENCES[licence].url}")
    done(start_download(bpy.context, options.model))
    say(f"{options.model} is downloaded")
