"""
A small GPT, written to be read.

- rotary position embeddings, no learned positions
- QK-norm: queries and keys are normalised before their product
- RMSNorm without parameters, before each branch (pre) or after each addition (post)
- ReLU^2 in the MLP, no biases anywhere
- untied input and output embeddings
- attention spelled out step by step: scores, mask, softmax, values
"""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class RMSNorm(nn.Module):
    """Divide by the root mean square over the last dimension; computed and returned in float32."""

    def __init__(self, eps=1e-6):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.pow(2).mean(dim=-1, keepdim=True) + self.eps)


def rotary_tables(seq_len, head_dim, base=10_000.0):
    """Cosines and sines of the rotation angles -> two of (seq_len, head_dim / 2)."""
    frequencies = base ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.outer(torch.arange(seq_len).float(), frequencies)
    return angles.cos(), angles.sin()


def apply_rotary(x, cos, sin):
    """Rotate pairs of channels of x (B, nh, T, hd) by the angle of their position."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class AttentionScores(nn.Module):
    def forward(self, q, k):
        # (B, nh, T, hd) @ (B, nh, hd, S) -> (B, nh, T, S)
        return q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))


class CausalMask(nn.Module):
    def forward(self, scores):
        T, S = scores.shape[-2:]  # the T queries are the last T of the S positions
        visible = torch.ones(T, S, dtype=torch.bool, device=scores.device).tril(diagonal=S - T)
        return scores.masked_fill(~visible, float("-inf"))


class AttentionSoftmax(nn.Module):
    def forward(self, scores):
        return F.softmax(scores.float(), dim=-1).to(scores.dtype)


class AttentionValues(nn.Module):
    def forward(self, weights, v):
        return weights @ v.to(weights.dtype)  # (B, nh, T, S) @ (B, nh, S, hd) -> (B, nh, T, hd)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0, "n_embd should be a multiple of n_head"
        self.n_head = config.n_head
        self.head_dim = config.n_embd // config.n_head
        self.q = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.k = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.v = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.out = nn.Linear(config.n_embd, config.n_embd, bias=False)
        self.qk_norm = RMSNorm() if config.qk_norm else nn.Identity()
        self.scores = AttentionScores()
        self.mask = CausalMask()
        self.weights = AttentionSoftmax()
        self.values = AttentionValues()
        self.dropout = nn.Dropout(config.dropout)

    def split_heads(self, x):
        B, T, C = x.shape
        return x.view(B, T, self.n_head, self.head_dim).transpose(1, 2)  # (B, T, C) -> (B, nh, T, hd)

    def forward(self, x, cos, sin, cache=None):
        B, T, C = x.shape
        q = self.split_heads(self.q(x))
        k = self.split_heads(self.k(x))
        v = self.split_heads(self.v(x))
        q, k = self.qk_norm(q), self.qk_norm(k)
        q, k = apply_rotary(q, cos, sin), apply_rotary(k, cos, sin)
        if cache is not None:
            k, v = cache.append(k, v)  # (B, nh, S, hd)
        weights = self.weights(self.mask(self.scores(q, k)))
        y = self.values(weights, v)
        y = y.transpose(1, 2).reshape(B, T, C)  # (B, nh, T, hd) -> (B, T, C)
        return self.dropout(self.out(y))


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(config.n_embd, 4 * config.n_embd, bias=False)
        self.act = nn.ReLU()
        self.dropout = nn.Dropout(config.dropout)
        self.down = nn.Linear(4 * config.n_embd, config.n_embd, bias=False)

    def forward(self, x):
        x = self.act(self.up(x)).square()  # (B, T, C) -> (B, T, 4C)
        return self.down(self.dropout(x))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.pre_norm = config.norm_position == "pre"
        self.norm_attn = RMSNorm()
        self.attn = Attention(config)
        self.norm_mlp = RMSNorm()
        self.mlp = MLP(config)

    def forward(self, x, cos, sin, cache=None):
        # the residual stream x keeps its own dtype, the branches are computed in theirs
        if self.pre_norm:
            x = x + self.attn(self.norm_attn(x), cos, sin, cache).to(x.dtype)
            x = x + self.mlp(self.norm_mlp(x)).to(x.dtype)
        else:
            x = self.norm_attn(x + self.attn(x.float(), cos, sin, cache).to(x.dtype)).to(x.dtype)
            x = self.norm_mlp(x + self.mlp(x.float()).to(x.dtype)).to(x.dtype)
        return x


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab_size, config.n_embd)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.norm = RMSNorm()
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        cos, sin = rotary_tables(config.seq_len, config.n_embd // config.n_head)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.init_weights()

    def init_weights(self):
        std = self.config.n_embd**-0.5
        branch_std = std / math.sqrt(2 * self.config.n_layer)  # 2 additions a block into the residual stream
        nn.init.normal_(self.embed.weight, std=std)
        nn.init.normal_(self.head.weight, std=0.1 * std)
        for block in self.blocks:
            for linear in (block.attn.q, block.attn.k, block.attn.v, block.mlp.up):
                nn.init.normal_(linear.weight, std=std)
            for linear in (block.attn.out, block.mlp.down):
                nn.init.normal_(linear.weight, std=branch_std)

    def forward(self, tokens, cache=None):
        """tokens (B, T) int64 -> logits (B, T, V); with a cache, tokens continue what it already holds."""
        T = tokens.size(1)
        start = cache.length if cache is not None else 0
        assert start + T <= self.config.seq_len, f"{start + T} positions, the model has {self.config.seq_len}"
        cos, sin = self.cos[start : start + T], self.sin[start : start + T]
        x = self.norm(self.embed(tokens)).to(DTYPES[self.config.residual_dtype])  # (B, T, C)
        for i, block in enumerate(self.blocks):
            x = block(x, cos, sin, cache.layers[i] if cache is not None else None)
        return self.head(self.norm(x))
