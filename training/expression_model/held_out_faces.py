"""Pictures of faces a run has not seen: truth, model and class mean at the apex, side by side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facegen_core.models.expression_model import ExpressionModel
from training.datasets.sequence import Sequence
from training.expression_model.run import Run
from training.expression_model.validation import class_mean, hold_out, predict
from training.figures.faces import face_sheet

ROWS = ("truth", "model", "class mean")


def draw_held_out_faces(run: Run, model: ExpressionModel) -> NDArray[np.uint8]:
    """(H, W, 3) one column per expression, after the neutral; of the first validation subjects."""
    rows: list[list[NDArray[np.float32]]] = [[] for _ in ROWS]
    sequences = _first_of_each(run)
    for sequence in sequences:
        apex = np.array([round(float(np.mean(sequence.marks[1:3])))])
        item = hold_out(run, sequence)
        shown = (
            sequence.displacements(apex)[0],
            predict(run, model, item, apex)[0],
            class_mean(run, item, apex)[0],
        )
        for row, displacement in zip(rows, shown, strict=True):
            row.append(np.asarray(sequence.neutral + displacement, np.float32))
    for row in rows:
        row.insert(0, np.asarray(sequences[0].neutral, np.float32))
    names = ("neutral", *(sequence.expression for sequence in sequences))
    return face_sheet(rows, run.data.template.triangles, ROWS, names)


def _first_of_each(run: Run) -> list[Sequence]:
    """The first validation sequence of each expression, in the order of the channels."""
    first: dict[str, Sequence] = {}
    for sequence in run.data.sequences["val"]:
        if len(sequence.components) == 1:
            first.setdefault(sequence.expression, sequence)
    return [first[name] for name in run.config.model.expressions if name in first]
