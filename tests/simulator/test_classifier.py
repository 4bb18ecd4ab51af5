"""What the ear has learned: from which messages, and how it does on people it has not learned from."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import vocabulary
from simulator.interviewer import classifier, labelled, spans
from simulator.interviewer.phrases import index_of

ROOT = Path(__file__).parents[2]
WORDS = vocabulary.load()
INDEX = index_of(WORDS)
TRAIN, TEST = list(labelled.read("train")), list(labelled.read("test"))


def script(path: str) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_weights_were_fitted_on_the_messages_that_are_here() -> None:
    fit = script("tools/fit_ear.py")
    assert classifier.load().data == fit.fingerprint(fit.messages(WORDS)), "run `python tools/fit_ear.py`"


def test_every_label_is_of_the_vocabulary() -> None:
    known = {diagnostic.id for diagnostic in WORDS.diagnostics} | {f"code:{area.id}" for area in WORDS.areas}
    assert [message.where for message in (*TRAIN, *TEST) if not message.ids <= known] == []


def test_there_are_enough_messages_of_all_kinds() -> None:
    assert len(TRAIN) + len(TEST) >= 3000
    asked = Counter(name for message in TRAIN for name in message.ids)
    assert min(asked[diagnostic.id] for diagnostic in WORDS.diagnostics if diagnostic.kind != "code") >= 50
    assert sum(message.mark == "out_of_scope" for message in TEST) >= 30


def test_nobody_is_in_both_parts() -> None:
    assert not {message.persona for message in TRAIN} & {message.persona for message in TEST}


def test_people_it_has_not_learned_from_are_understood() -> None:
    bench = script("tests/benchmarks/ear.py")
    people = bench.left_out()
    ours, names = bench.count(people, bench.ours), bench.count(people, bench.by_names_alone)
    assert ours["exact"] / ours["requests"] > 0.89 > names["exact"] / names["requests"]
    assert ours["wrong"] / ours["messages"] < 0.03 < names["wrong"] / names["messages"]
    assert ours["act"] / ours["messages"] > 0.9
    assert ours["out of scope"] / ours["foreign"] > 0.85


def test_a_malformed_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for line in ("loss", "loss\twish\tloss", "loss\trequest\t", "loss\tsmalltalk\tloss", "x\trequest\tloss steps"):
        (tmp_path / "train" / "a.tsv").write_text(f"# who\n{line}\n")
        with pytest.raises(ValueError, match=r"a\.tsv:2"):
            list(labelled.read("train", tmp_path))


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_spans_lie_in_the_text_one_behind_the_other(text: str) -> None:
    text = text.lower()
    found, whole = spans.read(text, INDEX, classifier.load())
    ends = [0, *(edge for span in found for edge in (span.start, span.end)), len(text)]
    assert ends == sorted(ends)
    assert 0 <= whole <= 1
    assert all(0 < span.sure <= 1 and 0 < span.clear <= 1 for span in found)


def test_probabilities_sum_to_one() -> None:
    logs = classifier.load().topic.log_probabilities([set(), {"wloss"}, {"never seen"}])
    assert np.allclose(np.exp(logs).sum(axis=1), 1, atol=1e-5)
