"""Fits the ear's classifier and writes `simulator/interviewer/weights`: `python tools/fit_ear.py` (torch; nearly two
hours on two cores).

The encoder: see `ear_corpus` and `transformer`. The linear models: multinomial logistic regression over the features of
`grams`, with feature dropout, on the training messages and the vocabulary's own phrases. A message that does several
things is cut into its pieces, and each piece goes to the label it fits best under a first fit (hard expectation
maximisation); pieces that say nothing are fillers. Last, who is to be believed (`trust`), from people left out.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from grader import encoder, trees
from grader.encoder import key
from grader.trees import Trees
from scenarios import vocabulary as bundled
from scenarios.schema import Vocabulary
from simulator.interviewer import grams, labelled
from simulator.interviewer.classifier import SCALE, Classifier, Linear
from simulator.interviewer.clauses import plain
from simulator.interviewer.hearing import both
from simulator.interviewer.labelled import Labelled
from simulator.interviewer.params import Run
from simulator.interviewer.phrases import Index, index_of
from simulator.interviewer.reading import Reading
from simulator.interviewer.spans import FILLER, REQUEST, pieces
from simulator.interviewer.trust import Heard, Trust, candidates, features
from simulator.interviewer.wants import Wants

WEIGHTS = Path(__file__).parents[1] / "simulator" / "interviewer" / "weights"
EPOCHS, RATE, DECAY, DROPPED, BATCH = 10, 0.03, 2e-6, 0.3, 256
SELDOM = 3  # features of fewer texts are left out
SEVERAL, PIECE, SINGLE_PIECE = 0.5, 0.7, 0.5  # weights of whole messages with several labels, and of pieces
LEFT_OUT = 3  # every third hand is left out, for `trust`
GATHERED = ("ids_", "vocabulary")  # wordings gathered by id, which every fold may learn from
RUN = Run(labelled.STEPS, labelled.LAYERS)
DEPTH = 5  # of the trees of `trust`
_NONE = np.zeros(0)
NO_TRUST = Trust(Trees(_NONE, _NONE, _NONE, _NONE, _NONE, _NONE, 0))
UNLIKE = 0.35  # a piece of a single request less like it than this is a filler


class Read(NamedTuple):
    """A message prepared: its text for the ear, what the rules make of it, and its features and those of its pieces."""

    text: str
    rules: Reading
    topic: set[str]
    mood: set[str]
    pieces: list[tuple[set[str], set[str]]]


class Example(NamedTuple):
    features: set[str]
    labels: tuple[str, ...]
    weight: float


def act_of(message: Labelled, act: str) -> str:
    return message.mark if act == "unclear" and message.mark else act


def messages(vocabulary: Vocabulary) -> list[Labelled]:
    """What there is to learn from: the training messages and the vocabulary's phrases."""
    return [*labelled.read("train"), *_phrases(vocabulary)]


def fingerprint(items: Iterable[Labelled]) -> str:
    """A hash of the messages with their labels."""
    digest = hashlib.sha256()
    for item in items:
        digest.update(f"{item.text}\t{item.acts}\t{sorted(item.ids)}\t{item.mark}\n".encode())
    return digest.hexdigest()[:16]


@functools.cache
def prepared(text: str, index: Index) -> Read:
    said = plain(text)
    rules = Reading(said, index, Wants(index, RUN, ()))
    around = grams.around(said, rules.acts, bool(rules.wants.requests))
    parts = [said[start:end] for start, end in pieces(said)]
    seen = [(grams.topic(part, index), grams.mood(part, index) | around) for part in parts] if len(parts) > 1 else []
    return Read(said, rules, grams.topic(said, index), grams.mood(said, index) | around, seen)


def fit(items: Sequence[Labelled], trust: Trust = NO_TRUST) -> Classifier:
    """A classifier of `items`. Deterministic on one machine."""
    import ear_corpus

    index = index_of(bundled.load())
    whole = [prepared(item.text, index) for item in items]
    topics = [
        Example(read.topic, tuple(sorted(item.ids)), 1.0 if len(item.ids) == 1 else SEVERAL)
        for read, item in zip(whole, items, strict=True)
        if item.ids
    ]
    moods = []
    for read, item in zip(whole, items, strict=True):
        acts = tuple(dict.fromkeys(act_of(item, act) for act in item.acts))
        moods.append(Example(read.mood, acts, 1.0 if len(acts) == 1 else SEVERAL))
    topic_known, mood_known = _known(topics), _known(moods)
    topic, mood = _linear(topics, topic_known), _linear(moods, mood_known, FILLER)
    more_topics, more_moods = _pieces(whole, items, topic, mood)
    return Classifier(
        _linear([*topics, *more_topics], topic_known),
        _linear([*moods, *more_moods], mood_known, FILLER),
        ear_corpus.fit(items, index),
        trust,
        fingerprint(items),
    )


def hands() -> list[tuple[str, ...]]:
    """Personas by who wrote them: what one hand has written is learned from, or measured on, as a whole."""
    together = yaml.safe_load((labelled.MESSAGES / "hands.yaml").read_text(encoding="utf-8"))
    known = {persona for hand in together for persona in hand}
    personas = sorted({item.persona for item in labelled.read("train")})
    alone = [(persona,) for persona in personas if persona not in known and not persona.startswith(GATHERED)]
    return sorted([*map(tuple, together), *alone])


def overheard() -> list[tuple[Labelled, Heard]]:
    """What a classifier makes of people whom it was not fitted on."""
    vocabulary = bundled.load()
    index, items = index_of(vocabulary), messages(vocabulary)
    left_out = {persona for hand in hands()[::LEFT_OUT] for persona in hand}
    classifier = fit([item for item in items if item.persona not in left_out])
    found = []
    for item in items:
        if item.persona in left_out:
            read = prepared(item.text, index)
            found.append((item, both(read.text, read.rules, index, classifier)))
    return found


def fit_trust(people: Iterable[tuple[Labelled, Heard]]) -> Trust:
    """From what classifiers make of people that they were not fitted on."""
    import boosting

    seen: list[list[float]] = []
    right: list[bool] = []
    for item, heard in people:
        for asks in candidates(heard):
            seen.append(features(heard, asks))
            right.append(asks == item.ids)
    return Trust(boosting.fit(np.array(seen, dtype=np.float32), right, DEPTH)[0])


def _pieces(
    whole: Sequence[Read], items: Sequence[Labelled], topic: Linear, mood: Linear
) -> tuple[list[Example], list[Example]]:
    """The pieces of the messages, each under the label of its message that it fits best."""
    topics: list[Example] = []
    moods: list[Example] = []
    for read, item in zip(whole, items, strict=True):
        seen = read.pieces
        if not seen:
            continue
        about = topic.log_probabilities([one for one, _ in seen])
        does = mood.log_probabilities([one for _, one in seen])
        labels = [(REQUEST, name) for name in sorted(item.ids)]
        labels += [(act_of(item, act), "") for act in item.acts if act != REQUEST]
        fits = np.stack(
            [
                does[:, mood.classes.index(act)] + (about[:, topic.classes.index(name)] if name else 0.0)
                for act, name in labels
            ],
            axis=1,
        )
        chosen = fits.argmax(axis=1)
        # Every label has a piece of its own.
        for k in set(range(len(labels))) - set(chosen.tolist()):
            chosen[fits[:, k].argmax()] = k
        best = {int(np.where(chosen == k, fits[:, k], -np.inf).argmax()) for k in range(len(labels))}
        weight = SINGLE_PIECE if len(labels) == 1 else PIECE
        for i, k in enumerate(chosen.tolist()):
            act, name = labels[k]
            if name and i not in best and math.exp(about[i, topic.classes.index(name)]) < UNLIKE:
                moods.append(Example(seen[i][1], (FILLER,), weight))
                continue
            moods.append(Example(seen[i][1], (act,), weight))
            if name:
                topics.append(Example(seen[i][0], (name,), weight))
    return topics, moods


def _known(examples: Sequence[Example]) -> dict[str, int]:
    counts = Counter(feature for example in examples for feature in example.features)
    kept = sorted((feature for feature, count in counts.items() if count >= SELDOM), key=key)
    return {feature: i for i, feature in enumerate(kept)}


def _linear(examples: Sequence[Example], known: dict[str, int], *further: str) -> Linear:
    import torch

    torch.manual_seed(0)
    random = np.random.default_rng(0)
    classes = (*sorted({label for example in examples for label in example.labels} - set(further)), *further)
    place = {name: i for i, name in enumerate(classes)}
    rows = [
        np.array(sorted(known[one] for one in example.features if one in known), dtype=np.int64) for example in examples
    ]
    targets = torch.zeros(len(examples), len(classes))
    for i, example in enumerate(examples):
        for label in example.labels:
            targets[i, place[label]] = 1 / len(example.labels)
    weights = torch.tensor([example.weight for example in examples])
    bag = torch.nn.EmbeddingBag(len(known), len(classes), mode="sum")
    torch.nn.init.zeros_(bag.weight)
    bias = torch.zeros(len(classes), requires_grad=True)
    optimizer = torch.optim.Adam([bag.weight, bias], lr=RATE)
    batches = math.ceil(len(rows) / BATCH)
    for epoch in range(EPOCHS):
        order = random.permutation(len(rows))
        for b in range(batches):
            at = order[b * BATCH : (b + 1) * BATCH]
            kept = [rows[i][random.random(rows[i].size) > DROPPED] for i in at]
            offsets = torch.tensor(np.cumsum([0, *(len(one) for one in kept[:-1])]))
            scales = torch.tensor([SCALE / math.sqrt(max(1, len(one))) for one in kept])[:, None]
            logits = bag(torch.tensor(np.concatenate(kept)), offsets) * scales + bias
            losses = -(targets[at] * torch.log_softmax(logits, dim=1)).sum(dim=1)
            loss = (losses * weights[at]).mean() + DECAY * bag.weight.square().sum()
            for group in optimizer.param_groups:
                group["lr"] = RATE * (1 - (epoch * batches + b) / (EPOCHS * batches))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return _quantised(classes, known, bag.weight.detach().numpy(), bias.detach().numpy())


def _quantised(classes: tuple[str, ...], known: dict[str, int], weights: np.ndarray, bias: np.ndarray) -> Linear:
    steps = (np.abs(weights).max(axis=0) / 127 + 1e-12).astype(np.float32)
    rows = np.rint(weights / steps).astype(np.int8)
    keys = np.array([key(feature) for feature in known], dtype=np.uint32)
    return Linear(classes, keys, rows, steps, bias.astype(np.float32))


def _phrases(vocabulary: Vocabulary) -> list[Labelled]:
    """Phrases of the vocabulary that mean one thing, as requests; its terms, as questions about a concept."""
    meant: dict[str, set[str]] = {}
    for diagnostic in vocabulary.diagnostics:
        if diagnostic.kind != "code":
            for phrase in (*diagnostic.phrases, diagnostic.id.replace("_", " "), diagnostic.shows):
                meant.setdefault(phrase, set()).add(diagnostic.id)
    found = [
        Labelled(
            text=phrase, acts=("request",), requests=tuple(labelled.request(name) for name in names),
            persona="vocabulary", where="vocabulary.yaml",
        )
        for phrase, names in meant.items()
        if len(names) == 1
    ]  # fmt: skip
    for concept in vocabulary.concepts:
        found += [
            Labelled(text=f"what is {phrase}?", acts=("concept",), persona="vocabulary", where="vocabulary.yaml")
            for phrase in (concept.term, *concept.phrases)
        ]
    return found


def save(classifier: Classifier, folder: Path = WEIGHTS) -> None:
    folder.mkdir(exist_ok=True)
    for name, linear in (("topic", classifier.topic), ("mood", classifier.mood)):
        np.savez(folder / f"{name}.npz", keys=linear.keys, rows=linear.rows, steps=linear.steps, bias=linear.bias)
    for i, one in enumerate(classifier.reader.encoders):
        encoder.save(one, folder / f"encoder_{i}")
    trees.save(classifier.trust.trees, folder / "trust.npz")
    about = {
        "data": classifier.data,
        "topic": classifier.topic.classes,
        "mood": classifier.mood.classes,
        "topics": classifier.reader.topics,
        "moods": classifier.reader.moods,
    }
    (folder / "about.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def alone() -> None:
    """One thread for each of several processes."""
    import torch

    torch.set_num_threads(1)


def main() -> int:
    items = messages(bundled.load())
    print(f"fitting on {len(items)} messages, and without every third of who wrote them ...", flush=True)
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1), initializer=alone) as pool:
        whole, left_out = pool.submit(fit, items), pool.submit(overheard)
        people = left_out.result()
        trust = fit_trust(people)
        right = np.mean([trust.choose(heard)[0] == item.ids for item, heard in people])
        print(f"{right:.1%} of {len(people)} messages of people left out are read right", flush=True)
        save(whole.result()._replace(trust=trust))
    return 0


if __name__ == "__main__":
    sys.exit(main())
