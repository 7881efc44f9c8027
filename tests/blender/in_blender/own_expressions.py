"""Models with expressions of their own: their channels, and keys that survive another model."""

from __future__ import annotations

from pathlib import Path

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import FOLDER, addon, close, new_sphere, refused
from models import renamed_model, use_model

channels, curves, state = addon("scene.channels"), addon("scene.curves"), addon("scene.state")
generate, operators = addon("operators.generate"), addon("operators.add_expression")
intensity = addon("facegen_core.intensity")
Envelope = intensity.Envelope
add_expression = bpy.ops.facegen.add_expression

MARKS = {"onset_start": 1, "apex_start": 6, "apex_end": 9, "offset_end": 15}
# One of the six among its own, and not in the order of the six.
MOUTH = {"mouth_open": "surprise", "happy": "happy", "cheeks_in": "sad"}
BROWS = {"eyebrow": "fear", "lips_up": "disgust"}
made: dict[str, Path] = {}


def model(name: str, plays: dict[str, str]) -> Path:
    made.setdefault(name, renamed_model(name, plays))
    return made[name]


def use_mouth() -> tuple[str, ...]:
    use_model(model("mouth", MOUTH))
    return tuple(MOUTH)


def use_brows() -> tuple[str, ...]:
    use_model(model("brows", BROWS))
    return tuple(BROWS)


def sphere_scene() -> bpy.types.Object:
    harness.empty_scene()
    use_model("")
    return new_sphere("Head")


def attribute_of(head: bpy.types.Object, expression: str, expressions: tuple[str, ...]) -> str:
    shown = channels.channels_of(head, expressions)
    return next(c.attribute for c in shown if c.expression == expression)


def offered() -> set[str]:
    """Names in the menu of Add Expression."""
    return {item[0] for item in operators._expression_items(None, bpy.context)}


def test_the_panel_and_the_menu_follow_the_model() -> None:
    sphere_scene()
    assert offered() == set(intensity.EXPRESSIONS)
    assert {"happy", "Happy", "sad", "fear"} <= set(drawn())
    assert "own_01" not in drawn()
    use_mouth()
    seen = drawn()
    assert offered() == set(MOUTH)
    assert {"Mouth open", "Happy", "Cheeks in", "own_01", "happy", "own_02"} <= set(seen)
    assert not {"sad", "fear", "own_03"} & set(seen)
    order = ["Mouth open", "Happy", "Cheeks in"]
    assert sorted(order, key=seen.index) == order


def test_an_own_expression_is_keyed_on_its_slot_under_its_name() -> None:
    head = sphere_scene()
    use_mouth()
    assert add_expression(expression="cheeks_in", **MARKS) == {"FINISHED"}
    found = harness.curves_of(head)
    assert list(found) == ["facegen.own_02"]
    assert found["facegen.own_02"] == [(1, 0), (6, 1), (9, 1), (15, 0)]
    (curve,) = addon("scene.actions").fcurves_of(head)
    assert curve.group.name == "Cheeks in"
    add_expression(expression="cheeks_in", **{k: v + 20 for k, v in MARKS.items()})
    assert len(addon("scene.actions").fcurves_of(head)) == 1
    add_expression(expression="happy", **MARKS)
    assert set(harness.curves_of(head)) == {"facegen.own_02", "facegen.happy"}
    assert curves.keyed_range(head) == (1, 35)


def test_sampling_follows_the_models_order() -> None:
    head, names = sphere_scene(), use_mouth()
    events = [Envelope("cheeks_in", 1, 6, 9, 15, 0.7), Envelope("happy", 5, 9, 9, 20)]
    events += [Envelope("mouth_open", 12, 14, 16, 18, 0.4)]
    for event in events:
        curves.add_envelope(head, event, names)
    frames = np.arange(0.0, 22.0)
    expected = intensity.sample_envelopes(events, frames, names)
    close(curves.sample_intensities(head, frames, names), expected, 1e-6)
    head.driver_add("location", 0)  # any driver makes it step through the frames
    close(curves.sample_intensities(head, frames, names), expected, 1e-6)


def test_changing_the_model_keeps_every_key_and_says_which_rest() -> None:
    head = sphere_scene()
    add_expression(expression="sad", **MARKS)
    mouth = use_mouth()
    add_expression(expression="mouth_open", **MARKS)
    add_expression(expression="happy", **MARKS)
    before = harness.curves_of(head)
    assert any("not of this model" in text and "sad" in text for text in drawn())
    brows = use_brows()
    for name in BROWS:
        assert attribute_of(head, name, brows) not in ("own_01", "own_02")
    close(curves.sample_intensities(head, np.arange(20.0), brows), 0.0, 0.0)
    text = " ".join(t for t in drawn() if isinstance(t, str))
    assert "not of this model" in text and "mouth_open" in text  # noqa: PT018
    add_expression(expression="lips_up", **MARKS)
    assert {k: v for k, v in harness.curves_of(head).items() if k in before} == before
    path = str(FOLDER / "models.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    harness.empty_scene()
    bpy.ops.wm.open_mainfile(filepath=path)
    head = bpy.data.objects["Head"]
    use_mouth()
    assert attribute_of(head, "mouth_open", mouth) == "own_01"
    sampled = curves.sample_intensities(head, np.array([7.0]), mouth)
    close(sampled, [[1.0, 1.0, 0.0]], 1e-6)
    use_model("")
    assert curves.sample_intensities(head, np.array([7.0]))[0, 1] == 1.0
    assert len(harness.curves_of(head)) == 4


def test_a_slider_that_was_touched_keeps_its_expression() -> None:
    head, mouth = sphere_scene(), use_mouth()
    assert head.facegen.own_expressions == ""
    head.facegen.own_02 = 0.25
    use_brows()
    assert attribute_of(head, "eyebrow", tuple(BROWS)) == "own_03"
    close(curves.sample_intensities(head, np.array([1.0]), mouth), [[0.0, 0.0, 0.25]], 1e-6)


def test_heads_of_one_model_can_share_an_action() -> None:
    first, names = sphere_scene(), use_mouth()
    add_expression(expression="cheeks_in", **MARKS)
    second = new_sphere("Second")
    assert attribute_of(second, "cheeks_in", names) == attribute_of(first, "cheeks_in", names)


def test_slots_that_nothing_uses_give_way_and_keyed_ones_do_not() -> None:
    head = sphere_scene()
    many = tuple(f"first_{k}" for k in range(len(channels.SLOTS)))
    curves.add_envelope(head, Envelope("first_3", 1, 2, 3, 4), many)
    head.facegen.own_06 = 0.5
    others = tuple(f"second_{k}" for k in range(3))
    taken = [c.attribute for c in channels.claim(head, others)]
    assert not {"own_04", "own_06"} & set(taken)
    assert attribute_of(head, "first_3", ("first_3",)) == "own_04"
    assert attribute_of(head, "first_5", ("first_5",)) == "own_06"
    for slot in channels.SLOTS:
        setattr(head.facegen, slot, 0.5)
    asked = ("one", "two")
    refused(lambda: channels.claim(head, asked), "full of keys for other models")
    refused(lambda: curves.add_envelope(head, Envelope("two", 1, 2, 3, 4), asked), "full of keys")


def test_a_model_with_more_expressions_than_slots_is_refused() -> None:
    head = sphere_scene()
    crowd = tuple(f"name_{k}" for k in range(len(channels.SLOTS) + 1))
    refused(lambda: channels.claim(head, crowd), "25 expressions", "room for 24")


def test_an_expression_the_model_lacks_is_refused_with_those_it_has() -> None:
    head = sphere_scene()
    use_mouth()
    refused(lambda: add_expression(expression="sad", **MARKS), "sad")
    event = Envelope("sad", 1, 2, 3, 4)
    for second in (None, "happy"):
        refused(
            lambda s=second: operators.add_event(bpy.context, head, event, s),
            "Unknown expression 'sad'",
            "mouth_open, happy, cheeks_in",
        )
    event = Envelope("happy", 1, 2, 3, 4)
    refused(lambda: operators.add_event(bpy.context, head, event, "sad"), "Unknown expression")
    assert not harness.curves_of(head)


def test_an_in_between_keys_both_and_one_undo_takes_both_back() -> None:
    head, names = sphere_scene(), use_mouth()
    bpy.ops.ed.undo_push(message="before")
    add_expression(
        "EXEC_DEFAULT",
        True,
        expression="happy",
        blend_with="mouth_open",
        share=0.4,
        intensity=0.5,
        **MARKS,
    )
    found = harness.curves_of(head)
    assert set(found) == {"facegen.happy", "facegen.own_01"}
    close([v for _, v in found["facegen.happy"]], [0, 0.3, 0.3, 0], 1e-6)
    close([v for _, v in found["facegen.own_01"]], [0, 0.2, 0.2, 0], 1e-6)
    sampled = curves.sample_intensities(head, np.array([7.0]), names)
    close(sampled, [[0.2, 0.3, 0.0]], 1e-6)
    bpy.ops.ed.undo()
    assert not harness.curves_of(bpy.data.objects["Head"])


def test_the_next_event_is_of_one_expression_again() -> None:
    head = sphere_scene()
    add_expression(expression="happy", blend_with="sad", **MARKS)
    assert set(harness.curves_of(head)) == {"facegen.happy", "facegen.sad"}
    add_expression(expression="fear", **MARKS)
    found = harness.curves_of(head)
    assert set(found) == {"facegen.happy", "facegen.sad", "facegen.fear"}
    assert found["facegen.fear"][1][1] == 1.0


def test_an_in_between_of_one_expression_is_refused() -> None:
    sphere_scene()
    refused(lambda: add_expression(expression="happy", blend_with="happy", **MARKS), "happy twice")


def test_an_own_expression_moves_the_face_as_the_model_says() -> None:
    """The made-up model plays surprise under another name; so the clips must be equal."""
    harness.empty_scene()
    use_model("")
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    add_expression(expression="surprise", **MARKS)
    expected = generate.generate_on(bpy.context, head).clip.displacements
    assert np.abs(expected).max() > 0.003
    addon("scene.actions").remove_fcurves(head, {"facegen.surprise"})
    head.facegen.surprise = 0.0
    use_mouth()
    add_expression(expression="mouth_open", **MARKS)
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    request = generate.request_generate(bpy.context, head)
    assert request.intensities.shape == (15, 3)
    found = generate.run_generate(request).clip.displacements
    close(found, expected, 1e-5)
    assert head.facegen.num_keys > 0
    use_model("")
    blocks = len(head.data.shape_keys.key_blocks)
    assert bpy.ops.facegen.export_fbx(filepath=str(FOLDER / "own.fbx")) == {"FINISHED"}
    assert len(head.data.shape_keys.key_blocks) == blocks


if __name__ == "__main__":
    harness.run(globals())
