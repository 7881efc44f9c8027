"""Cut the guide's screenshots out of a visit of the window test.

FACEGEN_WINDOW_OUT=out/window make test
.venv/bin/python -m pip install pillow
.venv/bin/python docs/guide/pictures/from_window.py out/window
"""

import sys
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
# Boxes of the 1600x900 screen: the viewport with the sidebar.
VIEW = (400, 55, 1325, 810)
# {name: (screenshot, box)}
STILLS = {
    "tab-empty": ("1-tab-without-head", (700, 80, 1325, 420)),
    "matched": ("4-matched", VIEW),
    "add-expression": ("5-add-expression-dialog", VIEW),
    "first-smile": ("7-first-smile", VIEW),
    "heat-map": ("10-heat-map", VIEW),
}
EDITOR = (0, 25, 1040, 880)
# {name: (box, (screenshot, seconds) one after the other)}
STORIES = {
    "first-smile": (
        VIEW,
        (
            ("1-tab-without-head", 1.2),
            ("2-sample-head", 1.2),
            ("3-matching", 1.0),
            ("4-matched", 1.5),
            ("5-add-expression-dialog", 1.8),
            ("6-generating", 1.0),
            ("7-first-smile", 2.5),
        ),
    ),
    "live": (
        (400, 55, 1600, 880),
        (("35-graph-editor", 1.5), ("36-key-dragged", 1.2), ("37-after-a-moment", 2.0)),
    ),
    "events": (
        EDITOR,
        (("70-handles", 1.5), ("70-dragging", 1.5), ("70-dragged", 2.0)),
    ),
    "variations": (
        VIEW,
        (
            ("20-variations-0", 0.5),
            ("20-variations-5", 0.7),
            ("20-variations-9", 0.7),
            ("21-variation-picked", 2.0),
        ),
    ),
    "export": (
        (0, 25, 1325, 880),
        (("7-first-smile", 1.5), ("9-exported", 2.5)),
    ),
}
MOVING_WIDTH, STILL_WIDTH, NUM_COLOURS = 740, 900, 128


def main() -> None:
    shots = Path(sys.argv[1])
    for name, (shot, box) in STILLS.items():
        path = shots / f"{shot}.png"
        if path.is_file():
            still = Image.open(path).convert("RGB").crop(box)
            if still.width > STILL_WIDTH:
                height = round(still.height * STILL_WIDTH / still.width)
                still = still.resize((STILL_WIDTH, height), Image.Resampling.LANCZOS)
            still.quantize(NUM_COLOURS).save(FOLDER / f"{name}.png", optimize=True)
    for name, (box, story) in STORIES.items():
        if all((shots / f"{shot}.png").is_file() for shot, _ in story):
            _save_moving(shots, name, box, story)


def _save_moving(
    shots: Path, name: str, box: tuple[int, ...], story: tuple[tuple[str, float], ...]
) -> None:
    size = MOVING_WIDTH, round(MOVING_WIDTH * (box[3] - box[1]) / (box[2] - box[0]))
    frames = [
        Image.open(shots / f"{shot}.png")
        .convert("RGB")
        .crop(box)
        .resize(size, Image.Resampling.LANCZOS)
        .quantize(NUM_COLOURS)
        for shot, _ in story
    ]
    frames[0].save(
        FOLDER / f"{name}.gif",
        save_all=True,
        append_images=frames[1:],
        duration=[round(1000 * seconds) for _, seconds in story],
        loop=0,
    )


if __name__ == "__main__":
    main()
