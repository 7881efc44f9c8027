"""All systems on all test sequences: one pass, sequence by sequence, nothing large is kept."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.errors import DatasetError
from facegen_core.template import Template
from training.datasets.training_data import TrainingData
from training.evaluation.cases import looked_at_whole, read_case
from training.evaluation.classifier import SpreadScores, score_systems
from training.evaluation.intensity_response import IntensityResponse, measure_response
from training.evaluation.jury import Jury
from training.evaluation.reconstruction_table import ReconstructionTable
from training.evaluation.reference import Reference
from training.evaluation.skin_measures import SkinMeasures
from training.evaluation.systems import OURS, OpenedSystems

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]

NUM_CLASSIFIERS = 5
# Faces on which the response to intensity is measured.
NUM_RESPONSE_FACES = 5


@dataclass(frozen=True, eq=False)
class Examination:
    """What all judges found.

    scores: {system, "truth" included: SpreadScores}; responses: {trained system: its response};
    floors_mm: mean errors over the face of the truth itself through a basis: "classifier", and
    "ours" where there is such a run.
    num_sequences, num_compounds: of one and of two expressions; num_whole: measured in motion.
    """

    table: ReconstructionTable
    skin: SkinMeasures
    scores: dict[str, SpreadScores]
    responses: dict[str, IntensityResponse]
    floors_mm: dict[str, float]
    subjects: tuple[str, ...]
    num_sequences: int
    num_compounds: int
    num_whole: int


def examine(
    data: TrainingData, split: str, opened: OpenedSystems, reference: Reference, seed: int
) -> Examination:
    """Ask every system about every sequence of the split, and judge the answers."""
    sequences = data.sequences[split]
    if not any(len(s.components) == 1 for s in sequences):
        raise DatasetError(f"The split '{split}' has no sequence of one expression to measure.")
    face = face_weights(data.template)
    expressions = tuple(data.expressions)
    table = ReconstructionTable(expressions, face)
    jury = Jury(reference, table, SkinMeasures(data.template, face))
    walk = tqdm(sequences, desc="Measuring", unit="seq", mininterval=2.0)
    for sequence, is_whole in looked_at_whole(walk):
        case = read_case(sequence, expressions, reference.frames_per_sequence, is_whole)
        if case.is_single:
            jury.hear_truth(case, opened.models.get(OURS))
        hear = jury.hear if case.is_single else jury.hear_compound
        for name, system in opened.systems.items():
            hear(name, system, case)
    return Examination(
        table,
        jury.skin,
        _classify(jury, len(expressions), seed),
        _responses(data, sequences, opened, face),
        {whose: float(np.mean(values)) for whose, values in jury.floors.items()},
        tuple(sorted({s.subject for s in sequences})),
        len(jury.classes),
        len(sequences) - len(jury.classes),
        jury.num_whole,
    )


def face_weights(template: Template) -> FloatArray:
    """(V,) the region "face"; every vertex alike where the template does not name it."""
    face = template.regions["face"]
    return face if face.sum() > 0 else np.ones_like(face)


def _classify(jury: Jury, num_classes: int, seed: int) -> dict[str, SpreadScores]:
    training = (jury.reference.features, jury.reference.classes)
    # Predicting neutral is the same motion for everything: nothing to tell apart.
    tests = {n: np.stack(rows) for n, rows in jury.features.items() if n != "neutral"}
    seeds = range(seed, seed + NUM_CLASSIFIERS)
    return score_systems(training, tests, np.array(jury.classes), num_classes, seeds)


def _responses(
    data: TrainingData, sequences: Rows[Sequence], opened: OpenedSystems, face: FloatArray
) -> dict[str, IntensityResponse]:
    faces = list({s.subject: s for s in sequences}.values())[:NUM_RESPONSE_FACES]
    return {
        name: measure_response(
            system.model, [system.shapes_of(s) for s in faces], data.frame_rate, face
        )
        for name, system in opened.models.items()
    }
