"""How clips are written: the options, and writing one by them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from facegen_core.errors import FacegenError

# Files that only the repaired copy is written to; .fbx and .glb are with a preset.
CACHES = (".abc", ".usdc")
PRESETS = ("unity", "unreal", "blender", "web", "film")


def add_export(command: argparse.ArgumentParser) -> None:
    """Where the clip goes."""
    command.add_argument(
        "--preset",
        choices=PRESETS,
        help="where the clip goes: axes, unit and format are what is expected there, and a "
        "repaired copy of the head is written: modifiers applied, plain curves from 0 to 1, scale "
        "applied (.abc and .usdc: film)",
    )
    command.add_argument(
        "--root-bone",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="skin everything to one bone (as the preset proposes: unreal does)",
    )


def export_of(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a request that say how clips are written. Raises FacegenError."""
    if options.root_bone is not None and options.preset is None:
        raise FacegenError("--root-bone belongs to a preset: add for example --preset unity.")
    return {"preset": options.preset, "has_root_bone": options.root_bone}


def check_preset(preset: str | None, outputs: Sequence[Path]) -> None:
    """Raise FacegenError where a preset has nothing to write, or this Blender cannot write it."""
    from ..scene import export_presets

    if preset is not None:
        wanted = export_presets.BY_IDENTIFIER[preset].suffixes
        if not any(output.suffix.lower() in wanted for output in outputs):
            raise FacegenError(
                f"--preset {preset} writes {' or '.join(wanted)}: add -o clip{wanted[0]}."
            )
    for output in outputs:
        if output.suffix.lower() in CACHES:
            export_presets.check_exporter(output)


def preset_for(preset: str | None, output: Path) -> str | None:
    """The preset a file is written by; None: as it is, without a repaired copy."""
    from ..scene import export_presets

    suffix = output.suffix.lower()
    if preset is not None and suffix in export_presets.BY_IDENTIFIER[preset].suffixes:
        return preset
    return export_presets.DEFAULT_OF_SUFFIX[suffix] if suffix in CACHES else None
