"""Killed at any moment, refused by the disk: nothing is half-written, and everything goes on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.robustness.faults import blender, commands, disk
from tests.robustness.report import Case, Chapter, Line

__all__ = ["run"]

ROOT = Path(__file__).parents[3]
BLENDER_KILLS, BLENDER_PLACES, COMMAND_KILLS = 120, 120, 24


def run(scale: float, seed: int, names: tuple[str, ...] = (), has_blender: bool = True) -> Chapter:
    """names: of `activities.ACTIVITIES`, all where none is given. Raises disk.NoCompilerError."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        room = Path(folder).resolve()
        environment = disk.environment(room)
        at_work, said = blender.BlenderFindings(), commands.CommandFindings()
        if has_blender:
            kills = max(2, round(COMMAND_KILLS * scale))
            commands.kill(said, room / "commands", environment, kills, seed)
            blender.kill(at_work, room, max(2, round(BLENDER_KILLS * scale)), seed)
            places = max(2, round(BLENDER_PLACES * scale))
            blender.refuse(at_work, room, environment, places, seed)
        found = _trials(environment, scale, seed, names)
    command = "python -m tests.robustness faults"
    command += f" --scale {scale:g}" * (scale != 1.0) + f" --seed {seed}" * (seed != 0)
    lines, cases = _lines(found), [*_cases(found), *_blender_cases(at_work)]
    if has_blender:
        lines += [*_blender_lines(at_work), *_command_lines(said)]
        cases += [Case("commands", "fault", fault, False) for fault in said.faults]
    return Chapter("faults", command, lines, cases, _NOTES)


_NOTES = [
    "A disk that breaks is a library preloaded into the process (tests/robustness/faults/disk.c): "
    "it counts what is asked below one folder (opening for writing, writing, making folders, "
    "renaming, fsync) by Python, NumPy, torch and Blender alike, and from the k-th on refuses, "
    "once or for good, or kills the process, half of the k-th write done.",
    "After every kill each file under its own name must be the old one, the new one, or readable "
    "to the end; the next run must end with the bytes of a run nobody killed, no file more or "
    "less. After every refusal: one sentence, no file gone, none half, no temporary.",
    "Blender's Alembic writer ends the whole program where a write fails, so a Blender of its own "
    "writes: what ends is that one. The room is asked of the disk first.",
    "Commands play the sample head of the shipped model, whose match is known; all else is as "
    "always. After a kill every file is the old or the new one, and the next run ends "
    "with the same bytes, but for the moment that FBX and reports tell; of a .blend, which holds "
    "addresses, that it is whole. Processes of a batch are looked for in /proc.",
]


def _trials(
    environment: dict[str, str], scale: float, seed: int, names: tuple[str, ...]
) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.robustness.faults.trials", str(scale), str(seed)]
    done = subprocess.run(
        [*command, *names], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return json.loads(done.stdout)


def _lines(found: list[dict[str, Any]]) -> list[Line]:
    killed, refused = [], []
    for one in found:
        every = "every" if one["every_place"] else "by lot"
        faults = [fault for fault in one["faults"] if fault.startswith("killed")]
        measured = (
            f"{one['kills_by_time']} moments by lot, {one['kills_by_place']} of {one['num_asked']} "
            f"places on the disk ({every}): {len(faults)} faults"
        )
        killed.append(Line(f"killed while {one['name']}", measured, not faults))
        faults = [fault for fault in one["faults"] if not fault.startswith("killed")]
        measured = f"{one['refusals']} disks that were full, broken or read-only: "
        refused.append(
            Line(f"no disk while {one['name']}", f"{measured}{len(faults)} faults", not faults)
        )
    return [*killed, *refused]


def _blender_lines(found: blender.BlenderFindings) -> list[Line]:
    kills = ", ".join(f"{name} {count}" for name, count in sorted(found.kills.items()))
    refusals = ", ".join(f"{name} {count}" for name, count in sorted(found.refusals.items()))
    return [
        Line(
            "Blender killed at work: no half file, no orphan, the next start is clean",
            f"{sum(found.kills.values())} kills ({kills}); {found.num_files} different files, "
            f"every one opened; {len(found.faults)} faults",
            not found.faults,
        ),
        Line(
            "Blender's disk full or read-only: a sentence, the old file intact",
            f"{sum(found.refusals.values())} ({refusals}); {len(found.faults)} faults",
            not found.faults,
        ),
        Line(
            "Blender stays when the disk fills while Alembic writes",
            f"{found.refusals['writing Alembic']} disks; the Blender that writes for it ended "
            f"{found.num_broken_off} times",
            found.num_broken_off > 0 and not any("ended with" in f for f in found.faults),
        ),
    ]


def _command_lines(found: commands.CommandFindings) -> list[Line]:
    lines = []
    for name, (moments, places) in found.kills.items():
        faults = [fault for fault in found.faults if fault.startswith(f"{name}, ")]
        measured = f"{moments} moments by lot, {places} places on the disk: {len(faults)} faults"
        if name == commands.BATCH.name:
            measured += f"; {found.orphans} of its processes were at work, and ended with it"
        lines.append(Line(f"killed while {name} runs", measured, not faults))
    return lines


def _cases(found: list[dict[str, Any]]) -> list[Case]:
    told = [
        Case(one["name"], kind, sentence, True)
        for one in found
        for kind, sentence in one["sentences"].items()
    ]
    return told + [Case(one["name"], "fault", f, False) for one in found for f in one["faults"]]


def _blender_cases(found: blender.BlenderFindings) -> list[Case]:
    told = [
        Case(f"{name} (Blender)", kind, re.sub(r"[\d.]+ MB", "N MB", sentence), True)
        for (name, kind), sentence in found.sentences.items()
    ]
    return told + [Case("Blender", "fault", fault, False) for fault in found.faults]
