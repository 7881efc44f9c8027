"""Generate into a rig or into keys that are there: what is read before, written and said after."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bpy

from facegen_core.errors import FacegenError
from facegen_core.numeric import counted
from facegen_core.rig import REGIONS
from facegen_core.solving import SolveSettings

from ..baking import KEY_MODES, KeyBake, KeyRequest
from ..scene import channels, existing_keys, kept, rig_keys
from ..scene.key_drivers import Drive
from ..scene.mesh_bridge import Head

if TYPE_CHECKING:
    from .generate import Generated, GenerateRequest

# What the figures of a bake must tell (`KeyBake.figures`).
_FIGURES = ("mode", "keys", "keys_used", "by", "error_mm", "left_out")
_NO_KEYS = {
    "all": "has no shape keys of yours to solve into: choose Rig or ARKit as Bake",
    "arkit": "has no shape keys with ARKit names: choose ARKit as Bake, which makes them",
    "named": "has none of the shape keys you named",
}


def request_keys(target: bpy.types.Object, head: Head, layers: Any = None) -> KeyRequest | None:
    """What the settings of a head ask of a rig or a solve; None for a compact or frames bake.

    Raises FacegenError where no key can be used, or an artist's curve is in the way.
    """
    settings = target.facegen
    if settings.bake_mode not in KEY_MODES:
        return None
    existing = None
    if settings.bake_mode != "rig":
        onto = "arkit" if settings.bake_mode == "arkit" else settings.onto
        wanted = existing_keys.chooser(onto, settings.onto_names)
        existing = existing_keys.read_keys(head, wanted, settings.replaces_curves)
    if settings.bake_mode == "existing" and not existing.names:
        raise FacegenError(_none_left(target, settings.onto, existing.left_out))
    # Blender keeps properties as float32; more digits are noise.
    solving = SolveSettings(round(settings.solve_smoothness, 6), round(settings.solve_sparsity, 6))
    factors = None
    if layers is not None:
        factors = layers.gains * layers.extremeness[:, None]
    leaves_mouth = bool(getattr(settings, "leaves_mouth", False))
    return KeyRequest(settings.rig_by, existing, solving, factors, leaves_mouth)


def write_keys(
    target: bpy.types.Object, request: GenerateRequest, generated: Generated, bake: KeyBake
) -> int:
    """Write a rig or a solve; returns how many keys are played."""
    settings = target.facegen
    rig_of = {
        channel.expression: channel for channel in channels.claim(target, request.expressions)
    }
    drives = tuple(
        Drive(_factors(target, rig_of[expression].data_path, region), _held_by(target, region))
        for expression, region in bake.driven_by
    )
    clip = rig_keys.shape_keys.safe_clip_name(settings.clip_name)
    record = rig_keys.ARKIT_SET if bake.mode == "arkit" else clip
    keys = rig_keys.KeysToWrite(bake.names, bake.is_new, record, drives, settings.replaces_curves)
    head, shapes = generated.match.head, generated.shapes
    num_keys = rig_keys.write_keys(head, settings.clip_name, keys, shapes, request.frames, target)
    num_used = len(bake.names) if drives else int((shapes.weights > 0).any(axis=0).sum())
    settings.key_figures = json.dumps(bake.figures(float(request.frames[0]), num_used))
    return num_keys


def figures_of(target: bpy.types.Object) -> dict[str, Any]:
    """What is known of the rig or the solve on a head; {} where there is none."""
    return kept.mapping(target.facegen.key_figures, *_FIGURES)


def error_words(error: Mapping[str, Any]) -> str:
    """An accuracy in words."""
    words = f"mean {error['mean']:.2f} mm, 95 % within {error['p95']:.2f} mm, at most "
    words += f"{error['max']:.2f} mm"
    if error["missed"]:
        words += f" (frame {error['worst_frame']:g}, {error['missed']})"
    return words


def sentence(figures: Mapping[str, Any], num_frames: int) -> str:
    """What to tell the artist of a rig or a solve."""
    error, frames = error_words(figures["error_mm"]), counted(num_frames, "frame")
    if figures["by"] == "drivers":
        keys = counted(figures["keys"], "key")
        told = f"{keys} moved by the sliders of this head; from the generated motion: {error}"
    elif figures["mode"] == "rig":
        told = f"{frames} played by {counted(figures['keys_used'], 'key')} of a rig, {error}"
    else:
        keys = counted(figures["keys"], "shape key")
        told = f"{frames} solved into {figures['keys_used']} of {keys}, {error}"
    mixed = figures.get("overlap_error_mm")
    if mixed:
        told += f"; where expressions overlap, they add up: {error_words(mixed)}"
    left = left_out_words(figures["left_out"])
    return f"{told}; {left}" if left else told


def left_out_words(left_out: Mapping[str, str]) -> str:
    """Which keys were left alone and why, in one line; "" when none was."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        by_reason.setdefault(reason, []).append(name)
    parts = []
    for reason, names in sorted(by_reason.items()):
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        parts.append(f"{shown} ({reason})")
    return "left alone: " + ", ".join(parts) if parts else ""


def _factors(target: bpy.types.Object, path: str, region: str) -> tuple[str, ...]:
    """Paths of the properties of a head whose product is a key's value."""
    layers = (f"region_{region}", "extremeness")
    return (path, *(f"facegen.{name}" for name in layers if hasattr(target.facegen, name)))


def _held_by(target: bpy.types.Object, region: str) -> str:
    is_mouth = region == REGIONS[-1]
    return "facegen.leaves_mouth" if is_mouth and hasattr(target.facegen, "leaves_mouth") else ""


def _none_left(target: bpy.types.Object, onto: str, left_out: Mapping[str, str]) -> str:
    if left_out:
        return f"'{target.name}' has no shape key to solve into; {left_out_words(left_out)}."
    return f"'{target.name}' {_NO_KEYS[onto]}."
