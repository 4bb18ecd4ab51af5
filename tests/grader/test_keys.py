"""The bundled answer keys and guides: whole, usable, and hints that do not give the answer away."""

import pytest

from grader.judge import match
from grader.phrases import find, phrase, plain, tokens
from scenarios import catalog, vocabulary

SLUGS = catalog.slugs()
TERMS = frozenset((
    "-0.5", "-100", "-65504", "0.0", "0.001", "0.003", "0.004", "0.999", "2.0", "4.9", "crossentropi", "dataloader",
    "float", "fp16", "getitem", "inf", "microbatch", "postnorm", "prenorm", "sqrt", "statedict", "std", "unscal",
    "warmup",
))  # fmt: skip
"""Tokens that say enough alone, of phrases of several words or with signs: technical terms and a scenario's numbers."""


@pytest.mark.parametrize("slug", SLUGS)
def test_answer_keys_are_rich_enough(slug):
    key = catalog.load_solution(slug)
    assert 8 <= len(key.wordings) <= 15
    assert key.near_misses and key.fixes and key.fix_concepts and key.mechanism_concepts
    assert key.decisive or key.why_review_only


@pytest.mark.parametrize("slug", SLUGS)
def test_diagnostics_are_in_the_vocabulary(slug):
    known = {diagnostic.id for diagnostic in vocabulary.load().diagnostics}
    key = catalog.load_solution(slug)
    assert {*key.decisive, *key.supporting, *key.red_herrings} <= known


@pytest.mark.parametrize("slug", SLUGS)
def test_every_phrase_keeps_a_word_that_can_be_found(slug):
    key = catalog.load_solution(slug)
    groups = [*key.concepts, *key.mechanism_concepts, *key.fix_concepts]
    groups += [group for answer in key.follow_ups.values() for group in answer.good]
    for group in groups:
        assert group
        for option in group:
            assert phrase(option), option


@pytest.mark.parametrize("slug", SLUGS)
def test_no_phrase_is_a_single_common_word(slug):
    """Stop words and signs fall away: "replace ~" would be found in every text that replaces something."""
    key = catalog.load_solution(slug)
    for group in (*key.concepts, *key.mechanism_concepts, *key.fix_concepts):
        for option in group:
            assert option.isalnum() or len(phrase(option)) > 1 or phrase(option)[0] in TERMS, option


@pytest.mark.parametrize("slug", SLUGS)
def test_follow_ups_have_answers_that_earn_full_marks(slug):
    guide, key = catalog.load_guide(slug), catalog.load_solution(slug)
    assert {follow_up.id for follow_up in guide.follow_ups} == set(key.follow_ups)
    assert len(guide.follow_ups) >= 2
    for answer in key.follow_ups.values():
        said = tokens(plain(answer.model_answer))
        for group in answer.good:
            assert any(find(phrase(option), said) for option in group), (answer.model_answer, group)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_stated_fix_is_accepted(slug):
    key = catalog.load_solution(slug)
    for fix in key.fixes:
        said = tokens(plain(fix))
        for group in key.fix_concepts:
            assert any(find(phrase(option), said) for option in group), (fix, group)


@pytest.mark.parametrize("slug", SLUGS)
def test_hints_and_follow_ups_do_not_state_the_cause(slug):
    guide = catalog.load_guide(slug)
    for text in (*guide.hints, *(guide.review_hints or ()), *(follow_up.question for follow_up in guide.follow_ups)):
        assert match(text, slug).verdict not in ("correct", "partial"), text


@pytest.mark.parametrize("slug", SLUGS)
def test_hints_name_nothing_that_is_wrong(slug):
    """What is the matter (all concept groups but the subject) is never in a hint."""
    guide, key = catalog.load_guide(slug), catalog.load_solution(slug)
    for text in (*guide.hints, *(guide.review_hints or ())):
        said = tokens(plain(text))
        for group in key.concepts[1:]:
            found = [option for option in group if len(phrase(option)) > 1 and find(phrase(option), said)]
            assert not found, (text, found)
