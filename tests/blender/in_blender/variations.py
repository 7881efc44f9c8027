"""The second generator: chosen, varied by seed, picked from a sheet of moving pictures, undone."""

from __future__ import annotations

import time
from typing import Any

import bpy
import harness
import numpy as np
from drawn import drawn
from harness import PACKAGE, addon, key_positions
from models import renamed_model, use_model, varied_model
from sample import know_sample_head

sheets = addon("variation_sheet")
generate = addon("operators.generate")
EXPRESSIONS = addon("facegen_core.intensity").EXPRESSIONS
LAST = 24


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def smiling_head() -> bpy.types.Object:
    """The sample head with a short smile, in a file of its own."""
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    know_sample_head()
    bpy.ops.facegen.add_expression(
        expression="happy", onset_start=1, apex_start=9, apex_end=15, offset_end=LAST
    )
    return head()


def keys_of(target: bpy.types.Object) -> dict[str, np.ndarray]:
    blocks = target.data.shape_keys.key_blocks if target.data.shape_keys else ()
    return {b.name: key_positions(b) for b in blocks if b.name.startswith("FG_")}


def test_a_model_of_one_generator_says_so_and_refuses_to_vary() -> None:
    target = smiling_head()
    use_model(renamed_model("steady", {name: name for name in EXPRESSIONS}))
    seen = drawn()
    assert "generator" in seen
    assert any("no variations" in str(text) for text in seen), seen
    assert "facegen.variations" not in seen
    assert "variation_seed" not in seen
    harness.refused(bpy.ops.facegen.variations, "no varied motion")
    target.facegen.generator = "lm4dgan"
    harness.refused(bpy.ops.facegen.generate, "no varied motion")


def test_with_both_generators_the_artist_chooses() -> None:
    target = smiling_head()
    use_model(varied_model())
    assert target.facegen.generator == "lstm"
    seen = drawn()
    assert {"generator", "facegen.variations"} <= set(seen)
    assert "variation_seed" not in seen
    target.facegen.generator = "lm4dgan"
    assert {"variation_seed", "variation_amount"} <= set(drawn())
    target.facegen.variation_amount = 9.0
    assert target.facegen.variation_amount == 1.5
    target.facegen.variation_amount, target.facegen.variation_seed = -1.0, -4
    assert (target.facegen.variation_amount, target.facegen.variation_seed) == (0.0, 0)


def test_the_choice_goes_with_the_file_and_back_with_undo() -> None:
    bpy.ops.ed.undo_push(message="before")
    settings = head().facegen
    settings.generator, settings.variation_seed, settings.variation_amount = "lm4dgan", 7, 0.5
    bpy.ops.ed.undo_push(message="Seed")
    settings.variation_seed = 8
    bpy.ops.ed.undo_push(message="Seed")
    bpy.ops.ed.undo()
    assert head().facegen.variation_seed == 7
    path = str(harness.FOLDER / "choice.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    settings = head().facegen
    assert (settings.generator, settings.variation_seed) == ("lm4dgan", 7)
    harness.close(settings.variation_amount, [0.5], 1e-6)


def test_the_sheet_is_drawn_without_touching_the_scene() -> None:
    smiling_head()
    before = harness.snapshot()
    started = time.perf_counter()
    assert bpy.ops.facegen.variations() == {"FINISHED"}
    print(f"sheet with the match: {time.perf_counter() - started:.1f} s")
    assert harness.snapshot() == before
    started = time.perf_counter()
    assert bpy.ops.facegen.variations(first_seed=3) == {"FINISHED"}
    print(f"sheet again: {time.perf_counter() - started:.1f} s")
    assert harness.snapshot() == before
    sheet = sheets.sheet_of("Facegen Head")
    assert sheet.seeds == tuple(range(3, 12))
    assert sheet.pictures.shape[0] == 9 and sheet.pictures.shape[2:] == (96, 96, 4)  # noqa: PT018
    apexes = sheet.pictures[:, sheet.still].astype(int)
    assert all((apexes[k] != apexes[0]).any() for k in range(1, 9))
    assert sheets.sheet_of("Another Head") is None


def test_the_sheet_moves_while_it_is_looked_at_and_not_longer() -> None:
    seen = drawn()
    assert seen.count("facegen.pick_variation") == 9
    assert {"3", "11"} <= set(seen)
    player = sheets._player
    assert bpy.app.timers.is_registered(sheets._move_on)
    shown = set()
    for _ in range(12):
        player.drawn = time.monotonic()
        assert abs(sheets._move_on() - 1 / 12) < 1e-9
        shown.add(player.shown)
        time.sleep(0.05)
    assert len(shown) > 3, shown
    preview = player._previews["3"]
    packed = np.empty(96 * 96, np.int32)
    preview.image_pixels.foreach_get(packed)
    pixels = packed.view(np.uint8).reshape(96, 96, 4)[::-1]
    np.testing.assert_array_equal(pixels, sheets.sheet_of("Facegen Head").pictures[0, player.shown])
    player.drawn = time.monotonic() - 5.0
    assert sheets._move_on() is None, "nobody looks: the timer ends"


def test_picking_one_generates_it_and_one_undo_takes_it_back() -> None:
    bpy.ops.ed.undo_push(message="before Pick")
    before = harness.snapshot()
    assert bpy.ops.facegen.pick_variation("EXEC_DEFAULT", True, seed=5, amount=0.8) == {"FINISHED"}
    settings = head().facegen
    assert (settings.generator, settings.variation_seed) == ("lm4dgan", 5)
    harness.close(settings.variation_amount, [0.8], 1e-6)
    assert settings.made_by == "Varied, seed 5, amount 0.8"
    assert len(keys_of(head())) == settings.num_keys > 0
    assert {"Varied, seed 5, amount 0.8"} <= set(drawn())
    rest = harness.world_positions(head(), 1)
    for frame in (0, LAST, LAST + 5):
        assert np.array_equal(harness.world_positions(head(), frame), rest), frame
    bpy.ops.ed.undo()
    assert head().facegen.generator == "lstm"
    assert head().facegen.made_by == ""
    assert harness.snapshot() == before


def test_the_same_seed_makes_the_same_keys_and_generate_goes_by_the_settings() -> None:
    settings = head().facegen
    bpy.ops.facegen.pick_variation(seed=5, amount=1.0)
    picked = keys_of(head())
    assert bpy.ops.facegen.generate() == {"FINISHED"}
    again = keys_of(head())
    assert picked.keys() == again.keys()
    assert all(np.array_equal(picked[name], again[name]) for name in picked)
    settings.variation_seed = 6
    bpy.ops.facegen.generate()
    assert settings.made_by == "Varied, seed 6, amount 1"
    other = keys_of(head())
    first = next(iter(picked))
    assert not np.array_equal(picked[first], other[first])
    settings.generator = "lstm"
    bpy.ops.facegen.generate()
    assert settings.made_by == "Steady"


def test_what_cannot_be_varied_is_refused_and_nothing_changes() -> None:
    target = smiling_head()
    target.facegen.generator = "lm4dgan"
    target.facegen.frame_range, target.facegen.frame_start = "custom", 1
    target.facegen.frame_end = 6
    harness.refused(bpy.ops.facegen.generate, "needs a clip of 0.3")
    harness.refused(bpy.ops.facegen.variations, "needs a clip of 0.3")
    target.facegen.frame_start, target.facegen.frame_end = 100, 130
    harness.refused(bpy.ops.facegen.variations, "at zero")


def test_a_cancelled_sheet_leaves_the_last_one() -> None:
    target = smiling_head()
    request = generate.request_generate(bpy.context, target)
    errors, variations = addon("facegen_core.errors"), addon("operators.variations")

    def press_escape(fraction: float, message: str) -> None:
        if "variation 2" in message:
            raise errors.CancelledError

    before = harness.snapshot()
    try:
        variations.run_variations(request, target.name, variations.seeds_from(0), press_escape)
    except errors.CancelledError:
        pass
    else:
        raise AssertionError("it was not cancelled")
    assert harness.snapshot() == before
    assert sheets.sheet_of(target.name) is None


def test_a_sheet_is_let_go_with_its_file_and_with_the_add_on() -> None:
    smiling_head()
    bpy.ops.facegen.variations()
    drawn()
    assert bpy.app.timers.is_registered(sheets._move_on)
    harness.empty_scene()
    assert sheets._player is None
    assert not bpy.app.timers.is_registered(sheets._move_on)
    smiling_head()
    bpy.ops.facegen.variations()
    drawn()
    before = handlers()
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    assert sheets._player is None
    assert not bpy.app.timers.is_registered(sheets._move_on)
    assert not hasattr(bpy.types, "FACEGEN_PT_variations")
    assert sum(handlers().values()) < sum(before.values())
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    assert handlers() == before


def handlers() -> dict[str, int]:
    names = ("undo_post", "redo_post", "load_post", "depsgraph_update_post")
    lists: dict[str, Any] = {name: getattr(bpy.app.handlers, name) for name in names}
    return {name: len(functions) for name, functions in lists.items()}


if __name__ == "__main__":
    harness.run(globals())
