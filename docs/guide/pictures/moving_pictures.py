"""Draw the guide's moving pictures: the sample head beside itself, one thing changed.

.venv/bin/python -m pip install pillow
.venv/bin/python docs/guide/pictures/moving_pictures.py [NAME…]
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from blender_addon.preferences import DEFAULT_BUNDLE
from blender_addon.scene.picture_studio import Studio
from facegen_core import pipeline
from facegen_core.bundle import load_bundle
from facegen_core.eye_motion import EyeSettings, eye_motion
from facegen_core.intensity import EXPRESSIONS, Envelope, in_between, sample_envelopes
from facegen_core.layers import Layers
from facegen_core.preset_files import read_preset
from facegen_core.presets import sample_preset

FOLDER = Path(__file__).parent
FPS = 12
NUM_FRAMES = 27
TILE = (180, 200)
NUM_COLOURS = 64
BACKGROUND = np.array([0.17, 0.185, 0.21])  # plain: a gradient would eat the palette
# Onset, apex from and to, offset, of every picture's event.
MARKS = (2, 8, 16, 24)

Take = tuple[np.ndarray, Layers | None]


def neutral_layers(num_frames: int) -> Layers:
    ones = np.ones(num_frames)
    return Layers(np.ones((num_frames, 3)), (0.0, 0.0, 0.0), np.zeros(num_frames), ones)


def curves(*events: Envelope) -> np.ndarray:
    return sample_envelopes(events, np.arange(float(NUM_FRAMES)))


def blending() -> list[Take]:
    """Happy, surprise, and between them the in-between."""
    happy, surprise = Envelope("happy", *MARKS), Envelope("surprise", *MARKS)
    between = in_between(happy, "surprise", 0.5)
    return [(curves(happy), None), (curves(*between), None), (curves(surprise), None)]


def regions() -> list[Take]:
    """As generated, without brows and eyes, and on the subject's left side alone."""
    angry = curves(Envelope("happy", *MARKS))
    plain = neutral_layers(NUM_FRAMES)
    gains = np.tile([0.0, 0.0, 1.0], (NUM_FRAMES, 1))
    return [
        (angry, None),
        (angry, replace(plain, gains=gains)),
        (angry, replace(plain, asymmetry=np.ones(NUM_FRAMES))),
    ]


def eyes() -> list[Take]:
    """A face at rest, and the same with blinks and gaze of two seeds."""
    num_frames = 60
    still, plain = np.zeros((num_frames, 6)), neutral_layers(num_frames)
    times = np.arange(num_frames) / FPS
    takes: list[Take] = [(still, None)]
    for seed in (1, 4):
        motion = eye_motion(times, EyeSettings(seed, blinks_per_minute=24, gaze_amount=0.8))
        takes.append((still, replace(plain, eyes=motion)))
    return takes


def presets() -> list[Take]:
    """Three characters of one expression: a polite smile, a quick grin, a slow burn."""
    folder = DEFAULT_BUNDLE.parent / "presets"
    named = [folder / f"{name}.json" for name in ("polite-smile", "quick-grin", "warm-smile")]
    takes = [sample_preset(read_preset(path), FPS, EXPRESSIONS) for path in named]
    longest = max(len(values) for values, _ in takes)
    return [_with_rest(values, layers, longest) for values, layers in takes]


def _with_rest(values: np.ndarray, layers: Layers, num_frames: int) -> Take:
    """The take with its last frame held, so that it ends with the longest one."""
    more = num_frames - len(values)
    held = replace(
        layers,
        gains=np.pad(layers.gains, ((0, more), (0, 0)), "edge"),
        asymmetry=np.pad(layers.asymmetry, (0, more), "edge"),
        extremeness=np.pad(layers.extremeness, (0, more), "edge"),
    )
    return np.pad(values, ((0, more), (0, 0)), "edge"), held


PICTURES: dict[str, Callable[[], list[Take]]] = {
    "blending": blending,
    "regions": regions,
    "eyes": eyes,
    "presets": presets,
}


def main() -> None:
    bundle = load_bundle(DEFAULT_BUNDLE)
    alignment = pipeline.match(bundle.template.whole_head(), bundle)
    for name in sys.argv[1:] or PICTURES:
        takes = PICTURES[name]()
        clips = [
            pipeline.generate(alignment, values, FPS, bundle, layers=layers)
            for values, layers in takes
        ]
        save(FOLDER / f"{name}.gif", rows_of(alignment, [clip.displacements for clip in clips]))


def rows_of(alignment: object, clips: list[np.ndarray]) -> list[Image.Image]:
    """One picture a frame: the clips side by side."""
    pictures = []
    with tempfile.TemporaryDirectory() as folder, Studio(alignment, TILE, Path(folder)) as studio:
        for moved in zip(*clips, strict=True):
            tiles = []
            for displacement in moved:
                studio.pose(alignment.target.vertices + displacement)
                tiles.append(studio.shoot(18.0))
            row = np.concatenate(tiles, axis=1)
            opaque = BACKGROUND + (row[..., :3] - BACKGROUND) * row[..., 3:]
            pictures.append(Image.fromarray(np.round(opaque * 255).astype(np.uint8)))
    return pictures


def save(path: Path, pictures: list[Image.Image]) -> None:
    """One palette for all frames, so that colours do not flicker."""
    some = [np.asarray(picture) for picture in pictures[:: max(len(pictures) // 5, 1)]]
    palette = Image.fromarray(np.concatenate(some)).quantize(NUM_COLOURS)
    indexed = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    duration = round(1000 / FPS)
    indexed[0].save(path, save_all=True, append_images=indexed[1:], duration=duration, loop=0)


if __name__ == "__main__":
    main()
