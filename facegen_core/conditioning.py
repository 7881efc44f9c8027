"""Curves → the signal e (T, C) the model reads; how extreme a recorded expression is.

Potamias et al., ECCV 2020, section 5.1.1: one channel per expression, 0 at rest, linear ramps at
onset and offset, the whole scaled by the extremeness of the sequence (eq. 6).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .intensity import NUM_EXPRESSIONS

FloatArray = NDArray[np.floating]

# Landmarks of the inner edges of the lips, one above the other.
UPPER_INNER_LIP, LOWER_INNER_LIP = [61, 62, 63], [67, 66, 65]
# Standard deviations of the windows through which generators see a signal, seconds.
_WINDOW_SECONDS = 0.1, 0.27
# A gap of lips is told to the model in this unit, mm, and no farther than this from the template's.
_LIP_GAP_UNIT_MM, _MAX_LIP_GAP = 1.0, 3.0


def extremeness(magnitude: float, mean: float, deviation: float) -> float:
    """s in [0, 1] of a sequence, Potamias et al. 2020, eq. 6.

    magnitude: mean displacement of the sequence, mm; mean and deviation (mm): of that quantity over
    all training sequences of its expression. An average sequence gets 0.5, one deviation above 1,
    one below 0.
    """
    if deviation <= 0:
        return 0.5
    return float((np.clip((magnitude - mean) / deviation, -1.0, 1.0) + 1.0) / 2.0)


def proportional_amplitude(magnitude: float, mean: float, deviation: float) -> float:
    """Apex of the label, in (0, 1], proportional to how far the face moves; our default.

    With eq. 6 a sequence one deviation below the average is labelled 0 although its face moves, so
    0 would not mean rest. Here the clipped magnitude is divided by the strongest one that eq. 6
    tells apart: (μ + (2s − 1)σ) / (μ + σ). 1 means the same as there, 0 means no motion, and
    twice the amplitude is twice the motion.
    """
    s = extremeness(magnitude, mean, deviation)
    return float((mean + (2.0 * s - 1.0) * deviation) / (mean + deviation))


def phase_curve(marks: FloatArray, times: FloatArray) -> FloatArray:
    """(T,) a(t): 0 before onset, 1 at the apex, linear ramps, 0 after the offset.

    marks: onset start, apex start, apex end, offset end, in the unit of times.
    """
    return np.interp(times, marks, [0.0, 1.0, 1.0, 0.0], left=0.0, right=0.0)


def label_signal(
    expression: int,
    amplitude: float,
    marks: FloatArray,
    num_frames: int,
    num_expressions: int = NUM_EXPRESSIONS,
) -> NDArray[np.float32]:
    """(T, C) the label e = s · a(t) · onehot(c) of one recorded sequence; marks in frames."""
    signal = np.zeros((num_frames, num_expressions), np.float32)
    signal[:, expression] = amplitude * phase_curve(marks, np.arange(num_frames, dtype=np.float64))
    return signal


def model_times(frame_times_seconds: FloatArray, model_rate: float) -> FloatArray:
    """(K,) the model's own clock over a clip: from its first frame on, until it covers the last."""
    first, last = float(frame_times_seconds[0]), float(frame_times_seconds[-1])
    # A hundredth of a step: rounding of the scene's frame times must not add a step.
    num_steps = int(np.ceil((last - first) * model_rate - 0.01))
    return first + np.arange(num_steps + 1) / model_rate


def conditioning_signal(
    intensities: FloatArray, frame_times_seconds: FloatArray, model_rate: float
) -> NDArray[np.float32]:
    """(K, C) the signal e at the model's rate, of (T, C) intensities at (T,) scene frame times.

    Linear between scene frames, held at the ends: the same curves give the same signal at any
    frame rate, up to how finely the frames catch their corners.
    """
    times = model_times(frame_times_seconds, model_rate)
    columns = [np.interp(times, frame_times_seconds, channel) for channel in intensities.T]
    return np.stack(columns, axis=1).astype(np.float32)


def rest_gate(intensities: FloatArray, width: float) -> NDArray[np.float32]:
    """(T,) factor on all motion: 0 where all (T, C) intensities are 0, 1 from a total of `width`.

    The torch twin, with its source, is `models.expression_encoder.rest_gate`.
    """
    if width == 0:
        return np.ones(len(intensities), np.float32)
    x = np.minimum(intensities.sum(axis=1) / width, 1.0)
    return (x**3 * (10.0 - 15.0 * x + 6.0 * x**2)).astype(np.float32)


def time_code(signal: FloatArray, model_rate: float) -> NDArray[np.float32]:
    """(K, 2) where in its stretch of motion each step of a signal (K, C) is: since and until rest.

    Seconds since all intensities were last 0 and until they next are, or since the first and until
    the last step, each as t / (1 + t): near steps are told apart well, and no clip is too long.
    """
    steps = np.arange(len(signal))
    is_rest = ~(signal > 0).any(axis=1)
    last = np.maximum.accumulate(np.where(is_rest, steps, -1))
    since = steps - np.maximum(last, 0)
    following = np.minimum.accumulate(np.where(is_rest, steps, len(signal))[::-1])[::-1]
    until = np.minimum(following, len(signal) - 1) - steps
    seconds = np.stack([since, until], axis=1) / model_rate
    return (seconds / (1.0 + seconds)).astype(np.float32)


def signal_features(signal: FloatArray, model_rate: float) -> NDArray[np.float32]:
    """(K, 5·C + 2) what the landmark generators are told of a signal (K, C), frame by frame.

    The signal, the same seen through a short window, the time code; then its square, its cube and
    the same through a long window. Faces do not turn corners as curves do: windows tell that one is
    near, powers let a linear map bend. All are 0 where nothing is near.
    """
    signal = np.asarray(signal, np.float32)
    blurred = [
        gaussian_filter1d(signal, width * model_rate, axis=0, mode="nearest", truncate=3.0)
        for width in _WINDOW_SECONDS
    ]
    code = time_code(signal, model_rate)
    return np.concatenate([signal, blurred[0], code, signal**2, signal**3, blurred[1]], axis=1)


def stretches(signal: FloatArray) -> NDArray[np.intp]:
    """(K,) which stretch of motion each step of a signal (K, C) belongs to, counted from 0.

    A stretch begins where motion follows rest. What differs from one to the next changes while
    nothing moves.
    """
    moves = (signal > 0).any(axis=1)
    begins = moves & ~np.concatenate([[False], moves[:-1]])
    return np.maximum(np.cumsum(begins) - 1, 0)


def stage_times(num_steps: int, rate: float) -> NDArray[np.float64]:
    """(K',) times, in steps of the model, at which a stage of `rate` samples per step works.

    From the first step on, and until the last is covered, so that what follows a clip does not
    shift the samples.
    """
    return np.arange(int(np.ceil((num_steps - 1) * rate - 1e-9)) + 1) / rate


def relative_lip_gap(landmarks: FloatArray, template_landmarks: FloatArray) -> float:
    """How much farther than the template's a face's lips stand apart at rest, for the model.

    Both (68, 3) mm in the template's frame; the height between the inner edges is compared.
    """

    def height(points: FloatArray) -> float:
        return float((points[UPPER_INNER_LIP, 1] - points[LOWER_INNER_LIP, 1]).mean())

    gap = (height(landmarks) - height(template_landmarks)) / _LIP_GAP_UNIT_MM
    return float(np.clip(gap, -_MAX_LIP_GAP, _MAX_LIP_GAP))
