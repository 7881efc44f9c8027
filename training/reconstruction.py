"""Errors of a model on recorded sequences, in millimetres, beside what doing less would cost.

Protocol of Potamias et al., ECCV 2020, section 5.2: the model gets the marks and the extremeness of
each sequence of unseen subjects; the error is the mean Euclidean distance over vertices and frames.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.conditioning import label_signal
from facegen_core.intensity import EXPRESSIONS
from facegen_core.metrics import roughness, vertex_errors
from facegen_core.models.expression_encoder import rest_gate
from facegen_core.models.expression_model import ExpressionModel
from facegen_core.template import Template
from training.recordings import MagnitudeStatistics, MotionBasis, Recording, magnitude

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]

# Steps of each phase on the common clock of the class means: onset, apex, offset.
PHASE_STEPS = 12


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """Mean motion of each expression per unit of amplitude on a clock of phases: (6, P, K)."""

    coefficients: NDArray[np.float32]


def class_means(
    recordings: Rows[Recording], statistics: MagnitudeStatistics, labels: str
) -> ClassMeans:
    """Phase by phase mean over the training recordings, after dividing by their amplitude."""
    num_shapes = recordings[0].coefficients.shape[1]
    sums = np.zeros((len(EXPRESSIONS), 3 * PHASE_STEPS + 1, num_shapes), np.float32)
    counts = np.zeros(len(EXPRESSIONS))
    clock = np.linspace(0, 3, sums.shape[1])
    for recording in recordings:
        amplitude = statistics.amplitude(recording.expression, recording.magnitude, labels)
        if amplitude > 0:
            frames = np.interp(clock, [0, 1, 2, 3], recording.marks)
            rows = np.clip(np.rint(frames).astype(int), 0, recording.num_frames - 1)
            sums[recording.expression] += recording.coefficients[rows] / amplitude
            counts[recording.expression] += 1
    return ClassMeans(sums / np.maximum(counts, 1)[:, None, None])


@dataclass(frozen=True)
class Judges:
    """What errors are measured against: statistics, class means and the basis of training."""

    statistics: MagnitudeStatistics
    means: ClassMeans
    basis: MotionBasis


def measure_errors(
    model: ExpressionModel,
    sequences: Rows[Sequence],
    template: Template,
    judges: Judges,
    stride: int = 1,
) -> dict[str, dict[str, float]]:
    """{measure: {expression or "total": value}} over every `stride`-th frame of the sequences.

    Errors ("…_mm") over the region "face": model; neutral (no motion); class_mean; pca_floor (the
    truth itself through the basis). model_all_mm: over all vertices. apex_ratio: mean displacement
    of the model over that of the truth, at the apex; apex_roughness_ratio likewise.
    """
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in EXPRESSIONS}
    for sequence in tqdm(sequences, desc="Measuring", unit="seq", mininterval=2.0):
        rows[sequence.expression].append(_measure(model, sequence, template, judges, stride))
    return _averages(rows)


@torch.no_grad()
def _measure(
    model: ExpressionModel, sequence: Sequence, template: Template, judges: Judges, stride: int
) -> dict[str, float]:
    displacements = np.asarray(sequence.displacements(), np.float32)
    expression = EXPRESSIONS.index(sequence.expression)
    labels = model.config.labels
    strength = magnitude(displacements, sequence.marks, labels)
    amplitude = judges.statistics.amplitude(expression, strength, labels)
    signal = label_signal(expression, amplitude, sequence.marks, len(displacements))
    frames = np.arange(0, len(displacements), stride)
    predicted, truth = predict(model, signal, frames), displacements[frames]
    face = template.regions["face"]
    mean = judges.means.coefficients[expression]
    clock = np.interp(frames, sequence.marks, [0, 1, 2, 3]) * PHASE_STEPS
    class_mean = _lift(amplitude * mean[np.rint(clock).astype(int)], judges.basis)
    floor = _lift(judges.basis.project(truth), judges.basis)
    apex = (frames >= sequence.marks[1]) & (frames <= sequence.marks[2])
    if not apex.any():
        apex[np.abs(frames - np.mean(sequence.marks[1:3])).argmin()] = True
    lengths = [np.linalg.norm(d[apex], axis=-1) @ face for d in (predicted, truth)]
    firsts = np.stack([d[apex][0] for d in (predicted, truth)])
    rough = roughness(firsts, template.triangles)  # the slowest measure: one frame of each
    return {
        "model_mm": _face_error(predicted, truth, face),
        "model_apex_mm": _face_error(predicted[apex], truth[apex], face),
        "model_all_mm": float(vertex_errors(predicted, truth).mean()),
        "class_mean_mm": _face_error(class_mean, truth, face),
        "neutral_mm": _face_error(np.zeros_like(truth), truth, face),
        "neutral_apex_mm": _face_error(np.zeros_like(truth[apex]), truth[apex], face),
        "pca_floor_mm": _face_error(floor, truth, face),
        "apex_ratio": float(lengths[0].mean() / max(lengths[1].mean(), 1e-6)),
        "apex_roughness_ratio": float(rough[0] / max(rough[1], 1e-9)),
    }


@torch.no_grad()
def predict(model: ExpressionModel, signal: FloatArray, frames: FloatArray) -> NDArray[np.float32]:
    """(N, V, 3) displacements at some frames of a signal (T, 6) at the model's rate."""
    signals = torch.from_numpy(np.ascontiguousarray(signal, np.float32))[None]
    codes, gate = model.encoder(signals)[0], rest_gate(signals, model.config.rest_gate)[0]
    skin = model.decode(codes[frames]) * gate[frames]
    return skin.transpose(0, 1).numpy()


def error_table(errors: dict[str, dict[str, float]]) -> str:
    """The errors as lines of text, a measure each."""
    columns = [*EXPRESSIONS, "total"]
    lines = [f"{'':22s}" + "".join(f"{c:>10s}" for c in columns)]
    for name, values in errors.items():
        cells = [f"{values[c]:10.3f}" if c in values else f"{'-':>10s}" for c in columns]
        lines.append(f"{name:22s}" + "".join(cells))
    return "\n".join(lines)


def _lift(coefficients: FloatArray, basis: MotionBasis) -> FloatArray:
    return np.tensordot(coefficients.astype(np.float32), basis.shapes, axes=1)


def _face_error(predicted: FloatArray, truth: FloatArray, face: FloatArray) -> float:
    return float((vertex_errors(predicted, truth) @ face).mean() / face.sum())


def _averages(rows: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    every = [row for group in rows.values() for row in group]
    names = every[0] if every else {}
    table = {}
    for name in names:
        table[name] = {
            expression: round(float(np.mean([row[name] for row in group])), 4)
            for expression, group in rows.items()
            if group
        }
        table[name]["total"] = round(float(np.mean([row[name] for row in every])), 4)
    return table
