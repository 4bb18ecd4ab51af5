import pytest

from scenarios import catalog, source, vocabulary

# The ids that traces, transcripts and scores refer to: they keep their spelling.
CURVES = """
loss val_loss lr weight_decay grad_norm grad_norm_clipped grad_norm_by_layer param_norm update_ratio
activations attention_logits attention_entropy attention_pattern dead_units logits nonfinite spectral_norm
loss_scale optimizer_state throughput utilization memory disk per_rank token_loss eval_metrics class_breakdown
"""
FACTS = "config precision hardware model_summary train_mode log stack_trace checkpoint"
DATA = "batch data_stats data_order split_overlap class_balance preprocessing tokenizer_roundtrip"
OUTPUTS = "samples predictions"
CHECKS = """
check_overfit_batch check_causality check_kv_cache check_determinism check_gradients check_init_loss baseline
rerun_lower_lr rerun_longer_warmup rerun_fp32 rerun_single_gpu rerun_other_seed
"""
AREAS = """
attention mlp block embedding init loss train_loop optimizer schedule data evaluation checkpoint sampling
distributed
"""
WORDS = vocabulary.load()


@pytest.mark.parametrize(
    ("kind", "ids"),
    [("curve", CURVES), ("fact", FACTS), ("data", DATA), ("output", OUTPUTS), ("check", CHECKS), ("code", "code")],
)
def test_the_ids_are_all_there(kind: str, ids: str) -> None:
    assert {diagnostic.id for diagnostic in WORDS.diagnostics if diagnostic.kind == kind} >= set(ids.split())


def test_everything_can_be_asked_for_in_many_ways() -> None:
    assert {area.id for area in WORDS.areas} >= set(AREAS.split())
    assert all(len(set(diagnostic.phrases)) >= 8 for diagnostic in WORDS.diagnostics if diagnostic.id != "code")
    assert all(area.phrases for area in WORDS.areas) and len(WORDS.concepts) >= 25
    assert all(concept.phrases and concept.definition.endswith(".") for concept in WORDS.concepts)


@pytest.mark.parametrize("slug", [None, *catalog.slugs()])
def test_every_area_has_its_code_in_every_tree(slug: str | None) -> None:
    tree = source.patched_source(slug) if slug else source.reference_source()
    for area in WORDS.areas:
        pieces = source.regions(tree, area.regions)
        assert all(piece.lines for piece in pieces)
        assert pieces or area.id == "distributed"


@pytest.mark.parametrize("slug", [slug for slug in catalog.slugs() if "debug" in catalog.load_scenario(slug).rounds])
def test_the_functions_that_a_patch_changes_can_be_asked_for(slug: str) -> None:
    files = source.job_source(slug)
    regions = [region for area in WORDS.areas for region in area.regions if region.file in files]
    within = {
        (piece.file, number)
        for piece in source.regions(files, regions)
        for number in range(piece.first_line, piece.first_line + len(piece.lines))
    }
    for file, lines in source.changed_lines(slug).items():
        # Settings are given by the configuration; imports and the file's own description are in no function.
        inside = [n for n in lines if file.endswith(".py") and files[file].split("\n")[n - 1].startswith("    ")]
        assert {(file, number) for number in inside} <= within


def test_every_scenario_is_found_by_what_its_catalogue_entry_says() -> None:
    for slug in catalog.slugs():
        for entry in catalog.load_solution(slug).catalogue:
            assert entry in catalog.load_solution(catalog.find(str(entry))).catalogue
            assert catalog.find(f"#{entry}") == catalog.find(str(entry))
