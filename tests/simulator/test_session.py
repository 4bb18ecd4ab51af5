"""The rules of the conversation, one by one, with a clock moved by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playing import GUIDE, Play, candidate, kinds, texts, whys

from grader.events import Closed, FollowUpAsked, Hint, Interviewer, Notice, Shown, Started
from simulator.errors import FlatlineError
from simulator.session import clean
from simulator.state import State


def test_it_opens_with_the_setup_and_the_opening_speech(play: Play) -> None:
    started, opening = play.session.events
    assert isinstance(started, Started) and started.scenario == "slug" and started.seq == 1
    assert isinstance(opening, Interviewer) and opening.text == "A run went wrong." and opening.why == "opening"
    with pytest.raises(FlatlineError, match="resume"):
        play.session.start()


def test_evidence_is_given_as_it_was_asked_for_and_numbered(play: Play) -> None:
    events = play.say("request ?grad_norm ?loss")
    assert kinds(events) == ["Candidate", "Interviewer", "Shown", "Shown"]
    shown = [event for event in events if isinstance(event, Shown)]
    assert [(event.n, event.request.diagnostic, event.summary) for event in shown] == [
        (1, "grad_norm", "<grad_norm>"),
        (2, "loss", "<loss>"),
    ]
    assert "grad_norm and loss" in texts(events)


def test_what_was_shown_may_be_shown_again_and_is_recorded_again(play: Play) -> None:
    play.say("request ?loss")
    events = play.say("request ?loss")
    assert [event.n for event in events if isinstance(event, Shown)] == [2]
    assert "again" in texts(events).lower() or "once more" in texts(events)


def test_the_same_thing_twice_in_one_message_is_shown_once(play: Play) -> None:
    assert kinds(play.say("request ?loss ?loss")).count("Shown") == 1


def test_what_was_not_recorded_is_said_to_be_so_with_an_invitation(play: Play) -> None:
    events = play.say("request ?utilization ?loss")
    assert whys(events) == ["evidence", "not_recorded"]
    assert [event.recorded for event in events if isinstance(event, Shown)] == [True, False]
    assert texts(events).endswith("?")


def test_a_broken_recording_is_told_and_the_interview_goes_on(play: Play) -> None:
    play.desk.broken = {"loss"}
    events = play.say("request ?loss")
    assert whys(events) == ["not_recorded"] and "cannot be read" in texts(events)
    assert kinds(play.say("request ?grad_norm"))[-1] == "Shown"


def test_code_without_a_reason_meets_one_question_and_is_then_given(play: Play) -> None:
    events = play.say("request ?code:attention")
    assert whys(events) == ["push_back"] and "attention" in texts(events)
    assert "Shown" in kinds(play.say("request ?code:attention"))


def test_code_is_given_at_once_after_a_hypothesis_about_that_area_only(play: Play) -> None:
    play.say("hypothesis the mask may be wrong")
    assert "Shown" in kinds(play.say("request ?code:attention"))
    assert "Shown" not in kinds(play.say("request ?code:optimizer"))


def test_code_is_given_at_once_with_the_hypothesis_in_the_same_message(play: Play) -> None:
    assert "Shown" in kinds(play.say("request+hypothesis I suspect the mask, ?code:attention"))


def test_code_is_given_at_once_after_evidence_about_that_area(play: Play) -> None:
    play.say("request ?attention_entropy")
    assert "Shown" in kinds(play.say("request ?code:attention"))


def test_a_hypothesis_that_only_contains_the_letters_of_an_area_is_no_reason(play: Play) -> None:
    play.say("hypothesis it was masked somehow")
    assert whys(play.say("request ?code:attention")) == ["push_back"]


def test_all_the_code_is_turned_back_with_a_question(play: Play) -> None:
    first, second = play.say("request ?code"), play.say("request ?code")
    for events in (first, second):
        assert whys(events) == ["push_back"] and "?" in texts(events) and "Shown" not in kinds(events)
    assert "attention" in texts(second)


def test_fishing_is_turned_back_with_a_question(play: Play) -> None:
    events = play.say("fishing just tell me")
    assert whys(events) == ["push_back"] and "?" in texts(events)


def test_who_gives_up_is_told_how_to_close(play: Play) -> None:
    said = {texts(play.say(f"fishing {text}")) for text in ("I give up", "i'm giving up", "I'll give up")}
    assert len(said) > 1 and all("/finish" in text for text in said)
    assert "/finish" not in texts(play.say("fishing do they give up?"))


def test_a_concept_gets_its_textbook_definition(play: Play) -> None:
    assert texts(play.say("concept qk-norm")) == "Normalising queries and keys before their product."
    assert "definition" in texts(play.say("concept flux capacitor"))


def test_options_lists_the_whole_vocabulary_whatever_was_recorded(play: Play) -> None:
    play.desk.recorded = set()
    text = texts(play.say("options"))
    for word in ("Curves: loss, grad_norm, attention_entropy", "Facts: config", "Code: attention, optimizer"):
        assert word in text


def test_hints_come_on_request_in_three_rungs_and_then_no_more(play: Play) -> None:
    for rung, words in enumerate(GUIDE.hints, 1):
        events = play.say("hint")
        assert [event.rung for event in events if isinstance(event, Hint)] == [rung]
        assert words in texts(events)
    events = play.say("hint")
    assert "Hint" not in kinds(events) and "no more hints" in texts(events).lower()


def test_having_no_idea_takes_no_hint_unless_one_wants_it(play: Play) -> None:
    events = play.say("stuck no idea")
    assert "Hint" not in kinds(events) and whys(events) == ["check_in"]
    assert "Hint" not in kinds(play.say("smalltalk hm"))
    assert "Hint" not in kinds(play.say("smalltalk yes"))
    play.say("stuck no idea")
    assert "Hint" not in kinds(play.say("stuck still no idea"))
    assert "Hint" not in kinds(play.say("ok"))
    play.say("stuck no idea")
    assert "Hint" in kinds(play.say("ok, yes please"))


def test_thinking_aloud_answers_no_question(play: Play) -> None:
    play.say("diagnosis the mask")
    assert play.session.state.open_question
    events = play.say("hm, let me think")
    assert play.session.state.open_question and "question" in texts(events)
    play.say("because of the warmup")
    assert "when" in play.session.state.answered


@given(st.sampled_from(["say", "please", "ok", "hmm", "hello", "yes", "thanks"]), st.integers(2, 6))
def test_nothing_is_said_twice_in_a_row_in_the_same_words(word: str, times: int) -> None:
    play = Play()
    for _ in range(times):
        play.say(f"smalltalk {word}")
        play.say("concept QK-norm")
        play.say("concept QK-norm")
        play.say("options")
        play.say("options")
    spoken = [event.text for event in play.session.events if isinstance(event, Interviewer)]
    assert all(one != other for one, other in pairwise(spoken))


def test_a_review_has_hints_of_its_own(review: Play) -> None:
    assert "read again" in texts(review.say("hint"))


def test_the_guide_stays_closed_until_a_hint_or_a_diagnosis(play: Play) -> None:
    for text in ("request ?loss", "hypothesis x", "fix y", "concept qk-norm", "options", "meta", "fishing", "zzz"):
        play.say(text)
    play.wait(60)
    assert play.guides == 0
    play.say("hint")
    assert play.guides == 1


def test_a_hypothesis_is_neither_confirmed_nor_denied(play: Play) -> None:
    text = texts(play.say("hypothesis the mask is off by one")).lower()
    assert not {"right", "correct", "wrong", "exactly", "yes", "no"} & set(text.replace(".", " ").split())


def test_a_diagnosis_is_taken_and_two_questions_follow_one_at_a_time(play: Play) -> None:
    events = play.say("diagnosis the mask")
    assert kinds(events) == ["Candidate", "Interviewer", "FollowUpAsked", "Interviewer"]
    assert play.session.state.open_question and play.session.state.open_question.id == "when"
    events = play.say("hypothesis because of that")
    assert candidate(events).acts == ("answer", "hypothesis") and candidate(events).follow_up == "when"
    assert [event.id for event in events if isinstance(event, FollowUpAsked)] == ["verify"]
    events = play.say("unclear whatever")
    assert candidate(events).acts == ("answer",) and candidate(events).follow_up == "verify"
    assert "/finish" in texts(events) and "FollowUpAsked" not in kinds(events)


@pytest.mark.parametrize(
    "text",
    ["request can I see ?loss", "request what is ?loss like?", "hint", "options", "concept x", "meta time left"],
)
def test_while_a_question_is_open_a_request_is_no_answer_and_the_question_stands(play: Play, text: str) -> None:
    play.say("diagnosis the mask")
    events = play.say(text)
    assert candidate(events).follow_up is None and "answer" not in candidate(events).acts
    assert whys(events)[-1] == "follow_up" and "Why then?" in texts(events)
    assert play.session.state.open_question is not None


def test_an_answer_may_speak_of_evidence_without_asking_for_it(play: Play) -> None:
    play.say("diagnosis the mask")
    events = play.say("verify rerun and look at ?loss")
    assert candidate(events).acts == ("answer", "verify") and "Shown" not in kinds(events)
    assert "Shown" in kinds(play.say("hypothesis+request like this, and show ?loss"))


def test_an_answer_that_repeats_the_cause_is_no_new_diagnosis(play: Play) -> None:
    play.say("diagnosis the mask")
    assert candidate(play.say("diagnosis the mask lets the future in")).acts == ("answer", "hypothesis")
    assert play.session.state.diagnoses == 1


def test_an_answer_may_be_put_as_an_imperative(play: Play) -> None:
    play.say("diagnosis the mask")
    events = play.say("request rerun it and compare the ?loss")
    assert candidate(events).follow_up == "when" and candidate(events).requests == () and "Shown" not in kinds(events)


@pytest.mark.parametrize("text", ["No.", "nothing to add", "I'm done", "let's close", "that's all, thanks", "finish"])
def test_saying_so_closes_when_there_is_nothing_to_add(play: Play, text: str) -> None:
    assert not any(isinstance(event, Closed) for event in play.say(text))
    for before in ("diagnosis x", "one", "two"):
        play.say(before)
    assert not any(isinstance(event, Closed) for event in play.say("no warmup would also do it"))
    assert isinstance(play.say(text)[-1], Closed)


def test_a_question_can_be_skipped(play: Play) -> None:
    play.say("diagnosis the mask")
    assert candidate(play.say("/skip")).follow_up == "when"


@pytest.mark.parametrize(
    "text", ["diagnosis no, I change my mind, it is the optimizer", "diagnosis My diagnosis: optimizer"]
)
def test_a_later_diagnosis_replaces_the_earlier_one_and_asks_nothing_twice(play: Play, text: str) -> None:
    play.say("diagnosis the mask")
    events = play.say(text)
    assert candidate(events).acts[0] == "diagnosis" and candidate(events).follow_up is None
    assert "FollowUpAsked" not in kinds(events) and play.session.state.diagnoses == 2
    play.say("answer one")
    play.say("answer two")
    events = play.say("diagnosis it is the learning rate after all")
    assert candidate(events).follow_up is None and "FollowUpAsked" not in kinds(events)
    assert "/finish" in texts(events)


def test_a_diagnosis_may_ask_for_evidence_in_the_same_breath(play: Play) -> None:
    events = play.say("diagnosis+request the mask, show ?loss")
    assert {"Shown", "FollowUpAsked"} <= set(kinds(events))


def test_after_the_questions_more_may_be_added(play: Play) -> None:
    for text in ("diagnosis x", "one", "two"):
        play.say(text)
    assert "/finish" in texts(play.say("fix zero the gradients"))


# -- time


def test_half_two_minutes_and_time_up_are_each_said_once(play: Play) -> None:
    for _ in range(200):
        play.say("hypothesis still thinking", after=6.5)
        if play.clock > 1199:
            break
    play.wait(1)
    marks = [(event.mark, event.at) for event in play.session.events if isinstance(event, Notice)]
    assert [mark for mark, _ in marks] == ["half", "two_minutes", "time_up"]
    for (_, at), due in zip(marks, (600, 1080, 1200), strict=True):
        assert due <= at <= due + 7


def test_notices_are_followed_by_words(play: Play) -> None:
    events = play.session.events + play.wait(1250)
    for i, event in enumerate(events):
        if isinstance(event, Notice):
            assert isinstance(events[i + 1], Interviewer)


def test_a_long_gap_says_only_the_last_mark(play: Play) -> None:
    play.clock = 1190
    assert [e.mark for e in play.session.tick() if isinstance(e, Notice)] == ["two_minutes"]


def test_a_very_short_interview_skips_the_two_minute_mark() -> None:
    play = Play(minutes=3)
    marks = [event.mark for event in play.wait(181) if isinstance(event, Notice)]
    assert marks == ["half", "time_up"] or marks == ["half", "silence", "time_up"]


def test_after_time_up_one_last_statement_is_taken_and_closes(play: Play) -> None:
    play.clock = 1200
    play.session.tick()
    events = play.say("hypothesis I think it is the mask")
    assert candidate(events).acts == ("diagnosis", "hypothesis")
    assert isinstance(events[-1], Closed) and events[-1].reason == "time_up"
    assert play.say("more") == []


def test_a_message_that_comes_before_time_up_was_said_is_an_ordinary_one(play: Play) -> None:
    play.clock = 1199
    events = play.say("request ?loss")
    assert "Shown" in kinds(events) and events[-2].mark == "time_up"  # type: ignore[union-attr]
    assert not play.session.state.closed


def test_after_time_up_nothing_is_shown(play: Play) -> None:
    play.clock = 1200
    play.session.tick()
    events = play.say("request ?loss")
    assert kinds(events) == ["Candidate", "Interviewer"]
    assert isinstance(play.say("diagnosis the mask")[-1], Closed)


def test_the_last_statement_may_answer_an_open_question(play: Play) -> None:
    play.say("diagnosis the mask")
    play.clock = 1200
    play.session.tick()
    assert candidate(play.say("because")).follow_up == "when"


def test_without_a_last_statement_it_closes_by_itself(play: Play) -> None:
    events = play.wait(1330)
    assert isinstance(events[-1], Closed) and events[-1].reason == "time_up"
    assert 1319 <= events[-1].at <= 1321


def test_three_minutes_of_silence_are_noticed_once_per_silence(play: Play) -> None:
    assert [event.at for event in play.wait(500) if isinstance(event, Notice)] == [180]
    play.say("hypothesis ok")
    silences = [event for event in play.wait(190) if isinstance(event, Notice) and event.mark == "silence"]
    assert len(silences) == 1


def test_marking_and_noting_end_a_silence(review: Play) -> None:
    review.wait(170)
    review.session.mark([("train.py", 3)])
    review.wait(100)
    review.session.note("hm")
    assert not [event for event in review.wait(20) if isinstance(event, Notice) and event.mark == "silence"]


def test_a_hint_is_offered_once_to_someone_who_is_stuck(play: Play) -> None:
    offers = []
    for _ in range(80):
        offers += [e for e in play.say("request ?loss", after=7) if isinstance(e, Interviewer) and e.why == "check_in"]
    assert len(offers) == 1 and offers[0].at >= 300
    assert not any(isinstance(event, Hint) for event in play.session.events)


def test_no_hint_is_offered_to_someone_who_gets_on(play: Play) -> None:
    for i in range(80):
        assert "check_in" not in whys(play.say(f"hypothesis {i}", after=7))


def test_how_much_time_is_left(play: Play) -> None:
    play.clock = 300
    assert "14 minutes" in texts(play.say("meta how much time is left?"))


def test_the_clock_never_runs_backwards(play: Play) -> None:
    play.clock = 100
    play.say("hypothesis a")
    play.clock = 50
    assert all(event.at >= 105 for event in play.session.hear("hypothesis b"))


# -- reviews


@pytest.mark.parametrize(
    "text",
    [
        "request show ?loss",
        "request can I see ?code:attention",
        "request give me ?code",
        "request could you run ?config?",
    ],
)
def test_in_a_review_all_there_is_is_on_the_screen(review: Play, text: str) -> None:
    events = review.say(text)
    assert kinds(events) == ["Candidate", "Interviewer"] and "on the screen" in texts(events)


@pytest.mark.parametrize(
    "text",
    [
        "hypothesis line 31 is wrong, the diagonal should be 0",
        "request the ?loss is never divided here",
        "hypothesis no reset, a bug",
    ],
)
def test_in_a_review_blaming_a_part_of_the_code_is_a_diagnosis(review: Play, text: str) -> None:
    events = review.say(text)
    assert candidate(events).acts[0] == "diagnosis" and candidate(events).requests == ()
    assert "FollowUpAsked" in kinds(events)


@pytest.mark.parametrize(
    "text", ["hypothesis maybe line 31 is wrong", "hypothesis a missing scale? no, it is right", "smalltalk x"]
)
def test_in_a_review_wondering_is_no_diagnosis(review: Play, text: str) -> None:
    assert "diagnosis" not in candidate(review.say(text)).acts


def test_in_a_review_talk_about_a_quantity_is_no_request_for_it(review: Play) -> None:
    events = review.say("request the mask is the same for the ?loss")
    assert candidate(events).acts == ("hypothesis",) and "on the screen" not in texts(events)


def test_marks_are_kept_whole_and_only_when_they_change(review: Play) -> None:
    (event,) = review.session.mark([("b.py", 2), ("a.py", 9), ("b.py", 2)])
    assert event.lines == (("a.py", 9), ("b.py", 2))  # type: ignore[union-attr]
    assert review.session.mark([("b.py", 2), ("a.py", 9)]) == []
    assert review.session.state.lines == (("a.py", 9), ("b.py", 2))


def test_a_review_is_probed_after_a_diagnosis_too(review: Play) -> None:
    assert "FollowUpAsked" in kinds(review.say("diagnosis line 12"))


# -- ends


@pytest.mark.parametrize("reason", ["finished", "given_up"])
def test_finish_closes_once_and_nothing_comes_after(play: Play, reason: str) -> None:
    events = play.session.finish(reason)  # type: ignore[arg-type]
    assert kinds(events) == ["Interviewer", "Closed"]
    assert play.session.finish() == [] == play.session.hear("x") == play.session.tick() == play.session.note("y")
    assert play.session.mark([("a.py", 1)]) == [] == play.session.resumed(3)


def test_blank_text_is_nothing_said(play: Play) -> None:
    assert play.session.hear(" \n\t ") == [] == play.session.hear("\x1b\x07")


def test_control_characters_are_not_kept(play: Play) -> None:
    events = play.say("hypothesis \x1b]0;title\x07 red\x9b31m \ud800 a\r\nb\tc")
    assert candidate(events).text == "hypothesis ]0;title red31m \ufffd a\nb\tc"


# -- properties

_words = st.one_of(
    st.text(max_size=60),
    st.builds(
        "{} {}".format,
        st.sampled_from(["request", "hypothesis", "diagnosis", "fix", "hint", "meta", "fishing", "options", "concept"]),
        st.sampled_from(
            ["", "?loss", "?code", "?code:attention", "?disk", "?code:nowhere", "the mask", "time", "again"]
        ),
    ),
)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), _words),
        st.tuples(st.just("wait"), st.floats(0, 400)),
        st.tuples(st.just("mark"), st.integers(1, 5)),
        st.tuples(st.just("note"), st.text(max_size=10)),
        st.tuples(st.just("resume"), st.floats(-5, 1e6)),
        st.tuples(st.just("finish"), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(_steps, st.sampled_from(["debug", "review"]))
def test_any_course_of_an_interview_replays_to_the_same_state(steps: list[tuple[str, object]], round: str) -> None:
    play = Play(round, 10)
    added = list(play.session.events)
    for what, value in steps:
        match what:
            case "hear":
                added += play.say(str(value))
            case "wait":
                play.clock += float(value)  # type: ignore[arg-type]
                added += play.session.tick()
            case "mark":
                added += play.session.mark([("a.py", int(value))])  # type: ignore[call-overload]
            case "note":
                added += play.session.note(str(value))
            case "resume":
                added += play.session.resumed(float(value))  # type: ignore[arg-type]
            case _:
                added += play.session.finish()
    events = play.session.events
    assert added == events
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert all(earlier.at <= later.at for earlier, later in pairwise(events))
    assert State.of(events) == play.session.state
    assert sum(isinstance(event, Closed) for event in events) <= 1
    resumed = play.again(events)
    play.clock += 1
    assert resumed.hear("hypothesis the mask") == play.session.hear("hypothesis the mask")


@given(st.text())
def test_clean_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode("utf-8")
    assert not [c for c in cleaned if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f"]
    assert clean(cleaned) == cleaned
