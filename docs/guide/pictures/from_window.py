"""Cut the guide's screenshots out of a visit of the window test.

FACEGEN_WINDOW_OUT=out/window make test
.venv/bin/python -m pip install pillow
.venv/bin/python docs/guide/pictures/from_window.py out/window
"""

import sys
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent
# Boxes of the 1600x900 screen: the sidebar alone, and the viewport with it.
SIDEBAR, VIEW = (1030, 80, 1325, 810), (400, 55, 1325, 810)
# {name: (screenshot, box)}
STILLS = {
    "tab-empty": ("1-tab-without-head", (700, 80, 1325, 420)),
    "matched": ("4-matched", VIEW),
    "add-expression": ("5-add-expression-dialog", VIEW),
    "first-smile": ("7-first-smile", VIEW),
    "heat-map": ("10-heat-map", VIEW),
    "exported": ("9-exported", SIDEBAR),
    "live": ("37-after-a-moment", (400, 55, 1600, 880)),
}
# (screenshot, seconds) of the way to the first smile.
STORY = (
    ("1-tab-without-head", 1.2),
    ("2-sample-head", 1.2),
    ("3-matching", 1.0),
    ("4-matched", 1.5),
    ("5-add-expression-dialog", 1.8),
    ("6-generating", 1.0),
    ("7-first-smile", 2.5),
)
MOVING_SIZE, STILL_WIDTH, NUM_COLOURS = (740, 604), 900, 128


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
    frames = [
        Image.open(shots / f"{shot}.png")
        .convert("RGB")
        .crop(VIEW)
        .resize(MOVING_SIZE, Image.Resampling.LANCZOS)
        .quantize(NUM_COLOURS)
        for shot, _ in STORY
    ]
    frames[0].save(
        FOLDER / "first-smile.gif",
        save_all=True,
        append_images=frames[1:],
        duration=[round(1000 * seconds) for _, seconds in STORY],
        loop=0,
    )


if __name__ == "__main__":
    main()
