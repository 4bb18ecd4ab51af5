"""
Train a small classifier of handwritten digits.

    python classify.py --config configs/digits.yaml --data digits.npz --out runs/digits [--set lr=1e-3 ...]
"""

import argparse
import math
import random
from pathlib import Path

import numpy as np
import torch

import checkpoint
from config import load_config
from digits import Loaders, load_splits
from scores import Totals, VisionLog, evaluate
from vision import ConvNet, class_weights, classification_loss
from vision_config import VisionConfig


class EarlyStopping:
    """Tells when a loss has not improved for `patience` epochs."""

    def __init__(self, patience):
        self.patience = patience
        self.best = math.inf
        self.waited = 0

    def improved(self, loss):
        """Whether this epoch's loss is the lowest so far."""
        if loss < self.best:
            self.best, self.waited = loss, 0
            return True
        self.waited += 1
        return False

    def over(self):
        return self.waited >= self.patience


def learning_rate_factor(step, config):
    """Share of the peak learning rate at an optimizer step, counted from 0: linear warmup, then a cosine."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    progress = min(1.0, (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps))
    return config.min_lr_ratio + 0.5 * (1 - config.min_lr_ratio) * (1 + math.cos(math.pi * progress))


def train_epoch(model, optimizer, scheduler, loader, totals, config, log, step):
    """One pass over the training images, added to totals; returns the number of the next step."""
    weights = class_weights(loader.dataset.labels, config.classes).to(model.device)
    model.train()
    for x, y in loader:  # (B, 1, H, W), (B,)
        x, y = x.to(model.device), y.to(model.device)
        logits = model(x)  # (B, classes)
        loss = classification_loss(logits, y, weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        grad_norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip).item()
        lr = scheduler.get_last_lr()[0]
        optimizer.step()
        scheduler.step()
        totals.add(loss.item(), logits, y)
        log.step(step, loss=loss.item(), lr=lr, grad_norm=grad_norm)
        step += 1
    return step


def fit(model, optimizer, scheduler, loaders, config, log, best):
    """Epochs until the schedule or patience ends; the best weights are kept in a file and taken back at the end."""
    scaler = torch.amp.GradScaler(model.device.type, enabled=False)  # checkpoints have a place for it
    stopping = EarlyStopping(config.patience)
    step = 0
    for epoch in range(math.ceil(config.steps / loaders.batches())):
        totals = Totals()
        step = train_epoch(model, optimizer, scheduler, loaders.train(epoch), totals, config, log, step)
        val = evaluate(model, loaders.evaluation("val"), config)
        log.epoch(step, epoch, totals, val)
        if stopping.improved(val.loss):
            checkpoint.save(best, model, optimizer, scaler, step, config)
        if stopping.over():
            log.say(f"no better loss for {config.patience} epochs, stopping")
            break
    checkpoint.load(best, model, optimizer, scaler)
    return step


def train(config, data_path, out_dir, device="cpu"):
    random.seed(config.seed)
    np.random.seed(config.seed)
    torch.manual_seed(config.seed)
    splits = load_splits(data_path, config)
    loaders = Loaders(splits, config)
    model = ConvNet(config).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate_factor(step, config))
    log = VisionLog(out_dir, config)
    log.say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(splits.train):,} training images")
    step = fit(model, optimizer, scheduler, loaders, config, log, Path(out_dir) / "best.pt")
    log.final(step, evaluate(model, loaders.evaluation("test"), config))
    return model


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train a small classifier of handwritten digits.")
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args(argv)
    config = load_config(args.config, dict(pair.split("=", 1) for pair in args.set), kind=VisionConfig)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    return train(config, args.data, args.out, args.device)


if __name__ == "__main__":
    main()
