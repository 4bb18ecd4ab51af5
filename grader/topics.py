"""Parts of a training job that people suspect: tells one suspicion from another without knowing the answer."""

from __future__ import annotations

import functools

from grader.phrases import find, phrase, plain, tokens

TOPICS: dict[str, tuple[str, ...]] = {
    "learning rate": ("learning rate", "step size"),
    "warmup": ("warmup",),
    "schedule": ("scheduler", "schedule", "decay", "cosine"),
    "clipping": ("clip", "clipping"),
    "gradient clearing": ("zero_grad", "clear gradients", "stale gradients", "zero the gradients"),
    "exploding gradients": ("exploding gradient", "gradient explode", "vanishing gradient", "gradient vanish"),
    "accumulation": ("accumulation", "micro-batch"),
    "mask": ("mask", "causal", "causality", "tril", "future"),
    "attention": ("attention", "softmax", "heads", "qk norm"),
    "position": ("rotary", "position", "positional"),
    "data order": ("shuffle", "data order", "sorted", "shard"),
    "data": ("data", "batch", "corpus", "document", "dataset", "tokenizer", "outlier"),
    "split": ("overlap", "contamination", "duplicates", "leakage"),
    "targets": ("target", "shifted", "off by one"),
    "loss": ("loss function", "cross entropy", "loss computation"),
    "initialisation": ("init", "initial weights"),
    "precision": ("fp16", "bf16", "precision", "overflow", "underflow", "loss scale", "scaler"),
    "optimizer": ("optimizer", "adam", "sgd", "momentum", "weight decay"),
    "frozen": ("frozen", "requires_grad", "not updated"),
    "normalisation": ("layernorm", "rmsnorm", "normalisation", "normalization", "post-norm", "pre-norm", "batchnorm"),
    "mode": ("eval mode", "train mode", "dropout"),
    "capacity": (
        "overfitting",
        "underfitting",
        "overfits",
        "underfits",
        "model too small",
        "model size",
        "few layers",
        "too deep",
        "too shallow",
        "memorise",
    ),
    "hardware": ("gpu", "hardware", "driver", "cuda", "nccl", "ecc"),
    "distributed": ("ddp", "all reduce", "ranks", "distributed"),
    "memory": ("memory", "oom"),
    "caching": ("kv cache", "cache"),
    "activations": ("activation", "residual stream", "dead units", "logits"),
    "evaluation": ("evaluation", "metric", "metrics", "running totals", "accuracy"),
    "template": ("prompt", "chat template", "template"),
    "answers": ("answer parser", "parser", "parsing", "answer format"),
    "packing": ("packing", "packed", "separator", "end token"),
    "loading": ("dataloader", "worker", "workers", "throughput", "starved"),
    "checkpoint": ("checkpoint", "checkpoints", "resume"),
    "augmentation": ("augmentation", "preprocessing"),
    "imbalance": ("imbalance", "rare class", "class weights"),
    "generation": ("sampling", "temperature", "top k", "greedy"),
    "noise": ("noise", "healthy run", "nothing wrong", "seed variance"),
}


# Too wide to stand beside one of the above; a suspicion all the same where nothing narrower is named.
WIDE: dict[str, tuple[str, ...]] = {
    "gradients": ("gradients", "backward pass"),
    "updates": ("updates", "step too large"),
    "leak": ("leak", "cheats"),
    "numerics": ("numerics", "numerical"),
    "forward pass": ("forward pass",),
}


@functools.lru_cache(maxsize=4096)
def topics(text: str) -> frozenset[str]:
    """Names of the parts that a text speaks of."""
    said = tokens(plain(text))
    return _named(TOPICS, said) or _named(WIDE, said)


def _named(options: dict[str, tuple[str, ...]], said: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for name, ways in options.items() if any(find(phrase(way), said) for way in ways))
