"""The results of a run as a page: docs/benchmarks.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Results = dict[str, Any]

DECODER_NAMES = {
    "fused": "fused",
    "plain": "plain indexing",
    "index_select": "`index_select`",
}
TARGET_RATIO = 12

HEADER = """# How fast it is

Written by `{command}`; do not edit. The same numbers with their spread are in `benchmarks.json`.

Read the **ratios**: what is compared has run in turns, in one process, on one machine. Milliseconds
are medians of this run and say little about another machine or another day.

{machine}
"""

CONVOLUTION = """
## Spiral convolution: fused against both references

The paper's network (LSTM and spiral decoder), {num_frames} frames of one clip. *Plain indexing*
gathers `features[spirals]`; *`index_select`* is the form of public code: frames first, one
`index_select` over the vertices, one linear layer. All three give the same result to 1e-5, under
test. A training step is forward pass, error, gradients and Adam. In brackets: how many times as
long as fused. The target is {target} × against the faster of the references.

| vertices | work | fused | plain indexing | `index_select` | **faster / fused** | processor time |
|---|---|---|---|---|---|---|
"""

MEMORY = """
Peak memory that two training steps add to the model, each decoder in a process of its own
(resident memory: VmHWM on Linux, ru_maxrss elsewhere):

| vertices | fused | plain indexing | `index_select` | **smaller / fused** |
|---|---|---|---|---|
"""

ENGINE = """
## NumPy engine

Curves to motion with the default bundle (`Engine.generate`), as inside Blender:

| frames | time | frames per second |
|---|---|---|
"""

DECODER = """
The paper's decoder alone, in NumPy and in torch. This machine's memory moves {bandwidth:.1f} GB/s
in this run (a triad a = b + s·c on arrays of 96 MB, best of ten, after STREAM). The *share of the
limit* is the time that all arrays of the products would take at that rate, each read or written
once, over the time measured; what a cache still holds comes faster.

| vertices | frames | NumPy | frames/s | of the limit | torch | of the limit | NumPy / torch |
|---|---|---|---|---|---|---|---|
"""

GROWTH = """
## How cost grows

![Time per frame over vertices, frames and batch](figures/{figure})

Milliseconds per frame; logarithmic both ways. The vertices of the disks (and of the paper's sizes
above) are in random order, the worst for caches; those of a head lie nearly in order.
"""


GENERATOR_NAMES = {"lstm": "steady", "lm4dgan": "varied"}
WORKER = """
## GPU worker

Written by `{command}`, commit {commit}: the default bundle, worker and built-in engine in turn,
{threads} thread each; worker on **{device}**, torch {torch}. Frames per second, all of a request:
curves in, motion of every vertex out. *No pipe* is the worker's engine in the process that
asks. *Processor time* counts both processes, on a busy machine the fairer ratio; the pipe's part is
what the worker takes more than its engine. CUDA and MPS are measured only where this says so.

| generator | frames | built-in | worker | no pipe | **worker / built-in** | processor time |
|---|---|---|---|---|---|---|
"""


def page(results: Results, figure: str) -> str:
    """The whole page. figure: the name of the plot in docs/figures."""
    head = HEADER.format(command=results["run"]["command"], machine=_machine(results))
    parts = [head, _convolution(results), _engine(results), _growth(results, figure)]
    parts.append(gpu_section(results["gpu"]))
    return "".join([*parts, worker_section(results["worker"])] if "worker" in results else parts)


def gpu_section(found: Results) -> str:
    """What a GPU does, or that there is none."""
    text = "\n## GPU\n\n"
    if not found["measured"]:
        note = found["note"]
        return f"{text}N{note[1:]}. `make bench` on a machine with one fills this in.\n"
    rows = [value for value in found.values() if isinstance(value, dict)]
    text += f"{rows[0]['name']}; {rows[0]['num_frames']} frames.\n\n"
    text += _row("vertices", "work", *DECODER_NAMES.values(), "**ratio**", "processor time")
    text += _row(*["---"] * 7)
    for row in rows:
        for work, name in (("forward", "forward pass"), ("step", "training step")):
            text += _comparison_row(row["sizes"][0], name, row[work])
    for row in rows:
        race = row["race"]
        reached = (
            "did not reach that loss"
            if race["gpu_seconds"] is None
            else (f"reached it after {race['gpu_steps']} steps in {race['gpu_seconds']:.2f} s")
        )
        peaks = ", ".join(
            f"{name} {row['peak_mb'][key]:.0f} MB" for key, name in DECODER_NAMES.items()
        )
        text += (
            f"\n{row['sizes'][0]:,} vertices: {row['frames_per_second']:,.0f} frames per second; "
            f"{row['share_of_limit']:.0%} of the limit of its memory "
            f"({row['bandwidth'] / 1e9:,.0f} GB/s by the triad); peak of torch's allocator in a "
            f"training step: {peaks}. The CPU takes {race['cpu_seconds']:.2f} s for "
            f"{race['cpu_steps']} training steps; the GPU {reached}.\n"
        )
    return text


def _processor_cell(clip: Results) -> str:
    """What worker and host take of all processors together, and the pipe's part of it."""
    seconds = clip["processor_seconds"]
    if seconds["worker"] is None:
        return "not told here"
    ratio = seconds["built_in"] / seconds["worker"]
    return (
        f"{ratio:.2f} ×, pipe {clip['pipe_share']:.0%} ({clip['bytes_on_the_pipe'] / 1e6:.0f} MB)"
    )


def worker_section(found: Results) -> str:
    """The GPU worker against the built-in engine, by `python -m tests.benchmarks.worker`."""
    run, heads, limit = found["run"], found["heads"], found["limit"]
    text = WORKER.format(device=found["device"], torch=found["torch"], **run)
    for clip in found["clips"]:
        rates = clip["frames_per_second"]
        text += _row(
            GENERATOR_NAMES[clip["generator"]],
            clip["num_frames"],
            *(f"{rates[name]:,.0f}" for name in ("built_in", "worker", "without_pipe")),
            f"**{clip['worker_to_built_in']:.2f} ×**",
            _processor_cell(clip),
        )
    seconds = {name: time["median"] for name, time in heads["times"].items()}
    text += (
        f"\n{heads['heads']} heads nobody has seen before, {heads['num_frames']} frames each, "
        f"deformation transfer included: built-in {seconds['built_in']:.2f} s, worker "
        f"{seconds['worker']:.2f} s, **{heads['worker_to_built_in']:.2f} ×**.\n\n"
    )
    text += _row("frames decoded at once", *(b["batch_frames"] for b in found["batches"]))
    text += _row(*["---"] * (len(found["batches"]) + 1))
    rates = [f"{batch['frames_per_second']:,.0f}" for batch in found["batches"]]
    text += _row("frames per second", *rates)
    return text + (
        f"\nDecoding alone, {limit['num_frames']} frames at once: "
        f"{limit['frames_per_second']:,.0f} frames per second, {limit['share_of_limit']:.0%} of "
        f"what {found['device']}'s memory allows "
        f"({limit['bandwidth_bytes_per_second'] / 1e9:,.1f} GB/s by the triad).\n"
    )


def write(results: Results, path: Path, figure: str) -> None:
    path.write_text(page(results, figure), encoding="utf-8")


def _machine(results: Results) -> str:
    machine, run = results["machine"], results["run"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    memory = f", {machine['memory_gb']:.0f} GB of memory" if machine["memory_gb"] else ""
    return (
        f"Machine: {machine['processor']}, {_count(machine['cores'], 'core')}{memory}, "
        f"{machine['system']}; **{_count(machine['threads'], 'thread')}** used. "
        f"GPU: {machine['gpu'] or 'none'}. Python {machine['python']}, {packages}, vector "
        f"instructions {machine['vector_instructions']}. Commit {run['commit']}, {run['date']}, "
        f"{run['seconds']:.0f} s."
    )


def _convolution(results: Results) -> str:
    rows = list(results["spiral_convolution"].values())
    text = CONVOLUTION.format(num_frames=rows[0]["num_frames"], target=TARGET_RATIO)
    for row in rows:
        for work, name in (("forward", "forward pass"), ("step", "training step")):
            text += _comparison_row(row["sizes"][0], name, row[work])
    text += MEMORY
    for row in results["memory"].values():
        added = [f"{row['peaks'][name]['added_mb']:.0f} MB" for name in DECODER_NAMES]
        ratio = f"**{row['ratio_to_smaller']:.1f} ×**"
        text += _row(f"{row['sizes'][0]:,}", *added, ratio)
    return text


def _comparison_row(num_vertices: int, work: str, found: Results) -> str:
    times = [_milliseconds(found["times"][name]["median"]) for name in DECODER_NAMES]
    times[1] += f" ({found['ratio_to_plain']:.1f} ×)"
    times[2] += f" ({found['ratio_to_index_select']:.1f} ×)"
    ratio = f"**{found['ratio_to_faster']:.1f} ×**"
    return _row(
        f"{num_vertices:,}", work, *times, ratio, f"{found['processor_ratio_to_faster']:.1f} ×"
    )


def _engine(results: Results) -> str:
    found = results["numpy_engine"]
    text = ENGINE
    for rate in found["default_bundle"]:
        time = _milliseconds(rate["time"]["median"])
        text += _row(rate["num_frames"], time, f"{rate['frames_per_second']:,.0f}")
    rows = [rate for rates in found["decoder"].values() for rate in rates]
    text += DECODER.format(
        bandwidth=found["memory_bandwidth_bytes_per_second"] / 1e9,
    )
    for rate in rows:
        text += _row(
            f"{rate['sizes'][0]:,}",
            rate["num_frames"],
            _milliseconds(rate["numpy"]["median"]),
            f"{rate['numpy_frames_per_second']:,.0f}",
            f"{rate['numpy_share_of_limit']:.0%}",
            _milliseconds(rate["torch"]["median"]),
            f"{rate['torch_share_of_limit']:.0%}",
            f"{rate['numpy_to_torch']:.2f} ×",
        )
    return text


def _growth(results: Results, figure: str) -> str:
    text = GROWTH.format(figure=figure)
    for panel in results["growth"]:
        names = list(panel["seconds_per_frame"])
        text += "\n" + _row(panel["label"], *names) + _row(*["---"] * (len(names) + 1))
        for i, value in enumerate(panel["values"]):
            times = [panel["seconds_per_frame"][name][i] for name in names]
            text += _row(f"{value:,}", *("" if t is None else _milliseconds(t) for t in times))
    return text


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def _milliseconds(seconds: float) -> str:
    milliseconds = 1000 * seconds
    return f"{milliseconds:.3g} ms" if milliseconds < 100 else f"{milliseconds:,.0f} ms"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
