"""Measures speed and memory as ratios in one run: `make bench`.

Writes docs/benchmarks.md, docs/benchmarks.json and docs/figures/cost_growth.png.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The libraries under NumPy and torch read these as they are loaded.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
FIGURE = "cost_growth.png"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help=f"1 to {os.cpu_count()}; default 1")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder; default docs")
    parser.add_argument("--quick", action="store_true", help="small meshes, one repetition")
    options = parser.parse_args(arguments)
    if not 1 <= options.threads <= (os.cpu_count() or 1):
        parser.error(f"--threads: expected 1 to {os.cpu_count()}, got {options.threads}.")
    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(options.threads))
    # Only now, so that the libraries find the number of threads.
    import torch

    from tests.benchmarks import report, suite

    torch.set_num_threads(options.threads)
    command = " ".join(["python -m tests.benchmarks", f"--threads {options.threads}"])
    if options.quick:
        command += " --quick"
    plan = suite.QUICK if options.quick else suite.Plan()
    results = suite.run(plan, options.threads, command, lambda line: print(line, flush=True))
    options.out.mkdir(parents=True, exist_ok=True)
    known = options.out / "benchmarks.json"
    if known.is_file():  # the worker's section has a command of its own
        kept = json.loads(known.read_text(encoding="utf-8"))
        results |= {name: kept[name] for name in ("worker",) if name in kept}
    (options.out / "benchmarks.json").write_text(json.dumps(results, indent=1) + "\n")
    report.write(results, options.out / "benchmarks.md", FIGURE)
    _draw_growth(results["growth"], options.out / "figures" / FIGURE)
    print(f"{options.out / 'benchmarks.md'}: {results['run']['seconds']:.0f} s")
    return 0


def _draw_growth(panels: list[dict], path: Path) -> None:
    from training.figures import cost_growth

    path.parent.mkdir(parents=True, exist_ok=True)
    cost_growth.draw(
        path,
        [
            (
                panel["label"],
                panel["values"],
                {
                    name: [float("nan") if t is None else t for t in times]
                    for name, times in panel["seconds_per_frame"].items()
                },
            )
            for panel in panels
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
