"""When a stage does what: which sequences a step sees, how fast it learns, what chance it gets.

Everything is a pure function of the seed, the stage and the step. So every process of a run draws
the same batch, a batch can be drawn ahead, and a run that was killed goes on exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.expression_model.train_config import TrainConfig

STAGES = ("motion", "detail")
# Streams of random numbers within a stage.
_OF_EPOCHS, _OF_STEPS = 0, 1


@dataclass(frozen=True)
class Schedule:
    """One stage: by epochs of all `num_sequences`, the last batch of each being what is left, or by
    `num_steps` of sequences drawn with replacement where `num_epochs` is 0.

    first_rate: learning rate at the start; decay: its factor per epoch, or over the whole stage.
    """

    stage: str
    seed: int
    num_sequences: int
    batch_size: int
    num_steps: int
    num_epochs: int
    first_rate: float
    decay: float

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.num_sequences // self.batch_size)

    def generator(self, step: int) -> np.random.Generator:
        """The randomness of one step."""
        return self._generator(_OF_STEPS, step)

    def indices(self, step: int) -> NDArray[np.int64]:
        """The sequences of one step."""
        if not self.num_epochs:
            return self.generator(step).integers(self.num_sequences, size=self.batch_size)
        epoch, place = divmod(step, self.steps_per_epoch)
        order = self._generator(_OF_EPOCHS, epoch).permutation(self.num_sequences)
        return order[place * self.batch_size : (place + 1) * self.batch_size]

    def learning_rate(self, step: int) -> float:
        if self.num_epochs:
            return self.first_rate * self.decay ** (step // self.steps_per_epoch)
        return self.first_rate * self.decay ** (step / self.num_steps)

    def _generator(self, stream: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, STAGES.index(self.stage), stream, number])


def schedule_of(config: TrainConfig, stage: str, num_sequences: int) -> Schedule:
    """The schedule a configuration gives a stage; `num_steps` is 0 for a stage it leaves out."""
    batch_size = getattr(config, f"{stage}_batch")
    num_epochs = getattr(config, f"{stage}_epochs")
    num_steps = getattr(config, f"{stage}_steps") or num_epochs * -(-num_sequences // batch_size)
    return Schedule(
        stage,
        config.seed,
        num_sequences,
        batch_size,
        num_steps,
        num_epochs,
        getattr(config, f"{stage}_learning_rate"),
        config.epoch_decay if num_epochs else config.final_rate,
    )
