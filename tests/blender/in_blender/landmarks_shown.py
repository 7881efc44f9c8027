"""Landmarks of a match: shown with how sure they are, dragged, and followed by the fit."""

from __future__ import annotations

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import FOLDER, addon, refused

landmarks, state, handlers = addon("scene.landmarks"), addon("scene.state"), addon("handlers")
match_module, pipeline = addon("operators.match"), addon("facegen_core.pipeline")
manual = addon("facegen_core.landmarks").MANUAL_LANDMARKS
match, show = bpy.ops.facegen.match, bpy.ops.facegen.show_landmarks
# How far a landmark is dragged, in metres; and how much of that the fit has to follow.
DRAG, FOLLOWED = 0.006, 0.5


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def empty(number: int) -> bpy.types.Object:
    return landmarks.landmark_empties(head())[number]


def place(number: int) -> np.ndarray:
    return np.array(empty(number).matrix_world.translation)


def fitted(number: int) -> np.ndarray:
    """Where the fit has a landmark now, in the world."""
    key = landmarks.landmark_key(head())
    found = state.recall((head().facegen.fingerprint, key, head().facegen.bundle_hash))
    local = landmarks.places_on_target(found.head, found.alignment)[number]
    matrix = np.array(head().matrix_world)
    return matrix[:3, :3] @ local + matrix[:3, 3]


def drag(number: int, by: tuple[float, float, float]) -> None:
    empty(number).matrix_world.translation = place(number) + by
    bpy.context.view_layer.update()


def test_the_thirteen_are_shown_where_the_match_saw_them() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    refused(show, "Match first")
    head().location, head().rotation_euler, head().scale = (1, 2, 0.5), (0.2, 0, 0.6), (2, 2, 2)
    bpy.context.view_layer.update()
    assert match() == {"FINISHED"}
    head().location.x = -3.0  # the head may move between the match and the landmarks
    bpy.context.view_layer.update()
    assert show() == {"FINISHED"}
    shown = landmarks.landmark_empties(head())
    assert set(manual) <= set(shown)
    assert all(0.0 <= e.facegen.landmark_confidence <= 1.0 for e in shown.values())
    vertices = harness.world_positions(head(), 1)
    for number in shown:
        harness.close(place(number), fitted(number), 1e-4)
        assert np.linalg.norm(vertices - place(number), axis=1).min() < 0.01, number
    before = len(shown)
    assert show(is_all=True) == {"FINISHED"}
    assert len(landmarks.landmark_empties(head())) == 68 >= before
    assert landmarks.wanted(head()) is None, "nobody moved one, so none counts"


def test_the_least_certain_are_listed_first_larger_and_named() -> None:
    found = state.recall((head().facegen.fingerprint, "", head().facegen.bundle_hash))
    certain = found.alignment.fit.landmark_confidences
    doubted = np.ones_like(certain)
    doubted[[30, 48, 5]] = (0.30, 0.10, 0.45)
    fit = found.alignment.fit
    object.__setattr__(fit, "landmark_confidences", doubted)
    landmarks.follow_match(bpy.context, head(), found.head, found.alignment)
    unsure = [e.facegen.landmark for e in landmarks.unsure_first(head())]
    assert unsure[:3] == [48, 30, 5]
    assert empty(48).empty_display_size > empty(36).empty_display_size
    assert empty(48).show_name
    assert empty(48).color[0] > empty(48).color[1], "red"
    assert "Right mouth corner: 10%" in drawn()
    assert bpy.ops.facegen.select_landmark(landmark=48) == {"FINISHED"}
    assert bpy.context.active_object == empty(48)
    object.__setattr__(fit, "landmark_confidences", certain)
    landmarks.follow_match(bpy.context, head(), found.head, found.alignment)
    harness.activate(head())


def test_the_fit_follows_a_dragged_landmark_and_the_others_go_along() -> None:
    bpy.ops.ed.undo_push(message="before")
    before = place(48).copy()
    drag(48, (-DRAG, 0.0, 0.0))
    assert list(landmarks.wanted(head()).places) == [48]
    assert not landmarks.wanted(head()).is_by_hand
    assert any("Moved" in text for text in drawn())
    bpy.ops.ed.undo_push(message="dragged")
    dragged, neighbour = place(48).copy(), place(60).copy()
    harness.activate(empty(48))  # it is still selected after the drag
    assert match("EXEC_DEFAULT", True) == {"FINISHED"}
    harness.close(place(48), dragged, 1e-5)
    followed = np.linalg.norm(fitted(48) - before) / np.linalg.norm(dragged - before)
    assert followed > FOLLOWED, followed
    assert empty(48).facegen.is_pinned
    assert np.linalg.norm(place(60) - neighbour) > 1e-5, "shown landmarks follow the new fit"
    assert not any("Moved" in text for text in drawn())
    assert list(landmarks.wanted(head()).places) == [48]
    bpy.ops.ed.undo()
    harness.close(place(60), neighbour, 1e-6)
    assert not empty(48).facegen.is_pinned
    bpy.ops.ed.redo()
    assert empty(48).facegen.is_pinned


def test_a_pin_survives_saving_and_the_head_being_moved() -> None:
    path = str(FOLDER / "pinned.blend")
    pinned = place(48).copy()
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
    harness.empty_scene()
    bpy.ops.wm.open_mainfile(filepath=path)
    state.forget_all()
    harness.activate(head())
    key = landmarks.landmark_key(head())
    assert key == head().facegen.landmark_key != ""
    assert match() == {"FINISHED"}
    harness.close(place(48), pinned, 1e-5)
    first = fitted(48).copy()
    head().location.y += 5.0
    bpy.context.view_layer.update()
    assert landmarks.landmark_key(head()) == key
    assert match() == {"FINISHED"}
    harness.close(fitted(48) - first, (0.0, 5.0, 0.0), 1e-3)


def test_a_deleted_landmark_no_longer_counts() -> None:
    bpy.data.objects.remove(empty(48))
    assert landmarks.wanted(head()) is None
    refused(lambda: bpy.ops.facegen.select_landmark(landmark=48), "gone or hidden")
    assert match() == {"FINISHED"}
    assert show() == {"FINISHED"}
    assert 48 in landmarks.landmark_empties(head())
    bpy.ops.object.mode_set(mode="EDIT")
    refused(show, "Object Mode")
    bpy.ops.object.mode_set(mode="OBJECT")


def test_a_match_follows_a_drag_by_itself_only_when_asked_for() -> None:
    calls = []
    real = pipeline.move_landmarks

    def noted(*arguments: object, **options: object) -> object:
        calls.append(1)
        return real(*arguments, **options)

    pipeline.move_landmarks = noted
    handlers.SETTLE_SECONDS = 0.0
    drag(54, (DRAG, 0.0, 0.0))
    handlers.match_settled()
    assert not calls, "off unless the artist asks for it"
    head().facegen.is_refit_live = True
    drag(54, (0.001, 0.0, 0.0))
    handlers.match_settled()
    assert len(calls) == 1
    assert head().facegen.landmark_key == landmarks.landmark_key(head())
    handlers.match_settled()
    assert len(calls) == 1, "the landmarks that followed start no match of their own"
    pipeline.move_landmarks = real
    head().facegen.is_refit_live = False


def test_placing_by_hand_makes_all_of_them_count() -> None:
    assert bpy.ops.facegen.remove_landmarks() == {"FINISHED"}
    assert bpy.ops.facegen.place_landmarks() == {"FINISHED"}
    asked = landmarks.wanted(head())
    assert asked.is_by_hand
    assert set(asked.places) == set(manual)
    assert match() == {"FINISHED"}
    bpy.data.objects.remove(empty(30))
    refused(match, "12 landmarks", "13")
    bpy.ops.facegen.remove_landmarks()
    assert match() == {"FINISHED"}


if __name__ == "__main__":
    harness.run(globals())
