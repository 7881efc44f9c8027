"""What is measured in one fold, kept as plain values that the tables over all folds are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.metrics import vertex_errors
from training.datasets.training_data import TrainingData
from training.evaluation.classifier import SpreadScores
from training.evaluation.examination import face_weights
from training.evaluation.reference import Reference
from training.evaluation.results import classification_of
from training.evaluation.skin_measures import SkinMeasures
from training.evaluation.systems import NeutralSystem
from training.landmark_evaluation.cases import TakeCase, choose_takes, read_take
from training.landmark_evaluation.decoder_table import DecoderTable
from training.landmark_evaluation.error_rows import ErrorRows
from training.landmark_evaluation.jury import Jury
from training.landmark_evaluation.systems import (
    CLASS_MEAN,
    NEUTRAL,
    Candidate,
    SkinDecoder,
    SkinSystem,
)
from training.protocols.config import ProtocolConfig

FloatArray = NDArray[np.floating]

# Regions whose errors are pooled: all vertices alike, and the face by its weights.
ALL, FACE = "all", "face"


@dataclass
class PooledErrors:
    """Mean and standard deviation over all vertices, frames and folds, as S2D-Dec is measured
    (Otberdout et al., CVPR 2022, by the script its authors evaluate folds with).

    weight, total, squares: sums of 1, of the distance in mm, and of its square.
    """

    weight: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, errors: FloatArray, weights: FloatArray) -> None:
        """(T, V) distances, mm, and (V,) weights."""
        wide = np.asarray(errors, np.float64)
        self.weight += len(wide) * float(weights.sum())
        self.total += float((wide @ weights).sum())
        self.squares += float((wide**2 @ weights).sum())

    def merge(self, other: PooledErrors) -> None:
        self.weight += other.weight
        self.total += other.total
        self.squares += other.squares

    @property
    def mean(self) -> float:
        return self.total / max(self.weight, 1e-12)

    @property
    def deviation(self) -> float:
        variance = self.squares / max(self.weight, 1e-12) - self.mean**2
        return float(np.sqrt(max(variance, 0.0)))


@dataclass(eq=False)
class FoldFindings:
    """pooled: {decoder: {ALL and FACE: PooledErrors}} with true landmarks; decoders and systems:
    take by take, measures as `DecoderTable` and `Jury` name them; classification: {system, "truth"
    included: precision, recall, F1}, empty where `not_classified` says why."""

    decoders: ErrorRows
    systems: ErrorRows
    pooled: dict[str, dict[str, PooledErrors]] = field(default_factory=dict)
    classification: dict[str, Any] = field(default_factory=dict)
    not_classified: str = ""
    num_takes: int = 0
    num_frames: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "decoders": self.decoders.plain(),
            "systems": self.systems.plain(),
            "pooled": {
                name: {region: vars(errors) for region, errors in regions.items()}
                for name, regions in self.pooled.items()
            },
            "classification": self.classification,
            "not_classified": self.not_classified,
            "num_takes": self.num_takes,
            "num_frames": self.num_frames,
        }

    @classmethod
    def of_plain(cls, content: dict[str, Any], expressions: tuple[str, ...]) -> FoldFindings:
        """What `plain` gave."""
        tables = ErrorRows(expressions), ErrorRows(expressions)
        for table, name in zip(tables, ("decoders", "systems"), strict=True):
            table.add_plain(content[name])
        pooled = {
            name: {region: PooledErrors(**sums) for region, sums in regions.items()}
            for name, regions in content["pooled"].items()
        }
        told = ("classification", "not_classified", "num_takes", "num_frames")
        return cls(*tables, pooled, **{name: content[name] for name in told})


def measure_fold(
    data: TrainingData,
    candidates: Mapping[str, Candidate],
    decoders: Mapping[str, SkinDecoder],
    reference: Reference,
    config: ProtocolConfig,
) -> FoldFindings:
    """Whole systems and decoders on the test takes of a fold.

    candidates: CLASS_MEAN among them; "predict neutral" is added here.
    """
    face = face_weights(data.template)
    still = SkinSystem(NeutralSystem(data.template.num_vertices), data.template)
    candidates = {**candidates, NEUTRAL: still}
    findings = FoldFindings(ErrorRows(data.expressions), ErrorRows(data.expressions))
    table = DecoderTable(data.template, face, findings.decoders)
    seeds = tuple(range(config.seed, config.seed + config.noises))
    skin = SkinMeasures(data.template, face)
    jury = Jury(data.template, face, reference, seeds, findings.systems, skin)
    test = [s for s in data.sequences["test"] if len(s.components) == 1]
    for sequence in tqdm(
        choose_takes(test, config.takes or len(test), config.seed),
        desc="Measuring",
        unit="take",
        mininterval=2.0,
    ):
        case = read_take(sequence, data.template, data.expressions, config.looked)
        findings.num_takes += 1
        findings.num_frames += len(case.skin)
        table.hear(case, decoders, candidates[CLASS_MEAN])
        _pool(findings.pooled, case, decoders, candidates[CLASS_MEAN], face)
        jury.hear_truth(case, None)
        for name, candidate in candidates.items():
            jury.hear(name, candidate, case)
    findings.not_classified = why_not_classified(reference, data.expressions, config)
    if not findings.not_classified:
        scores: dict[str, SpreadScores] = jury.classify(config.seed)
        findings.classification = {
            name: classification_of(score, data.expressions) for name, score in scores.items()
        }
    return findings


def why_not_classified(
    reference: Reference, expressions: tuple[str, ...], config: ProtocolConfig
) -> str:
    """What the classifier lacks to learn from, "" where nothing."""
    counts = np.bincount(reference.classes, minlength=len(expressions))
    fewest = int(counts.argmin())
    if counts[fewest] >= config.classifier_takes:
        return ""
    return (
        f"the classifier needs {config.classifier_takes} training takes of every expression, there "
        f"are {counts[fewest]} of '{expressions[fewest]}'"
    )


def _pool(
    pooled: dict[str, dict[str, PooledErrors]],
    case: TakeCase,
    decoders: Mapping[str, SkinDecoder],
    class_mean: Candidate,
    face: FloatArray,
) -> None:
    """All frames of a take: of decoders, of doing nothing, and of the class mean."""
    everywhere = np.ones(len(face))
    frames = np.arange(len(case.skin))
    answers: dict[str, FloatArray] = {
        name: decoder.decode(case.sequence.neutral, case.landmarks)
        for name, decoder in decoders.items()
    }
    answers[NEUTRAL] = np.zeros_like(case.skin)
    answers[CLASS_MEAN] = class_mean.skin(case.question, case.landmarks, frames)
    for name, skin in answers.items():
        errors = vertex_errors(skin, case.skin)
        regions = pooled.setdefault(name, {ALL: PooledErrors(), FACE: PooledErrors()})
        regions[ALL].add(errors, everywhere)
        regions[FACE].add(errors, face)
