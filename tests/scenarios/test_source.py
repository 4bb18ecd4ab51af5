import ast
import difflib
from pathlib import Path

import pytest

from scenarios import catalog, source
from scenarios.errors import ScenarioError
from scenarios.schema import Region


def write_patch(pack: Path, file: str, old: str, new: str) -> None:
    text = source.reference_source()[file]
    assert old in text
    lines = difflib.unified_diff(
        text.splitlines(True), text.replace(old, new).splitlines(True), f"a/{file}", f"b/{file}"
    )
    (pack / "amber-fox" / "bug.patch").write_text("".join(lines))


def test_the_reference_is_python_and_yaml_only() -> None:
    files = source.reference_source()
    assert {"train.py", "model.py", "configs/base.yaml"} <= set(files)
    assert all(name.endswith((".py", ".yaml")) and "__pycache__" not in name for name in files)
    files["train.py"] = ""
    assert source.reference_source()["train.py"]


def test_a_healthy_control_is_the_reference(pack: Path) -> None:
    assert source.patched_source("blue-elk", pack) == source.reference_source()
    assert source.changed_lines("blue-elk", pack) == {}


def test_a_patched_scenario(pack: Path) -> None:
    line = "    optimizer.zero_grad(set_to_none=True)\n"
    write_patch(pack, "train.py", line, "")
    patched = source.patched_source("amber-fox", pack)
    reference = source.reference_source()
    assert [name for name in reference if patched[name] != reference[name]] == ["train.py"]
    before, after = source.changed_lines("amber-fox", pack)["train.py"]
    gap = reference["train.py"].split("\n").index(line.rstrip("\n"))
    assert (before, after) == (gap, gap + 1)
    (piece,) = source.snippet("amber-fox", pack)
    assert piece.lines[0].startswith("def train_step(") and "zero_grad" not in "\n".join(piece.lines)
    assert source.tree_sha256(patched) != source.tree_sha256(reference)


def test_a_setting_is_patched_like_code(pack: Path) -> None:
    write_patch(pack, "configs/base.yaml", "lr: 0.003", "lr: 3.0")
    assert "lr: 3.0" in source.patched_source("amber-fox", pack)["configs/base.yaml"]


def test_a_patch_that_does_not_apply_names_the_scenario(pack: Path) -> None:
    (pack / "amber-fox" / "bug.patch").write_text("--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-nope\n+x\n")
    with pytest.raises(ScenarioError, match=r"amber-fox/bug\.patch: train\.py, hunk 1"):
        source.patched_source("amber-fox", pack)


MODULE = """\
import x

LIMIT = 3
size: int = 4

@x.wrap
@x.more(
    1)
class A:
    @x.p
    def f(self):
        return 1

    def g(self):
        pass


async def h():
    pass


def twice():
    return 1


def twice():
    return 2"""
CODE = {"m.py": MODULE, "c.yaml": "lr: 1\n", "bad.py": "def ("}


@pytest.mark.parametrize(
    ("symbol", "first", "text"),
    [
        ("LIMIT", 3, "LIMIT = 3"),
        ("size", 4, "size: int = 4"),
        ("A.f", 10, "    @x.p\n    def f(self):\n        return 1"),
        ("A.g", 14, "    def g(self):\n        pass"),
        ("h", 18, "async def h():\n    pass"),
        ("twice", 26, "def twice():\n    return 2"),
    ],
)
def test_regions(symbol: str, first: int, text: str) -> None:
    assert source.regions(CODE, [Region("m.py", symbol)]) == [("m.py", first, tuple(text.split("\n")))]


def test_a_class_comes_with_its_decorators_and_a_file_whole() -> None:
    piece, whole = source.regions(CODE, [Region("m.py", "A"), Region("c.yaml")])
    assert piece.first_line == 6 and piece.lines[0] == "@x.wrap" and piece.lines[-1] == "        pass"
    assert whole == ("c.yaml", 1, ("lr: 1",))


def test_a_moved_symbol_is_found_where_it_is() -> None:
    moved = {"m.py": "# one\n# two\n" + CODE["m.py"]}
    (piece,) = source.regions(moved, [Region("m.py", "A.f")])
    assert piece.first_line == 12


@pytest.mark.parametrize(
    ("region", "says"),
    [
        (Region("none.py"), "none.py is not a file"),
        (Region("m.py", "B"), "m.py has no symbol 'B'"),
        (Region("m.py", "A.z"), "no symbol 'A.z'"),
        (Region("m.py", "h.f"), "no symbol 'h.f'"),
        (Region("m.py", ""), "no symbol"),
        (Region("c.yaml", "lr"), "only Python files"),
        (Region("bad.py", "f"), "cannot be read as Python"),
    ],
)
def test_what_is_not_there_is_said(region: Region, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        source.regions(CODE, [region])


def test_the_tree_hash_depends_on_names_and_texts_only() -> None:
    first = source.tree_sha256({"a": "1", "b": "2"})
    assert first == source.tree_sha256({"b": "2", "a": "1"})
    assert len({first, source.tree_sha256({"a": "12", "b": ""}), source.tree_sha256({"a1": "", "b": "2"})}) == 3


@pytest.mark.parametrize("slug", catalog.slugs())
def test_every_bundled_patch_applies_and_its_snippet_shows(slug: str) -> None:
    patched = source.patched_source(slug)
    for name, text in patched.items():
        if name.endswith(".py"):
            ast.parse(text, name)
    for name, lines in source.changed_lines(slug).items():
        assert lines and all(1 <= line <= patched[name].count("\n") for line in lines)
    pieces = source.snippet(slug)
    if "review" in catalog.load_scenario(slug).rounds:
        assert pieces and all(piece.lines for piece in pieces)
