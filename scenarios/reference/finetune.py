"""
Train a small language model to answer questions.

    python finetune.py --config configs/chat.yaml --data conversations.jsonl --out runs/chat [--set lr=1e-3 ...]
"""

import argparse
import random
import resource
from pathlib import Path

import numpy as np
import torch

import checkpoint
from answers import Examination, accuracy
from chat import PAD, ChatBatches, ChatValidation, load_conversations, split
from chat_config import ChatConfig
from chatlog import ChatLog
from config import load_config
from loss import language_model_loss
from model import GPT
from optim import build_optimizer, learning_rate, set_learning_rate


def limit_memory(mebibytes):
    """Refuse to allocate beyond a limit, as a container does; 0 sets none."""
    if mebibytes:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (mebibytes * 2**20, hard))


def build_model(config, device="cpu"):
    """A fresh model; padding is embedded as zeros."""
    model = GPT(config).to(device)
    with torch.no_grad():
        model.embed.weight[PAD] = 0.0
    return model


def clip_gradients(model, config):
    """Scale gradients down to a global norm of at most grad_clip; returns the norm they had."""
    limit = config.grad_clip if config.grad_clip > 0 else float("inf")
    return torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item()


def train_step(model, optimizer, batches, config, lr):
    """One optimizer step on accumulation micro-batches; returns mean loss and gradient norm."""
    set_learning_rate(optimizer, lr)
    mean_loss = 0.0
    for _ in range(config.accumulation):
        x, y = next(batches)  # (B, T), (B, T)
        loss = language_model_loss(model(x), y) / config.accumulation
        loss.backward()
        mean_loss += loss.item()
    grad_norm = clip_gradients(model, config)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return mean_loss, grad_norm


def evaluate(step, model, validation, examination, log, config):
    if step % config.eval_every == 0 or step == config.steps:
        log.evaluation(step, validation.loss(model))
    if step % config.accuracy_every == 0 or step == config.steps:
        replies = examination.replies(model)
        log.accuracy(step, accuracy(replies))
        log.reply(step, examination.conversations[0].question, replies[0].text)


def train(config, data_path, out_dir, device="cpu"):
    random.seed(config.seed)
    np.random.seed(config.seed)
    torch.manual_seed(config.seed)
    limit_memory(config.memory_limit)

    # -------------------------------------------------------------------------
    # Set-up
    conversations = load_conversations(data_path, config.max_conversations)
    train_conversations, val_conversations = split(conversations, config.val_fraction)
    batches = ChatBatches(train_conversations, config, device)
    validation = ChatValidation(val_conversations, config, device)
    examination = Examination(val_conversations, config, device)
    model = build_model(config, device)
    optimizer = build_optimizer(model, config)
    scaler = torch.amp.GradScaler(torch.device(device).type, enabled=False)  # checkpoints have a place for it
    log = ChatLog(out_dir, config)
    log.say(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(batches.rows):,} training rows")

    # -------------------------------------------------------------------------
    # Loop
    model.train()
    for step in range(config.steps):
        lr = learning_rate(step, config)
        loss, grad_norm = train_step(model, optimizer, batches, config, lr)
        log.step(step, loss=loss, lr=lr, grad_norm=grad_norm)
        evaluate(step + 1, model, validation, examination, log, config)
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps:
            checkpoint.save(checkpoint.file_of(out_dir, step + 1), model, optimizer, scaler, step + 1, config)
    return model


def main(argv=None):
    parser = argparse.ArgumentParser(description="Train a small language model to answer questions.")
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args(argv)
    config = load_config(args.config, dict(pair.split("=", 1) for pair in args.set), ChatConfig)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    return train(config, args.data, args.out, args.device)


if __name__ == "__main__":
    main()
