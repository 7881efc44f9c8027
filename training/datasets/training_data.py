"""What a training run gets from a prepared data set, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facegen_core.errors import DatasetError
from facegen_core.intensity import EXPRESSIONS
from facegen_core.json_text import read_json
from facegen_core.template import Template
from training.datasets.dataset import SPLITS, Dataset
from training.datasets.ict import IctDataset
from training.datasets.recorded import KINDS as RECORDED_KINDS
from training.datasets.recorded import RecordedDataset
from training.datasets.sequence import Sequence
from training.expression_model.train_config import TrainConfig


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The template, sequences per split ("train", "val", "test"), frames per second, provenance.

    expressions: in the order of the channels; dataset: where the sequences are from, None for those
    that were made in code.
    """

    template: Template
    sequences: dict[str, Rows[Sequence]]
    frame_rate: float
    provenance: dict[str, Any]
    expressions: tuple[str, ...] = EXPRESSIONS
    dataset: Dataset | None = None


def open_dataset(root: Path) -> Dataset:
    """The prepared set below `root`, of the kind its dataset.json names.

    Raises DatasetError where there is none, or of a kind or version this code does not read.
    """
    path = Path(root) / "dataset.json"
    try:
        header = read_json(path)
    except OSError as error:
        raise DatasetError(
            f"{root} holds no prepared data set (dataset.json is missing): run "
            "`python -m training prepare` to the end first."
        ) from error
    except ValueError as error:
        raise DatasetError(f"{path} is not JSON: {error}.") from error
    # The first version of ICT-4D did not name its kind; its reader says that it is too old.
    kind = header.get("kind", "ict") if isinstance(header, dict) else None
    if kind == "ict":
        return IctDataset(root)
    if kind in RECORDED_KINDS:
        return RecordedDataset(root)
    known = ", ".join(("ict", *RECORDED_KINDS))
    raise DatasetError(f"{path} is of the kind '{kind}', expected one of {known}.")


def read_training_data(config: TrainConfig) -> TrainingData:
    """The prepared set the configuration names. Raises DatasetError with what is wrong."""
    dataset = open_dataset(config.data)
    sequences: dict[str, Rows[Sequence]] = {split: dataset.sequences(split) for split in SPLITS}
    empty = [split for split, members in sequences.items() if not members]
    if empty:
        raise DatasetError(
            f"{config.data} has no sequences in the split '{empty[0]}': prepare more subjects."
        )
    return TrainingData(
        dataset.template,
        sequences,
        dataset.frame_rate,
        _provenance(dataset),
        dataset.expressions,
        dataset,
    )


def _provenance(dataset: Dataset) -> dict[str, Any]:
    """What a bundle tells of its data: no paths, nothing that names a person."""
    header = dataset.header
    told = {
        "name": header.get("name", "ICT-4D"),
        "source": header["source"],
        "licence": header["licence"],
        "seed": header["seed"],
        "subjects": len(dataset.subjects),
    }
    if "takes" in header:
        told["takes"] = header["takes"]
    return told
