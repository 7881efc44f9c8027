"""The directions of the house, read from the imports of every file."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each room of the core may import only rooms of earlier rows.
CORE_ROWS = [
    {"errors"},
    {"numeric"},
    {"file_words"},
    {"array_files", "json_text"},
    {"schemas"},
    {"files"},
    {"held"},
    {"progress"},
    {"parallel", "one_thread"},
    {"file_names"},
    {"recent"},
    {"memory"},
    {"mesh"},
    {"topology"},
    {"winding"},
    {"landmarks"},
    {"landmark_network"},
    {"spirals"},
    {"decimation"},
    {"hierarchy"},
    {"template"},
    {"template_arrays"},
    {"motion"},
    {"eye_motion"},
    {"region_masks"},
    {"deformation_transfer"},
    {"eases"},
    {"intensity"},
    {"channel_keys"},
    {"events"},
    {"event_edits"},
    {"event_dragging", "event_mirror"},
    {"conditioning"},
    {"rasteriser"},
    {"registration"},
    {"retarget"},
    {"preview_colours"},
    {"preview"},
    {"contact"},
    {"shape_fitting"},
    {"blendshapes"},
    {"solving"},
    {"rig"},
    {"metrics"},
    {"models"},
    {"quantisation"},
    {"bundle_config"},
    {"landmark_model"},
    {"face_shapes"},
    {"eye_lids"},
    {"gaze"},
    {"head_shapes"},
    {"eye_layer"},
    {"bundle"},
    {"bundle_info"},
    {"inference"},
    {"displacement_inference"},
    {"landmark_inference"},
    {"motion_engine"},
    {"worker_protocol"},
    {"worker_channel"},
    {"worker_process"},
    {"worker_lending"},
    {"worker_talk"},
    {"worker_comparison"},
    {"worker_client"},
    {"worker_devices"},
    {"worker_models"},
    {"worker_engine"},
    {"worker"},
    {"worker_boot"},
    {"layers"},
    {"presets"},
    {"preset_files"},
    {"preset_making"},
    {"portraits"},
    {"posing"},
    {"asking"},
    {"layered_motion"},
    {"pipeline"},
    {"rigging"},
    {"measure"},
]
TORCH_ROOMS = (
    "facegen_core/models/",
    "facegen_core/worker.py",
    "facegen_core/worker_devices.py",
    "facegen_core/worker_engine.py",
    "facegen_core/worker_models.py",
    "training/",
)


def python_files(*folders: str) -> list[Path]:
    files = [p for folder in folders for p in sorted((ROOT / folder).rglob("*.py"))]
    return [p for p in files if "__pycache__" not in p.parts]


@cache
def imported_modules(path: Path) -> set[str]:
    """Absolute dotted names a file imports; relative imports are resolved from the file's place."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join(base + ([node.module] if node.module else []))
            names.add(module)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def imports_of(path: Path, top: str) -> bool:
    return any(name == top or name.startswith(top + ".") for name in imported_modules(path))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    ("folder", "banned"),
    [
        ("facegen_core", "bpy"),
        ("facegen_core", "bmesh"),
        ("facegen_core", "mathutils"),
        ("facegen_core", "blender_addon"),
        ("facegen_core", "training"),
        ("training", "bpy"),
        ("training", "blender_addon"),
        ("blender_addon", "training"),
        ("blender_addon", "torch"),
    ],
)
def test_dependencies_point_one_way(folder, banned):
    offenders = [relative(p) for p in python_files(folder) if imports_of(p, banned)]
    assert not offenders, f"{folder} must not import {banned}"


def test_torch_lives_only_in_models_worker_and_training():
    offenders = [
        relative(p)
        for p in python_files("facegen_core", "blender_addon", "training")
        if imports_of(p, "torch") and not relative(p).startswith(TORCH_ROOMS)
    ]
    assert not offenders


def test_rooms_of_the_core_import_only_rooms_above_them():
    row_of = {room: i for i, row in enumerate(CORE_ROWS) for room in row}
    offences = []
    for path in python_files("facegen_core"):
        room = path.relative_to(ROOT / "facegen_core").parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        assert room in row_of, f"facegen_core/{room} has no row in the ground plan"
        for name in imported_modules(path):
            parts = name.split(".")
            if parts[0] != "facegen_core" or len(parts) < 2 or parts[1] not in row_of:
                continue
            if parts[1] != room and row_of[parts[1]] >= row_of[room]:
                offences.append(f"{relative(path)} imports {name}")
    assert not offences


def test_no_file_uses_pickle():
    banned = ("pickle", "dill", "cloudpickle", "joblib")
    offenders = [
        relative(p)
        for p in python_files("facegen_core", "blender_addon", "training", "tests")
        if any(imports_of(p, name) for name in banned)
    ]
    assert not offenders


def test_bpy_data_is_touched_in_scene_alone():
    offenders = [
        relative(p)
        for p in python_files("blender_addon")
        if "bpy.data" in p.read_text(encoding="utf-8")
        and not relative(p).startswith("blender_addon/scene/")
    ]
    assert not offenders


def test_inside_the_core_imports_are_relative_so_that_it_can_be_embedded():
    offenders = []
    for path in python_files("facegen_core"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            absolute = isinstance(node, ast.ImportFrom) and node.level == 0
            if absolute and (node.module or "").startswith("facegen_core"):
                offenders.append(relative(path))
    assert not offenders


def test_no_file_is_named_for_nothing():
    nothing = {"utils", "helpers", "common", "misc"}
    offenders = [
        relative(p)
        for p in python_files("facegen_core", "blender_addon", "training", "tests")
        if p.stem in nothing
    ]
    assert not offenders
