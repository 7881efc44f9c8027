"""Foreign heads for the tests of the command, from ../shared; absent ones make a test skip."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.shared_heads import ICT_ARCHIVE, MAKEHUMAN, Polygons, read_obj

# Vertex ranges of the ICT mesh (README of the shared material).
ICT_SKIN = slice(0, 14062)
ICT_UPPER_TEETH, ICT_LOWER_TEETH = slice(17039, 19247), slice(19247, 21451)
ICT_EYEBALLS = slice(21451, 24591)
# An identity that is clearly not the mean, in units of standard deviation of the first modes.
_IDENTITY = (1.1, -0.9, 0.8, 1.0, -0.7)


def makehuman_file() -> Path:
    if not MAKEHUMAN.is_file():
        pytest.skip("../shared/heads/makehuman/base.obj is not here")
    return MAKEHUMAN


def makehuman_body() -> tuple[np.ndarray, Polygons, dict[str, np.ndarray]]:
    """Vertices in decimetres, polygons and {group: vertex indices} of the MakeHuman body."""
    return read_obj(makehuman_file().read_text())


def ict_identity() -> tuple[np.ndarray, Polygons]:
    """(26719, 3) vertices in centimetres and the polygons of one ICT identity."""
    if not ICT_ARCHIVE.is_file():
        pytest.skip("../shared/data/ict-facekit.tar.xz is not here")
    wanted = {f"identity{k:03d}.obj" for k in range(len(_IDENTITY))} | {"generic_neutral_mesh.obj"}
    texts = {}
    with tarfile.open(ICT_ARCHIVE) as archive:
        for member in archive:
            name = Path(member.name).name
            if name in wanted:
                texts[name] = archive.extractfile(member).read().decode()
    neutral, polygons, _ = read_obj(texts["generic_neutral_mesh.obj"])
    vertices = neutral.copy()
    for k, coefficient in enumerate(_IDENTITY):
        vertices += coefficient * (read_obj(texts[f"identity{k:03d}.obj"])[0] - neutral)
    return vertices, polygons


def write_obj(path: Path, vertices: np.ndarray, polygons: Polygons) -> Path:
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in vertices]
    lines += ["f " + " ".join(str(index + 1) for index in polygon) for polygon in polygons]
    path.write_text("\n".join(lines) + "\n")
    return path


def triangulated(polygons: Polygons) -> Polygons:
    return [[p[0], p[k], p[k + 1]] for p in polygons for k in range(1, len(p) - 1)]


def cube() -> tuple[np.ndarray, Polygons]:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return corners, quads
