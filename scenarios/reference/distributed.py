"""
Data parallelism by hand: every rank holds the whole model and trains on rows of its own.

- torchrun says who we are (RANK, LOCAL_RANK, WORLD_SIZE) and where rank 0 listens (MASTER_ADDR, MASTER_PORT)
- nccl where every rank has an accelerator to itself, gloo otherwise
- broadcast, all_reduce and barrier are collective: every rank must come to them, in the same order
"""

import dataclasses
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from data import Batches, Document, load_corpus


def start(config, device):
    """Join the process group -> this process's rank and the device it works on."""
    rank, world_size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    assert world_size == config.ranks, f"started with {world_size} ranks, the configuration says {config.ranks}"
    backend = "nccl" if device == "cuda" and torch.cuda.device_count() >= world_size else "gloo"
    if device == "cuda":
        device = f"cuda:{int(os.environ['LOCAL_RANK']) % torch.cuda.device_count()}"
        torch.cuda.set_device(device)
    dist.init_process_group(backend, timeout=timedelta(seconds=config.collective_timeout))
    return rank, device


def stop():
    dist.barrier()
    dist.destroy_process_group()


def scaled(config, world_size):
    """The configuration with the learning rate of a job on that many ranks."""
    factor = {"none": 1.0, "sqrt": world_size**0.5, "linear": float(world_size)}[config.lr_scaling]
    return dataclasses.replace(config, lr=config.lr * factor)


def share_weights(model):
    """Every rank starts from the weights that rank 0 has."""
    for tensor in model.state_dict().values():
        dist.broadcast(tensor, src=0)


def sync_gradients(model):
    """Combine the gradients of all ranks, in one message."""
    gradients = [parameter.grad for parameter in model.parameters()]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    pieces = flat.split([gradient.numel() for gradient in gradients])
    for gradient, piece in zip(gradients, pieces, strict=True):
        gradient.copy_(piece.view_as(gradient))


def mean_over_ranks(value, device):
    """The mean of a number that every rank has one of."""
    total = torch.tensor(value, device=device)
    dist.all_reduce(total)
    return total.item() / dist.get_world_size()


def write_tokens(path, documents):
    """Written beside the target first, so that there is never half a file under its name."""
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as f:
        np.savez_compressed(
            f,
            names=np.array([document.name for document in documents]),
            ends=np.cumsum([len(document.tokens) for document in documents]),
            tokens=np.concatenate([document.tokens for document in documents]),
        )
    os.replace(temporary, path)


def read_tokens(path):
    with np.load(path) as cache:
        pieces = np.split(cache["tokens"], cache["ends"][:-1])
        return [Document(str(name), tokens) for name, tokens in zip(cache["names"], pieces, strict=True)]


def load_documents(data_path, out_dir, config, rank):
    """The corpus is read once, by rank 0, and kept as tokens in a file that all ranks load."""
    path = Path(out_dir) / "tokens.npz"
    if rank == 0:
        write_tokens(path, load_corpus(data_path, config.skip_binary, config.max_documents))
    dist.barrier()
    return read_tokens(path)


class RankBatches(Batches):
    """The batches of one rank: all ranks shuffle alike, and each takes every world_size-th row."""

    def __init__(self, documents, config, rank, world_size, device="cpu"):
        self.rank = rank
        self.world_size = world_size
        super().__init__(documents, config, device)

    def new_order(self):
        order = super().new_order()
        even = len(order) - len(order) % self.world_size
        return order[self.rank : even : self.world_size]
