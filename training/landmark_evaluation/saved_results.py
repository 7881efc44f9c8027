"""results.json and results.md hold what was measured of both generators; neither is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facegen_core.errors import FacegenError
from facegen_core.files import write_text
from facegen_core.json_text import read_json
from training.evaluation.results import write_results
from training.landmark_evaluation.report import with_landmark_section

# The name of the second generator's results in results.json.
KEY = "lm4dgan"


def write_section(results: dict[str, Any], out: Path) -> None:
    """Put the results beside those of the first generator."""
    path = out / "results.json"
    page = out / "results.md"
    write_results(read_results(path) | {KEY: results}, path)
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    write_text(page, with_landmark_section(text, results))


def read_results(path: Path) -> dict[str, Any]:
    """What results.json holds; nothing where there is none. Raises FacegenError where it is not
    JSON, so that nothing is overwritten that could still be mended."""
    if not path.exists():
        return {}
    try:
        content = read_json(path)
    except ValueError as error:
        raise FacegenError(f"{path} is not JSON ({error}): mend or remove it first.") from error
    if not isinstance(content, dict):
        raise FacegenError(f"{path} holds no results: mend or remove it first.")
    return content
