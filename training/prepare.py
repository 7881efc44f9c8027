"""The `prepare` verb: from ICT-FaceKit to the 4D set that models are trained on.

A run that was killed goes on where it stopped and ends with the same bytes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.bundle import template_arrays, template_from_arrays, template_hash
from facegen_core.errors import DatasetError
from facegen_core.intensity import EXPRESSIONS
from facegen_core.progress import Progress, subprogress
from facegen_core.template import Template
from training.build_template import build_template
from training.datasets.ict import DATASET_VERSION
from training.ict_facekit import read_ict_facekit
from training.make_subject import Job, is_complete, make_subject
from training.performance import FRAME_RATE

DEFAULT_SEED = 2020
NUM_SUBJECTS = 180
NUM_TAKES = 2
SOURCE = "ICT-FaceKit (USC Institute for Creative Technologies)"
# Reading the source's text files takes about this part of the time until the template is there.
READING_SHARE = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `prepare`."""
    parser.add_argument("dataset", choices=["ict"], help="which data set to prepare")
    parser.add_argument("--source", type=Path, required=True, help="checkout folder or tar archive")
    parser.add_argument("--out", type=Path, required=True, help="folder of the prepared set")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of everything drawn")
    parser.add_argument("--subjects", type=int, default=NUM_SUBJECTS, help="how many to make")
    parser.add_argument("--takes", type=int, default=NUM_TAKES, help="per subject and expression")
    parser.add_argument("--workers", type=int, default=2, help="processes working at once")


def main(args: argparse.Namespace) -> None:
    """Prepare the set named on the command line. Raises DatasetError on a wrong source."""
    prepare_ict(args.source, args.out, args.seed, args.subjects, args.takes, args.workers)


def prepare_ict(
    source: Path,
    out: Path,
    seed: int = DEFAULT_SEED,
    num_subjects: int = NUM_SUBJECTS,
    num_takes: int = NUM_TAKES,
    num_workers: int = 2,
) -> None:
    """Build or complete the set in `out`; with the same arguments, the same bytes."""
    _check_counts(seed, num_subjects, num_takes, num_workers)
    header = {
        "version": DATASET_VERSION,
        "seed": seed,
        "takes": num_takes,
        "frame_rate": FRAME_RATE,
        "unit": "millimetre",
        "expressions": list(EXPRESSIONS),
        "source": SOURCE,
        "licence": "MIT",
    }
    with tqdm(total=1.0, desc="Template", bar_format="{desc}: {percentage:3.0f}%{postfix}") as bar:
        template = _template(source, out, header, _on_bar(bar))
    job = Job(out, seed, num_takes)
    names = [f"S{number:03d}" for number in range(1, num_subjects + 1)]
    _make_subjects(job, [name for name in names if not is_complete(job, name)], num_workers)
    _write_json(
        out / "dataset.json", header | {"subjects": names, "template": template_hash(template)}
    )


def _check_counts(seed: int, num_subjects: int, num_takes: int, num_workers: int) -> None:
    for name, count in (("subjects", num_subjects), ("takes", num_takes), ("workers", num_workers)):
        if count < 1:
            raise DatasetError(f"--{name}: expected at least 1, got {count}.")
    if seed < 0:
        raise DatasetError(f"--seed: expected a number from 0 on, got {seed}.")


def _template(source: Path, out: Path, header: dict[str, Any], progress: Progress) -> Template:
    """The template in `out`, built the first time together with the shapes of the mean face."""
    _check_same_run(out / "run.json", header)
    path, shapes_path = out / "template.npz", out / "source" / "shapes.npz"
    if not (path.exists() and shapes_path.exists()):
        cache = out / "source" / "ict.npz"
        model = read_ict_facekit(source, cache, subprogress(progress, 0.0, READING_SHARE))
        for folder in ("subjects", "sequences"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        _write_json(out / "run.json", header)
        build = build_template(model, subprogress(progress, READING_SHARE, 1.0))
        _write_npz(
            shapes_path,
            names=np.array(build.expression_names),
            displacements=build.expressions,
            jaw_poses=build.jaw_poses,
        )
        _write_npz(path, **template_arrays(build.template))
    progress(1.0, "ready")
    with np.load(path, allow_pickle=False) as arrays:
        return template_from_arrays(dict(arrays))


def _check_same_run(path: Path, header: dict[str, Any]) -> None:
    """A folder begun with other arguments is refused instead of mixed."""
    if not path.exists():
        return
    begun = json.loads(path.read_text(encoding="utf-8"))
    for name, value in header.items():
        if begun.get(name) != value:
            raise DatasetError(
                f"{path.parent} was begun with {name} {begun.get(name)}, not {value}: "
                "choose another folder or the same arguments."
            )


def _make_subjects(job: Job, names: list[str], num_workers: int) -> None:
    if not names:
        return
    with ProcessPoolExecutor(min(num_workers, len(names)), initializer=_end_with_parent) as pool:
        futures = [pool.submit(make_subject, job, name) for name in names]
        for future in tqdm(as_completed(futures), total=len(names), desc="Subjects", unit=" faces"):
            future.result()


def _end_with_parent() -> None:
    """Without this, workers of a killed run would wait for work for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _on_bar(bar: tqdm) -> Progress:
    def report(fraction: float, message: str) -> None:
        bar.set_postfix_str(message, refresh=False)
        bar.n = max(bar.n, fraction)
        bar.refresh()

    return report


def _write_npz(path: Path, **arrays: NDArray) -> None:
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
