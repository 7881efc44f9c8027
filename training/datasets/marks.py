"""When an expression begins, peaks and ends in a recording: from a file, or from the motion.

From the motion (the paper does not say how its marks were found): onset and offset where the mean
displacement passes 10 % of its range, the apex where it is above 90 %. A recording may hold several
cycles; each becomes a take. Where a recording ends at the apex, the way back is the way there
played backwards, so that every take returns; the same holds for a missing onset.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import DatasetError
from facegen_core.file_words import reason_of
from facegen_core.json_text import read_text

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

START_SHARE, APEX_SHARE = 0.1, 0.9
# A cycle counts when its peak reaches this share of the strongest one's.
MIN_PEAK_SHARE = 0.5
# Noise of scans is smoothed over this many seconds (standard deviation) before it is looked at.
SMOOTHING_SECONDS = 0.03
# Frames of rest that are kept before the onset and after the offset, in seconds.
REST_SECONDS = 0.25
# Onset, apex and offset need frames of their own to be learned from.
MIN_FRAMES = 5
# A recording that moves less than this, mm on average over the vertices, shows no expression.
MIN_MOTION_MM = 0.05

_CUT_NAME = re.compile(r"^(?P<sequence>.+)_from_(?P<start>\d+)_to_(?P<end>\d+)$")
MARK_COLUMNS = ("subject", "expression", "onset", "apex", "apex_end", "offset")
CUT_COLUMNS = ("subject", "expression", "from", "to")


@dataclass(frozen=True, eq=False)
class Take:
    """One cycle of an expression. frames: (T,) rows of the recording in the order they are played;
    marks: (4,) onset start, apex start, apex end and offset end, in played frames."""

    frames: IntArray
    marks: FloatArray


@dataclass(frozen=True)
class Row:
    """One line of a marks or cuts file: frame numbers as in the file names, two or four."""

    subject: str
    expression: str
    numbers: tuple[int, ...]
    line: int


def read_marks(path: Path) -> tuple[Row, ...]:
    """CSV with the columns subject, expression, onset, apex, apex_end, offset (frame numbers).

    Raises DatasetError naming the line that cannot be used.
    """
    rows = _read_rows(path, MARK_COLUMNS)
    for row in rows:
        onset, apex, apex_end, offset = row.numbers
        if not onset < apex <= apex_end < offset:
            raise DatasetError(
                f"{path}, line {row.line}: expected onset < apex <= apex_end < offset, "
                f"got {onset}, {apex}, {apex_end}, {offset}."
            )
    return rows


def read_cuts(path: Path, expressions: tuple[str, ...]) -> tuple[Row, ...]:
    """Neutral-to-peak cuts: CSV with subject, expression, from, to; backwards where from > to.

    Lines named as the public list for CoMA names its cuts (SUBJECT_EXPRESSION_from_A_to_B) are read
    as well. Raises DatasetError naming the line that cannot be used.
    """
    lines = _text(path).splitlines()
    if any(_CUT_NAME.match(line.strip()) for line in lines):
        rows = tuple(
            _named_cut(path, number, line.strip(), expressions)
            for number, line in enumerate(lines, 1)
            if line.strip()
        )
    else:
        rows = _read_rows(path, CUT_COLUMNS)
    for row in rows:
        if abs(row.numbers[1] - row.numbers[0]) + 1 < MIN_FRAMES:
            raise DatasetError(
                f"{path}, line {row.line}: from {row.numbers[0]} to {row.numbers[1]} are too few "
                f"frames, expected at least {MIN_FRAMES}."
            )
    return rows


def marked_take(name: str, row: Row, numbers: IntArray, rest_frames: int) -> Take:
    """The take between given marks; numbers: (N,) the recording's frame numbers, rising by one."""
    marks = np.array(row.numbers) - numbers[0]
    if marks[0] < 0 or marks[3] >= len(numbers):
        raise DatasetError(
            f"{name}: the marks {row.numbers[0]} to {row.numbers[3]} lie outside the frames "
            f"{numbers[0]} to {numbers[-1]}."
        )
    first = max(int(marks[0]) - rest_frames, 0)
    last = min(int(marks[3]) + rest_frames, len(numbers) - 1)
    return Take(np.arange(first, last + 1), (marks - first).astype(np.float64))


def cut_take(name: str, row: Row, numbers: IntArray, motion: FloatArray) -> Take:
    """The take of a neutral-to-peak cut: there, and the same way back.

    motion: (N,) mean displacement of each frame, mm.
    """
    start, end = (number - int(numbers[0]) for number in row.numbers)
    if min(start, end) < 0 or max(start, end) >= len(numbers):
        raise DatasetError(
            f"{name}: the cut {row.numbers[0]} to {row.numbers[1]} lies outside the frames "
            f"{numbers[0]} to {numbers[-1]}."
        )
    way = np.arange(start, end + 1) if start < end else np.arange(start, end - 1, -1)
    share = _share_of_range(name, motion[way])
    apex = int(np.argmax(share >= APEX_SHARE))
    before = np.flatnonzero(share[:apex] < START_SHARE)
    onset = int(before[-1]) if len(before) else 0
    if apex <= onset:
        raise DatasetError(f"{name}: the cut {row.numbers} does not go from rest to a peak.")
    return _there_and_back(way, onset, apex)


def derive_takes(name: str, motion: FloatArray, frame_rate: float) -> tuple[Take, ...]:
    """Every cycle of a recording, from (N,) mean displacement of its frames, mm.

    Raises DatasetError where it shows no expression.
    """
    share = _share_of_range(name, _smoothed(motion, SMOOTHING_SECONDS * frame_rate))
    rest_frames = round(REST_SECONDS * frame_rate)
    takes = []
    for first, last in _runs(share > START_SHARE):
        peak = float(share[first : last + 1].max())
        if peak < MIN_PEAK_SHARE:
            continue
        high = first + np.flatnonzero(share[first : last + 1] >= APEX_SHARE * peak)
        take = _cycle(len(share), (first - 1, int(high[0]), int(high[-1]), last + 1), rest_frames)
        if take is not None:
            takes.append(take)
    if not takes:
        raise DatasetError(
            f"{name}: no onset and no offset was found in its {len(motion)} frames: "
            "mark them in a file."
        )
    return tuple(takes)


def _cycle(num_frames: int, marks: tuple[int, int, int, int], rest_frames: int) -> Take | None:
    """A take around four marks, the first and last of which may lie just outside the recording."""
    onset, apex, apex_end, offset = marks
    starts, returns = onset >= 0 and apex > onset, offset < num_frames and offset > apex_end
    if starts and returns:
        frames = np.arange(max(onset - rest_frames, 0), min(offset + rest_frames + 1, num_frames))
        return Take(frames, np.array(marks, np.float64) - frames[0])
    if starts:
        way = np.arange(max(onset - rest_frames, 0), apex_end + 1)
        return _there_and_back(way, onset - int(way[0]), apex - int(way[0]))
    if returns:
        way = np.arange(min(offset + rest_frames, num_frames - 1), apex - 1, -1)
        return _there_and_back(way, int(way[0]) - offset, int(way[0]) - apex_end)
    return None


def _there_and_back(way: IntArray, onset: int, apex: int) -> Take:
    """Play `way` and return by it; onset and apex count in frames of the way."""
    last = 2 * (len(way) - 1)
    marks = np.array([onset, apex, last - apex, last - onset], np.float64)
    return Take(np.concatenate([way, way[-2::-1]]), marks)


def _share_of_range(name: str, motion: FloatArray) -> FloatArray:
    """(N,) 0 at rest, 1 at the strongest frame."""
    if len(motion) < MIN_FRAMES:
        raise DatasetError(
            f"{name} has {len(motion)} frames, expected at least {MIN_FRAMES} to tell onset, apex "
            "and offset apart."
        )
    low, high = float(motion.min()), float(motion.max())
    if high - low < MIN_MOTION_MM:
        raise DatasetError(
            f"{name} shows no expression: its vertices move {high - low:.3f} mm on average."
        )
    return (motion - low) / (high - low)


def _smoothed(values: FloatArray, width: float) -> FloatArray:
    """Gaussian mean over time; the ends are held."""
    reach = int(np.ceil(3 * width))
    if reach == 0:
        return values
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")


def _runs(is_high: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of every stretch of True."""
    changes = np.flatnonzero(np.diff(np.concatenate([[False], is_high, [False]]).astype(np.int8)))
    return [(int(a), int(b) - 1) for a, b in zip(changes[::2], changes[1::2], strict=True)]


def _read_rows(path: Path, columns: tuple[str, ...]) -> tuple[Row, ...]:
    reader = csv.DictReader(_text(path).splitlines(), skipinitialspace=True)
    names = [name.strip() for name in reader.fieldnames or []]
    missing = [column for column in columns if column not in names]
    if missing:
        raise DatasetError(
            f"{path} lacks the column '{missing[0]}': expected {', '.join(columns)}."
        )
    reader.fieldnames = names
    rows = []
    for content in reader:
        try:
            numbers = tuple(_frame_number(content[column]) for column in columns[2:])
            subject, expression = content["subject"].strip(), content["expression"].strip()
        except (TypeError, ValueError, AttributeError) as error:
            raise DatasetError(
                f"{path}, line {reader.line_num}: expected {', '.join(columns)} with whole frame "
                "numbers."
            ) from error
        rows.append(Row(subject, expression, numbers, reader.line_num))
    if not rows:
        raise DatasetError(f"{path} has no lines below its header: write one for every recording.")
    return tuple(rows)


def _named_cut(path: Path, line: int, text: str, expressions: tuple[str, ...]) -> Row:
    match = _CUT_NAME.match(text)
    sequence = match["sequence"] if match else ""
    found = [name for name in expressions if sequence.endswith(f"_{name}")]
    if match is None or not found:
        raise DatasetError(
            f"{path}, line {line}: expected SUBJECT_EXPRESSION_from_A_to_B with an expression of "
            f"{', '.join(expressions)}, got '{text[:80]}'."
        )
    expression = max(found, key=len)  # "mouth_open" also ends in "open"
    subject = sequence.removesuffix(f"_{expression}")
    try:
        return Row(
            subject, expression, (_frame_number(match["start"]), _frame_number(match["end"])), line
        )
    except ValueError as error:
        raise DatasetError(f"{path}, line {line}: {error}.") from error


def _frame_number(text: str) -> int:
    """Raises ValueError where it is no whole number, or none that a recording comes to."""
    if len(text.strip()) > 9:
        raise ValueError(f"'{text[:20]}…' is no frame number")
    return int(text)


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {reason_of(error)}.") from error
