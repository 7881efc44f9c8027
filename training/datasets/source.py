"""`Source`: a folder of recordings as it was found on disk, before anything is read into arrays.

What is wrong with names, numbers and splits is found here, before the first mesh is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import DatasetError
from training.datasets.marks import Row
from training.datasets.mesh_files import MESH_SUFFIXES

IntArray = NDArray[np.integer]

MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
SPLIT_NAMES = ("train", "val", "test")
# Of the subjects nobody assigned, this share is tested on, and this share validated.
TEST_SHARE, VALIDATION_SHARE = 0.15, 0.1
# As few as make two training subjects, who differ, one to validate with and one to test on.
MIN_TRAINED, MIN_SUBJECTS = 2, 4

EXPRESSION_NAME = re.compile(r"^[\w.-]+$")
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


@dataclass(frozen=True, eq=False)
class SourceRecording:
    """One folder of frames: a subject showing one expression, once or several times.

    files: the (N,) meshes in order; numbers: (N,) their frame numbers, rising. marks, cuts: lines
    of the files that say where takes are; without any, they are derived from the motion.
    """

    subject: str
    expression: str
    folder: str
    files: tuple[Path, ...]
    numbers: IntArray
    marks: tuple[Row, ...] = ()
    cuts: tuple[Row, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.subject}/{self.folder}"


@dataclass(frozen=True, eq=False)
class Source:
    """A data set on disk.

    kind: "coma" or "sequence_folder"; name: of the set, no path; frame_rate: per second.
    neutrals: {subject: the mesh file that shows it at rest, or None where every recording begins
    at rest}. splits: {"train", "val", "test": subject names}. licence: as its user declares it.
    """

    kind: str
    name: str
    unit: str
    frame_rate: float
    expressions: tuple[str, ...]
    recordings: tuple[SourceRecording, ...]
    neutrals: dict[str, Path | None]
    splits: dict[str, tuple[str, ...]]
    licence: str

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(sorted(self.neutrals))

    @property
    def mm_per_unit(self) -> float:
        return MM_PER_UNIT[self.unit]


def folders_in(folder: Path) -> tuple[Path, ...]:
    """Sub-folders, sorted by name; hidden ones left out."""
    if not folder.is_dir():
        raise DatasetError(f"The folder {folder} does not exist.")
    return tuple(
        sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))
    )


def subject_folders(source: Path, layout: str) -> tuple[Path, ...]:
    """One folder per subject. Raises DatasetError for none, or two that differ in case alone."""
    folders = folders_in(source)
    if not folders:
        raise DatasetError(f"{source} is empty: expected folders {layout}.")
    seen: dict[str, str] = {}
    for folder in folders:
        other = seen.setdefault(folder.name.casefold(), folder.name)
        if other != folder.name:
            raise DatasetError(
                f"{source} has the subject '{folder.name}' twice, also as '{other}': rename one."
            )
    return folders


def frames_in(folder: Path, fills_gaps: bool) -> tuple[tuple[Path, ...], IntArray]:
    """The mesh files of a folder sorted by the last number in their names, and (N,) the numbers.

    Raises DatasetError where there are none, a number is missing, twice, or not there.
    """
    numbered: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in MESH_SUFFIXES or path.name.startswith("."):
            continue
        match = _LAST_NUMBER.search(path.stem)
        if match is None:
            raise DatasetError(f"{path} has no frame number in its name.")
        other = numbered.setdefault(int(match[1]), path)
        if other != path:
            raise DatasetError(
                f"{folder} has frame {int(match[1])} twice: {other.name} and {path.name}."
            )
    if not numbered:
        raise DatasetError(f"{folder} holds no meshes: expected {' or '.join(MESH_SUFFIXES)}.")
    numbers = np.array(sorted(numbered))
    gaps = np.flatnonzero(np.diff(numbers) > 1)
    if len(gaps) and not fills_gaps:
        raise DatasetError(
            f"{folder}: frame {numbers[gaps[0]] + 1} is missing between {numbers[gaps[0]]} and "
            f"{numbers[gaps[0] + 1]}: add it, or fill gaps with --gaps interpolate."
        )
    return tuple(numbered[int(number)] for number in numbers), numbers


def rows_of(rows: Iterable[Row], subject: str, expression: str) -> tuple[Row, ...]:
    """The lines that speak of one recording."""
    return tuple(r for r in rows if (r.subject, r.expression) == (subject, expression))


def check_rows_are_used(path: Path, rows: Iterable[Row], recordings: Iterable[str]) -> None:
    """Raise DatasetError for a line whose subject or expression is not on disk."""
    known = set(recordings)
    subjects = {name.partition("/")[0] for name in known}
    for row in rows:
        if row.subject not in subjects:
            raise DatasetError(
                f"{path}, line {row.line}: the subject '{row.subject}' is not on disk."
            )
        if f"{row.subject}/{row.expression}" not in known:
            raise DatasetError(
                f"{path}, line {row.line}: {row.subject} has no recording '{row.expression}'."
            )


def make_splits(
    subjects: tuple[str, ...], declared: dict[str, tuple[str, ...]], seed: int
) -> dict[str, tuple[str, ...]]:
    """Every subject in one of train, val and test: as declared, the rest drawn.

    A declared split is kept; where test or validation is not declared, it is drawn from the rest.
    Raises DatasetError where that cannot be.
    """
    if len(subjects) < MIN_SUBJECTS:
        raise DatasetError(
            f"Only {len(subjects)} subjects were found, expected at least {MIN_SUBJECTS}: "
            f"{MIN_TRAINED} to train on, one to validate with and one to test on."
        )
    _check_declared(subjects, declared)
    splits = {name: tuple(sorted(declared.get(name, ()))) for name in SPLIT_NAMES}
    taken = {subject for members in splits.values() for subject in members}
    rest = [subject for subject in subjects if subject not in taken]
    rest = [rest[i] for i in np.random.default_rng(seed).permutation(len(rest))]
    for name, share in (("test", TEST_SHARE), ("val", VALIDATION_SHARE)):
        if not splits[name]:
            count = max(round(share * len(subjects)), 1)
            splits[name], rest = tuple(sorted(rest[:count])), rest[count:]
    if not declared.get("train"):
        splits["train"] = tuple(sorted(rest))
    elif rest:
        raise DatasetError(
            f"The subject '{sorted(rest)[0]}' is in no split: add it to train, val or test."
        )
    empty = [name for name in SPLIT_NAMES if not splits[name]]
    if empty:
        raise DatasetError(f"The split '{empty[0]}' has no subjects: leave some of them for it.")
    if len(splits["train"]) < MIN_TRAINED:
        raise DatasetError(
            f"The split 'train' has only {len(splits['train'])} of the {len(subjects)} subjects, "
            f"expected at least {MIN_TRAINED}."
        )
    return splits


def _check_declared(subjects: tuple[str, ...], declared: dict[str, tuple[str, ...]]) -> None:
    homes: dict[str, str] = {}
    for split in SPLIT_NAMES:
        for subject in declared.get(split, ()):
            if subject not in subjects:
                raise DatasetError(
                    f"The split '{split}' names the subject '{subject}', which is not on disk."
                )
            if subject in homes:
                raise DatasetError(
                    f"The subject '{subject}' is named twice in the splits: in "
                    f"'{homes[subject]}' and in '{split}'."
                )
            homes[subject] = split
