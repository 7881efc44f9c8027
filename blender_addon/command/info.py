"""The words of `facegen info`: what a bundle is, for people or as JSON. Needs no Blender."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from facegen_core.bundle import load_bundle
from facegen_core.bundle_info import error_table, info_as_json, read_bundle_info, summary_rows

from .. import DEFAULT_BUNDLE


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The command line of `info`."""
    command.add_argument(
        "bundle",
        type=Path,
        nargs="?",
        default=DEFAULT_BUNDLE,
        metavar="BUNDLE",
        help="a .facegen file (the model that comes with Facegen)",
    )
    command.add_argument("--json", action="store_true", help="the same for other programs")


def info_text(options: argparse.Namespace) -> str:
    """What to print. Raises BundleError unless the whole file is sound."""
    bundle = load_bundle(options.bundle)
    info = read_bundle_info(options.bundle)
    num_vertices = len(bundle.template.vertices)
    if options.json:
        return json.dumps(info_as_json(info) | {"vertices": num_vertices}, indent=1)
    rows = [*summary_rows(info), ("Template", f"{num_vertices:,} vertices")]
    width = max(len(label) for label, _ in rows)
    lines = [f"{label:<{width}}  {value}" for label, value in rows]
    table = error_table(info)
    if not table:
        return "\n".join([*lines, "", "Its errors were not recorded."])
    people = f"{info.num_test_subjects} people" if info.num_test_subjects else "people"
    lines += ["", f"Mean error over the face in mm, on {people} it was not trained on:"]
    name_width = max(len(line[0]) for line in table)
    for name, *cells in table:
        lines.append(f"  {name:<{name_width}}" + "".join(f"{cell:>12}" for cell in cells))
    return "\n".join(lines)
