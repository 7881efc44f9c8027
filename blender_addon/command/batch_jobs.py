"""The heads of a batch: from files and job lists, each with a name and what it plays.

A job list is JSON, ``[{"head": "a.obj", "expressions": ["happy@1,12,30,45"], "name": "a"}, ...]``,
or CSV with columns head, expressions (separated by semicolons) and name; only head is needed.
Paths count from the folder of the list. A JSON object is the record of a clip, played again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facegen_core.errors import FacegenError
from facegen_core.file_names import portable
from facegen_core.file_words import unread
from facegen_core.intensity import parse_event
from facegen_core.json_text import quoted, read_json, read_text

_COLUMNS = {"head", "expressions", "name"}


@dataclass(frozen=True)
class Job:
    """One head. name: of its folder and its files. is_record: `source` is the record of a clip."""

    name: str
    source: Path
    expressions: tuple[str, ...] = ()
    is_record: bool = False


def jobs_of(sources: Sequence[Path], expressions: Sequence[str]) -> list[Job]:
    """The jobs of files and lists, every name once. Raises FacegenError for a list that makes none.

    expressions: what heads play that have none of their own.
    """
    found: list[Job] = []
    for source in sources:
        suffix = source.suffix.lower()
        if suffix == ".json":
            found += _of_json(source)
        elif suffix == ".csv":
            found += _of_csv(source)
        else:
            found.append(Job(source.stem, source))
    jobs, taken = [], set()
    for job in found:
        name, number = _safe(job.name), 1
        while name.casefold() in taken:
            number += 1
            name = f"{_safe(job.name)}_{number}"
        taken.add(name.casefold())
        played = job.expressions or (() if job.is_record else tuple(expressions))
        jobs.append(Job(name, job.source, played, job.is_record))
    _check(jobs)
    return jobs


def _of_json(path: Path) -> list[Job]:
    content = _parsed(path)
    if isinstance(content, dict):
        return [Job(path.stem, path, is_record=True)]
    if not isinstance(content, list):
        raise FacegenError(f'{path} is no job list: expected [{{"head": "a.obj"}}, ...].')
    return [_job(path, number, row) for number, row in enumerate(content, start=1)]


def _of_csv(path: Path) -> list[Job]:
    try:
        rows = list(csv.DictReader(read_text(path).splitlines()))
    except OSError as error:
        raise FacegenError(f"Cannot read {path}: {unread(error)}.") from error
    except csv.Error as error:
        raise FacegenError(f"{path} is not CSV: a cell is too long or has no end.") from error
    except ValueError as error:
        raise FacegenError(f"{path} is not CSV: {error}.") from error
    if not rows:
        raise FacegenError(f"{path} has no rows: expected columns head, expressions, name.")
    jobs = []
    for number, row in enumerate(rows, start=1):
        filled = {key: value for key, value in row.items() if key and value}
        if "expressions" in filled:
            filled["expressions"] = [e.strip() for e in filled["expressions"].split(";")]
        jobs.append(_job(path, number, filled))
    return jobs


def _parsed(path: Path) -> Any:
    try:
        return read_json(path)
    except OSError as error:
        raise FacegenError(f"Cannot read {path}: {unread(error)}.") from error
    except ValueError as error:
        raise FacegenError(f"{path} is not JSON: {error}.") from error


def _job(path: Path, number: int, row: Any) -> Job:
    where = f"{path.name}, row {number}"
    if not isinstance(row, dict) or not isinstance(row.get("head"), str):
        raise FacegenError(f'{where} names no head: expected {{"head": "a.obj"}}.')
    unknown = sorted(set(row) - _COLUMNS)
    if unknown:
        raise FacegenError(
            f"{where} has {quoted(unknown[0])}: known are head, expressions and name."
        )
    expressions = row.get("expressions", [])
    if not isinstance(expressions, list) or not all(isinstance(e, str) for e in expressions):
        raise FacegenError(f'{where}: expressions is a list such as ["happy@1,12,30,45"].')
    head = path.parent / row["head"]
    return Job(str(row.get("name", head.stem)), head, tuple(e for e in expressions if e))


def _safe(name: str) -> str:
    """A name for folders and files everywhere; never hidden, never empty."""
    return portable(re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_"), "head")


def _check(jobs: Sequence[Job]) -> None:
    if not jobs:
        raise FacegenError("There are no heads: give files, or a job list with rows.")
    for job in jobs:
        if not job.expressions and not job.is_record:
            raise FacegenError(
                f"'{job.name}' plays nothing: add for example -e happy@1,12,30,45=1.0."
            )
        for expression in job.expressions:
            parse_event(expression)
