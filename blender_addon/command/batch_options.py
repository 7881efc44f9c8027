"""`facegen batch`: its options."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass
from pathlib import Path

from facegen_core.errors import FacegenError

from . import export_options, generate_options
from .batch_jobs import Job, jobs_of

FORMATS = ("fbx", "glb", "blend", "abc", "usdc")


@dataclass(frozen=True)
class BatchRequest:
    """arguments: of `facegen generate`, the same for every head. formats: of the clips."""

    jobs: tuple[Job, ...]
    folder: Path
    formats: tuple[str, ...]
    arguments: tuple[str, ...]
    num_processes: int
    timeout_seconds: float
    has_pictures: bool
    is_again: bool


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
    generate_options.add_clip(command)
    generate_options.add_variation(command)
    export_options.add_export(command)


def request_of(options: argparse.Namespace) -> BatchRequest:
    """What is asked for. Raises FacegenError before anything is run."""
    if options.jobs < 1:
        raise FacegenError(f"--jobs is 1 or more, got {options.jobs}.")
    if not (math.isfinite(options.timeout) and options.timeout > 0):
        raise FacegenError(f"--timeout must be above 0 seconds, got {options.timeout:g}.")
    formats = tuple(dict.fromkeys(options.format)) or ("fbx",)
    generate_options.generator_of(options)
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
    )


def _shared_arguments(options: argparse.Namespace) -> tuple[str, ...]:
    """Arguments of `facegen generate` that are the same for every head."""
    given = {
        "--fps": options.fps,
        "--bake": options.bake,
        "--tolerance": options.tolerance,
        "--rig-by": options.rig_by,
        "--onto": options.onto,
        "--smoothness": options.smoothness,
        "--sparsity": options.sparsity,
        "--clip-name": options.clip_name,
        "--mask": options.mask,
        "--generator": options.generator,
        "--variation": options.variation,
        "--amount": options.amount,
        "--preset": options.preset,
        "--bundle": options.bundle.resolve() if options.bundle else None,
    }
    found = [text for name, value in given.items() if value is not None for text in (name, value)]
    found += ["--no-contact"] * options.no_contact + ["--invert-mask"] * options.invert_mask
    found += ["--replace-curves"] * options.replace_curves
    if options.root_bone is not None:
        found.append("--root-bone" if options.root_bone else "--no-root-bone")
    return tuple(map(str, found))
