"""The sidebar, grey buttons and background jobs, without a window."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import bpy
import harness
from drawn import StubLayout, drawn, panels
from harness import FOLDER, addon, new_sphere
from models import renamed_model, use_model

# Millimetres of a clip whose lips cut into each other.
CONTACT = {"lip_penetration_mm": 1.25, "lid_penetration_mm": 0.4, "teeth_outside_mm": 0.0}
jobs, state = addon("jobs"), addon("scene.state")
errors = addon("facegen_core.errors")


def test_without_a_head_the_tab_says_what_to_do() -> None:
    harness.empty_scene()
    seen = drawn()
    assert any("select" in text.lower() for text in seen)
    assert "facegen.add_head" in seen
    assert "facegen.generate" not in seen


def test_with_a_head_the_tab_follows_the_work() -> None:
    harness.empty_scene()
    head = new_sphere("Head")
    seen = drawn()
    order = [
        "facegen.match",
        "happy",
        "facegen.add_expression",
        "facegen.generate",
        "facegen.export_fbx",
    ]
    assert sorted(order, key=seen.index) == order
    settings = head.facegen
    settings.is_matched, settings.verdict, settings.warnings = True, "fair", "One sentence."
    part = settings.found_parts.add()
    part.name, part.motion, part.is_welded, part.confidence = "lower_teeth", "jaw", True, 0.62
    part.object_name, part.num_vertices = "Teeth", 2204
    settings.frame_range, settings.num_keys = "custom", 5
    settings.num_unsure = 3
    settings.contact = json.dumps({"before": CONTACT, "after": dict.fromkeys(CONTACT, 0.01)})
    settings.mask_group = "Stiff"
    seen = drawn()
    for text in (
        "One sentence.",
        "FACEGEN_UL_parts",
        "Teeth: 2,204 vertices, 62% sure",
        "Welded into the skin",
        "3 of 68 are unsure",
        "facegen.show_landmarks",
        "facegen.heat_map",
        "frame_start",
        "use_contact",
        "Lips: 1.25 → 0.01",
        "Weight 0 rests; applied by Generate",
    ):
        assert text in seen, text


def test_preferences_and_the_add_menu_draw() -> None:
    seen: list[str] = []
    settings = {"bundle": "", "show_event_handles": True}
    panel = type("Stub", (), {"layout": StubLayout(seen), **settings})()
    addon("preferences").FacegenPreferences.draw(panel, bpy.context)
    addon("operators").draw_in_add_menu(panel, bpy.context)
    assert {"bundle", "facegen.add_head"} <= set(seen)
    assert (
        len([f for f in bpy.types.VIEW3D_MT_mesh_add._dyn_ui_initialize() if "add_menu" in str(f)])
        == 1
    )


def preferences_drawn() -> list[str]:
    seen: list[str] = []
    settings = {"bundle": "", "show_event_handles": True}
    panel = type("Stub", (), {"layout": StubLayout(seen), **settings})()
    addon("preferences").FacegenPreferences.draw(panel, bpy.context)
    return seen


def test_preferences_and_sidebar_tell_what_the_model_is() -> None:
    harness.empty_scene()
    new_sphere("Head")
    metrics = {
        "num_test_subjects": 27,
        "final": {
            "model_mm": {"grin": 0.71, "total": 0.53},
            "class_mean_mm": {"grin": 0.82, "total": 0.57},
        },
    }
    use_model(renamed_model("grin", {"grin": "happy"}, date="2026-11-21", metrics=metrics))
    try:
        for seen in (preferences_drawn(), drawn()):
            text = " ".join(map(str, seen))
            assert "grin.facegen" in text
            assert "2026-11-21" in text
            assert "GPL-3.0-or-later" in text
            assert "ICT-4D, 180 people" in text
            words = text.replace(" NONE", "")  # the icon of a line that was wrapped
            assert "0.53 mm on 27 unseen people (class mean 0.57)" in words, words
        assert {"grin", "0.71", "0.82", "class mean"} <= set(preferences_drawn())
    finally:
        use_model("")
    assert addon("panels.generate").FACEGEN_PT_model.bl_options == {"DEFAULT_CLOSED"}
    assert all(len(line) <= panels.LINE_LENGTH for line in drawn() if "people" in line)


def test_a_model_that_cannot_be_used_is_named_where_it_would_be_shown() -> None:
    harness.empty_scene()
    new_sphere("Head")
    broken = FOLDER / "broken.facegen"
    broken.write_bytes(b"no model")
    use_model(broken)
    try:
        assert any("broken.facegen" in str(text) for text in preferences_drawn())
        seen = drawn()
        assert sum("broken.facegen" in str(text) for text in seen) == 2  # Expressions, Model
        assert "facegen.add_expression" not in seen
        harness.refused(lambda: bpy.ops.facegen.add_expression(expression="happy"), "broken")
    finally:
        use_model("")


def test_add_expression_asks_for_a_share_only_when_there_is_a_second() -> None:
    harness.empty_scene()
    new_sphere("Head")
    act = addon("operators.add_expression").FACEGEN_OT_add_expression
    for second, is_asked in (("NONE", False), ("sad", True)):
        seen: list[str] = []
        names = dict.fromkeys((*act.__annotations__, "expression"))
        stub = type("Stub", (), names | {"layout": StubLayout(seen), "blend_with": second})()
        act.draw(stub, bpy.context)
        assert ("share" in seen) is is_asked
        assert {"expression", "blend_with", "onset_start", "offset_end", "intensity"} <= set(seen)


def test_an_eye_or_a_landmark_stands_for_its_head() -> None:
    harness.empty_scene()
    head, eye = new_sphere("Head"), new_sphere("Eye")
    eye.facegen.head = head
    harness.activate(eye)
    assert state.find_target(bpy.context) == head
    assert "Head" in drawn()
    harness.activate(head)
    bpy.ops.facegen.place_landmarks()
    harness.activate(addon("scene.landmarks").landmark_empties(head)[30])
    assert state.find_target(bpy.context) == head
    assert bpy.ops.facegen.remove_landmarks.poll()


def test_a_deleted_head_does_not_linger_in_the_file() -> None:
    harness.empty_scene()
    head = new_sphere("Head")
    bpy.ops.facegen.place_landmarks()
    bpy.ops.facegen.add_expression(expression="happy")
    assert head.users == 1, "only its collection holds it"
    bpy.data.objects.remove(head)
    assert "Head" not in bpy.data.objects


def test_every_tooltip_and_label_is_there() -> None:
    for cls in addon("operators").CLASSES:
        assert cls.bl_label and cls.__doc__ and not cls.__doc__.strip().endswith("."), cls  # noqa: PT018
    head = new_sphere("Head")
    for name in addon("facegen_core.intensity").EXPRESSIONS:
        prop = head.facegen.bl_rna.properties[name]
        assert prop.is_animatable, name
        assert (prop.hard_min, prop.hard_max) == (0.0, 1.0)


def test_grey_buttons_say_why() -> None:
    harness.empty_scene()
    for name in ("match", "generate", "add_expression", "place_landmarks", "export_fbx"):
        harness.refused(getattr(bpy.ops.facegen, name), "select")


def test_a_job_reports_progress_and_its_result() -> None:
    def work(progress: Any) -> int:
        progress(0.5, "half")
        return 42

    job = jobs.Job(work)
    job.start()
    job.join()
    assert job.update() and job.result == 42  # noqa: PT018
    assert (job.fraction, job.message) == (0.5, "half")
    assert jobs.running() is None


def test_a_cancelled_job_stops_at_its_next_report() -> None:
    entered, reports = threading.Event(), []

    def work(progress: Any) -> None:
        for step in range(1000):
            entered.set()
            reports.append(step)
            progress(step / 1000, "working")
            time.sleep(0.005)

    job = jobs.Job(work)
    job.start()
    entered.wait(5)
    assert jobs.running() is job
    jobs.cancel_all()
    assert job.update() and isinstance(job.error, errors.CancelledError)  # noqa: PT018
    assert len(reports) < 1000
    assert jobs.running() is None


def test_an_error_in_a_job_comes_back_as_an_error_not_a_crash() -> None:
    def work(progress: Any) -> None:
        raise errors.RegistrationFailedError("No face was found.")

    job = jobs.Job(work)
    job.start()
    job.join()
    assert job.update() and "No face" in str(job.error)  # noqa: PT018


if __name__ == "__main__":
    harness.run(globals())
