"""Who is tested in which fold, by name.

The peers fold CoMA by an unsorted listing of its folders (Sparse2Dense and FC-4DFS, methods of the
authors' repositories), so that their folds depend on a file system. Here the folds of CoMA's twelve
subjects are committed files, training/splits/coma_fold1_test.txt and so on, and other sets are
folded by sorted name in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np

from facegen_core.errors import DatasetError
from training.datasets.dataset import SPLITS, read_split
from training.datasets.source import MIN_TRAINED

# Folds of the peers' protocol, for which the files are.
PUBLIC_FOLDS = 4
MIN_TESTED = 2
# Of the subjects a fold does not test, this share is validated with: 1 of 9.
VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Fold:
    """number: from 1; splits: {"train", "val", "test": sorted subject names}."""

    number: int
    splits: dict[str, tuple[str, ...]]


def public_subjects() -> tuple[str, ...]:
    """CoMA's twelve, sorted."""
    return tuple(sorted(name for split in SPLITS for name in read_split("coma_fold1", split)))


def is_public(subjects: Rows[str]) -> bool:
    """Whether these are CoMA's own subjects."""
    return set(subjects) == set(public_subjects())


def fold_subjects(subjects: Rows[str], num_folds: int = PUBLIC_FOLDS) -> tuple[Fold, ...]:
    """Every subject is tested in one fold.

    Raises DatasetError where some subjects, but not all, are CoMA's, or there are too few.
    """
    known = public_subjects()
    strange = sorted(set(subjects) - set(known))
    if strange and len(strange) < len(set(subjects)):
        raise DatasetError(
            f"'{strange[0]}' is no subject of CoMA, others of this set are: fold your own subjects "
            "in a set of their own."
        )
    lacking = [name for name in known if name not in subjects]
    if not strange and lacking:
        raise DatasetError(
            f"CoMA's subject '{lacking[0]}' is missing: the protocol is over all {len(known)}."
        )
    if not strange and num_folds == PUBLIC_FOLDS:
        return tuple(_committed(number) for number in range(1, num_folds + 1))
    return _folded_in_order(sorted(subjects), num_folds)


def _committed(number: int) -> Fold:
    return Fold(number, {split: read_split(f"coma_fold{number}", split) for split in SPLITS})


def _folded_in_order(subjects: list[str], num_folds: int) -> tuple[Fold, ...]:
    """Blocks of the sorted names are tested; who follows a block is validated with."""
    if num_folds < 2:
        raise DatasetError(f"--folds: expected 2 or more, got {num_folds}.")
    most = len(subjects) // MIN_TESTED
    if num_folds > most:
        advice = f"choose --folds {most}" if most >= 2 else "prepare more subjects"
        raise DatasetError(
            f"{len(subjects)} subjects in {num_folds} folds: each tests at least {MIN_TESTED}, "
            f"{advice}."
        )
    blocks = np.array_split(np.array(subjects), num_folds)
    ends = np.cumsum([len(block) for block in blocks])
    return tuple(
        _fold(number + 1, subjects, blocks[number].tolist(), int(ends[number]))
        for number in range(num_folds)
    )


def _fold(number: int, subjects: list[str], tested: list[str], end: int) -> Fold:
    others = [name for name in subjects[end:] + subjects[:end] if name not in tested]
    count = max(round(VALIDATION_SHARE * len(others)), 1)
    if len(others) - count < MIN_TRAINED:
        raise DatasetError(
            f"{len(subjects)} subjects leave fold {number} {len(others) - count} to train on, "
            f"expected at least {MIN_TRAINED}: prepare more subjects, or choose more folds."
        )
    members = {"train": others[count:], "val": others[:count], "test": tested}
    return Fold(number, {split: tuple(sorted(names)) for split, names in members.items()})
