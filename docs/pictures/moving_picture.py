"""Draw the README's moving picture: the sample head, six expressions in a row.

.venv/bin/python -m pip install pillow
.venv/bin/python docs/pictures/moving_picture.py
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from blender_addon.preferences import DEFAULT_BUNDLE
from blender_addon.scene.picture_studio import Studio
from facegen_core import pipeline
from facegen_core.bundle import load_bundle
from facegen_core.intensity import EXPRESSIONS, Envelope, sample_envelopes

OUTPUT = Path(__file__).with_name("moving.gif")
FRAMES_PER_SECOND = 12
TILE = (190, 208)
YAWS = (0.0, 38.0)
# Frames: one expression takes a second and a half and flows into the next.
ONSET, HOLD, OFFSET, PERIOD = 5, 12, 19, 17
NUM_COLOURS = 72
BACKGROUND = np.array([0.17, 0.185, 0.21])  # plain: a gradient would eat the palette


def main() -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    alignment = pipeline.match(bundle.template.whole_head(), bundle)
    events = [
        Envelope(name, k * PERIOD, k * PERIOD + ONSET, k * PERIOD + HOLD, k * PERIOD + OFFSET)
        for k, name in enumerate(EXPRESSIONS)
    ]
    frames = np.arange(0.0, len(EXPRESSIONS) * PERIOD + 4)
    curves = sample_envelopes(events, frames)
    clip = pipeline.generate(alignment, curves, FRAMES_PER_SECOND, bundle)
    pictures = []
    with tempfile.TemporaryDirectory() as folder, Studio(alignment, TILE, Path(folder)) as studio:
        for displacement in clip.displacements:
            studio.pose(alignment.target.vertices + displacement)
            views = np.concatenate([studio.shoot(yaw) for yaw in YAWS], axis=1)
            opaque = BACKGROUND + (views[..., :3] - BACKGROUND) * views[..., 3:]
            pixels = np.round(opaque * 255).astype(np.uint8)
            pictures.append(Image.fromarray(pixels))
    # One palette for all frames, drawn from all apexes, so that colours do not flicker.
    apexes = [np.asarray(pictures[k * PERIOD + HOLD]) for k in range(len(EXPRESSIONS))]
    palette = Image.fromarray(np.concatenate(apexes)).quantize(NUM_COLOURS)
    indexed = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    indexed[0].save(
        OUTPUT,
        save_all=True,
        append_images=indexed[1:],
        duration=round(1000 / FRAMES_PER_SECOND),
        loop=0,
        optimize=True,
    )


if __name__ == "__main__":
    main()
