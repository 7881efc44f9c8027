"""``python -m training train --system peers``: the systems ours is compared with."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tqdm import tqdm

from training.datasets.training_data import read_training_data
from training.expression_model.train_config import TrainConfig
from training.peers.config import read_peers_config
from training.peers.train_peers import PEERS, train_peers
from training.runs.settings import TrainingConfigError

DEFAULT_CONFIG = Path(__file__).parent.parent / "configs" / "peers.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `train --system peers`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="YAML of differences")
    parser.add_argument("--data", type=Path, help="prepared data set, instead of the file's")
    parser.add_argument("--out", type=Path, help="folder of the runs, instead of the file's")
    parser.add_argument("--seed", type=int, help="of everything drawn, instead of the file's")
    parser.add_argument("--device", help="auto, cpu or cuda, instead of the file's")
    parser.add_argument("--only", nargs="+", metavar="PEER", help=f"some of {', '.join(PEERS)}")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on from the last checkpoints")
    again.add_argument("--restart", action="store_true", help="replace runs that are there")


def main(args: argparse.Namespace) -> None:
    """Train what the command line asks for."""
    paths = {name: str(p) for name in ("data", "out") if (p := getattr(args, name)) is not None}
    only = getattr(args, "only", None)
    config = read_peers_config(args.config, seed=args.seed, device=args.device, **paths)
    if not (args.resume or args.restart):
        _check_folders(config.out, only or PEERS)
    data = read_training_data(TrainConfig(data=config.data))
    metrics = train_peers(config, data, config.out, args.resume, only)
    for name, values in metrics.items():
        shown = {n: v for n, v in values.items() if n != "validations"}
        tqdm.write(f"{name}: {json.dumps(shown)}")


def _check_folders(out: Path, names: list[str] | tuple[str, ...]) -> None:
    """Minutes of work are not written over without being asked."""
    for name in names:
        if (out / name / "checkpoint.npz").exists():
            raise TrainingConfigError(
                f"{out / name} holds a run: add --resume to go on with it, --restart to replace "
                "it, or choose another --out."
            )
