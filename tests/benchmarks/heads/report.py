"""The results of a run as a page, docs/heads.md, and as numbers, docs/heads.json."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.heads.outcome import Gate, Outcome

HEADER = """# Any head

Written by `{command}`; do not edit. The same numbers are in `heads.json`.

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

RUN = """
## Run

`{command}`, commit {commit}, {date}, {minutes:.0f} minutes; load before the run {load}.
{processor}, {cores} cores, {memory} GB, {system}, Python {python}, NumPy {numpy}, SciPy {scipy}.
"""


def write(outcomes: dict[str, Outcome], about: dict[str, Any], command: str, folder: Path) -> None:
    """heads.md and heads.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "heads.md").write_text(page(outcomes, about, command))
    results = {name: asdict(outcome) for name, outcome in outcomes.items()}
    values = _plain({"checks": results, "run": about | {"command": command}})
    (folder / "heads.json").write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def page(outcomes: dict[str, Outcome], about: dict[str, Any], command: str) -> str:
    gates = [gate for outcome in outcomes.values() for gate in outcome.gates]
    judged = [gate for gate in gates if gate.reached is not None]
    parts = [
        HEADER.format(
            command=command,
            gates=gate_rows(gates),
            reached=sum(bool(gate.reached) for gate in judged),
            judged=len(judged),
        )
    ]
    parts += [_section(outcome) for outcome in outcomes.values()]
    described = about["machine"]
    parts.append(
        RUN.format(
            command=command,
            commit=about["commit"],
            date=about["date"],
            minutes=about["seconds"] / 60,
            load="unknown" if about["load_before"] is None else f"{about['load_before']:.1f}",
            processor=described["processor"],
            cores=described["cores"],
            memory=described["memory_gb"],
            system=described["system"],
            python=described["python"],
            numpy=described["packages"]["numpy"],
            scipy=described["packages"]["scipy"],
        )
    )
    return "".join(parts)


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
