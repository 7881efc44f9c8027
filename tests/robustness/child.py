"""What a script says that runs in a Blender, or in a Python of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.blender.blenders import Blender, run_in_blender

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "in_blender"
LONGEST_SECONDS = 7200.0


def in_blender(
    blender: Blender, script: str, zip_path: Path, plan: Mapping[str, Any], **settings: str
) -> dict[str, Any]:
    """The result.json of a script of `in_blender`; settings: variables of its environment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plan.json").write_text(json.dumps(plan))
        done = run_in_blender(
            blender, SCRIPTS / script, zip_path, folder, LONGEST_SECONDS, **settings
        )
        result = folder / "result.json"
        if not result.is_file():
            told = (done.stdout + done.stderr)[-2000:]
            raise RuntimeError(f"{script} in Blender {blender.version}: {done.returncode}: {told}")
        return json.loads(result.read_text())


def in_python(module: str, *arguments: str, **settings: str) -> Any:
    """What a module of the tests prints last, as JSON; settings: variables of its environment."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])
