"""Live update: dragging a key or a slider moves the face at once.

Handlers only ask for a look; the look itself is a timer's, between two events, where shape keys may
be made and removed. With Live off on every head a handler costs the test of a flag.

A clip that is written in the background gets no undo step of its own: an artist who undoes a drag
wants the curve back, and the face follows it, as it follows every change. After an undo or redo no
clip is trusted, so the face is posed and its clip made again.
"""

from __future__ import annotations

import threading

import bpy
from bpy.app.handlers import persistent

from .live_session import LOOK_AGAIN_SECONDS, Session
from .scene import live_key, schema, state

# Whether any head of the scene may be live, and {name of a head: its session}.
_is_any = False
_sessions: dict[str, Session] = {}


def wake() -> None:
    """Look at the scene between the next two events: something may have changed."""
    global _is_any
    _is_any = True
    if not bpy.app.timers.is_registered(follow):
        bpy.app.timers.register(follow, first_interval=0.0)


def follow() -> float | None:
    """Let all live heads follow; returns when to be called again, a timer."""
    global _is_any
    if not _is_any:
        return None
    window = next(iter(bpy.context.window_manager.windows), None)
    if window is None:
        return LOOK_AGAIN_SECONDS
    heads = [
        o
        for o in window.scene.objects
        if o.type == "MESH" and o.facegen.is_live and not schema.is_newer(o)
    ]
    for name in set(_sessions) - {head.name for head in heads}:
        _sessions.pop(name).stop()
        live_key.remove_all()  # heads that are still live show theirs again
    _is_any = bool(heads)
    waits = []
    for head in heads:
        session = _sessions.setdefault(head.name, Session())
        before = session.note, session.is_working
        with bpy.context.temp_override(
            window=window, active_object=head, object=head, selected_objects=[head]
        ):
            waits.append(session.look(bpy.context, head))
        if before != (session.note, session.is_working):
            _redraw()
    return min((wait for wait in waits if wait is not None), default=None)


def note_of(target: bpy.types.Object) -> tuple[str, bool]:
    """A sentence about a live head, empty where all is well; and whether its clip is being made."""
    session = _sessions.get(target.name)
    return (session.note, session.is_working) if session else ("", False)


def forget() -> None:
    """End all work and show the clips; whoever is live starts anew."""
    for session in _sessions.values():
        session.stop()
    _sessions.clear()
    live_key.remove_all()


@persistent
def on_change(*_: object) -> None:
    """After an edit or another frame; a render evaluates frames too, in a thread of its own."""
    if _is_any and threading.current_thread() is threading.main_thread():
        wake()


@persistent
def on_undo(*_: object) -> None:
    """What came back may hold a pose, and clips that do not belong to its curves."""
    live_key.remove_all()
    for session in _sessions.values():
        session.forget_clip()
    wake()


@persistent
def on_load(*_: object) -> None:
    """A file is opened as it was saved: nothing starts to work on it by itself."""
    forget()
    state.turn_off_live()


@persistent
def on_save(*_: object) -> None:
    """A pose is never saved; it comes back with the next look."""
    live_key.remove_all()


@persistent
def on_render(*_: object) -> None:
    """A clip is rendered, not the pose of one frame."""
    live_key.silence_all()


def _redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


_PLACES = (
    (bpy.app.handlers.depsgraph_update_post, on_change),
    (bpy.app.handlers.frame_change_post, on_change),
    (bpy.app.handlers.undo_post, on_undo),
    (bpy.app.handlers.redo_post, on_undo),
    (bpy.app.handlers.load_post, on_load),
    (bpy.app.handlers.save_pre, on_save),
    (bpy.app.handlers.render_init, on_render),
)


def register() -> None:
    for handlers, function in _PLACES:
        handlers.append(function)


def unregister() -> None:
    """Also while it works: every worker is asked to end, every pose taken away."""
    global _is_any
    for handlers, function in _PLACES:
        handlers.remove(function)
    if bpy.app.timers.is_registered(follow):
        bpy.app.timers.unregister(follow)
    _is_any = False
    forget()
