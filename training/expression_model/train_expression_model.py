"""Train the expression model: setup → stages → measure → save.

Potamias et al., ECCV 2020, section 4 (a distance and its change over time, Adam), in two stages.
`motion` trains the LSTM, the blendshape weights and the jaw on PCA coefficients, with the loss at
random vertices: cheap steps, many of them. `detail` trains the spiral decoder on whole meshes;
without a motion stage it trains everything, which is the paper's way.

One process, or many with `torchrun --nproc-per-node N -m training train …`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from tqdm import tqdm

from facegen_core.files import write_text
from training.datasets.training_data import TrainingData, read_training_data
from training.expression_model.detail_stage import DetailStage
from training.expression_model.fit import fit
from training.expression_model.motion_stage import MotionStage
from training.expression_model.reconstruction import error_table
from training.expression_model.run import Run, set_up
from training.expression_model.run_checkpoint import resume_run, save_run
from training.expression_model.run_log import RunLog
from training.expression_model.train_config import TrainConfig, TrainingConfigError, read_config
from training.expression_model.validation import measure_split
from training.runs.checkpoint import load_checkpoint
from training.runs.device import choose_device
from training.runs.distributed import Processes, joined, started_by_torchrun
from training.runs.threads import on_set_threads

__all__ = ["add_arguments", "main", "resume_run", "set_up", "train"]

DEFAULT_CONFIG = Path(__file__).parent.parent / "configs" / "default.yaml"


@on_set_threads
def train(
    config: TrainConfig,
    data: TrainingData,
    resume: bool = False,
    processes: Processes | None = None,
) -> dict[str, Any]:
    """Run all stages; returns the metrics, which are also in OUT/metrics.json."""
    started = time.monotonic()
    run = set_up(config, data, processes)
    if resume and run.checkpoint_path.exists():
        resume_run(run)
    log = RunLog(run, started)
    for stage in _stages(run):
        fit(run, stage, log)
    if "final" not in run.metrics:
        split = "test" if run.data.sequences.get("test") else "val"
        run.metrics["final"] = measure_split(run, split)
        run.metrics["num_test_subjects"] = len({s.subject for s in run.data.sequences[split]})
        save_run(run)
    seconds = log.close()
    if run.processes.is_first:
        metrics = {**run.metrics, "seconds": seconds}
        write_text(config.out / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    run.processes.wait()
    return run.metrics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `train`."""
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="YAML of differences")
    parser.add_argument("--data", type=Path, help="prepared data set, instead of the file's")
    parser.add_argument("--out", type=Path, help="folder of the run, instead of the file's")
    parser.add_argument("--seed", type=int, help="of everything drawn, instead of the file's")
    parser.add_argument("--device", help="auto, cpu or cuda, instead of the file's")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    again.add_argument("--restart", action="store_true", help="replace a run that is there")


def main(args: argparse.Namespace) -> None:
    """Train what the command line asks for."""
    paths = {name: str(p) for name in ("data", "out") if (p := getattr(args, name)) is not None}
    config = read_config(args.config, seed=args.seed, device=args.device, **paths)
    _check_folder(config.out, args.resume or args.restart)
    processes = started_by_torchrun()
    with joined(processes, choose_device(config, processes.local_rank).torch_device):
        metrics = train(config, read_training_data(config), args.resume, processes)
        if processes.is_first:
            tqdm.write(error_table(metrics["final"]))


def _stages(run: Run) -> list[MotionStage | DetailStage]:
    """The stages the configuration has, in order."""
    stages: list[MotionStage | DetailStage] = []
    if run.config.has_motion_stage:
        stages.append(MotionStage(run))
    if run.config.detail_steps + run.config.detail_epochs > 0:
        stages.append(DetailStage(run))
    return stages


def _check_folder(out: Path, is_decided: bool) -> None:
    """Hours of work are not written over without being asked."""
    path = out / "checkpoint.npz"
    if path.exists() and not is_decided:
        progress = load_checkpoint(path).progress
        raise TrainingConfigError(
            f"{out} holds a run at step {progress['step']} of stage {progress['stage']}: add "
            "--resume to go on with it, --restart to replace it, or choose another --out."
        )
