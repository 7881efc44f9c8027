"""The report of one run of the command, as JSON: what was found, what was made, what it cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Integral
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facegen_core.blendshapes import BlendshapeSet
from facegen_core.eye_motion import EyeMotion
from facegen_core.landmark_inference import Variation
from facegen_core.layers import REGIONS, Layers
from facegen_core.measure import ApexMeasure, largest_displacement_mm, measure_apexes
from facegen_core.numeric import counted
from facegen_core.pipeline import Clip, Generator
from facegen_core.registration.alignment import Alignment

from .. import generators
from ..engine import BUILT_IN_WORDS
from ..operators import bake_keys
from ..scene.landmarks import UNSURE

REPORT_VERSION = 1
# Eyes closed by this much count as a blink.
_SHUT = 0.9
# What the report tells of a rig or a solve beside what it tells of every bake.
_KEY_FIGURES = ("keys", "by", "keys_used", "error_mm", "overlap_error_mm", "left_out")
# Seconds and millimetres are read by people; more digits would only pretend.
_DIGITS = 4


@dataclass
class Stopwatch:
    """Seconds per stage: ``with stopwatch("match"): ...``; a stage entered twice adds up."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + perf_counter() - start


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything the report tells about.

    expressions: names of the clip's channels. engine: what computed the motion, in words.
    first_frame: scene frame of the clip's first row. num_keys: shape keys that play it, without
    Basis. key_figures: of a rig or a solve, `baking.KeyBake.figures`, else {}.
    roundtrip_errors_mm: {file name: largest distance of the file read back from the viewport}.
    """

    source: str
    alignment: Alignment
    clip: Clip
    expressions: tuple[str, ...]
    shapes: BlendshapeSet
    generator: Generator
    variation: Variation
    layers: Layers | None
    engine: str
    bake_mode: str
    key_figures: Mapping[str, Any]
    first_frame: int
    num_keys: int
    roundtrip_errors_mm: Mapping[str, float]
    seconds: Mapping[str, float]
    warnings: tuple[str, ...]
    versions: Mapping[str, str]


def report_of(outcome: Outcome) -> dict[str, Any]:
    """The report as JSON values; lengths are millimetres on a head of real size."""
    alignment, clip = outcome.alignment, outcome.clip
    apexes = measure_apexes(alignment, clip, outcome.expressions)
    errors = outcome.roundtrip_errors_mm
    content = {
        "report_version": REPORT_VERSION,
        "source": outcome.source,
        "versions": dict(outcome.versions),
        "seconds": {**outcome.seconds, "total": sum(outcome.seconds.values())},
        "vertices": alignment.target.num_vertices,
        "frames": clip.num_frames,
        "frames_per_second": clip.frames_per_second,
        "generator": _generator(outcome),
        "engine": outcome.engine,
        "layers": _layers(outcome.layers),
        "registration": _registration(alignment),
        "parts": [_part(part) for part in alignment.parts],
        "contact": dataclasses.asdict(clip.contact) if clip.contact else None,
        "bake": {
            "mode": outcome.bake_mode,
            "keys": outcome.num_keys,
            "max_error_mm": outcome.shapes.max_error * clip.mm_per_unit,
            **{k: outcome.key_figures[k] for k in _KEY_FIGURES if k in outcome.key_figures},
        },
        "roundtrip": {"max_error_mm": max(errors.values(), default=None), "files": dict(errors)},
        "displacement_mm": {
            apex.expression: {
                "frame": outcome.first_frame + apex.frame_index,
                "intensity": apex.intensity,
                "max": apex.max_mm,
                "mean": apex.mean_mm,
            }
            for apex in apexes
        },
        "mouth_corner_motion_mm": {apex.expression: _corners(apex) for apex in apexes},
        "last_frame_mm": largest_displacement_mm(clip, clip.num_frames - 1),
        "warnings": list(outcome.warnings),
    }
    return _rounded(content)


def match_report_of(
    alignment: Alignment, seconds: Mapping[str, float], notes: Sequence[str]
) -> dict[str, Any]:
    """The report of a run that only matched."""
    return _rounded(
        {
            "report_version": REPORT_VERSION,
            "vertices": alignment.target.num_vertices,
            "seconds": {**seconds, "total": sum(seconds.values())},
            "registration": _registration(alignment),
            "parts": [_part(part) for part in alignment.parts],
            "warnings": [*notes, *alignment.fit.warnings],
        }
    )


def summary_lines(report: dict[str, Any]) -> list[str]:
    """What the terminal says of a report: the match and the bake, then a line per expression."""
    residual, bake = report["registration"]["residual_mm"], report.get("bake")
    clip = ""
    if bake:
        clip = f", {counted(report['frames'], 'frame')} as {counted(bake['keys'], 'shape key')} "
        clip += f"within {bake['max_error_mm']:.3f} mm ({report['generator']['words']})"
        if report["engine"] != BUILT_IN_WORDS:
            clip += f" by the {report['engine']}"
    lines = [
        f"{counted(report['vertices'], 'vertex', 'vertices')} matched "
        f"({report['registration']['verdict']}, {residual['mean']:.2f} mm mean residual){clip}, "
        f"{report['seconds']['total']:.1f} s"
    ]
    if bake and "error_mm" in bake:
        lines.append(f"  {bake_keys.sentence(bake, report['frames'])}")
    for name, apex in report.get("displacement_mm", {}).items():
        corner = report["mouth_corner_motion_mm"][name]
        lines.append(
            f"  {name}: apex at frame {apex['frame']:g}, up to {apex['max']:.1f} mm, mouth corners "
            f"{corner['up']:+.1f} mm up and {corner['outward']:+.1f} mm outward"
        )
    return lines + [f"  note: {warning}" for warning in report["warnings"]]


def _registration(alignment: Alignment) -> dict[str, Any]:
    fit = alignment.fit
    return {
        "residual_mm": {"mean": fit.residual.mean_mm, "p95": fit.residual.p95_mm},
        "verdict": fit.residual.verdict,
        "mm_per_unit": fit.similarity.scale,
        "unsure_landmarks": int((fit.landmark_confidences < UNSURE).sum()),
    }


def _generator(outcome: Outcome) -> dict[str, Any]:
    words = generators.words(outcome.generator, outcome.variation)
    known = {"id": outcome.generator, "words": words}
    if outcome.generator == generators.STEADY:
        return known
    return known | {"seed": outcome.variation.seed, "amount": outcome.variation.amount}


def _layers(layers: Layers | None) -> dict[str, Any] | None:
    """What lay over the motion; a curve as its least and its greatest value."""
    if layers is None:
        return None

    def span(values: NDArray[np.floating]) -> dict[str, float]:
        return {"min": values.min(), "max": values.max()}

    return {
        "regions": {name: span(layers.gains[:, k]) for k, name in enumerate(REGIONS)},
        "shifts_seconds": dict(zip(REGIONS, layers.shifts, strict=True)),
        "asymmetry": span(layers.asymmetry),
        "extremeness": span(layers.extremeness),
        "leaves_mouth": layers.leaves_mouth,
        "eyes": _eyes(layers.eyes),
    }


def _eyes(eyes: EyeMotion | None) -> dict[str, Any] | None:
    """How often eyes shut, and how far they look away at most."""
    if eyes is None:
        return None
    is_shut = np.concatenate([[False], eyes.blink.max(axis=1) > _SHUT])
    return {
        "blinks": int(np.count_nonzero(is_shut[1:] & ~is_shut[:-1])),
        "largest_gaze_degrees": np.rad2deg(np.abs(eyes.gaze)).max(axis=0).tolist(),
    }


def _part(part: Any) -> dict[str, Any]:
    return {
        "index": part.index,
        "key": part.key,
        "kind": part.kind,
        "motion": part.motion,
        "vertices": len(part.vertex_indices),
        "confidence": part.confidence,
        "welded": bool(part.is_welded),
    }


def _corners(apex: ApexMeasure) -> dict[str, float]:
    corners = apex.mouth_corners
    return {"up": corners.up, "outward": corners.outward, "length": corners.length}


def _rounded(value: Any) -> Any:
    """JSON values with short numbers; NaN and infinities, which JSON lacks, become null."""
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, (bool, str, type(None))):
        return value
    if isinstance(value, Integral):
        return int(value)
    number = float(value)
    return round(number, _DIGITS) if math.isfinite(number) else None
