"""One look for all figures: names, colours, type, and small files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image  # comes with matplotlib
from scipy.spatial import cKDTree

from facegen_core.files import write_bytes

PAGE_WIDTH = 7.0  # inches, the text of a page
INK, SOFT_INK, FAINT_INK, GRID = "#222222", "#6b6b6b", "#a8a8a8", "#dddddd"

SYSTEM_TITLES = {
    "truth": "Ground truth",
    "lm4dgan": "LM-4DGAN (ours)",
    "motion3dgan_s2d": "Motion3DGAN + S2D (peer)",
    "class_mean_rbf": "Class mean + RBF",
    "class_mean_s2d": "Class mean + S2D",
    "oracle": "Oracle floor",
    "hybrid_identity": "Hybrid + identity (ours)",
    "hybrid": "Hybrid (ours)",
    "spiral_paper": "Spiral decoder (paper)",
    "pca_lstm": "PCA + LSTM",
    "class_mean": "Class mean",
    "neutral": "Predict neutral",
}
# Okabe & Ito (2008): told apart with every kind of colour vision, and in print.
SYSTEM_COLOURS = {
    "truth": "#000000",
    "lm4dgan": "#CC79A7",
    "motion3dgan_s2d": "#D55E00",
    "class_mean_rbf": "#E69F00",
    "class_mean_s2d": "#F0E442",
    "oracle": "#000000",
    "hybrid_identity": "#0072B2",
    "hybrid": "#56B4E9",
    "spiral_paper": "#D55E00",
    "pca_lstm": "#E69F00",
    "class_mean": "#009E73",
    "neutral": "#999999",
}
_DASHED = ("oracle", "neutral", "class_mean")  # nothing trained: references to read others by
_OTHER_COLOURS = ("#CC79A7", "#882255", "#44AA99", "#999933", "#332288", "#AA4499")
EXPRESSION_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255")

_TYPE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "axes.edgecolor": SOFT_INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": SOFT_INK,
    "ytick.color": SOFT_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}

MAX_BYTES = 250_000
_RESOLUTIONS = (
    220,
    205,
    190,
    175,
    160,
    150,
    140,
    130,
    120,
    110,
    100,
)  # dots per inch, finest first
NUM_COLOURS, SKIN_COLOURS = 256, 104
_NUM_FLAT = 8  # colours of even areas
_SHADE_SHIFT = 2  # bits of a channel within which shades are one colour when counted
_CODE = np.array([1 << 16, 1 << 8, 1])  # a colour as one number


def figure_type() -> matplotlib.rc_context:
    """A context in which figures are drawn with our type; nothing global is left changed."""
    # A backend is chosen by whoever shows windows; a context would not give it back.
    plain = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")}
    return matplotlib.rc_context({**plain, **_TYPE})


def system_title(name: str) -> str:
    """A system's name as a reader of the figure says it."""
    return SYSTEM_TITLES.get(name, name.replace("_", " "))


def system_styles(names: Sequence[str]) -> dict[str, dict[str, object]]:
    """Colour and line style of each system; known ones look the same in every figure."""
    unknown = [name for name in names if name not in SYSTEM_COLOURS]
    colours = SYSTEM_COLOURS | {
        name: _OTHER_COLOURS[k % len(_OTHER_COLOURS)] for k, name in enumerate(unknown)
    }
    return {
        name: {"color": colours[name], "linestyle": (0, (4, 2)) if name in _DASHED else "-"}
        for name in names
    }


def expression_title(name: str) -> str:
    """An expression's name with a capital letter: 'half_smile' is 'Half smile'."""
    return name.replace("_", " ").capitalize()


def save_png(
    figure: Figure, path: Path, max_bytes: int = MAX_BYTES, num_colours: int = NUM_COLOURS
) -> None:
    """Write a figure with a palette of at most 256 colours, as fine as the file size allows.

    Fewer colours leave room for more pixels: for faces of plain skin, SKIN_COLOURS do.
    The file appears whole or not at all; equal figures make equal bytes.
    """
    path = Path(path)
    for resolution in _RESOLUTIONS:
        content = _encoded(figure, resolution, num_colours)
        if len(content) <= max_bytes:
            break
    write_bytes(path, content)


def _encoded(figure: Figure, resolution: int, num_colours: int) -> bytes:
    figure.set_dpi(resolution)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    reduced = _with_palette(np.asarray(canvas.buffer_rgba())[..., :3], num_colours)
    content = io.BytesIO()
    reduced.save(content, "PNG", optimize=True, dpi=(resolution, resolution))
    return content.getvalue()


def _with_palette(pixels: NDArray[np.uint8], num_colours: int) -> Image.Image:
    """(H, W, 3) pixels in few colours, without dithering: faces stay smooth and the file small."""
    codes, inverse, counts = np.unique(
        pixels.reshape(-1, 3) @ _CODE, return_inverse=True, return_counts=True
    )
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
    palette = _palette(colours, counts, num_colours)
    nearest = cKDTree(palette.astype(float)).query(colours.astype(float))[1].astype(np.uint8)
    reduced = Image.fromarray(nearest[inverse].reshape(pixels.shape[:2]), "P")
    reduced.putpalette(palette.tobytes())
    return reduced


def _palette(
    colours: NDArray[np.uint8], counts: NDArray[np.integer], num_colours: int
) -> NDArray[np.uint8]:
    """At most num_colours that serve (N, 3) colours of (N,) pixels each.

    The page, type and curves are flat, so the most frequent colours are kept as they are. Of the
    rest, shades of one colour count by the cube root of their pixels: skin fills most of a page of
    faces, and would leave nothing for the eyes.
    """
    flat = colours[np.argsort(-counts, kind="stable")[:_NUM_FLAT]]
    shades = (colours >> _SHADE_SHIFT).astype(np.int64) @ _CODE
    _, firsts, shade_of = np.unique(shades, return_index=True, return_inverse=True)
    pixels = np.bincount(shade_of, counts)
    swatches = np.repeat(colours[firsts], np.cbrt(pixels).astype(int), axis=0)
    reduced = Image.fromarray(swatches[None]).quantize(num_colours - _NUM_FLAT, kmeans=2)
    found = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)[: num_colours - _NUM_FLAT]
    return np.concatenate([flat, found])
