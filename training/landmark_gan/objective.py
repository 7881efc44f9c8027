"""What the landmark generators minimise, and what their critics do.

WGAN with gradient penalty, an identity discriminator and a frozen landmark autoencoder (LM-4DGAN,
arXiv 2603.10337), around two anchors that keep a small set from being learnt by heart or mode by
mode: the motion without noise comes as near to the truth as it can, and the motions with noise are
scored as a forecast. The energy score E|Y - x| - ½ E|Y - Y'| is least where motions are spread as
people are (Gneiting & Raftery, JASA 2007), and needs no adversary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facegen_core.landmarks import MIRRORED_LANDMARKS
from facegen_core.models.landmark_critics import gradient_norms
from facegen_core.models.landmark_gan import sampled
from training.landmark_gan.batches import LandmarkBatch
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.networks import Networks

LOSS_NAMES = ("total", "mean", "energy", "critic", "identity", "autoencoder")
CRITIC_NAMES = ("total", "distance", "identity", "spread")


@dataclass(frozen=True, eq=False)
class Seen:
    """A batch as one stage sees it, at that stage's rate.

    truth: (B, K', 204) in units of the generators; told: (B, K', N) what its critic is told;
    signal: (B, K', C); motion: (B, K', 204) mm.
    """

    truth: Tensor
    told: Tensor
    signal: Tensor
    motion: Tensor


def seen_by(networks: Networks, batch: LandmarkBatch, stage: int) -> Seen:
    generators = networks.generators
    K = batch.features.shape[1]  # noqa: N806
    code = networks.told_code(batch)[:, None].expand(-1, K, -1)
    told = torch.cat([batch.features[:, :, : generators.num_told], code], dim=2)
    rate = generators.config.stage_rates[stage]
    motion = sampled(batch.motion, 1.0, rate, K)
    told = sampled(told, 1.0, rate, K)
    signal = told[:, :, : generators.num_expressions]
    return Seen(motion / generators.scale, told, signal, motion)


def critic_losses(
    config: LandmarkTrainConfig,
    networks: Networks,
    stage: int,
    batch: LandmarkBatch,
    noise: Tensor,
    mixing: Tensor,
) -> dict[str, Tensor]:
    """Of the critics of one stage; sums over rows, divided by the size of the whole batch.

    noise: (B, S, K, Z); mixing: (B, 1, 1) in [0, 1].
    """
    scale = networks.generators.scale
    with torch.no_grad():
        code = networks.told_code(batch)
        fake = networks.generators(batch.features, code, noise, batch.face, stage + 1)[-1]
    seen = seen_by(networks, batch, stage)
    zero = batch.motion.new_zeros(())
    distance, identity, penalty, spread = zero, zero, zero, zero
    if config.critics:
        critic, generated = networks.critics[stage], fake / scale
        scores, fake_scores = critic(seen.truth, seen.told), critic(generated, seen.told)
        distance = scores.sum() - fake_scores.sum()
        spread = torch.cat([scores, fake_scores]).std().detach() * batch.size
        mixed = (mixing * seen.truth + (1 - mixing) * generated).requires_grad_()
        penalty = (gradient_norms(critic(mixed, seen.told), mixed) - 1).pow(2).sum()
    if networks.identity is not None:
        identity, of_identity = _identity_distance(networks, stage, batch, seen, fake, mixing)
        penalty = penalty + of_identity
    total = config.penalty * penalty - distance - identity
    return _shares(CRITIC_NAMES, (total, distance, identity, spread), batch.size)


def _identity_distance(
    networks: Networks, stage: int, batch: LandmarkBatch, seen: Seen, fake: Tensor, mixing: Tensor
) -> tuple[Tensor, Tensor]:
    """max E[D(n, X)] - ½ E[D(n, X̂)] - ½ E[D(n', X)], and the penalty; n': somebody else's."""
    assert networks.identity is not None
    judge = networks.identity[stage]
    still, moving = networks.identity_codes(batch.neutral, seen.motion)
    _, generated = networks.identity_codes(batch.neutral, fake)
    other, mismatched = networks.identity_codes(batch.other, seen.motion)
    real = judge(still, moving, seen.signal).sum()
    false = judge(still, generated, seen.signal).sum()
    foreign = judge(other, mismatched, seen.signal).sum()
    mixed = (mixing * moving + (1 - mixing) * generated).detach().requires_grad_()
    norms = gradient_norms(judge(still, mixed, seen.signal), mixed)
    return real - 0.5 * false - 0.5 * foreign, (norms - 1).pow(2).sum()


def generator_losses(
    config: LandmarkTrainConfig,
    networks: Networks,
    stage: int,
    batch: LandmarkBatch,
    noise: Tensor,
) -> dict[str, Tensor]:
    """Of one stage; sums over rows, divided by the size of the whole batch.

    noise: (2·B, S, K, Z), two draws for every row.
    """
    generators = networks.generators
    still = torch.zeros_like(noise[: len(batch.features)])
    output = generators(
        batch.features.repeat(3, 1, 1),
        networks.told_code(batch).repeat(3, 1),
        torch.cat([still, noise]),
        batch.face.repeat(3, 1, 1),
        stage + 1,
    )[-1]
    seen = seen_by(networks, batch, stage)
    truth, velocity = seen.truth, config.velocity_weight
    expected, one, two = (part / generators.scale for part in output.chunk(3))
    mean = distances(expected, truth) + velocity * distances(changes(expected), changes(truth))
    energy = energy_score(one, two, truth)
    energy = energy + velocity * energy_score(changes(one), changes(two), changes(truth))
    sides = asymmetry(one), asymmetry(two), asymmetry(truth)
    energy = energy + config.asymmetry_weight * energy_score(*sides)
    zero = batch.motion.new_zeros(())
    critic, identity, autoencoder = zero, zero, zero
    generated = output.chunk(3)[1]
    if config.critics:
        critic = -networks.critics[stage](one, seen.told).sum()
    if networks.identity is not None:
        codes = networks.identity_codes(batch.neutral, generated)
        identity = -networks.identity[stage](*codes, seen.signal).sum()
    if networks.autoencoder is not None:
        faces = batch.neutral[:, None] + generated
        autoencoder = (networks.autoencoder(faces) - faces).abs().mean(dim=(1, 2)).sum()
    total = (
        config.mean_weight * mean
        + config.energy_weight * energy
        + config.critic_weight * critic
        + config.identity_weight * identity
        + config.autoencoder_weight * autoencoder
    )
    return _shares(LOSS_NAMES, (total, mean, energy, critic, identity, autoencoder), batch.size)


def changes(motion: Tensor) -> Tensor:
    """(B, K - 1, 204) from each frame to the next."""
    return motion[:, 1:] - motion[:, :-1]


def asymmetry(motion: Tensor) -> Tensor:
    """(B, K, 204) what of a motion its mirror image does not share.

    Small beside the whole, and what makes a face alive: judged with the whole alone, generators
    leave it out.
    """
    points = motion.unflatten(2, (-1, 3))
    turned = points[:, :, MIRRORED_LANDMARKS] * points.new_tensor([-1.0, 1.0, 1.0])
    return (0.5 * (points - turned)).flatten(2)


def distances(one: Tensor, two: Tensor) -> Tensor:
    """Sum over rows of the mean Euclidean distance of landmarks."""
    return (squares(one - two) + 1e-6).sqrt().mean(dim=(1, 2)).sum()


def energy_score(one: Tensor, two: Tensor, truth: Tensor) -> Tensor:
    """Sum over rows, of two drawn motions and the true one; (B, K, 204) each.

    Summed over three distances between motions, RMS over all landmarks and frames, over each
    landmark's path and over each frame, so that neither the whole nor a mouth corner alone decides.
    """
    near = 0.5 * (_apart(one, truth) + _apart(two, truth))
    return near - 0.5 * _apart(one, two)


def _apart(one: Tensor, two: Tensor) -> Tensor:
    errors = squares(one - two)  # (B, K, 68)
    whole = (errors.mean(dim=(1, 2)) + 1e-8).sqrt()
    paths = (errors.mean(dim=1) + 1e-8).sqrt().mean(dim=1)
    frames = (errors.mean(dim=2) + 1e-8).sqrt().mean(dim=1)
    return (whole + paths + frames).sum()


def squares(motion: Tensor) -> Tensor:
    """(B, K, 68) squared lengths of (B, K, 204)."""
    return motion.unflatten(2, (-1, 3)).pow(2).sum(dim=3)


def _shares(names: tuple[str, ...], sums: tuple[Tensor, ...], size: int) -> dict[str, Tensor]:
    return {name: value / size for name, value in zip(names, sums, strict=True)}
