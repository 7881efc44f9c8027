"""A clip's record: everything that decided it, as JSON, so that it can be made again bit for bit.

It holds what was read from the scene (`GenerateRequest`, every field of it), how the head stood and
was matched, which model and programs were at work, the curves as keys, and hashes of what came out.
Numbers keep all their digits: floats are written as Python repeats them, long arrays compressed.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import platform
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from numpy.typing import NDArray

import facegen_core
from facegen_core import schemas
from facegen_core.blendshapes import BlendshapeSet
from facegen_core.errors import FacegenError
from facegen_core.eye_motion import EyeMotion
from facegen_core.file_words import unread
from facegen_core.json_text import parse_json, quoted, read_json
from facegen_core.landmark_inference import Variation
from facegen_core.layers import Layers
from facegen_core.solving import SolveSettings

from . import generators, record_arrays, record_checks
from .baking import KeyRequest
from .engine import BUILT_IN_WORDS
from .scene.existing_keys import ExistingKeys

if TYPE_CHECKING:
    from .operators.generate import Generated, GenerateRequest

Record = dict[str, Any]

VERSION = schemas.RECORD.version
# Dataclasses a request may hold, by the name they are written under.
TYPES: dict[str, type] = {
    cls.__name__: cls
    for cls in (Layers, EyeMotion, Variation, KeyRequest, ExistingKeys, SolveSettings)
}
# Arrays of more values than this are compressed; shorter ones can be read by people.
_READABLE_VALUES = 20_000
# What a record has and what is in it, where somebody looks for it.
_NEEDED: dict[str, tuple[str, ...]] = {
    "made_with": ("facegen",),
    "model": ("file", "sha256"),
    "head": ("fingerprint", "source", "source_sha256", "objects"),
    "match": ("landmarks", "is_by_hand", "is_pulled", "landmark_key", "corrections"),
    "result": ("keys", "shapes_sha256", "weights_sha256"),
    "request": ("frames", "intensities", "expressions", "generator", "variation"),
}
# Of a request; these have places of their own in the record.
_APART = ("match", "curves", "source", "source_sha256", "engine")


def record_of(request: GenerateRequest, generated: Generated, clip_name: str) -> Record:
    """The record of what was generated and baked."""
    matched = generated.match
    return {
        "version": VERSION,
        "clip": clip_name,
        "made_with": programs(),
        "engine": generated.engine.words,
        "model": {"file": request.match.bundle_file.name, "sha256": matched.bundle_hash},
        "head": _head(matched.head, request.source, request.source_sha256),
        "match": {
            "landmarks": _landmarks(matched),
            "is_by_hand": bool(matched.landmarks and matched.landmarks.is_by_hand),
            "is_pulled": matched.is_pulled,
            "landmark_key": request.match.landmark_key,
            "corrections": {str(key): kind for key, kind in matched.corrections.items()},
        },
        "request": {
            field.name: encoded(getattr(request, field.name))
            for field in dataclasses.fields(request)
            if field.name not in _APART
        },
        "curves": request.curves,
        "result": result_of(generated.shapes),
    }


def result_of(shapes: BlendshapeSet) -> dict[str, Any]:
    """What tells one result from another: K, and hashes of shapes (K, M, 3) and weights (T, K)."""
    return {
        "keys": int(shapes.num_shapes),
        "shapes_sha256": _sha256(shapes.shapes),
        "weights_sha256": _sha256(shapes.weights),
    }


def programs() -> dict[str, str]:
    """Versions of what computes; another processor or NumPy may end in other last digits."""
    return {
        "facegen": facegen_core.__version__,
        "blender": bpy.app.version_string,
        "numpy": np.__version__,
        "processor": platform.machine(),
    }


def is_by_worker(record: Record) -> bool:
    """Whether a GPU worker made the motion; records from before there was one do not tell."""
    return record.get("engine", BUILT_IN_WORDS) != BUILT_IN_WORDS


def as_text(record: Record) -> str:
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def from_text(text: str, name: str) -> Record:
    """A record, checked as far as its form goes. name: of the file or clip, for the sentence."""
    try:
        record = parse_json(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise FacegenError(f"{name} is not JSON: {error}; Generate writes a new one.") from error
    return _checked(record, name)


def read_file(path: Path) -> Record:
    """The record in a JSON file. Raises FacegenError with one sentence."""
    try:
        record = read_json(path)
    except OSError as error:
        raise FacegenError(f"Cannot read the record {path}: {unread(error)}.") from error
    except ValueError as error:
        raise FacegenError(
            f"{path.name} is not JSON: {error}; Generate writes a new one."
        ) from error
    return _checked(record, path.name)


def _checked(record: Any, name: str) -> Record:
    if not isinstance(record, dict) or "request" not in record or "version" not in record:
        raise FacegenError(f"{name} is no record of a clip: facegen generate --record writes one.")
    record = schemas.RECORD.brought_up(record, record["version"], name)
    lost = [room for room in ("clip", "curves", *_NEEDED) if room not in record]
    lost += [
        f"{room}.{word}"
        for room, words in _NEEDED.items()
        for word in words
        if isinstance(record.get(room), dict) and word not in record[room]
    ]
    if lost:
        raise FacegenError(f"{name} is damaged: it lacks {', '.join(lost)}; get it again.")
    record_checks.check_record(record, name)
    return record


def request_fields(record: Record) -> dict[str, Any]:
    """{field of GenerateRequest: value}, all but the match and the curves."""
    try:
        fields = {name: decoded(value) for name, value in record["request"].items()}
    except FacegenError:
        raise
    except Exception as error:  # whoever edited the file may have left anything
        raise FacegenError(
            f"The record of '{record.get('clip')}' is damaged: its request holds a value of a "
            "wrong kind; get it again."
        ) from error
    record_checks.check_request(fields, record["clip"])
    return fields


def words(record: Record) -> str:
    """One line for the panel: "Model default 8cafbd1d, Varied, seed 7, amount 1"."""
    fields = record["request"]
    variation = Variation(**fields["variation"]["values"])
    made = generators.words(fields["generator"], variation)
    if is_by_worker(record):
        made += ", GPU worker"
    model = record["model"]
    return f"Model {Path(model['file']).stem} {model['sha256'][:8]}, {made}"


def encoded(value: Any) -> Any:
    """A value as JSON from which `decoded` makes the same value. TypeError where it cannot."""
    if isinstance(value, np.ndarray):
        return _encoded_array(value)
    if dataclasses.is_dataclass(value) and type(value).__name__ in TYPES:
        values = {f.name: encoded(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, "values": values}
    if isinstance(value, tuple):
        return {"tuple": [encoded(item) for item in value]}
    if isinstance(value, Mapping):
        return {"mapping": {str(key): encoded(item) for key, item in value.items()}}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"A record cannot hold a {type(value).__name__}.")


def decoded(value: Any) -> Any:
    """The value that `encoded` was given. Raises FacegenError for a type this Facegen lacks."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return record_arrays.recorded_array(value)
    if "tuple" in value:
        return tuple(decoded(item) for item in value["tuple"])
    if "mapping" in value:
        return {key: decoded(item) for key, item in value["mapping"].items()}
    cls = TYPES.get(value["type"])
    if cls is None:
        raise FacegenError(
            f"The record holds a {quoted(value['type'])}: update Facegen to read it."
        )
    return cls(**{name: decoded(item) for name, item in value["values"].items()})


def _head(head: Any, source: str, source_sha256: str) -> dict[str, Any]:
    return {
        "fingerprint": head.fingerprint,
        "source": source,
        "source_sha256": source_sha256,
        "objects": [
            {
                "name": part.name,
                "vertices": part.num_vertices,
                "layout": part.layout,
                "world": part.world.tolist(),
            }
            for part in head.parts
        ],
    }


def _landmarks(matched: Any) -> dict[str, list[float]] | None:
    """{number: (3,)} in the coordinates of the head as it was matched."""
    if matched.landmarks is None:
        return None
    places = matched.landmarks.places
    return {str(n): np.asarray(place, np.float64).tolist() for n, place in places.items()}


def _encoded_array(array: NDArray[Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"array": array.dtype.str, "shape": list(array.shape)}
    if array.dtype == np.float64 and array.size <= _READABLE_VALUES:
        return content | {"values": array.ravel().tolist()}
    packed = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 6))
    return content | {"zlib": packed.decode("ascii"), "sha256": _sha256(array)}


def _sha256(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
