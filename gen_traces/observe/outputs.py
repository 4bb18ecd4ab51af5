"""What the trained model says: generated text, predictions, attention maps."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn as nn
from torch import Tensor

from gen_traces.observe.text import fields, glyphs, table
from traces.format import Artifact

PROMPTS = ("The ", "Return the ", "If the value is ")
NEW_TOKENS = 48


def samples_artifact(generate: Any, encode: Any, model: nn.Module, device: str, steps: int) -> Artifact:
    """Continuations by the job's own generation code, greedy and at temperature 0.8."""
    data = []
    for prompt in PROMPTS:
        tokens = torch.tensor([encode(prompt)], device=device)
        for temperature in (0.0, 0.8):
            generator = torch.Generator(device=device).manual_seed(0)
            entry: dict[str, Any] = {"prompt": prompt, "temperature": temperature}
            try:
                output = generate(model, tokens, NEW_TOKENS, temperature=temperature, generator=generator)
                entry["text"] = glyphs(output[0, tokens.size(1) :].tolist())
            except Exception as error:
                entry["error"] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
            data.append(entry)
    lines = [f"from the model after {steps} steps, {NEW_TOKENS} new tokens at most:"]
    for entry in data:
        how = "greedy" if entry["temperature"] == 0 else f"temperature {entry['temperature']}"
        lines.append(f"\n{entry['prompt']!r} ({how})\n  {entry.get('text', entry.get('error'))}")
    return Artifact("\n".join(lines), data)


def predictions_artifact(model: nn.Module, tokens: Tensor) -> Artifact:
    """tokens (T + 1,) of one validation row -> the five likeliest next tokens at eight positions of it."""
    model_was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(tokens[None, :-1])  # (1, T, V)
    model.train(model_was_training)
    probabilities = torch.softmax(logits[0].float(), dim=-1)
    T = probabilities.size(0)
    rows, data = [], []
    for position in [round(i * (T - 1) / 7) for i in range(8)]:
        top, likely = probabilities[position].topk(min(5, probabilities.size(-1)))
        true = int(tokens[position + 1])
        chance = float(probabilities[position, true])
        best = "  ".join(f"{_shown(token)} {p:.2f}" for token, p in zip(likely.tolist(), top.tolist(), strict=True))
        rows.append([position, _shown(int(tokens[position])), _shown(true), f"{chance:.3f}", best])
        data.append({"position": position, "true": true, "p_true": chance, "top": likely.tolist(), "p": top.tolist()})
    shapes = fields(
        [("inputs", (1, T)), ("logits", f"{tuple(logits.shape)} {str(logits.dtype)[6:]}"), ("labels", (1, T))]
    )
    head = "one validation row after training; p = probability of the true next token"
    return Artifact(f"{head}\n{shapes}\n\n" + table(["at", "input", "next", "p", "five likeliest"], rows), data)


def _shown(token: int) -> str:
    return "' '" if token == 32 else glyphs([token]) if 32 < token < 127 or token in (9, 10, 13) else f"x{token:02x}"


def attention_pattern_artifact(corners: dict[int, dict[str, list[list[float]]]]) -> Artifact:
    """Maps of the first recorded, a middle and the last recorded step; percent, rows are queries.

    `data` maps steps to heads to rows of fractions, each row up to its last key that is attended to.
    """
    steps = sorted(corners)
    chosen = sorted({steps[0], steps[len(steps) // 2], steps[-1]})
    blocks = ["attention in percent, first row of the batch: row = query, column = key"]
    for step in chosen:
        name, corner = next(iter(corners[step].items()))
        lines = [f"step {step}, {name}", "     " + "".join(f"{j:4d}" for j in range(len(corner[0])))]
        lines += [f"{i:4d} " + "".join(_percent(p) for p in row) for i, row in enumerate(corner)]
        blocks.append("\n".join(lines))
    rounded = {
        str(step): {name: [_rounded(row) for row in corner] for name, corner in corners[step].items()}
        for step in chosen
    }
    return Artifact("\n\n".join(blocks), rounded)


def _rounded(row: list[float]) -> list[float | int]:
    """To three decimals, without the zeros at the end."""
    length = max((i for i, p in enumerate(row, 1) if p != 0), default=0)
    return [0 if p == 0 else round(p, 3) for p in row[:length]]


def _percent(p: float) -> str:
    return " nan" if p != p else "   ." if p == 0 else f"{100 * p:4.0f}"
