import difflib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.errors import ScenarioError
from scenarios.patching import parse_patch, split_lines, touched_lines
from scenarios.source import apply_patch

TREE = {"model.py": "a\nb\nc\nd\ne\n", "configs/base.yaml": "lr: 1\nsteps: 2\n"}


def diff(before: dict[str, str], after: dict[str, str]) -> str:
    out = []
    for name in sorted(before | after):
        old, new = before.get(name, ""), after.get(name, "")
        head = ("/dev/null" if name not in before else f"a/{name}", "/dev/null" if name not in after else f"b/{name}")
        for line in difflib.unified_diff(split_lines(old), split_lines(new), *head):
            out.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(out)


# Lines that look like pieces of a diff, hold form feeds, or are empty are the ones a sloppy parser trips over.
line = st.one_of(
    st.sampled_from(["", "x", "-- a/model.py", "++ b/model.py", "@@ -1 +1 @@", "\\ No newline", " x", "rename from y"]),
    st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=12),
)


@st.composite
def text(draw) -> str:
    body = "\n".join(draw(st.lists(line, max_size=25)))
    return body + "\n" if body and draw(st.booleans()) else body


@settings(max_examples=150, deadline=None)
@given(before=text(), after=text())
def test_round_trip(before: str, after: str) -> None:
    old = {"model.py": before, "keep.py": "k\n"}
    new = {"model.py": after, "keep.py": "k\n"}
    patch = diff(old, new)
    assert apply_patch(old, patch) == new
    assert apply_patch(new, diff(new, old)) == old


@settings(max_examples=100, deadline=None)
@given(before=st.lists(line, min_size=4, max_size=30), data=st.data())
def test_a_file_that_differs_in_a_covered_line_is_refused(before: list[str], data: st.DataObject) -> None:
    old = {"model.py": "\n".join(before) + "\n"}
    place = data.draw(st.integers(0, len(before) - 1))
    after = [*before[:place], before[place] + "!", *before[place + 1 :]]
    patch = diff(old, {"model.py": "\n".join(after) + "\n"})
    drifted = [*before[:place], before[place] + "?", *before[place + 1 :]]
    with pytest.raises(ScenarioError, match=r"model\.py, hunk 1"):
        apply_patch({"model.py": "\n".join(drifted) + "\n"}, patch)


def test_source_is_left_alone_and_several_files_are_patched() -> None:
    before = dict(TREE)
    after = {"model.py": "a\nB\nc\nd\ne\nf\n", "configs/base.yaml": "lr: 100\nsteps: 2\n"}
    assert apply_patch(TREE, diff(TREE, after)) == after
    assert before == TREE


def test_files_can_be_added_and_removed_inside_the_tree() -> None:
    after = {"model.py": TREE["model.py"], "extra/new.py": "x = 1\n"}
    assert apply_patch(TREE, diff(TREE, after)) == after


@pytest.mark.parametrize("patch", ["", "\n", "  \n\n"])
def test_an_empty_patch_is_a_healthy_control(patch: str) -> None:
    assert apply_patch(TREE, patch) == TREE


HOSTILE = [
    "/etc/passwd.py", "../model.py", "a/../../model.py", "b/../model.py", "x/../../y.py", "./model.py", "a/",
    "model.py/../../z.py", "..\\model.py", "C:/model.py", "C:\\model.py", "//server/x.py", "~/model.py", "model.sh",
    ".bashrc", "", '"a/mod\\145l.py"', "sub//model.py", "a//etc/x.py", "model.py ../../x.py", "mödel.py",
    "a/model.py\x1b[31m", "%2e%2e/x.py",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
@pytest.mark.parametrize("side", ["both", "source", "target"])
def test_paths_that_lead_out_of_the_tree_are_refused(path: str, side: str) -> None:
    old, new = (path if side != "target" else "/dev/null"), (path if side != "source" else "/dev/null")
    with pytest.raises(ScenarioError) as caught:
        apply_patch(TREE, f"--- {old}\n+++ {new}\n@@ -0,0 +1 @@\n+x\n")
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)


component = st.sampled_from(["..", ".", "", "a", "b", "model.py", "x.py", "\\", "~", "C:", " ", "etc"])


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(component, min_size=1, max_size=6), mode=st.sampled_from(["add", "edit"]))
def test_whatever_is_accepted_lies_in_the_tree(parts: list[str], mode: str) -> None:
    path = "/".join(parts)
    head = f"--- {'/dev/null' if mode == 'add' else path}\n+++ {path}\n"
    try:
        result = apply_patch(TREE, head + "@@ -0,0 +1 @@\n+x\n")
    except ScenarioError:
        return
    for name in result:
        assert not os.path.isabs(name) and os.path.normpath(name) == name and ".." not in name.split("/")


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ("hello\n", "no hunk"),
        ("--- a/model.py\n+++ b/model.py\n", "no hunk"),
        ("@@ -1 +1 @@\n-a\n+b\n", "not a unified diff"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1,2 +1 @@\n-a\n+b\n", "not a unified diff"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1 +1@@\n-a\n+b\n", "malformed"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-z\n+b\n", "model.py, hunk 1 (line 1) does not fit at line 1"),
        ("--- a/model.py\n+++ b/model.py\n@@ -90 +90 @@\n-z\n+b\n", "model.py, hunk 1 (line 90) does not fit"),
        ("--- a/model.py\n+++ b/model.py\n@@ -2 +3 @@\n-b\n+B\n", "says line 3 for the result, which would be 2"),
        ("--- a/model.py\n+++ b/model.py\n@@ -2 +2 @@\n-b\n+B\n@@ -1 +1 @@\n-a\n+A\n", "hunk 2 (line 1)"),
        ("--- a/none.py\n+++ b/none.py\n@@ -1 +1 @@\n-a\n+b\n", "none.py is not a file of the reference"),
        ("--- /dev/null\n+++ b/model.py\n@@ -0,0 +1 @@\n+b\n", "is there already"),
        ("--- a/model.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", "does not cover all of it"),
        ("--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+b\n", "names no file"),
        ("--- a/model.py\n+++ b/other.py\n@@ -1 +1 @@\n-a\n+b\n", "renames model.py to other.py"),
        ("diff --git a/model.py b/m.py\nrename from model.py\nrename to m.py\n", "renames or copies"),
        ("diff --git a/x.py b/x.py\nGIT binary patch\nliteral 3\n", "binary"),
        ("Binary files a/x.py and b/x.py differ\n", "binary"),
        ("diff --git a/l.py b/l.py\nnew file mode 120000\n@@ -0,0 +1 @@\n+/etc\n", "special file"),
        ("--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-a\n+\0\n", "not a text file"),
        ("--- a/model.py\n+++ b/model.py\n@@ -99999999999999999999 +1 @@\n-a\n+b\n", "hunk 1"),
        (2 * "--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-a\n+A\n", "two places"),
    ],
)  # fmt: skip
def test_what_does_not_apply_is_said_in_one_line(patch: str, says: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        apply_patch(TREE, patch, "some/bug.patch")
    assert says in str(caught.value)
    assert str(caught.value).startswith("some/bug.patch: ") and "\n" not in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_garbage_never_raises_anything_else(garbage: str) -> None:
    for patch in (garbage, f"--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n{garbage}"):
        try:
            apply_patch(TREE, patch)
        except ScenarioError as error:
            assert "\n" not in str(error)


def touched(before: str, after: str) -> tuple[int, ...]:
    patch = "".join(difflib.unified_diff(split_lines(before), split_lines(after), "a/model.py", "b/model.py", n=1))
    (edit,) = parse_patch(patch)
    return touched_lines(edit)


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\nb\nc\n", "a\nB\nc\n", (2,)),
        ("a\nb\nc\n", "a\nb\nx\ny\nc\n", (3, 4)),
        ("a\nb\nc\n", "a\nc\n", (1, 2)),
        ("a\nb\nc\nd\n", "a\nd\n", (1, 2)),
        ("a\nb\nc\n", "b\nc\n", (1,)),
        ("a\nb\nc\nd\ne\nf\ng\nh\n", "A\nb\nc\nd\ne\nf\ng\nH\n", (1, 8)),
    ],
)
def test_touched_lines_are_numbered_in_the_patched_file(before: str, after: str, lines: tuple[int, ...]) -> None:
    assert touched(before, after) == lines
