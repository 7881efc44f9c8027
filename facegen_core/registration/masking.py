"""A painted mask: how much of the motion each vertex of the target takes.

Skin takes its share vertex by vertex. What is rigid takes one share as a whole, the mean over the
part, as a smaller turn of the jaw: teeth keep their shape under any mask. What rides on the skin
follows the weakened skin, and takes less than that only where the mask is lower on the part itself
than on the skin under it: brows and lashes inside a painted area are not weakened twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidMeshError
from ..numeric import counted, real_array, size
from .alignment import Part
from .riding import Riding
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Masking:
    """A mask as retargeting needs it; W welded vertices.

    skin: (W,) share of each vertex of the skin. rigid: (W,) share of the rigid part a vertex is of,
    1 elsewhere. riding: (P,) share of each riding vertex, of the motion of the skin under it.
    """

    skin: FloatArray
    rigid: FloatArray
    riding: FloatArray


def check_mask(mask: FloatArray, num_vertices: int) -> FloatArray:
    """(M,) float64 of a mask. Raises InvalidMeshError unless it is finite and within [0, 1]."""
    numbers = real_array(mask)
    if numbers is None:
        raise InvalidMeshError("The mask is not numbers: paint weights from 0 to 1.")
    values = np.asarray(numbers, np.float64)
    if values.shape != (num_vertices,):
        raise InvalidMeshError(
            f"The mask must have one value for each of the {num_vertices:,} vertices of the head, "
            f"got {size(values.shape)}: read it again after changing the mesh."
        )
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise InvalidMeshError(
            f"The mask is no number at {counted(bad, 'vertex', 'vertices')}: paint weights from 0 "
            "to 1."
        )
    if len(values) and (values.min() < 0.0 or values.max() > 1.0):
        raise InvalidMeshError(
            f"The values of the mask must lie from 0 to 1, got {values.min():g} to "
            f"{values.max():g}: normalise them."
        )
    return values


def prepare_masking(
    mask: FloatArray, surface: Surface, parts: tuple[Part, ...], riding: Riding
) -> Masking:
    """What a checked (M,) mask means for skin, rigid parts and what rides on the skin."""
    welded = surface.welded_indices
    counts = np.bincount(welded, minlength=surface.num_vertices)
    skin = np.bincount(welded, mask, surface.num_vertices) / np.maximum(counts, 1)
    rigid = np.ones(surface.num_vertices)
    for part in parts:
        if part.motion == "jaw":
            rigid[welded[part.vertex_indices]] = mask[part.vertex_indices].mean()
    under = riding.along_part(riding.anchor_rows @ skin[:, None])[:, 0]
    own = skin[riding.vertex_indices]
    share = np.clip(own / np.maximum(under, 1e-6), 0.0, 1.0)
    return Masking(skin, rigid, np.where(own > 0.0, share, 0.0))
