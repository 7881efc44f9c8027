"""`Template` as named arrays and back: how it lies in `template.npz` and in a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .errors import BundleError
from .hierarchy import Hierarchy, Level
from .landmark_network import NETWORK_VERSION, network_shapes
from .landmarks import NUM_LANDMARKS, Landmarks
from .numeric import size
from .template import PART_MOTIONS, REGIONS, InnerPart, Template

Arrays = dict[str, NDArray]

# Optional: what `Template.landmark_detector` holds, in half precision, and its version.
_DETECTOR = "landmark_detector/"
# Each has a fraction of the vertices of the one before; and more than any millimetre or weight is.
_MOST_LEVELS, _LARGEST = 16, 1e6


def template_arrays(template: Template) -> Arrays:
    """Every array of a template under a flat name; `template_from_arrays` reads it back."""
    arrays: Arrays = {
        "vertices": np.asarray(template.vertices, np.float32),
        "triangles": np.asarray(template.triangles, np.int32),
        "identity_basis": np.asarray(template.identity_basis, np.float32),
        "jaw_pivot": np.asarray(template.jaw_pivot, np.float32),
        "landmarks.triangle_indices": np.asarray(template.landmarks.triangle_indices, np.int32),
        "landmarks.barycentrics": np.asarray(template.landmarks.barycentrics, np.float32),
        "hierarchy.num_levels": np.array(len(template.hierarchy.levels), np.int32),
    }
    for name in REGIONS:
        arrays[f"region.{name}"] = np.asarray(template.regions[name], np.float32)
    for part in template.inner_parts:
        arrays[f"inner.{part.name}.vertices"] = np.asarray(part.vertices, np.float32)
        arrays[f"inner.{part.name}.triangles"] = np.asarray(part.triangles, np.int32)
        arrays[f"inner.{part.name}.identity_basis"] = np.asarray(part.identity_basis, np.float32)
    return arrays | _hierarchy_arrays(template.hierarchy) | _detector_arrays(template)


def _detector_arrays(template: Template) -> Arrays:
    if template.landmark_detector is None:
        return {}
    weights = {n: np.asarray(v, np.float16) for n, v in template.landmark_detector.items()}
    version = {f"{_DETECTOR}version": np.array(NETWORK_VERSION, np.int32)}
    return version | {f"{_DETECTOR}{name}": values for name, values in weights.items()}


def _hierarchy_arrays(hierarchy: Hierarchy) -> Arrays:
    arrays: Arrays = {}
    for k, level in enumerate(hierarchy.levels):
        arrays[f"level{k}.spirals"] = level.spirals
        if k > 0:  # level 0 is the skin itself
            arrays[f"level{k}.vertices"] = level.vertices
            arrays[f"level{k}.triangles"] = level.triangles
            arrays[f"level{k}.up_indices"] = hierarchy.up_indices[k - 1]
            arrays[f"level{k}.up_weights"] = hierarchy.up_weights[k - 1]
    return arrays


def template_from_arrays(arrays: Mapping[str, NDArray]) -> Template:
    """The Template of `template_arrays`.

    Raises BundleError naming the first field that is missing, unknown, of a wrong shape or not
    finite.
    """
    detector = _detector(arrays)
    arrays = {name: values for name, values in arrays.items() if not name.startswith(_DETECTOR)}
    num_levels = _num_levels(_field(arrays, "hierarchy.num_levels"))
    parts = [name for name in PART_MOTIONS if f"inner.{name}.vertices" in arrays]
    check_names(arrays, _expected_names(num_levels, parts), "the template")
    for name, values in arrays.items():
        check_finite(name, values)
    _check_shapes(arrays, num_levels, parts)
    arrays = {name: _as_computed_with(values) for name, values in arrays.items()}
    inner = [
        InnerPart(
            n, *(arrays[f"inner.{n}.{f}"] for f in ("vertices", "triangles", "identity_basis"))
        )
        for n in parts
    ]
    return Template(
        vertices=arrays["vertices"],
        triangles=arrays["triangles"],
        landmarks=Landmarks(arrays["landmarks.triangle_indices"], arrays["landmarks.barycentrics"]),
        regions={name: arrays[f"region.{name}"] for name in REGIONS},
        identity_basis=arrays["identity_basis"],
        inner_parts=tuple(inner),
        jaw_pivot=arrays["jaw_pivot"],
        hierarchy=_hierarchy(arrays, num_levels),
        landmark_detector=detector,
    )


def _detector(arrays: Mapping[str, NDArray]) -> Arrays | None:
    """The weights of the landmark detector, checked; None where the template carries none."""
    found = {n.removeprefix(_DETECTOR): v for n, v in arrays.items() if n.startswith(_DETECTOR)}
    if not found:
        return None
    version = found.pop("version", None)
    if version is None or version.shape != () or version != NETWORK_VERSION:
        raise BundleError(
            f"The landmark detector has version {'unknown' if version is None else version}, this "
            f"Facegen reads version {NETWORK_VERSION}: use a bundle and a Facegen of the same age."
        )
    shapes = network_shapes()
    check_names(found, set(shapes), "the landmark detector")
    for name, shape in shapes.items():
        check_shape(f"{_DETECTOR}{name}", found[name], shape)
        check_finite(f"{_DETECTOR}{name}", found[name])
    return found


def template_hash(template: Template) -> str:
    """SHA-256 of the topology and the neutral: what a model was trained on."""
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(template.vertices, "<f4").tobytes())
    digest.update(np.ascontiguousarray(template.triangles, "<i4").tobytes())
    return digest.hexdigest()


def check_names(arrays: Mapping[str, object], expected: set[str], whose: str) -> None:
    """Raise BundleError unless the arrays are named exactly as expected."""
    missing, extra = sorted(expected - set(arrays)), sorted(set(arrays) - expected)
    if missing:
        raise BundleError(f"A field of {whose} is missing: '{missing[0]}' ({len(missing)} in all).")
    if extra:
        raise BundleError(
            f"{whose.capitalize()} has an unknown field: '{extra[0]}' ({len(extra)} in all)."
        )


def check_shape(name: str, values: NDArray, expected: tuple[int | None, ...]) -> None:
    """Raise BundleError unless the shape is as expected; None stands for any size."""
    fits = len(values.shape) == len(expected) and all(
        want is None or want == have for want, have in zip(expected, values.shape, strict=True)
    )
    if not fits:
        wanted = " × ".join("any" if count is None else str(count) for count in expected)
        raise BundleError(
            f"'{name}': expected the shape {wanted or '1'}, got {size(values.shape)}; get the file "
            "again."
        )


def check_finite(name: str, values: NDArray) -> None:
    """Raise BundleError where a number is NaN, infinite, or larger than any in a head or model."""
    if values.dtype.kind not in "fiu":
        raise BundleError(f"'{name}' holds something else than numbers; get the file again.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise BundleError(f"'{name}' holds numbers that are not finite.")
    if values.dtype.kind == "f" and values.size and float(np.abs(values).max()) > _LARGEST:
        raise BundleError(f"'{name}' holds numbers beyond {_LARGEST:,.0f}.")


def _field(arrays: Mapping[str, NDArray], name: str) -> NDArray:
    if name not in arrays:
        raise BundleError(f"A field of the template is missing: '{name}'.")
    return arrays[name]


def _as_computed_with(values: NDArray) -> NDArray:
    """Sparse products know float32 and int32; a file may hold other sizes of the same numbers."""
    return np.asarray(values, np.float32 if values.dtype.kind == "f" else np.int32)


def _num_levels(values: NDArray) -> int:
    if values.shape != () or values.dtype.kind not in "iu" or not 1 <= values <= _MOST_LEVELS:
        raise BundleError(f"The template's levels are not a number from 1 to {_MOST_LEVELS}.")
    return int(values)


def _expected_names(num_levels: int, parts: list[str]) -> set[str]:
    names = {"vertices", "triangles", "identity_basis", "jaw_pivot", "hierarchy.num_levels"}
    names |= {"landmarks.triangle_indices", "landmarks.barycentrics", "level0.spirals"}
    names |= {f"region.{name}" for name in REGIONS}
    for field in ("vertices", "triangles", "identity_basis"):
        names |= {f"inner.{name}.{field}" for name in parts}
    for field in ("vertices", "triangles", "spirals", "up_indices", "up_weights"):
        names |= {f"level{k}.{field}" for k in range(1, num_levels)}
    return names


def _check_shapes(arrays: Mapping[str, NDArray], num_levels: int, parts: list[str]) -> None:
    for name, values in arrays.items():
        if name != "hierarchy.num_levels" and (values.ndim == 0 or values.size == 0):
            raise BundleError(f"'{name}' is empty.")
    num_vertices = len(arrays["vertices"])
    num_modes = len(arrays["identity_basis"])
    shapes: dict[str, tuple[int | None, ...]] = {
        "vertices": (num_vertices, 3),
        "triangles": (None, 3),
        "identity_basis": (num_modes, num_vertices, 3),
        "jaw_pivot": (3,),
        "landmarks.triangle_indices": (NUM_LANDMARKS,),
        "landmarks.barycentrics": (NUM_LANDMARKS, 3),
    }
    shapes |= {f"region.{name}": (num_vertices,) for name in REGIONS}
    for part in parts:
        size = len(arrays[f"inner.{part}.vertices"])
        shapes[f"inner.{part}.vertices"] = (size, 3)
        shapes[f"inner.{part}.triangles"] = (None, 3)
        shapes[f"inner.{part}.identity_basis"] = (num_modes, size, 3)
        _check_range(f"inner.{part}.triangles", arrays[f"inner.{part}.triangles"], size)
    _check_range("triangles", arrays["triangles"], num_vertices)
    _check_range("landmarks", arrays["landmarks.triangle_indices"], len(arrays["triangles"]))
    for name, shape in (shapes | _level_shapes(arrays, num_levels)).items():
        check_shape(name, arrays[name], shape)


def _level_shapes(
    arrays: Mapping[str, NDArray], num_levels: int
) -> dict[str, tuple[int | None, ...]]:
    finer, shapes = len(arrays["vertices"]), dict[str, tuple[int | None, ...]]()
    for k in range(num_levels):
        size = len(arrays[f"level{k}.vertices"]) if k else finer
        shapes[f"level{k}.spirals"] = (size, None)
        _check_range(f"level{k}.spirals", arrays[f"level{k}.spirals"], size, lowest=-1)
        if k > 0:
            shapes[f"level{k}.vertices"] = (size, 3)
            shapes[f"level{k}.triangles"] = (None, 3)
            shapes[f"level{k}.up_indices"] = shapes[f"level{k}.up_weights"] = (finer, 3)
            _check_range(f"level{k}.up_indices", arrays[f"level{k}.up_indices"], size)
        finer = size
    return shapes


def _check_range(name: str, indices: NDArray, size: int, lowest: int = 0) -> None:
    if indices.dtype.kind not in "iu":
        raise BundleError(f"'{name}' holds something else than whole numbers; get the file again.")
    if indices.size and (indices.min() < lowest or indices.max() >= size):
        raise BundleError(f"'{name}' points outside its {size} targets.")


def _hierarchy(arrays: Mapping[str, NDArray], num_levels: int) -> Hierarchy:
    levels = [Level(arrays["vertices"], arrays["triangles"], arrays["level0.spirals"])]
    coarse = range(1, num_levels)
    fields = ("vertices", "triangles", "spirals")
    levels += [Level(*(arrays[f"level{k}.{field}"] for field in fields)) for k in coarse]
    return Hierarchy(
        tuple(levels),
        tuple(arrays[f"level{k}.up_indices"] for k in coarse),
        tuple(arrays[f"level{k}.up_weights"] for k in coarse),
    )
