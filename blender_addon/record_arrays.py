"""Arrays in a clip's record: as large as they say, no larger than memory, and as they were."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.json_text import quoted

from .record_checks import is_count

# Bytes of one array, unpacked; the keys of a rig on a large head take the most.
LARGEST_ARRAY = 512 << 20
_ARRAY_TYPE = re.compile(r"[<>|][biuf][1248]")


def recorded_array(content: Mapping[str, Any]) -> NDArray[Any]:
    """The array that a record describes. Raises FacegenError where it is not the one it claims."""
    kind, shape = content.get("array"), content.get("shape")
    if not isinstance(kind, str) or _ARRAY_TYPE.fullmatch(kind) is None:
        raise FacegenError(f"The record is damaged: an array has the type {quoted(kind)}.")
    if not isinstance(shape, list) or not all(is_count(size) for size in shape) or len(shape) > 8:
        raise FacegenError(f"The record is damaged: an array has the shape {quoted(shape)}.")
    dtype = np.dtype(kind)
    size = math.prod(shape) * dtype.itemsize
    if size > LARGEST_ARRAY:
        raise FacegenError(
            f"The record holds an array of {size / 1e6:.0f} MB, at most {LARGEST_ARRAY >> 20} are "
            "read."
        )
    if "values" in content:
        values = content["values"]
        if not isinstance(values, list) or len(values) != math.prod(shape):
            raise FacegenError("The record is damaged: an array has other values than it claims.")
        return np.array(values, dtype).reshape(shape)
    array = np.frombuffer(_unpacked(content.get("zlib"), size), dtype).reshape(shape).copy()
    if hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() != content.get("sha256"):
        raise FacegenError("The record is damaged: an array has another hash than was written.")
    return array


def _unpacked(packed: object, size: int) -> bytes:
    """So many bytes and not one more, however much was packed."""
    if not isinstance(packed, str):
        raise FacegenError("The record is damaged: an array has no values.")
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(packed, validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise FacegenError(
            "The record is damaged: an array cannot be unpacked; get it again."
        ) from error
    if len(content) != size:
        raise FacegenError("The record is damaged: an array has other values than it claims.")
    return content
