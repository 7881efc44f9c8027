"""``python -m training protocol coma``: the protocol of LM-4DGAN and Sparse2Dense, in one command.

CoMA as downloaded, or any prepared set of recordings: folds by subject, in each the second
generator and its peers from their start, and the tables over all folds. A run that was killed goes
on with --resume; --only-fold gives folds to different machines.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from facegen_core.errors import DatasetError
from facegen_core.files import write_text
from training.datasets.coma import find_coma
from training.datasets.dataset import SPLITS
from training.datasets.training_data import TrainingData
from training.evaluation.results import write_results
from training.preparation.prepare_recordings import Options, prepare_recordings
from training.preparation.resumable import check_same_run, write_json
from training.protocols.config import ProtocolConfig, read_protocol_config
from training.protocols.fold_data import (
    check_expressions,
    data_of_fold,
    read_set,
    subjects_of,
)
from training.protocols.folds import PUBLIC_FOLDS, Fold, fold_subjects
from training.protocols.report import write_report
from training.protocols.steps import FoldRun, read_findings, run_fold, unfinished_step
from training.protocols.tables import collect_protocol
from training.runs.provenance import commit, data_hash
from training.runs.settings import TrainingConfigError, settings_dict

DEFAULT_CONFIG = Path(__file__).parent.parent / "configs" / "coma.yaml"
_RUN = "run.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `protocol`."""
    parser.add_argument("name", choices=["coma"], help="12 expressions, 4 folds by subject")
    parser.add_argument("--source", type=Path, required=True,
                        help="CoMA as downloaded, or a prepared set")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="folder of runs and tables")
    parser.add_argument("--folds", type=int, default=PUBLIC_FOLDS, help="how many (default 4)")
    parser.add_argument("--only-fold", type=int, metavar="K", help="train and measure only this")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="YAML of differences")
    parser.add_argument("--cuts", type=Path, help="with CoMA as downloaded, as for `prepare coma`")
    parser.add_argument("--workers", type=int, default=2, help="processes preparing at once")
    parser.add_argument("--seed", type=int, help="of everything drawn, instead of the file's")
    parser.add_argument("--device", help="auto, cpu or cuda, instead of the file's")
    parser.add_argument("--resume", action="store_true", help="go on with what OUT holds")


def main(args: argparse.Namespace) -> None:
    """Run what the command line asks for; the table is written when all folds are finished."""
    config = read_protocol_config(args.config, seed=args.seed, device=args.device)
    if args.only_fold is not None and not 1 <= args.only_fold <= args.folds:
        raise TrainingConfigError(f"--only-fold: expected 1 to {args.folds}, got {args.only_fold}.")
    if (args.out / _RUN).exists() and not args.resume:
        raise TrainingConfigError(
            f"{args.out} holds a protocol: add --resume to go on with it, or choose another --out."
        )
    data = read_set(prepared_set(args.source, args.out, args.folds, args.cuts, args.workers))
    folds = fold_subjects(subjects_of(data), args.folds)
    runs = [
        FoldRun(fold.number, folder, data_of_fold(data, fold, folder), config)
        for fold in folds
        for folder in [args.out / f"fold{fold.number}"]
    ]
    _begin(args.out, data, folds, config)
    for run in runs:
        if args.only_fold in (None, run.number):
            run_fold(run, args.resume)
    unfinished = [run.number for run in runs if unfinished_step(run.folder) is not None]
    if unfinished:
        listed = ", ".join(map(str, unfinished))
        tqdm.write(f"Still to do before the table: fold {listed}; go on with --resume.")
        return
    _write_tables(args, config, data, folds, runs)


def prepared_set(source: Path, out: Path, num_folds: int, cuts: Path | None, workers: int) -> Path:
    """The folder of the prepared set: `source` itself, or OUT/prepared made of CoMA's files.

    Raises DatasetError where a subject lacks an expression that others have, or there are too few.
    """
    if (source / "dataset.json").exists():
        if cuts is not None:
            raise DatasetError(f"{source} is prepared, its takes are cut: leave --cuts out.")
        return source
    if (source / "run.json").exists():
        raise DatasetError(f"{source} is not prepared to its end: run `prepare` again first.")
    names = tuple(sorted(find_coma(source, cuts).neutrals))
    first = fold_subjects(names, num_folds)[0]
    found = find_coma(source, cuts, dict(first.splits))
    check_expressions(source, found.subjects, found.expressions)
    for subject in found.subjects:
        played = {r.expression for r in found.recordings if r.subject == subject}
        lacking = [name for name in found.expressions if name not in played]
        if lacking and cuts is None:
            raise DatasetError(
                f"{source / subject} has no folder '{lacking[0]}', others have: the protocol "
                "compares subjects over the same expressions."
            )
    prepared = out / "prepared"
    if not (prepared / "dataset.json").exists():
        prepare_recordings(found, prepared, Options(num_workers=workers))
    return prepared


def _begin(out: Path, data: TrainingData, folds: tuple[Fold, ...], config: ProtocolConfig) -> None:
    """Say in OUT what it is about; another set or other folds are refused."""
    told = {
        "data": data_hash(data),
        "folds": [{split: list(fold.splits[split]) for split in SPLITS} for fold in folds],
    }
    check_same_run(out / _RUN, told)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / _RUN, told)
    text = yaml.safe_dump(settings_dict(config), sort_keys=False)
    write_text(out / "config.yaml", text)


def _write_tables(
    args: argparse.Namespace,
    config: ProtocolConfig,
    data: TrainingData,
    folds: tuple[Fold, ...],
    runs: list[FoldRun],
) -> None:
    findings = [read_findings(run.folder, data.expressions, config) for run in runs]
    about: dict[str, Any] = {
        "commit": commit(),
        "command": _command(args),
        "seed": config.seed,
        "noises": config.noises,
        "looked": config.looked,
        "takes": config.takes,
        "frame_rate": data.frame_rate,
        "data": {"name": data.provenance["name"], "licence": data.provenance["licence"]},
        "data_hash": data_hash(data),
    }
    results = collect_protocol(folds, findings, data.expressions, about)
    write_results(results, args.out / "protocol.json")
    path = args.out / "protocol.md"
    write_text(path, write_report(results))
    tqdm.write(f"{path}")


def _command(args: argparse.Namespace) -> str:
    """The command that asks for these tables; what is as always is left out."""
    words = ["python", "-m", "training", "protocol", args.name]
    words += ["--source", args.source.as_posix(), "--out", args.out.as_posix()]
    if args.folds != PUBLIC_FOLDS:
        words += ["--folds", str(args.folds)]
    if args.config != DEFAULT_CONFIG:
        words += ["--config", args.config.as_posix()]
    for name in ("cuts", "seed"):
        if getattr(args, name) is not None:
            words += [f"--{name}", str(getattr(args, name))]
    return shlex.join(words)
