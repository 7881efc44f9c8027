"""A head's clips are its own, also where Blender duplicated the head.

Shift-D copies the actions that play and lets strips of both heads play the same resting clips;
Alt-D, and Make Single User after it, let both heads play the same actions. So before Facegen edits
a clip, what another data-block plays too is copied for this head alone, and the other, whichever
was first, keeps what it had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import bpy

from . import actions, clip_store, clip_strips, key_checks, schema
from .actions import Assigned


@dataclass(frozen=True)
class _Use:
    """A place where a data-block plays an action: by itself, or by a strip."""

    owner: bpy.types.ID
    strip: bpy.types.NlaStrip | None
    found: Assigned


def claim(target: bpy.types.Object) -> Callable[[], None]:
    """Copies, for a head alone, of what it and others play; returns what takes that back.

    What is being tweaked stays, and so do the curves of a Key that another head shows too (Alt-D):
    they are of all who show it, as its shapes are. Other things than meshes have no clips.
    """
    if target.type != "MESH":
        return lambda: None
    uses = [use for owner in _claimable(target) for use in _uses(owner)]
    copies = {action: _copy(target, action, uses) for action in _shared(target, uses)}
    _play_instead(uses, copies)

    def take_back() -> None:
        there = set(actions.still_there(copies.values()))
        before = {copy: action for action, copy in copies.items() if copy in there}
        again = [use for owner in _claimable(target) for use in _uses(owner)]
        _play_instead(again, before)
        for copy in before:
            bpy.data.actions.remove(copy)

    return take_back


def claim_all(scene: bpy.types.Scene) -> None:
    """The same for every head of a scene; linked ones, and those of a newer Facegen, stay."""
    for obj in scene.objects:
        is_own = obj.type == "MESH" and not obj.library and not obj.override_library
        if is_own and len(obj.facegen.clips) and not schema.is_newer(obj):
            claim(obj)


def num_objects() -> int:
    return len(bpy.data.objects)


def check_keys(target: bpy.types.Object) -> None:
    """Raise FacegenError where another head shows keys of this one, and would change with them."""
    objects = _with_keys(target)
    for obj in objects:
        key_checks.check_shown_alone(obj, objects)


def are_keys_shared(target: bpy.types.Object) -> bool:
    """Whether another head shows keys of this one."""
    objects = _with_keys(target)
    return any(key_checks.shown_elsewhere(obj, objects) for obj in objects)


def _with_keys(target: bpy.types.Object) -> list[bpy.types.Object]:
    return [obj for obj in clip_store.head_objects(target) if obj.data.shape_keys is not None]


def _claimable(target: bpy.types.Object) -> list[bpy.types.ID]:
    """The data-blocks of a head whose actions may be exchanged."""
    shown = _with_keys(target)
    elsewhere = {obj.data.shape_keys for obj in shown if key_checks.shown_elsewhere(obj, shown)}
    return [
        owner
        for owner in clip_store.owners(target)
        if owner not in elsewhere
        and not owner.library
        and owner.animation_data is not None
        and not owner.animation_data.use_tweak_mode
    ]


def _uses(owner: bpy.types.ID) -> Iterator[_Use]:
    found, data = actions.assigned(owner), owner.animation_data
    if found is not None:
        yield _Use(owner, None, found)
    for track in data.nla_tracks if data is not None else ():
        for strip in track.strips:
            if strip.action is not None:
                yield _Use(owner, strip, clip_strips.strip_assigned(strip))


def _shared(target: bpy.types.Object, uses: Iterable[_Use]) -> list[bpy.types.Action]:
    """The actions in these uses that a data-block which is not the head's plays by the same slot.

    Of those in strips only Facegen's: it never edits others there.
    """
    wanted = [use for use in uses if not use.found.action.library and _may_be_edited(use)]
    own = clip_store.owners(target)
    counts: dict[bpy.types.Action, int] = {}
    for use in (use for owner in own for use in _uses(owner)):
        counts[use.found.action] = counts.get(use.found.action, 0) + 1
    # Most often nobody else has any of them, which their numbers of users tell at once.
    asked = {
        use.found
        for use in wanted
        if use.found.action.users - use.found.action.use_fake_user > counts[use.found.action]
    }
    if not asked:
        return []
    others = (owner for owner in (*bpy.data.objects, *bpy.data.shape_keys) if owner not in own)
    elsewhere = {use.found for other in others for use in _uses(other)}
    return list(dict.fromkeys(found.action for found in asked if found in elsewhere))


def _may_be_edited(use: _Use) -> bool:
    if actions.HAS_SLOTS and use.found.slot is None:
        return False
    if use.strip is None:
        return True
    action = use.found.action
    return clip_strips.NUMBER in action or bool(action.get(actions.MADE_BY_FACEGEN))


def _copy(
    target: bpy.types.Object, action: bpy.types.Action, uses: Iterable[_Use]
) -> bpy.types.Action:
    """What the head plays of an action, called after the head's clip where it is one's."""
    slots = {use.found.slot for use in uses if use.found.action == action}
    number = action.get(clip_strips.NUMBER)
    names = [row.name for row in target.facegen.clips if row.number == number]
    name = f"{target.name} {names[0]}" if names else action.name
    copy = actions.copy_of(action, slots, name)
    if not action.get(actions.MADE_BY_FACEGEN):
        del copy[actions.MADE_BY_FACEGEN]
    return copy


def _play_instead(uses: Iterable[_Use], others: dict[bpy.types.Action, bpy.types.Action]) -> None:
    """Let these places play {action: another with the same slots}."""
    for use in uses:
        if use.found.action not in others:
            continue
        found = Assigned(others[use.found.action], use.found.slot)
        if use.strip is None:
            actions.assign(use.owner, found)
        else:
            clip_strips.play_in(use.strip, found)
