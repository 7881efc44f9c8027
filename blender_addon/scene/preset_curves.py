"""Presets on a head: written into its curves at a frame, and read out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.channel_keys import SAME_FRAME, new_keys
from facegen_core.errors import FacegenError, PresetError
from facegen_core.event_edits import inserted
from facegen_core.intensity import Envelope
from facegen_core.layers import REGIONS
from facegen_core.preset_making import make_preset
from facegen_core.presets import MAX_SECONDS, Preset, Staging, curves_of, envelopes_of, layer_keys

from . import actions, channels, curves, events, layer_curves, own_clips
from .channel_keys import read_keys, write_keys

FloatArray = NDArray[np.floating]

# {layer of a preset: property of `object.facegen`}.
ATTRIBUTES = {region: f"region_{region}" for region in REGIONS} | {
    name: name for name in ("asymmetry", "extremeness")
}

# A preset may be a short part of a range this many times as long as presets may be.
_LONGEST_RANGE = 10


def write_preset(
    head: bpy.types.Object,
    preset: Preset,
    staging: Staging,
    expressions: Sequence[str],
    with_layers: bool = True,
) -> None:
    """Key a preset on a head: events join what is there, layers take over for its length.

    expressions: those of the model in use. Raises FacegenError, with nothing written, where the
    model lacks one, or where the head's own curves are in the way.
    """
    check_preset(preset, expressions)
    envelopes, drawn = envelopes_of(preset, staging), curves_of(preset, staging)
    asked = {c.expression: c.attribute for c in channels.channels_of(head, expressions)}
    for envelope in envelopes:
        curves.check_envelope(head, envelope, expressions)
    for name, keys in drawn.items():
        _check_free(head, asked[name], keys)
    if with_layers:
        _check_layers(head, preset)
    own_clips.claim(head)
    for envelope in envelopes:
        curves.add_envelope(head, envelope, expressions)
    channels.claim(head, expressions)
    for name, keys in drawn.items():
        _write_keys(head, asked[name], keys)
    if with_layers:
        _write_layers(head, preset, staging)


def check_preset(preset: Preset, expressions: Sequence[str]) -> None:
    """Raise PresetError where a model cannot play a preset."""
    missing = [name for name in preset.expressions if name not in expressions]
    if missing:
        raise PresetError(
            f"'{preset.name}' plays {', '.join(missing)}, which the model in use does not have"
            ": choose another preset, or the model it was made for."
        )


def read_preset(
    head: bpy.types.Object,
    name: str,
    span: tuple[int, int],
    frames_per_second: float,
    expressions: Sequence[str],
    description: str = "",
) -> Preset:
    """What a head plays from the first to the last frame of a span, as a preset.

    Raises PresetError where that is nothing.
    """
    seconds = (span[1] - span[0]) / frames_per_second
    if seconds > _LONGEST_RANGE * MAX_SECONDS:
        raise PresetError(
            f"A preset lasts {MAX_SECONDS:g} seconds at most, this range {seconds:.0f}: shorten "
            "the range."
        )
    frames = np.arange(span[0], span[1] + 1, dtype=np.float64)
    return make_preset(
        name,
        curves.sample_intensities(head, frames, expressions),
        frames_per_second,
        expressions,
        layer_curves.read_layers(head, frames, frames_per_second),
        _plain_events(head, span),
        description,
    )


def _plain_events(head: bpy.types.Object, span: tuple[int, int]) -> list[Envelope]:
    """Events, in frames of the span, of the channels that consist of nothing else."""
    data = head.animation_data
    if data is None or any(not track.mute for track in data.nla_tracks):
        return []
    driven = {driver.data_path for driver in data.drivers}
    by_channel: dict[str, list[Envelope | None]] = {}
    for found in events.events_of(head):
        envelope, expression = found.event.envelope, found.channel.expression
        is_whole = span[0] <= found.event.marks[0] and found.event.marks[3] <= span[1]
        if envelope is not None and is_whole and found.channel.data_path not in driven:
            onset, apex, end, offset = (mark - span[0] for mark in envelope.marks)
            envelope = replace(
                envelope,
                expression=expression,
                onset_start=onset,
                apex_start=apex,
                apex_end=end,
                offset_end=offset,
            )
        else:
            envelope = None
        by_channel.setdefault(expression, []).append(envelope)
    plain = [found for found in by_channel.values() if None not in found]
    return [envelope for found in plain for envelope in found if envelope is not None]


def _write_layers(head: bpy.types.Object, preset: Preset, staging: Staging) -> None:
    begins, ends = (staging.frame(second) for second in preset.seconds)
    driven = {driver.data_path for driver in head.animation_data.drivers}
    for name, keys in layer_keys(preset, staging).items():
        attribute = ATTRIBUTES[name]
        if f"facegen.{attribute}" in driven:
            continue  # the driver has the say
        ends_now = curves.sample_properties(head, np.array([begins, ends]), [attribute])[:, 0]
        inside = keys[(keys[:, 0] > begins) & (keys[:, 0] < ends)]
        around = np.array([[begins, ends_now[0]], *inside, [ends, ends_now[1]]])
        _write_keys(head, attribute, around)
    for region, seconds in preset.shifts.items():
        frames = seconds / staging.tempo * staging.frames_per_second
        setattr(head.facegen, f"shift_{region}", frames)


def _write_keys(head: bpy.types.Object, attribute: str, keys: FloatArray) -> None:
    """Linear keys, (N, 2) frames and values, in place of those between the first and the last."""
    fcurve = _fcurve(head, attribute) or curves.new_curve(head, attribute)
    old = read_keys(fcurve)
    before = old[old["frame"] < keys[0, 0] - SAME_FRAME]
    after = old[old["frame"] > keys[-1, 0] + SAME_FRAME]
    write_keys(fcurve, np.concatenate([before, new_keys(*keys.T), after]))
    curves.show_current_value(head, attribute, fcurve)


def _fcurve(head: bpy.types.Object, attribute: str) -> bpy.types.FCurve | None:
    fcurves = actions.fcurves_of(head)
    return fcurves.find(f"facegen.{attribute}") if fcurves is not None else None


def _check_free(head: bpy.types.Object, attribute: str, keys: FloatArray) -> None:
    """Raise FacegenError where a channel cannot take (N, 2) keys drawn by hand."""
    curves.check_writable(head, attribute)
    fcurve = _fcurve(head, attribute)
    if fcurve is not None:
        inserted(read_keys(fcurve), new_keys(*keys.T), channels.label(attribute))


def _check_layers(head: bpy.types.Object, preset: Preset) -> None:
    for name in preset.layers:
        fcurve = _fcurve(head, ATTRIBUTES[name])
        if fcurve is not None and (fcurve.lock or (fcurve.group and fcurve.group.lock)):
            raise FacegenError(
                f"The curve of {channels.label(name)} is locked: unlock it in the Graph Editor "
                "first, or leave out Regions."
            )
