"""What the command was asked for, and what of it can be refused before any work is done."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from facegen_core import pipeline
from facegen_core.errors import FacegenError
from facegen_core.intensity import Envelope, check_expressions
from facegen_core.landmark_inference import Variation

from .. import generators
from ..baking import BakeMode
from ..engine import BUILT_IN, Choice
from ..preferences import DEFAULT_BUNDLE
from ..scene import picture_render, state
from .export_options import check_preset
from .products import check_products

OUTPUT_FORMATS = (".fbx", ".glb", ".blend", ".abc", ".usdc")


@dataclass(frozen=True)
class Request:
    """What the command was asked for.

    head: the file to read, or None for the sample head. frames_per_second: None keeps the
    scene's. outputs: of OUTPUT_FORMATS. landmark_file, parts_file: corrections to go by;
    landmarks_out, parts_out, residual_file: what the match found, to write. variation: which one,
    where the generator makes several. layers: {property of a region: value}, the others stay as
    the head's file has them. bake_settings: {property: value} beside the mode. preset,
    has_root_bone: where the clips go; None is as they are, and what the preset proposes.
    record_file: JSON to replay the clip from, to write. engine: what computes the motion.
    """

    head: Path | None
    envelopes: tuple[Envelope, ...]
    outputs: tuple[Path, ...]
    frames_per_second: float | None = None
    bake_mode: BakeMode = "compact"
    tolerance_mm: float = pipeline.DEFAULT_MAX_ERROR_MM
    landmark_file: Path | None = None
    report_file: Path | None = None
    picture_file: Path | None = None
    bundle_file: Path = DEFAULT_BUNDLE
    object_names: tuple[str, ...] = ()
    clip_name: str = "clip"
    parts_file: Path | None = None
    landmarks_out: Path | None = None
    parts_out: Path | None = None
    residual_file: Path | None = None
    mask_group: str = ""
    is_mask_inverted: bool = False
    use_contact: bool = True
    generator: pipeline.Generator = generators.STEADY
    variation: Variation = field(default_factory=Variation)
    layers: Mapping[str, float] = field(default_factory=dict)
    bake_settings: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    has_root_bone: bool | None = None
    record_file: Path | None = None
    engine: Choice = BUILT_IN

    @property
    def wants_clip(self) -> bool:
        """Whether a moving face is asked for, not only what the match found."""
        products = (self.outputs, self.picture_file, self.report_file, self.record_file)
        return bool(self.envelopes) or any(products)

    @property
    def products(self) -> list[Path]:
        """Every file to write."""
        others = (
            self.picture_file,
            self.report_file,
            self.record_file,
            self.landmarks_out,
            self.parts_out,
            self.residual_file,
        )
        return [*self.outputs, *(path for path in others if path is not None)]


def check_request(request: Request) -> None:
    """Raise FacegenError for what can be refused before any work is done."""
    if request.wants_clip and not request.envelopes:
        raise FacegenError("No expression was asked for: add for example -e happy@1,12,30,45=1.0.")
    fps = request.frames_per_second
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise FacegenError(f"The frame rate must be above 0, got {fps:g}.")
    if not (math.isfinite(request.tolerance_mm) and request.tolerance_mm > 0):
        raise FacegenError(f"The tolerance must be above 0 mm, got {request.tolerance_mm:g}.")
    check_formats(request.outputs)
    if request.picture_file and request.picture_file.suffix.lower() != ".png":
        raise FacegenError(f"The picture is a PNG: name '{request.picture_file.name}' .png.")
    if request.residual_file and request.residual_file.suffix.lower() != ".ply":
        raise FacegenError(f"The residual is a PLY: name '{request.residual_file.name}' .ply.")
    if request.picture_file:
        picture_render.check_rendering()
    check_preset(request.preset, request.outputs)
    check_products(request.products, [request.head] if request.head else [])
    info = state.bundle_info(request.bundle_file)
    check_expressions(request.envelopes, info.expressions)
    generators.check_generator(info, request.generator)


def check_formats(outputs: Sequence[Path]) -> None:
    """Raise FacegenError for a file whose ending is none of OUTPUT_FORMATS."""
    for output in outputs:
        if output.suffix.lower() not in OUTPUT_FORMATS:
            raise FacegenError(
                f"Cannot write '{output.name}': name it {', '.join(OUTPUT_FORMATS)}."
            )
