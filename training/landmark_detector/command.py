"""``python -m training detector``: draw, train, measure; goes on where it was interrupted."""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from facegen_core.bundle import load_bundle, write_arrays
from facegen_core.files import write_text
from training.expression_model.export_bundle import DEFAULT_BUNDLE
from training.landmark_detector.config import DetectorConfig, read_detector_config
from training.landmark_detector.measure import Measured, as_text
from training.landmark_detector.network import folded_arrays
from training.landmark_detector.pictures import Pictures, make_pictures
from training.landmark_detector.train import train_detector, validate
from training.runs.provenance import commit
from training.runs.settings import TrainingConfigError
from training.runs.threads import on_set_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `detector`."""
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="whose template")
    parser.add_argument("--config", type=Path, help="settings, where they differ from the defaults")
    parser.add_argument("--out", type=Path, default=Path("runs/detector"), help="folder of the run")
    parser.add_argument("--pictures", type=Path, help="folder of the pictures, instead of OUT's")


def main(args: argparse.Namespace) -> None:
    """Draw what is missing, train what is left, write OUT/detector.npz, table and log."""
    config = read_detector_config(args.config)
    if config.num_held_out_scenes >= config.num_scenes:
        raise TrainingConfigError("num_held_out_scenes: expected fewer than num_scenes.")
    _make(config, args)


@on_set_threads
def _make(config: DetectorConfig, args: argparse.Namespace) -> None:
    """All of it, by settings that fit each other."""
    args.out.mkdir(parents=True, exist_ok=True)
    bundle = load_bundle(args.bundle)
    folder = args.pictures or args.out / "pictures"
    pictures = make_pictures(bundle, folder, config.num_scenes, config.seed)
    is_held_out = pictures.scenes >= config.num_scenes - config.num_held_out_scenes
    held_out = pictures.at(np.flatnonzero(is_held_out))
    num_taught = int(np.argmax(is_held_out))  # scenes lie in order: a view, not a copy
    taught = Pictures(
        *(getattr(pictures, f.name)[:num_taught] for f in dataclasses.fields(pictures))
    )
    detector, log = train_detector(taught, held_out, config, args.out)
    measured = validate(detector, held_out)
    weights = folded_arrays(detector) | {"calibration": calibrate(measured)}
    write_arrays(args.out / "detector.npz", weights)
    text = as_text(measured.table())
    write_text(args.out / "errors.md", text)
    tqdm.write(text)
    _write_record(args, config, log, measured)


def calibrate(measured: Measured) -> np.ndarray:
    """(2,) of confidence = logistic(c0 - c1 log(expected mm)): the chance to be within 5 mm."""
    face = measured.pictures.is_face
    x = torch.from_numpy(np.log(measured.expected_mm[face]).ravel().astype(np.float64))
    y = torch.from_numpy((measured.errors_mm[face] < 5.0).ravel().astype(np.float64))
    parameters = torch.tensor([3.0, 2.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([parameters], max_iter=60)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        logits = parameters[0] - parameters[1] * x
        value = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)
        value.backward()
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return parameters.detach().numpy().astype(np.float32)


def _write_record(
    args: argparse.Namespace, config: DetectorConfig, log: list[dict], measured: Measured
) -> None:
    record = {
        "command": "python -m training detector"
        + (f" --config {args.config.as_posix()}" if args.config else ""),
        "settings": dataclasses.asdict(config),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "errors": {row.name: dataclasses.asdict(row) for row in measured.table()},
        "log": log,
    }
    write_text(args.out / "detector.json", json.dumps(record, indent=1) + "\n")
