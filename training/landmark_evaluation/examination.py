"""All systems on all chosen takes, measure by measure; nothing large is kept."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.errors import DatasetError
from training.datasets.training_data import TrainingData
from training.evaluation.classifier import SpreadScores
from training.evaluation.examination import face_weights
from training.evaluation.reference import Reference
from training.evaluation.skin_measures import SkinMeasures
from training.landmark_evaluation.ablations import AblationBench, AblationFinding
from training.landmark_evaluation.cases import choose_takes, face_points, one_of_each, read_take
from training.landmark_evaluation.decoder_table import DecoderTable
from training.landmark_evaluation.diversity import (
    Diversity,
    Looked,
    SimulatedVariety,
    Variety,
    open_variety,
    true_diversity,
)
from training.landmark_evaluation.error_rows import ErrorRows
from training.landmark_evaluation.identity import Recognition
from training.landmark_evaluation.identity_faces import FacesOfOneExpression, read_faces
from training.landmark_evaluation.identity_trial import (
    IdentityFindings,
    best_possible,
    examine_identity,
)
from training.landmark_evaluation.jury import Jury
from training.landmark_evaluation.lengths import LengthRow, LengthTrial
from training.landmark_evaluation.opening import OpenedLandmarkSystems
from training.landmark_evaluation.speed import Speed, measure_speed
from training.landmark_evaluation.systems import CLASS_MEAN, OURS, PEER

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Effort:
    """How much is looked at.

    takes: of each subject and expression; noises: of random systems; looked: frames of a take at
    which the skin of every noise is compared; subjects: of the split, None for all;
    diversity_takes: whose true spread is asked of the simulator; identity_noises: in the identity
    test; length_takes: stretched to other lengths; ablation_takes and ablation_noises: for what
    each part is worth.
    """

    takes: int = 1
    noises: int = 10
    looked: int = 6
    subjects: int | None = None
    identity_noises: int = 3
    length_takes: int = 6
    ablation_takes: int = 36
    ablation_noises: int = 3
    diversity_takes: int = 81


QUICK = Effort(
    noises=3, looked=4, subjects=4, identity_noises=1, length_takes=2, ablation_takes=6,
    ablation_noises=2, diversity_takes=12,
)  # fmt: skip


@dataclass(eq=False)
class Examination:
    """What was found; see the modules the parts are of."""

    decoders: DecoderTable
    jury: Jury
    scores: dict[str, SpreadScores] = field(default_factory=dict)
    identity: dict[str, IdentityFindings] = field(default_factory=dict)
    identity_limit: Recognition | None = None
    ablations: list[AblationFinding] = field(default_factory=list)
    lengths: dict[str, list[LengthRow]] = field(default_factory=dict)
    many_expressions: dict[str, LengthRow] = field(default_factory=dict)
    speeds: dict[str, Speed] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()
    num_singles: int = 0
    num_compounds: int = 0


def examine(
    data: TrainingData,
    split: str,
    opened: OpenedLandmarkSystems,
    reference: Reference,
    seed: int,
    effort: Effort,
) -> Examination:
    """Ask every system about the chosen takes of the split, and judge the answers."""
    sequences = of_first_subjects(data.sequences[split], effort.subjects)
    chosen = choose_takes(sequences, effort.takes, seed)
    if not any(len(s.components) == 1 for s in chosen):
        raise DatasetError(f"The split '{split}' has no sequence of one expression to measure.")
    face = face_weights(data.template)
    expressions = tuple(data.expressions)
    seeds = tuple(range(seed, seed + effort.noises))
    decoders = DecoderTable(data.template, face, ErrorRows(expressions))
    skin = SkinMeasures(data.template, face)
    jury = Jury(data.template, face, reference, seeds, ErrorRows(expressions), skin)
    result = Examination(decoders, jury)
    variety = open_variety(data, reference.labels, split, seed)
    spreads = _spreads(one_of_each(chosen, effort.diversity_takes, seed), data, variety, effort)
    for sequence in tqdm(chosen, desc="Measuring", unit="take", mininterval=2.0):
        case = read_take(sequence, data.template, expressions, effort.looked)
        decoders.hear(case, opened.decoders, opened.candidates[CLASS_MEAN])
        jury.hear_truth(case, spreads.get(sequence.name))
        for name, candidate in opened.candidates.items():
            jury.hear(name, candidate, case)
    result.subjects = tuple(sorted({s.subject for s in chosen}))
    result.num_singles = len(jury.classes)
    result.num_compounds = len(chosen) - len(jury.classes)
    result.scores = jury.classify(seed)
    faces = _faces(sequences, data, reference, variety, face)
    _identify(result, faces, opened, seeds[: effort.identity_noises])
    _stretch(result, chosen, data, opened, effort, seed)
    takes = sorted(one_of_each(chosen, effort.ablation_takes, seed), key=lambda s: s.subject)
    bench = AblationBench(
        data, reference, spreads, faces, takes, seeds[: effort.ablation_noises], effort.looked
    )
    result.ablations = bench.examine(opened)
    return result


def of_first_subjects(sequences: Rows[Sequence], count: int | None) -> Rows[Sequence]:
    """The sequences of the first subjects, of all where count is None."""
    if count is None:
        return sequences
    subjects = list(dict.fromkeys(s.subject for s in sequences))[:count]
    return [s for s in sequences if s.subject in subjects]


def _spreads(
    takes: Rows[Sequence], data: TrainingData, variety: Variety, effort: Effort
) -> dict[str, Diversity]:
    """{name: how differently the take may be played}; takes of which that is unknown are left
    out."""
    points = face_points(face_weights(data.template))
    known: dict[str, Diversity] = {}
    for take in tqdm(takes, desc="True variety", unit="take", mininterval=2.0):
        case = read_take(take, data.template, data.expressions, effort.looked)
        looked = Looked(case.looked, points)
        spread = true_diversity(case.question, variety, data.template, looked)
        if spread is not None:
            known[take.name] = spread
    return known


def _faces(
    sequences: Rows[Sequence],
    data: TrainingData,
    reference: Reference,
    variety: Variety,
    face: FloatArray,
) -> list[FacesOfOneExpression]:
    """Of the identity test, on all takes of all subjects."""
    oracle = variety.oracle if isinstance(variety, SimulatedVariety) else None
    points = face_points(face)
    return read_faces(sequences, data.expressions, data.template, points, reference, oracle)


def _identify(
    result: Examination,
    faces: Rows[FacesOfOneExpression],
    opened: OpenedLandmarkSystems,
    seeds: Rows[int],
) -> None:
    if not faces:
        return
    points = face_points(result.jury.face)
    result.identity_limit = best_possible(faces)
    for name, candidate in tqdm(opened.candidates.items(), desc="Who is it", mininterval=2.0):
        result.identity[name] = examine_identity(candidate, faces, points, seeds)


def _stretch(
    result: Examination,
    chosen: Rows[Sequence],
    data: TrainingData,
    opened: OpenedLandmarkSystems,
    effort: Effort,
    seed: int,
) -> None:
    """Other lengths and many expressions, for ours and the peer; and their speed."""
    cases = [
        read_take(s, data.template, data.expressions, effort.looked)
        for s in one_of_each(chosen, effort.length_takes, seed)
    ]
    own = [s for s in chosen if s.subject == cases[0].sequence.subject and len(s.components) == 1]
    many = [read_take(s, data.template, data.expressions, effort.looked) for s in own]
    trial = LengthTrial(
        data.template, result.jury.face, cases, result.jury.seeds[: effort.identity_noises]
    )
    for name in (OURS, PEER):
        if name in opened.candidates:
            candidate = opened.candidates[name]
            result.lengths[name] = trial.examine(candidate)
            result.many_expressions[name] = trial.examine_many(candidate, many)
    for name, candidate in opened.candidates.items():
        if name != CLASS_MEAN:
            result.speeds[name] = measure_speed(candidate, cases[0].question)
