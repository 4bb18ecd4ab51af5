"""What every bundled scenario holds: enough wordings, near misses and questions, a snippet that shows the bug, and a
patch that does not comment on itself. A healthy control has no bug: the rules about one pass it over."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scenarios import catalog, source, vocabulary
from scenarios.patching import Edit, parse_patch
from scenarios.schema import Solution

CANDIDATES = Path(__file__).parents[1] / "candidates"
SLUGS = catalog.slugs()
every_scenario = pytest.mark.parametrize("slug", SLUGS)


def bug(slug: str) -> Solution:
    """The solution of a scenario in which something is wrong; a control's test ends here."""
    solution = catalog.load_solution(slug)
    if "healthy" in solution.catalogue:
        pytest.skip("a control")
    return solution


def edits(slug: str) -> tuple[Edit, ...]:
    return parse_patch(catalog.patch_text(slug), slug)


def snippet_lines(slug: str) -> Iterator[tuple[str, int, str]]:
    """File, number and text of every line of the snippet."""
    for piece in source.snippet(slug):
        for number, line in enumerate(piece.lines, piece.first_line):
            yield piece.file, number, line.strip()


def silent_lines(text: str) -> set[int]:
    """Numbers of the lines that a docstring fills."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Expr)]
    strings = [node for node in nodes if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)]
    return {line for node in strings for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def added_lines(slug: str) -> dict[str, set[int]]:
    """By file the numbers of the lines that the patch put in, docstrings aside."""
    patched = source.patched_source(slug)
    found = {}
    for edit in edits(slug):
        numbers = set()
        for hunk in edit.hunks:
            after = [sign for sign, _ in hunk.lines if sign != "-"]
            numbers |= {number for number, sign in enumerate(after, hunk.new) if sign == "+"}
        silent = silent_lines(patched[edit.file]) if edit.file.endswith(".py") else set()
        found[edit.file] = numbers - silent
    return found


def comments(file: str, text: str) -> dict[int, str]:
    """The comment of each line that has one."""
    if file.endswith(".py"):
        found = tokenize.generate_tokens(io.StringIO(text).readline)
        return {token.start[0]: token.string for token in found if token.type == tokenize.COMMENT}
    lines = enumerate(text.split("\n"), 1)
    return {number: "#" + line.split("#", 1)[1] for number, line in lines if "#" in line}


@every_scenario
def test_at_least_eight_wordings(slug: str) -> None:
    wordings = bug(slug).wordings
    assert len(set(wordings)) == len(wordings)
    assert len(wordings) >= 8


@every_scenario
def test_at_least_four_half_right_wordings(slug: str) -> None:
    assert sum(len(miss.says) for miss in bug(slug).near_misses if miss.partial) >= 4


@every_scenario
def test_at_least_four_wrong_causes_with_their_reasons(slug: str) -> None:
    misses = bug(slug).near_misses
    assert sum(not miss.partial for miss in misses) >= 4
    assert all(miss.why.strip() and miss.says for miss in misses)


@every_scenario
def test_at_least_three_fixes(slug: str) -> None:
    assert len(bug(slug).fixes) >= 3


@every_scenario
def test_three_hints_for_each_round(slug: str) -> None:
    guide = catalog.load_guide(slug)
    assert len(set(guide.hints)) == 3
    if "review" in catalog.load_scenario(slug).rounds:
        assert guide.review_hints is not None
        assert len(set(guide.review_hints)) == 3


@every_scenario
def test_three_or_four_follow_ups(slug: str) -> None:
    ids = [follow_up.id for follow_up in catalog.load_guide(slug).follow_ups]
    assert 3 <= len(ids) <= 4
    assert len(set(ids)) == len(ids)


@every_scenario
def test_every_follow_up_has_an_answer(slug: str) -> None:
    ids = {follow_up.id for follow_up in catalog.load_guide(slug).follow_ups}
    answers = catalog.load_solution(slug).follow_ups
    assert set(answers) == ids
    assert all(answer.model_answer.strip() and answer.good for answer in answers.values())
    said = yaml.safe_load((CANDIDATES / f"{slug}.yaml").read_text())["answers"]
    assert set(said) == ids


@every_scenario
def test_the_snippet_can_be_read_in_minutes(slug: str) -> None:
    if "review" in catalog.load_scenario(slug).rounds:
        assert 15 <= sum(1 for _ in snippet_lines(slug)) <= 45


@every_scenario
def test_hits_are_lines_of_the_snippet(slug: str) -> None:
    hits = bug(slug).hits
    assert hits
    assert set(hits) <= {text for _, _, text in snippet_lines(slug)}


@every_scenario
def test_every_changed_line_of_the_snippet_is_a_hit(slug: str) -> None:
    hits = set(bug(slug).hits)
    added, touched = added_lines(slug), source.changed_lines(slug)
    shown = {text for file, number, text in snippet_lines(slug) if text and number in added.get(file, ())}
    beside = {text for file, number, text in snippet_lines(slug) if text and number in touched.get(file, ())}
    assert shown <= hits
    assert beside & hits, "the snippet should show the bug"


@every_scenario
def test_a_patch_changes_one_file(slug: str) -> None:
    bug(slug)
    assert len(edits(slug)) == 1


@every_scenario
def test_a_patch_adds_no_comment(slug: str) -> None:
    bug(slug)
    patched, reference = source.patched_source(slug), source.reference_source()
    for edit in edits(slug):
        before = set(comments(edit.file, reference.get(edit.file, "")).values())
        after = comments(edit.file, patched.get(edit.file, ""))
        assert {after[line] for line in added_lines(slug)[edit.file] if line in after} <= before


@every_scenario
def test_patched_files_can_be_read(slug: str) -> None:
    patched = source.patched_source(slug)
    for edit in edits(slug):
        if edit.file.endswith(".py"):
            compile(patched[edit.file], edit.file, "exec", dont_inherit=True)
        else:
            assert isinstance(yaml.safe_load(patched[edit.file]), dict)


@every_scenario
def test_diagnostics_are_in_the_vocabulary(slug: str) -> None:
    known = {diagnostic.id for diagnostic in vocabulary.load().diagnostics}
    solution = catalog.load_solution(slug)
    for named in (solution.decisive, solution.supporting, solution.red_herrings):
        assert set(named) <= known
        assert len(set(named)) == len(named)
    assert not set(solution.decisive) & (set(solution.supporting) | set(solution.red_herrings))


@every_scenario
def test_a_debugging_round_has_decisive_evidence_and_a_lone_review_its_reason(slug: str) -> None:
    solution = catalog.load_solution(slug)
    if "debug" in catalog.load_scenario(slug).rounds:
        assert solution.decisive
        assert not solution.why_review_only
    else:
        assert solution.why_review_only.strip()


@every_scenario
def test_equivalents_are_scenarios(slug: str) -> None:
    assert set(catalog.load_solution(slug).equivalents) <= set(SLUGS) - {slug}
