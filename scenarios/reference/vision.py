"""
A small convolutional classifier, and what it is trained on.

- a stem, residual blocks of one convolution each, one linear layer over all that is left
- batch norm after every convolution, dropout of whole feature maps
- the first block is followed by max pooling
"""

import torch
import torch.nn as nn
import torch.nn.functional as F


class ConvBlock(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.conv = nn.Conv2d(config.channels, config.channels, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(config.channels, momentum=0.1)
        self.act = nn.ReLU()
        self.dropout = nn.Dropout2d(config.dropout)

    def forward(self, x):
        return x + self.dropout(self.act(self.norm(self.conv(x))))  # (B, C, H, W)


class ConvNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.stem = nn.Sequential(
            nn.Conv2d(1, config.channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(config.channels, momentum=0.1),
            nn.ReLU(),
        )
        self.blocks = nn.ModuleList(ConvBlock(config) for _ in range(config.n_layer))
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(config.channels * (config.image_size // 2) ** 2, config.classes)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    @property
    def device(self):
        return self.head.weight.device

    def forward(self, images):
        """images (B, 1, H, W) -> logits (B, classes)"""
        x = self.stem(images)  # (B, C, H, W)
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i == 0:
                x = self.pool(x)  # (B, C, H / 2, W / 2)
        return self.head(x.flatten(1))  # (B, C * H / 2 * W / 2) -> (B, classes)


def class_weights(labels, classes):
    """Weights (classes,) with which every class counts the same in the mean loss, whatever its share of the labels."""
    counts = torch.bincount(labels, minlength=classes).clamp(min=1)
    return len(labels) / (classes * counts.float())


def classification_loss(logits, labels, weights=None):
    """logits (B, classes), labels (B,) int64 -> scalar, mean cross-entropy in nats."""
    return F.cross_entropy(logits, labels, weight=weights)
