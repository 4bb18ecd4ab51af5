"""Validation: mean loss over the same held-out rows every time."""

import torch

from data import rows
from loss import language_model_loss


class Validation:
    def __init__(self, documents, config, device="cpu"):
        cut, _ = rows(documents, config.seq_len)
        n = config.eval_batches * config.micro_batch * config.accumulation
        spread = torch.linspace(0, len(cut) - 1, min(n, len(cut))).long()  # evenly over all held-out documents
        self.tokens = torch.from_numpy(cut).long()[spread].to(device)  # (N, T+1)
        self.batch_size = config.micro_batch * config.accumulation

    @torch.no_grad()
    def loss(self, model):
        """Mean cross-entropy in nats, a float. Leaves the model in the mode it was in."""
        was_training = model.training
        model.eval()
        total = 0.0
        for tokens in self.tokens.split(self.batch_size):
            x, y = tokens[:, :-1], tokens[:, 1:]
            total += language_model_loss(model(x), y).item() * len(tokens)
        model.train(was_training)
        return total / len(self.tokens)
