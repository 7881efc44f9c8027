"""ICT-4D: reading the set that `training prepare ict` builds.

Layout::

    DIR/dataset.json                  kind, version, seed, units, subjects, expressions, source
    DIR/template.npz                  the template (facegen_core.bundle.template_arrays)
    DIR/source/shapes.npz             the shapes of the mean face
    DIR/subjects/S001.npz             identity coefficients, neutral (V, 3), jaw pivot, lips
    DIR/subjects/S001_shapes.npy      (K, V, 3) float16 mm, memory-mapped
    DIR/subjects/S001_corrections.npy (R, V, 3) float16 mm, of all its sequences, memory-mapped
    DIR/sequences/S001_happy_1.npz    activations, jaw poses, marks, weights of its corrections

The motion of a sequence is activations @ shapes plus weights @ corrections: the sum of the shapes,
and what turns, stretches and contact change about it (training.ict4d.subject_shapes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.array_files import map_array, read_arrays
from facegen_core.bundle import template_from_arrays
from facegen_core.errors import BundleError, DatasetError
from facegen_core.file_words import reason_of
from facegen_core.intensity import EXPRESSIONS
from facegen_core.json_text import read_json
from facegen_core.template import Template
from training.datasets.dataset import SPLITS, Split, read_split
from training.datasets.sequence import Component, FloatArray, IntArray, sequence_name
from training.ict4d.performance import Lips
from training.ict4d.subject_shapes import SubjectShapes, open_studio, sum_of_shapes
from training.preparation.resumable import write_npz

__all__ = ["DATASET_VERSION", "SPLITS", "IctDataset", "IctSequence", "Split", "read_split"]

DATASET_VERSION = 2
SEQUENCE_VERSION = 2
_FIELDS = (
    "version",
    "activations",
    "jaw",
    "expressions",
    "marks",
    "magnitudes",
    "extremeness",
    "variants",
    "first_correction",
    "correction_weights",
)


@dataclass(frozen=True, eq=False)
class IctSequence:
    """A sequence kept as what it is made of.

    activations: (T, K) of the subject's own shapes (K, V, 3) mm; correction_weights: (T, R) of the
    corrections (R, V, 3) mm; both are memory-mapped. jaw_poses: (T, 6) rad and mm.
    extremeness and variants, one per component: how it was made, for reports; a model must not see
    them.
    """

    subject: str
    take: int
    components: tuple[Component, ...]
    neutral: NDArray[np.float32]
    identity: NDArray[np.float32]
    activations: NDArray[np.float32]
    jaw_poses: NDArray[np.float32]
    correction_weights: NDArray[np.float32]
    extremeness: tuple[float, ...]
    variants: tuple[str, ...]
    shapes: FloatArray = field(repr=False)
    corrections: FloatArray = field(repr=False)

    @property
    def num_frames(self) -> int:
        return len(self.activations)

    @property
    def expression(self) -> str:
        return self.components[0].expression

    @property
    def marks(self) -> FloatArray:
        return self.components[0].marks

    @property
    def name(self) -> str:
        return sequence_name(self.subject, self.components, self.take)

    def displacements(self, frames: IntArray | None = None) -> NDArray[np.float32]:
        """(T, V, 3) of the skin from the subject's neutral, mm; exactly 0 at rest.

        Of some frames, only what these need is read.
        """
        chosen = slice(None) if frames is None else frames
        result = sum_of_shapes(self.activations[chosen], self.shapes)
        result += sum_of_shapes(self.correction_weights[chosen], self.corrections)
        return result

    def jaw(self) -> NDArray[np.float32]:
        """(T, 6) pose of the lower jaw: rotation vector (radians), then translation (mm)."""
        return self.jaw_poses


@dataclass(frozen=True, eq=False)
class IctDataset:
    """A prepared set below `root`. Raises DatasetError when it is missing or incomplete."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))
        path = self.root / "dataset.json"
        if not path.exists():
            raise DatasetError(
                f"{self.root} holds no prepared data set (dataset.json is missing): "
                "run `python -m training prepare ict` to the end first."
            )
        if self.header.get("version") != DATASET_VERSION:
            raise DatasetError(
                f"{path} has version {self.header.get('version')}, expected {DATASET_VERSION}: "
                "prepare the set again."
            )

    @cached_property
    def header(self) -> dict:
        """What dataset.json says."""
        try:
            return read_json(self.root / "dataset.json")
        except ValueError as error:
            raise DatasetError(f"{self.root / 'dataset.json'} is not JSON: {error}.") from error

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Names of all subjects present, sorted."""
        return tuple(sorted(self.header["subjects"]))

    @property
    def expressions(self) -> tuple[str, ...]:
        return tuple(self.header["expressions"])

    @property
    def frame_rate(self) -> float:
        return float(self.header["frame_rate"])

    @cached_property
    def template(self) -> Template:
        path = self.root / "template.npz"
        try:
            return template_from_arrays(read_arrays(path))
        except (OSError, ValueError, BundleError) as error:
            raise DatasetError(f"{path} cannot be read: {reason_of(error)}.") from error

    @property
    def shape_names(self) -> tuple[str, ...]:
        """(K) names of the shapes that activations are of."""
        return open_studio(self.root).shape_names

    def sequences(self, split: Split) -> tuple[IctSequence, ...]:
        """All sequences of the subjects of a split that are present, sorted by name."""
        present = set(self.subjects)
        return tuple(
            sequence
            for subject in read_split("ict", split)
            if subject in present
            for sequence in self.subject_sequences(subject)
        )

    def subject_sequences(self, subject: str) -> tuple[IctSequence, ...]:
        """The sequences of one subject, sorted by name; those with two expressions included."""
        paths = sorted((self.root / "sequences").glob(f"{subject}_*_[0-9]*.npz"))
        paths = [path for path in paths if not path.name.endswith(".partial.npz")]
        expected = self.header["takes"] * len(EXPRESSIONS) + self.header["compounds"]
        if len(paths) != expected:
            raise DatasetError(
                f"{self.root}: {subject} has {len(paths)} of {expected} sequences: "
                "run `python -m training prepare ict` again to complete it."
            )
        arrays = self._subject_arrays(subject)
        shapes, corrections = (self._mapped(subject, n) for n in ("shapes", "corrections"))
        return tuple(_read_sequence(path, arrays, shapes, corrections) for path in paths)

    def subject_lips(self, subject: str) -> Lips:
        """A subject's mouth, as `training.ict4d.performance.perform` needs it."""
        arrays = self._subject_arrays(subject)
        names, heights = arrays["lip_variants"].tolist(), arrays["lip_touching"].tolist()
        touching = dict(zip(names, heights, strict=True))
        return Lips(float(arrays["lip_gap"]), arrays["lip_changes"], touching)

    def shapes(self, subject: str) -> SubjectShapes:
        """What turns any activations of a subject's shapes into its motion; about a second."""
        arrays = self._subject_arrays(subject)
        return SubjectShapes.of(
            open_studio(self.root),
            arrays["coefficients"],
            arrays["neutral"],
            self._mapped(subject, "shapes"),
        )

    def _subject_arrays(self, subject: str) -> dict[str, NDArray]:
        path = self.root / "subjects" / f"{subject}.npz"
        try:
            return read_arrays(path, kinds="biufU")
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path} cannot be read: {reason_of(error)}.") from error

    def _mapped(self, subject: str, what: str) -> FloatArray:
        path = self.root / "subjects" / f"{subject}_{what}.npy"
        try:
            return map_array(path)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path} cannot be read: {reason_of(error)}.") from error


def write_sequence(path: Path, arrays: dict[str, NDArray]) -> None:
    """Write the arrays of one take (_FIELDS without the version), atomically."""
    write_npz(path, version=np.array(SEQUENCE_VERSION), **arrays)


def _read_sequence(
    path: Path, subject: dict[str, NDArray], shapes: FloatArray, corrections: FloatArray
) -> IctSequence:
    """Raises DatasetError naming the file and what is wrong with it."""
    try:
        content = read_arrays(path, kinds="biufU")
        _check_fields(path, sorted(content))
        name, _, take = path.stem.split("_")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is not a readable sequence: {reason_of(error)}.") from error
    if content["version"] != SEQUENCE_VERSION:
        raise DatasetError(f"{path} has version {content['version']}, expected {SEQUENCE_VERSION}.")
    if content["activations"].ndim != 2 or content["activations"].shape[1] != len(shapes):
        raise DatasetError(
            f"{path}: activations: expected (T, {len(shapes)}), got {content['activations'].shape}."
        )
    first, weights = int(content["first_correction"]), content["correction_weights"]
    if first + weights.shape[1] > len(corrections):
        raise DatasetError(f"{path}: its subject's corrections end before those of this sequence.")
    return IctSequence(
        subject=name,
        take=int(take),
        components=_components(content),
        neutral=subject["neutral"],
        identity=subject["coefficients"],
        activations=content["activations"],
        jaw_poses=content["jaw"],
        correction_weights=weights,
        extremeness=tuple(content["extremeness"].tolist()),
        variants=tuple(content["variants"].tolist()),
        shapes=shapes,
        corrections=corrections[first : first + weights.shape[1]],
    )


def _components(content: dict[str, NDArray]) -> tuple[Component, ...]:
    columns = (content["expressions"].tolist(), content["marks"], content["magnitudes"].tolist())
    return tuple(
        Component(expression, marks, None if np.isnan(magnitude) else magnitude)
        for expression, marks, magnitude in zip(*columns, strict=True)
    )


def _check_fields(path: Path, names: list[str]) -> None:
    missing, extra = sorted(set(_FIELDS) - set(names)), sorted(set(names) - set(_FIELDS))
    if missing:
        raise DatasetError(f"{path} lacks the field '{missing[0]}'.")
    if extra:
        raise DatasetError(f"{path} has an unknown field '{extra[0]}'.")
