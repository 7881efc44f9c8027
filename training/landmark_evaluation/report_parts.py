"""Tables of what the second generator can do and costs: lengths, the worth of its parts, speed."""

from __future__ import annotations

from typing import Any

from training.evaluation.report_tables import markdown_table
from training.figures.style import system_title
from training.landmark_evaluation.speed import NUM_FRAMES

Results = dict[str, Any]

_MEASURE_TITLES = {
    "landmarks_mm": "E_lm, mm",
    "skin_mm": "E_mesh, mm",
    "diversity_ratio": "diversity",
    "identity_top1": "identity, first",
    "f1": "F1",
    "jitter_ratio": "jitter",
}
_ABLATION_TITLES = {
    "no_identity": "without identity discriminator",
    "no_autoencoder": "without autoencoder",
    "one_stage": "one stage",
    "no_critics": "without critics",
    "no_energy_score": "adversarial alone, no energy score",
    "no_cross_attention": "without cross-attention",
    "landmark_attention": "attention to landmarks in its place",
}
_AS_SHARE = ("identity_top1",)


def length_section(results: Results) -> list[str]:
    systems = {n: c for n, c in results["systems"].items() if "lengths" in c}
    if not systems:
        return []
    rows = []
    for name, content in systems.items():
        named = [(_length_name(row), row) for row in content["lengths"]]
        many = content["many_expressions"]
        named.append((f"{many['num_frames']}, many expressions", many))
        for title, row in named:
            rows.append(
                (
                    system_title(name),
                    title,
                    "yes" if row["is_valid"] else "**no**",
                    f"{row['landmarks_mm']:.3f}",
                    f"{row['jitter_ratio']:.3f}",
                    f"{row['jitter_to_take_ratio']:.3f}",
                    f"{row['roughness_ratio']:.3f}",
                    f"{row['ends_mm']:.4f}",
                )
            )
    effort = results["effort"]
    return [
        "## LM-4DGAN: any length",
        "",
        f"{effort['length_takes']} takes, every mark stretched with the length, against the true "
        "landmarks stretched likewise (cubic in time); and takes of one person one after another "
        f"in one clip. Random systems with {effort['identity_noises']} noises. Jitter is that of "
        "landmarks as a ratio to the stretched truth's and to that of the take as it was played: "
        "slowed down, the truth hardly has any, so a length counts as calm where either is at "
        "most 1. "
        "Roughness is that of the skin at the apex.",
        "",
        *markdown_table(
            (
                "",
                "frames",
                "valid",
                "E_lm, mm",
                "jitter / stretched",
                "jitter / take",
                "roughness",
                "ends, mm",
            ),
            rows,
        ),
    ]


def ablation_section(results: Results) -> list[str]:
    if not results["ablations"]:
        return []
    measures = list(dict.fromkeys(name for row in results["ablations"] for name in row["changes"]))
    effort = results["effort"]
    rows = []
    for row in results["ablations"]:
        budget = "" if row["is_same_budget"] else " \\*"
        cells = [_change(name, row["changes"].get(name)) for name in measures]
        rows.append(
            (
                _ABLATION_TITLES.get(row["name"], row["name"]) + budget,
                *cells,
                _verdict(row["changes"]),
            )
        )
    lines = [
        "## LM-4DGAN: what each part is worth",
        "",
        f"The system without a part, beside the full one of the same number of steps, on at most "
        f"{effort['ablation_takes']} takes with {effort['ablation_noises']} noises: full → without "
        "(± spread of the difference: over subjects for errors, diversity and jitter, over "
        "trainings of the classifier for F1, sampling error for identity). *Nothing*: no measure "
        "changes by more than its spread.",
        "",
        *markdown_table(("", *(_MEASURE_TITLES[m] for m in measures), "worth"), rows),
    ]
    if any(not row["is_same_budget"] for row in results["ablations"]):
        lines += ["", "\\* beside a full training of another number of steps."]
    return lines


def speed_section(results: Results) -> list[str]:
    systems = {n: c["speed"] for n, c in results["systems"].items() if "speed" in c}
    if not systems:
        return []
    return [
        "## LM-4DGAN: speed",
        "",
        f"Seconds for a clip of {NUM_FRAMES} frames on {results['machine']}, the fastest of a few; "
        "what is prepared once per face is not counted.",
        "",
        *markdown_table(
            ("", "landmarks", "skin", "together"),
            [
                (
                    system_title(n),
                    f"{s['landmarks_seconds']:.3f}",
                    f"{s['skin_seconds']:.3f}",
                    f"{s['landmarks_seconds'] + s['skin_seconds']:.3f}",
                )
                for n, s in systems.items()
            ],
        ),
    ]


def _length_name(row: dict[str, Any]) -> str:
    return str(row["num_frames"]) if row["num_frames"] else "as the takes"


def _change(name: str, change: dict[str, Any] | None) -> str:
    if change is None:
        return "–"
    if name in _AS_SHARE:
        return f"{change['full']:.1%} → {change['ablated']:.1%} (± {change['spread']:.1%})"
    return f"{change['full']:.3f} → {change['ablated']:.3f} (± {change['spread']:.3f})"


def _verdict(changes: dict[str, dict[str, Any]]) -> str:
    told = [_MEASURE_TITLES[name].split(",")[0] for name, c in changes.items() if c["is_something"]]
    return ", ".join(told) if told else "nothing"
