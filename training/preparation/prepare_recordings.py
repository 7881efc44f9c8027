"""The `prepare` verb for recordings of real faces: CoMA, and any folder of 4D sequences.

Names, numbers and splits are checked first, then the neutrals; then the template of the set's own
topology is built, and every recording is cut into takes. A run that was killed goes on where it
stopped and ends with the same bytes.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.array_files import read_arrays
from facegen_core.bundle import load_bundle
from facegen_core.json_text import read_json
from facegen_core.landmarks import read_landmark_file
from facegen_core.one_thread import on_one_thread
from facegen_core.template import Template
from facegen_core.template_arrays import template_arrays, template_from_arrays, template_hash
from training.datasets.coma import find_coma
from training.datasets.mesh_files import MeshFile
from training.datasets.recorded import DATASET_VERSION
from training.datasets.sequence_folder import UNKNOWN_LICENCE, find_sequence_folder
from training.datasets.source import MM_PER_UNIT, Source
from training.preparation.head_motion import chin_vertices, fit_rigid, still_vertices
from training.preparation.read_neutrals import read_neutrals
from training.preparation.record_takes import (
    Job,
    Stage,
    note_path,
    record_takes,
)
from training.preparation.resumable import (
    check_same_run,
    end_with_parent,
    on_bar,
    write_json,
    write_npz,
)
from training.template_building.own_template import build_own_template

FloatArray = NDArray[np.floating]

# The bundle that ships: its template is complete, and it lies beside this folder.
COMPLETE_BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"
PURPOSES = {
    "coma": "CoMA: 12 subjects, 12 extreme expressions, as downloaded",
    "sequence_folder": "any folder SUBJECT/EXPRESSION/frames of meshes in one topology",
}


@dataclass(frozen=True)
class Options:
    """How a set is prepared, beside what its folder says.

    landmarks_from: bundle whose landmarks, regions and inner parts are carried over. landmarks:
    file of landmarks by hand on the neutral of the first training subject. rigid: "remove" or
    "keep" the motion of the head as a whole.
    """

    landmarks_from: Path = COMPLETE_BUNDLE
    landmarks: Path | None = None
    rigid: str = "remove"
    seed: int = 0
    num_workers: int = 2


def add_arguments(parser: argparse.ArgumentParser, kind: str) -> None:
    """The command line of `prepare coma` or `prepare sequence_folder`."""
    parser.add_argument("--source", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder of the prepared set")
    if kind == "coma":
        parser.add_argument("--cuts", type=Path, help="CSV of subject,expression,from,to")
    else:
        parser.add_argument("--unit", choices=sorted(MM_PER_UNIT), help="of the coordinates")
        parser.add_argument("--rate", type=float, help="frames per second")
        parser.add_argument("--neutral", help="file in each subject's folder, or first_frame")
        parser.add_argument("--marks", type=Path, help="CSV, instead of SOURCE/marks.csv")
    parser.add_argument("--licence", help="of the recordings, for the bundle's provenance")
    for split in ("val", "test"):
        parser.add_argument(f"--{split}", nargs="+", metavar="SUBJECT", help=f"{split} split")
    parser.add_argument("--rigid", choices=["remove", "keep"], default="remove",
                        help="motion of the head as a whole")  # fmt: skip
    parser.add_argument("--gaps", choices=["refuse", "interpolate"], default="refuse",
                        help="frame numbers that are missing")  # fmt: skip
    parser.add_argument("--landmarks-from", type=Path, default=COMPLETE_BUNDLE, metavar="BUNDLE",
                        help="whose landmarks, regions and teeth are carried over")  # fmt: skip
    parser.add_argument("--landmarks", type=Path, help="13 or more by hand, a JSON file")
    parser.add_argument("--seed", type=int, default=0, help="of the splits nobody declared")
    parser.add_argument("--workers", type=int, default=2, help="processes working at once")


def main(args: argparse.Namespace) -> None:
    """Prepare the set named on the command line. Raises DatasetError with what is wrong."""
    split = {name: tuple(getattr(args, name)) for name in ("val", "test") if getattr(args, name)}
    fills_gaps = args.gaps == "interpolate"
    if args.dataset == "coma":
        source = find_coma(args.source, args.cuts, split, args.licence, args.seed, fills_gaps)
    else:
        overrides: dict[str, Any] = {
            "unit": args.unit,
            "frame_rate": args.rate,
            "neutral": args.neutral,
            "licence": args.licence,
            "split": split,
        }
        source = find_sequence_folder(args.source, overrides, args.marks, args.seed, fills_gaps)
    options = Options(args.landmarks_from, args.landmarks, args.rigid, args.seed, args.workers)
    prepare_recordings(source, args.out, options)


@on_one_thread
def prepare_recordings(source: Source, out: Path, options: Options = Options()) -> None:
    """Build or complete the set in `out`; with the same arguments, the same bytes."""
    _say_what_was_found(source)
    _check_same_run(out, source, options)
    first, neutrals = read_neutrals(source)
    template = _template(source, out, options, first, neutrals)
    jobs, stage = _jobs(source, out, options, template, first, neutrals)
    waiting = [job for job in jobs if not note_path(out, job.name).exists()]
    _run(stage, waiting, options.num_workers)
    write_json(out / "dataset.json", _header(source, options, template, _sequences(out, jobs)))


def _template(
    source: Source,
    out: Path,
    options: Options,
    first: MeshFile,
    neutrals: dict[str, FloatArray],
) -> Template:
    """The set's own template, built the first time together with the subjects' files."""
    path = out / "template.npz"
    if not path.exists():
        with tqdm(
            total=1.0, desc="Template", bar_format="{desc}: {percentage:3.0f}%{postfix}"
        ) as bar:
            own = build_own_template(
                neutrals,
                source.splits["train"],
                first.triangles,
                load_bundle(options.landmarks_from).template,
                _landmarks(options.landmarks, source.mm_per_unit),
                on_bar(bar),
            )
        for subject, neutral in own.neutrals.items():
            write_npz(
                out / "subjects" / f"{subject}.npz",
                neutral=neutral.astype(np.float32),
                identity=own.identities[subject],
            )
        write_npz(path, **template_arrays(own.template))
        tqdm.write(f"The template's face fits the mean neutral to {own.residual_mm:.2f} mm.")
    return template_from_arrays(read_arrays(path))


def _landmarks(path: Path | None, mm_per_unit: float) -> dict[int, FloatArray] | None:
    """{number: (3,)} by hand, mm in the frame of the files."""
    if path is None:
        return None
    return {k: mm_per_unit * position for k, position in read_landmark_file(path).items()}


def _jobs(
    source: Source,
    out: Path,
    options: Options,
    template: Template,
    first: MeshFile,
    neutrals: dict[str, FloatArray],
) -> tuple[list[Job], Stage]:
    stage = Stage(
        out,
        first,
        source.mm_per_unit,
        source.frame_rate,
        template.regions["face"],
        still_vertices(template),
        chin_vertices(template),
        template.jaw_pivot.astype(np.float64),
        options.rigid == "remove",
        all(path is None for path in source.neutrals.values()),
    )
    jobs = []
    for subject in source.subjects:
        arrays = read_arrays(out / "subjects" / f"{subject}.npz")
        placed = arrays["neutral"].astype(np.float64)
        placement = fit_rigid(neutrals[subject], placed)
        for expression in source.expressions:
            recordings = tuple(
                r for r in source.recordings if (r.subject, r.expression) == (subject, expression)
            )
            if recordings:
                jobs.append(Job(subject, expression, recordings, placement, placed))
    return jobs, stage


def _run(stage: Stage, jobs: list[Job], num_workers: int) -> None:
    bar = tqdm(total=len(jobs), desc="Recordings", unit=" rec", mininterval=1.0)
    with bar:
        if num_workers == 1:
            for job in jobs:
                record_takes(stage, job)
                bar.update()
        elif jobs:
            with ProcessPoolExecutor(
                min(num_workers, len(jobs)), initializer=end_with_parent
            ) as pool:
                futures = [pool.submit(record_takes, stage, job) for job in jobs]
                try:
                    for future in as_completed(futures):
                        future.result()
                        bar.update()
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise


def _sequences(out: Path, jobs: list[Job]) -> dict[str, dict[str, Any]]:
    sequences = {}
    for job in jobs:
        takes = read_json(note_path(out, job.name))["takes"]
        for take in range(1, takes + 1):
            entry = {"subject": job.subject, "expression": job.expression, "take": take}
            sequences[f"{job.name}_{take}"] = entry
    return sequences


def _header(
    source: Source, options: Options, template: Template, sequences: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "kind": source.kind,
        "version": DATASET_VERSION,
        "seed": options.seed,
        "name": source.name,
        "source": source.name,
        "licence": source.licence,
        "unit": "millimetre",
        "frame_rate": source.frame_rate,
        "expressions": list(source.expressions),
        "subjects": list(source.subjects),
        "splits": {name: list(members) for name, members in source.splits.items()},
        "sequences": sequences,
        "rigid": options.rigid,
        "template": template_hash(template),
    }


def _check_same_run(out: Path, source: Source, options: Options) -> None:
    """A folder begun with other arguments or files is refused instead of mixed."""
    arguments = {
        "kind": source.kind,
        "name": source.name,
        "unit": source.unit,
        "frame_rate": source.frame_rate,
        "rigid": options.rigid,
        "seed": options.seed,
        "splits": {name: list(members) for name, members in source.splits.items()},
        "recordings": {
            r.name: [r.expression, len(r.files), len(r.marks), len(r.cuts)]
            for r in source.recordings
        },
        "neutrals": {name: path.name if path else "" for name, path in source.neutrals.items()},
    }
    check_same_run(out / "run.json", arguments)
    for folder in ("subjects", "sequences"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    write_json(out / "run.json", arguments)


def _say_what_was_found(source: Source) -> None:
    frames = sum(len(recording.files) for recording in source.recordings)
    tqdm.write(
        f"{source.name}: {len(source.subjects)} subjects, {len(source.recordings)} recordings, "
        f"{frames} frames; expressions {', '.join(source.expressions)}; splits "
        + ", ".join(f"{name} {len(members)}" for name, members in source.splits.items())
        + "."
    )
    if source.licence == UNKNOWN_LICENCE:
        tqdm.write(
            "The licence of these recordings is unknown, and bundles trained on them will say so: "
            "declare it with --licence or in dataset.yaml."
        )
