"""The `evaluate` verb: the paper's tables and figures for unseen subjects, from one command.

It writes results.md, results.json and figures/ below `--out`, and leaves there what the evaluation
of the other generator wrote (`training.landmark_evaluation`). results-notes.md beside them,
where a person has written one, becomes a section of the report.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facegen_core.errors import FacegenError
from facegen_core.files import write_text
from training.datasets.training_data import TrainingData, read_training_data
from training.evaluation.examination import examine
from training.evaluation.pictures import draw_pictures
from training.evaluation.reference import read_reference
from training.evaluation.report import announce, write_report
from training.evaluation.results import collect_results, write_results
from training.evaluation.systems import SYSTEMS, open_systems
from training.expression_model.train_config import TrainConfig
from training.landmark_evaluation.report import with_landmark_section
from training.landmark_evaluation.saved_results import KEY, read_results
from training.runs.provenance import commit, data_hash

NOTES_FILE = "results-notes.md"


@dataclass(frozen=True)
class EvaluationSettings:
    """What to evaluate. runs: the folder of runs; out: where the results go.

    frames: how many frames of each sequence are compared, and seen by the classifier.
    """

    data: Path = Path("data/ict4d")
    runs: Path = Path("runs")
    out: Path = Path("docs")
    systems: tuple[str, ...] = SYSTEMS
    split: str = "test"
    frames: int = 40
    seed: int = 1
    has_figures: bool = True

    def __post_init__(self) -> None:
        unknown = sorted(set(self.systems) - set(SYSTEMS))
        if unknown:
            raise FacegenError(f"Unknown system '{unknown[0]}': choose from {', '.join(SYSTEMS)}.")
        if self.frames < 4:
            raise FacegenError(f"--frames: expected at least 4, got {self.frames}.")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `evaluate`."""
    default = EvaluationSettings()
    parser.add_argument("--data", type=Path, default=default.data, help="prepared data set")
    parser.add_argument("--runs", type=Path, default=default.runs, help="folder of finished runs")
    parser.add_argument("--out", type=Path, default=default.out, help="folder for the results")
    parser.add_argument(
        "--systems", nargs="+", metavar="NAME", default=list(SYSTEMS), help=", ".join(SYSTEMS)
    )
    parser.add_argument("--split", choices=["val", "test"], default=default.split)
    parser.add_argument(
        "--frames", type=int, default=default.frames, help="frames compared of each sequence"
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="of everything drawn")
    parser.add_argument(
        "--no-figures", action="store_true", help="tables alone: saves a minute or two"
    )


def settings_of(args: argparse.Namespace) -> EvaluationSettings:
    """What a command line asks for."""
    return EvaluationSettings(
        args.data,
        args.runs,
        args.out,
        tuple(args.systems),
        args.split,
        args.frames,
        args.seed,
        not args.no_figures,
    )


def main(args: argparse.Namespace) -> None:
    """Evaluate what the command line asks for; say what was reached and where to read on."""
    settings = settings_of(args)
    results = evaluate(read_training_data(TrainConfig(data=settings.data)), settings)
    announce(results, settings.out / "results.md")


def evaluate(data: TrainingData, settings: EvaluationSettings) -> dict[str, Any]:
    """Measure, write and return the results."""
    reference = read_reference(data, settings.frames, settings.seed)
    opened = open_systems(settings.systems, settings.runs, data, reference, settings.seed)
    examination = examine(data, settings.split, opened, reference, settings.seed)
    results = collect_results(examination, opened, data.expressions, _about(data, settings))
    settings.out.mkdir(parents=True, exist_ok=True)
    pictures = []
    if settings.has_figures:
        folder = settings.out / "figures"
        pictures = draw_pictures(folder, data, settings.split, opened, reference, examination)
    notes = settings.out / NOTES_FILE
    text = notes.read_text(encoding="utf-8") if notes.exists() else ""
    # The other generator's results stay, in both files.
    other = read_results(settings.out / "results.json").get(KEY)
    kept = {} if other is None else {KEY: other}
    write_results(results | kept, settings.out / "results.json")
    report = write_report(results, pictures, text)
    if other is not None:
        report = with_landmark_section(report, other)
    write_text(settings.out / "results.md", report)
    return results


def _about(data: TrainingData, settings: EvaluationSettings) -> dict[str, Any]:
    header = getattr(data.dataset, "header", {})
    return {
        "commit": commit(),
        "command": _command(settings),
        "arguments": {"data": settings.data.as_posix(), "runs": settings.runs.as_posix()},
        "seed": settings.seed,
        "split": settings.split,
        "frames_per_sequence": settings.frames,
        "data": {"kind": header.get("kind", "ict"), "name": data.provenance["name"]},
        "data_hash": data_hash(data),
    }


def _command(settings: EvaluationSettings) -> str:
    """The command that asks for these settings; what is as always is left out."""
    default = EvaluationSettings()
    words = ["python", "-m", "training", "evaluate"]
    words += ["--data", settings.data.as_posix(), "--runs", settings.runs.as_posix()]
    words += ["--out", settings.out.as_posix()]
    for name in ("split", "frames", "seed"):
        if getattr(settings, name) != getattr(default, name):
            words += [f"--{name}", str(getattr(settings, name))]
    if settings.systems != default.systems:
        words += ["--systems", *settings.systems]
    return shlex.join(words + ([] if settings.has_figures else ["--no-figures"]))
