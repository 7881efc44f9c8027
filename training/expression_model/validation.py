"""Looks at held-out subjects while a run goes on, and at its end: errors in millimetres.

Protocol of Potamias et al., ECCV 2020, section 5.2: the model gets the marks and the extremeness of
each sequence; the error is the mean Euclidean distance over vertices and frames. The tables of a
finished run, and all that is measured beside errors, are `training.evaluation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.metrics import vertex_errors, weighted_mean
from facegen_core.models.expression_model import ExpressionModel
from training.datasets.sequence import Sequence
from training.expression_model.reconstruction import apex_rows
from training.expression_model.recordings import RecordedComponent, components_of
from training.expression_model.run import Run

if TYPE_CHECKING:
    from training.expression_model.run_log import RunLog

FloatArray = NDArray[np.floating]

# Sequences looked at between steps, spread over expressions and subjects.
NUM_VALIDATED = 12
TOTAL = "total"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A sequence of one expression nobody trained on, and what a model may know of it.

    signal: (T, C); frames: (N,) those measured; truth: (N, V, 3) displacements there, mm.
    """

    sequence: Sequence
    component: RecordedComponent
    signal: NDArray[np.float32]
    frames: NDArray[np.int64]
    truth: NDArray[np.float32]


def validate(run: Run, log: RunLog) -> None:
    """Measure some validation sequences with the averaged weights; the first process does."""
    if not run.processes.is_first or not run.data.sequences.get("val"):
        return
    if run.held_out is None:
        chosen = some_of_each(run.data.sequences["val"])
        run.held_out = [hold_out(run, sequence) for sequence in chosen]
    model = averaged_model(run)
    errors = measure(run, model, run.held_out)
    entry = {"stage": run.stage, "step": run.step, "model_mm": errors["model_mm"]}
    run.validations.append(entry)
    log.validation(run, entry, model)


def measure_split(run: Run, split: str) -> dict[str, dict[str, float]]:
    """`measure` over the sequences of one expression of a split, by the first process."""
    sequences = [s for s in run.data.sequences.get(split, ()) if len(s.components) == 1]
    if not run.processes.is_first or not sequences:
        return {}
    bar = tqdm(sequences, desc=f"Measuring {split}", unit="seq", mininterval=2.0)
    return measure(run, averaged_model(run), (hold_out(run, sequence) for sequence in bar))


def measure(
    run: Run, model: ExpressionModel, held_out: Iterable[HeldOut]
) -> dict[str, dict[str, float]]:
    """{measure: {expression or "total": value}}, means over the sequences.

    Errors ("…_mm") over the region "face": model; class_mean; neutral (no motion). model_apex_mm:
    in the apex alone; model_all_mm: over all vertices. apex_ratio: mean displacement of the model
    over that of the truth, at the apex.
    """
    face = run.data.template.regions["face"]
    rows: dict[str, list[dict[str, float]]] = {}
    for item in held_out:
        row = _measure_one(run, model, item, face)
        rows.setdefault(item.sequence.expression, []).append(row)
    rows = {name: rows[name] for name in run.config.model.expressions if name in rows}
    rows[TOTAL] = [row for group in rows.values() for row in group]
    return {
        name: {
            column: round(float(np.mean([row[name] for row in group])), 4)
            for column, group in rows.items()
        }
        for name in (rows[TOTAL][0] if rows[TOTAL] else ())
    }


def hold_out(run: Run, sequence: Sequence) -> HeldOut:
    """A sequence with its label, every few frames of it."""
    motion = sequence.displacements()
    model, statistics = run.config.model, run.judges.statistics
    parts = components_of(sequence, motion, model.expressions, model.labels)
    frames = np.arange(0, len(motion), run.config.evaluation_stride)
    signal = statistics.signal(parts, len(motion), model.labels)
    return HeldOut(sequence, parts[0], signal, frames, np.asarray(motion[frames], np.float32))


@torch.no_grad()
def predict(
    run: Run, model: ExpressionModel, item: HeldOut, frames: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(N, V, 3) displacements at some frames of a sequence, as its face shows them."""
    device = run.device.torch_device
    signal = torch.from_numpy(item.signal)[None].to(device)
    lip_gap = torch.tensor([run.bases.lip_gap(item.sequence.neutral)], device=device)
    codes, gate = run.codes(signal, lip_gap, model)
    shapes = torch.from_numpy(run.shapes_of(item.sequence)).to(device)
    skin = model.decode(codes[0, frames], shapes) * gate[0, frames]
    return np.ascontiguousarray(skin.transpose(0, 1).numpy(force=True))


def class_mean(run: Run, item: HeldOut, frames: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N, V, 3) displacements of the average of the expression at the sequence's amplitude."""
    part, labels = item.component, run.config.model.labels
    amplitude = run.judges.statistics.amplitude(part.expression, part.magnitude, labels)
    mean = run.judges.means.motion(part.expression, part.marks, frames)
    return np.tensordot((amplitude * mean).astype(np.float32), run.shapes_of(item.sequence), 1)


def some_of_each(sequences: Rows[Sequence]) -> list[Sequence]:
    """A few sequences of one expression: of every expression alike, of many subjects."""
    by_expression: dict[str, list[Sequence]] = {}
    for sequence in sequences:
        if len(sequence.components) == 1:
            by_expression.setdefault(sequence.expression, []).append(sequence)
    each = max(1, NUM_VALIDATED // max(1, len(by_expression)))
    chosen = []
    for place, group in enumerate(by_expression.values()):
        starts = np.linspace(0, len(group), each, endpoint=False)
        shift = place * len(group) // (each * len(by_expression))
        chosen += [group[i] for i in dict.fromkeys((int(s) + shift) % len(group) for s in starts)]
    return chosen


def averaged_model(run: Run) -> ExpressionModel:
    """A copy of the model with the moving average of its weights."""
    model = ExpressionModel(run.config.model, run.data.template.hierarchy)
    weights = run.model.state_dict() | (run.average.tensors() if run.average else {})
    model.load_state_dict(weights)
    return model.requires_grad_(False).to(run.device.torch_device)


def _measure_one(
    run: Run, model: ExpressionModel, item: HeldOut, face: FloatArray
) -> dict[str, Any]:
    truth, predicted = item.truth, predict(run, model, item, item.frames)
    apex = apex_rows(item.frames, item.component.marks)
    errors = vertex_errors(predicted, truth)
    mean_errors = vertex_errors(class_mean(run, item, item.frames), truth)
    moved, known = (vertex_errors(d, np.zeros_like(d)) for d in (predicted, truth))
    return {
        "model_mm": weighted_mean(errors, face),
        "model_apex_mm": weighted_mean(errors[apex], face),
        "model_all_mm": float(errors.mean()),
        "class_mean_mm": weighted_mean(mean_errors, face),
        "neutral_mm": weighted_mean(known, face),
        "apex_ratio": weighted_mean(moved[apex], face)
        / max(weighted_mean(known[apex], face), 1e-6),
    }
