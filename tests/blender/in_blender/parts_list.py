"""Parts Found: corrected with one click, kept through undo, files and new matches."""

from __future__ import annotations

import json

import bpy
import harness
import numpy as np
from drawn import StubLayout, drawn
from harness import FOLDER, addon, new_sphere, refused

state, pipeline = addon("scene.state"), addon("facegen_core.pipeline")
part_rows, face_panels = addon("scene.part_rows"), addon("panels.face")
correct, select = bpy.ops.facegen.correct_part, bpy.ops.facegen.select_part
calls: list[str] = []


def counted(name: str) -> None:
    """Note every call of a function of the pipeline from now on."""
    function = getattr(pipeline, name)

    def noted(*arguments: object, **options: object) -> object:
        calls.append(name)
        return function(*arguments, **options)

    setattr(pipeline, name, noted)


counted("match")
counted("correct_parts")


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def row_of(kind: str) -> int:
    return next(n for n, row in enumerate(head().facegen.found_parts) if row.name == kind)


def rows() -> list[tuple[str, str, str]]:
    return sorted((r.name, r.motion, r.keys) for r in head().facegen.found_parts)


def test_a_match_lists_one_row_per_part() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert calls == ["match"]
    found = head().facegen.found_parts
    assert {"skin", "eyeball_left", "lower_teeth"} <= {row.name for row in found}
    assert sum(r.num_vertices for r in found if r.group < 0) <= len(head().data.vertices)
    assert all(row.object_name == "Facegen Head" for row in found)
    assert {"Skin", "Left eyeball", "jaw"} <= set(drawn_list())


def drawn_list() -> list[str]:
    """What the list draws of the rows it shows."""
    seen: list[str] = []
    data = head().facegen
    stub = type("Stub", (), {"bitflag_filter_item": 1})()
    flags, _ = face_panels.FACEGEN_UL_parts.filter_items(stub, bpy.context, data, "found_parts")
    for index, (row, flag) in enumerate(zip(data.found_parts, flags, strict=True)):
        if flag:
            face_panels.FACEGEN_UL_parts.draw_item(
                stub, bpy.context, StubLayout(seen), data, row, 0, data, "active_part", index
            )
    return seen


def test_one_click_corrects_a_part_without_a_new_match_and_one_undo_takes_it_back() -> None:
    calls.clear()
    before = rows()
    bpy.ops.ed.undo_push(message="before")
    state_before = harness.snapshot()
    done = correct("EXEC_DEFAULT", True, kind="upper_teeth", row=row_of("lower_teeth"))
    assert done == {"FINISHED"}
    assert calls == ["correct_parts"]
    row = head().facegen.found_parts[head().facegen.active_part]
    assert (row.name, row.motion, row.is_corrected) == ("upper_teeth", "still", True)
    assert "Reset to Automatic" in drawn()
    bpy.ops.ed.undo()
    assert rows() == before
    assert harness.snapshot() == state_before
    assert not head().facegen.corrections
    bpy.ops.ed.redo()
    assert head().facegen.corrections


def test_a_corrected_part_moves_as_it_was_told() -> None:
    generate = addon("operators.generate")
    bpy.ops.facegen.add_expression(
        expression="surprise", onset_start=1, apex_start=4, apex_end=5, offset_end=8
    )
    generated = generate.run_generate(generate.request_generate(bpy.context, head()))
    alignment = generated.match.alignment
    keys = part_rows.keys_of(corrected_row())
    mine = part_rows.vertices_of(alignment, keys)
    assert np.abs(generated.clip.displacements[:, mine]).max() == 0.0
    assert np.abs(generated.clip.displacements).max() > 0.0


def corrected_row() -> bpy.types.PropertyGroup:
    return next(row for row in head().facegen.found_parts if row.is_corrected)


def test_corrections_survive_saving_a_new_match_and_another_object() -> None:
    path = str(FOLDER / "corrected.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    harness.empty_scene()
    bpy.ops.wm.open_mainfile(filepath=path)
    state.forget_all()
    keys = corrected_row().keys
    calls.clear()
    harness.activate(head())
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert calls == ["match"]
    assert (corrected_row().name, corrected_row().keys) == ("upper_teeth", keys)
    # Objects come in the order of their names after the head, so this one takes other numbers.
    extra = new_sphere("A Lamp", radius=0.02)
    extra.location = (0.5, 0.0, 0.1)
    bpy.context.view_layer.update()
    harness.activate(head(), extra)
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert corrected_row().name == "upper_teeth"
    assert any(row.object_name == "A Lamp" for row in head().facegen.found_parts)


def test_the_vertices_of_a_part_are_selected_in_edit_mode() -> None:
    harness.activate(head())
    number = row_of("eyeball_left")
    row = head().facegen.found_parts[number]
    assert select(row=number) == {"FINISHED"}
    assert bpy.context.mode == "EDIT_MESH"
    refused(lambda: correct(kind="hair", row=number), "Object Mode")
    bpy.ops.object.mode_set(mode="OBJECT")
    chosen = [v.index for v in head().data.vertices if v.select]
    assert len(chosen) == row.num_vertices
    assert min(chosen) == json.loads(row.keys)[0]
    centre = np.mean([head().data.vertices[i].co for i in chosen], axis=0)
    assert centre[0] > 0.01, "the left eye is on +X"


def test_reset_brings_back_what_was_found() -> None:
    number = next(n for n, r in enumerate(head().facegen.found_parts) if r.is_corrected)
    assert correct(kind="AUTOMATIC", row=number) == {"FINISHED"}
    assert "lower_teeth" in {row.name for row in head().facegen.found_parts}
    assert not any(row.is_corrected for row in head().facegen.found_parts)
    assert not head().facegen.corrections


def test_many_parts_alike_come_under_one_heading_that_acts_on_all() -> None:
    alignment_module = addon("facegen_core.registration.alignment")
    parts = [
        alignment_module.Part(k, "lashes", "carried", np.array([10 * k, 10 * k + 1]), 0.9)
        for k in range(1, 8)
    ]
    parts.append(alignment_module.Part(0, "skin", "skin", np.arange(5), 1.0))
    settings = head().facegen
    found = type("Alignment", (), {"parts": parts})()
    gathered = addon("scene.mesh_bridge").gather([head()])
    part_rows.fill(settings, gathered, found, [])
    headings = [row for row in settings.found_parts if row.is_heading]
    assert [(row.name, row.num_parts) for row in headings] == [("lashes", 7)]
    assert len(part_rows.keys_of(headings[0])) == 7
    assert len(settings.found_parts) == 9
    assert drawn_list().count("Eyelashes") == 0
    headings[0].is_expanded = True
    assert drawn_list().count("Eyelashes") == 7
    part_rows.fill(settings, gathered, found, [])
    assert next(row for row in settings.found_parts if row.is_heading).is_expanded
    assert bpy.ops.facegen.match() == {"FINISHED"}


def test_wrong_moves_are_refused_and_change_nothing() -> None:
    refused(lambda: correct(kind="hair", row=500), "no such part")
    bpy.ops.object.mode_set(mode="EDIT")
    refused(lambda: correct(kind="hair", row=0), "Object Mode")
    bpy.ops.object.mode_set(mode="OBJECT")
    lamp = bpy.data.objects["A Lamp"]
    harness.activate(head(), lamp)
    bpy.ops.facegen.match()
    harness.activate(head())
    lamp.name = "Renamed"
    calls.clear()
    assert correct(kind="clothes", row=row_of("skin")) == {"FINISHED"}, "a name is no identity"
    assert calls == ["correct_parts"]
    correct(kind="AUTOMATIC", row=head().facegen.active_part)
    bpy.data.objects.remove(lamp)
    refused(lambda: correct(kind="hair", row=0), "changed since it was matched")
    refused(lambda: select(row=0), "changed since it was matched")
    other = new_sphere("Other")
    harness.activate(other)
    refused(lambda: correct(kind="hair", row=0), "Match first")


def poke_a_face() -> None:
    """Give one face a vertex in its middle."""
    import bmesh  # there only once bpy is

    work = bmesh.new()
    work.from_mesh(head().data)
    work.faces.ensure_lookup_table()
    bmesh.ops.poke(work, faces=work.faces[:1])
    work.to_mesh(head().data)
    work.free()


def test_a_changed_mesh_drops_its_corrections_with_a_word() -> None:
    harness.activate(head())
    bpy.ops.facegen.match()
    correct(kind="upper_teeth", row=row_of("lower_teeth"))
    poke_a_face()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert "dropped, look at Parts Found again" in head().facegen.warnings
    assert not head().facegen.corrections
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert "dropped" not in head().facegen.warnings


if __name__ == "__main__":
    harness.run(globals())
