"""`evaluate --system lm4dgan`: the second generator's tables and figures, from one command.

It adds a section to results.md, `lm4dgan` to results.json, and figures; what the first generator's
evaluation wrote there stays.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from facegen_core.errors import FacegenError
from training.datasets.ict import IctDataset
from training.datasets.training_data import TrainingData, read_training_data
from training.evaluation.reference import Reference, read_reference
from training.evaluation.report import announce
from training.expression_model.train_config import TrainConfig
from training.landmark_evaluation.examination import QUICK, Effort, examine, of_first_subjects
from training.landmark_evaluation.opening import OpenedLandmarkSystems, open_landmark_systems
from training.landmark_evaluation.pictures import draw_landmark_pictures
from training.landmark_evaluation.results import collect_landmark_results
from training.landmark_evaluation.saved_results import write_section
from training.landmark_evaluation.speed import machine
from training.runs.provenance import commit, data_hash

# Training subjects a quick look learns its reference from.
_QUICK_SUBJECTS = 12


@dataclass(frozen=True)
class LandmarkSettings:
    """What to evaluate; runs: the folder of runs, out: where the results go. Frames: of each take
    that the classifier sees. is_quick: few subjects, takes and noises, to see that all works."""

    data: Path = Path("data/ict4d")
    runs: Path = Path("runs")
    out: Path = Path("docs")
    split: str = "test"
    frames: int = 40
    seed: int = 1
    has_figures: bool = True
    takes: int = 1
    is_quick: bool = False

    def __post_init__(self) -> None:
        if self.frames < 4:
            raise FacegenError(f"--frames: expected at least 4, got {self.frames}.")
        if self.takes < 1:
            raise FacegenError(f"--takes: expected at least 1, got {self.takes}.")

    @property
    def effort(self) -> Effort:
        return replace(QUICK if self.is_quick else Effort(), takes=self.takes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `evaluate --system lm4dgan`."""
    default = LandmarkSettings()
    parser.add_argument("--data", type=Path, default=default.data, help="prepared data set")
    parser.add_argument("--runs", type=Path, default=default.runs, help="folder of finished runs")
    parser.add_argument("--out", type=Path, default=default.out, help="folder for the results")
    parser.add_argument("--split", choices=["val", "test"], default=default.split)
    parser.add_argument(
        "--frames", type=int, default=default.frames, help="frames the classifier sees of each take"
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="of everything drawn")
    parser.add_argument(
        "--takes", type=int, default=default.takes, help="takes of each subject and expression"
    )
    parser.add_argument(
        "--no-figures", action="store_true", help="tables alone: saves a minute or two"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few subjects and noises: does everything work?"
    )


def settings_of(args: argparse.Namespace) -> LandmarkSettings:
    """What a command line asks for."""
    return LandmarkSettings(
        args.data,
        args.runs,
        args.out,
        args.split,
        args.frames,
        args.seed,
        not args.no_figures,
        args.takes,
        args.quick,
    )


def main(args: argparse.Namespace) -> None:
    """Evaluate what the command line asks for; say what was reached and where to read on."""
    settings = settings_of(args)
    results = evaluate(read_training_data(TrainConfig(data=settings.data)), settings)
    announce(results, settings.out / "results.md")


def evaluate(
    data: TrainingData, settings: LandmarkSettings, opened: OpenedLandmarkSystems | None = None
) -> dict[str, Any]:
    """Measure, write and return the results of the second generator.

    opened: the systems, by default those below the folder of runs.
    """
    reference = _reference(data, settings)
    opened = opened or open_landmark_systems(settings.runs, data, reference)
    found = examine(data, settings.split, opened, reference, settings.seed, settings.effort)
    about = _about(data, settings)
    results = collect_landmark_results(found, opened, data.expressions, about)
    settings.out.mkdir(parents=True, exist_ok=True)
    pictures = []
    if settings.has_figures:
        pictures = draw_landmark_pictures(
            settings.out / "figures", data, settings.split, opened, reference, settings.seed
        )
    results["pictures"] = [asdict(picture) for picture in pictures]
    write_section(results, settings.out)
    return results


def _reference(data: TrainingData, settings: LandmarkSettings) -> Reference:
    """Of all training subjects, of a few where a quick look is enough."""
    if settings.is_quick:
        few = of_first_subjects(data.sequences["train"], _QUICK_SUBJECTS)
        sequences = data.sequences | {"train": few}
        data = TrainingData(data.template, sequences, data.frame_rate, {}, data.expressions)
    return read_reference(data, settings.frames, settings.seed)


def _about(data: TrainingData, settings: LandmarkSettings) -> dict[str, Any]:
    header = getattr(data.dataset, "header", {})
    effort = settings.effort
    in_split = of_first_subjects(data.sequences[settings.split], effort.subjects)
    singles = sum(len(s.components) == 1 for s in in_split)
    return {
        "commit": commit(),
        "command": _command(settings),
        "seed": settings.seed,
        "split": settings.split,
        "frames_per_sequence": settings.frames,
        "effort": asdict(effort),
        "num_sequences_in_split": singles,
        "num_compounds_in_split": len(in_split) - singles,
        "has_simulator": isinstance(data.dataset, IctDataset),
        "machine": machine(),
        "data": {"kind": header.get("kind", "ict"), "name": data.provenance["name"]},
        "data_hash": data_hash(data),
    }


def _command(settings: LandmarkSettings) -> str:
    """The command that asks for these settings; what is as always is left out."""
    default = LandmarkSettings()
    words = ["python", "-m", "training", "evaluate", "--system", "lm4dgan"]
    words += ["--data", settings.data.as_posix(), "--runs", settings.runs.as_posix()]
    words += ["--out", settings.out.as_posix()]
    for name in ("split", "frames", "seed", "takes"):
        if getattr(settings, name) != getattr(default, name):
            words += [f"--{name}", str(getattr(settings, name))]
    words += ["--quick"] if settings.is_quick else []
    return shlex.join(words + ([] if settings.has_figures else ["--no-figures"]))
