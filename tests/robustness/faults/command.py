"""The command `facegen` on the sample head of a small model, which is its own match.

    python -m tests.robustness.faults.command ARGUMENTS…

A match takes most of the minute that a clip of a real head takes, and is no writing. Says last on
stderr how much was asked of the disk, where one that breaks is preloaded.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import numpy as np

from blender_addon import cli
from blender_addon.command import batch_processes, batch_run
from facegen_core import pipeline
from facegen_core.bundle import Bundle
from facegen_core.mesh import Mesh
from facegen_core.registration import align
from facegen_core.registration.alignment import Alignment, Fit, Residual, Similarity
from tests.robustness.faults import disk

MODULE = "tests.robustness.faults.command"
_batch_arguments = batch_run._arguments


def matched(mesh: Mesh, bundle: Bundle, **_: Any) -> Alignment:
    """The sample head, in millimetres or in metres, on the template it is."""
    template = bundle.template
    tall, taller = (np.ptp(x.vertices[:, 1]) for x in (mesh, template.whole_head()))
    scale = 10.0 ** np.round(np.log10(taller / tall))
    here = Similarity(scale, np.eye(3), np.zeros(3))
    inner = {part.name: np.asarray(part.vertices) for part in template.inner_parts}
    unbent = np.zeros(len(template.identity_basis))
    near = Residual.from_distances(np.zeros(1))
    fit = Fit(here, unbent, template.vertices, inner, template.landmark_positions, near)
    return align(template, mesh, fit)


def _arguments(*asked: Any) -> list[str]:
    return [MODULE if text == "blender_addon.cli" else text for text in _batch_arguments(*asked)]


def main() -> None:
    batch_processes.end_with_batch()
    pipeline.match = matched
    batch_run._arguments = _arguments
    cli.DEMO_EXPRESSIONS = ("happy@1,4,6,9=1.0",)
    try:
        code = cli.main()
    except SystemExit as ended:
        code = ended.code
    except Exception:
        traceback.print_exc()
        code = cli.EXIT_BROKEN
    if "LD_PRELOAD" in os.environ:
        print(f"asked {disk.Disk().asked}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
