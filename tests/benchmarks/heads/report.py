"""The results of a run as a page, docs/heads.md, and as numbers, docs/heads.json."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.heads.outcome import CHECKS, Gate, Outcome

HEADER = """# Any head

Written by `make bench-heads`; do not edit. The same numbers are in `heads.json`.

Heads whose motion is known are made from ICT-FaceKit identities that no training has seen, in their
original topology, and from MakeHuman's body with the expression units of its artists; Blender and a
few lines of NumPy turn them into what artists bring. The *played motion* is the truth in the
template's topology, so that these numbers are about finding, fitting and carrying alone, without
the generator; the contact sheets show the whole product. A gate that is missed is told as missed.

| check | gate | measured | |
|---|---|---|---|
{gates}

**{reached} of {judged} gates reached.**
"""

RUNS = """
## Runs

A check can be run again alone (`--only … --out docs`); the others then stay as they were.

| checks | command | commit | date | minutes | load before |
|---|---|---|---|---|---|
{rows}

{processor}, {cores} cores, {memory} GB, {system}, Python {python}, NumPy {numpy}, SciPy {scipy}.
"""


def write(outcomes: dict[str, Outcome], about: dict[str, Any], folder: Path) -> None:
    """heads.md and heads.json; checks of an earlier run that were not run again are kept.

    about: of this run: command, commit, date, seconds, load_before, machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stored = folder / "heads.json"
    kept, runs = read(stored) if stored.exists() else ({}, {})
    together = kept | outcomes
    runs |= dict.fromkeys(outcomes, about)
    together = {name: together[name] for name in CHECKS if name in together}
    runs = {name: runs[name] for name in together}
    (folder / "heads.md").write_text(page(together, runs))
    results = {name: asdict(outcome) for name, outcome in together.items()}
    values = _plain({"checks": results, "runs": runs})
    stored.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def read(path: Path) -> tuple[dict[str, Outcome], dict[str, Any]]:
    """Outcomes and runs by check, as they were stored."""
    stored = json.loads(path.read_text())
    outcomes = {}
    for name, values in stored["checks"].items():
        gates = tuple(Gate(**gate) for gate in values["gates"])
        rows = tuple(tuple(row) for row in values["rows"])
        outcomes[name] = Outcome(values["title"], gates, values["notes"], values["header"], rows)
    return outcomes, stored["runs"]


def page(outcomes: dict[str, Outcome], runs: dict[str, Any]) -> str:
    """The page; runs: {check: about the run that made it}."""
    gates = [gate for outcome in outcomes.values() for gate in outcome.gates]
    judged = [gate for gate in gates if gate.reached is not None]
    parts = [
        HEADER.format(
            gates=gate_rows(gates),
            reached=sum(bool(gate.reached) for gate in judged),
            judged=len(judged),
        )
    ]
    parts += [_section(outcome) for outcome in outcomes.values()]
    return "".join([*parts, _runs(runs)])


def _runs(runs: dict[str, Any]) -> str:
    commands = list(dict.fromkeys(about["command"] for about in runs.values()))
    rows = []
    for command in commands:
        names = [name for name, about in runs.items() if about["command"] == command]
        about = runs[names[0]]
        load = "unknown" if about["load_before"] is None else f"{about['load_before']:.1f}"
        minutes = f"{about['seconds'] / 60:.0f}"
        what = ", ".join(names)
        rows.append(_row([what, f"`{command}`", about["commit"], about["date"], minutes, load]))
    machine = next(iter(runs.values()))["machine"]
    return RUNS.format(
        rows="\n".join(rows),
        processor=machine["processor"],
        cores=machine["cores"],
        memory=machine["memory_gb"],
        system=machine["system"],
        python=machine["python"],
        numpy=machine["packages"]["numpy"],
        scipy=machine["packages"]["scipy"],
    )


def gate_rows(gates: list[Gate]) -> str:
    """Rows of the table of gates."""
    words = {True: "reached", False: "**missed**", None: "–"}
    return "\n".join(
        f"| {gate.name} | {gate.gate} | {gate.measured} | {words[gate.reached]} |" for gate in gates
    )


def _section(outcome: Outcome) -> str:
    notes = f"{outcome.notes}\n\n" if outcome.notes else ""
    return f"\n## {outcome.title}\n\n{notes}{table(outcome)}"


def table(outcome: Outcome) -> str:
    """The table of a check, nothing where it has none."""
    if not outcome.rows:
        return ""
    rows = [outcome.header, ["---"] * len(outcome.header), *outcome.rows]
    return "\n".join(_row(row) for row in rows) + "\n"


def _row(cells: Any) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
