"""A folder of 4D recordings in one topology: what a researcher has after registering own scans.

Layout::

    DIR/SUBJECT/EXPRESSION/frame_0001.obj     OBJ or PLY, one topology, one vertex order
    DIR/SUBJECT/neutral.obj                   where dataset.yaml says so
    DIR/marks.csv                             subject,expression,onset,apex,apex_end,offset
    DIR/dataset.yaml                          what cannot be seen from the files, see `Settings`
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facegen_core.errors import DatasetError
from facegen_core.file_words import reason_of
from facegen_core.json_text import quoted
from facegen_core.numeric import finite
from training.datasets.marks import read_marks
from training.datasets.source import (
    EXPRESSION_NAME,
    MM_PER_UNIT,
    SPLIT_NAMES,
    Source,
    SourceRecording,
    check_rows_are_used,
    folders_in,
    frames_in,
    make_splits,
    rows_of,
    subject_folders,
)
from training.runs.plain_yaml import read_yaml

LAYOUT = "SUBJECT/EXPRESSION/frame_0001.obj"
FIRST_FRAME = "first_frame"
UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True)
class Settings:
    """What dataset.yaml may say; the command line overrules it."""

    # Name of the set, for the bundle's provenance; the folder's own name without it.
    name: str = ""
    # Of the coordinates: mm, cm or m.
    unit: str = ""
    # Frames per second.
    frame_rate: float = 0.0
    # Where a subject is at rest: a file in its folder, or the first frame of every recording.
    neutral: str = FIRST_FRAME
    # Which expression folders to use; all without it.
    expressions: tuple[str, ...] = ()
    # Expression folders known by another name: {smile: happy}. Two may share one.
    labels: dict[str, str] = field(default_factory=dict)
    # Subject names of train, val and test; what is not said is drawn.
    split: dict[str, tuple[str, ...]] = field(default_factory=dict)
    licence: str = UNKNOWN_LICENCE


def find_sequence_folder(
    folder: Path,
    overrides: dict[str, Any] | None = None,
    marks: Path | None = None,
    seed: int = 0,
    fills_gaps: bool = False,
) -> Source:
    """The recordings below `folder`; overrides: Settings by name, None where not given.

    marks: a CSV file; DIR/marks.csv where there is one and none is given.
    Raises DatasetError with what is missing, unknown or contradictory.
    """
    given = {name: value for name, value in (overrides or {}).items() if value}
    settings = dataclasses.replace(read_settings(folder / "dataset.yaml"), **given)
    _check_settings(folder, settings)
    if marks is None and (folder / "marks.csv").exists():
        marks = folder / "marks.csv"
    rows = read_marks(marks) if marks else ()
    recordings, neutrals = [], {}
    for subject_folder in subject_folders(folder, LAYOUT):
        subject = subject_folder.name
        neutrals[subject] = _neutral(subject_folder, settings.neutral)
        for expression_folder in _expression_folders(subject_folder, settings):
            name = expression_folder.name
            files, numbers = frames_in(expression_folder, fills_gaps)
            own = rows_of(rows, subject, name)
            label = settings.labels.get(name, name)
            recordings.append(SourceRecording(subject, label, name, files, numbers, marks=own))
    _check_names(folder, settings, {recording.folder for recording in recordings})
    if marks:
        check_rows_are_used(marks, rows, [recording.name for recording in recordings])
    return Source(
        kind="sequence_folder",
        name=settings.name or folder.resolve().name,
        unit=settings.unit,
        frame_rate=settings.frame_rate,
        expressions=_labels_in_order(settings, recordings),
        recordings=tuple(recordings),
        neutrals=neutrals,
        splits=make_splits(tuple(sorted(neutrals)), settings.split, seed),
        licence=settings.licence,
    )


def read_settings(path: Path) -> Settings:
    """dataset.yaml, or the defaults where there is none.

    Raises DatasetError for a setting that is unknown or of a wrong kind.
    """
    if not path.exists():
        return Settings()
    try:
        content = read_yaml(path) or {}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is not YAML: {reason_of(error)}.") from error
    known = [f.name for f in dataclasses.fields(Settings)]
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: expected settings, one of {', '.join(known)} a line.")
    unknown = sorted(str(name) for name in set(content) - set(known))
    if unknown:
        raise DatasetError(
            f"{path} has an unknown setting '{unknown[0][:60]}': choose from {', '.join(known)}."
        )
    return Settings(**{name: _converted(path, name, value) for name, value in content.items()})


def _converted(path: Path, name: str, value: Any) -> Any:
    """A YAML value as its setting wants it."""
    if name == "split":
        if isinstance(value, dict) and set(value) <= set(SPLIT_NAMES):
            return {split: _names(path, name, members) for split, members in value.items()}
        raise DatasetError(f"{path}: 'split' lists subjects under {', '.join(SPLIT_NAMES)}.")
    if name == "expressions":
        return _names(path, name, value)
    if name == "labels":
        if isinstance(value, dict):
            return {str(folder): str(label) for folder, label in value.items()}
        raise DatasetError(f"{path}: 'labels' maps folder names to expressions.")
    if name == "frame_rate":
        if finite(value) is not None and not isinstance(value, bool):
            return float(value)
        raise DatasetError(f"{path}: 'frame_rate' is a number, got {quoted(value)}.")
    return str(value)


def _names(path: Path, name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list) and value:
        return tuple(str(entry) for entry in value)
    raise DatasetError(f"{path}: '{name}' is a list of names, got {quoted(value)}.")


def _check_settings(folder: Path, settings: Settings) -> None:
    if settings.unit not in MM_PER_UNIT:
        got = f"got '{settings.unit}'" if settings.unit else "none is given"
        raise DatasetError(
            f"{folder}: the unit is one of {', '.join(MM_PER_UNIT)}, {got}: say it with --unit or "
            "in dataset.yaml."
        )
    if not 1.0 <= settings.frame_rate <= 1000.0:
        raise DatasetError(
            f"{folder}: the frame rate is between 1 and 1000 frames per second, got "
            f"{settings.frame_rate:g}: say it with --rate or in dataset.yaml."
        )
    wrong = [label for label in settings.labels.values() if not EXPRESSION_NAME.match(label)]
    if wrong:
        raise DatasetError(
            f"{folder}: the expression '{wrong[0]}' must be made of letters, digits, '_', '-', '.'."
        )


def _neutral(subject_folder: Path, neutral: str) -> Path | None:
    if neutral == FIRST_FRAME:
        return None
    path = subject_folder / neutral
    if not path.is_file():
        raise DatasetError(f"The neutral {path} is missing.")
    return path


def _expression_folders(subject_folder: Path, settings: Settings) -> list[Path]:
    folders = [
        folder
        for folder in folders_in(subject_folder)
        if not settings.expressions or folder.name in settings.expressions
    ]
    if not folders:
        raise DatasetError(f"{subject_folder} has no folder of an expression: expected {LAYOUT}.")
    for folder in folders:
        if not EXPRESSION_NAME.match(settings.labels.get(folder.name, folder.name)):
            raise DatasetError(
                f"{folder}: an expression is named with letters, digits, '_', '-' and '.': rename "
                "it, or give it a label in dataset.yaml."
            )
    return folders


def _check_names(folder: Path, settings: Settings, present: set[str]) -> None:
    """A name in dataset.yaml that no folder has is a slip."""
    for setting, names in (("expressions", settings.expressions), ("labels", settings.labels)):
        unknown = sorted(set(names) - present)
        if unknown:
            raise DatasetError(
                f"{folder}: '{setting}' names the expression '{unknown[0]}', but no subject has "
                "such a folder."
            )


def _labels_in_order(settings: Settings, recordings: list[SourceRecording]) -> tuple[str, ...]:
    """In the order of dataset.yaml, else sorted."""
    present = {recording.expression for recording in recordings}
    wished = [settings.labels.get(name, name) for name in settings.expressions]
    return tuple(dict.fromkeys([*wished, *sorted(present)]))
