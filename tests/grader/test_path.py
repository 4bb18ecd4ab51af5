"""The way somebody went, beside that of a strong candidate."""

from transcripts import GOOD, REVIEW, SLUG, VERDICT, transcript, without

from grader import path
from grader.material import load_material
from grader.scoring import score_material
from grader.transcript import read


def ways(lines, round="debug"):
    material = load_material(SLUG, verdict=VERDICT)
    told = read(transcript(SLUG, round, lines), material)
    card = score_material(transcript(SLUG, round, lines), material)
    return path.taken(told, material), path.strong(told, material, card.points)


def test_a_good_way_is_told_in_order_with_what_it_was_worth():
    taken, strong = ways(GOOD)
    assert [(stop.at, stop.remark) for stop in taken[:4]] == [
        (40.0, ""), (60.0, "settles it"), (120.0, "speaks for the cause"), (240.0, "correct"),
    ]  # fmt: skip
    assert taken[0].what.startswith("suspects: ") and taken[3].what.startswith("claims: ")
    assert sum("answers" in stop.what for stop in taken) == 2
    assert all(wanted.at is not None for wanted in strong)


def test_what_was_left_out_is_named():
    _, strong = ways(without(GOOD, "0:40", "1:00"))
    missed = {wanted.what for wanted in strong if wanted.at is None}
    assert missed == {"say what you suspect", "look at grad norm, which settles it"}
    _, nothing = ways("6:00 close")
    assert all(wanted.at is None for wanted in nothing)


def test_what_is_asked_for_again_or_leads_nowhere_is_said_so():
    taken, _ = ways(
        GOOD.replace("4:00 diagnosis", "2:30 request grad_norm: again\n2:40 request throughput: x\n4:00 diagnosis")
    )
    assert [stop.remark for stop in taken if stop.at in (150.0, 160.0)] == ["again", "no bearing on this run"]


def test_a_review_asks_for_the_lines_and_no_evidence():
    taken, strong = ways(REVIEW, "review")
    assert {wanted.what for wanted in strong if wanted.at is None} == {"point at the lines"}
    assert not any("look at" in wanted.what for wanted in strong)
    assert taken[-1].what.startswith("answers")
