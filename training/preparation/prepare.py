"""The `prepare` verb: from what was downloaded or recorded to the 4D set that models learn from.

ICT-4D is made here, from ICT-FaceKit; recordings in `preparation.prepare_recordings`. A run that
was killed goes on where it stopped and ends with the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from facegen_core.array_files import read_arrays
from facegen_core.bundle import template_arrays, template_from_arrays, template_hash
from facegen_core.errors import DatasetError
from facegen_core.intensity import EXPRESSIONS
from facegen_core.json_text import read_json
from facegen_core.one_thread import on_one_thread
from facegen_core.progress import Progress, subprogress
from facegen_core.template import Template
from training.datasets.ict import DATASET_VERSION
from training.ict4d.ict_facekit import read_ict_facekit
from training.ict4d.make_subject import Job, is_complete, make_subject
from training.ict4d.performance import FRAME_RATE
from training.preparation import prepare_recordings
from training.preparation.resumable import end_with_parent, on_bar, write_json, write_npz
from training.template_building.build_template import build_template

DEFAULT_SEED = 2020
NUM_SUBJECTS = 180
NUM_TAKES = 2
NUM_COMPOUNDS = 3
SOURCE = "ICT-FaceKit (USC Institute for Creative Technologies)"
# Reading the source's text files takes about this part of the time until the template is there.
READING_SHARE = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of `prepare`: a data set, and what it asks for."""
    kinds = parser.add_subparsers(dest="dataset", required=True, metavar="DATASET")
    for kind, (purpose, add, _) in KINDS.items():
        add(kinds.add_parser(kind, help=purpose, description=purpose))


def main(args: argparse.Namespace) -> None:
    """Prepare the set named on the command line. Raises DatasetError on a wrong source."""
    KINDS[args.dataset][2](args)


def _add_ict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", type=Path, required=True, help="checkout folder or tar archive")
    parser.add_argument("--out", type=Path, required=True, help="folder of the prepared set")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of everything drawn")
    parser.add_argument("--subjects", type=int, default=NUM_SUBJECTS, help="how many to make")
    parser.add_argument("--takes", type=int, default=NUM_TAKES, help="per subject and expression")
    parser.add_argument(
        "--compounds",
        type=int,
        default=NUM_COMPOUNDS,
        help="takes per subject with two expressions, one after or over the other",
    )
    parser.add_argument("--workers", type=int, default=2, help="processes working at once")


def _prepare_ict(args: argparse.Namespace) -> None:
    prepare_ict(
        args.source,
        args.out,
        args.seed,
        args.subjects,
        args.takes,
        args.workers,
        args.compounds,
    )


# What can be prepared: its purpose, what it adds to the command line, and who does it.
Arguments = Callable[[argparse.ArgumentParser], None]
KINDS: dict[str, tuple[str, Arguments, Callable[[argparse.Namespace], None]]] = {
    "ict": ("ICT-4D, made from ICT-FaceKit", _add_ict_arguments, _prepare_ict),
    **{
        kind: (purpose, partial(prepare_recordings.add_arguments, kind=kind),
               prepare_recordings.main)
        for kind, purpose in prepare_recordings.PURPOSES.items()
    },
}  # fmt: skip


@on_one_thread
def prepare_ict(
    source: Path,
    out: Path,
    seed: int = DEFAULT_SEED,
    num_subjects: int = NUM_SUBJECTS,
    num_takes: int = NUM_TAKES,
    num_workers: int = 2,
    num_compounds: int = NUM_COMPOUNDS,
) -> None:
    """Build or complete the set in `out`; with the same arguments, the same bytes."""
    _check_counts(seed, num_subjects, num_takes, num_workers, num_compounds)
    header = {
        "kind": "ict",
        "version": DATASET_VERSION,
        "seed": seed,
        "takes": num_takes,
        "compounds": num_compounds,
        "frame_rate": FRAME_RATE,
        "unit": "millimetre",
        "expressions": list(EXPRESSIONS),
        "source": SOURCE,
        "source_files": source_fingerprint(source),
        "licence": "MIT",
    }
    with tqdm(total=1.0, desc="Template", bar_format="{desc}: {percentage:3.0f}%{postfix}") as bar:
        template = _template(source, out, header, on_bar(bar))
    job = Job(out, seed, num_takes, num_compounds)
    names = [f"S{number:03d}" for number in range(1, num_subjects + 1)]
    _make_subjects(job, [name for name in names if not is_complete(job, name)], num_workers)
    write_json(
        out / "dataset.json", header | {"subjects": names, "template": template_hash(template)}
    )


def source_fingerprint(source: Path) -> str:
    """What tells one source from another: names and sizes of a checkout's files, or the archive.

    Raises DatasetError when it does not exist.
    """
    digest = hashlib.sha256()
    if source.is_dir():
        folder = source / "FaceXModel" if (source / "FaceXModel").is_dir() else source
        for path in sorted([*folder.glob("*.obj"), *folder.glob("*.json")]):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    elif source.is_file():
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    else:
        raise DatasetError(f"{source} does not exist: give an ICT-FaceKit checkout or archive.")
    return digest.hexdigest()[:16]


def _check_counts(
    seed: int, num_subjects: int, num_takes: int, num_workers: int, num_compounds: int
) -> None:
    for name, count in (("subjects", num_subjects), ("takes", num_takes), ("workers", num_workers)):
        if count < 1:
            raise DatasetError(f"--{name}: expected at least 1, got {count}.")
    for name, count in (("seed", seed), ("compounds", num_compounds)):
        if count < 0:
            raise DatasetError(f"--{name}: expected a number from 0 on, got {count}.")


def _template(source: Path, out: Path, header: dict[str, Any], progress: Progress) -> Template:
    """The template in `out`, built the first time together with the shapes of the mean face."""
    _check_same_run(out / "run.json", header)
    path, shapes_path = out / "template.npz", out / "source" / "shapes.npz"
    if not (path.exists() and shapes_path.exists()):
        cache = out / "source" / "ict.npz"
        model = read_ict_facekit(source, cache, subprogress(progress, 0.0, READING_SHARE))
        for folder in ("subjects", "sequences"):
            (out / folder).mkdir(parents=True, exist_ok=True)
        write_json(out / "run.json", header)
        build = build_template(model, subprogress(progress, READING_SHARE, 1.0))
        write_npz(
            shapes_path,
            names=np.array(build.expression_names),
            displacements=build.expressions,
            jaw_poses=build.jaw_poses,
        )
        write_npz(path, **template_arrays(build.template))
    progress(1.0, "ready")
    return template_from_arrays(read_arrays(path))


def _check_same_run(path: Path, header: dict[str, Any]) -> None:
    """A folder begun with other arguments is refused instead of mixed."""
    if not path.exists():
        return
    begun = read_json(path)
    for name, value in header.items():
        if name == "source_files" and begun.get(name) != value:
            raise DatasetError(
                f"{path.parent} was begun from other source files: choose another folder or give "
                "the checkout or archive it was begun from."
            )
        if begun.get(name) != value:
            raise DatasetError(
                f"{path.parent} was begun with {name} {begun.get(name)}, not {value}: "
                "choose another folder or the same arguments."
            )


def _make_subjects(job: Job, names: list[str], num_workers: int) -> None:
    if not names:
        return
    with ProcessPoolExecutor(min(num_workers, len(names)), initializer=end_with_parent) as pool:
        futures = [pool.submit(make_subject, job, name) for name in names]
        for future in tqdm(as_completed(futures), total=len(names), desc="Subjects", unit=" faces"):
            future.result()
