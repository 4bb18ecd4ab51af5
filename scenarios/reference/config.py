"""
The job's configuration: one flat dataclass, read from a YAML file, every key with its unit.

- unknown keys and values of the wrong type are refused, so a typo cannot be silently ignored
- `--set key=value` on the command line overrides the file
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Config:
    # model
    vocab_size: int = 256  # bytes
    seq_len: int = 64  # T, positions per row
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 96
    norm_position: str = "pre"  # pre | post
    qk_norm: bool = True
    dropout: float = 0.0  # of the attention output and of the MLP's hidden units
    residual_dtype: str = "float32"  # dtype of the residual stream
    # precision
    compute_dtype: str = "float32"  # float32 | bfloat16 | float16 (float16 with a GradScaler)
    # data
    val_fraction: float = 0.1  # of the documents
    skip_binary: bool = True  # drop documents that are mostly unprintable
    max_documents: int = 0  # keep only the first so many, 0 keeps all
    # optimization
    optimizer: str = "adamw"  # adamw | sgd
    lr: float = 3e-3  # peak
    beta1: float = 0.9
    beta2: float = 0.95
    momentum: float = 0.9  # sgd only
    weight_decay: float = 0.05  # matrices only
    warmup_steps: int = 20
    min_lr_ratio: float = 0.1  # final learning rate over peak
    grad_clip: float = 1.0  # global norm, 0 turns clipping off
    micro_batch: int = 4  # rows per forward pass
    accumulation: int = 4  # micro-batches per optimizer step
    steps: int = 300
    stop_after: int = 0  # end a first job after so many steps, to be resumed by a second; 0 runs through
    seed: int = 0
    # reporting
    log_every: int = 10
    eval_every: int = 25
    eval_batches: int = 8
    checkpoint_every: int = 100
    # sampling, at every checkpoint
    sample_tokens: int = 48
    temperature: float = 0.0  # 0 takes the most likely token
    top_k: int = 0  # sample among the k most likely tokens, 0 among all


def load_config(path, overrides=None, kind=Config):
    """Read a configuration from a YAML file; `overrides` maps keys to strings or values and wins over the file."""
    values = yaml.safe_load(Path(path).read_text()) or {}
    values.update(overrides or {})
    fields = {field.name: field.type for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    assert not unknown, f"unknown configuration keys: {', '.join(unknown)}"
    return kind(**{key: convert(key, value, fields[key]) for key, value in values.items()})


def convert(key, value, kind):
    if isinstance(value, str) and kind is not str:
        value = yaml.safe_load(value)
    if kind is float and isinstance(value, (int, str)):
        value = float(value)  # YAML reads 3e-3 as a string
    assert type(value) is kind, f"{key} should be {kind.__name__}, got {value!r}"
    return value
