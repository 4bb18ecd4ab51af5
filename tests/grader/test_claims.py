"""Claims with their verdicts: whole, of all kinds, and what the judge makes of those it was not made with."""

from collections import Counter
from pathlib import Path

import pytest

from grader import claims, judge
from scenarios import catalog

TRAIN, TEST = list(claims.read("train")), list(claims.read("test"))


def test_every_scenario_has_claims_of_all_verdicts() -> None:
    slugs = set(catalog.slugs())
    assert {claim.scenario for claim in (*TRAIN, *TEST)} == slugs
    for part in (TRAIN, TEST):
        verdicts = Counter((claim.scenario, claim.verdict) for claim in part)
        assert all(verdicts[slug, "correct"] >= 4 and verdicts[slug, "wrong"] >= 2 for slug in slugs)


def test_nobody_is_in_both_parts() -> None:
    assert not {claim.persona for claim in TRAIN} & {claim.persona for claim in TEST}


def test_a_trap_earns_nothing_by_its_label() -> None:
    assert [claim.where for claim in (*TRAIN, *TEST) if claim.kind in claims.TRAPS and claim.verdict == "correct"] == []


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for line in ("a claim\tbad_init\tcorrect", "a claim\tbad_init\tright\tplain", "a claim\tbad_init\tcorrect\tnice"):
        (tmp_path / "train" / "a.tsv").write_text(f"# who\n{line}\n")
        with pytest.raises(ValueError, match=r"a\.tsv:2"):
            list(claims.read("train", tmp_path))


def test_people_it_was_not_made_with_are_judged() -> None:
    found = [(judge.match(claim.text, claim.scenario).verdict, claim) for claim in TEST[::7]]
    said = [claim.verdict == "correct" for verdict, claim in found if verdict == "correct"]
    assert sum(said) / len(said) > 0.8
    right = [verdict == "correct" for verdict, claim in found if claim.verdict == "correct"]
    assert sum(right) / len(right) > 0.9
    credited = [verdict == "correct" for verdict, claim in found if claim.kind in ("injection", "flattery", "shotgun")]
    assert credited and not any(credited)
