"""protocol.md: the tables over all folds as Markdown, made from protocol.json's values alone."""

from __future__ import annotations

from typing import Any

from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.report_tables import markdown_table
from training.evaluation.skin_measures import TRUTH
from training.figures.style import expression_title, system_title
from training.landmark_evaluation.systems import OURS, PEER, RBF
from training.protocols.tables import SCORES

Results = dict[str, Any]

_DECODER_TITLES = {OURS: "Ours", PEER: "S2D style", RBF: "Radial basis functions"}
_REGIONS = (("landmarks_mm", "E_lm"), ("skin_mm", "E_mesh"), ("face_mm", "E_mesh, face"))
_STATISTICS = (("noise", "mean over noises"), ("best", "best"))


def write_report(results: Results) -> str:
    """The page."""
    sections = [
        _opening(results),
        _decoders(results),
        _systems(results),
        _expressions(results, "landmarks_mm", "E_lm"),
        _expressions(results, "skin_mm", "E_mesh"),
        _recognition(results),
        _published(),
        _folds(results),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _opening(results: Results) -> list[str]:
    folds = results["folds"]
    subjects = sum(len(fold["test"]) for fold in folds)
    takes, frames = (sum(fold[name] for fold in folds) for name in ("takes", "frames"))
    chosen = (
        "all takes" if not results["takes"] else f"at most {results['takes']} takes of each "
        "subject and expression, chosen by seed"
    )  # fmt: skip
    return [
        f"# {results['data']['name']}: {len(results['expressions'])} expressions, {len(folds)} "
        "folds by subject",
        "",
        f"Written by `{results['command']}`; the numbers are in `protocol.json` too. Every subject "
        f"is tested in one fold, by models that have not seen it: {subjects} subjects, {takes} "
        f"takes, {frames} frames at {results['frame_rate']:g} per second; {chosen}. Commit "
        f"`{results['commit']}`, seed {results['seed']}.",
        "",
        "All systems are told the same of a take: its marks, and how strongly it was played, "
        "measured on the take itself. They answer with as many frames as it has, so that nothing "
        "is resampled. Distances are Euclidean, in mm.",
    ]


def _decoders(results: Results) -> list[str]:
    rows = [
        (_decoder_title(name), _plus(content["all_mm"]), _plus(content["face_mm"]))
        for name, content in results["decoder"].items()
    ]
    listed = [
        (
            _column_title(column),
            *(_mm(content["skin_mm_of"].get(column)) for content in results["decoder"].values()),
        )
        for column in _columns(results)
    ]
    return [
        "## Decoder alone, with true landmarks",
        "",
        "Mean ± standard deviation over all vertices, frames and folds, as S2D-Dec is evaluated "
        "by its authors; over the face, vertices count by the region's weights. *Class mean* is "
        "not shown the landmarks, *predict neutral* moves nothing.",
        "",
        *markdown_table(("decoder", "all vertices", "face"), rows),
        "",
        f"By expression, all vertices, {results['looked']} frames of a take, mean over subjects:",
        "",
        *markdown_table(("expression", *map(_decoder_title, results["decoder"])), listed),
    ]


def _systems(results: Results) -> list[str]:
    header = ["system"] + [
        f"{region}, {statistic}" for _, region in _REGIONS for _, statistic in _STATISTICS
    ]
    rows = []
    for name, content in results["systems"].items():
        cells = [
            _plus(
                {
                    "mean": content[region][statistic][TOTAL],
                    "sd": content[region][f"{statistic}_sd"][TOTAL],
                }
            )
            for region, _ in _REGIONS
            for statistic, _ in _STATISTICS
        ]
        rows.append((system_title(name), *cells))
    return [
        "## Whole systems",
        "",
        f"E_lm is the error of the 68 landmarks in all frames, E_mesh that of the skin in "
        f"{results['looked']} frames of a take, evenly from the first to the last. Random systems "
        f"answer {results['noises']} times: the mean over their answers, and the best of them by "
        "the measure itself. Others have one answer, which is both. ± is the standard deviation "
        "over subjects.",
        "",
        *markdown_table(header, rows),
    ]


def _expressions(results: Results, region: str, title: str) -> list[str]:
    names = list(results["systems"])
    rows = []
    for column in _columns(results):
        cells = [_column_title(column)]
        for name in names:
            errors = results["systems"][name][region]
            noise, best = (_mm(errors[statistic].get(column)) for statistic, _ in _STATISTICS)
            cells.append(noise if noise == best else f"{noise} ({best})")
        rows.append(cells)
    return [
        f"### {title} by expression",
        "",
        f"Mean over noises, in brackets the best of {results['noises']}.",
        "",
        *markdown_table(("expression", *map(system_title, names)), rows),
    ]


def _recognition(results: Results) -> list[str]:
    lines = ["## Recognition", ""]
    if results["not_classified"]:
        return [*lines, f"Not measured: {results['not_classified']}."]
    scores = results["classification"]
    true = max(scores[TRUTH]["f1"], 1e-12)
    rows = [
        (
            system_title(name),
            *(_plus({"mean": content[score], "sd": content[f"{score}_sd"]}, 2) for score in SCORES),
            f"{content['f1'] / true:.2f}",
        )
        for name, content in scores.items()
    ]
    return [
        *lines,
        "A classifier taught on the true takes of a fold's training subjects names the expression "
        "of generated ones: means over expressions and over folds, ± the standard deviation over "
        f"folds. By chance, recall would be {1 / len(results['expressions']):.2f}.",
        "",
        *markdown_table(("takes of", "precision", "recall", "F1", "F1 over truth's"), rows),
    ]


def _published() -> list[str]:
    return [
        "## Published numbers",
        "",
        "None stand here. The tables of LM-4DGAN (arXiv 2603.10337) are not public as far as we "
        "know, nor is its code; its summary says only that it errs less than Motion3DGAN on CoMA. "
        "The peers above are our own, from what is published of Motion3DGAN, S2D-Dec (Otberdout et "
        "al., CVPR 2022) and their evaluation. When comparing with numbers of others, compare the "
        "cutting of takes, the neutral, the folds and what a system is told of a take first.",
    ]


def _folds(results: Results) -> list[str]:
    rows = [
        (
            str(fold["number"]),
            ", ".join(fold["test"]),
            ", ".join(fold["val"]),
            str(len(fold["train"])),
            str(fold["takes"]),
            str(fold["frames"]),
        )
        for fold in results["folds"]
    ]
    header = ("fold", "tested", "validated with", "trained on", "takes", "frames")
    return [
        "## Folds",
        "",
        *markdown_table(header, rows),
        "",
        "In every fold the mean face, the blendshapes, the labels' statistics, all models and the "
        "classifier are of its training subjects. Where the landmarks, the regions and the coarser "
        "levels lie on the topology is marked once for the set.",
    ]


def _columns(results: Results) -> list[str]:
    return [*results["expressions"], TOTAL]


def _column_title(column: str) -> str:
    return f"**{column}**" if column == TOTAL else expression_title(column)


def _decoder_title(name: str) -> str:
    return _DECODER_TITLES.get(name, system_title(name))


def _mm(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _plus(value: dict[str, float], digits: int = 3) -> str:
    return f"{value['mean']:.{digits}f} ± {value['sd']:.{digits}f}"
