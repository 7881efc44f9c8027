"""``python -m training add-landmark-model``: the second generator goes into a model bundle."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.bundle import Bundle, load_bundle, save_bundle
from facegen_core.errors import BundleError
from facegen_core.landmark_model import LandmarkModel
from training.displacement_decoder.config import decoder_config_from_dict
from training.displacement_decoder.faces import BASIS
from training.displacement_decoder.run import basis_hash
from training.expression_model.export_bundle import (
    DEFAULT_BUNDLE,
    WEIGHTS_LICENCE,
    tell_size,
)
from training.landmark_gan.config import LandmarkTrainConfig
from training.runs.checkpoint import Checkpoint, load_checkpoint
from training.runs.provenance import last_session
from training.runs.settings import read_settings, settings_of_kind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `add-landmark-model`."""
    parser.add_argument(
        "--run", type=Path, default=Path("runs/lm4dgan"), help="with landmarks/ and decoder/"
    )
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="bundle to change")
    parser.add_argument("--out", type=Path, help="where to write, instead of over the bundle")


def main(args: argparse.Namespace) -> None:
    """Put the second generator of a run into a bundle."""
    out = args.out or args.bundle
    add_landmark_model(args.run, args.bundle, out)
    tell_size(out)


def add_landmark_model(run: Path, source: Path, out: Path) -> Bundle:
    """Write OUT: the bundle SOURCE with the generators and the decoder below RUN.

    Everything else stays, the template's hash too. Raises BundleError where a part is not finished,
    or was trained for other expressions or another template than the bundle's.
    """
    bundle = load_bundle(source)
    landmarks, decoder = _finished(run / "landmarks"), _finished(run / "decoder")
    settings = read_settings(run / "landmarks" / "config.yaml")
    config = settings_of_kind(LandmarkTrainConfig, settings)
    decoder_config = decoder_config_from_dict(read_settings(run / "decoder" / "config.yaml"))
    _check_fits(bundle, landmarks, config, run)
    basis = bundle.weights.get(BASIS, np.zeros((0, 0, 3), np.float32))
    if decoder.progress["basis_hash"] != basis_hash(basis):
        raise BundleError(
            f"{run / 'decoder'} weighs other blendshapes than those of {source.name}: train it "
            f"with basis_from: {source.name}."
        )
    weights = {
        name: values for name, values in landmarks.weights.items() if name.startswith("generators.")
    }
    weights |= {f"decoder.{name}": values for name, values in decoder.weights.items()}
    model = LandmarkModel(
        config.generators,
        decoder_config.model,
        {name: np.asarray(values, np.float32) for name, values in weights.items()},
        _provenance(landmarks, decoder, settings, run),
    )
    save_bundle(dataclasses.replace(bundle, landmark_model=model), out)
    return load_bundle(out)


def _finished(folder: Path) -> Checkpoint:
    checkpoint = load_checkpoint(folder / "checkpoint.npz")
    if "final" not in checkpoint.progress["metrics"]:
        raise BundleError(f"{folder} is not finished: train it with --resume first.")
    return checkpoint


def _check_fits(
    bundle: Bundle, checkpoint: Checkpoint, config: LandmarkTrainConfig, run: Path
) -> None:
    progress = checkpoint.progress
    if tuple(progress["expressions"]) != bundle.config.expressions:
        raise BundleError(
            f"{run} was trained for {', '.join(progress['expressions'])}, the bundle is for "
            f"{', '.join(bundle.config.expressions)}: train both on the same data."
        )
    for name, trained, has in (
        ("frames per second", progress["frame_rate"], bundle.config.model_rate),
        ("labels", config.labels, bundle.config.labels),
        ("rest gate", config.rest_gate, bundle.config.rest_gate),
    ):
        if trained != has:
            raise BundleError(
                f"{run} was trained with {name} {trained}, the bundle has {has}: train both alike."
            )


def _provenance(
    landmarks: Checkpoint, decoder: Checkpoint, settings: Any, run: Path
) -> dict[str, Any]:
    data = dict(landmarks.progress["training_data"])
    licence = data.pop("licence", "unknown")
    shown = {name: value for name, value in settings.items() if name not in ("data", "out")}
    return {
        "training_data": data,
        "licences": {"training_data": licence, "weights": WEIGHTS_LICENCE},
        "metrics": {
            "landmarks": landmarks.progress["metrics"]["final"],
            "decoder": decoder.progress["metrics"]["final"],
        },
        "seed": shown["seed"],
        **last_session(run / "landmarks"),
        "command": {
            "train": "python -m training train --system lm4dgan",
            "settings": json.loads(json.dumps(shown)),
        },
    }
