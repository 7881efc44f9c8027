"""From a finished run to the one file that ships: the model bundle with its provenance."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from tqdm import tqdm

from facegen_core.bundle import Bundle, save_bundle
from facegen_core.errors import BundleError
from facegen_core.template import Template
from training.datasets.training_data import open_dataset
from training.expression_model.train_config import config_to_dict, read_config
from training.runs.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from training.runs.provenance import last_session

DEFAULT_BUNDLE = Path("blender_addon/assets/default.facegen")
# What ships inside the zip; a model of one's own may be as large as its topology.
MAX_BUNDLE_BYTES = 20_000_000
# All that ICT-FaceKit has: with sixty, what the others do stays 0.4 mm off sideways on any head.
NUM_IDENTITY_MODES = 100
WEIGHTS_LICENCE = "GPL-3.0-or-later, with the notice of the training data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `export`."""
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--out", type=Path, default=DEFAULT_BUNDLE, help="bundle to write")
    parser.add_argument("--data", type=Path, help="prepared data set, instead of the run's")


def main(args: argparse.Namespace) -> None:
    """Export the run named on the command line."""
    config = read_config(args.run / "config.yaml")
    template = open_dataset(args.data or config.data).template
    export_bundle(args.run, args.out, template)
    tqdm.write(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")


def export_bundle(
    run: Path, out: Path, template: Template, num_identity_modes: int = NUM_IDENTITY_MODES
) -> Bundle:
    """Write OUT from the run's checkpoint, its configuration and the template it was trained on.

    num_identity_modes: how many of the template's identity modes ship, the strongest first.

    Raises CheckpointError when the run is not finished, or the default too large to ship.
    """
    checkpoint = load_checkpoint(run / "checkpoint.npz")
    if "final" not in checkpoint.progress["metrics"]:
        raise CheckpointError(f"{run} is not finished: resume it with --resume, then export.")
    config = read_config(run / "config.yaml")
    header = _provenance(checkpoint, config_to_dict(config), run)
    template = _with_fewer_modes(template, num_identity_modes)
    bundle = Bundle(template, checkpoint.weights, config.model, header)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_bundle(bundle, out)
    size = out.stat().st_size
    if out == DEFAULT_BUNDLE and size > MAX_BUNDLE_BYTES:
        raise CheckpointError(
            f"{out} has {size / 1e6:.1f} MB, at most {MAX_BUNDLE_BYTES / 1e6:.0f} may ship: "
            "use fewer blendshapes or identity modes."
        )
    return bundle


def tell_size(out: Path) -> None:
    """Say how large a bundle is. Raises BundleError where the default is too large to ship."""
    size = out.stat().st_size
    tqdm.write(f"{out}: {size / 1e6:.1f} MB")
    if out == DEFAULT_BUNDLE and size > MAX_BUNDLE_BYTES:
        raise BundleError(f"{out} has {size / 1e6:.1f} MB, too much to ship.")


def _with_fewer_modes(template: Template, num_modes: int) -> Template:
    parts = tuple(
        dataclasses.replace(part, identity_basis=part.identity_basis[:num_modes])
        for part in template.inner_parts
    )
    basis = template.identity_basis[:num_modes]
    return dataclasses.replace(template, identity_basis=basis, inner_parts=parts)


def _provenance(checkpoint: Checkpoint, settings: dict[str, Any], run: Path) -> dict[str, Any]:
    progress = checkpoint.progress
    data = dict(progress["training_data"])
    licence = data.pop("licence", "unknown")
    untold = ["data", "out"]
    if "num_threads" not in progress["settings"]:  # it began before that was a setting
        untold.append("num_threads")
    settings = {name: value for name, value in settings.items() if name not in untold}
    return {
        "training_data": {
            **data,
            "frame_rate": progress["frame_rate"],
            "magnitude_means_mm": progress["magnitude_means"],
            "magnitude_deviations_mm": progress["magnitude_deviations"],
        },
        "licences": {"training_data": licence, "weights": WEIGHTS_LICENCE},
        "metrics": progress["metrics"],
        "seed": settings["seed"],
        **last_session(run),
        "command": {
            "train": f"python -m training train --config {_config_of(run)}",
            "settings": settings,
        },
    }


def _config_of(run: Path) -> str:
    """The shipped configuration of the run's name, or the one that lies in its folder."""
    shipped = Path("training/configs") / f"{run.name}.yaml"
    return shipped.as_posix() if shipped.exists() else "config.yaml"
