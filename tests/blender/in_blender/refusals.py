"""Every refusal is one clear sentence and changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bpy
import harness
import numpy as np
from harness import FOLDER, ZIP, addon, new_sphere, refused
from models import use_model

curves, state = addon("scene.curves"), addon("scene.state")
generate_module, jobs = addon("operators.generate"), addon("jobs")
landmarks, mesh_bridge = addon("scene.landmarks"), addon("scene.mesh_bridge")
preferences = addon("preferences")
errors = addon("facegen_core.errors")
match, generate = bpy.ops.facegen.match, bpy.ops.facegen.generate


def sphere_scene() -> bpy.types.Object:
    harness.empty_scene()
    return new_sphere("Head")


def refused_by_all(*words: str) -> None:
    """Match and Generate both refuse with these words."""
    refused(match, *words)
    refused(generate, *words)


def test_no_selection() -> None:
    harness.empty_scene()
    refused_by_all("select the mesh of a head")
    head = new_sphere("Head")
    head.select_set(False)
    refused_by_all("select the mesh of a head")


def test_not_a_mesh() -> None:
    harness.empty_scene()
    bpy.ops.object.empty_add()
    refused_by_all("not a mesh")
    bpy.ops.object.light_add()
    refused_by_all("not a mesh")


def test_an_empty_mesh() -> None:
    head = sphere_scene()
    head.data = bpy.data.meshes.new("Nothing")
    refused_by_all("empty")
    head.data.from_pydata([(0, 0, 0), (1, 0, 0)], [], [])
    refused_by_all("empty")


def test_vertices_that_are_not_numbers() -> None:
    head = sphere_scene()
    head.data.vertices[7].co.x = float("nan")
    refused_by_all("not finite", "7")


def test_a_scale_of_zero() -> None:
    head = sphere_scene()
    head.scale.z = 0.0
    bpy.context.view_layer.update()
    refused_by_all("scale of zero", "Head")


def test_a_cube_and_a_flat_grid() -> None:
    for add in (bpy.ops.mesh.primitive_cube_add, bpy.ops.mesh.primitive_grid_add):
        harness.empty_scene()
        add()
        sentence = refused(match)
        assert "face" in sentence.lower() or "head" in sentence.lower(), sentence
        refused(generate)


def test_a_body_without_a_head() -> None:
    harness.empty_scene()
    for radius, place, stretch in (
        (0.25, (0, 0, 1.2), (1.0, 0.6, 1.6)),
        (0.12, (0.12, 0, 0.5), (1, 1, 4)),
        (0.12, (-0.12, 0, 0.5), (1, 1, 4)),
        (0.08, (0.45, 0, 1.3), (3.5, 1, 1)),
        (0.08, (-0.45, 0, 1.3), (3.5, 1, 1)),
    ):
        limb = new_sphere("Limb", radius, 32)
        limb.location, limb.scale = place, stretch
    bpy.ops.object.join()
    bpy.context.view_layer.update()
    sentence = refused(match)
    assert "landmark" in sentence.lower(), sentence


def test_a_linked_object() -> None:
    sphere_scene()
    path = str(FOLDER / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    harness.empty_scene()
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = ["Head"]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    harness.activate(linked)
    refused_by_all("linked from another file", "local")
    refused(lambda: bpy.ops.facegen.add_expression(expression="happy"), "linked")


def test_edit_mode() -> None:
    sphere_scene()
    bpy.ops.object.mode_set(mode="EDIT")
    refused_by_all("Object Mode")
    bpy.ops.object.mode_set(mode="OBJECT")


def altered_bundle(name: str, **changes: object) -> Path:
    """The shipped bundle with other values in its header."""
    with np.load(preferences.DEFAULT_BUNDLE, allow_pickle=False) as source:
        arrays = {entry: source[entry] for entry in source.files}
    header = json.loads(arrays["header"].tobytes()) | changes
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with (FOLDER / name).open("wb") as stream:
        np.savez(stream, **arrays)
    return FOLDER / name


def test_a_bundle_that_is_missing_truncated_foreign_or_of_another_version() -> None:
    sphere_scene()
    truncated, foreign = FOLDER / "truncated.facegen", FOLDER / "foreign.facegen"
    content = preferences.DEFAULT_BUNDLE.read_bytes()
    truncated.write_bytes(content[: len(content) // 2])
    foreign.write_bytes(ZIP.read_bytes()[:100_000])
    np.savez(FOLDER / "other.npz", a=np.zeros(3))
    other = shutil.move(FOLDER / "other.npz", FOLDER / "other.facegen")
    cases = [
        (FOLDER / "missing.facegen", "missing.facegen"),
        (FOLDER, ""),
        (truncated, "truncated.facegen"),
        (foreign, "foreign.facegen"),
        (other, "other.facegen"),
        (altered_bundle("newer.facegen", schema_version=999), "version"),
        (altered_bundle("kind.facegen", kind="something else"), "kind.facegen"),
    ]
    try:
        for path, word in cases:
            use_model(path)
            print(refused(match, word))
            refused(generate, word)
    finally:
        use_model("")


def test_an_apex_before_its_onset_and_other_impossible_events() -> None:
    sphere_scene()
    add = bpy.ops.facegen.add_expression
    marks = {"onset_start": 10, "apex_start": 5, "apex_end": 20, "offset_end": 30}
    refused(lambda: add(expression="happy", **marks), "onset start < apex start")
    marks |= {"apex_start": 15, "offset_end": 18}
    refused(lambda: add(expression="happy", **marks), "apex end < offset end")
    refused(lambda: add(expression="happy", **(marks | {"offset_end": float("nan")})), "number")


def test_an_empty_frame_range() -> None:
    head = sphere_scene()
    settings = head.facegen
    settings.frame_range, settings.frame_start, settings.frame_end = "custom", 20, 10
    refused(generate, "frame range is empty", "20", "10")
    path = str(FOLDER / "never.fbx")
    refused(lambda: bpy.ops.facegen.export_fbx(filepath=path), "frame range is empty")
    assert not Path(path).exists()


def test_an_unwritable_path() -> None:
    sphere_scene()
    (FOLDER / "folder.fbx").mkdir()
    for path in ("/nowhere/at/all/clip.fbx", str(FOLDER / "folder.fbx")):
        refused(lambda p=path: bpy.ops.facegen.export_fbx(filepath=p), "cannot write")


def test_too_few_landmarks() -> None:
    head = sphere_scene()
    bpy.ops.facegen.place_landmarks()
    places = landmarks.landmark_empties(head)
    assert len(places) == 13
    bpy.data.objects.remove(places[30])
    refused(match, "12 landmarks", "13")


def test_cancel_half_way_at_every_stage() -> None:
    """The work is stopped at one of its reports after the other; the scene never notices."""
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    bpy.ops.facegen.add_expression(expression="happy")
    request = generate_module.request_generate(bpy.context, head)
    reached: list[float] = []

    def stopped_at(stop: float) -> None:
        def progress(fraction: float, message: str) -> None:
            if fraction >= stop:
                reached.append(fraction)
                raise errors.CancelledError

        refused(lambda: generate_module.run_generate(request, progress), "cancelled")

    for stop in (0.0, 0.02, 0.3):
        stopped_at(stop)
    addon("operators.match").match_head(bpy.context, head)  # the later stages need not wait for it
    for stop in (0.5, 0.8, 1.0):
        stopped_at(stop)
    assert len(reached) == 6


def test_a_head_that_changes_while_the_work_runs_is_not_written_to() -> None:
    head = sphere_scene()
    gathered = mesh_bridge.gather([head])
    head.data.vertices.add(1)
    refused(gathered.objects, "other vertices")
    head.name = "Renamed"
    refused(gathered.objects, "gone or renamed")


if __name__ == "__main__":
    harness.run(globals())
