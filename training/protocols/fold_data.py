"""One prepared set seen fold by fold: other splits, and a mean face of that fold's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.errors import DatasetError
from facegen_core.template import Template
from training.datasets.coma import EXPRESSIONS
from training.datasets.dataset import SPLITS
from training.datasets.recorded import RecordedDataset
from training.datasets.sequence import Sequence
from training.datasets.training_data import TrainingData, read_training_data
from training.expression_model.train_config import TrainConfig
from training.protocols.folds import Fold, is_public


@dataclass(frozen=True, eq=False)
class FoldOfSet:
    """A prepared set as one fold sees it; implements `training.datasets.dataset.Dataset`.

    root: where what is derived from the fold's takes may be kept.
    """

    root: Path
    header: dict[str, Any]
    template: Template
    subjects: tuple[str, ...]
    expressions: tuple[str, ...]
    frame_rate: float
    members: dict[str, tuple[Sequence, ...]]

    def sequences(self, split: str) -> tuple[Sequence, ...]:
        return self.members[split]


def read_set(prepared: Path) -> TrainingData:
    """A prepared set of recordings, whatever its own splits.

    Raises DatasetError where it is none, or one of CoMA's subjects without all its expressions.
    """
    data = read_training_data(TrainConfig(data=prepared))
    if not isinstance(data.dataset, RecordedDataset):
        raise DatasetError(
            f"{prepared} is no set of recordings: prepare one with `prepare coma` or `prepare "
            "sequence_folder`."
        )
    check_expressions(prepared, data.dataset.subjects, data.expressions)
    return data


def check_expressions(place: Path, subjects: Rows[str], expressions: Rows[str]) -> None:
    """Raise DatasetError where CoMA's own subjects are without one of its expressions."""
    lacking = [name for name in EXPRESSIONS if name not in expressions]
    if is_public(subjects) and lacking:
        raise DatasetError(
            f"{place} has no take of '{lacking[0]}': the protocol is over CoMA's "
            f"{len(EXPRESSIONS)} expressions."
        )


def subjects_of(data: TrainingData) -> tuple[str, ...]:
    """Everybody who has takes, sorted."""
    return tuple(sorted({s.subject for split in SPLITS for s in data.sequences[split]}))


def data_of_fold(data: TrainingData, fold: Fold, root: Path) -> TrainingData:
    """The set as a fold sees it.

    The template's face becomes the mean of the fold's training subjects, so that nothing of those
    who are tested is in it; where landmarks, regions and levels are on the topology stays as the
    set has it. Raises DatasetError for an expression nobody in training or test plays.
    """
    takes = [sequence for split in SPLITS for sequence in data.sequences[split]]
    members = {split: _of(takes, fold.splits[split]) for split in SPLITS}
    for split, doing in (("train", "trains on"), ("test", "tests")):
        played = {sequence.expression for sequence in members[split]}
        lacking = [name for name in data.expressions if name not in played]
        if lacking:
            raise DatasetError(
                f"Fold {fold.number}: none of the subjects it {doing} "
                f"({', '.join(fold.splits[split])}) has a take of '{lacking[0]}': record it, or "
                "leave the expression out for all."
            )
    neutrals = {s.subject: s.neutral for s in members["train"]}
    mean = np.mean([np.asarray(n, np.float64) for n in neutrals.values()], axis=0)
    template = dataclasses.replace(data.template, vertices=mean.astype(np.float32))
    assert data.dataset is not None
    splits = {split: list(names) for split, names in fold.splits.items()}
    header = data.dataset.header | {"splits": splits}
    seen = FoldOfSet(
        root, header, template, data.dataset.subjects, data.expressions, data.frame_rate, members
    )
    return dataclasses.replace(
        data,
        template=template,
        sequences=dict(members),
        provenance=data.provenance | {"fold": fold.number},
        dataset=seen,
    )


def _of(takes: Rows[Sequence], subjects: Rows[str]) -> tuple[Sequence, ...]:
    chosen = [sequence for sequence in takes if sequence.subject in subjects]
    return tuple(sorted(chosen, key=lambda sequence: sequence.name))
