"""The `evaluate` verb: errors of a finished run on subjects it has not seen, in millimetres."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tqdm import tqdm

from training.reconstruction import error_table, measure_errors
from training.train_config import read_config
from training.train_expression_model import resume_run, set_up
from training.training_data import read_training_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `evaluate`."""
    parser.add_argument("--run", type=Path, required=True, help="folder of a finished run")
    parser.add_argument("--data", type=Path, help="prepared data set, instead of the run's")
    parser.add_argument("--split", choices=["val", "test"], default="test")
    parser.add_argument("--out", type=Path, help="JSON file to write the errors to")


def main(args: argparse.Namespace) -> None:
    """Measure every frame of the split; print the table, write it where asked."""
    data = None if args.data is None else str(args.data)
    config = read_config(args.run / "config.yaml", data=data, out=str(args.run))
    dataset = read_training_data(config)
    run = set_up(config, dataset)
    resume_run(run)
    sequences = dataset.sequences[args.split]
    errors = measure_errors(run.model, sequences, dataset.template, run.judges)
    tqdm.write(error_table(errors))
    if args.out is not None:
        args.out.write_text(json.dumps(errors, indent=1) + "\n", encoding="utf-8")
