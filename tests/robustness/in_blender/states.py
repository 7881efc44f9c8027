"""States of a scene that no act was made for: of selection, data-blocks, keys, mesh and transform.

Each is a function of the matched head that brings it about; the others are in `states_of_play`.
"""

from __future__ import annotations

from collections.abc import Callable

import bpy
import harness
import numpy as np

State = Callable[[bpy.types.Object], object]
STATES: dict[str, dict[str, State]] = {}
# What takes back what a state changed outside the file.
_afterwards: list[Callable[[], object]] = []


def state(group: str, name: str) -> Callable[[State], State]:
    def keep(function: State) -> State:
        STATES.setdefault(group, {})[name] = function
        return function

    return keep


def afterwards(take_back: Callable[[], object]) -> None:
    """Have something done when the state is over."""
    _afterwards.append(take_back)


def leave() -> None:
    """The state is over."""
    while _afterwards:
        _afterwards.pop()()


def chosen(obj: bpy.types.Object | None, *others: bpy.types.Object) -> None:
    harness.activate(obj, *others)


def linked_in(obj: bpy.types.Object) -> bpy.types.Object:
    bpy.context.scene.collection.objects.link(obj)
    return obj


def new_mesh(head: bpy.types.Object, points: object, faces: object, edges: object = ()) -> None:
    """The head with another mesh."""
    mesh = bpy.data.meshes.new("Other")
    mesh.from_pydata(points, edges, faces)
    head.data = mesh


def moved(head: bpy.types.Object, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """All vertices changed, of the mesh and of its neutral."""
    for points in (head.data.vertices, head.data.shape_keys.reference_key.data):
        places = np.empty(3 * len(points), np.float32)
        points.foreach_get("co", places)
        with np.errstate(all="ignore"):
            points.foreach_set("co", change(places.reshape(-1, 3)).astype(np.float32).ravel())
    head.data.update()


# ---- what is selected -------------------------------------------------------------------------


@state("Selection", "nothing selected")
def _(head):
    chosen(None)


@state("Selection", "active but not selected")
def _(head):
    head.select_set(False)


def _adds(name: str, add: str) -> None:
    @state("Selection", f"a {name} is active")
    def _(head):
        group, act = add.split(".")
        getattr(getattr(bpy.ops, group), act)()


for _name, _add in (
    ("camera", "object.camera_add"),
    ("light", "object.light_add"),
    ("text", "object.text_add"),
    ("curve", "curve.primitive_bezier_circle_add"),
    ("surface", "surface.primitive_nurbs_surface_sphere_add"),
    ("metaball", "object.metaball_add"),
    ("lattice", "object.add"),
    ("armature", "object.armature_add"),
    ("speaker", "object.speaker_add"),
):
    _adds(_name, _add)


@state("Selection", "a landmark is active")
def _(head):
    chosen(next(obj for obj in bpy.data.objects if obj.facegen.landmark >= 0))


@state("Selection", "two heads selected")
def _(head):
    twin = head.copy()
    twin.data = head.data.copy()
    chosen(head, linked_in(twin))


@state("Selection", "the active object was removed")
def _(head):
    bpy.data.objects.remove(head)
    bpy.context.view_layer.update()


def _in_mode(mode: str) -> None:
    @state("Mode", mode.replace("_", " ").lower())
    def _(head):
        bpy.ops.object.mode_set(mode=mode)


for _mode in ("EDIT", "SCULPT", "WEIGHT_PAINT", "VERTEX_PAINT", "TEXTURE_PAINT"):
    _in_mode(_mode)


@state("Mode", "another object in pose mode")
def _(head):
    bpy.ops.object.armature_add()
    bpy.ops.object.mode_set(mode="POSE")


# ---- data-blocks and where they are -----------------------------------------------------------


def _library(head: bpy.types.Object) -> str:
    path = str(harness.FOLDER / "library.blend")
    bpy.data.libraries.write(path, {head})
    return path


def _linked(head: bpy.types.Object) -> bpy.types.Object:
    path = _library(head)
    harness.empty_scene()
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = ["Head"]
    return linked_in(wanted.objects[0])


@state("Data", "linked from a library")
def _(head):
    chosen(_linked(head))


@state("Data", "library override")
def _(head):
    chosen(linked_in(_linked(head).override_create()))


@state("Data", "local object of a linked mesh")
def _(head):
    chosen(linked_in(_linked(head).copy()))


@state("Data", "mesh of two users")
def _(head):
    linked_in(bpy.data.objects.new("Twin", head.data))
    chosen(head)


@state("Data", "action of two heads")
def _(head):
    twin = head.copy()
    twin.data = head.data.copy()
    linked_in(twin)
    chosen(head)


@state("Data", "hidden in the viewport")
def _(head):
    head.hide_set(True)


@state("Data", "disabled in viewports")
def _(head):
    head.hide_viewport = True


@state("Data", "not selectable")
def _(head):
    head.hide_select = True


def _collection_of(head: bpy.types.Object) -> bpy.types.LayerCollection:
    collection = bpy.data.collections.new("Heads")
    bpy.context.scene.collection.children.link(collection)
    for old in list(head.users_collection):
        old.objects.unlink(head)
    collection.objects.link(head)
    return bpy.context.view_layer.layer_collection.children["Heads"]


@state("Data", "collection hidden")
def _(head):
    _collection_of(head).hide_viewport = True


@state("Data", "collection excluded")
def _(head):
    _collection_of(head).exclude = True


@state("Data", "in no scene")
def _(head):
    for collection in list(head.users_collection):
        collection.objects.unlink(head)


@state("Data", "another scene is shown")
def _(head):
    bpy.context.window_manager.windows[0].scene = bpy.data.scenes.new("Other")


@state("Data", "renamed to odd letters")
def _(head):
    head.name, head.data.name = 'Ki\u0308nd "7" \\ 笑', "x" * 63


# ---- shape keys -------------------------------------------------------------------------------


def _keys(head: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    return list(head.data.shape_keys.key_blocks)


@state("Keys", "absolute")
def _(head):
    head.data.shape_keys.use_relative = False


@state("Keys", "a generated key renamed")
def _(head):
    _keys(head)[1].name = "Mine"


@state("Keys", "a generated key deleted")
def _(head):
    head.shape_key_remove(_keys(head)[1])


@state("Keys", "all keys deleted")
def _(head):
    head.shape_key_clear()


@state("Keys", "Basis renamed")
def _(head):
    _keys(head)[0].name = "FG_clip_01"


@state("Keys", "Basis in one point")
def _(head):
    _keys(head)[0].data.foreach_set("co", np.zeros(3 * len(head.data.vertices), np.float32))


@state("Keys", "a key that is no number")
def _(head):
    _keys(head)[1].data[0].co.x = float("nan")


@state("Keys", "muted")
def _(head):
    for block in _keys(head):
        block.mute = True


@state("Keys", "locked")
def _(head):
    for block in _keys(head):
        block.lock_shape = True


@state("Keys", "pinned")
def _(head):
    head.show_only_shape_key = True


@state("Keys", "relative to one another")
def _(head):
    _keys(head)[2].relative_key = _keys(head)[1]


@state("Keys", "of no range")
def _(head):
    for block in _keys(head)[1:]:
        block.slider_max = block.slider_min = 0.0


# ---- the mesh ---------------------------------------------------------------------------------


@state("Mesh", "a vertex that is no number")
def _(head):
    moved(head, lambda places: np.where(np.arange(len(places))[:, None] == 7, np.nan, places))


@state("Mesh", "a vertex at infinity")
def _(head):
    moved(head, lambda places: np.where(np.arange(len(places))[:, None] == 7, np.inf, places))


@state("Mesh", "all in one point")
def _(head):
    moved(head, lambda places: places * 0.0)


@state("Mesh", "flat")
def _(head):
    moved(head, lambda places: places * [1.0, 0.0, 1.0])


@state("Mesh", "huge")
def _(head):
    moved(head, lambda places: places * 1e30)


@state("Mesh", "tiny")
def _(head):
    moved(head, lambda places: places * 1e-30)


@state("Mesh", "no vertices")
def _(head):
    new_mesh(head, [], [])


@state("Mesh", "one vertex")
def _(head):
    new_mesh(head, [(0, 0, 0)], [])


@state("Mesh", "loose edges only")
def _(head):
    new_mesh(head, [(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1), (1, 2)])


@state("Mesh", "one ngon")
def _(head):
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1).tolist()
    new_mesh(head, ring, [list(range(400))])


@state("Mesh", "every face twice")
def _(head):
    places = [tuple(v.co) for v in head.data.vertices]
    faces = [list(p.vertices) for p in head.data.polygons]
    new_mesh(head, places, faces + [face[::-1] for face in faces])


@state("Mesh", "every vertex twice")
def _(head):
    places = [tuple(v.co) for v in head.data.vertices]
    faces = [list(p.vertices) for p in head.data.polygons]
    new_mesh(head, places * 2, faces)


@state("Mesh", "a cube")
def _(head):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.active_object.data
    bpy.data.objects.remove(bpy.context.active_object)
    head.data = cube
    chosen(head)


@state("Mesh", "a vertex added since the match")
def _(head):
    head.data.vertices.add(1)


@state("Mesh", "a million vertices")
def _(head):
    side = 1000
    across, up = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    places = np.stack([across, 0.1 * np.cos(3 * across), up], axis=-1).reshape(-1, 3)
    first = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.stack([first, first + 1, first + side + 1, first + side], axis=1)
    mesh = bpy.data.meshes.new("Million")
    mesh.vertices.add(len(places))
    mesh.vertices.foreach_set("co", places.astype(np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 4, dtype=np.int32))
    mesh.update(calc_edges=True)
    head.data = mesh
