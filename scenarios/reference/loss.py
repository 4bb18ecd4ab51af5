"""The training objective: mean cross-entropy of the next token, in nats."""

import torch.nn.functional as F


def language_model_loss(logits, targets):
    """logits (B, T, V), targets (B, T) -> scalar. Computed in float32 whatever the model ran in."""
    logits = logits.float()
    B, T, V = logits.shape
    return F.cross_entropy(logits.reshape(B * T, V), targets.reshape(B * T))
