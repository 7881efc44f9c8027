"""From recordings to training examples: label, motion, and changes nobody recorded.

Changes beyond the paper, each for a use an artist makes of the model: other timings, weaker
expressions, and two expressions in one clip. Where labels add up to more than 1 the motion is their
weighted mean, so that a blend never exceeds its strongest part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.expression_model.recordings import MagnitudeStatistics, RecordedComponent, Recording
from training.expression_model.train_config import AugmentationConfig

FloatArray = NDArray[np.floating]

# Durations an artist may ask for, in frames, and how far one retiming goes (log scale).
SHORTEST_PHASE, LONGEST_PHASE, LONGEST_HOLD = 4.0, 60.0, 120.0
PHASE_SPREAD, HOLD_SPREAD = 0.5, 1.0
# How far a clip of two expressions is stretched as a whole (log scale).
STRETCH_SPREAD, LONGEST_STRETCH = 0.4, 3.0
# Rest before and after, in frames.
MIN_REST, MAX_REST = 3, 15
# Longer clips are cut, so that one does not make a whole batch slow; frames.
LONGEST_EXAMPLE = 180


@dataclass(frozen=True, eq=False)
class Example:
    """signal: (T, C); coefficients: (T, K); jaw: (T, 6); lip_gap: of the face at rest."""

    signal: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    jaw: NDArray[np.float32]
    lip_gap: float = 0.0


@dataclass(frozen=True, eq=False)
class Batch:
    """Examples padded to one length: (B, T, …) and a (B, T) mask of 1 where frames are real;
    lip_gap: (B,)."""

    signal: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    jaw: NDArray[np.float32]
    lip_gap: NDArray[np.float32]
    mask: NDArray[np.float32]


class ExampleSource:
    """Draws examples from recordings; all randomness comes from the generator given."""

    def __init__(
        self,
        recordings: list[Recording],
        statistics: MagnitudeStatistics,
        labels: str,
        augmentation: AugmentationConfig,
    ) -> None:
        self.recordings = recordings
        self.statistics = statistics
        self.labels = labels
        self.augmentation = augmentation
        self._of_subject: dict[str, list[int]] = {}
        for index, recording in enumerate(recordings):
            self._of_subject.setdefault(recording.subject, []).append(index)

    def as_recorded(self, index: int) -> Example:
        """One sequence unchanged, with its label."""
        return self._example(self.recordings[index], 1.0)

    def draw(self, rng: np.random.Generator, index: int) -> Example:
        """One sequence, changed."""
        example = self._draw_single(index, rng)
        if rng.random() < self.augmentation.blended:
            mates = self._of_subject[self.recordings[index].subject]
            other = self._draw_single(int(rng.choice(mates)), rng)
            start = int(rng.integers(0, len(example.signal)))
            example = blend(example, other, start)
        return example

    def draw_batch(self, size: int, rng: np.random.Generator) -> Batch:
        """Examples of random recordings."""
        indices = rng.integers(len(self.recordings), size=size)
        return pad([self.draw(rng, int(index)) for index in indices])

    def _draw_single(self, index: int, rng: np.random.Generator) -> Example:
        recording = self.recordings[index]
        if rng.random() < self.augmentation.retimed:
            recording = retime(recording, rng)
        return self._example(
            recording, rng.random() if rng.random() < self.augmentation.weakened else 1.0
        )

    def _example(self, recording: Recording, strength: float) -> Example:
        signal = self.statistics.signal(
            recording.components, recording.num_frames, self.labels, strength
        )
        scale = np.float32(strength)
        coefficients, jaw = recording.coefficients * scale, recording.jaw * scale
        return Example(signal, coefficients, jaw, recording.lip_gap)


def retime(recording: Recording, rng: np.random.Generator) -> Recording:
    """The same motion with other durations: of onset, apex and offset, and other rests around.

    Two expressions in one clip are stretched together, so that they still meet where they met.
    """
    if not recording.is_single:
        stretch = np.exp(STRETCH_SPREAD * rng.normal())
        stretch = float(np.clip(stretch, 1 / LONGEST_STRETCH, LONGEST_STRETCH))
        last = recording.num_frames - 1
        times = np.arange(int(np.ceil(last * stretch)) + 1) / stretch
        marks = [part.marks * stretch for part in recording.components]
        return _retimed(recording, np.minimum(times, last), marks)
    old = recording.components[0].marks
    durations = np.diff(old)  # onset, apex, offset
    spreads = np.array([PHASE_SPREAD, HOLD_SPREAD, PHASE_SPREAD])
    changed = np.maximum(durations, 1.0) * np.exp(spreads * rng.normal(size=3))
    longest = [LONGEST_PHASE, LONGEST_HOLD, LONGEST_PHASE]
    changed = np.clip(changed, [SHORTEST_PHASE, 1.0, SHORTEST_PHASE], longest)
    before, after = rng.integers(MIN_REST, MAX_REST + 1, size=2)
    new = before + np.concatenate([[0.0], np.cumsum(changed)])
    times = np.arange(int(np.ceil(new[-1])) + after)
    knots = np.concatenate([[new[0] - before], new, [new[-1] + after]])
    sources = np.concatenate([[old[0] - before], old, [old[-1] + after]])
    source_times = np.clip(np.interp(times, knots, sources), 0, recording.num_frames - 1)
    return _retimed(recording, source_times, [new])


def _retimed(recording: Recording, times: FloatArray, marks: list[FloatArray]) -> Recording:
    """The recording read at fractional frames `times`, with the marks that belong to that."""
    parts = zip(recording.components, marks, strict=True)
    return Recording(
        recording.name,
        recording.subject,
        tuple(RecordedComponent(part.expression, m, part.magnitude) for part, m in parts),
        _sample(recording.coefficients, times),
        _sample(recording.jaw, times),
        recording.lip_gap,
    )


def blend(first: Example, second: Example, start: int) -> Example:
    """Both in one clip, the second from frame `start` on; a weighted mean where labels exceed 1."""
    num_frames = max(len(first.signal), start + len(second.signal))
    sums = []
    for name in ("signal", "coefficients", "jaw"):
        one, two = getattr(first, name), getattr(second, name)
        total = np.zeros((num_frames, one.shape[1]), np.float32)
        total[: len(one)] += one
        total[start : start + len(two)] += two
        sums.append(total)
    signal, coefficients, jaw = sums
    total = np.maximum(signal.sum(axis=1, keepdims=True), 1.0)
    return Example(np.minimum(signal, 1.0), coefficients / total, jaw / total, first.lip_gap)


def pad(examples: list[Example]) -> Batch:
    """Zeros after the end of the shorter ones, masked out; what is too long is cut."""
    lengths = np.minimum([len(e.signal) for e in examples], LONGEST_EXAMPLE)
    num_frames = int(lengths.max())

    def padded(name: str) -> NDArray[np.float32]:
        rows = [getattr(e, name)[:LONGEST_EXAMPLE] for e in examples]
        whole = np.zeros((len(rows), num_frames, rows[0].shape[1]), np.float32)
        for i, row in enumerate(rows):
            whole[i, : len(row)] = row
        return whole

    mask = (np.arange(num_frames) < lengths[:, None]).astype(np.float32)
    gaps = np.array([e.lip_gap for e in examples], np.float32)
    return Batch(padded("signal"), padded("coefficients"), padded("jaw"), gaps, mask)


def _sample(rows: FloatArray, times: FloatArray) -> NDArray[np.float32]:
    """(T', C) rows at fractional frames, linear between frames."""
    low = np.floor(times).astype(int)
    high = np.minimum(low + 1, len(rows) - 1)
    share = (times - low)[:, None]
    return ((1 - share) * rows[low] + share * rows[high]).astype(np.float32)
