"""Checkpoints: all that a run needs to go on as if it had not stopped."""

import dataclasses
import os
from pathlib import Path

import torch


def file_of(out_dir, step):
    return Path(out_dir) / f"step_{step:06d}.pt"


def latest(out_dir):
    """The checkpoint of the last step that has one."""
    files = sorted(Path(out_dir).glob("step_*.pt"))
    assert files, f"no checkpoint in {out_dir}"
    return files[-1]


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
