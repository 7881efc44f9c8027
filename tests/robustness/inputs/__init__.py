"""Bad input through the public doors of the core: `python -m tests.robustness inputs`.

Every case is either taken with a finite result or refused in one clear sentence, and leaves what it
was given as it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.robustness.inputs import (
    acting,
    bundles,
    by_hand,
    curves,
    desk_files,
    files,
    machine,
    mesh_kinds,
    meshes,
    world,
)
from tests.robustness.inputs.judging import ACCEPTED, Trial, judge
from tests.robustness.peak_memory import peak, reset_peak, up_to
from tests.robustness.report import Case, Chapter, Line

ROOMS = (meshes, curves, by_hand, acting, bundles, files, desk_files)
COMMAND = "python -m tests.robustness inputs"
EXAMPLES = 1000
# From here on every kind of mesh is tried, those that take minutes too.
NAMED_SCALE = 0.5
# What a million vertices may cost: a laptop has 8 GB.
MEMORY_BYTES = 6 << 30


def trials(seed: int) -> Iterator[Trial]:
    for room in ROOMS:
        yield from room.trials(seed)


def run(scale: float, seed: int) -> Chapter:
    """scale: the share of the trials that are made.

    Below 1 none of those that take seconds, but one of every kind of mesh where it is 0.5 or more.
    """
    with world.one_folder():
        cases, most = _cases(scale, seed)
    command = COMMAND if scale >= 1.0 else f"{COMMAND} --scale {scale:g}"
    lines = _lines(cases, scale)
    if scale >= NAMED_SCALE:
        lines += [_kinds_line(cases), _memory_line(most)]
    return Chapter("inputs", command, lines, cases, _notes(cases))


def _cases(scale: float, seed: int) -> tuple[list[Case], int]:
    """What came of the trials, and the most memory that one of them took."""
    rng = random.Random(seed)
    cases, most = [], 0
    for trial in trials(seed):
        is_drawn = not trial.is_heavy and rng.random() < scale
        if is_drawn or scale >= 1.0 or (trial.is_named and scale >= NAMED_SCALE):
            before = reset_peak()
            cases.append(judge(trial))
            most = max(most, peak() - before)
    return cases + machine.cases(max(int(scale * EXAMPLES), 10), seed), most


def _lines(cases: list[Case], scale: float) -> list[Line]:
    faults = sum(not case.ok for case in cases)
    least = round(200 * min(scale, 1.0))
    made = len(cases) - len(machine.PROPERTIES)
    return [
        Line(f"at least {least} cases", f"{made} cases", made >= least),
        Line(
            "and what Hypothesis thinks of",
            f"{len(machine.PROPERTIES)} properties of {max(int(scale * EXAMPLES), 10):,} inputs",
            True,
        ),
        Line(
            "each taken with a finite result or refused in one clear sentence, what was given "
            "unchanged byte for byte",
            f"{faults} faults",
            faults == 0,
        ),
    ]


def _kinds_line(cases: list[Case]) -> Line:
    """Every kind of mesh that was asked for has cases, told by their names."""
    names = [case.name for case in cases if case.group in mesh_kinds.GROUPS]
    missing = [
        kind
        for kind, words in mesh_kinds.KINDS.items()
        if not any(w in n for w in words for n in names)
    ]
    found = len(mesh_kinds.KINDS) - len(missing)
    told = f"{found} of {len(mesh_kinds.KINDS)} kinds, {len(names)} meshes"
    if missing:
        told += f"; without {', '.join(missing)}"
    return Line(f"meshes: {', '.join(mesh_kinds.KINDS)}", told, not missing)


def _memory_line(most: int) -> Line:
    return Line(
        f"memory bounded: no input takes more than {MEMORY_BYTES >> 30} GB, meshes of 1,000,000 "
        "vertices included",
        up_to(most),
        most <= MEMORY_BYTES,
    )


def _notes(cases: list[Case]) -> list[str]:
    refused = {case.sentence for case in cases if case.ok and case.sentence != ACCEPTED}
    return [
        f"{len(refused)} different sentences. Their form is tested: one sentence on one line that "
        "ends, says what would be right or what to do, and holds nothing that only programmers "
        "read and no path but the one that was given.",
        "Beyond these: states of scenes, versions, worker messages and mutated files have chapters "
        "of their own below.",
    ]
