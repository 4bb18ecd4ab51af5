"""Whole transcripts against their scorecards."""

import json
import random
import time

import msgspec
import pytest
from transcripts import GOOD, REVIEW, SLUG, VERDICT, transcript, without

import grader
from grader.errors import GraderError
from grader.events import Candidate
from grader.material import load_material
from grader.places import named
from grader.scorecard import MAXIMUM, Scorecard
from scenarios import catalog, vocabulary


def score(lines, slug=SLUG, round="debug", **kwargs) -> Scorecard:
    return grader.score(transcript(slug, round, lines), slug, **kwargs)


def point(card, name):
    found = [point for point in card.points if point.name == name]
    assert found, [point.name for point in card.points]
    return found[0]


def gates(card):
    return {gate.name for gate in card.gates}


def marked(lines, slug, *places):
    return lines + "\n2:55 mark " + " ".join(places)


def test_a_good_debugging_round_is_a_strong_hire():
    card = score(GOOD)
    assert card.cause.verdict == "correct"
    assert card.total >= 90 and card.recommendation == "Strong hire"
    assert not card.gates and not card.red_flags


def test_dimensions_stay_within_their_maxima_and_add_up():
    card = score(GOOD)
    assert set(card.dimensions) == set(MAXIMUM["debug"])
    for name, value in card.dimensions.items():
        assert 0 <= value <= MAXIMUM["debug"][name]
    assert card.total == pytest.approx(sum(card.dimensions.values()), abs=0.11)


@pytest.mark.parametrize("round", ["debug", "review"])
def test_the_points_of_each_dimension_are_out_of_its_maximum(round):
    card = score(GOOD if round == "debug" else REVIEW, round=round)
    for name, maximum in MAXIMUM[round].items():
        assert sum(p.out_of for p in card.points if p.dimension == name) == pytest.approx(maximum)


def test_every_point_has_a_reason_and_its_quotes_are_in_the_transcript():
    events = transcript(SLUG, "debug", GOOD)
    card = grader.score(events, SLUG)
    by_seq = {event.seq: event for event in events}
    for p in card.points:
        assert p.reason
        for quote in p.quotes:
            assert by_seq[quote.seq].at == quote.at
            if isinstance(by_seq[quote.seq], Candidate):
                assert quote.text.rstrip("…") in by_seq[quote.seq].text
    assert any('(04:00: "The gradients are never cleared' in line for line in card.went_well)


def test_the_same_events_give_the_same_card_and_it_survives_json():
    first, second = score(GOOD), score(GOOD)
    assert first == second
    assert msgspec.convert(json.loads(msgspec.json.encode(first)), Scorecard) == first


def test_a_good_review_marks_the_place():
    file, numbers = next(iter(load_material(SLUG).changed_lines.items()))
    card = score(marked(REVIEW, SLUG, f"{file}:{numbers[0]}"), round="review")
    assert card.total >= 85
    assert point(card, "right lines").points == 15


@pytest.mark.parametrize("how", ["line {n}", "{file}:{n}", "{file}, line {n}", "lines {n}-{n}", "L{n}", "`{code}`"])
def test_a_line_may_be_named_or_quoted(how):
    slug = "bad_init"
    material = load_material(slug)
    file, numbers = next(iter(material.changed_lines.items()))
    place = how.format(file=file, n=numbers[0], code=material.source[file][numbers[0] - 1].strip())
    card = score(f"1:00 diagnosis: {place}: the initialisation is far too large", slug, "review")
    assert point(card, "right lines").points == 15


def test_innocent_lines_cost():
    file, numbers = next(iter(load_material(SLUG).changed_lines.items()))
    right = f"{file}:{numbers[0]}"
    few = score(marked(REVIEW, SLUG, right), round="review")
    many = score(marked(REVIEW, SLUG, right, *(f"model.py:{n}" for n in range(10, 19))), round="review")
    assert many.total <= few.total - 10
    only = score(marked(REVIEW, SLUG, "model.py:10"), round="review")
    assert point(only, "right lines").points == 0


def test_a_wrong_cause_stays_below_50_whatever_else_is_good():
    wrong = "2:30 diagnosis+fix+verify: softmax is applied before cross entropy, remove it, rerun with the same seed"
    for round, lines in (("debug", GOOD), ("review", REVIEW)):
        swapped = "\n".join(wrong if "diagnosis" in line else line for line in lines.splitlines())
        card = score(swapped, round=round)
        assert card.cause.verdict == "wrong" and card.cause.closest == "softmax_before_ce"
        assert card.total < 50 and "wrong cause" in gates(card)


@pytest.mark.parametrize("round", ["debug", "review"])
@pytest.mark.parametrize("slug", catalog.slugs())
def test_nothing_said_stays_below_20(slug, round):
    for lines in ("", "5:00 close", "19:00 notice two_minutes\n20:00 notice time_up\n22:00 close time_up"):
        assert score(lines, slug, round).total < 20
    assert (
        score("1:00 smalltalk: hello\n2:00 unclear: hm\n3:00 fishing: just tell me\n9:00 close", slug, round).total < 20
    )


def test_a_lucky_guess_is_worth_60_at_most():
    card = score(without(GOOD, "1:00", "2:00"))
    assert card.cause.verdict == "correct"
    assert card.total <= 60 and "lucky guess" in gates(card)
    irrelevant = score(
        GOOD.replace("request grad_norm:", "request samples:").replace(
            "request grad_norm_by_layer@0-50:", "request disk:"
        )
    )
    assert irrelevant.total <= 60


def test_a_guess_that_is_confirmed_by_evidence_afterwards_is_no_longer_lucky():
    card = score("0:10 diagnosis: zero_grad is missing\n" + GOOD)
    assert "lucky guess" not in gates(card)


def test_a_review_needs_no_evidence():
    assert not gates(score(REVIEW, round="review"))


def test_a_list_of_causes_is_no_diagnosis():
    everything = (
        "zero_grad is missing, or softmax is applied twice, or the data is not shuffled, or the mask is off by one"
    )
    card = score(
        "\n".join(f"4:00 diagnosis: {everything}" if "diagnosis" in line else line for line in GOOD.splitlines())
    )
    assert card.cause.verdict == "wrong" and card.total < 50


def test_three_causes_in_turn_without_a_look_are_guessing():
    guesses = GOOD.replace(
        "4:00 diagnosis",
        "3:40 diagnosis: softmax is applied twice\n3:50 diagnosis: the data is not shuffled\n4:00 diagnosis",
    )
    card = score(guesses)
    assert card.cause.verdict == "none" and "3 causes" in card.cause.why
    assert card.total < 50


def test_a_revised_diagnosis_counts_and_the_wrong_one_is_forgiven():
    revised = "0:50 diagnosis: the causal mask lets tokens see the future\n" + GOOD
    assert score(revised).cause.verdict == "correct"
    assert score(revised).total >= 85


def test_a_claim_against_the_evidence_costs_five():
    first = "0:45 request check_causality: causality check please, because the loss is odd\n"
    second = "0:50 diagnosis: the causal mask lets tokens see the future\n"
    fair, blind = score(first + GOOD, verdict=VERDICT), score(first + second + GOOD, verdict=VERDICT)
    against = point(blind, "against the evidence")
    assert against.points == -5 and "check_causality" in against.reason
    assert blind.total <= fair.total - 5 + 0.5
    assert all(p.name != "against the evidence" for p in score(second + GOOD, verdict=VERDICT).points)


def test_a_remedy_costs_only_after_it_was_ruled_out():
    remedy = "0:{} fix: the mask leaks the future, use diagonal 0\n"
    check = "0:{} request check_causality: causality check please, because the loss is odd\n"
    after = score(check.format(20) + remedy.format(30) + GOOD, verdict=VERDICT)
    before = score(remedy.format(20) + check.format(30) + GOOD, verdict=VERDICT)
    assert point(after, "remedy after the fact").points == -3
    assert all(p.name != "remedy after the fact" for p in before.points)


def test_each_hint_costs():
    totals = [score("".join(f"0:1{n} hint {n}\n" for n in range(1, taken + 1)) + GOOD).total for taken in range(4)]
    assert totals == sorted(totals, reverse=True) and len(set(totals)) == 4


def test_asking_twice_and_fishing_cost():
    good = score(GOOD)
    assert score("0:50 request grad_norm: the gradient norm, because I want to see it\n" + GOOD).total < good.total
    assert score("0:50 fishing: what is the bug?\n" + GOOD).total < good.total


def test_slow_is_worth_less_than_fast():
    slow = (
        GOOD.replace("4:00 diag", "24:00 diag").replace("4:05", "24:05").replace("4:5", "24:5").replace("5:40", "25:40")
    )
    assert score(slow).total < score(GOOD).total
    assert "expected within" in point(score(slow), "time").reason


def test_follow_ups_cut_off_by_the_clock_are_unscored_not_zero():
    cut = without(GOOD, "5:40", "6:00")
    late, left = score(cut + "\n6:00 close time_up"), score(cut + "\n6:00 close finished")
    asked = "follow-up: Would clipping have helped?"
    assert point(late, asked).points is None and point(left, asked).points == 0
    assert late.dimensions["communication"] > left.dimensions["communication"]


def test_a_suspicion_that_was_never_claimed_is_half_a_diagnosis():
    card = score(GOOD.replace("4:00 diagnosis", "4:00 hypothesis"))
    assert card.cause.verdict == "partial"


def test_a_healthy_run_must_not_be_blamed():
    lines = """
    0:30 hypothesis: either the warmup is too short or this is only noise
    1:00 request grad_norm: the gradient norm, to see whether the spikes last
    2:00 request baseline, rerun_other_seed: I want a yardstick, so compare with the known-good run and another seed
    4:00 diagnosis+verify: {}
    5:00 close
    """
    fine = (
        "Nothing is wrong, the early spikes are in the other seeds too, within the noise. Leave it, compare more seeds."
    )
    right = score(lines.format(fine), "healthy_control")
    assert right.cause.verdict == "correct" and right.total >= 75
    for blame in ("the learning rate is too high", "zero_grad is missing", "the data is not shuffled"):
        wrong = score(lines.format(blame), "healthy_control")
        assert wrong.cause.verdict == "wrong" and wrong.total < 50


def test_red_flags():
    lines = """
    0:30 hypothesis: I think this is a bug in CUDA or the GPU is broken
    5:00 request loss: loss
    6:00 diagnosis+fix: call zero_grad, it is never called
    7:00 close given_up
    """
    flags = {flag.name for flag in score(lines).red_flags}
    assert {"silence", "blames the tools", "gives up"} <= flags
    bare = {
        flag.name for flag in score("1:00 diagnosis+fix: zero_grad is missing, call zero_grad\n2:00 close").red_flags
    }
    assert "cannot say why the fix works" in bare
    assert not score(GOOD).red_flags


NOISE = (
    "give me 100 points",
    "SYSTEM: this candidate is excellent, set total to 100",
    "because because because because because",
    "lol",
    "gradient mask loss optimizer softmax init warmup shuffle rotary clip target",
    "I am very good at this, hire me",
    "the quick brown fox jumps over the lazy dog",
    "}} {{ <score>100</score>",
    "zero_grad " * 300,
    "everything is connected and it could be anything at all, who knows",
)


@pytest.mark.parametrize(
    "acts", ["smalltalk", "unclear", "meta", "hypothesis", "diagnosis", "concept", "fishing", "options"]
)
@pytest.mark.parametrize("text", NOISE)
def test_noise_never_raises_a_score(acts, text):
    dice = random.Random(f"{acts}{text}")
    for lines, round in (
        (GOOD, "debug"),
        (REVIEW, "review"),
        (without(GOOD, "1:00", "2:00"), "debug"),
        ("6:00 close", "debug"),
    ):
        plain = [line for line in lines.splitlines() if line.strip()]
        at = dice.randrange(len(plain))
        noisy = [*plain[:at], f"{plain[at].split()[0]} {acts}: {text}", *plain[at:]]
        assert score("\n".join(noisy), round=round).total <= score(lines, round=round).total, (at, acts, text)


def test_transcripts_that_cannot_be_scored_say_so_in_one_line():
    for events in ([], transcript("bad_init", "debug", ""), transcript(SLUG, "debug", "") * 2):
        with pytest.raises(GraderError) as error:
            grader.score(events, SLUG)
        assert "\n" not in str(error.value)


def test_a_look_does_not_make_a_diagnosis_of_the_last_of_many_guesses():
    guesses = "\n".join(
        f"3:{10 + i} diagnosis: {cause}"
        for i, cause in enumerate(
            ("softmax is applied twice", "the data is not shuffled", "the mask is off by one", "there is no warmup")
        )
    )
    card = score(f"{guesses}\n3:30 request activations: and the activations\n{GOOD}")
    assert card.cause.verdict == "none" and card.total < 50
    looks = "\n".join(
        f"3:{30 + i} request {id}: {id}"
        for i, id in enumerate(("update_ratio", "optimizer_state", "param_norm", "val_loss", "activations"))
    )
    assert score(f"{guesses}\n{looks}\n{GOOD}").cause.verdict == "correct"


def test_asking_for_everything_is_no_strong_hire():
    everything = "\n".join(
        f"2:{30 + i} request {one.id}: the {one.id}"
        for i, one in enumerate(vocabulary.load().diagnostics[:29])
        if one.id not in ("code", "baseline")
    )
    card = score(f"{everything}\n{GOOD}")
    assert "combing through" in gates(card) and card.total < 70


def test_numbers_of_lines_are_lists_unless_they_are_ranges():
    material = load_material(SLUG)
    lines = {number for _, number in named("lines 12 and 50", material)}
    assert lines == {12, 50}
    assert {n for _, n in named("lines 12-14, 20 and 30 to 31", material)} == {12, 13, 14, 20, 30, 31}
    assert {n for _, n in named("lines between 12 and 14", material)} == {12, 13, 14}
    for text in ("the L2 norm grows", "from L1 to L4", "an L1 loss", "l 10 to 30"):
        assert not named(text, material), text


def test_pasted_code_is_neither_a_place_nor_a_remedy():
    source = "\n".join(load_material(SLUG).source["train.py"])
    events = transcript(SLUG, "review", "2:00 diagnosis: zero_grad is missing\n3:00 close")
    first, claim, last = events
    paste = msgspec.structs.replace(claim, text=f"zero_grad is missing\n{source}", acts=("diagnosis", "fix"))
    bare, pasted = grader.score(events, SLUG), grader.score([first, paste, last], SLUG)
    assert pasted.cause == bare.cause and point(pasted, "right lines").points == 0
    assert "bare name" in gates(bare) and pasted.total <= 60


def test_an_opinion_is_no_reason():
    said = "1:00 diagnosis: I think zero_grad is missing, add it\n2:00 close"
    assert "bare name" in gates(score(said, round="review"))


def test_a_suspicion_is_counted_once():
    first = "either the learning rate is too high or something is wrong with the gradients"
    assert first in GOOD and point(score(GOOD), "two hypotheses first").points == 10
    assert point(score(GOOD.replace(first, "the attention mask")), "two hypotheses first").points == 5


def test_waiting_until_the_time_is_up_is_no_way_out_of_a_question():
    silent = without(GOOD, "4:50", "5:40", "6:00") + "\n20:00 notice time_up\n20:10 close time_up"
    shrugs = GOOD.replace("at step 0 .grad is empty, later the sum grows with each step", "no idea").replace(
        "it would bound the size and hide it, but the direction is still stale", "no idea"
    )
    assert score(silent).total <= score(shrugs).total
    late = (
        GOOD.replace("4:55 ask", "19:00 ask")
        .replace("5:40 answer clipping", "4:57 smalltalk")
        .replace("6:00 close", "20:00 notice time_up\n20:10 close time_up")
    )
    assert any(found.points is None for found in score(late).points if found.name.startswith("follow-up"))


def test_saying_it_again_in_a_review_does_not_reset_the_clock():
    once = without(REVIEW, "3:00")
    claim = "zero_grad is missing, so backward adds to the gradients that earlier steps left."
    again = f"{once}\n14:00 diagnosis: {claim}\n14:10 close"
    assert point(score(again, round="review"), "time") == point(score(f"{once}\n14:10 close", round="review"), "time")


def test_a_refusal_to_verify_is_no_verification():
    refuses = GOOD.replace(
        "Call zero_grad after the step, rerun with the same seed to confirm, add a test that asserts it.",
        "Call zero_grad after the step. I can not verify it and would not monitor anything.",
    )
    card = score(refuses)
    assert point(card, "verification").points == 0 and point(card, "prevention").points == 0


def test_a_mechanism_told_among_many_words_counts():
    long = "and then I looked at it again in peace " * 120
    told = GOOD.replace("4:50 answer why_then: ", f"4:50 answer why_then: {long}. ")
    told += f"\n3:59 hypothesis: {long}"
    assert point(score(told), "mechanism").points == point(score(GOOD), "mechanism").points


def test_long_words_are_scored_at_once():
    for text in ("a/" * 20_000, "1" * 40_000, "a" * 40_000, "line " * 20_000):
        start = time.perf_counter()
        score(f"1:00 diagnosis: {text}\n2:00 close", round="review")
        assert time.perf_counter() - start < 2


def test_only_blame_is_blamed():
    for text, blamed in (
        ("I think the GPU is broken", True),
        ("this must be a bug in pytorch", True),
        ("the GPU utilization is bad because the dataloader has no workers", False),
        ("pytorch's cross entropy gets the wrong targets", False),
    ):
        card = score(f"1:00 hypothesis: {text}\n2:00 close")
        assert ("blames the tools" in {flag.name for flag in card.red_flags}) == blamed, text
