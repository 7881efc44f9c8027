"""Errors of a model in training on recorded sequences, in mm, beside what doing less would cost.

Protocol of Potamias et al., ECCV 2020, section 5.2: the model gets the marks and the extremeness of
each sequence; the error is the mean Euclidean distance over vertices and frames. The trainer looks
at itself with this; the tables of a finished run are `training.evaluation`.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from tqdm import tqdm

from facegen_core.metrics import roughness, umbrella_laplacian, vertex_errors, weighted_mean
from facegen_core.models.expression_encoder import rest_gate
from facegen_core.models.expression_model import ExpressionModel
from facegen_core.template import Template
from training.recordings import MagnitudeStatistics, MotionBasis, Recording, components_of

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Steps of each phase on the common clock of the class means: onset, apex, offset.
PHASE_STEPS = 12
# Codes decoded at once: whole meshes of so many frames are in memory.
FRAMES_AT_ONCE = 64
# Column of the sequences that show two expressions; the total leaves them out, as the paper has
# none.
COMPOUND = "compound"


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """Mean motion of each expression per unit of amplitude on a clock of phases: (C, P, K)."""

    coefficients: NDArray[np.float32]

    def motion(self, expression: int, marks: FloatArray, frames: FloatArray) -> NDArray[np.float32]:
        """(N, K) coefficients at (N,) frames of a sequence with these marks, amplitude 1."""
        curve = self.coefficients[expression]
        clock = np.interp(frames, marks, [0, 1, 2, 3]) * (len(curve) - 1) / 3
        low = np.minimum(clock.astype(int), len(curve) - 2)
        share = (clock - low)[:, None].astype(np.float32)
        return (1 - share) * curve[low] + share * curve[low + 1]


def class_means(
    recordings: Rows[Recording], statistics: MagnitudeStatistics, labels: str
) -> ClassMeans:
    """Phase by phase mean over the training recordings of one expression, per unit of amplitude."""
    num_shapes = recordings[0].coefficients.shape[1]
    num_expressions = len(statistics.means)
    sums = np.zeros((num_expressions, 3 * PHASE_STEPS + 1, num_shapes), np.float32)
    counts = np.zeros(num_expressions)
    clock = np.linspace(0, 3, sums.shape[1])
    for recording in recordings:
        part = recording.components[0]
        amplitude = statistics.amplitude(part.expression, part.magnitude, labels)
        if recording.is_single and amplitude > 0:
            frames = np.interp(clock, [0, 1, 2, 3], part.marks)
            rows = np.clip(np.rint(frames).astype(int), 0, recording.num_frames - 1)
            sums[part.expression] += recording.coefficients[rows] / amplitude
            counts[part.expression] += 1
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
    """{measure: {expression, "compound" or "total": value}} over every `stride`-th frame.

    Errors ("…_mm") over the region "face": model; neutral (no motion); class_mean; pca_floor (the
    truth itself through the basis). model_all_mm: over all vertices. apex_ratio: mean displacement
    of the model over that of the truth, at the apex; apex_roughness_ratio likewise. "total" is the
    mean over the sequences of one expression; "compound" has the model and the neutral alone.
    """
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in model.config.expressions}
    rows[COMPOUND] = []
    laplacian = umbrella_laplacian(template.triangles, template.num_vertices)
    face = template.regions["face"]
    for sequence in tqdm(sequences, desc="Measuring", unit="seq", mininterval=2.0):
        column = sequence.expression if len(sequence.components) == 1 else COMPOUND
        rows[column].append(_measure(model, sequence, (face, laplacian), judges, stride))
    return _averages(rows)


def _measure(
    model: ExpressionModel,
    sequence: Sequence,
    skin: tuple[FloatArray, sparse.csr_matrix],
    judges: Judges,
    stride: int,
) -> dict[str, float]:
    """One sequence; skin: (V,) weights of the face and the umbrella Laplacian."""
    displacements = np.asarray(sequence.displacements(), np.float32)
    labels = model.config.labels
    parts = components_of(sequence, displacements, model.config.expressions, labels)
    signal = judges.statistics.signal(parts, len(displacements), labels)
    frames = np.arange(0, len(displacements), stride)
    predicted = predict(model, signal, frames, sequence.identity)
    truth, (face, laplacian) = displacements[frames], skin
    neutral = vertex_errors(truth, np.zeros_like(truth))
    errors = vertex_errors(predicted, truth)
    row = {"model_mm": weighted_mean(errors, face), "model_all_mm": float(errors.mean())}
    row["neutral_mm"] = weighted_mean(neutral, face)
    if len(parts) > 1:
        return row
    part = parts[0]
    amplitude = judges.statistics.amplitude(part.expression, part.magnitude, labels)
    class_mean = _lift(
        amplitude * judges.means.motion(part.expression, part.marks, frames), judges.basis
    )
    floor = _lift(judges.basis.project(truth), judges.basis)
    apex = apex_rows(frames, part.marks)
    lengths = [np.linalg.norm(d[apex], axis=-1) @ face for d in (predicted, truth)]
    firsts = np.stack([d[apex][0] for d in (predicted, truth)])
    rough = roughness(firsts, laplacian)
    return row | {
        "model_apex_mm": weighted_mean(errors[apex], face),
        "class_mean_mm": weighted_mean(vertex_errors(class_mean, truth), face),
        "neutral_apex_mm": weighted_mean(neutral[apex], face),
        "pca_floor_mm": weighted_mean(vertex_errors(floor, truth), face),
        "apex_ratio": float(lengths[0].mean() / max(lengths[1].mean(), 1e-6)),
        "apex_roughness_ratio": float(rough[0] / max(rough[1], 1e-9)),
    }


@torch.no_grad()
def predict(
    model: ExpressionModel, signal: FloatArray, frames: IntArray, identity: FloatArray
) -> NDArray[np.float32]:
    """(N, V, 3) displacements at some frames of a signal (T, C) at the model's rate.

    identity: (I',) coefficients of the face; the model takes as many as it knows, and zeros where
    there are fewer.
    """
    device = next(model.parameters()).device
    signals = torch.from_numpy(np.ascontiguousarray(signal, np.float32))[None].to(device)
    known = known_identity(identity, model.config.identity_size)
    codes = model.with_identity(model.encoder(signals), torch.from_numpy(known)[None].to(device))
    gate = rest_gate(signals, model.config.rest_gate)[0]
    chunks = [
        model.decode(codes[0, rows]) * gate[rows]
        for rows in np.array_split(frames, max(1, -(-len(frames) // FRAMES_AT_ONCE)))
    ]
    return np.ascontiguousarray(torch.cat(chunks, dim=1).transpose(0, 1).numpy(force=True))


def known_identity(identity: FloatArray, size: int) -> NDArray[np.float32]:
    """(I,) what a model of that size reads of (I',) coefficients: its strongest modes."""
    known = np.zeros(size, np.float32)
    count = min(size, len(identity))
    known[:count] = identity[:count]
    return known


def apex_rows(frames: IntArray, marks: FloatArray) -> NDArray[np.bool_]:
    """(N,) which frames are in the apex; the nearest one where the stride left none."""
    apex = (frames >= marks[1]) & (frames <= marks[2])
    if not apex.any():
        apex[np.abs(frames - np.mean(marks[1:3])).argmin()] = True
    return apex


def error_table(errors: dict[str, dict[str, float]]) -> str:
    """The errors as lines of text, a measure each."""
    columns = list(dict.fromkeys(column for values in errors.values() for column in values))
    columns = [c for c in columns if c != "total"] + ["total"]
    lines = [f"{'':22s}" + "".join(f"{c:>10s}" for c in columns)]
    for name, values in errors.items():
        cells = [f"{values[c]:10.3f}" if c in values else f"{'-':>10s}" for c in columns]
        lines.append(f"{name:22s}" + "".join(cells))
    return "\n".join(lines)


def _lift(coefficients: FloatArray, basis: MotionBasis) -> FloatArray:
    return np.tensordot(coefficients.astype(np.float32), basis.shapes, axes=1)


def _averages(rows: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    singles = [row for column, group in rows.items() if column != COMPOUND for row in group]
    names = list(dict.fromkeys(name for group in rows.values() for row in group for name in row))
    table = {}
    for name in names:
        table[name] = {
            column: round(float(np.mean([row[name] for row in group])), 4)
            for column, group in rows.items()
            if group and name in group[0]
        }
        if singles:
            table[name]["total"] = round(float(np.mean([row[name] for row in singles])), 4)
    return table
