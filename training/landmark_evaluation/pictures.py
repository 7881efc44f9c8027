"""Figures of the second generator: paths of landmarks, nine variations of one person, frames."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.template import Template
from training.datasets.training_data import TrainingData
from training.evaluation.pictures import Face, Picture, first_face
from training.evaluation.questions import Question
from training.evaluation.reference import Reference
from training.evaluation.skin_measures import TRUTH
from training.figures import landmark_paths, motion_frames
from training.figures.drawing import draw_face, head_view
from training.figures.faces import FACE_PIXELS, FaceGrid
from training.figures.inner_parts import skin_colours
from training.figures.style import SKIN_COLOURS, figure_type, save_png
from training.landmark_evaluation.opening import OpenedLandmarkSystems
from training.landmark_evaluation.systems import OURS, PEER, RBF, Candidate
from training.preparation.head_motion import chin_vertices, jaw_poses

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Expressions shown, and noises of ours beside the truth.
NUM_EXPRESSIONS, NUM_SEEDS = 3, 5
SHEET_SIZE = 3
_SHEET_BYTES = 200_000


def draw_landmark_pictures(
    folder: Path,
    data: TrainingData,
    split: str,
    opened: OpenedLandmarkSystems,
    reference: Reference,
    seed: int,
) -> list[Picture]:
    """Write all figures below the folder; none without a system that imagines landmarks."""
    names = [n for n in (OURS, PEER, RBF) if n in opened.candidates]
    if not names:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    face = first_face(data, split)
    shown = _most_moving(face, NUM_EXPRESSIONS)
    pictures = [_draw_paths(folder, data.template, face, shown, opened, names, seed)]
    for expression in tqdm(shown[:2], desc="Drawing", unit="figure", mininterval=2.0):
        pictures.append(_draw_frames(folder, data, face, expression, opened, names, reference))
    if opened.candidates[names[0]].is_random:
        for expression in shown[:2]:
            pictures.append(
                _draw_variations(folder, data.template, face, expression, opened, names[0], seed)
            )
    return pictures


def apex_frame(question: Question) -> int:
    """The middle of the hold."""
    return int(np.mean(question.sequence.marks[1:3]))


def _most_moving(face: Face, count: int) -> list[str]:
    """Expressions that are played farthest: what differs is seen there."""
    sizes = {}
    for name, question in face.questions.items():
        motion = question.sequence.displacements(np.array([apex_frame(question)]))
        sizes[name] = float(np.linalg.norm(motion, axis=2).mean())
    return sorted(sizes, key=lambda name: -sizes[name])[:count]


def _draw_paths(
    folder: Path,
    template: Template,
    face: Face,
    expressions: Rows[str],
    opened: OpenedLandmarkSystems,
    names: Rows[str],
    seed: int,
) -> Picture:
    ours = opened.candidates[names[0]]
    neutrals, motions = {}, {}
    for expression in expressions:
        question = face.questions[expression]
        sequence = question.sequence
        rise = slice(int(sequence.marks[0]), apex_frame(question) + 1)
        place = template.landmarks.positions
        neutrals[expression] = place(np.asarray(sequence.neutral), template.triangles)
        truth = place(sequence.displacements(), template.triangles)
        answers = [truth]
        if ours.is_random:
            answers += [ours.landmarks(question, seed + k) for k in range(NUM_SEEDS)]
        else:
            answers.append(ours.landmarks(question, None))
        answers += [opened.candidates[n].landmarks(question, seed) for n in names[1:2]]
        motions[expression] = [np.asarray(motion)[rise] for motion in answers]
    count = NUM_SEEDS if ours.is_random else 1
    short = {OURS: "ours", PEER: "peer", RBF: "class mean"}
    titles = ["truth", *(f"{short[names[0]]}, {k + 1}" for k in range(count))]
    systems = [TRUTH, *[names[0]] * count]
    for name in names[1:2]:
        titles.append(short[name])
        systems.append(name)
    path = folder / "landmark_paths.png"
    landmark_paths.draw(path, neutrals, motions, titles, systems)
    caption = (
        f"Landmarks of {face.any_sequence.subject} from rest (grey) to the middle of the apex, "
        "seen from the front: the take, answers of one system to different noises, and the "
        "next system."
    )
    return Picture(path.name, caption)


def _draw_variations(
    folder: Path,
    template: Template,
    face: Face,
    expression: str,
    opened: OpenedLandmarkSystems,
    name: str,
    seed: int,
) -> Picture:
    """A page of nine answers to one question."""
    question, candidate = face.questions[expression], opened.candidates[name]
    neutral = np.asarray(question.sequence.neutral)
    apex = np.array([apex_frame(question)])
    grid, view = FaceGrid(SHEET_SIZE, SHEET_SIZE, name_height=0.05), head_view(neutral)
    with figure_type():
        figure = grid.new_figure()
        for k in range(SHEET_SIZE**2):
            skin = candidate.skin(question, candidate.landmarks(question, seed + k), apex)
            picture = draw_face(
                neutral + skin[0],
                template.triangles,
                skin_colours(template),
                FACE_PIXELS,
                parts=_parts(template, face, skin)[0],
                view=view,
            )
            grid.add_face(figure, k // SHEET_SIZE, k % SHEET_SIZE, picture)
        path = folder / f"variations_{expression}.png"
        save_png(figure, path, _SHEET_BYTES, SKIN_COLOURS)
    caption = (
        f"Nine variations of {expression} on {question.sequence.subject}, whom no system has seen: "
        "the same curves and face, nine noises, in the middle of the apex."
    )
    return Picture(path.name, caption)


def _draw_frames(
    folder: Path,
    data: TrainingData,
    face: Face,
    expression: str,
    opened: OpenedLandmarkSystems,
    names: Rows[str],
    reference: Reference,
) -> Picture:
    """A film strip of the truth, ours and the peer."""
    question, template = face.questions[expression], data.template
    sequence = question.sequence
    m = np.asarray(sequence.marks)
    times = [0, (m[0] + m[1]) / 2, m[1], (m[1] + m[2]) / 2, (m[2] + m[3]) / 2]
    frames = np.rint([*times, sequence.num_frames - 1]).astype(np.int64)
    motions = {TRUTH: sequence.displacements(frames)}
    parts = {TRUTH: face.parts(np.asarray(sequence.jaw())[frames])}
    for name in names[:2]:
        candidate = opened.candidates[name]
        motions[name] = _shown(candidate, question, frames)
        parts[name] = _parts(template, face, motions[name])
    path = folder / f"lm4dgan_{expression}.png"
    motion_frames.draw(
        path,
        template.triangles,
        {name: sequence.neutral + motion for name, motion in motions.items()},
        reference.labels.signal(question),
        data.expressions,
        frames,
        data.frame_rate,
        parts=parts,
        colours=skin_colours(template),
    )
    caption = (
        f"{sequence.subject}, {expression}, take {sequence.take}: frames of the take and of one "
        "answer of each system, above the label."
    )
    return Picture(path.name, caption)


def _shown(candidate: Candidate, question: Question, frames: IntArray) -> NDArray[np.float32]:
    return candidate.skin(question, candidate.landmarks(question, 0), frames)


def _parts(template: Template, face: Face, skin: FloatArray) -> list:
    """Eyes, teeth and tongue behind (N, V, 3) displacements; the jaw as the chin tells it."""
    neutral = np.asarray(face.any_sequence.neutral)
    return face.parts(jaw_poses(skin, neutral, template.jaw_pivot, chin_vertices(template)))
