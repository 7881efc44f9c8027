"""`facegen replay`: its options, and what they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import engine_options, export_options, generate_options


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of `facegen replay`, without those it shares with other commands."""
    command.add_argument(
        "record",
        type=Path,
        metavar="FILE",
        help="a record (.json, as facegen generate --record writes it), or a .blend with clips",
    )
    command.add_argument(
        "--head",
        type=Path,
        metavar="HEAD",
        help="the neutral head, where it is not the file that the record names",
    )
    command.add_argument(
        "--clip", default="", metavar="NAME", help="which clip of a .blend (the one that plays)"
    )
    generate_options.add_objects(command)
    generate_options.add_outputs(command)
    export_options.add_export(command)
    engine_options.add_engine(command)
    command.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
    command.add_argument(
        "--record",
        dest="record_out",
        type=Path,
        metavar="FILE.json",
        help="write the record of what was made, such as that of a clip of a .blend",
    )
    command.add_argument(
        "--any-model",
        action="store_true",
        help="go on with the model at hand where it is not the recorded one",
    )
    command.add_argument(
        "--any-head",
        action="store_true",
        help="go on with another head than the recorded one: the same performance on it",
    )


def request_of(options: argparse.Namespace) -> object:
    """What to replay. Needs Blender from here on."""
    from .replay_file import ReplayRequest

    more = {"bundle_file": options.bundle} if options.bundle else {}
    return ReplayRequest(
        options.record,
        tuple(options.output),
        head=options.head,
        clip=options.clip,
        object_names=tuple(options.object),
        any_model=options.any_model,
        any_head=options.any_head,
        report_file=options.report,
        record_out=options.record_out,
        engine=engine_options.choice_of(options),
        **export_options.export_of(options),
        **more,
    )
