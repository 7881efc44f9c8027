"""The doors of Facegen: every kind of file or message it takes from others.

A door has samples that open, a way to damage them, and what opens them (`security_openings`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.robustness import security_archives as archives
from tests.robustness import security_mutations as damage
from tests.robustness import security_openings as openings
from tests.robustness import security_samples as samples

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Door:
    """cases: how many damaged files are asked for. kind: "bundles", "meshes", "messages", "texts".

    make: makes files that open. needs: a module without which there is no such door.
    ignores: audit events of its own making.
    """

    kind: str
    suffix: str
    cases: int
    make: Callable[[], Sequence[bytes]]
    damage: damage.Mutate
    open: Callable[[Path], object]
    needs: str = "numpy"
    ignores: tuple[str, ...] = ()


def _damage_message(rng: Random, content: bytes) -> bytes:
    """Its prefix and arrays as bytes, its header as JSON, with the old length or the new."""
    length = int.from_bytes(content[8:12], "little")
    if rng.random() < 0.4:
        return damage.damage_bytes(rng, content)
    header = damage.damage_json(rng, content[12 : 12 + length])
    told = length if rng.random() < 0.2 else min(len(header), 0xFFFFFFFF)
    return content[:8] + told.to_bytes(4, "little") + header + content[12 + length :]


# Blender sets itself back with scripts of its own before it reads a file.
_BLENDERS = ("exec", "compile", "import", "ctypes.dlopen", "marshal.loads", "code.__new__")

# Python reads the types that our own settings are annotated with.
_TYPES = ("exec", "compile")

DOORS: dict[str, Door] = {
    "bundle": Door(
        "bundles", ".facegen", 2000, samples.bundles, archives.damage_archive, openings.open_bundle
    ),
    "bundle panel": Door(
        "bundles",
        ".facegen",
        600,
        samples.bundles,
        archives.damage_archive,
        openings.describe_bundle,
    ),
    "default bundle": Door(
        "bundles", ".facegen", 60, samples.default_bundle, damage.damage_bytes, openings.load_bundle
    ),
    "PLY": Door(
        "meshes",
        ".ply",
        2500,
        samples.ply_files,
        damage.damage_lines,
        openings.read_mesh,
        "trimesh",
    ),
    "OBJ": Door(
        "meshes",
        ".obj",
        2000,
        samples.obj_files,
        damage.damage_lines,
        openings.read_mesh,
        "trimesh",
    ),
    "OBJ in Blender": Door(
        "meshes",
        ".obj",
        600,
        samples.obj_files,
        damage.damage_lines,
        openings.read_in_blender,
        "bpy",
        _BLENDERS,
    ),
    "worker message": Door(
        "messages", ".bin", 4000, samples.messages, _damage_message, openings.read_messages
    ),
    "preset": Door(
        "texts", ".json", 1500, samples.presets, damage.damage_json, openings.play_preset
    ),
    "landmarks": Door(
        "texts", ".json", 500, samples.landmark_files, damage.damage_json, openings.read_landmarks
    ),
    "clip record": Door(
        "texts", ".json", 1500, samples.records, damage.damage_json, openings.read_record, "bpy"
    ),
    "job list": Door(
        "texts", ".txt", 700, samples.job_lists, damage.damage_lines, openings.read_jobs, "bpy"
    ),
    "corrected parts": Door(
        "texts", ".json", 500, samples.parts_files, damage.damage_json, openings.read_parts, "bpy"
    ),
    "checkpoint": Door(
        "bundles",
        ".npz",
        500,
        samples.checkpoints,
        archives.damage_archive,
        openings.load_checkpoint,
        "torch",
    ),
    "training settings": Door(
        "texts",
        ".yaml",
        600,
        samples.dataset_settings,
        damage.damage_lines,
        openings.read_settings,
        "yaml",
        _TYPES,
    ),
    "marks": Door(
        "texts", ".csv", 400, samples.marks, damage.damage_lines, openings.read_marks, "trimesh"
    ),
    "data pack": Door(
        "meshes",
        ".tar",
        300,
        samples.archives,
        damage.damage_bytes,
        openings.read_archive,
        "trimesh",
    ),
}
