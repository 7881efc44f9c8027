"""Systems in the identity test: they move every face, and people are looked for in the motions."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.questions import Question
from training.landmark_evaluation.identity import (
    Recognition,
    Swap,
    on_phases,
    phase_times,
    recognise,
    recognition_of,
    swap_cosines,
    swap_of,
)
from training.landmark_evaluation.identity_faces import FacesOfOneExpression, Moved
from training.landmark_evaluation.systems import Candidate

IntArray = NDArray[np.integer]


@dataclass(frozen=True)
class IdentityFindings:
    """recognition: among recorded motions; expected: among the expected motions of all faces, None
    where these are not known; swap and landmark_swap: over the skin of the face, and over landmarks
    alone, which is what the generator adds before the decoder."""

    recognition: Recognition
    expected: Recognition | None
    swap: Swap
    landmark_swap: Swap


def examine_identity(
    candidate: Candidate,
    faces: Rows[FacesOfOneExpression],
    points: IntArray,
    seeds: Rows[int | None],
) -> IdentityFindings:
    """All faces with every seed; the mean motion of a system that is not random."""
    if not candidate.is_random:
        seeds = [None]
    recorded: list[float] = []
    expected: list[float] = []
    skin_cosines, landmark_cosines = [], []
    answers = _answers(candidate, faces, points, seeds)
    for group in faces:
        for seed in seeds:
            moved = [answers[group.expression, subject, seed] for subject in group.subjects]
            owners = range(len(moved))
            skins = [m.skin for m in moved]
            recorded += recognise(skins, owners, [m.skin for m in group.true])
            expected += recognise(skins, owners, [m.skin for m in group.expected])
            skin_cosines.append(swap_cosines(skins, [m.skin for m in group.expected]))
            landmark_cosines.append(
                swap_cosines([m.landmarks for m in moved], [m.landmarks for m in group.expected])
            )
    num_subjects = round(np.mean([len(group.subjects) for group in faces]))
    return IdentityFindings(
        recognition_of(recorded, num_subjects),
        recognition_of(expected, num_subjects) if faces[0].is_simulated else None,
        swap_of(np.concatenate(skin_cosines)),
        swap_of(np.concatenate(landmark_cosines)),
    )


def best_possible(faces: Rows[FacesOfOneExpression]) -> Recognition | None:
    """How often the expected motions themselves are recognised among the recorded ones: what
    knowing the face can give, personal style being out of reach. None where they are not known."""
    if not faces or not faces[0].is_simulated:
        return None
    ranks: list[float] = []
    for group in faces:
        probes = [m.skin for m in group.expected]
        ranks += recognise(probes, range(len(probes)), [m.skin for m in group.true])
    return recognition_of(ranks, round(np.mean([len(group.subjects) for group in faces])))


def _answers(
    candidate: Candidate,
    faces: Rows[FacesOfOneExpression],
    points: IntArray,
    seeds: Rows[int | None],
) -> dict[tuple[str, str, int | None], Moved]:
    """{(expression, subject, seed): motion}; face by face, as systems get a face ready once."""
    asked = [
        (subject, q, group)
        for group in faces
        for subject, q in zip(group.subjects, group.questions, strict=True)
    ]
    asked.sort(key=lambda row: row[0])
    return {
        (group.expression, subject, seed): _moved(candidate, question, points, seed)
        for subject, question, group in asked
        for seed in seeds
    }


def _moved(candidate: Candidate, question: Question, points: IntArray, seed: int | None) -> Moved:
    sequence = question.sequence
    landmarks = candidate.landmarks(question, seed)
    frames = np.rint(phase_times(sequence.marks, sequence.num_frames)).astype(int)
    skin = candidate.skin(question, landmarks, frames)
    return Moved(skin[:, points], on_phases(landmarks, sequence.marks))
