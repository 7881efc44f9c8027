"""Decoders alone: the skin they make of true landmarks, against the true skin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from facegen_core.metrics import roughness, umbrella_laplacian, vertex_errors, weighted_mean
from facegen_core.template import Template
from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.skin_measures import TRUTH
from training.landmark_evaluation.cases import IN_FACE, TakeCase
from training.landmark_evaluation.error_rows import ErrorRows
from training.landmark_evaluation.systems import (
    CLASS_MEAN,
    NEUTRAL,
    Candidate,
    SkinDecoder,
)

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Frames of the apex at which roughness is looked at.
NUM_APEX_FRAMES = 3


@dataclass(eq=False)
class DecoderTable:
    """Collects what decoders make of true landmarks. face: (V,) weights of the region."""

    template: Template
    face: FloatArray
    rows: ErrorRows
    _roughness: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._laplacian: sparse.csr_matrix = umbrella_laplacian(
            self.template.triangles, self.template.num_vertices
        )

    def hear(
        self, case: TakeCase, decoders: Mapping[str, SkinDecoder], class_mean: Candidate
    ) -> None:
        """All decoders, doing nothing, and the class mean, which is not told the landmarks."""
        apex = apex_frames(case)
        frames = np.unique(np.concatenate([case.looked, apex]))
        truth, neutral = case.skin[frames], case.sequence.neutral
        answers = {NEUTRAL: np.zeros_like(truth)}
        answers[CLASS_MEAN] = class_mean.skin(case.question, case.landmarks, frames)
        for name, decoder in decoders.items():
            answers[name] = decoder.decode(neutral, case.landmarks[frames])
        at_apex, looked = np.isin(frames, apex), np.isin(frames, case.looked)
        self._add_roughness(TRUTH, case, truth[at_apex])
        for name, skin in answers.items():
            errors = vertex_errors(skin[looked], truth[looked])
            self.rows.add(name, "skin_mm", case, errors.mean())
            self.rows.add(name, "face_mm", case, weighted_mean(errors, self.face))
            in_face = errors[:, self.face >= IN_FACE * self.face.max()]
            self.rows.add(name, "face_p95_mm", case, np.percentile(in_face, 95))
            self._add_roughness(name, case, skin[at_apex])

    @property
    def names(self) -> list[str]:
        """Everything that was heard, the truth left out."""
        return [name for name in self._roughness if name != TRUTH]

    def roughness_ratio(self, name: str) -> float:
        """Of means over all takes of one expression, at the apex over the face."""
        return float(np.mean(self._roughness[name]) / max(np.mean(self._roughness[TRUTH]), 1e-12))

    def total(self, name: str, measure: str) -> float:
        return self.rows.cells(name, measure)[TOTAL].mean

    def _add_roughness(self, name: str, case: TakeCase, skin: FloatArray) -> None:
        if case.is_single:
            self._roughness[name].append(float(roughness(skin, self._laplacian, self.face).mean()))


def apex_frames(case: TakeCase, count: int = NUM_APEX_FRAMES) -> IntArray:
    """Whole frames from the first to the last of the apex of the first expression."""
    marks = case.sequence.marks
    frames = np.rint(np.linspace(marks[1], marks[2], count)).astype(int)
    return np.unique(np.clip(frames, 0, len(case.skin) - 1))
