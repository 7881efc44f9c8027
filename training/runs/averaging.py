"""The moving average of weights: what is validated and shipped, steadier than the last step.

Polyak & Juditsky 1992, with an exponential window as has become usual.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from numpy.typing import NDArray
from torch import Tensor

# The window grows with the steps done, so that the first weights are soon forgotten:
# the decay of step n is (1 + n) / (10 + n) until that exceeds the one asked for.
_WARM_UP = 10.0


class WeightAverage:
    """Moving average of named parameters and buffers; `decay` 0 follows them exactly.

    Whole numbers, as counts of batches, are followed exactly always.
    """

    def __init__(self, parameters: Mapping[str, Tensor], decay: float) -> None:
        self.decay = decay
        self._parameters = dict(parameters)
        self._averages = {name: p.detach().clone() for name, p in parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after step number `step`, counted from 0."""
        decay = min(self.decay, (1.0 + step) / (_WARM_UP + step))
        for name, average in self._averages.items():
            if average.is_floating_point():
                average.lerp_(self._parameters[name], 1.0 - decay)
            else:
                average.copy_(self._parameters[name])

    @torch.no_grad()
    def settle(self) -> None:
        """Make the average the weights."""
        for name, average in self._averages.items():
            self._parameters[name].copy_(average)

    def arrays(self) -> dict[str, NDArray]:
        """The averages, by name of the parameter."""
        return {name: a.numpy(force=True).copy() for name, a in self._averages.items()}

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Put `arrays()` back."""
        for name, values in arrays.items():
            self._averages[name].copy_(torch.from_numpy(values))

    def tensors(self) -> dict[str, Tensor]:
        """The averages themselves, by name of the parameter."""
        return dict(self._averages)
