"""Does more intensity move the face more? An artist's slider must not turn back, or jump."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facegen_core.conditioning import label_signal
from facegen_core.metrics import mean_displacement
from facegen_core.models.expression_encoder import rest_gate
from facegen_core.models.expression_model import ExpressionModel

FloatArray = NDArray[np.floating]

INTENSITIES = np.linspace(0.0, 1.0, 11)
# A clip as an artist would key it, seconds: rest, onset, hold, offset, rest.
CLIP_MARKS_SECONDS = (0.2, 0.6, 1.4, 2.0)
CLIP_SECONDS = 2.2
# Where in the hold the face is looked at, seconds.
LOOK_SECONDS = 1.2


@dataclass(frozen=True)
class IntensityResponse:
    """monotone_share: of the steps of intensity, those that move the face farther.

    linearity: R² of a line through displacement over intensity; full_mm: mean displacement at
    intensity 1. Means over expressions and faces.
    """

    monotone_share: float
    linearity: float
    full_mm: float


def measure_response(
    model: ExpressionModel, faces: Rows[Tensor | None], frame_rate: float, face: FloatArray
) -> IntensityResponse:
    """Over all expressions and the given faces, each told by its (K, V, 3) blendshapes where the
    model has any; face: (V,) weights."""
    curves = np.concatenate(
        [
            _curves(model, expression, faces, frame_rate, face)
            for expression in range(model.config.num_expressions)
        ]
    )  # (R, 11)
    return IntensityResponse(
        float((np.diff(curves, axis=1) > 0).mean()),
        float(np.mean([_linearity(curve) for curve in curves])),
        float(curves[:, -1].mean()),
    )


@torch.no_grad()
def _curves(
    model: ExpressionModel,
    expression: int,
    faces: Rows[Tensor | None],
    frame_rate: float,
    face: FloatArray,
) -> FloatArray:
    """(N, 11) mean displacement of N faces in the hold, mm, at each of INTENSITIES."""
    marks = np.array(CLIP_MARKS_SECONDS) * frame_rate
    num_frames, look = int(CLIP_SECONDS * frame_rate) + 1, int(LOOK_SECONDS * frame_rate)
    signals = torch.from_numpy(
        np.stack(
            [
                label_signal(expression, s, marks, num_frames, model.config.num_expressions)
                for s in INTENSITIES
            ]
        )
    )  # (11, T, C)
    codes = model.encoder(signals)[:, look]  # lips as far apart as the template's
    gate = rest_gate(signals, model.config.rest_gate)[:, look]
    curves = []
    for shapes in faces:
        skin = (model.decode(codes, shapes) * gate).transpose(0, 1).numpy(force=True)
        curves.append(mean_displacement(skin, face))
    return np.stack(curves)


def _linearity(curve: FloatArray) -> float:
    """R² of the best line through (11,) displacements over INTENSITIES; 0 where nothing moves."""
    if np.std(curve) < 1e-9:
        return 0.0
    return float(np.corrcoef(curve, INTENSITIES)[0, 1] ** 2)
