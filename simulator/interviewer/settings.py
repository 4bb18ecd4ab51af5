"""Which settings of a job a question is about ("is clipping on?", "what batch size?"), by their names in its config."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WHOLE = re.compile(
    r"\b(?:config\w*|hyper-?param\w*|hparams?|settings|set-?up|yaml|everything|all (?:the )?(?:options|flags))\b",
    re.IGNORECASE,
)
_NAMED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"clip\w*|max (?:grad )?norm", ("grad_clip",)),
    (r"batch(?:es)?(?: size)?|grad(?:ient)? accum\w*|accumulat\w*|micro-?batch\w*", ("micro_batch", "accumulation")),
    (r"optimi[sz]er|adamw?|sgd", ("optimizer",)),
    (r"betas?|beta ?[12]|adamw?", ("beta1", "beta2")),
    (r"momentum", ("momentum",)),
    (r"(?:peak|max|base) (?:lr|learning rate)", ("lr",)),
    (r"(?:min|final) (?:lr|learning rate)", ("lr", "min_lr_ratio")),
    (r"warm-?up", ("warmup_steps",)),
    (r"weight decay", ("weight_decay",)),
    (r"layers|n_layer|depth", ("n_layer",)),
    (r"heads|n_head", ("n_head",)),
    (r"hidden size|(?:model|embedding) (?:dim\w*|size|width)|d_model|n_embd|width", ("n_embd",)),
    (r"(?:context|sequence|seq) len\w*|seq_len|block size", ("seq_len",)),
    (r"vocab\w*", ("vocab_size",)),
    (r"qk[- ]?norm", ("qk_norm",)),
    (r"(?:pre|post)-?norm|norm position", ("norm_position",)),
    (r"(?:number of|how many|total) (?:training )?steps", ("steps",)),
)
_PATTERNS = tuple((re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), names) for pattern, names in _NAMED)


def named(text: str) -> tuple[str, ...]:
    """The settings that `text` names; none when it asks for the whole config."""
    if _WHOLE.search(text):
        return ()
    return tuple(dict.fromkeys(name for pattern, names in _PATTERNS if pattern.search(text) for name in names))


def only(config: str, names: Sequence[str]) -> str:
    """The lines `NAME  VALUE` of a config that are about `names`; all of it when one of them has no line."""
    lines = {line.split()[0].rstrip(":"): line for line in config.splitlines() if line.strip()}
    if not names or any(name not in lines for name in names):
        return config
    width = max(map(len, names)) + 2
    return "\n".join(re.sub(r"^(\S+)\s{2,}", lambda key: key[1].ljust(width), lines[name]) for name in names)
