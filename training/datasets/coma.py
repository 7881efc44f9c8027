"""CoMA on disk (Ranjan et al., ECCV 2018): 12 subjects, 12 extreme expressions, FLAME topology.

Layout::

    DIR/FaceTalk_170725_00137_TA/bareteeth/bareteeth.000001.ply

in metres, 60 frames per second. The neutral of a subject is the first frame of its `bareteeth`, as
the FC-4DFS protocol (ACM MM 2024) fixes it. Cuts from neutral to peak come from a list, or every
cycle is found in the motion. The data itself is licensed to registered researchers.
"""

from __future__ import annotations

from pathlib import Path

from facegen_core.errors import DatasetError
from training.datasets.marks import read_cuts
from training.datasets.source import (
    Source,
    SourceRecording,
    check_rows_are_used,
    folders_in,
    frames_in,
    make_splits,
    rows_of,
    subject_folders,
)

EXPRESSIONS = (
    "bareteeth",
    "cheeks_in",
    "eyebrow",
    "high_smile",
    "lips_back",
    "lips_up",
    "mouth_down",
    "mouth_extreme",
    "mouth_middle",
    "mouth_open",
    "mouth_side",
    "mouth_up",
)
NEUTRAL_EXPRESSION = "bareteeth"
FRAME_RATE = 60.0
UNIT = "m"
LAYOUT = "SUBJECT/EXPRESSION/EXPRESSION.000001.ply"
LICENCE = "CoMA licence: non-commercial research by registered users, not to be redistributed"


def find_coma(
    folder: Path,
    cuts: Path | None = None,
    declared_splits: dict[str, tuple[str, ...]] | None = None,
    licence: str | None = None,
    seed: int = 0,
    fills_gaps: bool = False,
) -> Source:
    """The recordings below `folder`. Raises DatasetError with what is missing or unknown."""
    rows = read_cuts(cuts, EXPRESSIONS) if cuts else ()
    recordings, neutrals = [], {}
    for subject_folder in subject_folders(folder, LAYOUT):
        subject = subject_folder.name
        for expression_folder in folders_in(subject_folder):
            expression = expression_folder.name
            if expression not in EXPRESSIONS:
                raise DatasetError(
                    f"{expression_folder}: '{expression}' is no expression of CoMA, expected one "
                    f"of {', '.join(EXPRESSIONS)}."
                )
            files, numbers = frames_in(expression_folder, fills_gaps)
            own = rows_of(rows, subject, expression)
            if expression == NEUTRAL_EXPRESSION:
                neutrals[subject] = files[0]
            if own or not rows:
                recordings.append(
                    SourceRecording(subject, expression, expression, files, numbers, cuts=own)
                )
        if subject not in neutrals:
            raise DatasetError(
                f"{subject_folder} has no folder '{NEUTRAL_EXPRESSION}', whose first frame is the "
                "neutral."
            )
    if cuts:
        check_rows_are_used(cuts, rows, [recording.name for recording in recordings])
    return Source(
        kind="coma",
        name="CoMA",
        unit=UNIT,
        frame_rate=FRAME_RATE,
        expressions=_present(recordings),
        recordings=tuple(recordings),
        neutrals=neutrals,
        splits=make_splits(tuple(sorted(neutrals)), declared_splits or {}, seed),
        licence=licence or LICENCE,
    )


def _present(recordings: list[SourceRecording]) -> tuple[str, ...]:
    found = {recording.expression for recording in recordings}
    return tuple(name for name in EXPRESSIONS if name in found)
