"""States of a scene: transforms, channels and actions, time, files, what Facegen itself kept."""

from __future__ import annotations

import bpy
import harness
import numpy as np
from states import linked_in, state

actions = harness.addon("scene.actions")
clip_store = harness.addon("scene.clip_store")


def _transform(name: str, **values: object) -> None:
    @state("Transform", name)
    def _(head):
        for attribute, value in values.items():
            setattr(head, attribute, value)
        bpy.context.view_layer.update()


NAN, INF = float("nan"), float("inf")
_transform("scale of zero", scale=(0, 0, 0))
_transform("scale of zero on one axis", scale=(1, 0, 1))
_transform("scale below zero", scale=(-1, 1, 1))
_transform("scale that is no number", scale=(NAN, 1, 1))
_transform("scale of 1e20", scale=(1e20, 1e20, 1e20))
_transform("place at infinity", location=(INF, 0, 0))
_transform("place that is no number", location=(0, NAN, 0))
_transform("delta scale of zero", delta_scale=(0, 1, 1))


@state("Transform", "parent with a scale of zero")
def _(head):
    parent = linked_in(bpy.data.objects.new("Parent", None))
    head.parent, parent.scale = parent, (0, 0, 0)
    bpy.context.view_layer.update()


@state("Transform", "parent sheared")
def _(head):
    parent = linked_in(bpy.data.objects.new("Parent", None))
    head.parent, parent.scale, head.rotation_euler = parent, (3, 1, 0.2), (0.5, 0.4, 0.3)
    bpy.context.view_layer.update()


@state("Transform", "animated")
def _(head):
    for frame, height in ((1, 0.0), (10, 5.0)):
        head.location.z = height
        head.keyframe_insert("location", frame=frame)


@state("Transform", "held by a constraint")
def _(head):
    constraint = head.constraints.new("COPY_TRANSFORMS")
    constraint.target = linked_in(bpy.data.objects.new("Rail", None))


# ---- channels and actions ---------------------------------------------------------------------


def curves_of(head: bpy.types.Object) -> list[bpy.types.FCurve]:
    return list(actions.fcurves_of(head) or ())


@state("Channels", "driven")
def _(head):
    head.driver_add("facegen.sad").driver.expression = "0.5"


@state("Channels", "driven with an error")
def _(head):
    driver = head.driver_add("facegen.sad").driver
    driver.type, driver.expression = "SCRIPTED", "no_such_name + 1"
    bpy.context.view_layer.update()


@state("Channels", "curves locked")
def _(head):
    for curve in curves_of(head):
        curve.lock = True


@state("Channels", "curves muted")
def _(head):
    for curve in curves_of(head):
        curve.mute = True


@state("Channels", "a key of a curve that is no number")
def _(head):
    curves_of(head)[0].keyframe_points[1].co.y = NAN


@state("Channels", "a key of a curve at frame 1e9")
def _(head):
    curves_of(head)[0].keyframe_points[-1].co.x = 1e9


@state("Channels", "keys of a curve in reverse")
def _(head):
    points = curves_of(head)[0].keyframe_points
    for point, frame in zip(points, range(40, 0, -10), strict=False):
        point.co.x = frame


@state("Channels", "a curve with noise")
def _(head):
    curves_of(head)[0].modifiers.new("NOISE")


@state("Channels", "no animation")
def _(head):
    head.animation_data_clear()


@state("Channels", "keys without animation")
def _(head):
    head.data.shape_keys.animation_data_clear()


@state("Channels", "all actions deleted")
def _(head):
    for action in list(bpy.data.actions):
        bpy.data.actions.remove(action)


@state("Channels", "a foreign action on the head")
def _(head):
    action = bpy.data.actions.new("Walk")
    head.animation_data.action = action
    head.keyframe_insert("location", frame=1)


@state("Channels", "a strip in tweak mode")
def _(head):
    data = head.animation_data
    for track in data.nla_tracks:
        track.select = True
        for strip in track.strips:
            strip.select = True
    data.action = None
    data.use_tweak_mode = True
    assert data.use_tweak_mode


# ---- time -------------------------------------------------------------------------------------


def _range(name: str, kind: str, start: int, end: int) -> None:
    @state("Time", name)
    def _(head):
        settings, scene = head.facegen, bpy.context.scene
        settings.frame_range = kind
        settings.frame_start, settings.frame_end = start, end
        if kind == "scene":
            scene.frame_end, scene.frame_start = end, start


_range("range reversed", "custom", 20, 10)
_range("range of one frame", "custom", 5, 5)
_range("range of frames below zero", "custom", -20, -5)
_range("range of two thousand million frames", "custom", -(2**30), 2**30)
_range("range where nothing plays", "custom", 500, 510)
_range("scene of one frame", "scene", 1, 1)


def _rate(name: str, fps: int, base: float) -> None:
    @state("Time", name)
    def _(head):
        bpy.context.scene.render.fps, bpy.context.scene.render.fps_base = fps, base


_rate("1 frame a second", 1, 1.0)
_rate("half a frame a second", 1, 2.0)
_rate("23.976 frames a second", 24, 1.001)
_rate("240 frames a second", 240, 1.0)


@state("Time", "between two frames")
def _(head):
    bpy.context.scene.frame_set(4, subframe=0.37)


@state("Time", "before the beginning of time")
def _(head):
    bpy.context.scene.frame_set(-1_000_000)


# ---- files ------------------------------------------------------------------------------------


def model(content: bytes | None) -> None:
    path = harness.FOLDER / "other.facegen"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    bpy.context.preferences.addons[harness.PACKAGE].preferences.bundle = str(path)


@state("Files", "the model is missing")
def _(head):
    model(None)


@state("Files", "the model is broken")
def _(head):
    model(b"not a model")


@state("Files", "the model is cut off")
def _(head):
    model(harness.addon("preferences").DEFAULT_BUNDLE.read_bytes()[:100_000])


@state("Files", "the folder of exports is a file")
def _(head):
    (harness.FOLDER / "out").rmdir()
    (harness.FOLDER / "out").write_text("no folder")


@state("Files", "the folder of exports is missing")
def _(head):
    (harness.FOLDER / "out").rmdir()


@state("Files", "never saved")
def _(head):
    path = str(harness.FOLDER / "head.blend")
    bpy.data.libraries.write(path, {head})
    harness.empty_scene()
    with bpy.data.libraries.load(path) as (_, wanted):
        wanted.objects = ["Head"]
    harness.activate(linked_in(wanted.objects[0]))


# ---- what Facegen kept ------------------------------------------------------------------------


def _setting(name: str, **values: object) -> None:
    @state("Kept", name)
    def _(head):
        for attribute, value in values.items():
            setattr(head.facegen, attribute, value)


for _word, _text in (("damaged", "{not JSON"), ("of another kind", "[1, 2]"), ("empty", "{}")):
    _setting(f"corrections {_word}", corrections=_text)
    _setting(f"figures of keys {_word}", key_figures=_text)
    _setting(f"findings {_word}", export_findings=_text)
    _setting(f"report {_word}", export_report=_text)
    _setting(f"contact {_word}", contact=_text)
_setting("own expressions that are none", own_expressions="\n".join(["curl"] * 40))
_setting("a vertex group that is gone", mask_group="gone")
_setting("rows that are not there", active_part=999, clip_row=999)
_setting("a clip that is not there", clip_playing=77)
_setting("no schema", schema=0)
_setting("schema of the future", schema=99)
_setting("another model's match", bundle_hash="0" * 64)
_setting("another shape's match", fingerprint="0" * 64)
_setting("a heat map that is damaged", heat_map="{not JSON")
_setting("a name without letters", clip_name="!!!")
_setting("a name of 40 letters", clip_name="x" * 40)


@state("Kept", "parts that name no vertices")
def _(head):
    for row in head.facegen.found_parts:
        row.keys = "[]"


@state("Kept", "parts that are damaged")
def _(head):
    for row in head.facegen.found_parts:
        row.keys = "{not JSON"


def _custom(name: str, key: str, value: object) -> None:
    @state("Kept", name)
    def _(head):
        head.data.shape_keys[key] = value


for _word, _value in (("damaged", "{not JSON"), ("of another kind", 7)):
    _custom(f"list of clips' keys {_word}", "facegen_clips", _value)
    _custom(f"solved curves {_word}", "facegen_curves", _value)
    _custom(f"pose of live {_word}", "facegen_live", _value)


def _record(name: str, text: object) -> None:
    @state("Kept", name)
    def _(head):
        for action in clip_store.actions_now(head):
            if clip_store.PROPERTY in action:
                action[clip_store.PROPERTY] = text


_record("record damaged", "{not JSON")
_record("record of another kind", 7)
_record("record of a list", "[1]")
_record("record of the future", '{"version": 99, "request": {}}')
_record("record without all", '{"version": 1, "request": {}}')


@state("Kept", "no record")
def _(head):
    for action in clip_store.actions_now(head):
        action.pop(clip_store.PROPERTY, None)


@state("Kept", "two clips of one number")
def _(head):
    for row in head.facegen.clips:
        row.number = head.facegen.clips[0].number


@state("Kept", "landmarks at one place")
def _(head):
    for obj in bpy.data.objects:
        if obj.facegen.landmark >= 0:
            obj.location = np.zeros(3)
    bpy.context.view_layer.update()


@state("Kept", "landmarks that are no numbers")
def _(head):
    for obj in bpy.data.objects:
        if obj.facegen.landmark >= 0:
            obj.location = (NAN, 0, 0)
    bpy.context.view_layer.update()


@state("Kept", "landmarks twice")
def _(head):
    for obj in list(bpy.data.objects):
        if obj.facegen.landmark >= 0:
            linked_in(obj.copy())
