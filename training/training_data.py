"""What a training run gets from a data set, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import Any

from facegen_core.template import Template
from training.datasets.ict import SPLITS, IctDataset
from training.datasets.sequence import Sequence
from training.train_config import TrainConfig


@dataclass(frozen=True, eq=False)
class TrainingData:
    """The template, sequences per split ("train", "val", "test"), frames per second, provenance."""

    template: Template
    sequences: dict[str, Rows[Sequence]]
    frame_rate: float
    provenance: dict[str, Any]


def read_training_data(config: TrainConfig) -> TrainingData:
    """The prepared set the configuration names. Raises DatasetError with what is wrong."""
    dataset = IctDataset(config.data)
    sequences: dict[str, Rows[Sequence]] = {
        split: [
            s
            for s in dataset.sequences(split)
            if not config.max_takes or s.take <= config.max_takes
        ]
        for split in SPLITS
    }
    header = dataset.header
    provenance = {
        "name": "ICT-4D",
        "source": header["source"],
        "licence": header["licence"],
        "seed": header["seed"],
        "subjects": len(dataset.subjects),
        "takes": header["takes"],
    }
    return TrainingData(dataset.template, sequences, float(header["frame_rate"]), provenance)
