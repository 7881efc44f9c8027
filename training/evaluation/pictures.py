"""Figures 3 to 6 of Potamias et al. (2020), of the systems that were evaluated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.template import Template
from training.datasets.training_data import TrainingData
from training.evaluation.examination import Examination
from training.evaluation.questions import Question
from training.evaluation.reconstruction_table import NUM_PHASE_STEPS
from training.evaluation.reference import Reference
from training.evaluation.skin_measures import TRUTH
from training.evaluation.systems import BASELINE, OURS, PAPER, OpenedSystems, TrainedSystem
from training.figures import heat_maps, interpolation, motion_frames, phase_errors
from training.figures.drawing import head_view
from training.figures.inner_parts import posed_parts, skin_colours

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Share of the vertices' errors, over all maps, that the colours of Figure 3 tell apart.
_HEAT_PERCENTILE = 99.5
# Whose frames Figure 4 shows below the truth: a page has room for so many faces.
_IN_MOTION = (BASELINE, PAPER, OURS)
# Where Figure 6 stops on its way from one expression to another.
_SHARES = np.linspace(0.0, 1.0, 6)


@dataclass(frozen=True)
class Picture:
    """A figure that was drawn: its file below the figures folder, and what it shows."""

    file: str
    caption: str


@dataclass(frozen=True, eq=False)
class Face:
    """The subject of Figures 4 and 6: one sequence per expression, with its question."""

    template: Template
    questions: dict[str, Question]

    @property
    def any_sequence(self) -> Sequence:
        return next(iter(self.questions.values())).sequence

    def parts(self, jaws: FloatArray) -> list:
        """Eyes, teeth and tongue behind the skin, for each of (N, 6) jaw poses."""
        identity = np.asarray(self.any_sequence.identity)
        return [posed_parts(self.template, identity, jaw) for jaw in jaws]


def draw_pictures(
    folder: Path,
    data: TrainingData,
    split: str,
    opened: OpenedSystems,
    reference: Reference,
    examination: Examination,
) -> list[Picture]:
    """Write all figures below the folder; returns what was drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Picture] = []
    if opened.systems:
        pictures += _draw_heat_maps(folder, data.template, opened, examination)
        pictures += _draw_phases(folder, opened, examination)
    if not opened.models:
        return pictures
    face = first_face(data, split)
    work: list[Callable[[], Picture]] = [
        lambda e=expression: _draw_motion(folder, data, face, e, opened, reference)
        for expression in face.questions
    ]
    work += [
        lambda p=pair: _draw_interpolation(folder, face, p, opened)
        for pair in _pairs(list(face.questions))
    ]
    pictures += [draw() for draw in tqdm(work, desc="Drawing", unit="figure", mininterval=2.0)]
    return pictures


def first_face(data: TrainingData, split: str) -> Face:
    """The first test subject, and its first sequence of each expression."""
    sequences = [s for s in data.sequences[split] if len(s.components) == 1]
    subject = sequences[0].subject
    questions: dict[str, Question] = {}
    for expression in data.expressions:
        own = [s for s in sequences if (s.subject, s.expression) == (subject, expression)]
        if own:
            questions[expression] = Question.about(own[0], own[0].displacements(), data.expressions)
    return Face(data.template, questions)


def codes_between(system: TrainedSystem, first: Question, second: Question) -> torch.Tensor:
    """(N, 64) codes on the line from the middle of one apex to that of the other."""
    ends = []
    for question in (first, second):
        sequence = question.sequence
        signal = torch.from_numpy(system.labels.signal(question))[None]
        codes = system.model.encoder(signal, system.lip_gap_of(sequence))
        ends.append(codes[0, int(np.mean(sequence.marks[1:3]))])
    shares = torch.from_numpy(_SHARES).float()[:, None]
    return (1 - shares) * ends[0] + shares * ends[1]


def _draw_heat_maps(
    folder: Path, template: Template, opened: OpenedSystems, examination: Examination
) -> list[Picture]:
    systems = [name for name in opened.systems if name != "neutral"] or list(opened.systems)
    maps = examination.table.heat_maps(systems)
    values = np.concatenate([e for row in maps.values() for e in row.values()])
    largest = max(0.1, round(float(np.percentile(values, _HEAT_PERCENTILE)), 1))
    parts = posed_parts(template, np.zeros(0), np.zeros(6))
    path = folder / "heat_maps.png"
    heat_maps.draw(path, template.vertices, template.triangles, maps, largest, parts=parts)
    caption = (
        "Figure 3. Mean distance of every vertex from the truth in the apex, over all sequences "
        "of an expression."
    )
    return [Picture(path.name, caption)]


def _draw_phases(folder: Path, opened: OpenedSystems, examination: Examination) -> list[Picture]:
    path = folder / "phase_errors.png"
    curves = examination.table.phase_curves(list(opened.systems))
    phase_errors.draw(path, curves, NUM_PHASE_STEPS)
    caption = (
        "Figure 5. Error over the face while an expression rises, is held, and fades; each phase "
        "of every sequence stretched to one length."
    )
    if absent := examination.table.absent_phases:
        missing = " and no ".join(absent)
        caption += f" These sequences have no {missing}: what is drawn there is not measured."
    return [Picture(path.name, caption)]


def _draw_motion(
    folder: Path,
    data: TrainingData,
    face: Face,
    expression: str,
    opened: OpenedSystems,
    reference: Reference,
) -> Picture:
    question, template = face.questions[expression], data.template
    sequence = question.sequence
    frames = _told_frames(sequence)
    motions = {TRUTH: sequence.displacements(frames)}
    jaws = {TRUTH: np.asarray(sequence.jaw())[frames]}
    for name, system in opened.models.items():
        if name not in _IN_MOTION:
            continue
        motions[name] = system.answer(question, frames)
        jaws[name] = system.jaw(question)[frames]
    path = folder / f"motion_{expression}.png"
    motion_frames.draw(
        path,
        template.triangles,
        {name: sequence.neutral + motion for name, motion in motions.items()},
        reference.labels.signal(question),
        data.expressions,
        frames,
        data.frame_rate,
        parts={name: face.parts(poses) for name, poses in jaws.items()},
        colours=skin_colours(template),
    )
    caption = (
        f"Figure 4, {expression}. {sequence.subject}, take {sequence.take}: frames of the sequence "
        "above its label."
    )
    return Picture(path.name, caption)


@torch.no_grad()
def _draw_interpolation(
    folder: Path, face: Face, pair: tuple[str, str], opened: OpenedSystems
) -> Picture:
    first, second = (face.questions[expression] for expression in pair)
    neutral = np.asarray(first.sequence.neutral)
    rows, parts = {}, {}
    for name, system in opened.models.items():
        codes = codes_between(system, first, second)
        skin = (
            system.model.decode(codes, system.shapes_of(first.sequence))
            .transpose(0, 1)
            .numpy(force=True)
        )
        rows[name] = neutral + skin
        parts[name] = face.parts(system.model.jaw(codes).numpy(force=True))
    path = folder / f"interpolation_{pair[0]}_{pair[1]}.png"
    interpolation.draw(
        path,
        face.template.triangles,
        rows,
        _SHARES,
        ends=pair,
        parts=parts,
        colours=skin_colours(face.template),
        view=head_view(neutral),
    )
    caption = (
        f"Figure 6, {pair[0]} to {pair[1]}. Codes of two apexes of {first.sequence.subject}, and "
        "what lies between them in latent space."
    )
    return Picture(path.name, caption)


def _told_frames(sequence: Sequence) -> IntArray:
    """Rest, rising, apex from its start to its end, fading, rest again."""
    m = np.asarray(sequence.marks)
    times = [0, (m[0] + m[1]) / 2, m[1], (m[1] + m[2]) / 2, (m[2] + m[3]) / 2]
    return np.rint([*times, sequence.num_frames - 1]).astype(np.int64)


def _pairs(expressions: list[str]) -> list[tuple[str, str]]:
    """Two ways through the expressions, which share no end where there are enough."""
    if len(expressions) < 2:
        return []
    middle = len(expressions) // 2
    pairs = [(expressions[0], expressions[middle])]
    if len(expressions) > 3:
        pairs.append((expressions[1], expressions[-1]))
    return pairs
