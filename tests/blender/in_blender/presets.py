"""Presets: clicked in the sidebar, saved from a head, and as assets of Blender's browser."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import addon, close, curves_of, refused
from sample import know_sample_head

preset_shelf, presets = addon("preset_shelf"), addon("facegen_core.presets")
preset_assets, curves = addon("scene.preset_assets"), addon("scene.curves")
layer_curves, asset_acts = addon("scene.layer_curves"), addon("operators.preset_assets")
generate, state = addon("operators.generate"), addon("scene.state")
apply_preset, save_preset = bpy.ops.facegen.apply_preset, bpy.ops.facegen.save_preset
WARM, SMIRK = "facegen/warm-smile", "facegen/smirk"


def head() -> bpy.types.Object:
    return bpy.data.objects["Head"]


def fresh(fps: int = 30) -> bpy.types.Object:
    harness.empty_scene()
    bpy.context.scene.render.fps = fps
    return harness.new_sphere("Head")


def played(frames: np.ndarray) -> np.ndarray:
    return curves.sample_intensities(head(), frames)


def own_folder() -> Path:
    return preset_shelf.user_folder("presets")


def test_the_shelf_comes_with_three_characters_of_every_expression() -> None:
    fresh()
    shelf = preset_shelf.shelf()
    assert len(shelf) >= 18
    assert all(not shelved.is_own and shelved.picture.is_file() for shelved in shelf)
    seen = drawn()
    assert all(shelved.preset.name in seen for shelved in shelf)
    for shelved in shelf:
        preset_shelf.icon_of(shelved)  # without a window every icon is number 0
    sizes = [tuple(picture.image_size) for picture in preset_shelf._previews.values()]
    assert sizes == [(96, 96)] * len(shelf)


def test_a_preset_plays_from_the_current_frame_before_any_match() -> None:
    fresh(24)
    bpy.context.scene.frame_set(11)
    assert apply_preset(preset=WARM) == {"FINISHED"}
    preset = preset_shelf.find(WARM).preset
    expected, layers = presets.sample_preset(
        preset, 24.0, addon("facegen_core.intensity").EXPRESSIONS
    )
    frames = 11.0 + np.arange(len(expected))
    close(played(frames), expected, 0.02)
    read = layer_curves.read_layers(head(), frames, 24.0)
    close(read.gains, layers.gains, 0.02)
    assert generate.frame_span(bpy.context, head())[0] == 11
    assert not played(np.array([1.0, 10.0, frames[-1] + 5])).any()


def test_strength_and_tempo_are_of_this_once() -> None:
    fresh(24)
    assert apply_preset(preset=WARM, strength=0.5, tempo=2.0) == {"FINISHED"}
    event = preset_shelf.find(WARM).preset.events[0]
    apex = 1 + 24 * 0.5 * (event.apex_start + event.apex_end) / 2
    close(played(np.array([apex])).max(), [0.5 * event.intensity], 0.01)
    assert generate.frame_span(bpy.context, head())[1] == round(1 + 24 * event.offset_end / 2)
    bpy.context.scene.frame_set(101)
    assert apply_preset(preset="facegen/startle") == {"FINISHED"}
    close(played(np.arange(101.0, 120.0))[:, 2].max(), [1.0], 1e-3)


def test_regions_come_back_to_what_the_head_had() -> None:
    fresh()
    head().facegen.region_eyes = 0.6
    bpy.context.scene.frame_set(10)
    assert apply_preset(preset=SMIRK) == {"FINISHED"}
    end = 10 + 30 * preset_shelf.find(SMIRK).preset.seconds[1]
    layers = layer_curves.read_layers(head(), np.array([1.0, 10.0, 40.0, end, end + 20]), 30.0)
    close(layers.gains[:, 1], [0.6, 0.6, 0.8, 0.6, 0.6], 1e-5)
    close(layers.asymmetry, [0.0, 0.0, 0.85, 0.0, 0.0], 1e-5)
    fresh()
    assert apply_preset(preset=SMIRK, with_layers=False) == {"FINISHED"}
    assert layer_curves.read_layers(head(), np.arange(1.0, 90.0), 30.0) is None


def test_a_driven_region_keeps_its_driver() -> None:
    fresh()
    head().driver_add("facegen.asymmetry").driver.expression = "0.25"
    assert apply_preset(preset=SMIRK) == {"FINISHED"}
    assert "facegen.asymmetry" not in curves_of(head())


def test_what_stands_in_the_way_is_one_sentence_and_nothing_is_keyed() -> None:
    fresh()
    refused(lambda: apply_preset(preset="facegen/gone"), "no preset 'gone'")
    assert apply_preset(preset=SMIRK) == {"FINISHED"}
    before = curves_of(head())
    refused(lambda: apply_preset(preset=SMIRK), "already moves")
    assert curves_of(head()) == before
    fresh()
    assert apply_preset(preset=SMIRK) == {"FINISHED"}
    fcurve = addon("scene.actions").fcurves_of(head()).find("facegen.asymmetry")
    fcurve.lock = True
    bpy.context.scene.frame_set(200)
    before = curves_of(head())
    refused(lambda: apply_preset(preset=SMIRK), "Asymmetry is locked")
    assert curves_of(head()) == before


def test_apply_is_one_step_of_undo() -> None:
    fresh()
    bpy.ops.ed.undo_push(message="before")
    assert apply_preset("EXEC_DEFAULT", True, preset=SMIRK) == {"FINISHED"}
    assert "facegen.happy" in curves_of(head())
    bpy.ops.ed.undo()
    assert not curves_of(head())
    assert head().facegen.happy == 0.0
    bpy.ops.ed.redo()
    assert "facegen.happy" in curves_of(head())


def test_what_a_head_plays_becomes_a_preset_of_ones_own() -> None:
    fresh(25)
    bpy.ops.facegen.add_expression(
        expression="angry", onset_start=20, apex_start=30, apex_end=40, offset_end=60, intensity=0.7
    )
    head().facegen.region_mouth = 0.5
    head().facegen.shift_eyes = 5.0
    assert save_preset(name="Grudge") == {"FINISHED"}
    shelved = preset_shelf.find("own/grudge")
    assert shelved.is_own
    assert shelved.picture.read_bytes().startswith(b"\x89PNG")
    close(shelved.preset.events[0].marks, [0.0, 0.4, 0.8, 1.6], 1e-3)
    close([shelved.preset.events[0].intensity], [0.7], 1e-4)
    assert shelved.preset.layers == {"mouth": 0.5}
    assert shelved.preset.shifts == {"eyes": 0.2}
    seen = drawn()
    assert "Grudge" in seen
    assert "Your own" in seen
    fresh(50)
    assert apply_preset(preset="own/grudge") == {"FINISHED"}
    close(played(np.array([1.0, 21.0, 41.0, 81.0]))[:, 3], [0.0, 0.7, 0.7, 0.0], 1e-4)
    close([head().facegen.shift_eyes], [10.0], 1e-4)


def test_eases_and_curves_drawn_by_hand_are_kept() -> None:
    fresh(24)
    assert apply_preset(preset="facegen/slow-boil") == {"FINISHED"}
    assert save_preset(name="Boil Again") == {"FINISHED"}
    again, shipped = (
        preset_shelf.find(key).preset for key in ("own/boil-again", "facegen/slow-boil")
    )
    assert [e.onset_ease for e in again.events] == [e.onset_ease for e in shipped.events]
    fresh(24)
    for frame, value in ((1, 0.0), (9, 0.8), (13, 0.3), (20, 0.6), (30, 0.0)):
        head().facegen.sad = value
        head().keyframe_insert("facegen.sad", frame=frame)
    expected = played(np.arange(1.0, 31.0))
    assert save_preset(name="Sobs") == {"FINISHED"}
    assert "sad" in preset_shelf.find("own/sobs").preset.curves
    fresh(24)
    bpy.context.scene.frame_set(51)
    assert apply_preset(preset="own/sobs") == {"FINISHED"}
    close(played(np.arange(51.0, 81.0)), expected, 0.01)


def test_a_preset_of_the_same_name_is_replaced_and_one_can_be_removed() -> None:
    fresh()
    refused(lambda: save_preset(name="Empty"), "nothing to save")
    refused(lambda: save_preset(name="  "), "name")
    apply_preset(preset="facegen/pang")
    assert save_preset(name="Grudge") == {"FINISHED"}
    assert preset_shelf.find("own/grudge").preset.expressions == ("sad",)
    assert bpy.ops.facegen.remove_preset(preset="own/grudge") == {"FINISHED"}
    assert not list(own_folder().glob("grudge*"))
    refused(lambda: bpy.ops.facegen.remove_preset(preset=SMIRK), "comes with Facegen")


def test_names_that_make_one_file_name_are_kept_apart() -> None:
    """Also names of Windows' devices, and letters that no file name is made of."""
    fresh()
    assert apply_preset(preset=WARM) == {"FINISHED"}
    names = ("Smile!", "Smile?", "Улыбка 1", "Грусть 1", "con", "笑")
    for name in names:
        assert save_preset(name=name) == {"FINISHED"}
    own = {s.preset.name: s.path.name for s in preset_shelf.shelf() if s.is_own}
    assert set(names) <= set(own)
    assert len({own[name].casefold() for name in names}) == len(names)
    assert own["con"] == "_con.json"
    for name in names:
        preset_shelf.remove_own(next(s for s in preset_shelf.shelf() if s.preset.name == name))


def test_a_damaged_file_among_ones_own_is_named_and_the_others_stay() -> None:
    (own_folder() / "broken.json").write_text("{")
    fresh()
    assert any("broken.json" in sentence for sentence in preset_shelf.damaged())
    assert preset_shelf.find("own/sobs")
    assert any("broken.json" in text for text in drawn())
    (own_folder() / "broken.json").unlink()


def test_a_read_only_folder_is_one_sentence() -> None:
    fresh()
    apply_preset(preset="facegen/pang")
    real = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    Path.write_bytes = full
    try:
        refused(lambda: save_preset(name="Too Much"), "cannot be changed", "disk is full")
    finally:
        Path.write_bytes = real
    assert not list(own_folder().glob("too-much*"))


def test_presets_become_an_asset_library() -> None:
    fresh(24)
    apply_preset(preset=SMIRK)
    mine = bpy.data.actions.new("Warm Smile")
    before = harness.snapshot()
    assert bpy.ops.facegen.presets_to_assets() == {"FINISHED"}
    assert harness.snapshot() == before
    assert bpy.data.actions["Warm Smile"] == mine
    folder = preset_shelf.user_folder("asset_library")
    libraries = bpy.context.preferences.filepaths.asset_libraries
    assert [library.name for library in libraries if Path(library.path) == folder] == [
        preset_assets.LIBRARY
    ]
    shelf = preset_shelf.shelf()
    with bpy.data.libraries.load(
        str(folder / preset_assets.FILE_NAME), link=False, assets_only=True
    ) as (there, wanted):
        assert set(there.actions) == {shelved.preset.name for shelved in shelf}
        wanted.actions = ["Slow Boil"]
    action = wanted.actions[0]
    assert {tag.name for tag in action.asset_data.tags} >= {"angry", "slow"}
    assert "surface" in action.asset_data.description
    assert tuple(action.preview.image_size) == (96, 96)
    catalogues = (folder / "blender_assets.cats.txt").read_text()
    assert f"{action.asset_data.catalog_id}:Facegen Presets/Angry" in catalogues
    paths = {fcurve.data_path for fcurve in addon("scene.actions").all_fcurves(action)}
    assert paths >= {"facegen.angry", "facegen.disgust", "facegen.region_mouth"}
    bpy.data.actions.remove(action)
    num_libraries = len(libraries)
    assert bpy.ops.facegen.presets_to_assets() == {"FINISHED"}
    assert len(libraries) == num_libraries, "the library is there already"


def test_an_asset_plays_on_the_active_head_at_any_rate() -> None:
    fresh(60)
    bpy.context.scene.frame_set(31)
    file = preset_shelf.user_folder("asset_library") / preset_assets.FILE_NAME
    actions = set(bpy.data.actions)
    done = bpy.ops.facegen.apply_preset_asset(action="Smirk", library_file=str(file))
    assert done == {"FINISHED"}
    assert len(set(bpy.data.actions) - actions) == 1, "only the head's own action"
    expected, _ = presets.sample_preset(
        preset_shelf.find(SMIRK).preset, 60.0, addon("facegen_core.intensity").EXPRESSIONS
    )
    close(played(31.0 + np.arange(len(expected))), expected, 0.02)
    refused(
        lambda: bpy.ops.facegen.apply_preset_asset(action="Gone", library_file=str(file)),
        "no action 'Gone'",
    )
    refused(
        lambda: bpy.ops.facegen.apply_preset_asset(action="Smirk", library_file="/nowhere.blend"),
        "not there any more",
    )


def test_the_asset_under_the_mouse_is_played() -> None:
    """The asset browser needs a window; its context is stood in for here."""
    fresh()
    file = preset_shelf.user_folder("asset_library") / preset_assets.FILE_NAME

    seen: list[str] = []
    layout = SimpleNamespace(separator=lambda: None, operator=lambda name, icon: seen.append(name))
    asset = SimpleNamespace(name="Smirk", id_type="ACTION", full_library_path=str(file))
    menu, over = SimpleNamespace(layout=layout), SimpleNamespace(asset=asset)
    asset_acts.draw_in_asset_menu(menu, over)
    assert seen == ["facegen.apply_preset_asset"]
    asset.id_type = "OBJECT"
    asset_acts.draw_in_asset_menu(menu, over)
    assert len(seen) == 1
    assert (
        asset_acts.draw_in_asset_menu in bpy.types.ASSETBROWSER_MT_context_menu._dyn_ui_initialize()
    )
    refused(bpy.ops.facegen.apply_preset_asset, "Choose an action in the Asset Browser")


def test_an_action_an_artist_made_an_asset_plays_too() -> None:
    fresh(24)
    bpy.ops.facegen.add_expression(
        expression="fear", onset_start=1, apex_start=5, apex_end=9, offset_end=21
    )
    action = head().animation_data.action
    action.name = "My Fright"
    action.asset_mark()
    other = harness.new_sphere("Other")
    harness.activate(other)
    bpy.context.scene.frame_set(101)
    assert bpy.ops.facegen.apply_preset_asset(action="My Fright") == {"FINISHED"}
    close(
        curves.sample_intensities(other, np.array([101.0, 105.0, 109.0, 121.0]))[:, 5],
        [0.0, 1.0, 1.0, 0.0],
        1e-3,
    )
    bpy.data.actions.new("Walk")
    refused(lambda: bpy.ops.facegen.apply_preset_asset(action="Walk"), "no curve of an expression")


def test_a_preset_moves_a_matched_head() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    know_sample_head()
    assert bpy.ops.facegen.match() == {"FINISHED"}
    assert apply_preset(preset="facegen/quick-grin", tempo=2.0) == {"FINISHED"}
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    assert bpy.context.active_object.facegen.num_keys > 0


def test_a_model_without_the_expression_greys_the_preset() -> None:
    from models import renamed_model, use_model

    fresh()
    use_model(renamed_model("mouth", {"mouth_open": "surprise", "happy": "happy"}))
    assert drawn()
    refused(lambda: apply_preset(preset="facegen/jolt"), "plays fear, surprise", "does not have")
    assert apply_preset(preset="facegen/quick-grin") == {"FINISHED"}
    assert bpy.ops.facegen.presets_to_assets() == {"FINISHED"}
    use_model("")
    assert json.loads((preset_shelf.find(SMIRK).path).read_text())["name"] == "Smirk"


harness.run(globals())
