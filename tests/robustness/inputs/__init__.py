"""Bad input through the public doors of the core: `python -m tests.robustness inputs`.

Every case is either taken with a finite result or refused in one clear sentence, and leaves what it
was given as it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.robustness.inputs import acting, bundles, curves, files, machine, meshes
from tests.robustness.inputs.judging import ACCEPTED, Trial, judge
from tests.robustness.report import Case, Chapter, Line

ROOMS = (meshes, curves, acting, bundles, files)
COMMAND = "python -m tests.robustness inputs"
EXAMPLES = 1000


def trials(seed: int) -> Iterator[Trial]:
    for room in ROOMS:
        yield from room.trials(seed)


def run(scale: float, seed: int) -> Chapter:
    """scale: the share of the trials that are made; below 1 none of those that take seconds."""
    rng = random.Random(seed)
    cases = []
    for trial in trials(seed):
        if scale >= 1.0 or (not trial.is_heavy and rng.random() < scale):
            cases.append(judge(trial))
    cases += machine.cases(max(int(scale * EXAMPLES), 10), seed)
    command = COMMAND if scale >= 1.0 else f"{COMMAND} --scale {scale:g}"
    return Chapter("inputs", command, _lines(cases, scale), cases, _notes(cases))


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


def _notes(cases: list[Case]) -> list[str]:
    refused = {case.sentence for case in cases if case.ok and case.sentence != ACCEPTED}
    return [
        f"{len(refused)} different sentences. Their form is tested: one sentence on one line that "
        "ends, says what would be right or what to do, and holds nothing that only programmers "
        "read and no path but the one that was given.",
        "Beyond these: states of scenes, versions, worker messages and mutated files have chapters "
        "of their own below.",
    ]
