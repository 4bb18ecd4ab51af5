"""
Optimizers with parameter groups, and the learning rate schedule.

- matrices are decayed; embeddings are not
- AdamW, or SGD with momentum
- linear warmup, then a cosine down to min_lr_ratio of the peak
"""

import math

import torch


def parameter_groups(model, config):
    decay, no_decay = [], []
    for name, parameter in model.named_parameters():
        (no_decay if name.startswith(("embed", "head")) else decay).append(parameter)
    return [
        {"params": decay, "weight_decay": config.weight_decay},
        {"params": no_decay, "weight_decay": 0.0},
    ]


def build_optimizer(model, config):
    groups = parameter_groups(model, config)
    if config.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=config.lr, betas=(config.beta1, config.beta2))
    assert config.optimizer == "sgd", f"optimizer should be adamw or sgd, got {config.optimizer}"
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum)


def learning_rate(step, config):
    """Learning rate of an optimizer step, counted from 0."""
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    floor = config.lr * config.min_lr_ratio
    return floor + 0.5 * (config.lr - floor) * (1 + math.cos(math.pi * progress))


def set_learning_rate(optimizer, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr
