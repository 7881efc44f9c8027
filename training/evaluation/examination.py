"""All systems on all test sequences: one pass, sequence by sequence, nothing large is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.errors import DatasetError
from facegen_core.metrics import vertex_errors, weighted_mean
from facegen_core.template import Template
from training.evaluation.cases import Case, looked_at_whole, read_case
from training.evaluation.classifier import SpreadScores, score_systems
from training.evaluation.intensity_response import IntensityResponse, measure_response
from training.evaluation.reconstruction_table import ReconstructionTable
from training.evaluation.reference import REFERENCE_RULE, Reference
from training.evaluation.skin_measures import TRUTH, SkinMeasures
from training.evaluation.systems import NeutralSystem, OpenedSystems, OracleSystem, System
from training.training_data import TrainingData

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
    basis_floor_mm: mean error of the truth itself through the classifier's basis, over the face.
    num_sequences, num_compounds: of one and of two expressions; num_whole: measured in motion.
    """

    table: ReconstructionTable
    skin: SkinMeasures
    scores: dict[str, SpreadScores]
    responses: dict[str, IntensityResponse]
    basis_floor_mm: float
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
    table = ReconstructionTable(tuple(data.expressions), face)
    skin = SkinMeasures(data.template, face)
    features: dict[str, list[FloatArray]] = defaultdict(list)
    classes, floors, num_whole = [], [], 0
    walk = tqdm(sequences, desc="Measuring", unit="seq", mininterval=2.0)
    for sequence, is_whole in looked_at_whole(walk):
        case = read_case(sequence, data.expressions, reference.frames_per_sequence, is_whole)
        if not case.is_single:
            _compare_compound(case, opened, table)
            continue
        num_whole += is_whole
        classes.append(data.expressions.index(sequence.expression))
        truth = case.truth[case.compared]
        features[TRUTH].append(reference.basis.project(truth))
        floors.append(_basis_error(truth, features[TRUTH][-1], reference, face))
        if is_whole:
            skin.add(TRUTH, case, case.truth)
        for name, system in opened.systems.items():
            features[name].append(_judge(name, system, case, reference, (table, skin)))
    features.pop("neutral", None)  # the same motion for everything: nothing to tell apart
    return Examination(
        table,
        skin,
        _classify(features, np.array(classes), reference, len(data.expressions), seed),
        _responses(data, sequences, opened, face),
        float(np.mean(floors)),
        tuple(sorted({s.subject for s in sequences})),
        len(classes),
        len(sequences) - len(classes),
        num_whole,
    )


def face_weights(template: Template) -> FloatArray:
    """(V,) the region "face"; every vertex alike where the template does not name it."""
    face = template.regions["face"]
    return face if face.sum() > 0 else np.ones_like(face)


def _judge(
    name: str,
    system: System,
    case: Case,
    reference: Reference,
    judges: tuple[ReconstructionTable, SkinMeasures],
) -> FloatArray:
    """Ask one system, with both strengths; returns (N, 64) coefficients for the classifier."""
    table, skin = judges
    motion = system.answer(case.question, case.frames)
    table.add(name, case, motion)
    if case.is_whole:
        skin.add(name, case, motion)
    if not isinstance(system, OracleSystem):  # its floor is that of the label it is given
        fixed = _at_average_strength(case)
        table.add(name, fixed, system.answer(fixed.question, fixed.frames))
    return reference.basis.project(motion[case.compared])


def _at_average_strength(case: Case) -> Case:
    """The same case told with the average strength of its class, at the compared frames alone."""
    compared = case.compared
    return replace(
        case,
        question=case.question.with_strength("fixed"),
        frames=case.frames[compared],
        truth=case.truth[compared],
        compared=np.arange(len(compared)),
        is_whole=False,
    )


def _compare_compound(case: Case, opened: OpenedSystems, table: ReconstructionTable) -> None:
    """Only systems whose labels are in the magnitudes that sequences of two expressions state."""
    for name, system in opened.systems.items():
        labels = getattr(system, "labels", None)
        is_told = labels is not None and labels.rule == REFERENCE_RULE
        if isinstance(system, NeutralSystem) or (is_told and not isinstance(system, OracleSystem)):
            table.add(name, case, system.answer(case.question, case.frames))


def _basis_error(
    truth: FloatArray, coefficients: FloatArray, reference: Reference, face: FloatArray
) -> float:
    rebuilt = np.tensordot(coefficients, reference.basis.shapes, axes=1)
    return weighted_mean(vertex_errors(rebuilt, truth), face)


def _classify(
    features: dict[str, list[FloatArray]],
    classes: NDArray[np.integer],
    reference: Reference,
    num_classes: int,
    seed: int,
) -> dict[str, SpreadScores]:
    training = (reference.features, reference.classes)
    tests = {name: np.stack(rows) for name, rows in features.items()}
    seeds = range(seed, seed + NUM_CLASSIFIERS)
    return score_systems(training, tests, classes, num_classes, seeds)


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
