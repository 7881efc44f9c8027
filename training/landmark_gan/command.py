"""``python -m training train --system lm4dgan``: the second generator, one stage or all of it."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.datasets.training_data import read_training_data
from training.displacement_decoder.config import DecoderTrainConfig, read_decoder_config
from training.displacement_decoder.train import train_decoder
from training.expression_model.train_config import TrainConfig
from training.landmark_gan.config import LandmarkTrainConfig, read_landmark_config
from training.landmark_gan.train_landmarks import train_landmarks
from training.runs.device import choose_device
from training.runs.distributed import joined, started_by_torchrun
from training.runs.settings import TrainingConfigError

DEFAULT_CONFIG = Path(__file__).parent.parent / "configs" / "lm4dgan.yaml"
STAGES = "landmarks", "decoder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `train --system lm4dgan`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="YAML of differences")
    parser.add_argument("--stage", choices=STAGES, help="only this; both, one after the other")
    parser.add_argument("--data", type=Path, help="prepared data set, instead of the file's")
    parser.add_argument("--out", type=Path, help="folder of the runs", default=None)
    parser.add_argument("--seed", type=int, help="of everything drawn, instead of the file's")
    parser.add_argument("--device", help="auto, cpu or cuda, instead of the file's")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on from the last checkpoints")
    again.add_argument("--restart", action="store_true", help="replace runs that are there")


def main(args: argparse.Namespace) -> None:
    """Train what the command line asks for."""
    stages = (args.stage,) if args.stage else STAGES
    landmarks, decoder = read_recipe(args.config, args.data, args.out, args.seed, args.device)
    folders = {"landmarks": landmarks.out, "decoder": landmarks.out.parent / "decoder"}
    if not (args.resume or args.restart):
        _check_folders([folders[stage] for stage in stages])
    if args.restart:
        for stage in stages:
            (folders[stage] / "checkpoint.npz").unlink(missing_ok=True)
    processes = started_by_torchrun()
    with joined(processes, choose_device(landmarks, processes.local_rank).torch_device):
        data = read_training_data(TrainConfig(data=landmarks.data))
        for stage in stages:
            if stage == "landmarks":
                metrics = train_landmarks(landmarks, data, args.resume, processes)
            else:
                metrics = train_decoder(decoder, data, folders[stage], args.resume, processes)
            if processes.is_first:
                shown = {name: v for name, v in metrics.items() if name != "validations"}
                tqdm.write(f"{stage}: {json.dumps(shown)}")


def read_recipe(
    path: Path,
    data: Path | None = None,
    out: Path | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> tuple[LandmarkTrainConfig, DecoderTrainConfig]:
    """Both parts of a recipe's YAML file, with what a command line states instead.

    out: the folder of both runs, which lie in it as landmarks/ and decoder/.
    """
    changes: dict[str, Any] = {"seed": seed, "device": device}
    paths = {
        "data": str(data) if data else None,
        "out": str(out / "landmarks") if out else None,
    }
    landmarks = read_landmark_config(path, **changes, **paths)
    decoder = read_decoder_config(path)
    stated = {name: value for name, value in changes.items() if value is not None}
    return landmarks, dataclasses.replace(decoder, **stated)


def _check_folders(folders: list[Path]) -> None:
    """Hours of work are not written over without being asked."""
    for folder in folders:
        if (folder / "checkpoint.npz").exists():
            raise TrainingConfigError(
                f"{folder} holds a run: add --resume to go on with it, --restart to replace it, or "
                "choose another --out."
            )
