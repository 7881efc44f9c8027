"""Files that are missing, a folder, empty, binary or in another encoding, through every reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.bundle import load_bundle
from facegen_core.bundle_info import read_bundle_info
from facegen_core.landmarks import read_landmark_file
from facegen_core.preset_files import read_preset
from tests.robustness.inputs import world
from tests.robustness.inputs.judging import Trial

Reader = Callable[[Path], Any]

PRESET = {
    "facegen_preset": 1,
    "name": "mine",
    "events": [{"expression": "happy", "seconds": [0, 1, 2, 3]}],
}
LANDMARKS = {"version": 1, "landmarks": {str(k): [k, k * k % 7, 1.0] for k in range(20)}}


def trials(seed: int) -> Iterator[Trial]:
    readers: dict[str, tuple[Reader, str, Any]] = {
        "preset": (read_preset, "mine.json", PRESET),
        "landmark file": (read_landmark_file, "marks.json", LANDMARKS),
        "model": (load_bundle, "model.facegen", None),
        "model, its header alone": (read_bundle_info, "model.facegen", None),
    }
    readers |= _training_readers()
    for what, (read, file_name, sound) in readers.items():
        for name, lay in spoilt(sound).items():
            yield file_trial(f"Files: {what}", name, read, file_name, lay)
    for name, content in _LANDMARKS.items():
        text = content if isinstance(content, str) else json.dumps(content)
        yield file_trial(
            "Landmark files", name, read_landmark_file, "marks.json", writes(text.encode())
        )
    yield from _meshes()


def file_trial(group: str, name: str, read: Reader, file_name: str, lay: Reader) -> Trial:
    path = world.folder() / file_name
    lay(path)
    return Trial(group, name, lambda: read(path), (path.parent,), (path,))


def writes(content: bytes) -> Reader:
    return lambda path: path.write_bytes(content)


def spoilt(sound: Any) -> dict[str, Reader]:
    kinds: dict[str, Reader] = {
        "missing": lambda path: None,
        "in a folder that is missing": lambda path: None,
        "a folder": lambda path: path.mkdir(),
        "empty": writes(b""),
        "one zero byte": writes(b"\x00"),
        "binary": writes(bytes(range(256)) * 20),
        "a text": writes(b"hello\n"),
        "a link to nothing": lambda path: path.symlink_to(path.parent / "nowhere"),
        "a link to itself": lambda path: path.symlink_to(path),
        "of 100,000 brackets": writes(b"[" * 100_000),
    }
    if sound is not None:
        text = json.dumps(sound)
        kinds |= {
            "with a byte order mark": writes(b"\xef\xbb\xbf" + text.encode()),
            "in UTF-16": writes(text.encode("utf-16")),
            "in Latin-1": writes(text.replace("mine", "señor").encode("latin-1")),
            "with CRLF": writes(json.dumps(sound, indent=1).replace("\n", "\r\n").encode()),
            "cut short": writes(text.encode()[: len(text) // 2]),
            "twice in one file": writes(text.encode() * 2),
            "with NaN": writes(text.replace("1", "NaN").encode()),
            "with zero bytes between": writes(text.encode() + b"\x00\x00"),
        }
    return kinds


_POINTS = dict(LANDMARKS["landmarks"])  # type: ignore[call-overload]
_LANDMARKS: dict[str, Any] = {
    "a list": [],
    "no version": {"landmarks": _POINTS},
    "version 2": LANDMARKS | {"version": 2},
    "version 'one'": LANDMARKS | {"version": "one"},
    "no landmarks": {"version": 1},
    "landmarks that are a list": {"version": 1, "landmarks": [[0, 0, 0]]},
    "landmarks that are nothing": {"version": 1, "landmarks": None},
    "twelve": {"version": 1, "landmarks": {str(k): [k, k, k * k] for k in range(12)}},
    "number 68": {"version": 1, "landmarks": _POINTS | {"68": [0, 0, 0]}},
    "number -1": {"version": 1, "landmarks": _POINTS | {"-1": [0, 0, 0]}},
    "a number of 5,000 digits": {"version": 1, "landmarks": _POINTS | {"9" * 5000: [0, 0, 0]}},
    "a name": {"version": 1, "landmarks": _POINTS | {"chin": [0, 0, 0]}},
    "two coordinates": {"version": 1, "landmarks": _POINTS | {"8": [0, 0]}},
    "coordinates in lists": {"version": 1, "landmarks": _POINTS | {"8": [[0], [0], [0]]}},
    "coordinates of several depths": {"version": 1, "landmarks": _POINTS | {"8": [[0], 0, 0]}},
    "a coordinate that is a word": {"version": 1, "landmarks": _POINTS | {"8": ["a", 0, 0]}},
    "a coordinate that is nothing": {"version": 1, "landmarks": _POINTS | {"8": [None, 0, 0]}},
    "a coordinate that is Infinity": {"version": 1, "landmarks": _POINTS | {"8": [1e999, 0, 0]}},
    "a coordinate of 400 digits": {"version": 1, "landmarks": _POINTS | {"8": [10**400, 0, 0]}},
    "all in one point": {"version": 1, "landmarks": {str(k): [1, 1, 1] for k in range(20)}},
}


def _training_readers() -> dict[str, tuple[Reader, str, Any]]:
    """Those of training, where its libraries are installed."""
    try:
        from training.runs.checkpoint import load_checkpoint
        from training.runs.settings import read_settings
    except ModuleNotFoundError:
        return {}
    return {
        "checkpoint of a run": (load_checkpoint, "checkpoint.npz", None),
        "settings of a run": (read_settings, "small.yaml", None),
    }


def _meshes() -> Iterator[Trial]:
    """Recordings as OBJ and PLY, as `training prepare` reads them."""
    try:
        from training.datasets.mesh_files import read_mesh_file
    except ModuleNotFoundError:
        return
    for file_name in ("frame.obj", "frame.ply", "frame.stl"):
        for name, lay in spoilt(None).items():
            yield file_trial(
                f"Files: {file_name[-3:].upper()}", name, read_mesh_file, file_name, lay
            )
    square = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
    for name, text in {
        "no faces": square,
        "no vertices": "f 1 2 3\n",
        "an index beyond the vertices": square + "f 1 2 9\n",
        "an index 0": square + "f 0 1 2\n",
        "indices from the end": square + "f -4 -3 -2\n",
        "an index that is a word": square + "f 1 two 3\n",
        "faces of two corners": square + "f 1 2\n",
        "faces of five corners": square + "v 2 2 2\nf 1 2 3 4 5\n",
        "a coordinate NaN": square.replace("1 1 0", "1 nan 0") + "f 1 2 3\n",
        "a coordinate 1e400": square.replace("1 1 0", "1 1e400 0") + "f 1 2 3\n",
        "a coordinate that is a word": square.replace("1 1 0", "1 up 0") + "f 1 2 3\n",
        "vertices in the plane": "v 0 0\nv 1 0\nv 1 1\nf 1 2 3\n",
        "CRLF": (square + "f 1 2 3\nf 1 3 4\n").replace("\n", "\r\n"),
        "a byte order mark": "\ufeff" + square + "f 1 2 3\n",
        "loose lines": square + "l 1 2\nl 2 3\n",
        "a vertex on 1e30": square.replace("1 1 0", "1 1e30 0") + "f 1 2 3\n",
    }.items():
        yield file_trial("OBJ files", name, read_mesh_file, "frame.obj", writes(text.encode()))
    for name, content in _plys().items():
        yield file_trial("PLY files", name, read_mesh_file, "frame.ply", writes(content))


def _plys() -> dict[str, bytes]:
    def header(vertices: Any = 3, faces: Any = 1, form: str = "binary_little_endian 1.0") -> bytes:
        return (
            f"ply\nformat {form}\nelement vertex {vertices}\nproperty float x\nproperty float y\n"
            f"property float z\nelement face {faces}\nproperty list uchar int vertex_indices\n"
            "end_header\n"
        ).encode()

    points = np.eye(3, dtype="<f4").tobytes()
    face = b"\x03" + np.arange(3, dtype="<i4").tobytes()
    nan = np.full((3, 3), np.nan, "<f4").tobytes()
    return {
        "sound": header() + points + face,
        "cut short in the header": header()[:60],
        "cut short in the vertices": header() + points[:20],
        "cut short in the faces": header() + points + face[:5],
        "a billion vertices claimed": header(10**9) + points + face,
        "a negative number of vertices": header(-3) + points + face,
        "vertices counted in words": header("three") + points + face,
        "a format nobody knows": header(form="middle_endian 1.0") + points + face,
        "vertices NaN": header() + nan + face,
        "an index beyond the vertices": header() + points + b"\x03" + b"\x09\x00\x00\x00" * 3,
        "a face of 255 corners": header() + points + b"\xff" + face[1:],
        "more than it says": header() + points + face * 100,
    }
