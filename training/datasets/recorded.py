"""Prepared recordings of real faces: what `training prepare coma` and `sequence_folder` write.

Layout::

    DIR/dataset.json            kind, unit, frame rate, expressions, subjects, splits, licence, ...
    DIR/template.npz            the template (facegen_core.template_arrays)
    DIR/subjects/ANNA.npz       neutral (V, 3), identity coefficients
    DIR/sequences/ANNA_happy_1.npy   displacements (T', V, 3) float16 mm, memory-mapped
    DIR/sequences/ANNA_happy_1.npz   which of them are played, marks, jaw poses
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facegen_core.array_files import map_array, read_arrays
from facegen_core.errors import BundleError, DatasetError
from facegen_core.file_words import reason_of
from facegen_core.json_text import read_json
from facegen_core.template import Template
from facegen_core.template_arrays import template_from_arrays, template_hash
from training.datasets.sequence import Component, sequence_name
from training.preparation.resumable import write_npy, write_npz

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

KINDS = ("coma", "sequence_folder")
DATASET_VERSION = 1
SEQUENCE_VERSION = 1
HEADER_FIELDS = (
    "kind",
    "version",
    "seed",
    "name",  # of the set, for provenance
    "source",  # name and reference, no path
    "licence",
    "unit",
    "frame_rate",
    "expressions",
    "subjects",
    "splits",  # {"train", "val", "test": subject names}
    "sequences",  # {name: {"subject", "expression", "take"}}
    "rigid",  # whether the motion of the head was removed
    "template",  # hash
)
_SEQUENCE_FIELDS = ("version", "frames", "marks", "jaw")
_SUBJECT_FIELDS = ("neutral", "identity")


@dataclass(frozen=True, eq=False)
class RecordedSequence:
    """A take of a recording; implements `training.datasets.sequence.Sequence`.

    file: of (T', V, 3) float16 mm, memory-mapped only while frames are read, because systems let a
    process hold a few hundred files open; frames: (T,) which of them are played. Where the neutral
    is a frame of its own, frames at rest are as far from it as the face was.
    jaw_poses: (T, 6), estimated from the skin over the chin (see `preparation.head_motion`).
    """

    subject: str
    take: int
    components: tuple[Component, ...]
    neutral: NDArray[np.float32]
    identity: NDArray[np.float32]
    frames: IntArray
    jaw_poses: NDArray[np.float32]
    file: Path

    @property
    def num_frames(self) -> int:
        return len(self.frames)

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
        """(T, V, 3) of the skin from the subject's neutral, mm, or only some frames."""
        rows = self.frames if frames is None else self.frames[frames]
        unique, inverse = np.unique(rows, return_inverse=True)
        stored = _read_displacements(self.file, len(self.neutral))
        return np.asarray(stored[unique], np.float32)[inverse]

    def jaw(self) -> NDArray[np.float32]:
        """(T, 6) pose of the lower jaw: rotation vector (radians), then translation (mm)."""
        return self.jaw_poses


@dataclass(frozen=True, eq=False)
class RecordedDataset:
    """A prepared set below `root`; implements `Dataset`.

    Raises DatasetError when it is missing, incomplete or of another version.
    """

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Path(self.root))
        path = self.root / "dataset.json"
        missing = [name for name in HEADER_FIELDS if name not in self.header]
        if self.header.get("version") != DATASET_VERSION:
            raise DatasetError(
                f"{path} has version {self.header.get('version')}, expected {DATASET_VERSION}: "
                "prepare the set again."
            )
        if missing:
            raise DatasetError(f"{path} lacks the field '{missing[0]}': prepare the set again.")

    @cached_property
    def header(self) -> dict[str, Any]:
        """What dataset.json says."""
        path = self.root / "dataset.json"
        try:
            return read_json(path)
        except OSError as error:
            raise DatasetError(
                f"{self.root} holds no prepared data set (dataset.json is missing): run "
                "`python -m training prepare` to the end first."
            ) from error
        except ValueError as error:
            raise DatasetError(f"{path} is not JSON: {error}.") from error

    @property
    def subjects(self) -> tuple[str, ...]:
        """Names of all subjects, sorted."""
        return tuple(sorted(self.header["subjects"]))

    @property
    def expressions(self) -> tuple[str, ...]:
        """The channels of a model trained on this set, in order."""
        return tuple(self.header["expressions"])

    @property
    def frame_rate(self) -> float:
        return float(self.header["frame_rate"])

    @cached_property
    def template(self) -> Template:
        arrays = _read_npz(self.root / "template.npz")
        try:
            template = template_from_arrays(arrays)
        except BundleError as error:
            raise DatasetError(f"{self.root / 'template.npz'}: {error}") from error
        if template_hash(template) != self.header["template"]:
            raise DatasetError(f"{self.root / 'template.npz'} is not the template of this set.")
        return template

    def sequences(self, split: str) -> tuple[RecordedSequence, ...]:
        """All takes of the subjects of a split, sorted by name."""
        if split not in self.header["splits"]:
            raise DatasetError(f"{self.root} has no split '{split}'.")
        members = {
            name: self._subject(name) for name in self.header["splits"][split]
        }  # {name: {"neutral", "identity"}}
        return tuple(
            self._read(name, entry, members[entry["subject"]])
            for name, entry in sorted(self.header["sequences"].items())
            if entry["subject"] in members
        )

    def _subject(self, name: str) -> dict[str, NDArray]:
        path = self.root / "subjects" / f"{name}.npz"
        arrays = _read_npz(path, _SUBJECT_FIELDS)
        expected = (self.template.num_vertices, 3)
        if arrays["neutral"].shape != expected:
            raise DatasetError(f"{path}: expected {expected}, got {arrays['neutral'].shape}.")
        return arrays

    def _read(
        self, name: str, entry: dict[str, Any], subject: dict[str, NDArray]
    ) -> RecordedSequence:
        path = self.root / "sequences" / f"{name}.npz"
        arrays = _read_npz(path, _SEQUENCE_FIELDS)
        if int(arrays["version"]) != SEQUENCE_VERSION:
            raise DatasetError(
                f"{path} has version {int(arrays['version'])}, expected {SEQUENCE_VERSION}."
            )
        file = path.with_suffix(".npy")
        stored = _read_displacements(file, self.template.num_vertices)
        if arrays["frames"].max() >= len(stored) or len(arrays["jaw"]) != len(arrays["frames"]):
            raise DatasetError(f"{path} does not fit its displacements: prepare the set again.")
        return RecordedSequence(
            subject=entry["subject"],
            take=int(entry["take"]),
            components=(Component(entry["expression"], arrays["marks"]),),
            neutral=subject["neutral"],
            identity=subject["identity"],
            frames=arrays["frames"],
            jaw_poses=arrays["jaw"],
            file=file,
        )


def write_take(
    folder: Path, name: str, displacements: FloatArray, frames: IntArray, marks: FloatArray,
    jaw: FloatArray,
) -> None:  # fmt: skip
    """One take: (T', V, 3) displacements, (T,) rows of them, (4,) marks, (T, 6) jaw poses.

    The small file comes last: where it is, the large one is whole.
    """
    write_npy(folder / f"{name}.npy", displacements.astype(np.float16))
    version = np.array(SEQUENCE_VERSION)
    write_npz(folder / f"{name}.npz", version=version, frames=frames, marks=marks, jaw=jaw)


def _read_npz(path: Path, fields: tuple[str, ...] | None = None) -> dict[str, NDArray]:
    try:
        arrays = read_arrays(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {reason_of(error)}.") from error
    wrong = sorted(set(fields or arrays) ^ set(arrays))
    if wrong:
        state = "an unknown field" if wrong[0] in arrays else "lacks the field"
        verb = "has " if wrong[0] in arrays else ""
        raise DatasetError(f"{path} {verb}{state} '{wrong[0]}'.")
    return arrays


def _read_displacements(path: Path, num_vertices: int) -> FloatArray:
    try:
        stored = map_array(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {reason_of(error)}.") from error
    if stored.ndim != 3 or stored.shape[1:] != (num_vertices, 3):
        raise DatasetError(f"{path}: expected (T, {num_vertices}, 3), got {stored.shape}.")
    return stored
