"""Writing the clips of a run, each for where it goes, and reading each back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy

from facegen_core.progress import Progress

from ..scene import arrival, export_presets, fbx
from .animate_request import Request
from .export_options import preset_for
from .products import Products
from .report import Stopwatch


@dataclass(frozen=True)
class Exported:
    """{file name: largest error of the file read back, mm}, and sentences about what it lacks."""

    errors_mm: dict[str, float]
    missing: tuple[str, ...]


def write_clips(
    request: Request,
    objects: Sequence[bpy.types.Object],
    frame_range: tuple[int, int],
    mm_per_unit: float,
    products: Products,
    stopwatch: Stopwatch,
    progress: Progress,
) -> Exported:
    """Write every output and read it back. Raises FacegenError."""
    errors_mm: dict[str, float] = {}
    missing: list[str] = []
    for number, output in enumerate(request.outputs):
        share = number / len(request.outputs)
        temporary = products.path_for(output)
        preset = preset_for(request.preset, output)
        progress(share, f"Writing {output.name}")
        if preset is not None:
            shipment = arrival.Shipment(
                temporary,
                export_presets.BY_IDENTIFIER[preset],
                frame_range,
                request.clip_name,
                request.has_root_bone,
            )
            with stopwatch("export"):
                report = arrival.ship(bpy.context, objects, shipment, mm_per_unit)
            errors_mm[output.name] = report.max_error_mm or 0.0
            missing += [f"{output.name} lacks {what}." for what in report.missing]
            continue
        with stopwatch("export"):
            fbx.export_file(bpy.context, objects, temporary, frame_range)
        with stopwatch("read_back"):
            progress(share, f"Reading {output.name} back")
            errors_mm[output.name] = fbx.read_back_error_mm(
                bpy.context, objects, temporary, frame_range, mm_per_unit
            )
    return Exported(errors_mm, tuple(missing))
