"""Cached decoding against one full forward pass."""

from __future__ import annotations

from typing import Any

import torch

from gen_traces.checks import job
from gen_traces.checks.context import Context
from traces.format import Artifact

ID = "check_kv_cache"


def run(context: Context) -> Artifact:
    trained = context.model is not None
    model: Any = context.model if trained else job.fresh_model(context)
    T = context.config.seq_len
    tokens = job.rows(context, 2, T)
    model.eval()
    with torch.no_grad():
        data = compare_logits(context, model, tokens) | compare_generation(context, model, tokens[:, : T // 2])
    data["trained"] = trained
    return Artifact(
        text=(
            f"{'trained model' if trained else 'model at initialisation'}, decoding with the cache "
            f"against one full pass\n"
            f"largest |difference| of the logits: {data['difference']:.1e} (largest |logit|: {data['scale']:.1e})\n"
            f"most likely token differs at {data['argmax_disagreements']} of {data['positions']} positions\n"
            f"greedy text of generate() and without a cache: different in "
            f"{data['generation_disagreements']} of {data['generated']} tokens"
        ),
        data=data,
    )


def compare_logits(context: Context, model: Any, tokens: torch.Tensor) -> dict[str, Any]:
    full = model(tokens).float()
    cache = context.modules["engine"].KVCache(context.config.n_layer)
    half = tokens.size(1) // 2
    pieces = [tokens[:, :half], *tokens[:, half:].split(1, dim=1)]
    cached = torch.cat([model(piece, cache).float() for piece in pieces], dim=1)
    return {
        "difference": (cached - full).abs().max().item(),
        "scale": full.abs().max().item(),
        "argmax_disagreements": int((cached.argmax(-1) != full.argmax(-1)).sum()),
        "positions": full.size(0) * full.size(1),
    }


def compare_generation(context: Context, model: Any, prompt: torch.Tensor) -> dict[str, int]:
    new = min(16, context.config.seq_len - prompt.size(1))
    cached = context.modules["engine"].generate(model, prompt, new)
    model.eval()
    plain = prompt
    for _ in range(new):
        plain = torch.cat([plain, model(plain)[:, -1].argmax(-1, keepdim=True)], dim=1)
    differ = int((cached[:, prompt.size(1) :] != plain[:, prompt.size(1) :]).sum())
    return {"generation_disagreements": differ, "generated": prompt.size(0) * new}
