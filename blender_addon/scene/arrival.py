"""An export that arrives: a repaired copy is written, read back and compared before it counts.

copy   = the head as the preset wants it, in a scene aside
write  = the file, under a name of its own
read   = the same file, through every importer at hand; the largest difference and what is missing
place  = the file under its name, all at once
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy

from facegen_core.numeric import counted

from . import export_check, fbx
from .export_presets import (
    BY_IDENTIFIER,
    ExportPreset,
    check_exporter,
    check_room,
    check_suffix,
    write,
)
from .repaired_copy import repaired_copy

# Displacements are written to about this, on a head of real size.
FINEST_MM = 0.001


@dataclass(frozen=True)
class Shipment:
    """What to write and how. has_root_bone, starts_at_zero: None is what the preset proposes."""

    path: Path
    preset: ExportPreset
    frame_range: tuple[int, int]
    clip_name: str = "clip"
    has_root_bone: bool | None = None
    starts_at_zero: bool | None = None
    is_read_back: bool = True


@dataclass(frozen=True)
class ExportReport:
    """What was written, and what a reader finds of it.

    max_error_mm: over all importers; None when the file was not read back. errors_mm: by importer.
    missing: sentences about objects, keys and frames that are not in the file. frames: first and
    last in the file.
    """

    file: str
    preset: str
    size_bytes: int
    frames: tuple[int, int]
    frames_per_second: float
    objects: tuple[str, ...]
    num_keys: int
    max_error_mm: float | None
    errors_mm: dict[str, float]
    missing: tuple[str, ...]
    findings: tuple[dict[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        """One line for the artist."""
        proof = "not read back"
        if self.max_error_mm is not None:
            proof = f"read back within {self.max_error_mm:.4f} mm"
        if self.missing:
            proof += f"; {len(self.missing)} missing: {self.missing[0]}"
        num_frames = self.frames[1] - self.frames[0] + 1
        return (
            f"Wrote {self.file} for {BY_IDENTIFIER[self.preset].label}: "
            f"{counted(self.num_keys, 'key')}, {counted(num_frames, 'frame')}, "
            f"{self.size_bytes / 1e6:.1f} MB, {proof}"
        )


def ship(
    context: bpy.types.Context,
    objects: Sequence[bpy.types.Object],
    shipment: Shipment,
    mm_per_unit: float,
) -> ExportReport:
    """Write the objects; raises FacegenError, and then nothing has been written or changed.

    mm_per_unit: millimetres on a head of real size in one unit of the scene.
    """
    preset, path = shipment.preset, Path(shipment.path)
    check_suffix(preset, path)
    check_exporter(path)
    fbx.check_writable(path)
    unit = context.scene.unit_settings.scale_length
    root, zero = shipment.has_root_bone, shipment.starts_at_zero
    options = preset.copy_options(
        preset.has_root_bone if root is None else root,
        preset.starts_at_zero if zero is None else zero,
        FINEST_MM * unit / mm_per_unit,
    )
    render = context.scene.render
    frames_per_second = render.fps / render.fps_base
    found: dict[str, export_check.ReadBack] = {}
    with fbx.put_in_place(path) as temporary:
        clip_name = shipment.clip_name
        with repaired_copy(context, objects, shipment.frame_range, clip_name, options) as copy:
            check_room(copy, temporary)
            write(copy, temporary, preset, clip_name)
            span, frames, expected = copy.frame_range, copy.frames, copy.expected
        export_check.check_complete(temporary)
        if shipment.is_read_back:
            found = export_check.read_back(context, expected, temporary, frames, mm_per_unit / unit)
        size = os.path.getsize(temporary)
    errors = {name: back.error_mm for name, back in found.items()}
    missing = dict.fromkeys(sentence for back in found.values() for sentence in back.missing)
    return ExportReport(
        file=path.name,
        preset=preset.identifier,
        size_bytes=size,
        frames=span,
        frames_per_second=frames_per_second,
        objects=tuple(one.name for one in expected),
        num_keys=len({name for one in expected for name in one.key_names}),
        max_error_mm=max(errors.values(), default=None),
        errors_mm=errors,
        missing=tuple(missing),
    )
