"""The bundled recordings keep the promises: the code shown is the code that ran, one thing differs, all is measured."""

import hashlib
from pathlib import Path

import bundled
import pandas as pd
import pytest

from scenarios import catalog, source, vocabulary, workloads
from simulator.interview import Interview, Options
from simulator.store import Store
from traces import library

PROFILE = "cpu"
ROOT = library.root()
REFS = [ref for ref in library.runs(ROOT) if ref.profile == PROFILE]
SLUGS = bundled.recorded()
SEEDS = (0, 1, 2)
RUN_BYTES = 150_000
CORPUS_BYTES = 30_000_000


def size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def run_of(name, seed):
    return library.open_run(library.run_path(ROOT, PROFILE, name, seed))


def test_every_debugging_scenario_and_its_twin_are_recorded_at_three_seeds():
    recorded = {(ref.name, ref.seed) for ref in REFS if ref.variant is None}
    for slug in SLUGS:
        twin = library.healthy_name(run_of(slug, 0).manifest.config_name)
        assert {(name, seed) for name in (slug, twin) for seed in SEEDS} <= recorded


@pytest.mark.parametrize("ref", REFS, ids=lambda ref: f"{ref.name}-{ref.seed}-{ref.variant or 'run'}")
def test_a_run_came_from_the_code_that_is_shown_and_is_small(ref):
    manifest = library.open_run(ref.path).manifest
    config = f"configs/{manifest.config_name}.yaml"
    healthy = workloads.job_source(source.reference_source(), manifest.workload, config)
    code = source.job_source(manifest.scenario) if manifest.scenario else healthy
    patch = catalog.patch_text(manifest.scenario) if manifest.scenario else ""
    assert manifest.code_sha256 == source.tree_sha256(code)
    assert manifest.patch_sha256 == hashlib.sha256(patch.encode()).hexdigest()
    assert manifest.device and manifest.device_name and {"python", "torch"} <= set(manifest.versions)
    assert size(ref.path) < RUN_BYTES


def test_the_corpus_fits():
    assert REFS
    assert size(ROOT) < CORPUS_BYTES
    manifests = [library.open_run(ref.path).manifest for ref in REFS]
    corpora = {(workloads.find(manifest.workload).corpus, manifest.corpus_sha256) for manifest in manifests}
    assert len(corpora) == len({script for script, _ in corpora})


@pytest.mark.parametrize("slug", SLUGS)
def test_pandas_reads_the_signals_and_every_column_has_a_name_to_ask_for(slug):
    path = library.run_path(ROOT, PROFILE, slug, 0)
    frame = pd.read_parquet(path / "signals.parquet")
    manifest = library.open_run(path).manifest
    assert list(frame["step"]) == list(range(len(frame)))
    losses = library.open_run(path).read("loss")[1] if "loss" in frame else ()
    assert len(losses) == manifest.steps  # those that are NaN among them
    assert manifest.steps or manifest.status == "crashed"
    if manifest.status == "finished":
        # The row after the last step holds the final validation loss.
        assert len(frame) == manifest.steps + 1
    known = {diagnostic.id for diagnostic in vocabulary.load().diagnostics}
    assert {column.partition("/")[0] for column in frame.columns} - {"step"} <= known
    assert set(manifest.artifacts) <= known


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_one_thing_differs_between_a_run_and_its_twin(slug, seed):
    run, twin = run_of(slug, seed), library.baseline_of(run_of(slug, seed))
    before, after = source.reference_source(), source.patched_source(slug)
    changed = [path for path in before if before[path] != after[path]]
    ours, theirs = run.manifest.config, twin.manifest.config
    differing = {key for key in ours if ours[key] != theirs[key]}
    if catalog.patch_text(slug).strip():
        assert len(changed) == 1
        assert len(differing) == (1 if changed[0].startswith("configs/") else 0)
    else:
        assert differing == {"seed"}


@pytest.mark.parametrize("slug", SLUGS)
def test_the_verdict_of_each_scenario_is_bundled_and_passes(slug):
    verdict = library.verdict(slug, PROFILE)
    assert verdict.passed, verdict.reason
    assert verdict.seeds == SEEDS


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_opening_is_filled_from_its_run(slug, seed, tmp_path):
    interview = Interview.begin(Options(scenario=slug, seed=seed), Store(tmp_path))
    opening = interview.events[1].text
    assert "{" not in opening
    assert "nan" not in opening.replace("NaN", "")
    # A job that dies before its first step has no curves.
    assert len(interview.opening_evidence()) == (2 if run_of(slug, seed).manifest.steps else 0)
