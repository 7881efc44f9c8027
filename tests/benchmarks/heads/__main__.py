"""Measures how well any head is matched and moved: `make bench-heads`.

Writes docs/heads.md, docs/heads.json and docs/figures/heads_sheet_*.png.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.__main__ import ROOT, THREAD_VARIABLES


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.heads", description=__doc__)
    parser.add_argument(
        "--only",
        help="checks to run, with commas; with --out they replace their like there",
    )
    parser.add_argument("--heads", type=int, help="random heads for the landmarks; default 200")
    parser.add_argument("--faces", type=int, help="identities that are moved; default 2")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once; default 1")
    parser.add_argument("--out", type=Path, help="folder; default docs")
    parser.add_argument("--quick", action="store_true", help="a few heads, for a test")
    options = parser.parse_args(arguments)
    # One thread each, set before the libraries are loaded; children that measure time set theirs.
    os.environ |= dict.fromkeys(THREAD_VARIABLES, "1")
    from tests.benchmarks.heads import report, suite
    from tests.benchmarks.heads.motion_trials import missing_file

    checks = tuple(options.only.split(",")) if options.only else suite.CHECKS
    unknown = [name for name in checks if name not in suite.CHECKS]
    if unknown:
        parser.error(f"--only: {unknown[0]} is none of {', '.join(suite.CHECKS)}.")
    missing = missing_file()
    if missing is not None:
        print(f"{missing} is not here: the truth is made of it.", file=sys.stderr)
        return 1
    plan = suite.QUICK if options.quick else suite.Plan()
    if options.heads is not None:
        plan = replace(plan, landmark_heads=options.heads)
    if options.faces is not None:
        plan = replace(plan, heads=suite.FACES[: max(options.faces, 1)])
    out = options.out or ROOT / "docs"
    stores = options.out is not None or not options.only
    if not stores and "sheets" in checks:
        parser.error("--only sheets: say --out, the folder they go to.")
    outcomes, about = suite.run(plan, checks, options.jobs, out / "figures", _tell)
    command = " ".join(["python -m tests.benchmarks.heads", *(arguments or sys.argv[1:])])
    if stores:
        report.write(outcomes, about | {"command": command}, out)
    print(report.gate_rows([gate for outcome in outcomes.values() for gate in outcome.gates]))
    if not stores:
        for outcome in outcomes.values():
            print(report.table(outcome))
    return 0


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
