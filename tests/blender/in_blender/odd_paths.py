"""Folders and files whose names no programmer would choose: everything goes there and comes back.

FACEGEN_ODD_NAMES names a JSON file with more of them, FACEGEN_ODD_TOLD one for what is said of
each; `python -m tests.robustness platforms` gives both.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import bpy
import harness
import numpy as np
from harness import FOLDER, PACKAGE, addon, refused

export_clip, clip_store = addon("operators.export_clip"), addon("scene.clip_store")
state, bundle_room = addon("scene.state"), addon("facegen_core.bundle")
landmark_room, preset_files = addon("facegen_core.landmarks"), addon("facegen_core.preset_files")
preset_shelf, clip_record = addon("preset_shelf"), addon("clip_record")
# 脸 is a face; the last e is two letters, an e and its accent.
FEW = ['Łukasz’ "Kopf" [1] & 100% #ü', "脸 και 😀 e\u0301", "two  dots.. "]
SUFFIXES = (".fbx", ".glb", ".usdc", ".abc")
_listed = os.environ.get("FACEGEN_ODD_NAMES")
NAMES = json.loads(Path(_listed).read_text(encoding="utf-8")) if _listed else FEW
_told = os.environ.get("FACEGEN_ODD_TOLD")
_kept: dict[str, Any] = {}


def folder_of(name: str) -> Path:
    folder = FOLDER / name
    folder.mkdir(exist_ok=True)
    return folder


def test_nothing_of_torch_is_imported_with_all_of_the_add_on() -> None:
    """Every module that works without torch is imported; those that need it stay out."""
    root = importlib.import_module(PACKAGE)
    needing_torch = set()
    for module in pkgutil.walk_packages(root.__path__, f"{PACKAGE}."):
        source = Path(module.module_finder.find_spec(module.name).origin).read_text("utf-8")
        if re.search(r"^\s*(import|from) torch", source, re.MULTILINE):
            needing_torch.add(module.name)
        elif not module.name.endswith(".worker_boot"):  # a script, for the child
            importlib.import_module(module.name)
    assert f"{PACKAGE}.facegen_core.models.expression_model" in needing_torch
    assert not needing_torch & set(sys.modules)


def test_a_head_is_moved_once() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    smile = {"onset_start": 1, "apex_start": 3, "apex_end": 4, "offset_end": 6}
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert bpy.ops.facegen.add_expression(expression="happy", **smile) == {"FINISHED"}
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    _kept["head"] = head.name


def test_every_format_is_written_there_and_read_back() -> None:
    told = {}
    for k, name in enumerate(NAMES):
        try:
            told[name] = _written_and_read(name, SUFFIXES[k % len(SUFFIXES)])
        except Exception as error:
            told[name] = f"{type(error).__name__}: {error}"
    if _told:
        Path(_told).write_text(json.dumps(told), encoding="utf-8")
    failed = {name: said for name, said in told.items() if not said.startswith("Wrote")}
    assert not failed, failed


def _written_and_read(name: str, suffix: str) -> str:
    if suffix == ".usdc" and "\\" in name:  # which USD takes for a slash
        path = folder_of(name) / "clip.usdc"
        bpy.data.objects[_kept["head"]].facegen.export_preset = "film"
        said = refused(lambda: bpy.ops.facegen.export_clip(filepath=str(path)), "backslash")
        assert not list(path.parent.iterdir())
        return f"{_written_and_read(name, '.abc')}; of .usdc it says: {said}"
    head = bpy.data.objects[_kept["head"]]
    settings = head.facegen
    settings.export_preset = {".fbx": "unreal", ".glb": "web"}.get(suffix, "film")
    if settings.export_preset == "film":
        settings.export_film_format = suffix
    settings.export_writes_report = True
    stem = name.encode()[:200].decode(errors="ignore").rstrip()
    path = folder_of(name) / f"{stem}{suffix}"
    assert bpy.ops.facegen.export_clip(filepath=str(path)) == {"FINISHED"}, path
    report = json.loads(settings.export_report)
    assert path.is_file()
    assert report["max_error_mm"] < 0.05, (path, report)
    left = {found.name for found in path.parent.iterdir()} - {path.name, f"{path.name}.json"}
    assert not left, left
    return f"Wrote {suffix}, read back within {report['max_error_mm']:.4f} mm"


def test_names_of_objects_make_names_of_files() -> None:
    """What the file window proposes is one file in one folder on any system."""
    from types import SimpleNamespace

    head = bpy.data.objects[_kept["head"]]
    act = addon("operators").FACEGEN_OT_export_clip
    manager = SimpleNamespace(fileselect_add=lambda operator: None)
    old = head.name
    try:
        for name in ("../../up", "a/b:c*?", "con", "Kopf für 脸", "x" * 60):
            head.name = name
            self = SimpleNamespace(_suffix=lambda target: ".fbx", filepath="")
            context = SimpleNamespace(
                **{n: getattr(bpy.context, n) for n in ("blend_data", "active_object", "scene")},
                selected_objects=bpy.context.selected_objects,
                view_layer=bpy.context.view_layer,
                object=bpy.context.object,
                window_manager=manager,
            )
            act.invoke(self, context, None)
            proposed = Path(self.filepath)
            assert len(proposed.parts) == 1, proposed
            assert proposed.suffix == ".fbx"
            assert not set(':*?"<>|\\') & set(proposed.name)
    finally:
        head.name = old


def test_bundles_records_landmarks_presets_and_scenes_are_kept_there() -> None:
    head = bpy.data.objects[_kept["head"]]
    record = clip_store.read_now(head)
    expected = clip_record.from_text(record, "here")
    shelved = preset_shelf.shelf()[0]
    shipped = addon("preferences").DEFAULT_BUNDLE
    points = {n: np.array([n, 0.5, 2.0]) for n in range(68)}
    for k, name in enumerate(NAMES):
        folder, stem = folder_of(name), name[:60].rstrip()
        (folder / f"{stem}.json").write_text(record, encoding="utf-8")
        assert clip_record.read_file(folder / f"{stem}.json") == expected
        shutil.copy(shelved.path, folder / f"{stem} preset.json")
        assert preset_files.read_preset(folder / f"{stem} preset.json") == shelved.preset
        landmark_room.write_landmark_file(folder / f"{stem} marks.json", points)
        found = landmark_room.read_landmark_file(folder / f"{stem} marks.json")
        assert all(np.array_equal(found[n], points[n]) for n in points)
        if k == 1:  # 20 MB, and a whole scene
            shutil.copy(shipped, folder / f"{stem}.facegen")
            opened = state.open_bundle(folder / f"{stem}.facegen")
            assert opened.bundle.config == state.open_bundle(shipped).bundle.config
            (folder / f"{stem}.facegen").unlink()
            scene = folder / f"{stem}.blend"
            bpy.ops.wm.save_as_mainfile(filepath=str(scene), check_existing=False, copy=True)
            assert scene.is_file()
    bpy.ops.wm.open_mainfile(filepath=str(scene))
    state.forget_all()
    head = bpy.data.objects[_kept["head"]]
    assert clip_record.from_text(clip_store.read_now(head), "again") == expected
    harness.activate(head)
    assert bpy.ops.facegen.regenerate() == {"FINISHED"}


def test_a_name_too_long_for_the_disk_is_one_sentence() -> None:
    head = bpy.data.objects[_kept["head"]]
    harness.activate(head)
    longest = FOLDER / ("n" * 251 + ".fbx")  # the most a disk takes
    head.facegen.export_preset, head.facegen.export_writes_report = "unreal", False
    assert bpy.ops.facegen.export_clip(filepath=str(longest)) == {"FINISHED"}
    assert longest.is_file()
    too_long = FOLDER / ("n" * 252 + ".fbx")
    refused(
        lambda: bpy.ops.facegen.export_clip(filepath=str(too_long)),
        "too long",
        "choose a shorter name",
    )


def test_presets_and_the_asset_library_live_in_the_user_folder() -> None:
    head = bpy.data.objects[_kept["head"]]
    harness.activate(head)
    assert bpy.ops.facegen.save_preset(name="Łächeln ’脸’") == {"FINISHED"}
    assert any(s.preset.name == "Łächeln ’脸’" for s in preset_shelf.shelf() if s.is_own)
    assert bpy.ops.facegen.presets_to_assets() == {"FINISHED"}


harness.run(globals())
