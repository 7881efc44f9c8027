"""Tables of the second generator beyond distances: identity, recognition, variety and motion."""

from __future__ import annotations

from typing import Any

from training.evaluation.classifier import NUM_EPOCHS
from training.evaluation.examination import NUM_CLASSIFIERS
from training.evaluation.report_tables import markdown_table
from training.figures.style import system_title
from training.landmark_evaluation.cases import VERTEX_STRIDE
from training.landmark_evaluation.diversity import NUM_TRUE_DRAWS

Results = dict[str, Any]

_SKIN_COLUMNS = (
    ("roughness_ratio", "roughness"),
    ("jitter_ratio", "jitter"),
    ("landmark_jitter_ratio", "jitter of landmarks"),
    ("peak_speed_ratio", "peak speed"),
    ("speed_correlation", "speed curve r"),
    ("ends_mm", "ends, mm"),
    ("lip_penetration_mm", "lips, mm"),
    ("lip_penetration_worst_mm", "worst"),
    ("lid_penetration_mm", "lids, mm"),
    ("lid_penetration_worst_mm", "worst"),
)


def identity_section(results: Results) -> list[str]:
    systems = {n: c["identity"] for n, c in results["systems"].items() if "identity" in c}
    if not systems:
        return []
    some = next(iter(systems.values()))["recorded"]
    is_simulated = results["identity_limit"] is not None
    lines = [
        "## LM-4DGAN: whose motion is it?",
        "",
        "Every test face is asked the same: an expression at the average strength, with the same "
        "marks and the same noise, so that neither strength nor timing tells who is meant. The "
        "answer is decoded on the face that was asked, the neutral is taken away, and what is left "
        "is brought to unit strength. It is recognised where, of all test subjects' recorded "
        "motions of the expression brought to the same clock and strength, its own subject's is "
        f"nearest in mean distance of vertices. Chance: first {some['chance_top1']:.1%}, among "
        f"five {some['chance_top5']:.1%}, mean rank {some['chance_rank']:.1f}.",
        "",
        *markdown_table(
            ("", "first", "among five", "mean rank", "probes"),
            [(system_title(n), *_ranks(c["recorded"])) for n, c in systems.items()],
        ),
    ]
    if is_simulated:
        lines += [
            "",
            "How a person plays an expression is mostly style, which no neutral tells. Of these "
            "data the motion that is expected of a face, styles averaged, is known. It is itself "
            f"recognised among the recorded ones first in {results['identity_limit']['top1']:.1%}: "
            "the most that can be hoped for above. Recognised among the expected motions of all "
            "faces:",
            "",
            *markdown_table(
                ("", "first", "among five", "mean rank", "probes"),
                [(system_title(n), *_ranks(c["expected"])) for n, c in systems.items()],
            ),
        ]
    kind = "expected motions" if is_simulated else "recorded motions at the same strength"
    return [
        *lines,
        "",
        "Swapped faces: the same question and noise for two people, each decoded on its own face. "
        f"Cosine between the difference of what was generated and the difference of their {kind}, "
        "over all pairs; 0 where nothing differs. Landmarks alone are what the generator adds "
        "before the decoder.",
        "",
        *markdown_table(
            ("", "cosine, skin", "pairs above 0", "cosine, landmarks", "pairs above 0"),
            [
                (
                    system_title(n),
                    f"{c['swap']['cosine']:.3f}",
                    f"{c['swap']['positive_share']:.1%}",
                    f"{c['landmark_swap']['cosine']:.3f}",
                    f"{c['landmark_swap']['positive_share']:.1%}",
                )
                for n, c in systems.items()
            ],
        ),
    ]


def recognition_section(results: Results) -> list[str]:
    scores = results["classification"]
    truth = max(scores["truth"]["f1"], 1e-9)
    return [
        "## LM-4DGAN: is the expression recognised?",
        "",
        "The classifier of Table 3, trained on the true training sequences "
        f"({NUM_CLASSIFIERS} trainings of {NUM_EPOCHS} epochs; ± is their standard deviation), on "
        "one answer to each question.",
        "",
        *markdown_table(
            ("", "precision", "recall", "F1", "F1 / truth"),
            [
                (
                    system_title(n),
                    f"{s['precision']:.3f}",
                    f"{s['recall']:.3f}",
                    f"{s['f1']:.3f} ± {s['f1_sd']:.3f}",
                    f"{s['f1'] / truth:.3f}",
                )
                for n, s in scores.items()
            ],
        ),
    ]


def diversity_section(results: Results) -> list[str]:
    systems = {n: c["diversity"] for n, c in results["systems"].items() if "diversity" in c}
    true = results["truth"].get("diversity")
    if true is not None:
        systems = {"truth": true, **systems}
    if not systems:
        return []
    source = (
        f"Of the truth: up to {NUM_TRUE_DRAWS} simulated performances of the same face whose label "
        "comes out as the given one, as plain sums of shapes."
        if results["has_simulator"]
        else "Of the truth: the takes of the same subject and expression, brought to the marks and "
        "the strength that were asked for. Persons who made one take tell nothing."
    )
    rows = [
        (
            system_title(n),
            f"{c['landmarks_mm']:.3f}",
            _ratio(c.get("landmarks_ratio")),
            f"{c['skin_mm']:.3f}",
            _ratio(c.get("skin_ratio")),
        )
        for n, c in systems.items()
    ]
    return [
        "## LM-4DGAN: how different is it each time?",
        "",
        f"On {results['num_diversity_takes']} takes: mean distance of two answers to one question, "
        f"over all frames, rest included; of the skin, at every {VERTEX_STRIDE}th vertex of the "
        f"face in the compared frames. {source}",
        "",
        *markdown_table(("", "landmarks, mm", "/ truth", "face, mm", "/ truth"), rows),
    ]


def motion_section(results: Results) -> list[str]:
    systems = {**results["systems"], "truth": results["truth"]}
    present = [(k, t) for k, t in _SKIN_COLUMNS if any(k in c for c in systems.values())]
    rows = [
        (system_title(n), *(_number(c.get(key)) for key, _ in present)) for n, c in systems.items()
    ]
    return [
        "## LM-4DGAN: motion and skin",
        "",
        "Of one answer to each question, in all frames, over the face; roughness, jitter and peak "
        "speed as ratios to the truth. *Speed curve r*: correlation of generated with true speed "
        "over time. *Ends*: the largest distance of any vertex or landmark from the neutral in the "
        "first and last frame, the worst of all takes. *Lips, lids*: how deep they are in each "
        "other and in the eyeballs at the apex, beyond the neutral.",
        "",
        *markdown_table(("", *(title for _, title in present)), rows),
    ]


def _ranks(row: dict[str, float]) -> tuple[str, ...]:
    return (
        f"{row['top1']:.1%}",
        f"{row['top5']:.1%}",
        f"{row['mean_rank']:.1f}",
        f"{row['num_probes']:.0f}",
    )


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
