"""The systems that are compared, behind two doors: one imagines landmarks, one makes skin of them.

A landmark generator answers a question about a take with the motion of 68 landmarks, a skin decoder
turns landmarks of a face into its skin. Truth and class mean pass through the same doors, so that
every measure can be checked on systems whose score is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facegen_core.template import Template
from training.evaluation.questions import Question
from training.evaluation.reference import Reference
from training.evaluation.systems import ClassMeanSystem, System

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Names of results.json. Ours and the peer are whole systems, or decoders of the same name.
OURS, PEER, RBF = "lm4dgan", "motion3dgan_s2d", "class_mean_rbf"
# The strongest without noise: the motion RBF gets, and a skin that was learned.
MEAN_S2D = "class_mean_s2d"
FIRST_GENERATOR, CLASS_MEAN, NEUTRAL = "hybrid_identity", "class_mean", "neutral"
EXPECTED = "oracle"
# Whole systems, in the order of the tables.
WHOLE_SYSTEMS = (OURS, PEER, RBF, MEAN_S2D, FIRST_GENERATOR, CLASS_MEAN)
# Ablations: what each leaves out, and which stage of the recipe it changes.
ABLATIONS = {
    "no_identity": "landmarks",
    "no_autoencoder": "landmarks",
    "one_stage": "landmarks",
    "no_critics": "landmarks",
    "no_energy_score": "landmarks",
    "no_cross_attention": "decoder",
    "landmark_attention": "decoder",
}


class LandmarkGenerator(Protocol):
    """Something that imagines how the landmarks of a face will move."""

    def imagine(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        """(T, 68, 3) displacements from the neutral of `question.sequence`, mm, of all its frames.

        seed: of the noise, the same always the same motion; None: the mean motion.
        """


class SkinDecoder(Protocol):
    """Something that turns landmarks into skin, frame by frame: frames may be left out."""

    def decode(self, neutral: FloatArray, landmarks: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) displacements, mm, of a (V, 3) neutral and (T, 68, 3) displacements."""


class Candidate(Protocol):
    """A whole system under examination."""

    @property
    def is_random(self) -> bool:
        """Whether other seeds give other motions."""

    def landmarks(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        """(T, 68, 3) displacements of all frames, mm."""

    def skin(
        self, question: Question, landmarks: FloatArray, frames: IntArray
    ) -> NDArray[np.float32]:
        """(N, V, 3) displacements at (N,) frames, mm, of what `landmarks` gave."""


@dataclass(frozen=True, eq=False)
class LandmarkSystem:
    """A landmark generator and a decoder behind it."""

    generator: LandmarkGenerator
    decoder: SkinDecoder
    is_random: bool = True

    def landmarks(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        return self.generator.imagine(question, seed)

    def skin(
        self, question: Question, landmarks: FloatArray, frames: IntArray
    ) -> NDArray[np.float32]:
        return self.decoder.decode(question.sequence.neutral, landmarks[frames])


@dataclass(frozen=True, eq=False)
class SkinSystem:
    """A system that makes skin at once, such as the first generator; its landmarks are on it."""

    system: System
    template: Template
    is_random: bool = False

    def landmarks(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        skin = self.system.answer(question, np.arange(question.sequence.num_frames))
        return self.template.landmarks.positions(skin, self.template.triangles).astype(np.float32)

    def skin(
        self, question: Question, landmarks: FloatArray, frames: IntArray
    ) -> NDArray[np.float32]:
        return self.system.answer(question, frames)


@dataclass(frozen=True, eq=False)
class TrueSystem:
    """The takes themselves, the measure of every measure."""

    template: Template
    is_random: bool = False

    def landmarks(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        skin = question.sequence.displacements()
        return self.template.landmarks.positions(skin, self.template.triangles).astype(np.float32)

    def skin(
        self, question: Question, landmarks: FloatArray, frames: IntArray
    ) -> NDArray[np.float32]:
        return question.sequence.displacements(frames)


def class_mean_system(reference: Reference, template: Template) -> SkinSystem:
    """Every face plays the mean motion of the expression, times the amplitude of the label."""
    system = ClassMeanSystem(reference.labels, reference.means, reference.basis)
    return SkinSystem(system, template)
