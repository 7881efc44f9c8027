"""A painted vertex group weakens the motion; contact is a checkbox with figures."""

from __future__ import annotations

import json

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import FOLDER, addon, close, refused
from sample import know_sample_head

generate, mask, state = addon("operators.generate"), addon("scene.mask"), addon("scene.state")
mesh_bridge = addon("scene.mesh_bridge")


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def motion() -> np.ndarray:
    """(T, M, 3) of a clip generated now, without contact, which may touch what is not masked."""
    request = generate.request_generate(bpy.context, head())
    return generate.run_generate(request).clip.displacements


def test_painted_weights_multiply_the_motion() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    know_sample_head()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    bpy.ops.facegen.add_expression(
        expression="surprise", onset_start=1, apex_start=4, apex_end=5, offset_end=8
    )
    head().facegen.use_contact = False
    whole = motion()
    vertices = mesh_bridge.neutral_vertices(head().data)
    left = np.flatnonzero(vertices[:, 0] > 0.0).tolist()
    group = head().vertex_groups.new(name="Left")
    group.add(left, 1.0, "REPLACE")
    head().facegen.mask_group = "Left"
    right = np.setdiff1d(np.arange(len(vertices)), left)
    masked = motion()
    assert np.abs(whole[:, right]).max() > 0.0
    assert np.abs(masked[:, right]).max() < 0.2 * np.abs(whole[:, right]).max()
    skin = np.abs(whole[:, left]).max(axis=(0, 2)) > 0
    assert np.abs(masked[:, left]).max() > 0.9 * np.abs(whole[:, left]).max()
    assert skin.any()
    head().facegen.is_mask_inverted = True
    inverted = motion()
    assert np.abs(inverted[:, right]).max() > 0.9 * np.abs(whole[:, right]).max()


def test_the_mask_is_read_vertex_by_vertex_and_other_objects_move_fully() -> None:
    extra = harness.new_sphere("Eye", 0.01)
    gathered = mesh_bridge.gather([head(), extra])
    group = head().vertex_groups["Left"]
    group.add([3], 0.25, "REPLACE")
    found = mask.read_mask(gathered, "Left")
    assert found.shape == (gathered.mesh.num_vertices,)
    assert abs(found[3] - 0.25) < 1e-6
    own = len(head().data.vertices)
    assert (found[own:] == 1.0).all(), "the eye has no such group"
    close(mask.read_mask(gathered, "Left", True)[:own], 1.0 - found[:own], 1e-6)
    assert mask.read_mask(gathered, "") is None
    bpy.data.objects.remove(extra)


def test_a_missing_group_is_one_sentence() -> None:
    harness.activate(head())
    head().facegen.mask_group = "Nobody"
    refused(bpy.ops.facegen.generate, "no vertex group 'Nobody'")
    head().facegen.mask_group = ""
    head().facegen.is_mask_inverted = False


def test_contact_is_a_setting_that_is_saved_and_its_figures_are_shown() -> None:
    calls = []
    pipeline = addon("facegen_core.pipeline")
    real = pipeline.generate

    def noted(*arguments: object, **options: object) -> object:
        calls.append(options["contact"])
        return real(*arguments, **options)

    pipeline.generate = noted
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert head().facegen.contact == ""
    head().facegen.use_contact = True
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.facegen.generate("EXEC_DEFAULT", True) == {"FINISHED"}
    assert calls == [False, True]
    report = generate.run_generate(generate.request_generate(bpy.context, head())).clip.contact
    pipeline.generate = real
    figures = addon("scene.contact").rows(head().facegen.contact)
    assert bool(figures) == (report is not None)
    if report is not None:
        close(figures[0][1], report.before.lip_penetration_mm, 1e-6)
        assert any(text.startswith("Lips: ") for text in drawn())
    bpy.ops.ed.undo()
    assert head().facegen.contact == ""
    bpy.ops.ed.redo()
    path = str(FOLDER / "contact.blend")
    figures = head().facegen.contact
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    harness.empty_scene()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert head().facegen.contact == figures
    assert not figures or set(json.loads(figures)) == {"before", "after"}
    assert bpy.ops.facegen.remove_keys() == {"FINISHED"}
    assert head().facegen.contact == ""


if __name__ == "__main__":
    harness.run(globals())
