"""The tables of results.md: each section is lines of Markdown, made from the results alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from training.evaluation.classifier import NUM_EPOCHS, WEIGHT_DECAY
from training.evaluation.examination import NUM_CLASSIFIERS, NUM_RESPONSE_FACES
from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.reference import NUM_COEFFICIENTS
from training.evaluation.skin_measures import TRUTH
from training.figures.style import expression_title, system_title

Results = dict[str, Any]

# The order of the paper's tables, and what it measured on 4DFAB (Potamias et al. 2020, Table 2).
PAPER_ORDER = ("happy", "angry", "sad", "surprise", "fear", "disgust")
PAPER_ERRORS = {
    "PCA blendshapes": (0.49, 0.37, 0.37, 0.48, 0.43, 0.45, 0.44),
    "Proposed": (0.37, 0.35, 0.36, 0.43, 0.42, 0.42, 0.39),
}
# Table 3, F1 in total: baseline, proposed, truth.
PAPER_F1 = (0.57, 0.68, 0.68)
# From this F1 of the truth on, the classifier has nothing left to fail at.
_NEARLY_PERFECT = 0.97


def markdown_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    header = list(header)
    lines = [header, ["---"] * len(header), *map(list, rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def reconstruction_section(results: Results) -> list[str]:
    lines = [
        "## Table 2: distance from the truth",
        "",
        "Mean Euclidean distance per vertex in mm over vertices, frames and sequences of a "
        "subject, then over subjects; ± is the standard deviation over subjects. The paper feeds "
        "every system how strongly a test sequence was played (*true extremeness*), measured on "
        "that sequence. With *fixed* extremeness every sequence is taken for average and nothing "
        "leaks.",
        "",
        "### Face region, true extremeness",
        "",
        *_error_table(results, "face_error_mm", lambda content: content),
        "",
        "### Whole skin, true extremeness",
        "",
        *_error_table(results, "error_mm", lambda content: content, PAPER_ERRORS),
        "",
        "### Fixed extremeness",
        "",
        "Face region, then whole skin. The oracle is by definition told the label, and has no row.",
        "",
        *_error_table(results, "face_error_mm", lambda content: content.get("fixed", {})),
        "",
        *_error_table(results, "error_mm", lambda content: content.get("fixed", {})),
        "",
        f"The truth itself through {NUM_COEFFICIENTS} PCA shapes of the training set differs from "
        f"itself by {results['basis_face_error_mm']['classifier']:.3f} mm over the face.",
    ]
    lines += _oracle_lines(results)
    if results["subjects_better_than"]:
        listed = ", ".join(
            f"{system_title(n)} for {count}" for n, count in results["subjects_better_than"].items()
        )
        lines += [
            "",
            f"Subjects of {results['num_subjects']} for whom ours errs less over the face than "
            f"another system: {listed}.",
        ]
    return lines


def _oracle_lines(results: Results) -> list[str]:
    """What the oracle is, and that it can be undercut, where that has happened."""
    systems = results["systems"]
    if "oracle" not in systems:
        return []
    floor = systems["oracle"]["error_mm"]
    lines = [
        "",
        "The oracle is the mean of many simulated performances of the same face whose label comes "
        "out as the given one: personal style, variant and delays are not in the label, so no "
        "model can know them. It is an estimate, and its own sampling error puts it a little above "
        "the true mean's.",
    ]
    below = {
        name: [e for e in results["expressions"] if errors["error_mm"][e] < floor[e]]
        for name, errors in systems.items()
        if name not in ("oracle", TRUTH)
    }
    if listed := [
        f"{system_title(n)} in {', '.join(found)}" for n, found in below.items() if found
    ]:
        lines += [
            "",
            f"Below the oracle: {'; '.join(listed)}. That is possible, because the mean is the "
            "best answer for squared distance. For the mean distance measured here it is the "
            "median, which sides with the more frequent of two ways to play an expression; so the "
            "oracle is a floor for answers that are means, and not for all.",
        ]
    return lines


def _error_table(
    results: Results,
    key: str,
    part: Callable[[dict[str, Any]], dict[str, Any]],
    paper: dict[str, tuple[float, ...]] | None = None,
) -> list[str]:
    columns = _columns(results)
    rows = []
    for name, content in results["systems"].items():
        errors = part(content).get(key)
        if name == TRUTH or errors is None:
            continue
        total_sd = part(content)[f"{key}_sd"][TOTAL]
        cells = [f"{errors[c]:.3f}" if c in errors else "–" for c in columns]
        rows.append((system_title(name), *cells, f"**{errors[TOTAL]:.3f}** ± {total_sd:.3f}"))
    if paper and tuple(columns) == PAPER_ORDER:
        rows += [
            (f"*paper, on 4DFAB: {title}*", *(f"*{value:.2f}*" for value in values))
            for title, values in paper.items()
        ]
    return markdown_table(("", *map(expression_title, columns), "Total"), rows)


def compound_section(results: Results) -> list[str]:
    rows = [
        (
            system_title(name),
            *(f"{content['compound'][k]['mean']:.3f}" for k in ("face_error_mm", "error_mm")),
        )
        for name, content in results["systems"].items()
        if "compound" in content
    ]
    if not rows:
        return []
    return [
        "## Two expressions at once",
        "",
        f"Beyond the paper: {results['num_compound_sequences']} sequences in which two channels of "
        "the label are active, mm.",
        "",
        *markdown_table(("", "face region", "whole skin"), rows),
    ]


def classification_section(results: Results) -> list[str]:
    scores = results["classification"]
    columns = _columns(results)
    truth = scores[TRUTH]["f1"]
    lines = [
        "## Table 3: is the expression recognised?",
        "",
        f"The paper's classifier: {NUM_COEFFICIENTS} PCA coefficients per frame, "
        f"{results['frames_per_sequence']} frames, three dense layers, Adam with weight decay "
        f"{WEIGHT_DECAY:g}, {NUM_EPOCHS} epochs, trained on the true training sequences. Means of "
        f"{NUM_CLASSIFIERS} trainings; ± is their standard deviation.",
        "",
        *markdown_table(
            ("", "precision", "recall", "F1"),
            [
                (
                    system_title(name),
                    *(f"{s[k]:.3f} ± {s[f'{k}_sd']:.3f}" for k in ("precision", "recall", "f1")),
                )
                for name, s in scores.items()
            ],
        ),
        "",
        "Precision / recall / F1 per expression:",
        "",
        *markdown_table(
            ("", *map(system_title, scores)),
            [
                (expression_title(c), *(_three(s["per_expression"][c]) for s in scores.values()))
                for c in columns
            ],
        ),
    ]
    if tuple(columns) == PAPER_ORDER:
        lines += [
            "",
            "In the paper F1 is {} (baseline), {} (proposed), {} (truth).".format(*PAPER_F1),
        ]
    if truth >= _NEARLY_PERFECT:
        lines += [
            "",
            f"Said plainly: the classifier names the truth almost without error (F1 {truth:.3f}), "
            "because these expressions are easier to tell apart than those of 4DFAB. The table can "
            "therefore show what a system loses, and hardly what it gains.",
        ]
    return lines


def _three(scores: dict[str, float]) -> str:
    return " / ".join(f"{scores[k]:.2f}" for k in ("precision", "recall", "f1"))


def skin_section(results: Results) -> list[str]:
    names = {
        "roughness_ratio": "roughness",
        "jitter_ratio": "jitter",
        "peak_speed_ratio": "peak speed",
        "speed_correlation": "speed curve r",
        "return_to_neutral_mm": "rest, mm",
        "return_to_neutral_worst_mm": "rest, worst, mm",
        "lip_penetration_mm": "lips, mm",
        "lip_penetration_worst_mm": "lips, worst, mm",
        "lid_penetration_mm": "lids, mm",
        "lid_penetration_worst_mm": "lids, worst, mm",
    }
    systems = results["systems"]
    present = [key for key in names if any(key in content for content in systems.values())]
    rows = [
        (system_title(n), *(f"{c[k]:.3f}" if k in c else "–" for k in present))
        for n, c in systems.items()
        if any(k in c for k in present)
    ]
    lines = [
        "## Beside the paper",
        "",
        f"On all frames of {results['num_sequences_measured_whole']} sequences, over the face. As "
        "ratios to the truth: *roughness* of the displacements at the apex (umbrella Laplacian), "
        "*jitter* (third difference in time), *peak speed*. *Speed curve r*: correlation of "
        "generated with true speed over time. *Rest*: mean displacement after the offset has "
        "ended. *Lips, lids*: how deep they are in each other and in the eyeballs at the apex, "
        "beyond the neutral; mean over sequences, and the worst.",
        "",
        *markdown_table(("", *(names[key] for key in present)), rows),
    ]
    if responses := {n: c["intensity"] for n, c in systems.items() if "intensity" in c}:
        lines += [
            "",
            f"Response to intensity 0, 0.1, … 1 in one clip, all expressions, {NUM_RESPONSE_FACES} "
            "faces at most: share of the steps that move the face farther, R² of a line through "
            "displacement over intensity, and mean displacement of the face at 1.",
            "",
            *markdown_table(
                ("", "monotone steps", "linearity", "at 1, mm"),
                [
                    (
                        system_title(n),
                        f"{r['monotone_share']:.1%}",
                        f"{r['linearity']:.3f}",
                        f"{r['full_mm']:.2f}",
                    )
                    for n, r in responses.items()
                ],
            ),
        ]
    return lines


def _columns(results: Results) -> list[str]:
    """Expressions in the paper's order where they are the paper's."""
    names = results["expressions"]
    return list(PAPER_ORDER) if set(names) == set(PAPER_ORDER) else names
