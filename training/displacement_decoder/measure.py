"""How well a decoder turns true landmarks of held-out subjects into their skin, in millimetres."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Rows

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from facegen_core.displacement_inference import DisplacementDecoder
from facegen_core.metrics import roughness, umbrella_laplacian, vertex_errors, weighted_mean
from facegen_core.models.displacement_config import DisplacementDecoderConfig
from facegen_core.template import Template
from training.datasets.sequence import Sequence
from training.expression_model.face_bases import FaceBases
from training.expression_model.reconstruction import apex_rows

FloatArray = NDArray[np.floating]

TOTAL = "total"
# How far landmarks are shaken to see what generated ones would do, mm.
SHAKEN_MM = (0.1, 0.3)
_LIPS = ("upper_lip", "lower_lip")
_LIDS = ("upper_lid_left", "lower_lid_left", "upper_lid_right", "lower_lid_right")


class DecoderMeasure:
    """Measures decoders of one configuration on takes of one expression."""

    def __init__(
        self,
        template: Template,
        config: DisplacementDecoderConfig,
        bases: FaceBases,
        stride: int,
        seed: int = 0,
    ) -> None:
        self.template, self.config, self.bases = template, config, bases
        self.stride, self.seed = stride, seed
        self._laplacian: sparse.csr_matrix = umbrella_laplacian(
            template.triangles, template.num_vertices
        )
        regions = template.regions
        self._areas = {
            "face": regions["face"],
            "lips": np.maximum.reduce([regions[name] for name in _LIPS]),
            "lids": np.maximum.reduce([regions[name] for name in _LIDS]),
        }

    def of(
        self, weights: Mapping[str, NDArray[np.float32]], takes: Iterable[Sequence]
    ) -> dict[str, dict[str, float]]:
        """{measure: {expression or "total": value}}, means over the takes.

        Errors ("…_mm") over the region "face": decoder; head, the linear head alone; neutral, no
        motion; decoder_shaken_0.1, of landmarks off by 0.1 mm in every coordinate. Of the decoder
        also apex (in the apex alone), all (over all vertices), lips and lids. roughness_ratio: of
        the apex, over the truth's. jaw_degrees and jaw_mm: RMS.
        """
        decoder = self._decoder(self.config, weights)
        alone = None
        if self.config.linear_head and self.config.residual:
            without = {n: w for n, w in weights.items() if not n.startswith("residual.")}
            alone = self._decoder(dataclasses.replace(self.config, residual=False), without)
        rows: dict[str, list[dict[str, float]]] = {}
        for take in takes:
            row = self._measure_one(decoder, alone, take)
            rows.setdefault(take.expression, []).append(row)
        rows[TOTAL] = [row for group in rows.values() for row in group]
        names = rows[TOTAL][0] if rows[TOTAL] else {}
        return {
            name: {column: _mean(name, group) for column, group in rows.items()} for name in names
        }

    def _decoder(
        self, config: DisplacementDecoderConfig, weights: Mapping[str, NDArray[np.float32]]
    ) -> DisplacementDecoder:
        def transfer(neutral: FloatArray) -> NDArray[np.float32]:
            return self.bases.of(neutral).shapes

        return DisplacementDecoder(self.template, config, weights, self.bases.mean, transfer)

    def _measure_one(
        self, decoder: DisplacementDecoder, alone: DisplacementDecoder | None, take: Sequence
    ) -> dict[str, float]:
        frames = np.arange(0, take.num_frames, self.stride)
        truth, neutral = take.displacements(frames), take.neutral
        landmarks = self.template.landmarks.positions(truth, self.template.triangles)
        skin, jaw = decoder.decode(landmarks, neutral)
        errors, face = vertex_errors(skin, truth), self._areas["face"]
        apex = apex_rows(frames, take.marks)
        row = {"decoder_mm": weighted_mean(errors, face)}
        if alone is not None:
            head = vertex_errors(alone.decode(landmarks, neutral)[0], truth)
            row["head_mm"] = weighted_mean(head, face)
        row["neutral_mm"] = weighted_mean(vertex_errors(truth, np.zeros_like(truth)), face)
        row["decoder_apex_mm"] = weighted_mean(errors[apex], face)
        row["decoder_all_mm"] = float(errors.mean())
        for name in ("lips", "lids"):
            row[f"decoder_{name}_mm"] = weighted_mean(errors, self._areas[name])
        for size in SHAKEN_MM:
            rng = np.random.default_rng([self.seed, *take.name.encode()])
            shaken = landmarks + size * rng.normal(size=landmarks.shape)
            shaken_errors = vertex_errors(decoder.decode(shaken, neutral)[0], truth)
            row[f"decoder_shaken_{size}_mm"] = weighted_mean(shaken_errors, face)
        rough = [roughness(motion[apex], self._laplacian, face) for motion in (skin, truth)]
        row["roughness_ratio"] = float(rough[0].mean() / max(rough[1].mean(), 1e-9))
        off = jaw - np.asarray(take.jaw())[frames]
        row["jaw_degrees"] = float(np.degrees(np.sqrt(np.mean(np.sum(off[:, :3] ** 2, axis=1)))))
        row["jaw_mm"] = float(np.sqrt(np.mean(np.sum(off[:, 3:] ** 2, axis=1))))
        return row


def single_takes(sequences: Rows[Sequence]) -> list[Sequence]:
    """Those of one expression, as reconstruction is measured on."""
    return [sequence for sequence in sequences if len(sequence.components) == 1]


def _mean(name: str, rows: list[dict[str, float]]) -> float:
    values = np.array([row[name] for row in rows])
    if name.startswith("jaw_"):
        return round(float(np.sqrt(np.mean(values**2))), 4)
    return round(float(values.mean()), 4)
