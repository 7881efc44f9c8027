"""What a user needs to know of a model bundle before trusting it: trained on what, how well, when.

Read from the header alone, so that a panel may ask for it at every redraw. What a header leaves
out is left out here too; nothing is guessed.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .bundle import read_header
from .errors import BundleError
from .models.config import ModelConfig

# Measures of the trainer's metrics that a user can weigh, and what they are to be called.
ERROR_MEASURES = {
    "model_mm": "this model",
    "class_mean_mm": "class mean",
    "neutral_mm": "no motion",
}
TOTAL = "total"
# A header may hold anything; a panel shows no more of it than this. No error is as large.
_LONGEST_TEXT, _LARGEST_MM = 2000, 1e6


@dataclass(frozen=True, eq=False)
class BundleInfo:
    """The header of a bundle in plain values; texts are empty where it does not tell.

    errors_mm: {measure: {expression or "total": mm}} on people the model was not trained on, of
    the model itself, of playing the average of the label, and of not moving at all.
    num_test_subjects: how many people those are, or None.
    settings: the effective configuration behind the command, as JSON values.
    has_variations: whether it holds the second generator beside the first.
    num_face_shapes: how many shapes under ARKit names it holds; shapes_source: where from.
    """

    file_name: str
    num_bytes: int
    config: ModelConfig
    data_name: str
    data_source: str
    data_subjects: str
    data_licence: str
    licence: str
    errors_mm: dict[str, dict[str, float]]
    num_test_subjects: int | None
    date: str
    commit: str
    seed: str
    command: str
    settings: dict[str, Any]
    has_variations: bool
    num_face_shapes: int = 0
    shapes_source: str = ""

    @property
    def expressions(self) -> tuple[str, ...]:
        return self.config.expressions

    @property
    def total_mm(self) -> float | None:
        """The model's own error over all expressions, mm, or None when it was not recorded."""
        return self.errors_mm.get("model_mm", {}).get(TOTAL)


def read_bundle_info(path: Path) -> BundleInfo:
    """Read what a bundle's header tells, and no more: `load_bundle` checks the whole file.

    Raises BundleError with one sentence.
    """
    path = Path(path)
    header, config = read_header(path)
    for name in ("training_data", "licences", "metrics"):
        if not isinstance(header[name], dict):
            raise BundleError(f"{path.name} cannot be used: '{name}' of its header is damaged.")
    data, licences, metrics = header["training_data"], header["licences"], header["metrics"]
    command, settings = _command(header["command"])
    shapes = header.get("face_shapes", {})
    if not isinstance(shapes, dict):
        raise BundleError(f"{path.name} cannot be used: 'face_shapes' of its header is damaged.")
    num_subjects, names = metrics.get("num_test_subjects"), shapes.get("names")
    return BundleInfo(
        file_name=path.name,
        num_bytes=path.stat().st_size,
        config=config,
        data_name=_text(data.get("name")),
        data_source=_text(data.get("source")),
        data_subjects=_text(data.get("subjects")),
        data_licence=_text(licences.get("training_data")),
        licence=_text(licences.get("weights")),
        errors_mm=_errors_mm(metrics.get("final")),
        num_test_subjects=num_subjects if _is_count(num_subjects) else None,
        date=_text(header["date"]),
        commit=_text(header["commit"]),
        seed=_text(header["seed"]),
        command=command,
        settings=settings,
        has_variations="landmark_model" in header,
        num_face_shapes=len(names) if isinstance(names, list) else 0,
        shapes_source=_shapes_source(shapes.get("provenance")),
    )


def summary_rows(info: BundleInfo) -> list[tuple[str, str]]:
    """(label, value) lines for people, without the errors; empty values are left out."""
    config = info.config
    parts: list[str] = [config.decoder]
    if config.has_blendshapes:
        parts.append(f"{config.num_blendshapes} blendshapes")
    if config.follows_neutral:
        parts.append("shaped by the face it is on")
    people = f"{info.data_subjects} people" if info.data_subjects.isdigit() else info.data_subjects
    rows = [
        ("File", f"{info.file_name}, {info.num_bytes / 1e6:.1f} MB"),
        ("Expressions", ", ".join(info.expressions)),
        ("Training data", ", ".join(text for text in (info.data_name, people) if text)),
        ("Source", info.data_source),
        ("Licence of data", info.data_licence),
        ("Licence of model", info.licence),
        ("Date", info.date),
        ("Commit", info.commit),
        ("Seed", info.seed),
        ("Command", info.command),
        ("Decoder", ", ".join(parts)),
        ("Generators", "steady and varied" if info.has_variations else "steady"),
        ("Face shapes", _shapes_words(info)),
        ("Frame rate", f"{config.model_rate:g} per second"),
    ]
    return [(label, value) for label, value in rows if value]


def error_sentence(info: BundleInfo) -> str:
    """The errors in one line: "0.53 mm on 27 unseen people (class mean 0.57, no motion 1.85)"."""
    if info.total_mm is None:
        return "not recorded"
    people = f"{info.num_test_subjects} " if info.num_test_subjects else ""
    others = [
        f"{words} {info.errors_mm[measure][TOTAL]:.2f}"
        for measure, words in ERROR_MEASURES.items()
        if measure != "model_mm" and TOTAL in info.errors_mm.get(measure, {})
    ]
    beside = f" ({', '.join(others)})" if others else ""
    return f"{info.total_mm:.2f} mm on {people}unseen people{beside}"


def error_table(info: BundleInfo) -> list[list[str]]:
    """Rows of cells: a head line, a line per expression, and the total; empty when unrecorded."""
    measures = [measure for measure in ERROR_MEASURES if info.errors_mm.get(measure)]
    if not measures:
        return []
    known = {name for measure in measures for name in info.errors_mm[measure]}
    names = [name for name in (*info.expressions, TOTAL) if name in known]
    lines = [["", *(ERROR_MEASURES[measure] for measure in measures)]]
    for name in names:
        values = [info.errors_mm[measure].get(name) for measure in measures]
        lines.append([name, *("–" if value is None else f"{value:.2f}" for value in values)])
    return lines


def info_as_json(info: BundleInfo) -> dict[str, Any]:
    """The same as JSON values for other programs; null where the header does not tell."""
    config = info.config
    return {
        "file": info.file_name,
        "bytes": info.num_bytes,
        "expressions": list(info.expressions),
        "decoder": config.decoder,
        "num_blendshapes": config.num_blendshapes if config.has_blendshapes else 0,
        "follows_neutral": config.follows_neutral,
        "has_variations": info.has_variations,
        "num_face_shapes": info.num_face_shapes,
        "frames_per_second": config.model_rate,
        "training_data": {
            "name": info.data_name or None,
            "source": info.data_source or None,
            "subjects": info.data_subjects or None,
            "licence": info.data_licence or None,
        },
        "licence": info.licence or None,
        "error_mm": {
            measure.removesuffix("_mm"): dict(info.errors_mm[measure])
            for measure in ERROR_MEASURES
            if measure in info.errors_mm
        },
        "num_test_subjects": info.num_test_subjects,
        "date": info.date or None,
        "commit": info.commit or None,
        "seed": info.seed or None,
        "command": info.command or None,
        "settings": info.settings,
    }


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{_text(item)} {name}" for name, item in value.items())
    return "" if value is None or value == "unknown" else str(value)[:_LONGEST_TEXT]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000


def _shapes_source(provenance: object) -> str:
    return _text(provenance.get("source")) if isinstance(provenance, dict) else ""


def _shapes_words(info: BundleInfo) -> str:
    if info.num_face_shapes == 0:
        return ""
    source = f", from {info.shapes_source}" if info.shapes_source else ""
    return f"{info.num_face_shapes} under ARKit names{source}"


def _command(content: object) -> tuple[str, dict[str, Any]]:
    """The command line and the settings it ran with; trainers store one text, or both."""
    if not isinstance(content, dict):
        return _text(content), {}
    line = content.get("train", "")
    settings = content.get("settings", {})
    text = shlex.join(map(_text, line)) if isinstance(line, list) else _text(line)
    return text, dict(settings) if isinstance(settings, dict) else {}


def _errors_mm(content: object) -> dict[str, dict[str, float]]:
    """The measures that are known, of numbers that are numbers."""
    if not isinstance(content, dict):
        return {}
    found = {}
    for measure in ERROR_MEASURES:
        values = content.get(measure)
        if isinstance(values, dict):
            found[measure] = {
                str(name): float(value)
                for name, value in values.items()
                if isinstance(value, (int, float)) and abs(value) < _LARGEST_MM
            }
    return found
