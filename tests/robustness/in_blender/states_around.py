"""States of a scene: what lies around a head. Folders, modifiers, drivers, strips, units, rights.

What a state changes outside the file it takes back itself: `afterwards`.
"""

from __future__ import annotations

import bpy
import harness
import numpy as np
from states import afterwards, chosen, linked_in, state

SCENE = harness.FOLDER / "around.blend"


def saved_and_opened(path=SCENE, **how: object) -> bpy.types.Object:
    """The file saved and opened again, with its head active."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, **how)
    head = bpy.data.objects["Head"]
    chosen(head)
    return head


# ---- folders and files ------------------------------------------------------------------------


@state("Files", "the folder of exports may not be written to")
def _(head):
    out = harness.FOLDER / "out"
    out.chmod(0o555)
    afterwards(lambda: out.chmod(0o755) if out.is_dir() else None)


@state("Files", "a folder has the name of the export")
def _(head):
    for ending in ("fbx", "glb", "usdc", "abc"):
        (harness.FOLDER / "out" / f"clip.{ending}").mkdir()


@state("Files", "the file of the export may not be written to")
def _(head):
    path = harness.FOLDER / "out" / "clip.fbx"
    path.write_bytes(b"an export of yesterday")
    path.chmod(0o444)


@state("Files", "opened from a folder that may not be written to")
def _(head):
    folder = harness.FOLDER / "closed"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    saved_and_opened(folder / "head.blend")
    folder.chmod(0o555)
    afterwards(lambda: folder.chmod(0o755))


@state("Files", "opened with its scripts off")
def _(head):
    driver = head.driver_add("facegen.sad").driver
    driver.expression = "len(bpy.data.objects) * 0.01"  # not simple: asks Python
    saved_and_opened(use_scripts=False)
    bpy.context.view_layer.update()
    assert bpy.app.autoexec_fail, "Blender ran the driver"


@state("Files", "the library of the head is gone")
def _(head):
    path = harness.FOLDER / "lent.blend"
    bpy.data.libraries.write(str(path), {head})
    harness.empty_scene()
    with bpy.data.libraries.load(str(path), link=True) as (_, wanted):
        wanted.objects = ["Head"]
    linked_in(wanted.objects[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(SCENE), copy=True)
    path.unlink()
    bpy.ops.wm.open_mainfile(filepath=str(SCENE), load_ui=False)
    chosen(bpy.data.objects["Head"])


@state("Files", "the folder of Blender's temporary files is gone")
def _(head):
    paths = bpy.context.preferences.filepaths
    before = paths.temporary_directory
    paths.temporary_directory = str(harness.FOLDER / "nowhere")
    afterwards(lambda: setattr(paths, "temporary_directory", before))


# ---- data-blocks ------------------------------------------------------------------------------


def _instanced(head: bpy.types.Object, is_linked: bool) -> bpy.types.Object:
    """An empty that shows the collection of the head."""
    collection = bpy.data.collections.new("Heads")
    collection.objects.link(head)
    if is_linked:
        path = str(harness.FOLDER / "heads.blend")
        bpy.data.libraries.write(path, {collection})
        harness.empty_scene()
        with bpy.data.libraries.load(path, link=True) as (_, wanted):
            wanted.collections = ["Heads"]
        collection = wanted.collections[0]
    empty = linked_in(bpy.data.objects.new("Instance", None))
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    return empty


@state("Data", "an instance of its collection is active")
def _(head):
    chosen(_instanced(head, False))


@state("Data", "an instance of a linked collection is active")
def _(head):
    chosen(_instanced(head, True))


@state("Data", "library override of all of it")
def _(head):
    empty = _instanced(head, True)
    scene, layer = bpy.context.scene, bpy.context.view_layer
    empty.instance_collection.override_hierarchy_create(scene, layer)
    bpy.data.objects.remove(empty)
    own = next(o for o in bpy.data.objects if o.override_library and o.name.startswith("Head"))
    if own.name not in layer.objects:
        linked_in(own)
    chosen(own)


@state("Data", "in two scenes")
def _(head):
    bpy.data.scenes.new("Other").collection.objects.link(head)


@state("Data", "collection disabled in viewports")
def _(head):
    collection = bpy.data.collections.new("Heads")
    bpy.context.scene.collection.children.link(collection)
    for old in list(head.users_collection):
        old.objects.unlink(head)
    collection.objects.link(head)
    collection.hide_viewport = True


@state("Data", "no camera, no light, no world")
def _(head):
    for obj in list(bpy.data.objects):
        if obj.type in ("CAMERA", "LIGHT"):
            bpy.data.objects.remove(obj)
    bpy.context.scene.camera = bpy.context.scene.world = None


@state("Data", "the head is the camera of the scene")
def _(head):
    bpy.context.scene.camera = head


# ---- modifiers --------------------------------------------------------------------------------


def _modifier(name: str, kind: str, **values: object) -> None:
    @state("Modifiers", name)
    def _(head):
        modifier = head.modifiers.new(name, kind)
        for attribute, value in values.items():
            setattr(modifier, attribute, value)
        bpy.context.view_layer.update()


_modifier("a subdivision", "SUBSURF", levels=1)
_modifier("a decimation", "DECIMATE", ratio=0.5)
_modifier("a mirror", "MIRROR")
_modifier("a triangulation", "TRIANGULATE")
_modifier("a thickness", "SOLIDIFY", thickness=0.01)
_modifier("a remesh", "REMESH", voxel_size=0.05)
_modifier("an array", "ARRAY", count=3)
_modifier("an armature without one", "ARMATURE")
_modifier("a boolean without an object", "BOOLEAN")
_modifier("a build that has not begun", "BUILD", frame_start=1e4)
_modifier("geometry nodes without nodes", "NODES")
_modifier("cloth", "CLOTH")
_modifier("several resolutions", "MULTIRES")


@state("Modifiers", "a mask of nothing")
def _(head):
    head.vertex_groups.new(name="None")
    head.modifiers.new("Mask", "MASK").vertex_group = "None"


@state("Modifiers", "geometry nodes that give nothing")
def _(head):
    tree = bpy.data.node_groups.new("Nothing", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    tree.nodes.new("NodeGroupOutput")
    head.modifiers.new("Nodes", "NODES").node_group = tree
    bpy.context.view_layer.update()
    assert not _num_seen(head)


def _num_seen(head: bpy.types.Object) -> int:
    graph = bpy.context.evaluated_depsgraph_get()
    return len(head.evaluated_get(graph).data.vertices)


# ---- keys, drivers and strips -----------------------------------------------------------------


def _first_key(head: bpy.types.Object) -> bpy.types.ShapeKey:
    return head.data.shape_keys.key_blocks[1]


@state("Keys", "driven")
def _(head):
    for block in head.data.shape_keys.key_blocks[1:]:
        block.driver_add("value").driver.expression = "0.5"


@state("Keys", "driven with an error")
def _(head):
    driver = _first_key(head).driver_add("value").driver
    driver.type, driver.expression = "SCRIPTED", "no_such_name + 1"
    bpy.context.view_layer.update()


@state("Keys", "500 of the artist's")
def _(head):
    rest = np.empty(3 * len(head.data.vertices), np.float32)
    head.data.shape_keys.reference_key.data.foreach_get("co", rest)
    for number in range(500):
        block = head.shape_key_add(name=f"Mine {number}", from_mix=False)
        block.value = 0.0
        block.data.foreach_set("co", rest * (1 + number * 1e-5))


@state("Keys", "locked, and the mesh of two users")
def _(head):
    linked_in(bpy.data.objects.new("Twin", head.data))
    for block in head.data.shape_keys.key_blocks:
        block.lock_shape = True


def _tracks(head: bpy.types.Object) -> list[bpy.types.NlaTrack]:
    """All tracks of the head and of its keys, with a strip each where there was none."""
    found = []
    for owner in (head, head.data.shape_keys):
        data = owner.animation_data
        if not data.nla_tracks and data.action:
            data.nla_tracks.new().strips.new("Strip", 1, data.action)
        found += list(data.nla_tracks)
    return found


@state("Channels", "tracks muted")
def _(head):
    for track in _tracks(head):
        track.mute = True


@state("Channels", "a track alone")
def _(head):
    _tracks(head)[0].is_solo = True


@state("Channels", "tracks locked")
def _(head):
    for track in _tracks(head):
        track.lock = True


@state("Channels", "strips of twice the tempo")
def _(head):
    for track in _tracks(head):
        for strip in track.strips:
            strip.scale = 0.5


@state("Channels", "the action without its slot")
def _(head):
    data = head.animation_data
    if hasattr(data, "action_slot"):
        data.action_slot = None


@state("Channels", "the action is of a library")
def _(head):
    action = head.animation_data.action
    path = str(harness.FOLDER / "action.blend")
    bpy.data.libraries.write(path, {action})
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.actions = [action.name]
    head.animation_data.action = wanted.actions[0]


# ---- transforms, units and time ---------------------------------------------------------------


def _transform(name: str, **values: object) -> None:
    @state("Transform", name)
    def _(head):
        for attribute, value in values.items():
            setattr(head, attribute, value)
        bpy.context.view_layer.update()


_transform("scaled unevenly", scale=(3.0, 0.4, 1.2))
_transform("scaled below zero on all axes", scale=(-1.0, -1.0, -1.0))
_transform("delta scale below zero", delta_scale=(1.0, -2.0, 1.0))
_transform("a thousand kilometres away", location=(1e6, -1e6, 1e6))


@state("Transform", "scale passes through zero")
def _(head):
    for frame, size in ((1, -1.0), (10, 1.0)):
        head.scale = (size, size, size)
        head.keyframe_insert("scale", frame=frame)
    bpy.context.scene.frame_set(3)


@state("Transform", "parented to a bone")
def _(head):
    bpy.ops.object.armature_add()
    armature = bpy.context.active_object
    head.parent, head.parent_type, head.parent_bone = armature, "BONE", "Bone"
    chosen(head)


def _scene(group: str, name: str, where: str, **values: object) -> None:
    @state(group, name)
    def _(head):
        owner = getattr(bpy.context.scene, where) if where else bpy.context.scene
        for attribute, value in values.items():
            setattr(owner, attribute, value)


_scene("Units", "no units", "unit_settings", system="NONE")
_scene("Units", "feet and inches", "unit_settings", system="IMPERIAL", length_unit="INCHES")
_scene("Units", "a unit is a millimetre", "unit_settings", scale_length=0.001)
_scene("Units", "a unit is a kilometre", "unit_settings", scale_length=1000.0)
_scene("Time", "29.97 frames a second", "render", fps=30, fps_base=1.001)
_scene("Time", "a frame an hour", "render", fps=1, fps_base=3600.0)
_scene("Time", "stretched to twice", "render", frame_map_old=100, frame_map_new=200)
_scene("Time", "steps of three frames", "", frame_step=3)
_scene("Time", "a preview range", "", use_preview_range=True, frame_preview_end=5)
_scene("Time", "scene of frames below zero", "", frame_start=-30, frame_end=-3)
_scene("Time", "frames between frames are shown", "", show_subframe=True)
_scene("Time", "the last frame there is", "", frame_end=1_048_574, frame_start=1_048_570)


@state("Time", "keys between two frames")
def _(head):
    for curve in harness.addon("scene.actions").fcurves_of(head):
        for point in curve.keyframe_points:
            point.co.x += 0.37
        curve.update()


@state("Time", "all keys in one frame")
def _(head):
    for curve in harness.addon("scene.actions").fcurves_of(head):
        for point in curve.keyframe_points:
            point.co.x = 5.0
        curve.update()


# ---- settings of Blender ----------------------------------------------------------------------


@state("Blender", "undo is off")
def _(head):
    edit = bpy.context.preferences.edit
    edit.use_global_undo = False
    afterwards(lambda: setattr(edit, "use_global_undo", True))


def _without_addon(module: str) -> None:
    import addon_utils

    addon_utils.disable(module)
    afterwards(lambda: addon_utils.enable(module))


@state("Blender", "the FBX add-on is off")
def _(head):
    _without_addon("io_scene_fbx")


@state("Blender", "the glTF add-on is off")
def _(head):
    _without_addon("io_scene_gltf2")
