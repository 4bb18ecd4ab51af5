"""
Pretrain a small language model.

    python train.py --config configs/base.yaml --data corpus.jsonl --out runs/base [--resume] [--set lr=1e-3 ...]
"""

import argparse
import random
from pathlib import Path

import numpy as np
import torch

import checkpoint
from config import load_config
from data import Batches, decode, encode, load_corpus, split
from engine import generate
from evaluate import Validation
from loss import language_model_loss
from model import DTYPES, GPT
from optim import build_optimizer, learning_rate, set_learning_rate
from runlog import RunLog


def autocast(config, device):
    dtype = DTYPES[config.compute_dtype]
    return torch.autocast(torch.device(device).type, dtype=dtype, enabled=dtype != torch.float32)


def clip_gradients(model, config):
    """Scale gradients down to a global norm of at most grad_clip; returns the norm they had."""
    limit = config.grad_clip if config.grad_clip > 0 else float("inf")
    return torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item()


def train_step(model, optimizer, scaler, batches, config, lr):
    """One optimizer step on accumulation x micro_batch rows; returns mean loss and gradient norm."""
    set_learning_rate(optimizer, lr)
    mean_loss = 0.0
    for _ in range(config.accumulation):
        x, y = next(batches)  # (B, T), (B, T)
        with autocast(config, x.device):
            loss = language_model_loss(model(x), y)
        loss = loss / config.accumulation
        scaler.scale(loss).backward()
        mean_loss += loss.item()
    scaler.unscale_(optimizer)
    grad_norm = clip_gradients(model, config)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    return mean_loss, grad_norm


def sample_text(model, config, device, prompt="The "):
    """What the model makes of a prompt now; leaves the job's random generators alone."""
    tokens = torch.tensor([encode(prompt)], device=device)
    generator = torch.Generator(device=device).manual_seed(config.seed)
    out = generate(model, tokens, config.sample_tokens, config.temperature, config.top_k, generator)
    return decode(out[0].tolist())


def train(config, data_path, out_dir, device="cpu", resume=False):
    random.seed(config.seed)
    np.random.seed(config.seed)
    torch.manual_seed(config.seed)

    # -------------------------------------------------------------------------
    # Set-up
    documents = load_corpus(data_path, config.skip_binary, config.max_documents)
    train_documents, val_documents = split(documents, config.val_fraction)
    batches = Batches(train_documents, config, device)
    validation = Validation(val_documents, config, device)
    model = GPT(config).to(device)
    optimizer = build_optimizer(model, config)
    scaler = torch.amp.GradScaler(torch.device(device).type, enabled=config.compute_dtype == "float16")
    log = RunLog(out_dir, config)
    log.say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(batches.rows):,} training rows")

    start = 0
    if resume:
        start = checkpoint.load(checkpoint.latest(out_dir), model, optimizer, scaler)
        batches.skip(start * config.accumulation)
        log.say(f"resuming at step {start}")

    # -------------------------------------------------------------------------
    # Loop
    model.train()
    end = config.stop_after if start < config.stop_after else config.steps
    for step in range(start, end):
        if step % config.eval_every == 0:
            log.evaluation(step, validation.loss(model))
        lr = learning_rate(step, config)
        loss, grad_norm = train_step(model, optimizer, scaler, batches, config, lr)
        log.step(step, loss=loss, lr=lr, grad_norm=grad_norm)
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == end:
            checkpoint.save(checkpoint.file_of(out_dir, step + 1), model, optimizer, scaler, step + 1, config)
            log.sample(step + 1, sample_text(model, config, device))
    if end < config.steps:
        log.say(f"stopping after step {end}, to be resumed")
    else:
        log.evaluation(end, validation.loss(model))
    return model


def main(argv=None):
    parser = argparse.ArgumentParser(description="Pretrain a small language model.")
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args(argv)
    config = load_config(args.config, dict(pair.split("=", 1) for pair in args.set))
    Path(args.out).mkdir(parents=True, exist_ok=True)
    return train(config, args.data, args.out, args.device, args.resume)


if __name__ == "__main__":
    main()
