"""Recorded takes as motion of the 68 landmarks, small enough for memory.

Reading them means reading every frame of the set, minutes for ICT-4D; they are kept in a file
beside the set, which is read back where it is of the same takes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.array_files import TRAINING_BYTES, read_arrays
from facegen_core.bundle import write_arrays
from facegen_core.errors import WriteError
from facegen_core.json_text import parse_json
from facegen_core.landmarks import NUM_LANDMARKS
from facegen_core.models.neutral_reading import seen_by_landmarks
from facegen_core.template import Template
from training.datasets.sequence import Sequence
from training.datasets.training_data import TrainingData
from training.expression_model.recordings import RecordedComponent, Recording, record

FloatArray = NDArray[np.floating]

CACHE_VERSION = 1


@dataclass(frozen=True, eq=False)
class LandmarkTake:
    """One recorded sequence.

    components: its expressions, with marks in frames and magnitudes in mm by the rule that was
    asked for. neutral: (68, 3) mm, the subject's landmarks at rest; displacements: (T, 68, 3) mm
    from there; jaw: (T, 6) rad and mm.
    """

    name: str
    subject: str
    components: tuple[RecordedComponent, ...]
    neutral: NDArray[np.float32]
    displacements: NDArray[np.float32]
    jaw: NDArray[np.float32]

    @property
    def num_frames(self) -> int:
        return len(self.displacements)

    @property
    def recording(self) -> Recording:
        """The same for `expression_model.examples`: (T, 204) in place of PCA coefficients."""
        flat = self.displacements.reshape(self.num_frames, -1)
        return Recording(self.name, self.subject, self.components, flat, self.jaw)


class LandmarkProjection:
    """Displacements of the skin seen at the landmarks, in place of a basis."""

    def __init__(self, template: Template) -> None:
        self._template = template

    def project(self, displacements: FloatArray) -> NDArray[np.float32]:
        """(T, 204) of (T, V, 3), mm."""
        return seen_by_landmarks(self._template, displacements)


def neutral_landmarks(template: Template, neutral: FloatArray) -> NDArray[np.float32]:
    """(68, 3) mm of a (V, 3) neutral."""
    return template.landmarks.positions(neutral, template.triangles).astype(np.float32)


def takes_of(data: TrainingData, split: str, labels: str) -> list[LandmarkTake]:
    """The takes of a split of a prepared set, kept beside it."""
    root = getattr(data.dataset, "root", None)
    cache = root / f"landmarks_{split}_{labels}.npz" if root else None
    return read_takes(data.sequences[split], data.template, data.expressions, labels, cache)


def read_takes(
    sequences: Rows[Sequence],
    template: Template,
    expressions: Rows[str],
    labels: str,
    cache: Path | None = None,
) -> list[LandmarkTake]:
    """All takes, from `cache` where that file is of the same ones, which otherwise is written.

    labels: the rule of the magnitudes, "proportional" or "extremeness".
    """
    signature = json.dumps(
        {
            "version": CACHE_VERSION,
            "labels": labels,
            "expressions": list(expressions),
            "landmarks": template.landmarks.triangle_indices.tolist(),
            "takes": [[s.name, s.num_frames, np.ravel(s.marks).tolist()] for s in sequences],
        }
    )
    recordings = _read_cache(cache, signature) if cache else None
    if recordings is None:
        recordings = record(sequences, LandmarkProjection(template), expressions, labels)
        if cache:
            _write_cache(cache, signature, recordings)
    neutrals: dict[str, NDArray[np.float32]] = {}
    for sequence in sequences:
        if sequence.subject not in neutrals:
            neutrals[sequence.subject] = neutral_landmarks(template, sequence.neutral)
    return [_take(recording, neutrals[recording.subject]) for recording in recordings]


def _take(recording: Recording, neutral: NDArray[np.float32]) -> LandmarkTake:
    return LandmarkTake(
        recording.name,
        recording.subject,
        recording.components,
        neutral,
        recording.coefficients.reshape(-1, NUM_LANDMARKS, 3),
        recording.jaw,
    )


def _write_cache(path: Path, signature: str, recordings: list[Recording]) -> None:
    """A set that cannot be written beside is read again the next time."""
    described = [
        {
            "name": r.name,
            "subject": r.subject,
            "num_frames": r.num_frames,
            "components": [
                [part.expression, np.asarray(part.marks).tolist(), part.magnitude]
                for part in r.components
            ],
        }
        for r in recordings
    ]
    text = json.dumps({"signature": signature, "recordings": described})
    arrays = {
        "described": np.frombuffer(text.encode(), np.uint8),
        "landmarks": np.concatenate([r.coefficients for r in recordings]),
        "jaws": np.concatenate([r.jaw for r in recordings]),
    }
    try:
        write_arrays(path, arrays)
    except WriteError:
        return


def _read_cache(path: Path, signature: str) -> list[Recording] | None:
    try:
        arrays = read_arrays(path, largest=TRAINING_BYTES)
        described = parse_json(arrays["described"].tobytes())
        if described["signature"] != signature:
            return None
        landmarks, jaws = arrays["landmarks"], arrays["jaws"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    recordings, start = [], 0
    for row in described["recordings"]:
        part = slice(start, start + row["num_frames"])
        start = part.stop
        recordings.append(
            Recording(
                row["name"],
                row["subject"],
                tuple(
                    RecordedComponent(e, np.asarray(m), float(g)) for e, m, g in row["components"]
                ),
                landmarks[part],
                jaws[part],
            )
        )
    return recordings
