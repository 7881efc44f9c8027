"""Wrong moves while Facegen works, and unusual times and files: nothing is half-written."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import harness
import numpy as np
from harness import FOLDER, PACKAGE, addon, refused
from moves import Piece, generated, jobs, refused_after, smiling_head

ops = bpy.ops.facegen
shape_keys, actions = addon("scene.shape_keys"), addon("scene.actions")


def test_the_head_is_deleted_while_it_is_generated() -> None:
    refused_after(lambda head: bpy.data.objects.remove(head), "gone or renamed", "nothing")


def test_the_head_is_renamed() -> None:
    refused_after(lambda head: setattr(head, "name", "Bob"), "'Facegen Head'", "gone or renamed")


def test_a_vertex_is_added() -> None:
    refused_after(lambda head: head.data.vertices.add(1), "other vertices", "match the head again")


def test_the_artist_goes_into_edit_mode_and_sculpt_mode() -> None:
    for mode, word in (("EDIT", "Edit Mode"), ("SCULPT", "Sculpt Mode")):
        refused_after(lambda _, mode=mode: bpy.ops.object.mode_set(mode=mode), "edited", word)
        bpy.ops.object.mode_set(mode="OBJECT")


def test_another_scene_is_shown() -> None:
    def switch(head: bpy.types.Object) -> None:
        bpy.context.window_manager.windows[0].scene = bpy.data.scenes.new("Other")

    refused_after(switch, "not in the scene 'Other'", "go back")


def test_the_head_leaves_the_scene() -> None:
    refused_after(
        lambda head: bpy.context.scene.collection.objects.unlink(head), "not in the scene"
    )


def test_the_mesh_becomes_shared_or_its_keys_absolute() -> None:
    def share(head: bpy.types.Object) -> None:
        bpy.context.scene.collection.objects.link(bpy.data.objects.new("Twin", head.data))

    def make_absolute(head: bpy.types.Object) -> None:
        head.shape_key_add(name="Basis")
        head.data.shape_keys.use_relative = False

    refused_after(share, "'Twin'", "single-user")
    refused_after(make_absolute, "absolute")


def test_an_empty_takes_the_name_of_the_head() -> None:
    def swap(head: bpy.types.Object) -> None:
        head.name = "Old"
        empty = bpy.data.objects.new("Facegen Head", None)
        bpy.context.scene.collection.objects.link(empty)

    refused_after(swap, "gone or renamed")


def test_an_error_half_way_through_the_keys_takes_back_what_was_written() -> None:
    head = smiling_head()
    piece = Piece("generate")
    result = generated(piece)
    written = shape_keys._write_curves

    def fails(*arguments: Any) -> None:
        written(*arguments)
        raise MemoryError("no room")

    shape_keys._write_curves = fails
    try:
        refused(lambda: piece.finish_or_raise(result), "nothing was changed")
    finally:
        shape_keys._write_curves = written
    assert head.data.shape_keys is None


def test_escape_and_an_undo_stop_the_work() -> None:
    for stop, words in (
        (lambda job: job.cancel(), "Cancelled"),
        (lambda job: job.cancel("An undo came."), "An undo came"),
    ):
        entered = threading.Event()

        def work(progress: Any, entered: threading.Event = entered) -> None:
            while True:
                entered.set()
                progress(0.5, "working")

        job = jobs.Job(work)
        job.start()
        assert entered.wait(10)
        stop(job)
        job.join()
        assert job.update()
        assert words in str(job.interruption)
        assert jobs.running() is None


def test_the_add_on_is_disabled_while_it_works() -> None:
    import addon_utils

    head = smiling_head()
    name, ended = head.name, []

    def work(progress: Any) -> None:
        try:
            while True:
                progress(0.5, "working")
        finally:
            ended.append(True)

    job = jobs.Job(work)
    job.start()
    addon_utils.disable(PACKAGE)
    assert ended, "no thread of an add-on may outlive it"
    assert bpy.data.objects[name].data.shape_keys is None
    assert not hasattr(bpy.types.Object, "facegen")
    addon_utils.enable(PACKAGE)
    assert bpy.data.objects[name].facegen.is_matched, "what is in the file stays"
    assert ops.generate.poll(), "a job that was stopped does not keep the buttons grey"


def test_buttons_are_grey_while_it_works() -> None:
    smiling_head()
    entered, leave = threading.Event(), threading.Event()

    def work(progress: Any) -> None:
        entered.set()
        leave.wait(30)

    job = jobs.Job(work)
    job.start()
    entered.wait(10)
    try:
        for name in ("match", "generate", "add_expression", "export_fbx", "remove_keys"):
            refused(getattr(ops, name), "still working")
    finally:
        leave.set()
        job.join()


def test_a_key_the_artist_renamed_is_theirs() -> None:
    head = smiling_head()
    assert ops.generate() == {"FINISHED"}
    block = head.data.shape_keys.key_blocks[1]
    old, before = block.name, harness.key_positions(block)
    block.name = "smile"
    before_curves = harness.curves_of(head.data.shape_keys)['key_blocks["smile"].value']
    assert ops.generate() == {"FINISHED"}
    blocks = head.data.shape_keys.key_blocks
    assert (harness.key_positions(blocks["smile"]) == before).all()
    assert harness.curves_of(head.data.shape_keys)['key_blocks["smile"].value'] == before_curves
    assert old in blocks, "and Facegen makes its own again"
    assert ops.remove_keys() == {"FINISHED"}
    assert [block.name for block in blocks] == ["Basis", "smile"]


def test_no_key_that_was_written_is_selected_so_that_a_drag_moves_one_alone() -> None:
    head = smiling_head()
    assert ops.generate() == {"FINISHED"}
    for owner in (head, head.data.shape_keys):
        for curve in actions.fcurves_of(owner):
            assert not any(point.select_control_point for point in curve.keyframe_points)


def test_a_pinned_key_is_named_because_nothing_would_be_seen_to_move() -> None:
    head = smiling_head()
    head.shape_key_add(name="Basis")
    head.shape_key_add(name="Mine")
    head.show_only_shape_key = True
    piece = Piece("generate")
    assert piece.finish(generated(piece)) == {"FINISHED"}
    texts = [text for kind, text in piece.reports if kind == {"WARNING"}]
    assert len(texts) == 1, piece.reports
    assert "pinned" in texts[0]
    assert head.show_only_shape_key, "which is the artist's to change"


def test_negative_frames_are_frames() -> None:
    head = smiling_head()
    settings = head.facegen
    settings.frame_range, settings.frame_start, settings.frame_end = "custom", -12, 8
    for mode in ("compact", "frames"):
        settings.bake_mode = mode
        assert ops.generate() == {"FINISHED"}
        names = [block.name for block in head.data.shape_keys.key_blocks]
        assert all(name.isascii() for name in names), names
        frames = [f for c in harness.curves_of(head.data.shape_keys).values() for f, _ in c]
        assert (min(frames), max(frames)) == (-12, 8)


def test_half_a_frame_a_second_and_an_odd_base() -> None:
    for fps, base in ((1, 2.0), (30, 1.001), (24000, 1001.0)):
        head = smiling_head()
        bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base
        assert ops.generate() == {"FINISHED"}, (fps, base)
        keys = head.data.shape_keys.key_blocks
        worst = max(
            np.abs(harness.key_positions(k) - harness.key_positions(keys[0])).max() for k in keys
        )
        assert 0.0 < worst < 0.05, (fps, base, worst)


def test_keys_between_frames_and_a_playhead_between_frames() -> None:
    head = smiling_head()
    bpy.context.scene.frame_set(3, subframe=0.25)
    marks = {"onset_start": 0.5, "apex_start": 3.25, "apex_end": 7.75, "offset_end": 11.5}
    assert ops.add_expression(expression="sad", **marks) == {"FINISHED"}
    assert ops.generate() == {"FINISHED"}
    frames = [f for c in harness.curves_of(head.data.shape_keys).values() for f, _ in c]
    assert (min(frames), max(frames)) == (0, 12)
    scene = bpy.context.scene
    assert (scene.frame_current, scene.frame_subframe) == (3, 0.25)


def test_strips_alone_and_a_negative_scale() -> None:
    head = smiling_head()
    data = head.animation_data
    track = data.nla_tracks.new()
    track.strips.new("Smile", 1, data.action)
    data.action = None
    head.scale.x = -1.0
    head.facegen.frame_range, head.facegen.frame_end = "custom", 10
    bpy.context.view_layer.update()
    assert ops.generate() == {"FINISHED"}
    assert head.facegen.num_keys > 0
    assert head.facegen.verdict == "good", head.facegen.warnings


def written(path: Path) -> str:
    """The sentence when an export to this path is refused; the folder is as before."""
    listing = sorted(path.parent.iterdir()) if path.parent.is_dir() else None
    sentence = refused(lambda: ops.export_fbx(filepath=str(path)), "cannot write", path.name)
    assert "\n" not in sentence, sentence
    assert not path.parent.is_dir() or sorted(path.parent.iterdir()) == listing
    return sentence


def test_a_file_that_is_read_only_and_a_folder_that_is_missing() -> None:
    head = smiling_head()
    assert ops.generate() == {"FINISHED"}
    path = FOLDER / "checked_in.fbx"
    path.write_bytes(b"under version control")
    path.chmod(0o444)
    assert "read-only" in written(path)
    assert path.read_bytes() == b"under version control"
    assert "no such" in written(FOLDER / "missing" / "clip.fbx").lower()
    (FOLDER / "taken.fbx").mkdir()
    assert "folder" in written(FOLDER / "taken.fbx")
    assert head.facegen.num_keys > 0


@contextmanager
def full_disk(num_bytes: int) -> Iterator[None]:
    """No file may grow beyond this size: what a full disk looks like to a program."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_disk_is_full() -> None:
    smiling_head()
    assert ops.generate() == {"FINISHED"}
    path = FOLDER / "clip.fbx"
    path.write_bytes(b"the old one")
    with full_disk(100_000):
        sentence = written(path)
    assert path.read_bytes() == b"the old one", sentence


if __name__ == "__main__":
    harness.run(globals())
