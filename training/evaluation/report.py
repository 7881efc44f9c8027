"""results.md: the tables for a reader; every figure in it comes from the results given."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.evaluation.pictures import Picture
from training.evaluation.report_tables import (
    classification_section,
    compound_section,
    markdown_table,
    reconstruction_section,
    skin_section,
)
from training.evaluation.systems import RUN_FOLDERS
from training.figures.style import system_title

Results = dict[str, Any]

_VERDICTS = {True: "reached", False: "**missed**", None: "not evaluated"}


def write_report(results: Results, pictures: Rows[Picture], notes: str) -> str:
    """The whole page as Markdown; notes: what a person wrote about these results, or nothing."""
    sections = [
        _opening(results),
        target_lines(results, "## Targets"),
        reconstruction_section(results),
        compound_section(results),
        classification_section(results),
        skin_section(results),
        _figures(pictures),
        ["## Notes", "", notes.strip()] if notes.strip() else [],
        _commands(results),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _opening(results: Results) -> list[str]:
    data = results["data"]
    lines = [
        "# Results",
        "",
        f"Written by `{results['command']}`; the numbers are in `results.json` too.",
        "",
        f"Measured on {results['num_subjects']} subjects of {data['name']} that no system has seen "
        f"({results['split']} split): {results['num_sequences']} sequences of one expression and "
        f"{results['num_compound_sequences']} of two, {results['frames_per_sequence']} frames of "
        f"each. Commit `{results['commit']}`, seed {results['seed']}, data "
        f"`{results['data_hash']}`.",
    ]
    others = [n for n, c in results["systems"].items() if not c.get("trained_on_this_data", True)]
    if others:
        lines += [
            "",
            f"Trained on another preparation of the data: {', '.join(map(system_title, others))}.",
        ]
    return lines + not_evaluated_lines(results)


def announce(results: Results, page: Path) -> None:
    """Say what was reached, what is missing, and where to read on."""
    for name, reason in results["not_evaluated"].items():
        tqdm.write(f"Not evaluated: {name}. {reason}")
    for target in results["targets"]:
        verdict = {True: "reached", False: "MISSED", None: "-"}[target["reached"]]
        tqdm.write(f"{verdict:8s} {target['statement']}: {target['finding']}")
    tqdm.write(f"{page}")


def not_evaluated_lines(results: Results) -> list[str]:
    """Which systems are not there, and why; nothing where all are."""
    if not results["not_evaluated"]:
        return []
    missing = results["not_evaluated"].items()
    return ["", "Not evaluated:", "", *(f"- {system_title(n)} (`{n}`): {w}" for n, w in missing)]


def target_lines(results: Results, heading: str) -> list[str]:
    """The targets of a page and what was found, as a table under a heading."""
    rows = [
        (target["statement"], _VERDICTS[target["reached"]], target["finding"])
        for target in results["targets"]
    ]
    return [heading, "", *markdown_table(("target", "", "finding"), rows)]


def _figures(pictures: Rows[Picture]) -> list[str]:
    if not pictures:
        return []
    lines = ["## Figures"]
    for picture in sorted(pictures, key=lambda p: p.caption):
        lines += ["", f"![{picture.caption}](figures/{picture.file})", "", picture.caption]
    return lines


def _commands(results: Results) -> list[str]:
    evaluated = [n for n in results["systems"] if n in RUN_FOLDERS]
    arguments, kind = results["arguments"], results["data"]["kind"]
    source = "ict-facekit.tar.xz" if kind == "ict" else "FOLDER"
    trainings = [
        f"python -m training train --config training/configs/{RUN_FOLDERS[n]}.yaml "
        f"--data {arguments['data']} --out {arguments['runs']}/{RUN_FOLDERS[n]}"
        for n in evaluated
    ]
    return [
        "## To measure it again",
        "",
        "```",
        f"python -m training prepare {kind} --source {source} --out {arguments['data']}",
        *trainings,
        results["command"],
        "```",
    ]
