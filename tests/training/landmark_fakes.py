"""Landmark generators and decoders whose scores are known, for tests of the evaluation."""

from dataclasses import dataclass, replace

import numpy as np

from tests.training.evaluation_fixtures import TwoAtOnce, toy_data
from training.datasets.training_data import TrainingData
from training.evaluation.questions import Question
from training.evaluation.reference import Reference
from training.landmark_evaluation.opening import OpenedAblation, OpenedLandmarkSystems
from training.landmark_evaluation.systems import (
    CLASS_MEAN,
    OURS,
    PEER,
    LandmarkSystem,
    class_mean_system,
)


@dataclass(frozen=True, eq=False)
class FakeGenerator:
    """The class mean; with a seed, as much beside it as `spread` says, the same for all frames.

    identity: mm that every face adds of its own, told by its neutral.
    """

    reference: Reference
    template: object
    spread: float = 0.0
    identity: float = 0.0

    def imagine(self, question: Question, seed: int | None) -> np.ndarray:
        mean = class_mean_system(self.reference, self.template)
        motion = mean.landmarks(question, None)
        curve = self.reference.labels.signal(question).sum(axis=1)[:, None, None]
        smooth = curve * curve * (3 - 2 * curve)
        if seed is not None:
            drawn = np.random.default_rng(seed).normal(size=(1, 68, 3))
            motion = motion + self.spread * smooth * drawn
        if self.identity:
            own = np.random.default_rng(abs(int(1e3 * question.sequence.neutral[0, 0])))
            motion = motion + self.identity * smooth * own.normal(size=(1, 68, 3))
        return motion.astype(np.float32)


@dataclass(frozen=True, eq=False)
class FakeDecoder:
    """Every vertex goes with the nearest landmarks, by distance; no neutral is looked at."""

    template: object
    gain: float = 1.0

    def decode(self, neutral: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        vertices, places = self.template.vertices, self.template.landmark_positions
        distances = np.linalg.norm(vertices[:, None] - places[None], axis=2)
        weights = np.exp(-((distances / 15.0) ** 2))
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-3)
        flat = landmarks.transpose(1, 0, 2).reshape(68, -1).astype(np.float32)
        skin = self.gain * weights.astype(np.float32) @ flat
        return np.ascontiguousarray(skin.reshape(len(vertices), -1, 3).transpose(1, 0, 2))


def fake_systems(reference: Reference, template) -> OpenedLandmarkSystems:
    """A varied system, a constant one as the peer, and an ablation that is nothing but itself."""
    decoder, weak = FakeDecoder(template), FakeDecoder(template, gain=0.5)
    ours = LandmarkSystem(FakeGenerator(reference, template, 0.3, 0.2), decoder)
    peer = LandmarkSystem(FakeGenerator(reference, template), weak)
    candidates = {OURS: ours, PEER: peer, CLASS_MEAN: class_mean_system(reference, template)}
    return OpenedLandmarkSystems(
        candidates,
        {OURS: decoder, PEER: weak},
        {
            "no_identity": OpenedAblation(ours, ours, True),
            "one_stage": OpenedAblation(peer, ours, False),
        },
        {"class_mean_rbf": "It was not trained."},
    )


def second_takes() -> TrainingData:
    """Bumps of which every test subject has two takes, and one of two expressions at once."""
    bumps = toy_data()
    test = [*bumps.sequences["test"], TwoAtOnce(*bumps.sequences["test"][:2])]
    # So that it is known how differently one person plays an expression.
    test += [
        replace(s, take=2, neutral=s.neutral * (1 + 0.01 * k), strength=0.5)
        for k, s in enumerate(bumps.sequences["test"])
    ]
    return toy_data(sequences=bumps.sequences | {"test": test})
