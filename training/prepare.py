"""The `prepare` verb: from ICT-FaceKit to the 4D set that models are trained on.

Everything follows from the seed; each subject has a generator of its own, so that a run that was
killed goes on where it stopped and ends with the same bytes.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.bundle import template_arrays, template_from_arrays, template_hash
from facegen_core.errors import DatasetError
from facegen_core.intensity import EXPRESSIONS
from facegen_core.motion import fit_pose, pose_points
from facegen_core.progress import Progress
from facegen_core.template import Template
from training.build_template import build_template
from training.datasets.ict import DATASET_VERSION
from training.datasets.sequence import write_sequence
from training.deformation_transfer import SourceShapes, transfer_shapes
from training.ict_facekit import IctFaceKit, read_ict_facekit
from training.performance import FRAME_RATE, Lips, draw_style, perform
from training.template_regions import LOWER_TEETH_GROUP

FloatArray = NDArray[np.floating]

DEFAULT_SEED = 2020
NUM_SUBJECTS = 180
NUM_TAKES = 2
# Identity coefficients are clipped here: beyond, faces of the model stop being plausible.
MAX_COEFFICIENT = 2.5
# The skin near the condyles, by whose identity the jaw pivot moves, is this far from the pivot, mm.
CONDYLE_SIDE_MM, CONDYLE_RADIUS_MM = 68.0, 20.0
# A rigid pose needs few points: every so many of the proxy's lower teeth.
TEETH_STRIDE = 12
# Landmarks of the inner edges of the lips, one above the other.
UPPER_INNER_LIP, LOWER_INNER_LIP = [61, 62, 63], [67, 66, 65]
SOURCE = "ICT-FaceKit (USC Institute for Creative Technologies)"


@dataclass(frozen=True)
class _Job:
    """What a worker needs to know of the run."""

    out: Path
    seed: int
    num_takes: int


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
    if num_subjects < 1 or num_takes < 1:
        raise DatasetError("At least one subject and one take are needed.")
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
    for folder in ("subjects", "sequences", "source"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    _check_same_run(out / "run.json", header)
    with tqdm(total=1.0, desc="Template", bar_format="{desc}: {percentage:3.0f}% {postfix}") as bar:
        template = _template(source, out, _on_bar(bar))
    job = _Job(out, seed, num_takes)
    names = [f"S{number:03d}" for number in range(1, num_subjects + 1)]
    _make_subjects(job, [n for n in names if not _is_complete(job, n)], num_workers)
    header |= {"subjects": names, "template": template_hash(template)}
    _write_json(out / "dataset.json", header)


def identity_coefficients(subject: str, seed: int, num_modes: int) -> FloatArray:
    """(N,) clipped normal coefficients of a subject: its name and the seed alone decide."""
    return np.clip(
        _generator(subject, seed, "identity").normal(size=num_modes),
        -MAX_COEFFICIENT,
        MAX_COEFFICIENT,
    )


def _generator(subject: str, seed: int, purpose: str) -> np.random.Generator:
    """A stream for each purpose: more takes or another style must not change the faces."""
    words = f"{subject} {purpose}".encode()
    return np.random.default_rng([seed, *words])


def _check_same_run(path: Path, header: dict) -> None:
    """A folder begun with other arguments is refused instead of mixed."""
    if path.exists():
        begun = json.loads(path.read_text(encoding="utf-8"))
        for name, value in header.items():
            if begun.get(name) != value:
                raise DatasetError(
                    f"{path.parent} was begun with {name} {begun.get(name)}, not {value}: "
                    "choose another folder or the same arguments."
                )
    else:
        _write_json(path, header)


def _template(source: Path, out: Path, progress: Progress) -> Template:
    """The template in `out`, built the first time together with the shapes of the mean face."""
    path, shapes_path = out / "template.npz", out / "source" / "shapes.npz"
    if not (path.exists() and shapes_path.exists()):
        model = read_ict_facekit(source, out / "source" / "ict.npz", progress)
        build = build_template(model, progress)
        _write_npz(
            shapes_path,
            names=np.array(build.expression_names),
            displacements=build.expressions,
            jaw_poses=_jaw_poses(model, build.template.jaw_pivot),
        )
        _write_npz(path, **template_arrays(build.template))
    progress(1.0, "ready")
    with np.load(path, allow_pickle=False) as arrays:
        return template_from_arrays(dict(arrays))


def _jaw_poses(model: IctFaceKit, pivot: FloatArray) -> FloatArray:
    """(K, 6) how each shape moves the lower teeth, about the pivot."""
    teeth = slice(*LOWER_TEETH_GROUP)
    rest = model.neutral[teeth]
    return np.array([fit_pose(rest, rest + shape[teeth], pivot) for shape in model.expressions])


def _make_subjects(job: _Job, names: list[str], num_workers: int) -> None:
    if not names:
        return
    with ProcessPoolExecutor(min(num_workers, len(names))) as pool:
        futures = [pool.submit(_make_subject, job, name) for name in names]
        for future in tqdm(
            as_completed(futures), total=len(names), desc="Subjects", unit="subject"
        ):
            future.result()


def _is_complete(job: _Job, subject: str) -> bool:
    """The neutral's file is written last, so it stands for the whole subject."""
    return (job.out / "subjects" / f"{subject}.npz").exists()


def _make_subject(job: _Job, subject: str) -> None:
    """Write one subject: shapes, then sequences, then the file that says it is complete."""
    studio = _Studio.opened(job.out)
    coefficients = identity_coefficients(subject, job.seed, len(studio.template.identity_basis))
    neutral = studio.template.with_identity(coefficients).astype(np.float32)
    shapes = transfer_shapes(studio.source, neutral).astype(np.float16)
    folder = job.out / "subjects"
    partial = folder / f"{subject}_shapes.partial.npy"
    np.save(partial, shapes)
    partial.replace(folder / f"{subject}_shapes.npy")
    jaw = _Jaw.of_subject(studio, coefficients, neutral)
    lips = _lips(studio.template, neutral, shapes)
    style = draw_style(studio.shape_names, _generator(subject, job.seed, "style"))
    for expression in EXPRESSIONS:
        for take in range(1, job.num_takes + 1):
            rng = _generator(subject, job.seed, f"{expression} {take}")
            performance = perform(expression, style, lips, studio.shape_names, rng)
            write_sequence(
                job.out / "sequences" / f"{subject}_{expression}_{take}.npz",
                {
                    "activations": performance.activations,
                    "jaw": jaw.poses(performance.activations),
                    "marks": performance.marks,
                    "extremeness": np.array(performance.extremeness),
                    "variant": np.array(performance.variant),
                },
            )
    _write_npz(
        folder / f"{subject}.npz", neutral=neutral, coefficients=coefficients, jaw_pivot=jaw.pivot
    )


def _lips(template: Template, neutral: FloatArray, shapes: FloatArray) -> Lips:
    """Mean height between the inner edges of the lips, and what each shape does to it."""

    def heights(vertices: FloatArray) -> FloatArray:
        points = template.landmarks.positions(vertices, template.triangles)[..., 1]
        return (points[..., UPPER_INNER_LIP] - points[..., LOWER_INNER_LIP]).mean(axis=-1)

    return Lips(float(heights(neutral)), heights(shapes.astype(np.float64)))


@dataclass(frozen=True, eq=False)
class _Studio:
    """What all subjects share, read once per worker."""

    template: Template
    source: SourceShapes
    shape_names: tuple[str, ...]
    jaw_poses: FloatArray

    _by_folder = {}  # noqa: RUF012

    @classmethod
    def opened(cls, out: Path) -> _Studio:
        if out not in cls._by_folder:
            with np.load(out / "template.npz", allow_pickle=False) as arrays:
                template = template_from_arrays(dict(arrays))
            with np.load(out / "source" / "shapes.npz", allow_pickle=False) as arrays:
                shapes = {name: arrays[name] for name in arrays.files}
            neutral = template.vertices.astype(np.float64)
            source = SourceShapes(neutral, template.triangles, shapes["displacements"])
            names = tuple(str(name) for name in shapes["names"])
            cls._by_folder[out] = cls(template, source, names, shapes["jaw_poses"])
        return cls._by_folder[out]


@dataclass(frozen=True, eq=False)
class _Jaw:
    """A subject's lower teeth (P, 3), what each shape does to them (K, P, 3), and both pivots."""

    teeth: FloatArray
    motions: FloatArray
    pivot: FloatArray
    template_pivot: FloatArray

    @classmethod
    def of_subject(cls, studio: _Studio, coefficients: FloatArray, neutral: FloatArray) -> _Jaw:
        """Teeth carried by identity; the pivot moves like the skin at the condyles."""
        template = studio.template
        part = template.inner_part("lower_teeth")
        carried = part.vertices + np.tensordot(coefficients, part.identity_basis, axes=1)
        teeth = carried[::TEETH_STRIDE].astype(np.float64)
        pivot = template.jaw_pivot.astype(np.float64)
        condyles = pivot + np.array([[CONDYLE_SIDE_MM, 0, 0], [-CONDYLE_SIDE_MM, 0, 0]])
        distances = np.linalg.norm(template.vertices - condyles[:, None], axis=2).min(axis=0)
        near = distances < CONDYLE_RADIUS_MM
        shift = (neutral - template.vertices)[near].mean(axis=0)
        shift[0] = 0.0
        motions = pose_points(teeth, pivot + shift, studio.jaw_poses) - teeth
        return cls(teeth, motions, pivot + shift, pivot)

    def poses(self, activations: FloatArray) -> NDArray[np.float32]:
        """(T, 6) rigid poses about the template's pivot of the teeth as the shapes move them."""
        moved = self.teeth + np.tensordot(activations, self.motions, axes=1)
        poses = np.zeros((len(activations), 6), np.float32)
        uses_jaw = np.abs(self.motions).max(axis=(1, 2)) > 1e-3
        for frame in np.flatnonzero(activations[:, uses_jaw].any(axis=1)):
            poses[frame] = fit_pose(self.teeth, moved[frame], self.template_pivot)
        return poses


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


def _write_json(path: Path, content: dict) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)
