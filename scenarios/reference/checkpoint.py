"""Checkpoints: all that a run needs to go on as if it had not stopped."""

import dataclasses
import os
from pathlib import Path

import torch


def save(path, model, optimizer, scaler, step, config):
    """Written beside the target first, so that a crash leaves the last good file."""
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
        "step": step,  # optimizer steps done
        "config": dataclasses.asdict(config),
    }
    temporary = Path(path).with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def load(path, model, optimizer, scaler):
    """Restores in place; returns the number of optimizer steps done."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scaler.load_state_dict(state["scaler"])
    return state["step"]
