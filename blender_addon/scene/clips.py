"""The acts on the clips of a head: begun, played, laid down, renamed, removed.

A clip is the expression curves of the head and the curves of the shape keys made of them: an action
with a slot per data-block from Blender 4.4 on where slots can share one (`actions.ensure_fcurves`),
else an action each, all carrying the clip's number. The clip that plays is what is assigned; the
others rest in muted strips (`clip_strips`). Curves of the artist's own in these actions go along:
a new clip starts with a copy of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import bpy

from facegen_core.errors import FacegenError

from . import (
    actions,
    clip_keys,
    clip_play,
    clip_rows,
    clip_store,
    clip_strips,
    kept,
    own_clips,
    shape_keys,
)
from .clip_store import owners


def begin(target: bpy.types.Object) -> bpy.types.PropertyGroup | None:
    """The clip that plays; the first one where there is none yet. Marks the actions as its own."""
    own_clips.claim(target)
    settings = target.facegen
    if not len(settings.clips):
        clip_rows.add_row(target, settings.clip_name, clip_rows.first_number(target))
    row = clip_rows.playing(target)
    if row is not None:
        for owner in owners(target):
            found = actions.assigned(owner)
            if found is not None and not found.action.library:
                clip_strips.mark(found.action, row.number)
    return row


def check_generating(target: bpy.types.Object) -> None:
    """Raise FacegenError where it is not clear which clip Generate should write."""
    rows, row = target.facegen.clips, clip_rows.playing(target)
    if len(rows) and row is None:
        raise FacegenError(
            f"The clips of '{target.name}' play as strips: switch to the clip to generate first."
        )
    name = target.facegen.clip_name
    key_name = shape_keys.safe_clip_name(name)
    if any(other.key_name == key_name and other != row for other in rows):
        raise FacegenError(
            f"There is a clip '{name}' already: switch to it in Clips, or choose another name."
        )


def for_generating(target: bpy.types.Object) -> Callable[[], None]:
    """See that the clip named in the settings plays; returns what takes that back.

    A new name starts a new clip with the same expressions; the one before rests with its keys.
    """
    check_generating(target)
    settings = target.facegen
    share_again = own_clips.claim(target)
    if not len(settings.clips):
        begin(target)

        def forget_first() -> None:
            _forget_first(target)
            share_again()

        return forget_first
    before = begin(target)
    name = target.facegen.clip_name
    if before.key_name == shape_keys.safe_clip_name(name):
        return share_again
    number_before = before.number
    number = _start(target, name, lambda owner, curve: isinstance(owner, bpy.types.Object))

    def take_back() -> None:
        remove(target, number)
        switch(target, number_before)
        target.facegen.clip_name = name
        share_again()

    return take_back


def _forget_first(target: bpy.types.Object) -> None:
    """As if the first clip had never begun."""
    number = target.facegen.clip_playing
    for action in clip_store.actions_now(target):
        if action.get(clip_strips.NUMBER) == number:
            del action[clip_strips.NUMBER]
    for name in ("clips", "clip_row", "clip_playing"):
        target.facegen.property_unset(name)


def new(target: bpy.types.Object, name: str = "") -> int:
    """A clip without expressions; the one before rests. Returns its number."""
    begin(target)
    return _start(target, clip_keys.free_name(target, name or "clip"), lambda *_: False)


def duplicate(target: bpy.types.Object, number: int) -> int:
    """The same clip again, its shape keys too, under another name. Returns its number."""
    switch(target, number)
    begin(target)
    row = clip_rows.row_of(target, number)
    name, key_name = clip_keys.free_name(target, row.name), row.key_name
    twin = _start(target, name, lambda *_: True)
    clip_keys.duplicate(target, key_name, clip_rows.row_of(target, twin).key_name)
    clip_play.settle(target, {})
    return twin


def switch(target: bpy.types.Object, number: int) -> None:
    """Let one clip play on all data-blocks, alone: the others rest, strips are muted."""
    check_free(target)
    if number == target.facegen.clip_playing:
        return
    row = clip_rows.row_of(target, number)
    before = _rest(target)
    everything = owners(target)
    for other in target.facegen.clips:
        clip_strips.set_muted(everything, other.number, True)
    for owner, found in clip_play.actions_of(target, number).items():
        _keep_drawn_over_strips(owner)
        actions.assign(owner, found)
    if not row.is_pushed:
        clip_strips.take_up(everything, number)
    _play(target, row, before)


def push_down(target: bpy.types.Object, number: int) -> None:
    """Lay a clip into the NLA as strips that play, one on every data-block, frame for frame."""
    row = clip_rows.row_of(target, number)
    if not clip_play.actions_of(target, number):
        raise FacegenError(f"The clip '{row.name}' is empty: key an expression first.")
    switch(target, number)
    begin(target).is_pushed = True
    play_strips(target)


def play_strips(target: bpy.types.Object) -> None:
    """Let all clips that were pushed down play from the NLA instead of one clip."""
    check_free(target)
    before = _rest(target)
    for row in target.facegen.clips:
        if row.is_pushed:
            clip_strips.set_muted(owners(target), row.number, False)
    target.facegen.clip_playing = clip_rows.NO_CLIP
    clip_play.settle(target, before)


def remove(target: bpy.types.Object, number: int) -> None:
    """Remove what Facegen made of a clip; curves of the artist's own in its actions stay."""
    switch(target, number)
    settings = target.facegen
    row = begin(target)
    before, played = clip_play.animated_by_facegen(target), clip_play.actions_of(target, number)
    clip_strips.take_up(owners(target), number)
    clip_keys.remove(target, row.key_name)
    actions.remove_fcurves(target, {c for c in before[target] if c.startswith("facegen.")})
    index = next(i for i, other in enumerate(settings.clips) if other.number == number)
    others = [other.number for other in settings.clips if other.number != number]
    settings.clips.remove(index)
    settings.clip_row = max(min(index, len(others) - 1), 0)
    if others:
        for owner in owners(target):
            actions.assign(owner, None)
        settings.clip_playing = clip_rows.NO_CLIP
        switch(target, others[settings.clip_row])
    else:
        settings.clip_playing = clip_rows.NO_CLIP
    for action in actions.still_there(found.action for found in played.values()):
        _leave_to_artist(action)
    clip_play.settle(target, before)


def rename(target: bpy.types.Object, row: bpy.types.PropertyGroup, name: str) -> str:
    """Give a clip, its strips and shape keys another name; returns the one it got.

    Keys that another head shows too keep theirs.
    """
    own_clips.claim(target)
    old = row.key_name
    name = clip_keys.free_name(target, name or row.last_name, besides=row.number)
    if not own_clips.are_keys_shared(target):
        row.key_name = shape_keys.safe_clip_name(name)
        clip_keys.rename(target, old, row.key_name)
    clip_strips.rename(owners(target), row.number, name)
    row.last_name = name
    row.name = name
    if row.number == target.facegen.clip_playing:
        target.facegen.clip_name = name
    return name


def check_free(target: bpy.types.Object) -> None:
    """Raise FacegenError while a strip of the head is tweaked, or another head shows its keys."""
    own_clips.check_keys(target)
    for owner in owners(target):
        data = owner.animation_data
        if data is not None and data.use_tweak_mode:
            raise FacegenError(f"A strip of '{target.name}' is being tweaked: press Tab there.")


def _start(
    target: bpy.types.Object,
    name: str,
    is_kept: Callable[[bpy.types.ID, bpy.types.FCurve], bool],
) -> int:
    """A new clip that plays: copies of what plays now, of Facegen's curves those that are kept."""
    number = clip_rows.next_number(target)
    copies = clip_play.copies_of(target, f"{target.name} {name}", number, is_kept)
    before = _rest(target)
    row = clip_rows.add_row(target, name, number)
    for owner, found in copies.items():
        actions.assign(owner, found)
    _play(target, row, before)
    return number


def _rest(target: bpy.types.Object) -> Mapping[bpy.types.ID, set[str]]:
    """Lay the clip that plays into muted strips; returns what it animated."""
    row, before = begin(target), clip_play.animated_by_facegen(target)
    if row is None:
        return before
    played = clip_play.actions_of(target, row.number)
    clip_strips.lay_down(list(played.items()), row.name, row.number, is_muted=True)
    for owner in played:
        actions.assign(owner, None)
    return before


def _keep_drawn_over_strips(owner: bpy.types.ID) -> None:
    """What was keyed while strips played belongs to no clip: it stays in the file, unassigned."""
    drawn = actions.assigned(owner)
    if drawn is not None and not drawn.action.library:
        drawn.action.use_fake_user = True


def _play(
    target: bpy.types.Object,
    row: bpy.types.PropertyGroup,
    before: Mapping[bpy.types.ID, set[str]],
) -> None:
    settings = target.facegen
    settings.clip_playing = row.number
    settings.clip_row = list(settings.clips).index(row)
    settings.clip_name = row.name
    text = clip_rows.record_text(target, row.number)
    measured = kept.mapping(text).get("measured")
    measured = measured if isinstance(measured, dict) else {}
    settings.num_keys = measured.get("num_keys", -1)
    settings.bake_error_mm = measured.get("bake_error_mm", 0.0)
    settings.made_by, settings.contact = measured.get("made_by", ""), measured.get("contact", "")
    clip_play.settle(target, before)


def _leave_to_artist(action: bpy.types.Action) -> None:
    """What is left of a removed clip's action: nothing, or curves that are not Facegen's."""
    if actions.remove_if_empty(action):
        return
    for name in (clip_strips.NUMBER, clip_store.PROPERTY):
        action.pop(name, None)
    action.use_fake_user = action.users == 0 or action.use_fake_user
