"""Looks at held-out subjects while a run goes on: errors in millimetres, and pictures."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from typing import TYPE_CHECKING, Any

import numpy as np

from facegen_core.models.expression_model import ExpressionModel
from training.datasets.sequence import Sequence
from training.reconstruction import measure_errors
from training.run import Run

if TYPE_CHECKING:
    from training.run_log import RunLog

# Sequences looked at between steps, spread over expressions and subjects.
NUM_VALIDATED = 12


def validate(run: Run, log: RunLog) -> None:
    """Measure some validation sequences with the averaged weights; the first process does."""
    if not run.processes.is_first or not run.data.sequences.get("val"):
        return
    model = averaged_model(run)
    errors = measure_errors(
        model,
        validation_sequences(run.data.sequences["val"]),
        run.data.template,
        run.judges,
        run.config.evaluation_stride,
    )
    entry = {"stage": run.stage, "step": run.step, "model_mm": errors["model_mm"]}
    run.validations.append(entry)
    log.validation(run, entry, model)


def measure(run: Run, split: str) -> dict[str, Any]:
    """Errors over a whole split, of the first process; {} where there are no such sequences."""
    sequences = [s for s in run.data.sequences.get(split, ()) if len(s.components) == 1]
    if not run.processes.is_first or not sequences:
        return {}
    stride = run.config.evaluation_stride
    return measure_errors(averaged_model(run), sequences, run.data.template, run.judges, stride)


def validation_sequences(sequences: Rows[Sequence]) -> list[Sequence]:
    """A few of one expression: as many subjects as it takes to see every expression alike."""
    by_expression: dict[str, list[Sequence]] = {}
    for sequence in sequences:
        if len(sequence.components) == 1:
            by_expression.setdefault(sequence.expression, []).append(sequence)
    each = max(1, NUM_VALIDATED // max(1, len(by_expression)))
    chosen = []
    for place, group in enumerate(by_expression.values()):
        # Another subject for each expression, so that many are looked at.
        steps = np.linspace(0, len(group), each, endpoint=False) + place * len(group) / 7
        indices = dict.fromkeys(int(step) % len(group) for step in steps)
        chosen += [group[i] for i in indices]
    return chosen


def averaged_model(run: Run) -> ExpressionModel:
    """A copy of the model on the CPU, with the moving average of its weights."""
    model = ExpressionModel(run.config.model, run.data.template.hierarchy)
    weights = run.model.state_dict() | (run.average.tensors() if run.average else {})
    model.load_state_dict({name: values.to("cpu") for name, values in weights.items()})
    return model.requires_grad_(False)
