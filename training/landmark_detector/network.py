"""The detector in torch, as `facegen_core.landmark_network` runs it, with layers for training."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facegen_core.landmark_network import (
    CONVOLUTIONS,
    GRID,
    LINEARS,
    LOG_ERROR_RANGE,
    NUM_FIELDS,
)
from facegen_core.landmarks import NUM_LANDMARKS


class TorchDetector(nn.Module):
    """Pictures (B, 4, 64, 64) → score logits (B,), landmarks (B, 68, 3), log errors (B, 68)."""

    cells: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convs, self.norms = nn.ModuleDict(), nn.ModuleDict()
        for name, (inputs, outputs, size, stride) in CONVOLUTIONS.items():
            bare = name == "fields"  # the only convolution whose result is read as it is
            self.convs[name] = nn.Conv2d(
                inputs, outputs, size, stride, padding=size // 2, bias=bare
            )
            if not bare:
                self.norms[name] = nn.BatchNorm2d(outputs)
        self.linears = nn.ModuleDict({n: nn.Linear(*sizes) for n, sizes in LINEARS.items()})
        axis = (torch.arange(GRID) + 0.5) * (2.0 / GRID) - 1.0
        cells = torch.stack([axis.repeat(GRID), (-axis).repeat_interleave(GRID)])
        self.register_buffer("cells", cells, persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = torch.relu(self._conv("stem", nn.functional.pixel_unshuffle(images, 2)))
        middle = self._block("block1", torch.relu(self._conv("down1", fine)))
        coarse = self._block("block2", torch.relu(self._conv("down2", middle)))
        coarsest = self._block("block3", torch.relu(self._conv("down3", coarse)))
        overview = torch.relu(self.linears["overview"](coarsest.flatten(1)))
        context = self.linears["context"](overview)[:, :, None, None]
        lifted = _doubled(self._conv("lift2", coarsest))
        coarse = torch.relu(self._conv("up2", torch.relu(coarse + lifted + context)))
        lifted = _doubled(self._conv("lift1", coarse))
        detail = torch.relu(self._conv("up1", torch.relu(middle + lifted)))
        fields = self.convs["fields"](detail).reshape(
            len(images), NUM_FIELDS, NUM_LANDMARKS, GRID * GRID
        )
        heat, right, up, depth, log_error = fields.unbind(1)
        shares = torch.softmax(heat, dim=-1)
        votes = (self.cells[0] + right, self.cells[1] + up, depth)
        places = torch.stack([(shares * vote).sum(-1) for vote in votes], dim=-1)
        log_errors = (shares * log_error).sum(-1).clamp(*LOG_ERROR_RANGE)
        return self.linears["score"](overview)[:, 0], places, log_errors

    def _conv(self, name: str, x: Tensor) -> Tensor:
        return self.norms[name](self.convs[name](x))

    def _block(self, name: str, x: Tensor) -> Tensor:
        return torch.relu(x + self._conv(name, x))


def folded_arrays(detector: TorchDetector) -> dict[str, NDArray[np.float32]]:
    """The weights as NumPy runs them: each normalisation folded into its convolution."""
    arrays = {}
    for name, conv in detector.convs.items():
        assert isinstance(conv, nn.Conv2d)
        weight = conv.weight.detach()
        if name in detector.norms:
            norm = detector.norms[name]
            assert isinstance(norm, nn.BatchNorm2d)
            assert norm.running_var is not None
            assert norm.running_mean is not None
            factor = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
            bias = norm.bias.detach() - factor * norm.running_mean
            weight = weight * factor[:, None, None, None]
        else:
            assert conv.bias is not None
            bias = conv.bias.detach()
        arrays[f"{name}.weight"], arrays[f"{name}.bias"] = weight.numpy(), bias.numpy()
    for name, linear in detector.linears.items():
        assert isinstance(linear, nn.Linear)
        arrays[f"{name}.weight"] = linear.weight.detach().numpy()
        arrays[f"{name}.bias"] = linear.bias.detach().numpy()
    return {name: values.astype(np.float32) for name, values in arrays.items()}


def _doubled(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2, mode="nearest")
