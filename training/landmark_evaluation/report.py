"""The section of results.md on the second generator; every figure in it is from the results."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from typing import Any

from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.report import not_evaluated_lines, target_lines
from training.evaluation.report_tables import PAPER_ORDER, markdown_table
from training.figures.style import expression_title, system_title
from training.landmark_evaluation.cases import COMPOUND
from training.landmark_evaluation.report_measures import (
    diversity_section,
    identity_section,
    motion_section,
    recognition_section,
)
from training.landmark_evaluation.report_parts import (
    ablation_section,
    length_section,
    speed_section,
)
from training.landmark_evaluation.systems import FIRST_GENERATOR, OURS, PEER, RBF

Results = dict[str, Any]

# The heading under which the section stands; what is above it is the first generator's.
HEADING = "# The second generator: LM-4DGAN"

_DECODER_TITLES = {OURS: "Ours", PEER: "S2D style", RBF: "Radial basis functions"}
_STATISTICS = (
    ("noise", "Mean over noises"),
    ("best", "Best of the noises"),
    ("mean_motion", "Without noise"),
)
_REGIONS = (("landmarks_mm", "E_lm"), ("skin_mm", "E_mesh"))


def write_landmark_section(results: Results) -> str:
    """The section as Markdown, its heading first."""
    sections = [
        _opening(results),
        target_lines(results, "## LM-4DGAN: targets"),
        _decoder_section(results),
        _whole_section(results),
        identity_section(results),
        recognition_section(results),
        diversity_section(results),
        motion_section(results),
        length_section(results),
        ablation_section(results),
        speed_section(results),
        _figures(results["pictures"]),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def without_landmark_section(page: str) -> str:
    """A page without the section, as the first generator left it."""
    kept = page.split(f"{HEADING}\n")[0].rstrip()
    return kept + "\n" if kept else ""


def with_landmark_section(page: str, results: Results) -> str:
    """The page with the section at its end, in place of an older one."""
    kept = without_landmark_section(page)
    section = write_landmark_section(results)
    return f"{kept}\n{section}" if kept else section


def _opening(results: Results) -> list[str]:
    effort = results["effort"]
    lines = [
        HEADING,
        "",
        f"Written by `{results['command']}`; the numbers are under `lm4dgan` in `results.json` "
        "too.",
        "",
        f"Measured on {results['num_subjects']} subjects of {results['data']['name']} that no "
        f"system has seen ({results['split']} split): {results['num_sequences']} of "
        f"{results['num_sequences_in_split']} takes of one expression and "
        f"{results['num_compound_sequences']} of {results['num_compounds_in_split']} of two, at "
        f"most {effort['takes']} of each kind per subject, chosen by seed. Random systems answer "
        f"each question {effort['noises']} times. Landmarks are compared in all frames; the skin "
        f"of every answer in {effort['looked']} frames of a take, evenly from the first to the "
        f"last, that of one answer in all. Commit `{results['commit']}`, seed {results['seed']}, "
        f"data `{results['data_hash']}`.",
        "",
        "All systems are told the same: the curves of the take, its marks and how strongly it was "
        "played, measured on the take itself. ± is the standard deviation over subjects unless "
        "something else is said.",
    ]
    return lines + not_evaluated_lines(results)


def _decoder_section(results: Results) -> list[str]:
    columns = columns_of(results)
    lines = [
        "## LM-4DGAN: the decoder alone",
        "",
        "Decoders are given the true landmarks. *Predict neutral* and *class mean*, which are not, "
        "give the scale. Mean Euclidean distance per vertex, mm.",
    ]
    for measure, title in (
        ("skin_mm", "Whole skin"),
        ("face_mm", "Face region"),
        ("face_p95_mm", "95th percentile over frames and vertices of the face"),
    ):
        rows = []
        for name, content in results["decoder"].items():
            rows.append(
                (decoder_title(name), *_cells(content[measure], content[f"{measure}_sd"], columns))
            )
        lines += ["", f"{title}:", "", *markdown_table(_header(columns), rows)]
    rough = ", ".join(
        f"{decoder_title(n)} {c['roughness_ratio']:.3f}"
        for n, c in results["decoder"].items()
        if n != "neutral"
    )
    return [*lines, "", f"Roughness at the apex as a ratio to the truth's: {rough}."]


def _whole_section(results: Results) -> list[str]:
    columns = columns_of(results)
    lines = [
        "## LM-4DGAN: the whole system",
        "",
        "E_lm: mean Euclidean distance of the 68 landmarks from the true take; E_mesh: of all "
        "vertices of the skin; mm. A system without noise has one answer, which stands in every "
        "table.",
    ]
    for region, symbol in _REGIONS:
        for statistic, title in _STATISTICS:
            rows = [
                (
                    system_title(name),
                    *_cells(
                        content[region][statistic], content[region][f"{statistic}_sd"], columns
                    ),
                )
                for name, content in results["systems"].items()
            ]
            lines += ["", f"{symbol}. {title}:", "", *markdown_table(_header(columns), rows)]
    return [*lines, *_first_generator_lines(results)]


def _first_generator_lines(results: Results) -> list[str]:
    """Which generator is nearer to the take, said either way."""
    if not {OURS, FIRST_GENERATOR} <= set(results["systems"]):
        return []
    ours, first = (results["systems"][n]["skin_mm"] for n in (OURS, FIRST_GENERATOR))
    noisy, calm, other = ours["noise"][TOTAL], ours["mean_motion"][TOTAL], first["noise"][TOTAL]
    if other < min(noisy, calm):
        verdict = (
            f"Said plainly: the first generator is nearer to the takes ({other:.3f} mm) than the "
            f"second, with noise ({noisy:.3f} mm) and without ({calm:.3f} mm)."
        )
    elif other < noisy:
        verdict = (
            f"Said plainly: with noise the second generator is farther from the takes "
            f"({noisy:.3f} mm) than the first ({other:.3f} mm); without noise it is nearer "
            f"({calm:.3f} mm)."
        )
    else:
        verdict = (
            f"The first generator errs by {other:.3f} mm, the second by {noisy:.3f} mm with noise "
            f"and {calm:.3f} mm without."
        )
    return [
        "",
        f"{verdict} A generator that varies cannot be as near to one particular take as one that "
        "always gives the expected motion.",
    ]


def decoder_title(name: str) -> str:
    return _DECODER_TITLES.get(name, system_title(name))


def columns_of(results: Results) -> list[str]:
    """Expressions in the paper's order where they are the paper's."""
    names = results["expressions"]
    return list(PAPER_ORDER) if set(names) == set(PAPER_ORDER) else list(names)


def _header(columns: Rows[str]) -> tuple[str, ...]:
    return ("", *map(expression_title, columns), "Total", "Two at once")


def _cells(means: dict[str, float], deviations: dict[str, float], columns: Rows[str]) -> list[str]:
    cells = [f"{means[c]:.3f}" if c in means else "–" for c in columns]
    total = f"**{means[TOTAL]:.3f}** ± {deviations[TOTAL]:.3f}"
    return [*cells, total, f"{means[COMPOUND]:.3f}" if COMPOUND in means else "–"]


def _figures(pictures: Rows[dict[str, str]]) -> list[str]:
    if not pictures:
        return []
    lines = ["## LM-4DGAN: figures"]
    for picture in pictures:
        caption, file = picture["caption"], picture["file"]
        lines += ["", f"![{caption}](figures/{file})", "", caption]
    return lines
