"""``python -m training add-detector``: a trained landmark detector goes into a model bundle."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from facegen_core.array_files import read_arrays
from facegen_core.bundle import Bundle, load_bundle, save_bundle
from facegen_core.errors import BundleError
from facegen_core.json_text import read_json
from training.expression_model.export_bundle import DEFAULT_BUNDLE, tell_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `add-detector`."""
    parser.add_argument("--run", type=Path, required=True, help="folder that `detector` wrote")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="bundle to change")
    parser.add_argument("--out", type=Path, help="where to write, instead of over the bundle")


def main(args: argparse.Namespace) -> None:
    """Put the detector of a run into a bundle."""
    out = args.out or args.bundle
    add_detector(args.run, args.bundle, out)
    tell_size(out)


def add_detector(run: Path, source: Path, out: Path) -> Bundle:
    """Write OUT: the bundle SOURCE with the detector of RUN, whose origin its header tells.

    Everything else stays, the template's hash too. Raises BundleError where RUN is not finished.
    """
    bundle = load_bundle(source)
    weights_path, record_path = run / "detector.npz", run / "detector.json"
    if not (weights_path.exists() and record_path.exists()):
        raise BundleError(f"{run} holds no finished detector: run `python -m training detector`.")
    weights = read_arrays(weights_path)
    record = read_json(record_path)
    template = dataclasses.replace(bundle.template, landmark_detector=weights)
    changed = dataclasses.replace(
        bundle, template=template, header=_with_origin(bundle.header, record)
    )
    save_bundle(changed, out)
    return load_bundle(out)


def _with_origin(header: dict[str, Any], record: dict[str, Any]) -> dict[str, Any]:
    """The header, with where the detector comes from below fields that are tables already."""
    origin = {
        "training_data": {k: record["settings"][k] for k in ("num_scenes", "seed")}
        | {"source": "rendered identities of the template's own basis", "date": record["date"]}
        | {"commit": record["commit"]},
        "metrics": record["errors"]["all"],
        "command": {"train": record["command"], "settings": record["settings"]},
    }
    return {
        name: value | {"landmark_detector": origin[name]}
        if name in origin and isinstance(value, dict)
        else value
        for name, value in header.items()
    }
