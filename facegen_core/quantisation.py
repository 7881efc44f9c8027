"""Large bases as int16, one scale per shape: steps of 1/65534 of the range (0.2 µm for ±5 mm)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .errors import BundleError
from .template_arrays import check_finite

# Arrays whose names end like this are stored so.
_QUANTISED = "identity_basis", "blendshapes.basis"
_INT16_MAX = 32767


def quantised(arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The arrays as they are stored: bases as steps and `NAME/scales`."""
    stored: dict[str, NDArray] = {}
    for name, values in arrays.items():
        if not name.endswith(_QUANTISED):
            stored[name] = values
            continue
        largest = np.abs(values.reshape(len(values), -1)).max(axis=1, initial=0.0)
        scales = (np.where(largest > 0, largest, 1.0) / _INT16_MAX).astype(np.float32)
        steps = values / scales.reshape(-1, *[1] * (values.ndim - 1))
        stored[name] = np.clip(np.rint(steps), -_INT16_MAX, _INT16_MAX).astype(np.int16)
        stored[f"{name}/scales"] = scales
    return stored


def dequantised(arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """Back to float32; raises BundleError where scales are missing."""
    whole: dict[str, NDArray] = {}
    for name, values in arrays.items():
        if name.endswith("/scales"):
            continue
        if values.dtype == np.int16:
            scales = arrays.get(f"{name}/scales")
            if scales is None or scales.shape != values.shape[:1]:
                raise BundleError(f"'{name}' has no fitting scales.")
            check_finite(f"{name}/scales", scales)
            values = values.astype(np.float32) * scales.reshape(-1, *[1] * (values.ndim - 1))
        whole[name] = values
    return whole
