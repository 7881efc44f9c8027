"""ICT-4D: reading the set that `training prepare ict` builds.

Layout::

    DIR/dataset.json               version, seed, units, subjects, expressions, source, licence
    DIR/template.npz               the template (facegen_core.bundle.template_arrays)
    DIR/subjects/S001.npz          identity coefficients, neutral (V, 3), jaw pivot
    DIR/subjects/S001_shapes.npy   (K, V, 3) float16 mm, memory-mapped
    DIR/sequences/S001_happy_1.npz activations, jaw poses, marks
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np

from facegen_core.bundle import template_from_arrays
from facegen_core.errors import DatasetError
from facegen_core.intensity import EXPRESSIONS
from facegen_core.template import Template
from training.datasets.sequence import Sequence, read_sequence

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

DATASET_VERSION = 1
SPLIT_FOLDER = Path(__file__).parent.parent / "splits"


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
            return json.loads((self.root / "dataset.json").read_text(encoding="utf-8"))
        except ValueError as error:
            raise DatasetError(f"{self.root / 'dataset.json'} is not JSON: {error}.") from error

    @cached_property
    def subjects(self) -> tuple[str, ...]:
        """Names of all subjects present, sorted."""
        return tuple(sorted(self.header["subjects"]))

    @cached_property
    def template(self) -> Template:
        with np.load(self.root / "template.npz", allow_pickle=False) as arrays:
            return template_from_arrays(dict(arrays))

    def sequences(self, split: Split) -> tuple[Sequence, ...]:
        """All sequences of the subjects of a split that are present, sorted by file name."""
        present = set(self.subjects)
        return tuple(
            sequence
            for subject in read_split("ict", split)
            if subject in present
            for sequence in self.subject_sequences(subject)
        )

    def subject_sequences(self, subject: str) -> tuple[Sequence, ...]:
        """The sequences of one subject, sorted by expression and take."""
        paths = sorted((self.root / "sequences").glob(f"{subject}_*_[0-9]*.npz"))
        paths = [path for path in paths if not path.name.endswith(".partial.npz")]
        expected = self.header["takes"] * len(EXPRESSIONS)
        if len(paths) != expected:
            raise DatasetError(
                f"{self.root}: {subject} has {len(paths)} of {expected} sequences: "
                "run `python -m training prepare ict` again to complete it."
            )
        folder = self.root / "subjects"
        try:
            with np.load(folder / f"{subject}.npz", allow_pickle=False) as arrays:
                neutral = arrays["neutral"]
            shapes = np.load(folder / f"{subject}_shapes.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise DatasetError(f"{folder}: {subject} cannot be read: {error}.") from error
        return tuple(read_sequence(path, neutral, shapes) for path in paths)


def read_split(dataset: str, split: Split) -> tuple[str, ...]:
    """Subject names of a split, from ``training/splits/<dataset>_<split>.txt``."""
    path = SPLIT_FOLDER / f"{dataset}_{split}.txt"
    if not path.exists():
        raise DatasetError(f"There is no split file {path}.")
    return tuple(path.read_text(encoding="utf-8").split())
