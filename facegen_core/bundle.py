"""The model bundle on disk: template, weights and provenance in one file without pickle.

An npz whose entries are `header` (JSON as bytes), `template/…`, `weights/…` and, where the bundle
holds them, `landmark_model/…` and `face_shapes/…`. Large bases are quantised.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import schemas
from .array_files import ArrayFileError, read_arrays
from .bundle_config import read_model_config
from .errors import BundleError
from .face_shapes import TemplateShapes, check_face_shapes, read_face_shapes, stored_shapes
from .file_words import unread
from .files import put_in_place
from .json_text import one_line, parse_json
from .landmark_model import (
    LandmarkModel,
    check_landmark_model,
    read_landmark_model,
    stored_weights,
)
from .models.config import ModelConfig, weight_shapes
from .numeric import counted
from .quantisation import dequantised, quantised
from .template import Template
from .template_arrays import (
    check_finite,
    check_names,
    check_shape,
    template_arrays,
    template_from_arrays,
    template_hash,
)

__all__ = [
    "SCHEMA_VERSION",
    "Bundle",
    "bundle_hash",
    "load_bundle",
    "read_header",
    "save_bundle",
    "template_arrays",
    "template_from_arrays",
    "template_hash",
]

SCHEMA_VERSION = schemas.BUNDLE.version
KIND = "facegen model bundle"
# What a header must tell, beside kind, version, model and template hash.
PROVENANCE_FIELDS = (
    "training_data",  # name, source and seed of the data set
    "licences",  # of training data and of the weights
    "metrics",  # errors on held-out subjects, mm
    "commit",  # of the code that trained it
    "seed",
    "command",  # that makes it again
    "date",  # on which it was trained, ISO 8601
)
_HEADER_FIELDS = {"kind", "schema_version", "model", "template_hash", *PROVENANCE_FIELDS}
# Only of bundles that hold the second generator; a Facegen that knows none refuses them by it.
_SECOND_FIELD = "landmark_model"
_LANDMARK_WEIGHTS = "landmark_model/"
# Only of bundles that hold shapes under ARKit names.
_SHAPES_FIELD, _SHAPES = "face_shapes", "face_shapes/"
# A zip must carry some date; a fixed one makes equal bundles equal files.
_ZIP_DATE = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Bundle:
    """A trained model, ready to run: the template it moves, its weights, and where it comes from.

    weights: {name: float32 array} as `models.config.weight_shapes` lists them.
    header: JSON values under PROVENANCE_FIELDS, and what the loader checked.
    landmark_model: the second generator, None in a bundle of the first alone.
    face_shapes: blendshapes under ARKit names, None in a bundle without.
    """

    template: Template
    weights: dict[str, NDArray[np.float32]]
    config: ModelConfig
    header: dict[str, Any]
    landmark_model: LandmarkModel | None = None
    face_shapes: TemplateShapes | None = None


def load_bundle(path: Path) -> Bundle:
    """Read a bundle. Raises BundleError, one sentence, for everything that is not a sound one."""
    path = Path(path)
    arrays = _read_arrays(path)
    with _named(path):
        header = _read_header(arrays.pop("header", None))
        arrays = dequantised(arrays)
        template = template_from_arrays(_below("template/", arrays))
        config = read_model_config(header["model"])
        weights = _below("weights/", arrays)
        _check_weights(weights, config, template)
        weights = {name: np.asarray(values, np.float32) for name, values in weights.items()}
        if header["template_hash"] != template_hash(template):
            raise BundleError("The template is not the one the model was trained on.")
        second = _below(_LANDMARK_WEIGHTS, arrays)
        landmark_model = None
        if _SECOND_FIELD in header:
            landmark_model = read_landmark_model(header[_SECOND_FIELD], second, config, template)
        shapes = None
        if _SHAPES_FIELD in header:
            shapes = read_face_shapes(header[_SHAPES_FIELD], _below(_SHAPES, arrays), template)
        prefixes = ["template/", "weights/"]
        prefixes += [_LANDMARK_WEIGHTS] * (landmark_model is not None)
        prefixes += [_SHAPES] * (shapes is not None)
        check_names(arrays, {n for n in arrays if n.startswith(tuple(prefixes))}, "the bundle")
    return Bundle(template, weights, config, header, landmark_model, shapes)


def read_header(path: Path) -> tuple[dict[str, Any], ModelConfig]:
    """Header and configuration alone, in a millisecond; the rest of the file is not looked at.

    Raises BundleError where they tell that the file cannot be used.
    """
    path = Path(path)
    arrays = _read_arrays(path, {"header"})
    with _named(path):
        header = _read_header(arrays.get("header"))
        return header, read_model_config(header["model"])


def save_bundle(bundle: Bundle, path: Path) -> None:
    """Write a bundle; the file appears whole or not at all. Equal bundles make equal bytes."""
    path, second, shapes = Path(path), bundle.landmark_model, bundle.face_shapes
    header = {
        **bundle.header,
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "model": dataclasses.asdict(bundle.config),
        "template_hash": template_hash(bundle.template),
    }
    for name in (_SECOND_FIELD, _SHAPES_FIELD):
        header.pop(name, None)
    check_names(header, _HEADER_FIELDS, "the header")
    if second is not None:
        header[_SECOND_FIELD] = second.header()
    if shapes is not None:
        header[_SHAPES_FIELD] = shapes.header()
    _check_weights(bundle.weights, bundle.config, bundle.template)
    arrays = {f"template/{n}": v for n, v in template_arrays(bundle.template).items()}
    arrays |= {f"weights/{n}": v for n, v in bundle.weights.items()}
    if second is not None:
        check_landmark_model(second, bundle.config, bundle.template)
        arrays |= {f"{_LANDMARK_WEIGHTS}{n}": v for n, v in stored_weights(second).items()}
    if shapes is not None:
        check_face_shapes(shapes, bundle.template)
        arrays |= {f"{_SHAPES}{n}": v for n, v in stored_shapes(shapes).items()}
    text = json.dumps(header, indent=1, sort_keys=True).encode()
    write_arrays(path, {"header": np.frombuffer(text, np.uint8), **quantised(arrays)})


def bundle_hash(bundle: Bundle) -> str:
    """SHA-256 of template, configuration and weights: two bundles that move alike share it."""
    digest = hashlib.sha256(template_hash(bundle.template).encode())
    digest.update(json.dumps(dataclasses.asdict(bundle.config), sort_keys=True).encode())
    for name in sorted(bundle.weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(bundle.weights[name], "<f4").tobytes())
    if bundle.landmark_model is not None:
        digest.update(
            repr((bundle.landmark_model.generators, bundle.landmark_model.decoder)).encode()
        )
        for name, values in sorted(stored_weights(bundle.landmark_model).items()):
            digest.update(name.encode() + np.ascontiguousarray(values, "<f2").tobytes())
    if bundle.face_shapes is not None:
        digest.update(repr(bundle.face_shapes.names).encode())
        for name, values in sorted(stored_shapes(bundle.face_shapes).items()):
            digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write a compressed npz at once or not at all, with the same bytes for the same arrays."""
    with put_in_place(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, values in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(values), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue(), compresslevel=9)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say of every refusal which file it is about."""
    try:
        yield
    except BundleError as error:
        reason = one_line(error)
        raise BundleError(f"{path.name} cannot be used: {reason[0].lower()}{reason[1:]}") from error


def _read_arrays(path: Path, wanted: Collection[str] | None = None) -> dict[str, NDArray]:
    """The arrays of an npz, all or those that are wanted and there."""
    if not path.is_file():
        raise BundleError(
            f"The model bundle {path} does not exist: choose a .facegen file that does."
        )
    try:
        return read_arrays(path, wanted)
    except ArrayFileError as error:
        raise BundleError(
            f"{path.name} is not a model bundle, or it is truncated or damaged: {error}; get the "
            "file again."
        ) from error
    except OSError as error:
        raise BundleError(f"Cannot read the model bundle {path}: {unread(error)}.") from error


def _read_header(content: NDArray | None) -> dict[str, Any]:
    if content is None or content.dtype != np.uint8 or content.ndim != 1:
        raise BundleError("It has no header: it is not a model bundle.")
    try:
        header = parse_json(content.tobytes().decode("utf-8"))
    except ValueError as error:
        raise BundleError("Its header is damaged.") from error
    if not isinstance(header, dict) or header.get("kind") != KIND:
        raise BundleError("It is not a model bundle.")
    header = schemas.BUNDLE.brought_up(header, header.get("schema_version"), "It", BundleError)
    optional = {_SECOND_FIELD, _SHAPES_FIELD} & set(header)
    check_names(header, _HEADER_FIELDS | optional, "the header")
    return header


def _check_weights(weights: Mapping[str, NDArray], config: ModelConfig, template: Template) -> None:
    hierarchy = template.hierarchy
    length = hierarchy.levels[0].spirals.shape[1]
    if config.has_spirals and len(config.channels) + 1 != len(hierarchy.levels):
        raise BundleError(
            f"It has {counted(len(config.channels), 'channel')} for "
            f"{counted(len(hierarchy.levels), 'level')}: one less than levels is expected."
        )
    shapes = weight_shapes(config, hierarchy.sizes, length)
    check_names(weights, set(shapes), "the weights")
    for name, shape in shapes.items():
        check_shape(name, weights[name], shape)
        check_finite(name, weights[name])


def _below(prefix: str, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}
