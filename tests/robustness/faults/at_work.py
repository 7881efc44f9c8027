"""Blender at work, to be killed and refused a disk: bakes, exports, saves, keeps presets.

    python -m tests.robustness.faults.at_work loop FOLDER SEED      until it is killed
    python -m tests.robustness.faults.at_work refuse FOLDER SEED COUNT NAME…   (preloaded disk)
    python -m tests.robustness.faults.at_work check FOLDER…         is every file there whole?

Prints JSON, a line each; what Blender says goes to the other stream.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import numpy as np

import blender_addon
from blender_addon import preset_shelf
from blender_addon.scene import arrival, export_presets, fbx, mesh_bridge, preset_assets, shape_keys
from facegen_core.blendshapes import BlendshapeSet
from facegen_core.errors import FacegenError
from facegen_core.preset_files import read_preset
from tests.robustness.faults.disk import Disk
from tests.robustness.faults.wholeness import contents, temporaries

FRAMES, SPAN = np.arange(1.0, 13.0), (1, 12)
_OUT = os.dup(1)


def tell(**told: Any) -> None:
    os.write(_OUT, (json.dumps(told) + "\n").encode())


def head(seed: int = 0) -> list[bpy.types.Object]:
    """A sphere with a clip: what baking writes."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.12, segments=32, ring_count=24, calc_uvs=False)
    sphere = bpy.context.active_object
    gathered = mesh_bridge.gather([sphere])
    rng = np.random.default_rng(seed)
    shapes = rng.normal(size=(3, len(sphere.data.vertices), 3)).astype(np.float32)
    weights = rng.uniform(size=(len(FRAMES), 3)).astype(np.float32)
    weights[[0, -1]] = 0.0
    weights /= weights.max(axis=0)
    clip = BlendshapeSet(shapes, weights, weights.argmax(axis=0).astype(np.int32), 0.0)
    names = shape_keys.key_names("clip", "compact", clip, FRAMES)
    shape_keys.write_clip(gathered, "clip", names, clip, FRAMES)
    return [sphere]


def _ship(path: Path) -> None:
    preset = export_presets.DEFAULT_OF_SUFFIX[path.suffix]
    shipment = arrival.Shipment(
        path, export_presets.BY_IDENTIFIER[preset], SPAN, is_read_back=False
    )
    arrival.ship(bpy.context, [bpy.context.active_object], shipment, 1000.0)


def _save_copy(path: Path) -> None:
    fbx.export_blend(bpy.context, [bpy.context.active_object], path, SPAN)


def _save_preset(path: Path) -> None:
    preset_shelf.user_folder = lambda name, is_needed=False: path.parent
    picture = np.full((64, 64, 4), 200, np.uint8)
    preset_shelf.save_own(read_preset(_a_preset()), picture)


def _a_preset() -> Path:
    return sorted(blender_addon.SHIPPED_PRESETS.glob("*.json"))[0]


def _write_library(path: Path) -> None:
    preset_assets.write_library(bpy.context.scene, path.parent, [(read_preset(_a_preset()), None)])


# {name of the activity: (file it writes, how)}
ACTS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "writing FBX": ("clip.fbx", _ship),
    "writing glTF": ("clip.glb", _ship),
    "writing USD": ("clip.usdc", _ship),
    "writing Alembic": ("clip.abc", _ship),
    "saving a .blend": ("clip.blend", _save_copy),
    "saving a preset": (".", _save_preset),
    "writing the asset library": ("facegen_presets.blend", _write_library),
}


def act(name: str, folder: Path) -> None:
    file, write = ACTS[name]
    write(folder / (file if file != "." else "preset.json"))


def loop(folder: Path, seed: int) -> None:
    """Do everything once, say so, then go on in an order by lot until somebody kills this."""
    rng = random.Random(seed)
    head(seed)
    for name in ACTS:
        act(name, folder)
    tell(ready=True, temporaries=temporaries(contents(folder)))
    while True:
        name = rng.choice(list(ACTS))
        tell(at=name)
        if rng.random() < 0.2:
            head(rng.randrange(1000))
        act(name, folder)


def refuse(folder: Path, seed: int, count: int, names: list[str]) -> None:
    """Each activity with a disk that is full from the k-th thing asked on."""
    rng, disk = random.Random(seed), Disk()
    head(seed)
    for name in names or list(ACTS):
        act(name, folder)
        before = contents(folder)
        with disk.counting(folder):
            act(name, folder)
        asked = disk.asked
        places = range(1, asked + 1)
        chosen = list(places) if asked <= count else sorted(rng.sample(places, count))
        for place in (0, *chosen):
            kept = contents(folder)
            tell(at=name, place=place, asked=asked)
            sentence, kind = "", ""
            try:
                with disk.full(folder, place) if place else disk.read_only(folder):
                    act(name, folder)
            except FacegenError as error:
                sentence = str(error)
            except Exception as error:
                kind = repr(error)
            found = contents(folder)
            tell(
                name=name,
                place=place,
                asked=asked,
                sentence=sentence.replace(str(folder), "FOLDER"),
                error=kind,
                left=temporaries(found),
                changed=[n for n in kept if found.get(n) != kept[n]],
                gone=[n for n in before if n not in found],
            )


def check(folders: list[Path]) -> None:
    """Open every file with the importer of its kind."""
    importers: dict[str, Callable[[str], Any]] = {
        ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path),
        ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
        ".usdc": lambda path: bpy.ops.wm.usd_import(filepath=path),
        ".abc": lambda path: bpy.ops.wm.alembic_import(filepath=path, as_background_job=False),
        ".blend": lambda path: bpy.ops.wm.open_mainfile(filepath=path, load_ui=False),
        ".json": lambda path: read_preset(Path(path)),
        ".png": lambda path: bpy.data.images.load(path).pixels[0],
    }
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.suffix not in importers or path.name.startswith("."):
                continue
            bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True, load_ui=False)
            try:
                importers[path.suffix](str(path))
                if path.suffix in (".fbx", ".glb", ".usdc", ".abc"):
                    assert any(o.type == "MESH" for o in bpy.data.objects), "it holds no mesh"
                if path.name == "clip.blend":
                    assert any(m.shape_keys for m in bpy.data.meshes), "it holds no shape keys"
            except Exception as error:
                tell(file=str(path), error=repr(error))
            else:
                tell(file=str(path), error="")


def main(arguments: list[str]) -> None:
    os.dup2(2, 1)
    blender_addon.register()
    verb = arguments[0]
    if verb == "loop":
        loop(Path(arguments[1]), int(arguments[2]))
    elif verb == "refuse":
        refuse(Path(arguments[1]), int(arguments[2]), int(arguments[3]), arguments[4:])
    else:
        check([Path(name) for name in arguments[1:]])
    os._exit(0)  # 4.2 crashes while it ends, after glTF


if __name__ == "__main__":
    main(sys.argv[1:])
