"""The protocol's table, on systems and decoders whose score is known."""

import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="the protocol trains")

from tests.training.synthetic_sequences import bump_data
from training.evaluation.reference import read_reference
from training.landmark_evaluation.systems import (
    CLASS_MEAN,
    NEUTRAL,
    OURS,
    PEER,
    LandmarkSystem,
    TrueSystem,
    class_mean_system,
)
from training.protocols.config import ProtocolConfig
from training.protocols.folds import Fold
from training.protocols.measures import FoldFindings, measure_fold
from training.protocols.report import write_report
from training.protocols.tables import collect_protocol

LOOKED = ProtocolConfig(noises=3, looked=4, classifier_frames=4, seed=2)
AWAY_MM = 3.0


class KnownDecoder:
    """The true skin of true landmarks, times a gain and moved along x by some mm."""

    def __init__(self, data, gain=1.0, away=0.0):
        self.gain, self.away, self._skins = gain, away, {}
        for take in data.sequences["test"]:
            truth = take.displacements()
            places = data.template.landmarks.positions(truth, data.template.triangles)
            for skin, landmarks in zip(truth, places.astype(np.float32), strict=True):
                self._skins[landmarks.tobytes()] = skin

    def decode(self, neutral, landmarks):
        skin = self.gain * np.stack([self._skins[frame.tobytes()] for frame in landmarks])
        return (skin + [self.away, 0.0, 0.0]).astype(np.float32)


class SeedAway:
    """Each seed misses by as many mm, in landmarks and in skin; without a seed by half of one."""

    is_random = True

    def __init__(self, template):
        self.true = TrueSystem(template)

    def landmarks(self, question, seed):
        away = 0.5 if seed is None else float(seed)
        return self.true.landmarks(question, None) + np.float32([0, away, 0])

    def skin(self, question, landmarks, frames):
        away = (landmarks - self.true.landmarks(question, None))[0, 0]
        return self.true.skin(question, landmarks, frames) + away


@pytest.fixture(scope="module")
def bumps():
    return bump_data()


@pytest.fixture(scope="module")
def findings(bumps):
    reference = read_reference(bumps, LOOKED.classifier_frames, 0)
    true = LandmarkSystem(TrueLandmarks(bumps.template), KnownDecoder(bumps), is_random=False)
    candidates = {
        OURS: true,
        PEER: SeedAway(bumps.template),
        CLASS_MEAN: class_mean_system(reference, bumps.template),
    }
    decoders = {OURS: KnownDecoder(bumps, gain=0.5), PEER: KnownDecoder(bumps, away=AWAY_MM)}
    return measure_fold(bumps, candidates, decoders, reference, LOOKED)


class TrueLandmarks:
    def __init__(self, template):
        self.true = TrueSystem(template)

    def imagine(self, question, seed):
        return self.true.landmarks(question, seed)


def table_of(*findings: FoldFindings, expressions) -> dict:
    folds = [
        Fold(k + 1, {"train": (), "val": (), "test": (f"T{k}",)}) for k in range(len(findings))
    ]
    about = {
        "command": "a test",
        "commit": "unknown",
        "seed": 2,
        "noises": 3,
        "looked": 4,
        "takes": 0,
        "frame_rate": 30.0,
        "data": {"name": "bumps"},
    }
    return collect_protocol(folds, findings, expressions, about)


def lengths_of(data) -> np.ndarray:
    takes = data.sequences["test"]
    return np.concatenate([np.linalg.norm(t.displacements(), axis=2).ravel() for t in takes])


def test_a_decoder_that_is_always_so_far_off_has_no_spread(findings, bumps):
    known = table_of(findings, findings, expressions=bumps.expressions)["decoder"]
    for region in ("all_mm", "face_mm"):
        assert known[PEER][region] == {"mean": AWAY_MM, "sd": pytest.approx(0, abs=2e-3)}
    assert known[PEER]["skin_mm_of"]["total"] == AWAY_MM


def test_pooled_errors_are_those_of_all_vertices_and_frames_at_once(findings, bumps):
    half = 0.5 * lengths_of(bumps).astype(np.float64)
    known = table_of(findings, findings, expressions=bumps.expressions)["decoder"]
    assert known[OURS]["all_mm"]["mean"] == pytest.approx(half.mean(), abs=1e-4)
    assert known[OURS]["all_mm"]["sd"] == pytest.approx(half.std(), abs=1e-4)
    assert known[NEUTRAL]["all_mm"]["mean"] == pytest.approx(2 * half.mean(), abs=1e-4)
    # Folds count by their frames, not one like the other.
    short = FoldFindings.of_plain(findings.plain(), bumps.expressions)
    for regions in short.pooled.values():
        regions["all"].total, regions["all"].squares = 0.0, 0.0
        regions["all"].weight *= 3.0
    mixed = table_of(findings, short, expressions=bumps.expressions)["decoder"]
    assert mixed[NEUTRAL]["all_mm"]["mean"] == pytest.approx(2 * half.mean() / 4, abs=1e-4)


def test_noises_are_told_by_mean_and_best(findings, bumps):
    systems = table_of(findings, findings, expressions=bumps.expressions)["systems"]
    seeds = [2, 3, 4]
    for region in ("landmarks_mm", "skin_mm", "face_mm"):
        assert systems[PEER][region]["noise"]["total"] == pytest.approx(np.mean(seeds), abs=1e-3)
        assert systems[PEER][region]["best"]["total"] == pytest.approx(min(seeds), abs=1e-3)
        assert systems[PEER][region]["mean_motion"]["total"] == pytest.approx(0.5, abs=1e-3)
        assert systems[OURS][region]["noise"]["total"] == 0.0
        assert systems[OURS][region]["best"]["total"] == 0.0
    assert systems[NEUTRAL]["skin_mm"]["noise"]["total"] > systems[CLASS_MEAN]["skin_mm"]["noise"][
        "total"
    ]  # fmt: skip


def test_true_motion_is_recognised_as_the_truth_is(findings, bumps):
    scores = table_of(findings, findings, expressions=bumps.expressions)["classification"]
    assert scores[OURS] == scores["truth"]
    assert scores[NEUTRAL]["recall"] == pytest.approx(1 / 6, abs=0.01)


def test_too_few_takes_are_not_classified_and_the_page_says_so(bumps):
    reference = read_reference(bumps, LOOKED.classifier_frames, 0)
    mean = class_mean_system(reference, bumps.template)
    config = dataclasses.replace(LOOKED, classifier_takes=9, takes=1)
    found = measure_fold(bumps, {CLASS_MEAN: mean}, {}, reference, config)
    results = table_of(found, expressions=bumps.expressions)
    assert results["classification"] == {}
    assert "needs 9 training takes of every expression, there are 8" in write_report(results)


def test_findings_come_back_from_json(findings, bumps):
    content = json.loads(json.dumps(findings.plain()))
    back = FoldFindings.of_plain(content, bumps.expressions)
    tables = [table_of(f, f, expressions=bumps.expressions) for f in (findings, back)]
    assert tables[0] == tables[1]
