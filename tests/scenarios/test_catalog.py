from pathlib import Path

import pytest

from scenarios import catalog
from scenarios.errors import ScenarioError
from scenarios.schema import Guide, Scenario, Solution


def test_a_pack_is_found_by_argument_and_by_environment(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {"amber-fox", "blue-elk"} <= set(catalog.slugs(pack))
    assert "amber-fox" not in catalog.slugs()
    monkeypatch.setenv("FLATLINE_SCENARIOS", str(pack))
    assert {"amber-fox", "blue-elk"} <= set(catalog.slugs())
    assert catalog.slugs(pack).count("amber-fox") == 1
    assert catalog.folder("amber-fox") == pack / "amber-fox"


def test_the_three_files_are_read_into_their_shapes(pack: Path) -> None:
    assert isinstance(catalog.load_scenario("amber-fox", pack), Scenario)
    assert isinstance(catalog.load_guide("amber-fox", pack), Guide)
    solution = catalog.load_solution("amber-fox", pack)
    assert isinstance(solution, Solution)
    assert solution.catalogue == (901, "odd_test_name")
    assert catalog.patch_text("amber-fox", pack) == ""


@pytest.mark.parametrize(
    "name",
    ["amber-fox", "AMBER_FOX", "amber fox", "odd_test_name", "Odd test name", "an odd test TITLE", " amber-fox "],
)
def test_find_by_slug_name_and_title(pack: Path, name: str) -> None:
    assert catalog.find(name, pack) == "amber-fox"


def test_find_by_number_takes_the_first_in_order(pack: Path) -> None:
    (pack / "zebra").mkdir()
    for name in ("scenario.yaml", "guide.yaml", "solution.yaml", "bug.patch"):
        (pack / "zebra" / name).write_text((pack / "amber-fox" / name).read_text().replace("[901, odd", "[977, odd"))
    assert catalog.find("#977", pack) == catalog.find("977", pack) == "zebra"
    (pack / "yak").mkdir()
    for name in ("scenario.yaml", "guide.yaml", "solution.yaml", "bug.patch"):
        (pack / "yak" / name).write_text((pack / "zebra" / name).read_text())
    assert catalog.find("977", pack) == "yak"


@pytest.mark.parametrize(
    ("name", "says"),
    [("amber-fx", "amber-fox"), ("odd_test_nmae", "odd_test_name"), ("qqqq", "flatline list"), ("", "named")],
)
def test_find_suggests_what_comes_close(pack: Path, name: str, says: str) -> None:
    with pytest.raises(ScenarioError, match=says):
        catalog.find(name, pack)


def test_a_broken_neighbour_does_not_hide_a_sound_scenario(pack: Path) -> None:
    (pack / "aaa").mkdir()
    (pack / "aaa" / "solution.yaml").write_text("title: [")
    assert catalog.find("odd_test_name", pack) == "amber-fox"


def test_the_order_shown_is_stable_and_says_nothing(pack: Path) -> None:
    order = catalog.anonymous_order(pack)
    assert order == catalog.anonymous_order(pack)
    assert sorted(order) == sorted(catalog.slugs(pack))


def test_nothing_public_opens_the_solution(pack: Path) -> None:
    for place in pack.iterdir():
        (place / "solution.yaml").unlink()
        (place / "guide.yaml").unlink()
    assert "amber-fox" in catalog.slugs(pack)
    assert catalog.anonymous_order(pack)
    assert catalog.load_scenario("amber-fox", pack).level == "mid"
    assert catalog.patch_text("amber-fox", pack) == ""
    assert catalog.find("amber-fox", pack) == "amber-fox"


@pytest.mark.parametrize(
    "slug", ["../amber-fox", "/etc", "a/b", "a\\b", "..", "", "Amber", "a\nb", "x" * 5000, "amber-fox\0"]
)
def test_a_slug_is_a_plain_name(pack: Path, slug: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        catalog.load_scenario(slug, pack)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "says"),
    [
        ("scenario.yaml", "level: mid", "level: [mid", 5, "not valid YAML"),
        ("scenario.yaml", "level: mid", "level: expert", 4, "expert"),
        ("scenario.yaml", "level: mid", "levle: mid", 4, "levle"),
        ("scenario.yaml", "level: mid", "difficulty: easy\nlevel: mid", 6, "given twice"),
        ("scenario.yaml", "level: mid", "level: 3", 4, "Expected `str`"),
        ("scenario.yaml", "file: train.py", "file: 7", 9, "$.snippet[0].file"),
        ("scenario.yaml", "level: mid\n", "", 1, "missing required field `level`"),
        ("scenario.yaml", "rounds: [debug, review]", "rounds: []", None, "`rounds` is empty"),
        ("scenario.yaml", "level: mid", "level: mid\nminutes: {debug: 0}", None, "above 0"),
        ("scenario.yaml", "level: mid", "level: &a mid\nanother: *a", 4, "aliases"),
        ("scenario.yaml", "level: mid", "level: !!python/object:os.system mid", 4, "not valid YAML"),
        ("guide.yaml", ", Look at the norm.", "", 1, "length 3"),
        ("solution.yaml", "priority: 1", "priority: 9", 4, "9"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_file_and_line(
    pack: Path, name: str, old: str, new: str, line: int | None, says: str
) -> None:
    path = pack / "amber-fox" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    load = {
        "scenario.yaml": catalog.load_scenario, "guide.yaml": catalog.load_guide, "solution.yaml": catalog.load_solution
    }[name]  # fmt: skip
    with pytest.raises(ScenarioError) as caught:
        load("amber-fox", pack)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: " if line else f"{path}: ")
    assert says in message and "\n" not in message


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"- a\n- b\n", b"42", b"x" * 2_000_000, b"[" * 5000, b"a: \x00"]
)
def test_files_that_are_no_scenario(pack: Path, content: bytes) -> None:
    (pack / "amber-fox" / "scenario.yaml").write_bytes(content)
    with pytest.raises(ScenarioError, match=r"scenario\.yaml") as caught:
        catalog.load_scenario("amber-fox", pack)
    assert "\n" not in str(caught.value)


def test_missing_things_are_named(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pack / "amber-fox" / "bug.patch").unlink()
    with pytest.raises(ScenarioError, match=r"lacks its bug\.patch"):
        catalog.patch_text("amber-fox", pack)
    with pytest.raises(ScenarioError, match="did you mean amber-fox"):
        catalog.load_scenario("amberfox", pack)
    with pytest.raises(ScenarioError, match="not a folder"):
        catalog.slugs(pack / "none")
    monkeypatch.setenv("FLATLINE_SCENARIOS", str(pack / "none"))
    with pytest.raises(ScenarioError, match="FLATLINE_SCENARIOS"):
        catalog.slugs()


def test_names_that_would_clash_or_escape_are_refused(pack: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("secret: 1\n")
    (pack / "amber-fox" / "guide.yaml").unlink()
    (pack / "amber-fox" / "guide.yaml").symlink_to(outside)
    with pytest.raises(ScenarioError, match="leads out"):
        catalog.load_guide("amber-fox", pack)
    (pack / "empty").mkdir()
    assert "empty" not in catalog.slugs(pack)
    (pack / "Bad Name").mkdir()
    (pack / "Bad Name" / "scenario.yaml").write_text("")
    with pytest.raises(ScenarioError, match="lower-case"):
        catalog.slugs(pack)


def test_a_pack_cannot_replace_a_scenario(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other" / "amber-fox").mkdir(parents=True)
    (tmp_path / "other" / "amber-fox" / "scenario.yaml").write_text("")
    monkeypatch.setenv("FLATLINE_SCENARIOS", str(tmp_path / "other"))
    with pytest.raises(ScenarioError, match="two scenarios"):
        catalog.slugs(pack)


@pytest.mark.parametrize("slug", catalog.slugs())
def test_every_bundled_scenario_loads(slug: str) -> None:
    scenario = catalog.load_scenario(slug)
    guide = catalog.load_guide(slug)
    solution = catalog.load_solution(slug)
    assert scenario.headline and solution.title
    assert {follow_up.id for follow_up in guide.follow_ups} <= set(solution.follow_ups)
