"""Reading ICT-FaceKit (Li et al. 2020, "Learning Formation of Physically-Based Face Attributes").

The source is a checkout of https://github.com/ICT-VGL/ICT-FaceKit (MIT licence) or an archive of
one: `FaceXModel/` with one OBJ per shape, centimetres, and `vertex_indices.json`.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from facegen_core.array_files import read_arrays
from facegen_core.errors import DatasetError
from facegen_core.file_words import unread
from facegen_core.json_text import parse_json
from facegen_core.landmarks import NUM_LANDMARKS
from facegen_core.progress import Progress, no_progress
from training.preparation.resumable import write_npz

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

MILLIMETRES_PER_UNIT = 10.0
NEUTRAL_NAME = "generic_neutral_mesh"
INDEX_NAME = "vertex_indices"
# Bytes; a shape has 3 million.
LARGEST_MEMBER = 256 << 20
# The parsed arrays, kept beside the data set: reading 157 text files takes longer than using them.
CACHE_VERSION = 1
_CACHE_FIELDS = (
    "version",
    "neutral",
    "polygons",
    "identity_basis",
    "expression_names",
    "expressions",
    "landmark_vertices",
)


@dataclass(frozen=True, eq=False)
class IctFaceKit:
    """The linear model: a neutral, identity modes and expression shapes in one topology; mm.

    neutral: (P, 3); polygons: (G, 4) vertex indices, -1 in the last place for triangles.
    identity_basis: (N, P, 3) displacement per unit of coefficient, coefficients are N(0, 1).
    expression_names: K names; expressions: (K, P, 3) displacements. landmark_vertices: (68,).
    """

    neutral: FloatArray
    polygons: IntArray
    identity_basis: FloatArray
    expression_names: tuple[str, ...]
    expressions: FloatArray
    landmark_vertices: IntArray

    def expression(self, name: str) -> FloatArray:
        """(P, 3) displacement of one shape."""
        return self.expressions[self.expression_names.index(name)]


def read_ict_facekit(
    source: Path, cache: Path | None = None, progress: Progress = no_progress
) -> IctFaceKit:
    """Read a checkout folder or a tar archive; with `cache` (an .npz path) only the first time.

    Raises DatasetError naming what is missing or wrong.
    """
    if cache is not None and cache.exists():
        return _read_cache(cache)
    model = _parse(source, progress)
    if cache is not None:
        _write_cache(cache, model)
    return model


def _parse(source: Path, progress: Progress) -> IctFaceKit:
    neutral = polygons = index = None
    shapes: dict[str, FloatArray] = {}
    for number, (name, content) in enumerate(_files(source)):
        progress(min(number / 160, 0.99), f"reading {name}")
        if name == INDEX_NAME:
            index = _parse_index(content)
        elif name == NEUTRAL_NAME:
            neutral, polygons = _parse_vertices(name, content), _parse_polygons(name, content)
        else:
            shapes[name] = _parse_vertices(name, content)
    if neutral is None or polygons is None or index is None:
        missing = f"{INDEX_NAME}.json" if index is None else f"{NEUTRAL_NAME}.obj"
        raise DatasetError(
            f"{source} is not an ICT-FaceKit checkout or archive: FaceXModel/{missing} is missing."
        )
    for name, vertices in shapes.items():
        if vertices.shape != neutral.shape:
            raise DatasetError(
                f"{source}: {name}.obj has {len(vertices)} vertices, the neutral {len(neutral)}."
            )
    return _assemble(source, neutral, polygons, shapes, index)


def _assemble(
    source: Path,
    neutral: FloatArray,
    polygons: IntArray,
    shapes: dict[str, FloatArray],
    index: dict,
) -> IctFaceKit:
    modes = sorted(name for name in shapes if name.startswith("identity"))
    wanted = [f"identity{k:03d}" for k in range(max(len(modes), 1))] + index["expressions"]
    missing = [name for name in wanted if name not in shapes]
    if missing:
        raise DatasetError(
            f"{source}: FaceXModel/{missing[0]}.obj is missing ({len(missing)} files in all)."
        )
    landmarks = np.array(index["idx_to_landmark_verts"], np.int32)
    if (
        landmarks.shape != (NUM_LANDMARKS,)
        or landmarks.max() >= len(neutral)
        or landmarks.min() < 0
    ):
        raise DatasetError(f"{source}: {INDEX_NAME}.json does not name {NUM_LANDMARKS} vertices.")

    def displacements(names: list[str]) -> FloatArray:
        differences = np.stack([shapes[n] - neutral for n in names])
        return (differences * MILLIMETRES_PER_UNIT).astype(np.float32)

    return IctFaceKit(
        neutral * MILLIMETRES_PER_UNIT,
        polygons,
        displacements(modes),
        tuple(index["expressions"]),
        displacements(index["expressions"]),
        landmarks,
    )


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    """(name without suffix, content) of the files of FaceXModel, in no fixed order."""
    if source.is_dir():
        folder = source / "FaceXModel" if (source / "FaceXModel").is_dir() else source
        for path in sorted([*folder.glob("*.obj"), *folder.glob(f"{INDEX_NAME}.json")]):
            yield path.stem, path.read_bytes()
    elif source.is_file():
        yield from _archived_files(source)
    else:
        raise DatasetError(f"{source} does not exist: give an ICT-FaceKit checkout or archive.")


def _archived_files(source: Path) -> Iterator[tuple[str, bytes]]:
    """Read in memory: nothing of an archive is ever unpacked to disk."""
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if path.parent.name != "FaceXModel" or path.suffix not in (".obj", ".json"):
                    continue
                if not member.isreg() or member.size > LARGEST_MEMBER:
                    raise DatasetError(f"{source}: {path.name} is no file of a size to be read.")
                content = archive.extractfile(member)
                if content is not None:
                    yield path.stem, content.read(LARGEST_MEMBER)
    except DatasetError:
        raise
    except Exception as error:  # damaged archives fail in ways that tarfile does not list
        why = unread(error) if isinstance(error, OSError) and error.errno else "it is damaged"
        raise DatasetError(f"{source} is not a readable tar archive: {why}.") from error


def _parse_vertices(name: str, content: bytes) -> FloatArray:
    lines = [line[2:] for line in content.split(b"\n") if line.startswith(b"v ")]
    try:
        vertices = np.array(b" ".join(lines).split(), np.float64).reshape(-1, 3)
    except ValueError as error:
        raise DatasetError(f"{name}.obj: a vertex line is not three numbers.") from error
    if len(vertices) == 0 or not np.isfinite(vertices).all():
        raise DatasetError(f"{name}.obj has no vertices, or one that is not a finite number.")
    return vertices


def _parse_polygons(name: str, content: bytes) -> IntArray:
    rows = []
    for line in content.split(b"\n"):
        if line.startswith(b"f "):
            try:
                row = [int(corner.split(b"/")[0]) - 1 for corner in line[2:].split()]
            except ValueError as error:
                raise DatasetError(f"{name}.obj: a face names no vertices.") from error
            if len(row) not in (3, 4):
                raise DatasetError(
                    f"{name}.obj: expected triangles and quads, got {len(row)} corners."
                )
            rows.append(row if len(row) == 4 else [*row, -1])
    if not rows:
        raise DatasetError(f"{name}.obj has no faces.")
    try:
        return np.array(rows, np.int32)
    except OverflowError as error:
        raise DatasetError(f"{name}.obj: a face names a vertex beyond all.") from error


def _parse_index(content: bytes) -> dict:
    try:
        index = parse_json(content)
    except ValueError as error:
        raise DatasetError(f"{INDEX_NAME}.json is not JSON: {error}.") from error
    if not isinstance(index, dict):
        raise DatasetError(f"{INDEX_NAME}.json does not name expressions and landmarks.")
    missing = [k for k in ("expressions", "idx_to_landmark_verts") if k not in index]
    if missing:
        raise DatasetError(f"{INDEX_NAME}.json has no entry '{missing[0]}'.")
    names, vertices = (index[k] for k in ("expressions", "idx_to_landmark_verts"))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError(f"{INDEX_NAME}.json: its expressions are no names.")
    if not isinstance(vertices, list) or not all(_is_index(vertex) for vertex in vertices):
        raise DatasetError(f"{INDEX_NAME}.json does not name {NUM_LANDMARKS} vertices.")
    return index


def _is_index(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 2**31


def _write_cache(cache: Path, model: IctFaceKit) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    write_npz(
        cache,
        version=np.array(CACHE_VERSION),
        neutral=model.neutral,
        polygons=model.polygons,
        identity_basis=model.identity_basis,
        expression_names=np.array(model.expression_names),
        expressions=model.expressions,
        landmark_vertices=model.landmark_vertices,
    )


def _read_cache(cache: Path) -> IctFaceKit:
    try:
        arrays = read_arrays(cache, kinds="biufU")
        is_ours = sorted(arrays) == sorted(_CACHE_FIELDS)
        if not is_ours or arrays["version"] != CACHE_VERSION:
            raise DatasetError(f"{cache} is of another version: delete it and run again.")
        fields = {name: arrays[name] for name in _CACHE_FIELDS if name != "version"}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{cache} is damaged: delete it and run again.") from error
    fields["expression_names"] = tuple(str(n) for n in fields["expression_names"])
    return IctFaceKit(**fields)
