"""The residual as colours: shown, undone, saved, never exported; and everything back afterwards."""

from __future__ import annotations

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import FOLDER, addon, refused
from mathutils import Vector

heat_map, state = addon("scene.heat_map"), addon("scene.state")
toggle = bpy.ops.facegen.heat_map
NAME = heat_map.ATTRIBUTE


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def looks() -> tuple:
    """All that the heat map may touch: colour attributes, which is active, and the shading."""
    mesh = head().data
    shadings = [
        (area.spaces.active.shading.type, area.spaces.active.shading.color_type)
        for area in bpy.context.window_manager.windows[0].screen.areas
        if area.type == "VIEW_3D"
    ]
    assert shadings, "the factory screen has a 3D viewport"
    return (
        [attribute.name for attribute in mesh.color_attributes],
        mesh.attributes.active_color_name,
        mesh.attributes.default_color_name,
        shadings,
        head().facegen.heat_map,
    )


def colours() -> np.ndarray:
    values = np.empty(4 * len(head().data.vertices), np.float32)
    head().data.color_attributes[NAME].data.foreach_get("color_srgb", values)
    return values.reshape(-1, 4)


def test_before_a_match_the_button_says_what_is_missing() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    refused(toggle, "Match first")


def test_the_colours_are_the_residual_in_millimetres() -> None:
    mesh = head().data
    for name in ("Paint", "More Paint"):
        mesh.color_attributes.new(name, "FLOAT_COLOR", "CORNER")
    mesh.attributes.active_color_name = "Paint"
    mesh.attributes.default_color_name = "More Paint"
    assert bpy.ops.facegen.match() == {"FINISHED"}
    before = looks()
    assert toggle() == {"FINISHED"}
    assert mesh.attributes.active_color_name == NAME
    assert mesh.attributes.default_color_name == "More Paint"
    assert looks()[3] == [("SOLID", "VERTEX")] * len(before[3])
    seen = drawn()
    assert {"0", "1", "2.5", "5+"} <= set(seen)
    found = state.recall((head().facegen.fingerprint, "", head().facegen.bundle_hash))
    residuals = state.residuals_of(found)
    expected = heat_map.colours(residuals)
    assert np.abs(colours() - expected).max() < 0.01
    skin = ~np.isnan(residuals)
    assert skin.any() and not skin.all()  # noqa: PT018
    assert abs(np.nanmean(residuals) - head().facegen.residual_mean_mm) < 1.0


def test_the_scale_goes_from_blue_over_the_verdicts_to_red() -> None:
    shown = heat_map.colours(np.array([0.0, 5.0, 50.0, np.nan]))
    assert shown[0].argmax() in (2, 3)
    assert shown[0][2] > shown[0][0]
    assert shown[1][0] > shown[1][2]
    assert (shown[1] == shown[2]).all()
    assert shown[3][0] == shown[3][1] == shown[3][2]


def test_switching_off_puts_everything_back_exactly() -> None:
    assert toggle() == {"FINISHED"}
    names, active, render, shadings, memory = looks()
    assert (sorted(names), active, render) == (["More Paint", "Paint"], "Paint", "More Paint")
    assert shadings == [("SOLID", "MATERIAL")] * len(shadings)
    assert memory == ""


def test_undo_and_redo_take_the_shading_along() -> None:
    bpy.ops.ed.undo_push(message="before")
    before = looks()
    assert toggle("EXEC_DEFAULT", True) == {"FINISHED"}
    shown = looks()
    assert shown != before
    bpy.ops.ed.undo()
    assert looks() == before
    bpy.ops.ed.redo()
    assert looks() == shown
    assert toggle("EXEC_DEFAULT", True) == {"FINISHED"}
    assert looks() == before


def test_shading_the_artist_chose_in_the_meantime_stays() -> None:
    toggle()
    screen = bpy.context.window_manager.windows[0].screen
    shading = next(a for a in screen.areas if a.type == "VIEW_3D").spaces.active.shading
    shading.type = "WIREFRAME"
    toggle()
    assert shading.type == "WIREFRAME"
    shading.type = "SOLID"
    shading.color_type = "MATERIAL"


def test_an_fbx_never_holds_the_colours_and_they_are_back_afterwards() -> None:
    bpy.ops.facegen.add_expression(
        expression="happy", onset_start=1, apex_start=4, apex_end=5, offset_end=8
    )
    bpy.ops.facegen.generate()
    toggle()
    before, painted = looks(), colours()
    path = FOLDER / "heat.fbx"
    assert bpy.ops.facegen.export_fbx(filepath=str(path), is_read_back=False) == {"FINISHED"}
    assert looks() == before
    assert np.abs(colours() - painted).max() < 0.005
    content = path.read_bytes()
    assert b"Paint" in content
    assert NAME.encode() not in content


def test_a_new_match_renews_the_colours() -> None:
    first = colours()
    # Some vertices out of place: all of them would be a head of no ordinary proportions, which
    # takes three times as long to match.
    generator = np.random.default_rng(1)
    for vertex in list(head().data.shape_keys.reference_key.data)[::10]:
        vertex.co += Vector(generator.normal(scale=0.002, size=3))
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert heat_map.is_shown(head())
    assert np.abs(colours() - first).max() > 0.05


def test_the_colours_of_another_head_stay() -> None:
    shown = looks()
    assert heat_map.is_shown(head())
    bpy.ops.object.duplicate()
    twin = bpy.context.active_object
    assert twin != head()
    assert heat_map.is_shown(twin)
    assert toggle() == {"FINISHED"}
    assert not heat_map.is_shown(twin)
    assert looks() == shown
    part = harness.new_sphere("Let Go", 0.1)
    part.facegen.heat_map = shown[-1]
    harness.activate(head())
    assert toggle() == {"FINISHED"}
    assert looks()[3] != shown[3], "nothing is coloured any more"
    assert not heat_map.is_shown(part), "no head has this part any more"
    for other in (part, twin):
        bpy.data.objects.remove(other)
    harness.activate(head())
    assert toggle() == {"FINISHED"}


def test_after_saving_and_opening_again_it_can_be_switched_off() -> None:
    path = str(FOLDER / "heat.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    harness.empty_scene()
    bpy.ops.wm.open_mainfile(filepath=path, load_ui=False)
    state.forget_all()
    harness.activate(head())
    assert heat_map.is_shown(head()) and NAME in head().data.attributes  # noqa: PT018
    assert toggle() == {"FINISHED"}
    assert NAME not in head().data.attributes
    assert head().data.attributes.active_color_name == "Paint"
    assert toggle() == {"FINISHED"}, "after a restart the match is made again"
    key = (head().facegen.fingerprint, "", head().facegen.bundle_hash)
    assert state.recall(key) is not None, "and only once"
    toggle()


def test_an_attribute_of_the_artist_is_not_overwritten() -> None:
    head().data.attributes.new(NAME, "FLOAT", "POINT")
    refused(toggle, "did not make")
    head().data.attributes.remove(head().data.attributes[NAME])
    bpy.ops.object.mode_set(mode="EDIT")
    refused(toggle, "Object Mode")
    bpy.ops.object.mode_set(mode="OBJECT")


if __name__ == "__main__":
    harness.run(globals())
