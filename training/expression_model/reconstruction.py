"""What a recorded sequence is compared with: the class mean, and what a model says it should be.

The trainer looks at itself with this (`expression_model.validation`); the tables of finished runs
are `training.evaluation`.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facegen_core.models.expression_encoder import rest_gate
from facegen_core.models.expression_model import ExpressionModel
from training.expression_model.recordings import MagnitudeStatistics, MotionBasis, Recording

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
    """Phase by phase, the motion per unit of amplitude that comes nearest to the training
    recordings of one expression (least squares through rest: weak takes, whose label may be almost
    0, say little about it)."""
    num_shapes = recordings[0].coefficients.shape[1]
    num_expressions = len(statistics.means)
    sums = np.zeros((num_expressions, 3 * PHASE_STEPS + 1, num_shapes), np.float32)
    weights = np.zeros(num_expressions, np.float32)
    clock = np.linspace(0, 3, sums.shape[1])
    for recording in recordings:
        part = recording.components[0]
        if recording.is_single:
            amplitude = statistics.amplitude(part.expression, part.magnitude, labels)
            frames = np.interp(clock, [0, 1, 2, 3], part.marks)
            rows = np.clip(np.rint(frames).astype(int), 0, recording.num_frames - 1)
            sums[part.expression] += np.float32(amplitude) * recording.coefficients[rows]
            weights[part.expression] += amplitude**2
    return ClassMeans(sums / np.maximum(weights, 1e-6)[:, None, None])


@dataclass(frozen=True)
class Judges:
    """What errors are measured against: statistics, class means and the basis of training."""

    statistics: MagnitudeStatistics
    means: ClassMeans
    basis: MotionBasis


@torch.no_grad()
def predict(
    model: ExpressionModel,
    signal: FloatArray,
    frames: IntArray,
    shapes: Tensor | None = None,
    lip_gap: Tensor | None = None,
) -> NDArray[np.float32]:
    """(N, V, 3) displacements at some frames of a signal (T, C) at the model's rate.

    shapes: (K, V, 3) the model's blendshapes as the face shows them; lip_gap: (1,) of the face;
    None is the mean face.
    """
    device = next(model.parameters()).device
    signals = torch.from_numpy(np.ascontiguousarray(signal, np.float32))[None].to(device)
    codes = model.encoder(signals, lip_gap)[0]
    gate = rest_gate(signals, model.config.rest_gate)[0]
    chunks = [
        model.decode(codes[rows], shapes) * gate[rows]
        for rows in np.array_split(frames, max(1, -(-len(frames) // FRAMES_AT_ONCE)))
    ]
    return np.ascontiguousarray(torch.cat(chunks, dim=1).transpose(0, 1).numpy(force=True))


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
