"""
Questions put to the model, and how many of its answers are right.

- an answer is generated with the key-value cache, from the prompt alone, the most likely token each time
- it ends before the end token; its last line says `Answer: X`
- exact match: X is the label, letter by letter
"""

import re
from typing import NamedTuple

import torch

from chat import END, decode, prompt
from engine import generate


class Reply(NamedTuple):
    text: str
    said: str | None  # what was read out of the text
    label: str


def parse(text):
    """What the last line of an answer gives; None when there is no such line."""
    found = re.search(r"^Answer: (.+)\Z", text, re.MULTILINE)
    return found.group(1) if found else None


def answers(model, questions, config, device="cpu"):
    """Generated texts, in the order of the questions."""
    prompts = [prompt(question) for question in questions]
    texts = [""] * len(questions)
    for length in sorted({len(p) for p in prompts}):  # prompts of one length fill a batch without padding
        group = [i for i, p in enumerate(prompts) if len(p) == length]
        given = torch.tensor([prompts[i] for i in group], device=device)
        out = generate(model, given, config.answer_tokens)[:, length:]
        for i, tokens in zip(group, out.tolist(), strict=True):
            texts[i] = decode(tokens[: tokens.index(END)] if END in tokens else tokens)
    return texts


class Examination:
    """The same held-out questions every time."""

    def __init__(self, conversations, config, device="cpu"):
        self.conversations = conversations[: config.accuracy_questions]
        self.config = config
        self.device = device

    def replies(self, model):
        texts = answers(model, [c.question for c in self.conversations], self.config, self.device)
        return [Reply(text, parse(text), c.label) for text, c in zip(texts, self.conversations, strict=True)]


def accuracy(replies):
    return sum(reply.said == reply.label for reply in replies) / len(replies)
