"""From recordings to training examples: label, motion, and changes nobody recorded.

Changes beyond the paper, each for a use an artist makes of the model: other timings, weaker
expressions, and two expressions in one clip. Where labels add up to more than 1 the motion is their
weighted mean, so that a blend never exceeds its strongest part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.conditioning import label_signal
from training.recordings import MagnitudeStatistics, Recording
from training.train_config import AugmentationConfig

FloatArray = NDArray[np.floating]

# Durations an artist may ask for, in frames, and how far one retiming goes (log scale).
SHORTEST_PHASE, LONGEST_PHASE, LONGEST_HOLD = 4.0, 60.0, 120.0
PHASE_SPREAD, HOLD_SPREAD = 0.5, 1.0
# Rest before and after, in frames.
MIN_REST, MAX_REST = 3, 15
# Longer clips are cut, so that one does not make a whole batch slow; frames.
LONGEST_EXAMPLE = 180


@dataclass(frozen=True, eq=False)
class Example:
    """signal: (T, 6); coefficients: (T, K); jaw: (T, 6)."""

    signal: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    jaw: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Batch:
    """Examples padded to one length: (B, T, …) and a (B, T) mask of 1 where frames are real."""

    signal: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    jaw: NDArray[np.float32]
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
        self.augmentation = augmentation
        self._amplitudes = [
            statistics.amplitude(r.expression, r.magnitude, labels) for r in recordings
        ]
        self._of_subject: dict[str, list[int]] = {}
        for index, recording in enumerate(recordings):
            self._of_subject.setdefault(recording.subject, []).append(index)

    def as_recorded(self, index: int) -> Example:
        """One sequence unchanged, with its label."""
        recording = self.recordings[index]
        signal = label_signal(
            recording.expression, self._amplitudes[index], recording.marks, recording.num_frames
        )
        return Example(signal, recording.coefficients, recording.jaw)

    def draw(self, rng: np.random.Generator) -> Example:
        """One changed sequence."""
        index = int(rng.integers(len(self.recordings)))
        example = self._draw_single(index, rng)
        if rng.random() < self.augmentation.blended:
            mates = self._of_subject[self.recordings[index].subject]
            other = self._draw_single(int(rng.choice(mates)), rng)
            start = int(rng.integers(0, len(example.signal)))
            example = blend(example, other, start)
        return example

    def draw_batch(self, size: int, rng: np.random.Generator) -> Batch:
        return pad([self.draw(rng) for _ in range(size)])

    def _draw_single(self, index: int, rng: np.random.Generator) -> Example:
        recording, amplitude = self.recordings[index], self._amplitudes[index]
        if rng.random() < self.augmentation.retimed:
            recording = retime(recording, rng)
        strength = rng.random() if rng.random() < self.augmentation.weakened else 1.0
        signal = label_signal(
            recording.expression, strength * amplitude, recording.marks, recording.num_frames
        )
        scale = np.float32(strength)
        return Example(signal, recording.coefficients * scale, recording.jaw * scale)


def retime(recording: Recording, rng: np.random.Generator) -> Recording:
    """The same motion with other durations of onset, apex and offset, and other rests around."""
    durations = np.diff(recording.marks)  # onset, apex, offset
    spreads = np.array([PHASE_SPREAD, HOLD_SPREAD, PHASE_SPREAD])
    changed = np.maximum(durations, 1.0) * np.exp(spreads * rng.normal(size=3))
    longest = [LONGEST_PHASE, LONGEST_HOLD, LONGEST_PHASE]
    changed = np.clip(changed, [SHORTEST_PHASE, 1.0, SHORTEST_PHASE], longest)
    before, after = rng.integers(MIN_REST, MAX_REST + 1, size=2)
    marks = before + np.concatenate([[0.0], np.cumsum(changed)])
    times = np.arange(int(np.ceil(marks[-1])) + after)
    first, last = recording.marks[0], recording.marks[-1]
    knots = np.concatenate([[marks[0] - before], marks, [marks[-1] + after]])
    sources = np.concatenate([[first - before], recording.marks, [last + after]])
    source_times = np.clip(np.interp(times, knots, sources), 0, recording.num_frames - 1)
    return Recording(
        recording.subject,
        recording.expression,
        _sample(recording.coefficients, source_times),
        _sample(recording.jaw, source_times),
        marks,
        recording.magnitude,
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
    return Example(np.minimum(signal, 1.0), coefficients / total, jaw / total)


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
    return Batch(padded("signal"), padded("coefficients"), padded("jaw"), mask)


def _sample(rows: FloatArray, times: FloatArray) -> NDArray[np.float32]:
    """(T', C) rows at fractional frames, linear between frames."""
    low = np.floor(times).astype(int)
    high = np.minimum(low + 1, len(rows) - 1)
    share = (times - low)[:, None]
    return ((1 - share) * rows[low] + share * rows[high]).astype(np.float32)
