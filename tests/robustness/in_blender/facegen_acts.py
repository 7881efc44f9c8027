"""Acts with Facegen's own buttons and settings."""

from __future__ import annotations

from typing import Any

import addon_utils
import bpy
import harness
import moves
from desk import DONE, KEPT_SHARE, MOST_HEADS, REFUSED, Desk, WrongError, chosen, settle, step
from fbx_names import check_fbx, check_file, files_beside
from harness import PACKAGE, addon

Act = dict[str, Any]
_LAYERS = ("region_brows", "region_eyes", "region_mouth", "asymmetry", "extremeness")
_SHIFTS = ("shift_brows", "shift_eyes", "shift_mouth")
_CLIP_NAMES = ("clip", "smile", "Überraschung", "take 2", "a b", "clip 2")
_PRESETS = ("blender", "unity", "unreal", "godot", "maya", "film")


def add_head(desk: Desk, act: Act) -> str:
    if len(desk.heads()) >= MOST_HEADS:
        return DONE
    bpy.ops.facegen.add_head()
    head = bpy.context.active_object
    head.modifiers.new("Fewer", "DECIMATE").ratio = KEPT_SHARE
    bpy.ops.object.modifier_apply(modifier="Fewer")
    return step("a head")


def match(desk: Desk, act: Act) -> str:
    return desk.press("match")


def generate(desk: Desk, act: Act) -> str:
    settings = desk.head(act).facegen
    for name, attribute in (
        ("bake", "bake_mode"),
        ("generator", "generator"),
        ("seed", "variation_seed"),
        ("rig_by", "rig_by"),
        ("contact", "use_contact"),
        ("tolerance", "tolerance_mm"),
        ("replaces", "replaces_curves"),
    ):
        setattr(settings, attribute, act[name])
    desk.begin(step("settings"))
    return desk.press("generate")


def regenerate(desk: Desk, act: Act) -> str:
    return desk.press("regenerate", use_present=act["head"] % 2 == 0)


def restore_curves(desk: Desk, act: Act) -> str:
    return desk.press("restore_curves")


def remove_keys(desk: Desk, act: Act) -> str:
    return desk.press("remove_keys")


def variations(desk: Desk, act: Act) -> str:
    return desk.press("variations", first_seed=act["number"])


def pick_variation(desk: Desk, act: Act) -> str:
    return desk.press("pick_variation", seed=act["number"])


def apply_preset(desk: Desk, act: Act) -> str:
    shelved = chosen(addon("preset_shelf").shelf(), act["number"])
    return desk.press("apply_preset", preset=shelved.key, tempo=act["tempo"])


def save_preset(desk: Desk, act: Act) -> str:
    return desk.press("save_preset", name=f"Own {act['number']}")


def remove_preset(desk: Desk, act: Act) -> str:
    own = chosen((s for s in addon("preset_shelf").shelf() if s.is_own), act["number"])
    return desk.press("remove_preset", preset=own.key if own else "own/gone")


def presets_to_assets(desk: Desk, act: Act) -> str:
    return desk.press("presets_to_assets")


def add_expression(desk: Desk, act: Act) -> str:
    names = ("onset_start", "apex_start", "apex_end", "offset_end")
    marks = dict(zip(names, act["marks"], strict=True))
    return desk.press(
        "add_expression", expression=act["expression"], intensity=act["intensity"], **marks
    )


def edit_event(desk: Desk, act: Act) -> str:
    head = desk.head(act)
    found = chosen(addon("scene.events").events_of(head), act["number"])
    rows = addon("scene.event_rows")
    rows.refresh(bpy.context)
    if found is None:
        return desk.press(f"event_{act['edit']}")
    rows.select(bpy.context, found.channel.attribute, found.number)
    ripple = {"ripple": act["ripple"]} if act["edit"] in ("tempo", "hold", "overlap") else {}
    return desk.press(f"event_{act['edit']}", **ripple)


def set_layer(desk: Desk, act: Act) -> str:
    settings = desk.head(act).facegen
    name = (*_LAYERS, *_SHIFTS)[act["number"]]
    setattr(settings, name, 6.0 * act["amount"] if name in _SHIFTS else act["amount"])
    if act["keyed"] > 0.6 and name in _LAYERS:
        settings.keyframe_insert(name, frame=bpy.context.scene.frame_current)
    return step("a layer")


def reset_layers(desk: Desk, act: Act) -> str:
    return desk.press("reset_layers")


def set_slider(desk: Desk, act: Act) -> str:
    settings = desk.head(act).facegen
    name = ("happy", "sad", "angry", "surprise", "fear", "disgust")[act["number"]]
    setattr(settings, name, act["amount"])
    settings.keyframe_insert(name, frame=bpy.context.scene.frame_current)
    return step("a keyed slider")


def set_eyes(desk: Desk, act: Act) -> str:
    desk.head(act).facegen.use_eyes = bool(act["number"])
    return step("eyes")


def set_range(desk: Desk, act: Act) -> str:
    settings = desk.head(act).facegen
    settings.frame_range = ("expressions", "custom", "custom")[act["number"]]
    settings.frame_start, settings.frame_end = act["first"], act["first"] + 9
    return step("a range")


def name_next_clip(desk: Desk, act: Act) -> str:
    desk.head(act).facegen.clip_name = _CLIP_NAMES[act["number"]]
    return step("a name")


def clip_new(desk: Desk, act: Act) -> str:
    return desk.press("clip_new", name=_CLIP_NAMES[act["number"]])


def _on_clip(desk: Desk, act: Act, button: str) -> str:
    row = chosen(desk.head(act).facegen.clips, act["number"])
    return desk.press(button, number=row.number if row else 7)


def clip_duplicate(desk: Desk, act: Act) -> str:
    return _on_clip(desk, act, "clip_duplicate")


def clip_switch(desk: Desk, act: Act) -> str:
    return _on_clip(desk, act, "clip_switch")


def clip_remove(desk: Desk, act: Act) -> str:
    return _on_clip(desk, act, "clip_remove")


def clip_push_down(desk: Desk, act: Act) -> str:
    return _on_clip(desk, act, "clip_push_down")


def clip_rename(desk: Desk, act: Act) -> str:
    row = chosen(desk.head(act).facegen.clips, act["number"])
    if row is None:
        return DONE
    desk.begin(step("a name to be"))
    row.name = ("", "laugh", "clip", "Ärger!", "x" * 60, "smile")[act["name"]]
    return step("a clip's name")


def clip_play_strips(desk: Desk, act: Act) -> str:
    return desk.press("clip_play_strips")


def live_on(desk: Desk, act: Act) -> str:
    desk.head(act).facegen.is_live = True
    settle()
    return step("live")


def live_drag(desk: Desk, act: Act) -> str:
    """A key is dragged at some frame while the face follows; the pose stays for a moment."""
    head, curves_room = desk.head(act), addon("scene.curves")
    bpy.context.scene.frame_set(act["frame"])
    curves = [
        curve
        for path, curve in curves_room._fcurves_by_path(head).items()
        if path.rpartition(".")[2] in ("happy", "sad", "angry", "surprise", "fear", "disgust")
    ]
    curve = chosen(sorted(curves, key=lambda c: c.data_path), act["head"])
    if curve is None or len(curve.keyframe_points) < 2:
        return step("a frame")
    curve.keyframe_points[1].co.y = act["amount"]
    curve.update()
    addon("live").wake()
    addon("live").follow()
    settle()
    return step("a drag")


def live_off(desk: Desk, act: Act) -> str:
    for obj in bpy.data.objects:
        obj.facegen.is_live = False
    settle()
    return step("live off")


def heat_map(desk: Desk, act: Act) -> str:
    return desk.press("heat_map")


def landmarks(desk: Desk, act: Act) -> str:
    return desk.press(("show_landmarks", "place_landmarks", "remove_landmarks")[act["number"]])


def correct_part(desk: Desk, act: Act) -> str:
    rows = desk.head(act).facegen.found_parts
    kinds = ("AUTOMATIC", "eyeball", "teeth", "tongue", "hair")
    known = [item[0] for item in addon("operators.correct_part")._KINDS]
    kind = chosen([k for k in kinds if k in known] or known, act["number"])
    return desk.press("correct_part", row=act["number"] % max(1, len(rows)), kind=kind)


def check_export(desk: Desk, act: Act) -> str:
    return desk.press("check_export")


def export_fbx(desk: Desk, act: Act) -> str:
    path, head = desk.path(".fbx"), desk.head(act)
    files_before = files_beside(path)
    ended = desk.press("export_fbx", filepath=path)
    check_file(path, ended != REFUSED, files_before)
    if ended != REFUSED:
        check_fbx(path, head)
    return ended


def export_clip(desk: Desk, act: Act) -> str:
    head = desk.head(act)
    known = {p.identifier for p in addon("scene.export_presets").PRESETS}
    preset = _PRESETS[act["number"]]
    head.facegen.export_preset = preset if preset in known else "blender"
    desk.begin(step("a preset"))
    if head.facegen.export_preset == "film" and not hasattr(bpy.ops.wm, "usd_export"):
        return DONE
    ending = addon("scene.export_presets").BY_IDENTIFIER[head.facegen.export_preset].suffixes[0]
    path = desk.path(ending)
    files_before = files_beside(path)
    ended = desk.press("export_clip", filepath=path)
    check_file(path, ended != REFUSED, files_before)
    if ending == ".fbx" and ended != REFUSED:
        check_fbx(path, head)
    return ended


def cancel(desk: Desk, act: Act) -> str:
    """ESC at some report of progress: nothing is written."""
    piece = moves.Piece(act["what"], first_seed=0, use_present=False)
    errors, reports = addon("facegen_core.errors"), [0]

    def progress(fraction: float, message: str) -> None:
        reports[0] += 1
        if reports[0] >= act["report"]:
            raise errors.CancelledError

    try:
        work = piece._operator.begin(bpy.context)
        work(progress)
    except errors.FacegenError as error:
        if not isinstance(error, errors.CancelledError):
            desk.read(act["what"], str(error))
    return REFUSED


def disable_and_enable(desk: Desk, act: Act) -> str:
    addon_utils.disable(PACKAGE)
    if hasattr(bpy.types.Object, "facegen"):
        raise WrongError("the add-on is disabled, but its settings are there")
    addon_utils.enable(PACKAGE)
    if not hasattr(bpy.types.Object, "facegen"):
        raise WrongError("the add-on cannot be enabled again")
    harness.addon("live")
    return DONE
