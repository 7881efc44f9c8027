"""That the benchmark measures what it says; how fast is for its own run to tell, not for a test."""

import json
import math
import os

import pytest

pytest.importorskip("torch", reason="the fused layer is compared with two others in torch")
pytest.importorskip("matplotlib", reason="the benchmark ends with a plot")

import torch

from facegen_core.inference import Engine
from tests.benchmarks import gpu, report, suite
from tests.benchmarks.__main__ import FIGURE, main
from tests.benchmarks.decoders import (
    DECODERS,
    REFERENCES,
    ForwardPass,
    bundle_on,
    random_signal,
    torch_model,
)
from tests.benchmarks.hierarchies import disk_hierarchy, load_hierarchy, save_hierarchy
from tests.benchmarks.timing import take_turns


@pytest.fixture(scope="module")
def hierarchy():
    return disk_hierarchy(1500)


@pytest.fixture(scope="module")
def bundle(hierarchy):
    return bundle_on(hierarchy)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder that a quick run has filled."""
    folder = tmp_path_factory.mktemp("docs")
    threads, environment = torch.get_num_threads(), dict(os.environ)
    try:
        assert main(["--quick", "--out", str(folder)]) == 0
    finally:
        torch.set_num_threads(threads)
        os.environ |= environment
        for name in set(os.environ) - set(environment):
            del os.environ[name]
    return folder


@pytest.mark.parametrize("num_frames", [3, 50])
@pytest.mark.parametrize("variant", REFERENCES)
def test_every_decoder_computes_the_same_and_learns_the_same(bundle, variant, num_frames):
    signal = random_signal(2, num_frames)
    fused, other = torch_model(bundle), torch_model(bundle, variant)
    found, expected = fused(signal).skin, other(signal).skin
    assert torch.max(torch.abs(found - expected)) <= 1e-5 * torch.max(torch.abs(expected))
    direction = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0))
    for skin in (found, expected):
        (skin * direction).sum().backward()
    wanted = {name: p.grad for name, p in other.named_parameters() if p.grad is not None}
    assert any(name.startswith("spirals.convs") for name in wanted)
    gradients = {name: p.grad for name, p in fused.named_parameters() if p.grad is not None}
    for name, gradient in wanted.items():
        difference = torch.max(torch.abs(gradients[name] - gradient))
        assert difference <= 2e-5 * torch.max(torch.abs(gradient)), name


@pytest.mark.parametrize("num_frames", [1, 50])
def test_the_numpy_engine_computes_the_same(bundle, num_frames):
    signal = random_signal(1, num_frames)
    engine = Engine(bundle)
    skin = engine.decode(engine.encode(signal[0].numpy()))
    expected = ForwardPass(torch_model(bundle), signal)()[:, 0].permute(1, 0, 2)
    difference = torch.abs(torch.from_numpy(skin) - expected).max()
    assert difference <= 1e-5 * expected.abs().max()


def test_a_hierarchy_for_a_child_process_comes_back_as_it_was(hierarchy, tmp_path):
    save_hierarchy(hierarchy, tmp_path / "hierarchy.npz")
    found = load_hierarchy(tmp_path / "hierarchy.npz")
    assert found.sizes == hierarchy.sizes
    assert (found.fused_operator(0) != hierarchy.fused_operator(0)).nnz == 0


def test_works_take_turns_and_the_first_round_is_not_counted():
    calls = []
    times = take_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] + 2 * (10 * ["a"] + 10 * ["b"])
    assert times["a"].num_runs == 20
    assert times["a"].fastest <= times["a"].median <= times["a"].slowest


def test_what_a_gpu_is_asked_runs_on_a_cpu_too(hierarchy):
    found = gpu.measure(hierarchy, torch.device("cpu"), num_frames=4, repetitions=1)
    assert set(found.forward.times) == set(DECODERS)
    assert found.race.gpu_steps <= found.race.cpu_steps  # the same steps make the same losses
    assert found.race.gpu_seconds > 0
    page = report.gpu_section({"measured": True, "template": suite.as_json(found)})
    assert f"{hierarchy.sizes[0]:,} vertices" in page


def test_a_quick_run_reports_every_ratio(written):
    results = json.loads((written / "benchmarks.json").read_text())
    page = (written / "benchmarks.md").read_text()
    for name in ("template", "paper"):
        found = results["spiral_convolution"][name]
        for work in ("forward", "step"):
            times, times_of_fused = found[work]["times"], found[work]["times"]["fused"]["median"]
            ratios = [times[reference]["median"] / times_of_fused for reference in REFERENCES]
            assert found[work]["ratio_to_plain"] == pytest.approx(ratios[0])
            assert found[work]["ratio_to_index_select"] == pytest.approx(ratios[1])
            assert found[work]["ratio_to_faster"] == pytest.approx(min(ratios))
            assert f"**{min(ratios):.1f} ×**" in page
        rates = results["numpy_engine"]["decoder"][name]
        assert [rate["num_frames"] for rate in rates] == [100, 1]
        assert all(0 < rate["numpy_share_of_limit"] for rate in rates)
    assert [r["num_frames"] for r in results["numpy_engine"]["default_bundle"]] == [100, 1]
    assert results["machine"]["threads"] == 1
    assert results["numpy_engine"]["memory_bandwidth_bytes_per_second"] > 0


def test_a_quick_run_reports_the_memory_of_every_decoder(written):
    results = json.loads((written / "benchmarks.json").read_text())
    for found in results["memory"].values():
        added = {name: peak["added_mb"] for name, peak in found["peaks"].items()}
        assert set(added) == set(DECODERS)
        assert found["ratio_to_smaller"] == pytest.approx(
            min(added[name] for name in REFERENCES) / added["fused"]
        )
        assert all(0 < peak["added_mb"] < peak["process_mb"] for peak in found["peaks"].values())


def test_a_quick_run_draws_how_cost_grows(written):
    results = json.loads((written / "benchmarks.json").read_text())
    assert len(results["growth"]) == 3
    for panel in results["growth"]:
        assert {"fused", "index_select"} <= set(panel["seconds_per_frame"])
        for seconds in panel["seconds_per_frame"].values():
            assert len(seconds) == len(panel["values"])
            assert all(t is None or (t > 0 and math.isfinite(t)) for t in seconds)
    assert (written / "figures" / FIGURE).stat().st_size > 1000
    assert f"figures/{FIGURE}" in (written / "benchmarks.md").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_report_says_so(written):
    results = json.loads((written / "benchmarks.json").read_text())
    assert results["gpu"] == {"measured": False, "note": "not measured: no GPU"}
    assert "Not measured: no GPU" in (written / "benchmarks.md").read_text()


def test_more_threads_than_cores_are_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--threads", "100000"])
    assert "expected 1 to" in capsys.readouterr().err


def test_the_worker_has_a_section_of_its_own_that_other_runs_keep(tmp_path, monkeypatch):
    """A small bundle stands for the default one; what is measured comes with it onto the page."""
    from facegen_core.bundle import save_bundle
    from tests.benchmarks import worker
    from tests.core.model_fixtures import random_landmark_bundle

    save_bundle(random_landmark_bundle(), tmp_path / "small.facegen")
    monkeypatch.setattr(worker, "BUNDLE", tmp_path / "small.facegen")
    known = json.loads((worker.ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    known.pop("worker", None)
    (tmp_path / "benchmarks.json").write_text(json.dumps(known))
    threads, environment = torch.get_num_threads(), dict(os.environ)
    try:
        assert worker.main(["--quick", "--device", "cpu", "--out", str(tmp_path)]) == 0
    finally:
        torch.set_num_threads(threads)
        os.environ.clear()
        os.environ.update(environment)
    found = json.loads((tmp_path / "benchmarks.json").read_text())
    section = found["worker"]
    assert section["device"] == "cpu"
    assert all(clip["frames_per_second"]["worker"] > 0 for clip in section["clips"])
    assert {b["batch_frames"] for b in section["batches"]} == set(worker.BATCHES)
    page = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert page.count("\n## GPU worker\n") == 1
    assert {n: v for n, v in found.items() if n != "worker"} == known
