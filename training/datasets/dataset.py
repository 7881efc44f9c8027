"""`Dataset`: what every prepared set offers, whatever it was made from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from facegen_core.errors import DatasetError
from facegen_core.template import Template
from training.datasets.sequence import Sequence

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SPLIT_FOLDER = Path(__file__).parent.parent / "splits"


class Dataset(Protocol):
    """A prepared set on disk.

    header: what its dataset.json says; template: whose topology all sequences have; subjects:
    sorted names; expressions: names, in the order of the channels of labels; frame_rate: frames
    per second.
    """

    @property
    def header(self) -> dict: ...
    @property
    def template(self) -> Template: ...
    @property
    def subjects(self) -> tuple[str, ...]: ...
    @property
    def expressions(self) -> tuple[str, ...]: ...
    @property
    def frame_rate(self) -> float: ...

    def sequences(self, split: Split) -> tuple[Sequence, ...]:
        """All sequences of the subjects of a split, compounds included, sorted by name."""
        ...


def read_split(dataset: str, split: Split) -> tuple[str, ...]:
    """Subject names of a committed split, from ``training/splits/<dataset>_<split>.txt``."""
    path = SPLIT_FOLDER / f"{dataset}_{split}.txt"
    if not path.exists():
        raise DatasetError(f"There is no split file {path}.")
    return tuple(path.read_text(encoding="utf-8").split())
