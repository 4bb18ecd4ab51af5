"""
Pretrain a small language model on several ranks.

    torchrun --nproc-per-node 2 train_ddp.py --config configs/ddp2.yaml --data corpus.jsonl --out runs/ddp2
"""

import argparse
from pathlib import Path

import torch

import checkpoint
from config import load_config
from data import decode, encode, split
from ddp_config import DDPConfig
from distributed import RankBatches, load_documents, mean_over_ranks, scaled, share_weights, start, stop, sync_gradients
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
    """One optimizer step, the same on every rank; returns this rank's mean loss and the gradient norm."""
    set_learning_rate(optimizer, lr)
    mean_loss = 0.0
    for _ in range(config.accumulation):
        x, y = next(batches)  # (B, T), (B, T)
        with autocast(config, x.device):
            loss = language_model_loss(model(x), y)
        loss = loss / config.accumulation
        scaler.scale(loss).backward()
        mean_loss += loss.item()
    sync_gradients(model)
    scaler.unscale_(optimizer)
    grad_norm = clip_gradients(model, config)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    return mean_loss, grad_norm


def sample_text(model, config, device, prompt="The "):
    """What the model makes of a prompt now."""
    tokens = torch.tensor([encode(prompt)], device=device)
    generator = torch.Generator(device=device).manual_seed(config.seed)
    out = generate(model, tokens, config.sample_tokens, config.temperature, config.top_k, generator)
    return decode(out[0].tolist())


def train(config, data_path, out_dir, device="cpu"):
    rank, device = start(config, device)
    torch.manual_seed(config.seed + rank)  # every rank has dropout masks of its own

    # -------------------------------------------------------------------------
    # Set-up
    train_documents, val_documents = split(load_documents(data_path, out_dir, config, rank), config.val_fraction)
    batches = RankBatches(train_documents, config, rank, config.ranks, device)
    config = scaled(config, config.ranks)
    model = GPT(config).to(device)
    share_weights(model)
    optimizer = build_optimizer(model, config)
    scaler = torch.amp.GradScaler(torch.device(device).type, enabled=config.compute_dtype == "float16")
    if rank == 0:
        validation = Validation(val_documents, config, device)
        log = RunLog(out_dir, config)
        log.say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {config.ranks} ranks")
    print(f"training on {len(batches.order):,} rows", flush=True)

    # -------------------------------------------------------------------------
    # Loop
    model.train()
    for step in range(config.steps):
        if rank == 0 and step % config.eval_every == 0:
            log.evaluation(step, validation.loss(model))
        lr = learning_rate(step, config)
        loss, grad_norm = train_step(model, optimizer, scaler, batches, config, lr)
        loss = mean_over_ranks(loss, device)
        if rank == 0:
            log.step(step, loss=loss, lr=lr, grad_norm=grad_norm)
            if (step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps:
                checkpoint.save(checkpoint.file_of(out_dir, step + 1), model, optimizer, scaler, step + 1, config)
                log.sample(step + 1, sample_text(model, config, device))
    if rank == 0:
        log.evaluation(config.steps, validation.loss(model))
    stop()
    return model


def main(argv=None):
    parser = argparse.ArgumentParser(description="Pretrain a small language model on several ranks.")
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args(argv)
    config = load_config(args.config, dict(pair.split("=", 1) for pair in args.set), DDPConfig)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    return train(config, args.data, args.out, args.device)


if __name__ == "__main__":
    main()
