"""Draw the guide's picture of a batch: heads of your own side by side, all with the same curves.

.venv/bin/python -m pip install pillow
.venv/bin/python docs/guide/pictures/batch_heads.py HEAD.obj [HEAD.obj…]
"""

import sys
from pathlib import Path

import bpy
from moving_pictures import FOLDER, FPS, MARKS, curves, rows_of, save
from PIL import Image

from blender_addon.preferences import DEFAULT_BUNDLE
from blender_addon.scene.import_head import head_of_scene, read_file
from blender_addon.scene.mesh_bridge import gather
from facegen_core import pipeline
from facegen_core.bundle import load_bundle
from facegen_core.intensity import Envelope


def main() -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    values = curves(Envelope("happy", *MARKS))
    columns = []
    for path in map(Path, sys.argv[1:]):
        read_file(path)
        alignment = pipeline.match(gather(head_of_scene(path.name)).mesh, bundle)
        clip = pipeline.generate(alignment, values, FPS, bundle)
        bpy.ops.wm.read_homefile(use_empty=True)
        columns.append(rows_of(alignment, [clip.displacements]))
    save(FOLDER / "batch.gif", [_side_by_side(tiles) for tiles in zip(*columns, strict=True)])


def _side_by_side(tiles: tuple[Image.Image, ...]) -> Image.Image:
    width, height = tiles[0].size
    row = Image.new("RGB", (width * len(tiles), height))
    for k, tile in enumerate(tiles):
        row.paste(tile, (k * width, 0))
    return row


if __name__ == "__main__":
    main()
