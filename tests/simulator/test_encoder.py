"""The ear's transformer: numpy does what PyTorch does, on any text."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.encoder import chances
from scenarios import vocabulary
from simulator.interviewer import classifier, impression, labelled
from simulator.interviewer.clauses import plain
from simulator.interviewer.impression import Reader
from simulator.interviewer.phrases import index_of

INDEX = index_of(vocabulary.load())
PEOPLE = list(labelled.read("train"))[::300]


@pytest.fixture(scope="module")
def corpus() -> Iterator[ModuleType]:
    tools = str(Path(__file__).parents[2] / "tools")
    sys.path.insert(0, tools)
    import ear_corpus

    yield ear_corpus
    sys.path.remove(tools)


def test_numpy_reads_as_pytorch_does(corpus: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = corpus.transformer
    for name in ("DROPPED", "DROPPED_WORDS"):
        monkeypatch.setattr(trainer, name, 0.0)
    people = [item for item in PEOPLE if plain(item.text)]
    lines = [corpus.example(corpus.as_text(item, INDEX), False).line for item in people]
    features = {one for line in lines for found in line for one in found}
    known = {feature: i for i, feature in enumerate(sorted(features, key=trainer.key))}
    torch.manual_seed(1)
    network = trainer.Network(len(known), 5, 48, seed=0).eval()
    reader = Reader(("loss", "lr", "log"), ("request", "hint"), [trainer.packed(network, known)])
    with torch.no_grad():
        wanted = torch.sigmoid(network(*trainer.Batcher(known, 48, 0)(lines))).numpy()
    for item, row in zip(people, wanted, strict=True):
        found = reader.read(plain(item.text), INDEX)
        assert np.allclose([*found.asked.values(), *found.does.values()], row, atol=0.02), item.text


def test_it_learns(corpus: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DROPPED", "DROPPED_WORDS"):
        monkeypatch.setattr(corpus.transformer, name, 0.0)
    Example = corpus.transformer.Example
    texts = {"show the loss": "loss", "show the rate": "rate", "the loss is fine": "none", "the rate is fine": "none"}
    seen = [Example([(f"w{word}",) for word in text.split()], frozenset((label,))) for text, label in texts.items()]
    fitted = corpus.transformer.fit(("loss", "rate", "none"), seen * 3, lambda: seen * 64, epochs=40, longest=8)
    for example in seen:
        given = fitted.read(example.line)
        assert [("loss", "rate", "none")[chances(given).argmax()]] == list(example.labels)
        assert given.shape == (len(example.line), 3)


def test_made_messages_keep_the_labels_of_what_they_are_made_of(corpus: ModuleType) -> None:
    people = corpus.Corpus([*PEOPLE, *labelled.read("train")][:2000], INDEX, seed=0)
    people.names = people.short
    known = {name for text in people.texts for name in text.asked}
    made = people.epoch()[len(people.texts) :]
    assert len(made) > 1000 and max(len(text.asked) for text in made) >= 3
    assert all(text.asked <= known and ("request" in text.does) == bool(text.asked) for text in made)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    said = plain(text)
    found = classifier.load().reader.read(said, INDEX)
    assert all(0 <= chance <= 1 for chance in (*found.asked.values(), *found.does.values()))
    assert all(0 <= start < end <= len(said) for start, end in found.places.values())
    assert len(impression.words(said, INDEX)) <= impression.MOST
