import math

import pytest
from textual.content import Content

from grader.scorecard import Cause, Gate, Point, Quote, Scorecard
from simulator.evidence import CodeBlock, Series
from simulator.tui.chatlog import clock
from simulator.tui.code import rows
from simulator.tui.debrief import bar, coloured_diff, point_line, score_page
from simulator.tui.literal import visible
from simulator.tui.tabular import table
from simulator.tui.theme import logo


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[red]x[/]", "[red]x[/]"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("a\tb\r\nc", "a   b\nc"),
        ("bell\x07 \x7f \x9b31m \u202eabc", "bell␇ ␡ �31m �abc"),
        ("lone\rreturn", "lone␍return"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.9, "1:01"), (3725, "1:02:05"), (-3, "0:00")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_logo_has_the_width_asked_for() -> None:
    assert [len(logo(width)) for width in (0, 5, 56, 200)] == [0, 5, 56, 200]


def test_table_keeps_nan_and_marks_what_is_missing() -> None:
    lines, head = table(
        [
            Series(name="activations/layer.0", steps=(0, 1), values=(1.0, math.nan)),
            Series(name="activations/layer.1", steps=(0, 2), values=(2.0, math.inf)),
            Series(name="activations/layer.0", steps=(0,), values=(9.0,), baseline=True),
        ]
    )
    assert head == 2
    assert lines[0] == "activations/layer"
    assert [line.split() for line in lines[2:]] == [
        ["0", "1", "2", "9"],
        ["1", "NaN", "·", "·"],
        ["2", "·", "inf", "·"],
    ]


def test_table_of_nothing_has_only_its_head() -> None:
    assert table([]) == (["step"], 1)


def test_code_rows_carry_the_numbers_of_their_files() -> None:
    blocks = [
        CodeBlock(file="a.py", first_line=7, lines=("def f():", '    """One', '    two."""', "    return [red]")),
        CodeBlock(file="b.py", first_line=1, lines=("x = 1",)),
    ]
    found = rows(blocks, "github-dark")
    assert [row.place for row in found] == [
        None, ("a.py", 7), ("a.py", 8), ("a.py", 9), ("a.py", 10), None, None, ("b.py", 1),
    ]  # fmt: skip
    assert [row.text.plain for row in found if row.place] == [
        "def f():", '    """One', '    two."""', "    return [red]", "x = 1",
    ]  # fmt: skip
    assert not any(span.style.bgcolor for row in found for span in row.text.spans if not isinstance(span.style, str))


def test_blank_lines_keep_code_and_numbers_together() -> None:
    found = rows([CodeBlock(file="a.py", first_line=1, lines=("", "", "x = 1", "", ""))], "github-dark")
    assert [(row.place, row.text.plain) for row in found[1:]] == [
        (("a.py", 1), ""), (("a.py", 2), ""), (("a.py", 3), "x = 1"), (("a.py", 4), ""), (("a.py", 5), ""),
    ]  # fmt: skip


def test_bar_is_readable_without_colour() -> None:
    assert bar(5, 10, 4).plain == "██··"
    assert bar(-1, 10, 4).plain == "····" and bar(12, 10, 4).plain == "████"


CARD = Scorecard(
    total=42.0,
    recommendation="No hire",
    cause=Cause("wrong", None, "says [b]another[/b] thing"),
    dimensions={"process": 10.0, "technical": 20.0, "communication": 8.0, "economy": 4.0},
    points=(
        Point("process", "hypotheses", 4.0, 10.0, "two of them", (Quote(3, 61.0, "maybe \x1b[1mthe lr"),)),
        Point("communication", "follow-ups", None, 5.0, "time ran out"),
    ),
    gates=(Gate("lucky guess", "at most 60", "no evidence was seen"),),
    red_flags=(Point("process", "silence", -2.0, 0.0, "over three minutes"),),
    went_well=("asked early",),
    work_on=("say why",),
)


def test_score_page_tells_every_part_of_the_card() -> None:
    parts = score_page(CARD, "debug")
    page = "\n".join(part.plain if isinstance(part, Content) else part.text.plain for part in parts)
    for part in ("42 of 100", "No hire", "10.0 / 40", "20.0 / 30", "lucky guess", "at most 60", "no evidence was seen",
                 "silence", "asked early", "say why", "[b]another[/b]"):  # fmt: skip
        assert part in page


def test_point_line_says_not_scored_and_quotes_with_time() -> None:
    assert point_line(CARD.points[1], set()).mark == "not scored"
    assert point_line(CARD.points[0], set()).mark == "4 / 10"
    assert "1:01  “maybe ␛[1mthe lr”" in point_line(CARD.points[0], set()).text.plain
    assert point_line(CARD.red_flags[0], set()).mark == "-2"
    quoted: set[int] = set()
    first, again = (point_line(CARD.points[0], quoted).text.plain for _ in range(2))
    assert "maybe" in first and "maybe" not in again and "1:01" in again


def test_a_diff_does_not_end_in_blank_lines() -> None:
    assert coloured_diff("-a\n+b\n c\n \n \n").plain == "-a\n+b\n c"


def test_diff_keeps_its_signs() -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old [red]\n+new\n"
    assert coloured_diff(diff).plain.split("\n") == diff.rstrip().split("\n")
