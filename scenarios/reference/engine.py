"""
Generation with a key-value cache: each new token costs one position, not the whole prefix again.
"""

import torch


class LayerCache:
    """Keys and values of one layer, (B, nh, S, hd) each, growing along S."""

    def __init__(self):
        self.k = None
        self.v = None

    def append(self, k, v):
        self.k = k if self.k is None else torch.cat([self.k, k], dim=2)
        self.v = v if self.v is None else torch.cat([self.v, v], dim=2)
        return self.k, self.v


class KVCache:
    def __init__(self, n_layer):
        self.layers = [LayerCache() for _ in range(n_layer)]

    @property
    def length(self):
        """Positions held so far."""
        k = self.layers[0].k
        return 0 if k is None else k.size(2)


def sample(logits, temperature, top_k=0, generator=None):
    """logits (B, V) -> tokens (B, 1); temperature 0 takes the most likely one, top_k > 0 leaves only that many."""
    if temperature == 0:
        return logits.argmax(dim=-1, keepdim=True)
    if top_k > 0:
        k = min(top_k, logits.size(-1))
        lowest = logits.topk(k).values[:, -1:]  # (B, 1)
        logits = logits.masked_fill(logits < lowest, float("-inf"))
    probabilities = torch.softmax(logits.float() / temperature, dim=-1)
    return torch.multinomial(probabilities, num_samples=1, generator=generator)


@torch.no_grad()
def generate(model, prompt, max_new_tokens, temperature=0.0, top_k=0, generator=None):
    """prompt (B, T) int64 -> (B, T + new); stops where the model runs out of positions."""
    was_training = model.training
    model.eval()
    cache = KVCache(model.config.n_layer)
    tokens, fresh = prompt, prompt
    for _ in range(min(max_new_tokens, model.config.seq_len - prompt.size(1))):
        logits = model(fresh, cache)[:, -1]  # (B, V)
        fresh = sample(logits, temperature, top_k, generator)
        tokens = torch.cat([tokens, fresh], dim=1)
    model.train(was_training)
    return tokens
