"""What Copy Report copies: all that a question about Facegen is answered by, and nothing private.

Versions, the model, the engine, figures of the active head, the last error with its traceback. No
geometry, no names of objects, of files only the last part of the path.
"""

from __future__ import annotations

import os
import platform
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from traceback import FrameSummary, TracebackException

import bpy
import numpy
import scipy

import facegen_core
from facegen_core.errors import FacegenError

from . import engine, refusals
from .preferences import bundle_path, engine_choice
from .scene import head_statistics, state

_ADDON = Path(__file__).parent
_LABEL_WIDTH = 10
# A path from its root to its last folder; spaces are part of it, quotes and line ends are not.
_FOLDERS = re.compile(
    r"(?:(?<![\w.~/\\])[A-Za-z]:[\\/]|(?<![\w.])~?[\\/])(?:[^\\/\n'\"<>|:;]+[\\/])*"
)
_MOST_CAUSES = 4


def report_text(context: bpy.types.Context) -> str:
    """The report, in English, a line per fact."""
    rows = [("Facegen", "report; geometry and folders are left out"), *_programs()]
    rows += [("Model", _model(context)), ("Engine", _engine(context))]
    target = state.find_target(context)
    if target is None:
        rows.append(("Head", "none is active"))
    else:
        rows += head_statistics.rows(target)
    rows += _last_error()
    return "\n".join(f"{label:<{_LABEL_WIDTH}}{value}".rstrip() for label, value in rows) + "\n"


def without_folders(text: str) -> str:
    """A sentence in which every path is only its last part."""
    for folder in _known_folders():
        text = text.replace(folder, "~")
    return _FOLDERS.sub("", text)


def _programs() -> Iterator[tuple[str, str]]:
    yield "Facegen", facegen_core.__version__
    yield "Blender", f"{bpy.app.version_string} ({bpy.app.build_hash.decode(errors='replace')})"
    yield (
        "Python",
        f"{platform.python_version()}, NumPy {numpy.__version__}, SciPy {scipy.__version__}",
    )
    yield "System", f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} processors"
    where = "in the background" if bpy.app.background else "with a window"
    yield "Running", f"{where}, language {bpy.app.translations.locale or 'en_US'}"


def _model(context: bpy.types.Context) -> str:
    path = bundle_path(context)
    try:
        opened = state.open_bundle(path)
    except FacegenError as error:
        return without_folders(f"{path.name}: {error}")
    return f"{path.name}, sha256 {opened.file_hash}"


def _engine(context: bpy.types.Context) -> str:
    choice = engine_choice(context)
    if not choice.is_worker:
        return engine.BUILT_IN_WORDS
    report = engine.running_report(choice)
    chosen = f"GPU worker, device {choice.device}"
    if report is None:
        why = without_folders(engine.last_problem(choice)) or "not started"
        return f"{chosen}: {why}"
    return (
        f"{chosen}: {report.device_name} ({report.device}), {report.memory_bytes / 1e9:.1f} GB, "
        f"torch {report.torch_version}, Python {report.python_version}, protocol "
        f"{report.protocol_version}"
    )


def _last_error() -> list[tuple[str, str]]:
    failure = refusals.last()
    if failure is None:
        return [("Error", "none since Facegen was enabled")]
    rows = [("Error", f"in {failure.act}")]
    error: TracebackException | None = failure.error
    for _ in range(_MOST_CAUSES):
        if error is None:
            break
        said = without_folders("".join(error.format_exception_only()).strip())
        rows += [("", line) for line in said.splitlines()]
        rows += [("", f"  {_frame(frame)}") for frame in error.stack]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return rows


def _frame(frame: FrameSummary) -> str:
    """Where in which file: within the add-on its path, elsewhere the file's name."""
    path = Path(frame.filename)
    inside = path.relative_to(_ADDON).as_posix() if path.is_relative_to(_ADDON) else path.name
    return f"{inside}:{frame.lineno} in {frame.name}: {(frame.line or '').strip()}"


def _known_folders() -> list[str]:
    """Folders whose names tell of the artist, the longest first."""
    places = {str(Path.home()), tempfile.gettempdir(), bpy.app.tempdir, str(_ADDON)}
    places.add(os.path.dirname(state.scene_file()))
    return sorted((p for p in places if len(p) > 1), key=len, reverse=True)
