"""Both generators in torch, on any device: what the GPU worker runs.

Equal to `inference` and `landmark_inference` to 1e-4 mm (asserted in tests). Deformation transfer
is done once for a face, in NumPy, several faces at a time. Frames are decoded in batches, those of
all clips of a face together; a batch that does not fit into the device's memory is halved, and at
last the CPU goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from . import parallel
from .bundle import Bundle
from .deformation_transfer import BasisTransfer
from .errors import WorkerError
from .motion_engine import GENERATORS, Generator, MotionRequest
from .numeric import counted
from .progress import Progress, no_progress, subprogress
from .recent import Recent
from .worker_models import GeneratorModel, Moving, SteadyModel, VariedModel

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Result = TypeVar("Result")

CPU = torch.device("cpu")
# Frames decoded at once: on a CPU what stays in its caches, on a GPU what fills it.
CPU_FRAMES, GPU_FRAMES = 32, 512
# One piece of motion on its way to the host has no more bytes than this.
_PIECE_BYTES = 1 << 27
# Faces whose shapes are kept, 11 MB each and as much on the device: the heads of a crowd.
_KEPT_FACES = 24
SMALLER_BATCHES = "Out of memory: the GPU worker goes on with {frames} at a time."
ON_THE_CPU = "The GPU ran out of memory: the CPU went on with this motion."
GPU_FAILED = "The GPU could not make this motion, the CPU went on: {reason}."
# What MPS and the CPU say instead of raising the error that CUDA raises.
_OUT_OF_MEMORY_WORDS = "out of memory", "not enough memory", "can't allocate memory"
# Under this name since torch 2.5.
OutOfMemoryError = getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError)


@dataclass(frozen=True, eq=False)
class Piece:
    """Rows `start` … of what request `number` asked for: skin (n, V, 3) mm, jaw (n, 6).

    Rows that no piece brings are at rest: exactly 0.
    """

    number: int
    start: int
    skin: NDArray[np.float32]
    jaw: NDArray[np.float32]


class TorchEngine:
    """Runs one bundle on one device. tell: hears sentences for the user."""

    def __init__(
        self, bundle: Bundle, device: torch.device, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.bundle, self.device, self._tell = bundle, device, tell
        most = max(1, _PIECE_BYTES // (12 * bundle.template.num_vertices))
        self._most_frames = {True: min(CPU_FRAMES, most), False: min(GPU_FRAMES, most)}
        self.batch_frames = self._most_frames[device.type == "cpu"]
        self._now = device
        self._models: dict[tuple[Generator, torch.device], GeneratorModel] = {}
        self._faces: Recent[object] = Recent(_KEPT_FACES)
        self._shapes: Recent[NDArray[np.float32]] = Recent(_KEPT_FACES)
        self._transfer: BasisTransfer | None = None

    def pieces(
        self, requests: Sequence[MotionRequest], progress: Progress = no_progress
    ) -> Iterator[Piece]:
        """The motions of checked requests, piece by piece; those of one request in order."""
        self._now = self.device
        by_face: dict[bytes, list[int]] = {}
        for number, request in enumerate(requests):
            by_face.setdefault(self._key(request), []).append(number)
        groups, done = list(by_face.items()), 0
        at_once = parallel.num_workers()
        for first in range(0, len(groups), at_once):
            part = groups[first : first + at_once]
            neutrals = [requests[numbers[0]].neutral if key else None for key, numbers in part]
            share = subprogress(progress, first / len(groups), (first + len(part)) / len(groups))
            shapes = self._shapes_of([key for key, _ in part], neutrals, share)
            for k, (key, numbers) in enumerate(part):
                chosen = [requests[number] for number in numbers]
                going = subprogress(
                    share, 0.3 + 0.7 * k / len(part), 0.3 + 0.7 * (k + 1) / len(part)
                )
                yield from self._of_face(key, shapes[k], numbers, chosen, going)
                done += len(numbers)

    # ---- faces ---------------------------------------------------------------------------------

    def _key(self, request: MotionRequest) -> bytes:
        """What tells faces apart that move differently; empty for the mean face."""
        if request.neutral is None:
            return b""
        if request.generator == "lstm" and not self.bundle.config.follows_neutral:
            return b""
        values = np.ascontiguousarray(request.neutral, np.float64)
        return hashlib.sha1(values.tobytes(), usedforsecurity=False).digest()

    def _shapes_of(
        self, keys: Sequence[bytes], neutrals: Sequence[FloatArray | None], progress: Progress
    ) -> list[NDArray[np.float32] | None]:
        """(K, V, 3) the blendshapes as each (V, 3) neutral shows them, None for the mean face."""
        basis = self.bundle.weights.get("blendshapes.basis")
        if basis is None or not any(keys):
            return [None] * len(keys)
        if self._transfer is None:
            template = self.bundle.template
            self._transfer = BasisTransfer(template.vertices, template.triangles, basis)
        transfer = self._transfer

        def carried(k: int) -> NDArray[np.float32] | None:
            neutral = neutrals[k]
            if neutral is None:
                return None
            return self._shapes.get(keys[k], lambda: transfer.to(neutral))

        return parallel.each(
            carried, range(len(keys)), subprogress(progress, 0.0, 0.3), "Preparing this head"
        )

    def _face(
        self,
        generator: Generator,
        key: bytes,
        neutral: FloatArray | None,
        shapes: FloatArray | None,
    ) -> tuple[GeneratorModel, object]:
        """The generator's model on the device in use, and the face as that model keeps it."""
        model: GeneratorModel | None = self._models.get((generator, self._now))
        if model is None:
            kinds: dict[Generator, type] = {"lstm": SteadyModel, "lm4dgan": VariedModel}
            model = kinds[generator](self.bundle, self._now)
            self._models[generator, self._now] = model
        make = partial(model.face, neutral, shapes)
        return model, self._faces.get((generator, self._now, key), make)

    # ---- motion --------------------------------------------------------------------------------

    def _of_face(
        self,
        key: bytes,
        shapes: FloatArray | None,
        numbers: Sequence[int],
        requests: Sequence[MotionRequest],
        progress: Progress,
    ) -> Iterator[Piece]:
        wanted = {request.generator for request in requests}
        for step, generator in enumerate(each for each in GENERATORS if each in wanted):
            chosen = [k for k, request in enumerate(requests) if request.generator == generator]
            going = subprogress(progress, step / len(wanted), (step + 1) / len(wanted))
            neutral = requests[chosen[0]].neutral if key else None
            asked = generator, key, neutral, shapes

            def moving(asked=asked, chosen=chosen) -> list[Moving]:  # type: ignore[no-untyped-def]
                model, face = self._face(*asked)
                return model.moving([requests[k] for k in chosen], face)

            all_rows = self._safely(moving)
            yield from self._decoded(asked, [numbers[k] for k in chosen], all_rows, going)

    def _decoded(
        self,
        asked: tuple[Generator, bytes, FloatArray | None, FloatArray | None],
        numbers: Sequence[int],
        moving: Sequence[Moving],
        progress: Progress,
    ) -> Iterator[Piece]:
        """Batches of frames of all clips of a face, cut into pieces of one clip each."""
        owners = np.repeat(numbers, [len(each.rows) for each in moving])
        rows = np.concatenate([each.rows for each in moving])
        inputs = np.concatenate([each.inputs for each in moving])
        gates = np.concatenate([each.gates for each in moving])
        start = 0
        while start < len(rows):
            progress(start / len(rows), "Generating the motion")

            def batch(start: int = start) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
                model, face = self._face(*asked)
                frames = slice(start, start + self._size())
                given = torch.from_numpy(inputs[frames]).to(self._now)
                gate = torch.from_numpy(gates[frames]).to(self._now)
                skin, jaw = model.decode(given, face)
                ordered = (skin * gate[:, None]).transpose(0, 1).contiguous()
                return ordered.cpu().numpy(), (jaw * gate[:, None]).cpu().numpy()

            skin, jaw = self._safely(batch)
            stop = start + len(skin)
            for first, last in _runs(owners[start:stop], rows[start:stop]):
                begin = start + first
                yield Piece(int(owners[begin]), int(rows[begin]), skin[first:last], jaw[first:last])
            start = stop

    def _size(self) -> int:
        """Frames decoded at once on the device in use."""
        if self._now == self.device:
            return self.batch_frames
        return self._most_frames[True]

    def _safely(self, work: Callable[[], Result]) -> Result:
        """The result of work on the device in use; less at once, or the CPU, where it cannot."""
        while True:
            try:
                with torch.inference_mode():
                    return work()
            except RuntimeError as error:  # of which torch's other errors are kinds
                self._make_do(error)

    def _make_do(self, error: RuntimeError) -> None:
        """Take smaller batches or another device after an error; raise it where nothing helps."""
        is_memory = isinstance(error, OutOfMemoryError) or any(
            words in str(error).lower() for words in _OUT_OF_MEMORY_WORDS
        )
        if is_memory and self._now == self.device and self.batch_frames > 1:
            self._give_back_memory()
            self.batch_frames //= 2
            self._tell(SMALLER_BATCHES.format(frames=counted(self.batch_frames, "frame")))
        elif self._now == CPU:
            if not is_memory:
                raise error
            raise WorkerError(
                "The memory is not enough for this motion: close other programs, or make the clip "
                "shorter."
            ) from error
        else:
            self._give_back_memory()
            self._now = CPU
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            self._tell(ON_THE_CPU if is_memory else GPU_FAILED.format(reason=reason[:200]))

    def _give_back_memory(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        elif self.device.type == "mps":
            torch.mps.empty_cache()


def _runs(owners: IntArray, rows: IntArray) -> Iterator[tuple[int, int]]:
    """(first, last + 1) of stretches of following rows of one clip."""
    breaks = np.flatnonzero((np.diff(rows) != 1) | (np.diff(owners) != 0)) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    yield from pairwise(edges)
