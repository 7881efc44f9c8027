"""`facegen batch`: its options."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass
from pathlib import Path

from facegen_core.errors import FacegenError

from ..engine import BUILT_IN, Choice
from . import (
    bake_options,
    engine_options,
    export_options,
    eye_options,
    generate_options,
    layer_options,
)
from .batch_jobs import Job, jobs_of

FORMATS = ("fbx", "glb", "blend", "abc", "usdc")


@dataclass(frozen=True)
class BatchRequest:
    """arguments: of `facegen generate`, the same for every head. formats: of the clips.

    engines: what computes, one per device; the processes are spread over them.
    """

    jobs: tuple[Job, ...]
    folder: Path
    formats: tuple[str, ...]
    arguments: tuple[str, ...]
    num_processes: int
    timeout_seconds: float
    has_pictures: bool
    is_again: bool
    engines: tuple[Choice, ...] = (BUILT_IN,)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `facegen batch`, without those it shares with other commands."""
    command.add_argument(
        "scenes",
        type=Path,
        nargs="+",
        metavar="SCENE",
        help="heads (.obj, .fbx, .glb, .gltf, .blend), or lists of them: .json "
        '[{"head": "a.obj", "expressions": ["happy@1,12,30,45"]}, ...] or .csv with columns head, '
        "expressions (separated by ;), name",
    )
    generate_options.add_expressions(command)
    command.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="a folder per head, and the page"
    )
    command.add_argument(
        "--format",
        action="append",
        default=[],
        choices=FORMATS,
        help="of the clips (fbx); may be repeated",
    )
    command.add_argument(
        "--jobs",
        type=int,
        default=max(1, (os.cpu_count() or 2) // 2),
        metavar="N",
        help="heads at a time, a process each (half the processors)",
    )
    command.add_argument(
        "--timeout",
        type=float,
        default=900.0,
        metavar="SECONDS",
        help="a head that takes longer is given up (900)",
    )
    command.add_argument(
        "--again", action="store_true", help="also the heads that are finished already"
    )
    command.add_argument("--no-pictures", action="store_true", help="draw no contact sheets")
    engine_options.add_engine(command)
    _add_shared(command)


def request_of(options: argparse.Namespace) -> BatchRequest:
    """What is asked for. Raises FacegenError before anything is run."""
    if options.jobs < 1:
        raise FacegenError(f"--jobs is 1 or more, got {options.jobs}.")
    if not (math.isfinite(options.timeout) and options.timeout > 0):
        raise FacegenError(f"--timeout must be above 0 seconds, got {options.timeout:g}.")
    formats = tuple(dict.fromkeys(options.format)) or ("fbx",)
    generate_options.generator_of(options)
    bake_options.bake_settings(options)
    layer_options.layer_settings(options)
    eye_options.eye_settings(options)
    export_options.export_of(options)
    return BatchRequest(
        jobs=tuple(jobs_of(options.scenes, options.expression)),
        folder=options.out,
        formats=formats,
        arguments=_shared_arguments(options),
        num_processes=options.jobs,
        timeout_seconds=options.timeout,
        has_pictures=not options.no_pictures,
        is_again=options.again,
        engines=engine_options.choices_of(options),
    )


def _add_shared(command: argparse.ArgumentParser) -> None:
    """What `facegen generate` takes too and is the same for every head."""
    generate_options.add_clip(command)
    generate_options.add_variation(command)
    layer_options.add_layers(command)
    eye_options.add_eyes(command)
    export_options.add_export(command)


def _shared_arguments(options: argparse.Namespace) -> tuple[str, ...]:
    """What was said of the shared options, as arguments of `facegen generate`."""
    shared = argparse.ArgumentParser(add_help=False)
    _add_shared(shared)
    said: list[str] = []
    for action in shared._actions:
        value, name = getattr(options, action.dest), action.option_strings[0]
        if value == action.default:
            continue
        if isinstance(action, argparse.BooleanOptionalAction):
            said.append(name if value else action.option_strings[1])
        elif value is True:
            said.append(name)
        else:
            said += [f"{name}={one}" for one in (value if isinstance(value, list) else [value])]
    if options.fps is not None:
        said.append(f"--fps={options.fps}")
    if options.bundle:
        said.append(f"--bundle={options.bundle.resolve()}")
    return tuple(said)
